#![allow(missing_docs)]
use ti_codec::field_type::type_code;
use ti_codec::{BatchBuilder, FieldType, OutputColumn, TypeOptions};
#[test]
fn bigint_and_varchar() {
    let cols = [
        OutputColumn {
            name: "a".into(),
            field_type: FieldType::new(type_code::LONG_LONG),
        },
        OutputColumn {
            name: "b".into(),
            field_type: FieldType::new(type_code::VARCHAR),
        },
    ];
    let mut b = BatchBuilder::new(&cols, &TypeOptions::default()).unwrap();
    let mut d = vec![2, 0, 0, 0, 1, 0, 0, 0, 1];
    d.extend(5i64.to_le_bytes());
    d.extend(0i64.to_le_bytes());
    d.extend([2, 0, 0, 0, 0, 0, 0, 0]);
    for o in [0i64, 1, 3] {
        d.extend(o.to_le_bytes());
    }
    d.extend(b"abc");
    assert_eq!(b.append_chunk(&d).unwrap(), 2);
    assert_eq!(b.append_chunk(&d).unwrap(), 2);
    let batch = b.finish().unwrap();
    assert_eq!(batch.num_rows(), 4);
    println!("{batch:?}");
}
