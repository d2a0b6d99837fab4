//! Handles and index entries without a cluster: golden bytes of each layout, there and back, hostile bytes, and what is refused.
//! (That random entries equal TiDB's is tested on a cluster, in the engine.)

use crate::common::{field, hex, random, sized, unhex, unsigned};
use proptest::collection::vec;
use proptest::prelude::*;
use ti_codec::datum::Datum;
use ti_codec::field_type::type_code as t;
use ti_codec::handle::{decode_record_key, record_key, CommonHandleEncoder, Handle, OwnedHandle};
use ti_codec::index::{HandleLayout, IndexColumn, IndexEncoder};
use ti_codec::{CodecError, FieldType};

fn text(tp: u8, charset: &str, collate: &str) -> FieldType {
    FieldType {
        charset: charset.into(),
        collate: collate.into(),
        ..sized(tp, 40, -1)
    }
}

fn varchar() -> FieldType {
    text(t::VARCHAR, "utf8mb4", "utf8mb4_bin")
}

/// A column with id `offset + 1`.
fn column(offset: usize, field_type: FieldType) -> IndexColumn {
    IndexColumn {
        name: format!("c{offset}"),
        offset,
        column_id: offset as i64 + 1,
        field_type,
        prefix: None,
    }
}

fn bytes(text: &str) -> Datum<'_> {
    Datum::Bytes(text.as_bytes().into())
}

fn entry(encoder: &mut IndexEncoder, row: &[Datum<'_>], handle: &Handle<'_>) -> (String, String, bool) {
    let (mut key, mut value) = (Vec::new(), Vec::new());
    let distinct = encoder.entry(0x71, None, row, handle, &mut key, &mut value).unwrap();
    let mut alone = vec![1];
    assert_eq!(encoder.key(0x71, row, handle, &mut alone).unwrap(), distinct);
    assert_eq!(alone, key);
    // What follows t{table}_i{index}
    (hex(&key[19..]), hex(&value), distinct)
}

const INDEX: &str = "7480000000000000715f698000000000000002";

#[test]
fn keys_end_with_the_handle_unless_they_are_distinct() {
    let columns = vec![column(0, field(t::LONG)), column(1, unsigned(t::LONG))];
    let mut unique = IndexEncoder::new(2, true, columns.clone(), HandleLayout::Int).unwrap();
    let mut plain = IndexEncoder::new(2, false, columns, HandleLayout::Int).unwrap();
    let row = [Datum::Int(-1), Datum::Uint(7)];
    let with_null = [Datum::Int(-1), Datum::Null];
    let handle = Handle::Int(5);
    let mut key = Vec::new();
    plain.key(0x71, &row, &handle, &mut key).unwrap();
    assert!(hex(&key).starts_with(INDEX));
    let values = "037fffffffffffffff040000000000000007";
    let handle_in_key = "038000000000000005";
    assert_eq!(
        entry(&mut unique, &row, &handle),
        (values.into(), "0000000000000005".into(), true)
    );
    assert_eq!(
        entry(&mut plain, &row, &handle),
        (format!("{values}{handle_in_key}"), "30".into(), false)
    );
    assert_eq!(
        entry(&mut unique, &with_null, &handle),
        (format!("037fffffffffffffff00{handle_in_key}"), "30".into(), false)
    );
}

#[test]
fn values_restore_texts_whose_spaces_the_key_does_not_have() {
    let columns = vec![column(0, varchar()), column(1, field(t::LONG))];
    let mut unique = IndexEncoder::new(2, true, columns, HandleLayout::Int).unwrap();
    let row = [bytes("ab  "), Datum::Int(1)];
    let (key, value, _) = entry(&mut unique, &row, &Handle::Int(-2));
    // The key is that of "ab"; all columns are restored, and the tail holds the handle.
    assert_eq!(key, "016162000000000000f9038000000000000001");
    assert_eq!(value, "088000020000000102040005006162202001fffffffffffffffe");
    // A CHAR has no spaces at its end, and byte strings keep theirs: nothing to restore.
    for ft in [
        text(t::STRING, "utf8mb4", "utf8mb4_bin"),
        text(t::VARCHAR, "binary", "binary"),
        text(t::VARCHAR, "utf8mb4", "utf8mb4_0900_bin"),
        text(t::BLOB, "utf8mb4", "utf8mb4_bin"),
    ] {
        let mut unique = IndexEncoder::new(2, true, vec![column(0, ft)], HandleLayout::Int).unwrap();
        assert_eq!(entry(&mut unique, &row, &Handle::Int(-2)).1, "fffffffffffffffe");
    }
}

#[test]
fn common_handles_are_in_the_values_of_distinct_entries() {
    let primary = vec![column(2, varchar())];
    let handles = CommonHandleEncoder::new(primary.clone()).unwrap();
    let row = [bytes("x "), Datum::Null, bytes("k   ")];
    let mut handle = vec![7; 100];
    handles.encode(&row, &mut handle).unwrap();
    assert_eq!(hex(&handle), "016b00000000000000f8");
    let layout = HandleLayout::common(1, primary).unwrap();
    let mut unique = IndexEncoder::new(2, true, vec![column(0, varchar())], layout).unwrap();
    let (key, value, distinct) = entry(&mut unique, &row, &Handle::Common(&handle));
    assert!(distinct);
    assert_eq!(key, "017800000000000000f8");
    // Version 1, the handle, and the spaces of columns 1 and 3.
    assert_eq!(value, "007d017f000a016b00000000000000f88000020000000103010002000103");
    let error = unique
        .entry(1, None, &row, &Handle::Int(1), &mut Vec::new(), &mut Vec::new())
        .unwrap_err();
    assert!(error.to_string().contains("another kind"), "{error}");
}

#[test]
fn short_common_handles_are_filled_up() {
    let column = column(0, sized(t::NEW_DECIMAL, 2, 0));
    let encoder = CommonHandleEncoder::new(vec![column]).unwrap();
    let value = Datum::Decimal {
        value: ti_codec::mysql::decimal::Decimal::parse("-7").unwrap(),
        precision: 0,
        scale: 0,
    };
    let mut handle = Vec::new();
    encoder.encode(&[value], &mut handle).unwrap();
    assert_eq!(hex(&handle), "060200780000000000");
    let [Datum::Decimal { value, .. }] = &encoder.decode(&handle).unwrap()[..] else {
        panic!()
    };
    assert_eq!(value.to_string(), "-7");
    handle[8] = 1;
    encoder.decode(&handle).unwrap_err();
}

#[test]
fn prefixes_count_characters_or_bytes() {
    let cut = |ft: FieldType, value: Datum<'static>| {
        let column = IndexColumn {
            prefix: Some(2),
            ..column(0, ft)
        };
        let encoder = IndexEncoder::new(2, true, vec![column], HandleLayout::Int).unwrap();
        let mut key = Vec::new();
        encoder.key(1, &[value], &Handle::Int(1), &mut key).unwrap();
        hex(&key[19..])
    };
    assert_eq!(cut(varchar(), bytes("中b文")), "01e4b8ad6200000000fb");
    assert_eq!(cut(varchar(), bytes("中")), "01e4b8ad0000000000fa");
    assert_eq!(
        cut(text(t::BLOB, "binary", "binary"), bytes("中b")),
        "01e4b8000000000000f9"
    );
    assert_eq!(
        cut(text(t::VARCHAR, "ascii", "ascii_bin"), bytes("abc")),
        "016162000000000000f9"
    );
    assert_eq!(cut(varchar(), Datum::Null), "00038000000000000001");
}

#[test]
fn what_cannot_be_encoded_is_refused_by_name() {
    let refused = |ft: FieldType| IndexEncoder::new(1, false, vec![column(3, ft)], HandleLayout::Int).unwrap_err();
    for (ft, why) in [
        (field(t::JSON), "json"),
        (field(t::VECTOR_FLOAT32), "vector"),
        (text(t::VARCHAR, "gbk", "gbk_chinese_ci"), "gbk_chinese_ci"),
    ] {
        let error = refused(ft);
        let CodecError::Column { column, source } = &error else {
            panic!("{error}")
        };
        assert_eq!(column, "c3");
        assert!(matches!(**source, CodecError::UnsupportedFeature(_)), "{error}");
        assert!(error.to_string().contains(why), "{error}");
    }
    let error = HandleLayout::common(0, Vec::new()).unwrap_err();
    assert!(error.to_string().contains("common_handle_version"), "{error}");
}

#[test]
fn values_that_are_not_of_the_row_are_errors() {
    let mut encoder = IndexEncoder::new(1, true, vec![column(1, field(t::LONG))], HandleLayout::Int).unwrap();
    let (mut key, mut value) = (Vec::new(), Vec::new());
    let mut fails = |row: &[Datum<'_>]| {
        let error = encoder.entry(1, None, row, &Handle::Int(1), &mut key, &mut value);
        error.unwrap_err().to_string()
    };
    assert!(fails(&[Datum::Int(1)]).contains("offset 1"));
    assert!(fails(&[Datum::Int(1), Datum::Uint(1)]).contains("`c1`"));
    let handles = CommonHandleEncoder::new(vec![column(0, field(t::YEAR))]).unwrap();
    assert!(handles
        .encode(&[Datum::Null], &mut key)
        .unwrap_err()
        .to_string()
        .contains("NULL"));
    let handles = CommonHandleEncoder::new(vec![column(0, text(t::VARCHAR, "binary", "binary"))]).unwrap();
    let long = Datum::Bytes(vec![0; 70_000].into());
    handles.encode(&[long], &mut key).unwrap_err();
}

fn encoders() -> Vec<IndexEncoder> {
    let columns = || vec![column(0, varchar()), column(1, field(t::LONG_LONG))];
    let primary = || HandleLayout::common(1, vec![column(2, varchar())]).unwrap();
    let encoder = |unique, layout| IndexEncoder::new(2, unique, columns(), layout).unwrap();
    vec![
        encoder(true, HandleLayout::Int),
        encoder(false, HandleLayout::Int),
        encoder(true, primary()),
        encoder(false, primary()),
    ]
}

proptest! {
    #![proptest_config(random(500))]

    #[test]
    fn entries_name_their_rows(a in "[ a-c]{0,12}", b in proptest::option::of(any::<i64>()), c in "[ a-c]{0,12}", int in any::<i64>(), partition in proptest::option::of(any::<i64>())) {
        let row = [bytes(&a), b.map_or(Datum::Null, Datum::Int), bytes(&c)];
        let mut common = Vec::new();
        CommonHandleEncoder::new(vec![column(2, varchar())]).unwrap().encode(&row, &mut common).unwrap();
        for (i, mut encoder) in encoders().into_iter().enumerate() {
            let handle = if i < 2 { OwnedHandle::Int(int) } else { OwnedHandle::Common(common.clone()) };
            let (mut key, mut value) = (Vec::new(), Vec::new());
            let distinct = encoder.entry(9, partition, &row, &handle.as_handle(), &mut key, &mut value).unwrap();
            prop_assert_eq!(distinct, encoder.is_unique() && b.is_some());
            let named = encoder.decode_entry_handle(&key, &value).unwrap();
            prop_assert_eq!(&named.handle, &handle);
            prop_assert_eq!(named.partition_id, partition);
            let record = record_key(7, &handle.as_handle());
            prop_assert_eq!(decode_record_key(&record), Ok((7, handle)));
            // Cut anywhere, it is an error or another handle, and no panic.
            for end in 0..value.len() {
                let _ = encoder.decode_entry_handle(&key, &value[..end]);
            }
            for end in 0..key.len() {
                let _ = encoder.decode_entry_handle(&key[..end], &value);
            }
        }
    }

    #[test]
    fn hostile_bytes(key in vec(any::<u8>(), 0..60), value in vec(prop_oneof![Just(0u8), Just(1), Just(125), Just(126), Just(127), any::<u8>()], 0..40)) {
        let real = [unhex(INDEX), key.clone()].concat();
        for encoder in encoders() {
            let _ = encoder.decode_entry_handle(&key, &value);
            let _ = encoder.decode_entry_handle(&real, &value);
        }
        let _ = decode_record_key(&key);
        let record = [unhex("7480000000000000715f72"), key.clone()].concat();
        if let Ok((table, handle)) = decode_record_key(&record) {
            prop_assert_eq!(record_key(table, &handle.as_handle()), record);
        }
        let handles = CommonHandleEncoder::new(vec![column(0, varchar()), column(1, field(t::LONG))]).unwrap();
        let _ = handles.decode(&key);
    }
}
