use ti_codec::key;

use super::*;

fn sum(pairs: &[(&[u8], Option<&[u8]>)]) -> Sums {
    let mut sums = Sums::default();
    for (key, value) in pairs {
        sums.add(key, *value);
    }
    sums
}

#[test]
fn sums_do_not_depend_on_order_or_on_how_the_mutations_are_spread() {
    let all = sum(&[(b"a", Some(b"1")), (b"b", None), (b"c", Some(b""))]);
    assert_eq!(all, sum(&[(b"c", Some(b"")), (b"a", Some(b"1")), (b"b", None)]));
    let mut parts = sum(&[(b"b", None)]);
    parts.merge(&sum(&[(b"c", Some(b"")), (b"a", Some(b"1"))]));
    assert_eq!(all, parts);
}

#[test]
fn every_difference_shows() {
    let base = sum(&[(b"a", Some(b"1")), (b"b", Some(b"2"))]);
    for (what, other) in [
        ("a lost key", sum(&[(b"a", Some(b"1"))])),
        (
            "a stray key",
            sum(&[(b"a", Some(b"1")), (b"b", Some(b"2")), (b"c", None)]),
        ),
        ("another key", sum(&[(b"a", Some(b"1")), (b"c", Some(b"2"))])),
        ("a key twice", sum(&[(b"a", Some(b"1")), (b"a", Some(b"1"))])),
    ] {
        assert_ne!((base.count, base.keys), (other.count, other.keys), "{what}");
    }
    for (what, other) in [
        ("another value", sum(&[(b"a", Some(b"1")), (b"b", Some(b"3"))])),
        ("values exchanged", sum(&[(b"a", Some(b"2")), (b"b", Some(b"1"))])),
        ("deleted", sum(&[(b"a", Some(b"1")), (b"b", None)])),
    ] {
        assert_eq!((base.count, base.keys), (other.count, other.keys), "{what}");
        assert_ne!(base.values, other.values, "{what}");
    }
    assert_ne!(sum(&[(b"a", None)]).values, sum(&[(b"a", Some(b""))]).values);
}

#[test]
fn keys_alone_are_counted_as_keys_with_values_are() {
    let mut keys = Sums::default();
    keys.add_key(b"a");
    let whole = sum(&[(b"a", Some(b"1"))]);
    assert_eq!((keys.count, keys.keys), (whole.count, whole.keys));
    assert_ne!(keys.values, whole.values);
}

#[test]
fn touched_ranges_are_kept_apart_by_table_and_index() {
    let row = |table, handle| key::record_key_int(table, handle);
    let entry = |table, index, tail: u8| {
        let mut key = key::index_prefix(table, index);
        key.push(tail);
        key
    };
    let mut keys = [
        row(1, 5),
        row(1, 9),
        entry(1, 1, 3),
        entry(1, 2, 7),
        entry(1, 2, 8),
        row(2, 1),
    ];
    keys.sort();
    let mut touched = Touched::default();
    touched.add_sorted(keys.iter().map(Vec::as_slice));
    let mut more = Touched::default();
    more.add_sorted([row(1, 2), row(1, 7)].iter().map(Vec::as_slice));
    touched.merge(&more.to_wire());
    let end = |mut key: Vec<u8>| {
        key.push(0);
        key
    };
    assert_eq!(
        touched.ranges(),
        vec![
            KeyRange::interval(entry(1, 1, 3), end(entry(1, 1, 3))),
            KeyRange::interval(entry(1, 2, 7), end(entry(1, 2, 8))),
            KeyRange::interval(row(1, 2), end(row(1, 9))),
            KeyRange::interval(row(2, 1), end(row(2, 1))),
        ]
    );
}

#[test]
fn too_many_ranges_become_fewer_that_cover_the_same_keys() {
    let keys: Vec<Vec<u8>> = (1..=100)
        .flat_map(|table| [key::record_key_int(table, 5), key::record_key_int(table, 9)])
        .collect();
    let mut touched = Touched::default();
    touched.add_sorted(keys.iter().map(Vec::as_slice));
    let all = touched.to_wire();
    assert_eq!(all.len(), 100);
    let size = |ranges: &[WireTouched]| ranges.iter().map(|r| r.first.len() + r.last.len()).sum::<usize>();
    assert_eq!(touched.to_wire_within(size(&all)), all);
    for room in [size(&all) - 1, 1_000, 100, 1] {
        let fewer = touched.to_wire_within(room);
        assert!(
            size(&fewer) <= room || fewer.len() == 1,
            "{room}: {} ranges",
            fewer.len()
        );
        let mut merged = Touched::default();
        merged.merge(&fewer);
        merged.merge(&fewer);
        assert_eq!(merged.ranges().len(), fewer.len());
        for key in &keys {
            let holds =
                |range: &KeyRange| range.start().as_ref() <= key.as_slice() && key.as_slice() < range.end().as_ref();
            assert_eq!(
                merged.ranges().iter().filter(|range| holds(range)).count(),
                1,
                "{room}: {key:02x?}"
            );
        }
    }
    assert!(Touched::default().to_wire_within(0).is_empty());
}

#[test]
fn a_long_run_is_covered_when_ranges_become_fewer() {
    let mut touched = Touched::default();
    touched.add_run(&key::record_key_int(1, 5), &key::record_key_int(90, 5));
    for table in 2..=50 {
        let key = key::record_key_int(table, 7);
        touched.add_run(&key, &key);
    }
    let fewer = touched.to_wire_within(1);
    assert_eq!(fewer.len(), 1);
    assert_eq!(fewer[0].last, key::record_key_int(90, 5));
}

#[test]
fn a_tally_of_other_bytes_is_refused() {
    let error = sums(&WireTally {
        keys: vec![1, 2],
        ..Default::default()
    })
    .unwrap_err();
    assert_eq!(error.kind, ErrorKind::InvalidArgument);
}
