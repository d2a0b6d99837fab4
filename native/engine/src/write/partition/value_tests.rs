use super::*;

#[test]
fn literals_as_tidb_prints_them() {
    let read = |text: &str| literal(text).map(|bytes| String::from_utf8(bytes).unwrap_or_default());
    assert_eq!(read("'a''b'").as_deref(), Some("a'b"));
    assert_eq!(read("\"a\"\"b'\"").as_deref(), Some("a\"b'"));
    assert_eq!(read(r"'中\\\n\_'").as_deref(), Some("中\\\n\\_"));
    assert_eq!(read("_utf8mb4'x'").as_deref(), Some("x"));
    assert_eq!(literal("_binary 0x0aff"), Some(vec![0x0a, 0xff]));
    assert_eq!(literal("x'0aff'"), Some(vec![0x0a, 0xff]));
    assert_eq!(literal("''"), Some(vec![]));
    for bad in ["", "'", "'a", "a", "'a'b", "0x0", "0xgg", "x'00", "10", "'a\\"] {
        assert_eq!(literal(bad), None, "{bad}");
    }
}

#[test]
fn crc_of_the_standard_check_value() {
    let mut crc = Crc32::default();
    crc.update(b"1234");
    crc.update(b"56789");
    assert_eq!(crc.finish(), 0xcbf4_3926);
    assert_eq!(Crc32::default().finish(), 0);
}

#[test]
fn dates_need_four_digits_of_the_year() {
    assert!(full_date("2020-1-2").is_some());
    assert!(full_date("2020-01-02 10:11:12.5").is_some());
    assert!(full_date("20-01-02").is_none());
    assert!(full_date("20200102").is_none());
}
