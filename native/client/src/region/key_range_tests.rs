use super::*;

/// TiKV's rule, from its words: what it takes for a single key.
fn tikv_takes_for_a_point(range: &coprocessor::KeyRange) -> bool {
    prefix_next(&range.start).is_some_and(|next| next == range.end)
}

fn wire(range: &KeyRange, points: PointRanges) -> Vec<coprocessor::KeyRange> {
    let mut out = Vec::new();
    range.to_wire(points, &mut out);
    out
}

/// The keys of `keys` that TiKV reads for a range of a request.
fn read<'a>(range: &coprocessor::KeyRange, points: PointRanges, keys: &'a [Vec<u8>]) -> Vec<&'a Vec<u8>> {
    let point = points == PointRanges::Keys && tikv_takes_for_a_point(range);
    let inside = |key: &&Vec<u8>| {
        if point {
            **key == range.start
        } else {
            range.start <= **key && (range.end.is_empty() || **key < range.end)
        }
    };
    keys.iter().filter(inside).collect()
}

#[test]
fn a_whole_table_is_no_point() {
    let prefix = ti_codec::key::record_prefix(77);
    let whole = KeyRange::below(&prefix);
    let clipped = KeyRange::interval(prefix.clone(), prefix_end(&prefix));
    for range in [&whole, &clipped] {
        let named = wire(range, PointRanges::Keys);
        assert!(!named.iter().any(tikv_takes_for_a_point), "{named:?}");
        for handle in [i64::MIN, -1, 0, i64::MAX] {
            let key = ti_codec::key::record_key_int(77, handle);
            let keys = [key];
            let found: usize = named
                .iter()
                .map(|range| read(range, PointRanges::Keys, &keys).len())
                .sum();
            assert_eq!(found, 1, "handle {handle}");
        }
    }
    assert_eq!(wire(&whole, PointRanges::Keys).len(), 1, "one seek");
}

#[test]
fn one_key_is_a_point_where_a_scan_takes_points() {
    let point = KeyRange::point(b"k\x01".to_vec());
    assert_eq!(point.as_point().map(AsRef::as_ref), Some(b"k\x01".as_slice()));
    let as_key = wire(&point, PointRanges::Keys);
    assert!(as_key.len() == 1 && tikv_takes_for_a_point(&as_key[0]), "{as_key:?}");
    let as_interval = wire(&point, PointRanges::Intervals);
    assert_eq!(
        (as_interval[0].start.as_slice(), as_interval[0].end.as_slice()),
        (&b"k\x01"[..], &b"k\x01\0"[..])
    );
    assert_eq!(KeyRange::interval("a", "b").as_point(), None);
    assert_eq!(KeyRange::interval("a", "").as_point(), None);
}

#[test]
fn a_carry_makes_a_point_too() {
    assert_eq!(prefix_next(&[1, 2, 0xff]), Some(vec![1, 3, 0]));
    assert_eq!(prefix_next(&[0xff, 0xff]), None);
    let range = KeyRange::interval(vec![1, 2, 0xff], vec![1, 3, 0]);
    assert_eq!(wire(&range, PointRanges::Keys).len(), 2);
    assert_eq!(wire(&range, PointRanges::Intervals).len(), 1);
}

/// Random intervals, points and borders over few bytes, so that every form of a point comes up: what a store reads are the keys that are meant.
#[test]
fn a_store_reads_the_keys_that_are_meant() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut rng = fastrand::Rng::with_seed(seed);
    let bytes = [0, 1, 2, 0xfe, 0xff];
    let mut key = |most: usize| -> Vec<u8> {
        let length = rng.usize(1..=most);
        std::iter::once(b't')
            .chain((0..length).map(|_| bytes[rng.usize(..bytes.len())]))
            .collect()
    };
    let mut forms = 0;
    for _ in 0..20_000 {
        let keys: Vec<Vec<u8>> = {
            let mut keys: Vec<Vec<u8>> = (0..12).map(|_| key(4)).collect();
            keys.sort();
            keys.dedup();
            keys
        };
        let (start, mut end) = (key(4), key(4));
        if keys.len().is_multiple_of(2) {
            end = prefix_next(&start).unwrap();
        }
        let range = match keys.len() % 3 {
            0 => KeyRange::point(start),
            _ => KeyRange::interval(start, end),
        };
        // A region border leaves two parts of it.
        let border = Bytes::from(key(4));
        let parts = [
            crate::region::route::before(std::slice::from_ref(&range), &border),
            crate::region::route::after(std::slice::from_ref(&range), &border),
        ];
        for points in [PointRanges::Keys, PointRanges::Intervals] {
            let named: Vec<_> = parts
                .iter()
                .flatten()
                .filter(|part| !part.is_empty())
                .flat_map(|part| wire(part, points))
                .collect();
            forms += named.iter().filter(|named| tikv_takes_for_a_point(named)).count();
            let mut found: Vec<&Vec<u8>> = named.iter().flat_map(|range| read(range, points, &keys)).collect();
            found.sort();
            let meant: Vec<&Vec<u8>> = keys
                .iter()
                .filter(|key| range.start.as_ref() <= key.as_slice() && key.as_slice() < range.end.as_ref())
                .collect();
            assert_eq!(found, meant, "seed {seed}: {range:?} at {border:?} as {named:?}");
        }
    }
    assert!(forms > 100, "seed {seed}: {forms} ranges of the form of a point");
}
