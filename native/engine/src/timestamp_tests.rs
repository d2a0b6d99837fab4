use super::*;

#[test]
fn milliseconds_fill_46_bits_and_no_more() {
    assert_eq!(ReadTimestamp::Millis(1).explicit().unwrap(), Some(1 << 18));
    assert_eq!(
        ReadTimestamp::Millis(MAX_PHYSICAL).explicit().unwrap(),
        Some(MAX_PHYSICAL << 18)
    );
    for refused in [0, MAX_PHYSICAL + 1, u64::MAX] {
        let error = ReadTimestamp::Millis(refused).explicit().unwrap_err();
        assert_eq!(error.kind, ErrorKind::InvalidTimestamp, "{refused}");
    }
    assert_eq!(ReadTimestamp::Latest.explicit().unwrap(), None);
}

#[test]
fn only_the_span_between_safe_point_and_now_is_read() {
    assert!(check(10, 10, 10).is_ok());
    assert_eq!(check(11, 10, 5).unwrap_err().kind, ErrorKind::InvalidTimestamp);
    assert_eq!(check(4, 10, 5).unwrap_err().kind, ErrorKind::GcSafePoint);
}
