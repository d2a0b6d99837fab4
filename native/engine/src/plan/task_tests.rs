use super::*;

/// A piece of one region: `[from, to)` of the table's handles, led by a host.
fn piece(region_id: u64, table_id: i64, from: i64, to: i64, host: &str) -> LocatedRanges {
    let range = KeyRange {
        start: key::record_key_int(table_id, from).into(),
        end: key::record_key_int(table_id, to).into(),
    };
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

fn tasks(partition: &plan::ScanPartition) -> ScanTasks {
    ScanTasks::decode(partition.tasks.as_slice()).unwrap()
}

#[test]
fn regions_are_shared_out_evenly_and_stay_adjacent() {
    let located = table(10);
    let parts = partitions(&located, &[7], u64::MAX, 4).unwrap();
    let sizes: Vec<u32> = parts.iter().map(|p| p.regions).collect();
    assert_eq!(sizes.iter().sum::<u32>(), 10);
    assert_eq!(
        (sizes.len(), *sizes.iter().max().unwrap(), *sizes.iter().min().unwrap()),
        (4, 3, 2)
    );
    let mut next = located[0].ranges[0].start.to_vec();
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
    assert_eq!(next, located[9].ranges[0].end.to_vec());
}

#[test]
fn large_tables_have_more_partitions_but_never_more_than_regions() {
    let located = table(10);
    let count = |bytes, parallelism| partitions(&located, &[7], bytes, parallelism).unwrap().len();
    assert_eq!(count(REGION_BYTES, 2), 10);
    assert_eq!(count(2 * REGION_BYTES, 2), 5);
    assert_eq!(count(2 * REGION_BYTES, 8), 8, "parallelism counts for more");
    assert_eq!(count(1, 1000), 10);
    assert_eq!(count(u64::MAX, 1), 1);
    assert!(
        partitions(&[], &[7], REGION_BYTES, 4).unwrap().is_empty(),
        "a table without partitions"
    );
}

#[test]
fn tables_that_share_a_region_stay_together() {
    let located = vec![
        piece(1, 7, 0, 10, "a"),
        piece(1, 8, 0, 10, "a"),
        piece(2, 8, 10, 20, "a"),
    ];
    let parts = partitions(&located, &[7, 8], REGION_BYTES, 16).unwrap();
    assert_eq!(parts.iter().map(|p| p.regions).collect::<Vec<_>>(), [1, 1]);
    let first = tasks(&parts[0]);
    assert_eq!(first.tables.iter().map(|t| t.table_id).collect::<Vec<_>>(), [7, 8]);
}

#[test]
fn the_host_with_most_regions_comes_first() {
    let parts = partitions(&table(9), &[7], u64::MAX, 1).unwrap();
    assert_eq!(parts[0].hosts, ["a", "b"]);
}

#[test]
fn a_range_of_another_table_is_an_error() {
    assert_eq!(partitions(&table(1), &[8], 1, 1).unwrap_err().kind, ErrorKind::Internal);
}
