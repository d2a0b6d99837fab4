use super::*;
use std::collections::HashMap;

use crate::plan::share::Share;
use ti_client::LocatedRanges;

/// A piece of one region: `[from, to)` of the table's handles, led by a host.
fn piece(region_id: u64, table_id: i64, from: i64, to: i64, host: &str) -> LocatedRanges {
    let range = KeyRange::interval(key::record_key_int(table_id, from), key::record_key_int(table_id, to));
    LocatedRanges {
        region_id,
        ranges: vec![range],
        host: host.into(),
    }
}

fn table(regions: u64) -> Vec<LocatedRanges> {
    let bound = |n: u64| i64::try_from(n).unwrap() * 100;
    (0..regions)
        .map(|n| piece(n + 1, 7, bound(n), bound(n + 1), if n % 3 == 0 { "b" } else { "a" }))
        .collect()
}

/// Partitions when every region has so many MiB.
fn partitions(
    located: &[LocatedRanges],
    table_ids: &[i64],
    partition_bytes: u64,
    mib: u64,
) -> Result<Vec<plan::ScanPartition>> {
    let sizes: HashMap<u64, u64> = located.iter().map(|piece| (piece.region_id, mib << 20)).collect();
    let (groups, _) = Share::new(located, &sizes, partition_bytes, 1).groups();
    let prefixes = Prefixes::new(table_ids);
    groups.iter().map(|group| partition(group, &prefixes)).collect()
}

fn tasks(partition: &plan::ScanPartition) -> ScanTasks {
    ScanTasks::decode(partition.tasks.as_slice()).unwrap()
}

#[test]
fn neighbours_become_one_range() {
    let located = table(10);
    let parts = partitions(&located, &[7], 10 << 20, 4).unwrap();
    assert_eq!(parts.iter().map(|p| p.regions).sum::<u32>(), 10);
    assert_eq!(parts.len(), 4);
    let mut next = located[0].ranges[0].start().to_vec();
    for part in &parts {
        let tasks = tasks(part);
        assert_eq!(
            (tasks.tables.len(), tasks.tables[0].ranges.len()),
            (1, 1),
            "neighbours are merged"
        );
        assert_eq!(tasks.tables[0].ranges[0].start, next);
        next = tasks.tables[0].ranges[0].end.clone();
    }
    assert_eq!(next, located[9].ranges[0].end().to_vec());
}

#[test]
fn tables_that_share_a_region_are_told_apart() {
    let located = vec![
        piece(1, 7, 0, 10, "a"),
        piece(1, 8, 0, 10, "a"),
        piece(2, 8, 10, 20, "a"),
    ];
    let parts = partitions(&located, &[7, 8], 4 << 20, 4).unwrap();
    assert_eq!(parts.iter().map(|p| p.regions).collect::<Vec<_>>(), [1, 1]);
    let first = tasks(&parts[0]);
    assert_eq!(first.tables.iter().map(|t| t.table_id).collect::<Vec<_>>(), [7, 8]);
}

#[test]
fn a_partition_of_the_table_gets_tasks_of_its_own() {
    let located = vec![
        piece(1, 7, 0, 10, "a"),
        piece(1, 8, 0, 10, "a"),
        piece(2, 8, 10, 20, "a"),
    ];
    let (groups, _) = Share::new(&located, &HashMap::new(), u64::MAX, 1).groups();
    assert_eq!(groups.len(), 1);
    let groups = of_one_table(groups);
    let prefixes = Prefixes::new(&[7, 8]);
    let mut parts: Vec<_> = groups
        .iter()
        .map(|group| partition(group, &prefixes).unwrap())
        .collect();
    name_table_partitions(&mut parts, &groups, &[6, 8, 7]);
    let said: Vec<_> = parts.iter().map(|part| (part.table_partition, part.regions)).collect();
    assert_eq!(said, [(Some(2), 1), (Some(1), 1)]);
    for (part, table_id) in parts.iter().zip([7, 8]) {
        assert_eq!(
            tasks(part).tables.iter().map(|t| t.table_id).collect::<Vec<_>>(),
            [table_id]
        );
    }
}

#[test]
fn the_host_with_most_bytes_comes_first() {
    let parts = partitions(&table(8), &[7], u64::MAX, 1).unwrap();
    assert_eq!(parts[0].hosts, ["a", "b"]);
}

#[test]
fn a_range_of_another_table_is_an_error() {
    let error = partitions(&table(1), &[8], 1, 1).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Internal);
}
