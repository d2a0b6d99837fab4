use super::*;

/// `m` + memcomparable name + flag, as TiDB's `pkg/structure` writes them.
#[test]
fn keys_are_those_of_tidb() {
    let version = schema_version();
    assert_eq!(
        version,
        b"mSchemaVe\xffrsionKey\xff\x00\x00\x00\x00\x00\x00\x00\x00\xf7\x00\x00\x00\x00\x00\x00\x00s"
    );
    assert_eq!(
        table(2, 10),
        b"mDB:2\x00\x00\x00\x00\xfb\x00\x00\x00\x00\x00\x00\x00hTable:10\xff\x00\x00\x00\x00\x00\x00\x00\x00\xf7"
    );
}

#[test]
fn the_range_of_tables_holds_tables_only() {
    let (start, end) = tables(2);
    let inside = |key: &[u8]| start.as_slice() <= key && key < end.as_slice();
    assert!(inside(&table(2, 0)) && inside(&table(2, 1)) && inside(&table(2, i64::MAX)));
    assert!(!inside(&table(1, 5)) && !inside(&table(3, 5)) && !inside(&table(20, 5)));
    assert!(
        !inside(&meta_hash_field_key(b"DB:2", b"TID:5")),
        "allocators of ids are not listed"
    );
    let (start, end) = databases();
    let database = meta_hash_field_key(b"DBs", b"DB:7");
    assert!(start <= database && database < end);
}
