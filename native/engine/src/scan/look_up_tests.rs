use super::*;

#[test]
fn neighbours_are_one_range() {
    let handles: Vec<OwnedHandle> = [-1, 0, 1, 5, i64::MAX].into_iter().map(OwnedHandle::Int).collect();
    let found = ranges(9, &handles);
    let at = |handle| ti_codec::key::record_key_int(9, handle);
    let starts: Vec<_> = found.iter().map(|r| r.start.clone()).collect();
    assert_eq!(starts, [at(-1), at(5), at(i64::MAX)]);
    let behind = |key: Vec<u8>| [key.as_slice(), &[0]].concat();
    assert_eq!(found[0].end, behind(at(1)));
    assert_eq!(found[2].end, behind(at(i64::MAX)));
    let common = [OwnedHandle::Common(vec![3; 9]), OwnedHandle::Common(vec![4; 9])];
    let found = ranges(9, &common);
    assert_eq!(found.len(), 2);
    assert_eq!(found[0].end, [found[0].start.as_slice(), &[0]].concat());
}

#[test]
fn handles_are_read_from_datums() {
    let look_up = |handle| {
        LookUp::new(&wire::LookUp {
            handle,
            batch_rows: 10,
            concurrency: 1,
            ..wire::LookUp::default()
        })
        .unwrap()
    };
    let mut bytes = Vec::new();
    for datum in [Datum::Int(-7), Datum::Uint(u64::MAX)] {
        datum.encode_value(&mut bytes).unwrap();
    }
    let mut reader = Reader::new(&bytes);
    let ints = look_up(Vec::new());
    assert_eq!(ints.handle(&mut reader).unwrap(), OwnedHandle::Int(-7));
    assert_eq!(ints.handle(&mut reader).unwrap(), OwnedHandle::Int(-1));
    let column = wire::WireColumn {
        tp: 15,
        charset: "utf8mb4".into(),
        collate: "utf8mb4_general_ci".into(),
        ..wire::WireColumn::default()
    };
    let common = look_up(vec![wire::WireKeyPart {
        column: Some(column),
        prefix: -1,
    }]);
    let mut bytes = Vec::new();
    Datum::Bytes(b"a".as_slice().into()).encode_value(&mut bytes).unwrap();
    let OwnedHandle::Common(handle) = common.handle(&mut Reader::new(&bytes)).unwrap() else {
        panic!("a common handle")
    };
    assert_eq!(handle, [1, 0, b'A', 0, 0, 0, 0, 0, 0, 0xf9], "the sort key");
    assert!(ints.handle(&mut Reader::new(&bytes)).is_err());
}
