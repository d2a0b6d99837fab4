use super::*;
use proptest::prelude::*;
use ti_codec::key;

const MIB: u64 = 1 << 20;

/// One region of table 7: handles `[from, to)`.
fn region(id: u64, from: i64, to: i64) -> LocatedRanges {
    LocatedRanges {
        region_id: id,
        ranges: vec![KeyRange::interval(
            key::record_key_int(7, from),
            key::record_key_int(7, to),
        )],
        host: format!("h{}", id % 2),
    }
}

fn regions(count: usize) -> Vec<LocatedRanges> {
    let bound = |n: usize| i64::try_from(n).unwrap() * 1_000_000;
    (0..count)
        .map(|n| region(n as u64 + 1, bound(n), bound(n + 1)))
        .collect()
}

fn sizes(mib: &[u64]) -> HashMap<u64, u64> {
    mib.iter()
        .enumerate()
        .map(|(n, mib)| (n as u64 + 1, mib * MIB))
        .collect()
}

/// The keys of a range are all there.
fn full(range: &KeyRange) -> KeyEdges {
    let (_, end) = key::decode_record_key_int(range.end()).unwrap();
    KeyEdges::Keys(range.start().clone(), key::record_key_int(7, end - 1).into())
}

fn planned(mib: &[u64], partition_bytes: u64, parallelism: u32) -> (Vec<Vec<u64>>, Summary) {
    let located = regions(mib.len());
    let sizes = sizes(mib);
    let mut share = Share::new(&located, &sizes, partition_bytes, parallelism);
    let edges: Vec<KeyEdges> = share.to_cut(true).iter().map(full).collect();
    share.cut(&edges, true, 1);
    let (groups, summary) = share.groups();
    let mib = |group: &Vec<Piece<'_>>| group.iter().map(|piece| piece.bytes / MIB).collect();
    (groups.iter().map(mib).collect(), summary)
}

#[test]
fn small_neighbours_are_read_together() {
    let (groups, summary) = planned(&[1; 20], 96 * MIB, 2);
    assert_eq!(groups.iter().map(Vec::len).collect::<Vec<_>>(), [7, 6, 7]);
    assert_eq!((summary.regions, summary.known_bytes, summary.cut), (20, 20 * MIB, 0));
    assert_eq!(planned(&[1; 5], 96 * MIB, 64).0.len(), 1, "a small table is one task");
    assert_eq!(
        planned(&[1; 200], 10 * MIB, 1).0.len(),
        20,
        "the partition size is the upper bound"
    );
    assert_eq!(planned(&[1; 20], 1, 1).0.len(), 20, "a task for each region");
}

#[test]
fn large_regions_are_cut_so_that_no_slot_is_idle() {
    let (groups, summary) = planned(&[96, 93, 60], 96 * MIB, 2);
    assert_eq!(groups, [[32], [32], [32], [31], [31], [31], [30], [30]].map(Vec::from));
    assert_eq!((summary.regions, summary.cut, summary.uncut), (3, 3, 0));
    assert_eq!(
        planned(&[96, 96, 96, 32], 96 * MIB, 2).0,
        vec![vec![32]; 10],
        "seven tasks, of 48, would leave one of two slots idle at the end"
    );
    let located = regions(4);
    let mut of_aggregates = Share::new(&located, &sizes(&[96, 96, 96, 32]), 96 * MIB, 2);
    let edges: Vec<KeyEdges> = of_aggregates.to_cut(false).iter().map(full).collect();
    of_aggregates.cut(&edges, true, 2);
    assert_eq!(of_aggregates.groups().0.len(), 7);
    assert_eq!(planned(&[96], 96 * MIB, 1_000).0.len(), 12, "not below 8 MiB");
    assert_eq!(planned(&[96; 100], 96 * MIB, 2).0.len(), 100, "tasks enough");
    assert_eq!(
        planned(&[256; 100], 96 * MIB, 2).0.len(),
        300,
        "larger than a task should be"
    );
    assert_eq!(planned(&[2], 1, 1).0, [[1], [1]], "not below what PD can tell");
}

#[test]
fn a_task_has_several_requests() {
    let located = regions(2);
    let mut share = Share::new(&located, &sizes(&[96, 1]), 96 * MIB, 2);
    let edges: Vec<KeyEdges> = share.to_cut(true).iter().map(full).collect();
    share.cut(&edges, true, 3);
    let (groups, summary) = share.groups();
    let cuts: Vec<usize> = groups.iter().map(|group| group[0].cuts.len()).collect();
    assert_eq!(cuts, [2, 2, 2, 2, 2, 2, 2, 2, 0]);
    assert_eq!((summary.regions, summary.cut), (2, 1));
    for piece in groups.iter().flatten() {
        let inside = |key: &Bytes| piece.range.start() < key && key < piece.range.end();
        assert!(piece.cuts.iter().all(inside) && piece.cuts.is_sorted(), "{piece:?}");
    }
}

#[test]
fn small_neighbours_of_a_cut_region_keep_their_tasks() {
    let (groups, summary) = planned(&[1, 2, 90, 3, 1, 1], 96 * MIB, 2);
    let tasks: Vec<usize> = groups.iter().map(Vec::len).collect();
    assert_eq!(
        tasks,
        [2, 1, 1, 1, 1, 1, 1, 1, 1, 3],
        "90 MiB in eight tasks of at most 12.25"
    );
    assert_eq!(summary.cut, 1);
}

#[test]
fn without_edges_a_region_stays_whole_and_an_empty_one_is_merged() {
    let located = regions(3);
    let sizes = sizes(&[96, 96, 1]);
    let share = || Share::new(&located, &sizes, 96 * MIB, 2);
    let mut unknown = share();
    assert_eq!(unknown.to_cut(true).len(), 2);
    unknown.cut(&[KeyEdges::Unknown, KeyEdges::Unknown], true, 1);
    let (groups, summary) = unknown.groups();
    assert_eq!((groups.len(), summary.cut, summary.uncut), (3, 0, 2));
    let mut empty = share();
    assert_eq!(empty.to_cut(true).len(), 2);
    empty.cut(&[KeyEdges::Empty, KeyEdges::Empty], true, 1);
    let (groups, summary) = empty.groups();
    assert_eq!((groups.len(), summary.cut, summary.uncut), (1, 0, 0));
}

#[test]
fn a_size_that_is_not_known_is_a_default_regions_and_no_reason_to_cut() {
    let located = regions(4);
    let mut share = Share::new(&located, &sizes(&[96]), 96 * MIB, 1);
    let edges: Vec<KeyEdges> = share.to_cut(true).iter().map(full).collect();
    assert_eq!(edges.len(), 0, "96 MiB are one task of 96 MiB");
    share.cut(&edges, true, 1);
    let (groups, summary) = share.groups();
    assert_eq!((groups.len(), summary.unknown, summary.known_bytes), (4, 3, 96 * MIB));
    let none = HashMap::new();
    let mut share = Share::new(&located, &none, 96 * MIB, 100);
    assert!(share.to_cut(true).is_empty());
    assert_eq!(share.groups().0.len(), 4);
}

#[test]
fn nothing_is_shared_out_as_nothing() {
    let none = HashMap::new();
    let (groups, summary) = Share::new(&[], &none, 96 * MIB, 4).groups();
    assert!(groups.is_empty());
    assert_eq!(summary, Summary::default());
}

proptest! {
    /// Whatever sizes PD tells and whatever the stores answer: all ranges, once, in order, and each region begins once.
    #[test]
    fn what_is_read_does_not_depend_on_sizes(
        mib in prop::collection::vec(prop::option::of(0u64..400), 1..30),
        partition_mib in 1u64..200,
        parallelism in 1u32..20,
        answers in prop::collection::vec(0u8..3, 30),
        requests in 1u64..5,
    ) {
        let located = regions(mib.len());
        let sizes: HashMap<u64, u64> = mib
            .iter()
            .enumerate()
            .filter_map(|(n, mib)| mib.map(|mib| (n as u64 + 1, mib * MIB)))
            .collect();
        let mut share = Share::new(&located, &sizes, partition_mib * MIB, parallelism);
        let edges: Vec<KeyEdges> = share
            .to_cut(true)
            .iter()
            .zip(&answers)
            .map(|(range, answer)| match answer {
                0 => KeyEdges::Unknown,
                1 => KeyEdges::Empty,
                _ => full(range),
            })
            .collect();
        share.cut(&edges, true, requests);
        let (groups, summary) = share.groups();
        prop_assert!(groups.iter().all(|group| !group.is_empty()));
        let pieces: Vec<&Piece<'_>> = groups.iter().flatten().collect();
        let mut next = located[0].ranges[0].start();
        for piece in &pieces {
            prop_assert_eq!(piece.range.start(), next);
            prop_assert!(piece.range.start() < piece.range.end());
            prop_assert!(piece.cuts.iter().all(|key| piece.range.start() < key && key < piece.range.end()));
            prop_assert!(piece.cuts.is_sorted() && piece.cuts.len() < requests.try_into().unwrap());
            next = piece.range.end();
        }
        prop_assert_eq!(next, located[mib.len() - 1].ranges[0].end());
        prop_assert_eq!(pieces.iter().filter(|piece| piece.begins_region).count(), mib.len());
        prop_assert_eq!(summary.regions, mib.len());
        prop_assert!(summary.cut + summary.uncut <= mib.len());
    }
}
