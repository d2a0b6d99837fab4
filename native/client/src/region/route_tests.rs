use super::*;
use ti_proto::metapb::{Peer, RegionEpoch};

fn range(start: &str, end: &str) -> KeyRange {
    KeyRange::interval(start.to_string(), end.to_string())
}

fn region(start: &str, end: &str) -> Region {
    Region {
        id: 1,
        start: start.to_string().into(),
        end: end.to_string().into(),
        epoch: RegionEpoch::default(),
        peers: vec![Peer::default()],
        leader: Peer::default(),
    }
}

#[test]
fn ranges_are_a_set_of_keys() {
    let ranges = vec![
        range("f", "h"),
        range("a", "c"),
        range("x", "x"),
        range("z", "y"),
        range("b", "d"),
        range("d", "e"),
        range("g", "g5"),
    ];
    assert_eq!(normalize(ranges), [range("a", "d"), range("d", "e"), range("f", "h")]);
    assert_eq!(normalize(vec![range("a", ""), range("c", "d")]), [range("a", "")]);
    assert_eq!(normalize(vec![range("a", "d"), range("c", "")]), [range("a", "")]);
    assert!(normalize(Vec::new()).is_empty());
}

#[test]
fn what_is_left_after_a_key() {
    let ranges = [range("a", "c"), range("e", "")];
    assert_eq!(after(&ranges, &"b".into()), [range("b", "c"), range("e", "")]);
    assert_eq!(after(&ranges, &"c".into()), [range("e", "")]);
    assert_eq!(after(&ranges, &"g".into()), [range("g", "")]);
    assert_eq!(after(&ranges, &"".into()), ranges);
}

#[test]
fn a_region_takes_its_part() {
    let mut left: VecDeque<_> = [range("a", "b"), range("c", "k"), range("m", "n")].into();
    assert_eq!(take(&region("", "e"), &mut left), [range("a", "b"), range("c", "e")]);
    assert_eq!(left, [range("e", "k"), range("m", "n")]);
    assert_eq!(take(&region("e", "k"), &mut left), [range("e", "k")]);
    assert_eq!(take(&region("k", ""), &mut left), [range("m", "n")]);
    assert!(left.is_empty());
    let mut left: VecDeque<_> = [range("a", "")].into();
    assert_eq!(take(&region("", "e"), &mut left), [range("a", "e")]);
    assert_eq!(take(&region("e", ""), &mut left), [range("e", "")]);
    assert!(left.is_empty());
}

/// Cutting random ranges at random borders keeps every key, once.
#[test]
fn no_key_is_lost_or_doubled() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut rng = fastrand::Rng::with_seed(seed);
    let key = |n: u32| {
        if n >= 1_000 {
            Bytes::new()
        } else {
            Bytes::from(format!("{n:03}"))
        }
    };
    for _ in 0..300 {
        let ranges: Vec<_> = (0..rng.usize(0..8))
            .map(|_| KeyRange::interval(key(rng.u32(0..1_000)), key(rng.u32(0..1_001))))
            .collect();
        let mut borders: Vec<u32> = (0..rng.usize(0..6)).map(|_| rng.u32(1..1_000)).collect();
        borders.extend([0, 1_000]);
        borders.sort_unstable();
        borders.dedup();
        let mut left: VecDeque<_> = normalize(ranges.clone()).into();
        let mut parts = Vec::new();
        for pair in borders.windows(2) {
            let start = if pair[0] == 0 { Bytes::new() } else { key(pair[0]) };
            let region = Region {
                start,
                end: key(pair[1]),
                ..region("", "")
            };
            if left.front().is_some_and(|first| region.contains(&first.start)) {
                let taken = take(&region, &mut left);
                assert!(taken.iter().all(|part| region.contains(&part.start)), "seed {seed}");
                parts.extend(taken);
            }
        }
        assert!(left.is_empty(), "seed {seed}: {left:?}");
        for n in 0..1_000 {
            let key = key(n);
            let inside = |range: &&KeyRange| !range.is_empty() && range.start <= key && end_is_past(&range.end, &key);
            let wanted = usize::from(ranges.iter().any(|range| inside(&range)));
            assert_eq!(parts.iter().filter(inside).count(), wanted, "seed {seed}, key {n}");
        }
    }
}
