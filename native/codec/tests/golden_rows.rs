//! Rows that TiDB's own packages made, in all their forms: read alike, and written again byte for byte.

use crate::common::{charset, field, hex, sized, unhex, unsigned};
use ti_codec::datum::Datum;
use ti_codec::field_type::type_code as t;
use ti_codec::row::{RowEncoder, RowView};
use ti_codec::FieldType;

fn columns() -> Vec<FieldType> {
    let with_elems = |tp| FieldType {
        elems: ["a", "b", "c"].map(String::from).to_vec(),
        ..field(tp)
    };
    vec![
        field(t::LONG),
        unsigned(t::LONG),
        field(t::LONG_LONG),
        unsigned(t::LONG_LONG),
        unsigned(t::YEAR),
        field(t::FLOAT),
        field(t::DOUBLE),
        sized(t::NEW_DECIMAL, 10, 2),
        charset(t::VARCHAR, "utf8mb4"),
        charset(t::VARCHAR, "binary"),
        sized(t::BIT, 10, 0),
        with_elems(t::ENUM),
        with_elems(t::SET),
        field(t::JSON),
        field(t::DATE),
        sized(t::DATETIME, -1, 6),
        sized(t::TIMESTAMP, -1, 1),
        sized(t::DURATION, -1, 6),
        field(t::VECTOR_FLOAT32),
    ]
}

#[test]
fn all_forms_of_a_row_are_alike() {
    let types = columns();
    let (mut rows, mut nulls, mut values) = (0, 0, 0);
    for line in include_str!("golden/rows.txt").lines().filter(|l| !l.starts_with('#')) {
        let fields: Vec<&str> = line.split(' ').collect();
        let [count, large, forms @ ..] = &fields[..] else {
            panic!("{line}")
        };
        let forms: Vec<Vec<u8>> = forms.iter().map(|form| unhex(form)).collect();
        let views: Vec<RowView<'_>> = forms.iter().map(|form| RowView::parse(form).unwrap()).collect();
        let id = |i: usize| {
            if *large == "true" {
                i as i64 * 100 + 3
            } else {
                i as i64 + 1
            }
        };
        let mut encoder = RowEncoder::new();
        for (i, ft) in types.iter().enumerate().rev() {
            let read: Vec<Option<Datum<'_>>> = views.iter().map(|view| view.get(id(i), ft).unwrap()).collect();
            assert_eq!(read.len(), 3);
            assert!(read.iter().all(|datum| *datum == read[0]), "{i}: {read:?}");
            assert_eq!(read[0].is_some(), i < count.parse().unwrap());
            match &read[0] {
                Some(Datum::Null) => nulls += 1,
                Some(_) => values += 1,
                None => continue,
            }
            encoder.push(id(i), ft, read[0].as_ref().unwrap()).unwrap();
        }
        for view in &views {
            assert_eq!(view.get(99, &types[0]), Ok(None));
            assert_eq!(view.get(id(types.len()), &types[0]), Ok(None));
        }
        let mut written = Vec::new();
        encoder.finish(&mut written).unwrap();
        assert_eq!(hex(&written), hex(&forms[1]));
        rows += 1;
    }
    assert_eq!((rows, nulls, values), (10, 60, 92));
}
