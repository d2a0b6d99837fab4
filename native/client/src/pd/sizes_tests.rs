use super::*;
use crate::region::KeyRange;

fn located(id: u64) -> LocatedRanges {
    LocatedRanges {
        region_id: id,
        ranges: vec![KeyRange::interval(format!("k{id}"), format!("k{}", id + 1))],
        host: String::new(),
    }
}

#[test]
fn a_page_tells_sizes_and_how_far_it_goes() {
    let end: String = key::encode(b"t\x80").iter().map(|byte| format!("{byte:02X}")).collect();
    let text = format!(
        r#"{{"count": 3, "regions": [{{"id": 4, "end_key": "00", "approximate_size": 96, "approximate_keys": 12}},
            {{"id": 5, "end_key": "00", "approximate_size": 0}}, {{"id": 6, "end_key": "{end}", "approximate_size": 1}}]}}"#
    );
    let mut sizes = Sizes::new();
    let covered = read_page(text.as_bytes(), "pd", &mut sizes).unwrap();
    assert_eq!(covered.as_deref(), Some(b"t\x80".as_slice()));
    assert_eq!(sizes, Sizes::from([(4, 96 << 20), (6, 1 << 20)]), "0 is not known");
}

#[test]
fn the_last_region_and_an_empty_answer_end_the_questions() {
    let mut sizes = Sizes::new();
    for text in [
        r#"{"count": 0, "regions": null}"#,
        r#"{"count": 0}"#,
        r#"{"count": 1, "regions": [{"id": 9, "end_key": "", "approximate_size": -1}]}"#,
    ] {
        assert_eq!(read_page(text.as_bytes(), "pd", &mut sizes).unwrap(), None, "{text}");
    }
    assert!(sizes.is_empty());
}

#[test]
fn bytes_of_a_table_are_those_of_the_regions_that_are_its_own() {
    let hex = |raw: &[u8]| {
        key::encode(raw)
            .iter()
            .map(|byte| format!("{byte:02X}"))
            .collect::<String>()
    };
    let region = |id: u64, start: &[u8], end: &[u8], mib: i64| {
        let (start, end) = (hex(start), hex(end));
        format!(r#"{{"id": {id}, "start_key": "{start}", "end_key": "{end}", "approximate_size": {mib}}}"#)
    };
    let regions = [
        region(1, b"a", b"k2", 90),
        region(2, b"k2", b"k3", 20),
        region(3, b"k3", b"k5", 30),
        region(4, b"k5", b"m1", 40),
        region(5, b"m1", b"m2", 5),
        region(7, b"m2", b"m3", 1),
        r#"{"id": 6, "start_key": "00", "end_key": "", "approximate_size": 90}"#.to_string(),
    ];
    let page = format!(r#"{{"count": 7, "regions": [{}]}}"#, regions.join(", "));
    let ranges = [KeyRange::interval("k1", "k5"), KeyRange::interval("m0", "m9")];
    assert_eq!(floor_of_page(page.as_bytes(), "pd", &ranges).unwrap(), 55 << 20);
    assert_eq!(floor_of_page(br#"{"count": 0}"#, "pd", &ranges).unwrap(), 0);
}

#[test]
fn other_answers_are_errors() {
    for text in [
        "404 page not found",
        r#"{"regions": [{"id": 9, "end_key": "0g"}]}"#,
        r#"{"regions": [{"id": 9, "end_key": "000"}]}"#,
        r#"{"regions": [{"id": 9, "end_key": "00"}]}"#,
        r#"{"regions": [{}]}"#,
    ] {
        let error = read_page(text.as_bytes(), "pd", &mut Sizes::new()).unwrap_err();
        assert_eq!(error.kind, ClientErrorKind::Protocol, "{text}");
    }
}

#[test]
fn keys_are_asked_for_byte_by_byte() {
    assert_eq!(
        path(b"t", b"", 7),
        "/pd/api/v1/regions/key?key=%74%00%00%00%00%00%00%00%F8&end_key=&limit=7"
    );
}

#[test]
fn answers_and_failures_are_kept() {
    let cache = SizeCache::default();
    assert!(cache.find(&[located(1)]).is_none());
    cache.keep(&Ok(Sizes::from([(1, 10), (2, 20)])));
    assert_eq!(cache.find(&[located(2)]).unwrap().unwrap(), Sizes::from([(2, 20)]));
    assert!(cache.find(&[located(2), located(3)]).is_none(), "one is not known");
    cache.keep(&Err(ClientError::retryable(ClientErrorKind::PdUnreachable, "off")));
    assert_eq!(cache.find(&[located(1)]).unwrap().unwrap_err().message(), "off");
    cache.keep(&Ok(Sizes::new()));
    assert!(cache.find(&[located(1)]).unwrap().is_ok());
}
