use super::*;
use ti_proto::kvrpcpb::{TimeDetail, TimeDetailV2};

fn range(start: &str, end: &str) -> KeyRange {
    KeyRange::interval(start.to_string(), end.to_string())
}

#[test]
fn the_rest_of_a_page() {
    let ranges = [range("b", "d"), range("f", "h")];
    assert_eq!(remainder(&ranges, b"c").unwrap(), [range("c", "d"), range("f", "h")]);
    assert_eq!(remainder(&ranges, b"d").unwrap(), [range("f", "h")]);
    assert_eq!(remainder(&ranges, b"e").unwrap(), [range("f", "h")]);
    assert_eq!(remainder(&ranges, b"g").unwrap(), [range("g", "h")]);
    assert!(remainder(&ranges, b"h").unwrap().is_empty());
    assert!(remainder(&ranges, b"").unwrap().is_empty());
    let endless = remainder(&ranges, b"a").unwrap_err();
    assert_eq!(endless.kind, ClientErrorKind::Protocol);
}

#[test]
fn stores_count_their_time_in_one_of_two_units() {
    let coarse = Some(TimeDetail {
        process_wall_time_ms: 12,
    });
    let fine = Some(TimeDetailV2 {
        process_wall_time_ns: 12_345_678,
    });
    for (time_detail, time_detail_v2, nanos) in [
        (coarse, fine, 12_345_678),
        (coarse, None, 12_000_000),
        (None, fine, 12_345_678),
        (None, None, 0),
    ] {
        let details = ExecDetailsV2 {
            time_detail,
            time_detail_v2,
        };
        assert_eq!(processing_nanos(&details), nanos);
    }
}
