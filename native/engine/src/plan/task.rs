//! Regions -> Spark partitions.
//!
//! Adjacent regions are read by one Spark partition until it has its share. PD tells no sizes over gRPC, so a region counts as
//! TiKV's default size, and as a part of it where several ranges of the read lie in one region.

use std::collections::HashMap;

use prost::Message;
use ti_client::{KeyRange, LocatedRanges};
use ti_codec::key;
use ti_proto::plan;

use super::wire::{ScanTasks, TableTask, WireRange};
use crate::error::{Error, ErrorKind, Result};

/// Size at which TiKV splits a region, bytes, by default (`coprocessor.region-split-size`).
const REGION_BYTES: u64 = 96 << 20;

/// The key ranges of all rows of the physical tables, in key order.
pub fn full_ranges(table_ids: &[i64]) -> Vec<KeyRange> {
    let mut ids = table_ids.to_vec();
    ids.sort_unstable();
    ids.dedup();
    let range = |id| {
        let (start, end) = key::record_range(id);
        KeyRange {
            start: start.into(),
            end: end.into(),
        }
    };
    ids.into_iter().map(range).collect()
}

/// Number of distinct regions.
pub fn region_count(located: &[LocatedRanges]) -> usize {
    let mut ids: Vec<u64> = located.iter().map(|l| l.region_id).collect();
    ids.sort_unstable();
    ids.dedup();
    ids.len()
}

/// Groups what was located, in key order, into Spark partitions of about equal size.
///
/// There are as many as the job can run at once, or more when the table is larger than that many times `partition_bytes`; never more
/// than regions.
pub fn partitions(
    located: &[LocatedRanges],
    table_ids: &[i64],
    partition_bytes: u64,
    parallelism: u32,
) -> Result<Vec<plan::ScanPartition>> {
    let regions = region_count(located);
    let by_size = (regions as u128 * u128::from(REGION_BYTES)).div_ceil(u128::from(partition_bytes.max(1)));
    let count = usize::try_from(by_size)
        .unwrap_or(usize::MAX)
        .max(parallelism as usize)
        .min(regions);
    let mut groups: Vec<Vec<&LocatedRanges>> = vec![Vec::new(); count];
    // The n-th distinct region goes to the group n * count / regions: groups differ by one region at most, and stay adjacent.
    let mut seen: HashMap<u64, usize> = HashMap::with_capacity(regions);
    for piece in located {
        let next = seen.len();
        let ordinal = *seen.entry(piece.region_id).or_insert(next);
        if let Some(group) = groups.get_mut(ordinal * count / regions.max(1)) {
            group.push(piece);
        }
    }
    groups
        .iter()
        .filter(|group| !group.is_empty())
        .map(|group| partition(group, table_ids))
        .collect()
}

fn partition(group: &[&LocatedRanges], table_ids: &[i64]) -> Result<plan::ScanPartition> {
    let prefixes: HashMap<Vec<u8>, i64> = table_ids.iter().map(|id| (key::table_prefix(*id), *id)).collect();
    let mut tables: Vec<TableTask> = Vec::new();
    for range in group.iter().flat_map(|piece| &piece.ranges) {
        let prefix = range.start.get(..key::table_prefix(0).len()).unwrap_or_default();
        let table_id = *prefixes.get(prefix).ok_or_else(|| {
            Error::new(
                ErrorKind::Internal,
                "the region cache answered a key range that lies in none of the tables to be read",
            )
        })?;
        add(&mut tables, table_id, range);
    }
    let mut regions: Vec<u64> = group.iter().map(|piece| piece.region_id).collect();
    regions.sort_unstable();
    regions.dedup();
    Ok(plan::ScanPartition {
        tasks: ScanTasks { tables }.encode_to_vec(),
        hosts: hosts(group),
        regions: u32::try_from(regions.len()).unwrap_or(u32::MAX),
    })
}

/// Appends a range; one that continues the one before makes it longer.
fn add(tables: &mut Vec<TableTask>, table_id: i64, range: &KeyRange) {
    if let Some(last) = tables.last_mut().filter(|t| t.table_id == table_id) {
        match last.ranges.last_mut().filter(|r| r.end == range.start) {
            Some(before) => before.end = range.end.to_vec(),
            None => last.ranges.push(WireRange {
                start: range.start.to_vec(),
                end: range.end.to_vec(),
            }),
        }
        return;
    }
    let range = WireRange {
        start: range.start.to_vec(),
        end: range.end.to_vec(),
    };
    tables.push(TableTask {
        table_id,
        ranges: vec![range],
    });
}

/// Hosts of the leaders, the one with most regions first, then by name.
fn hosts(group: &[&LocatedRanges]) -> Vec<String> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for piece in group.iter().filter(|piece| !piece.host.is_empty()) {
        *counts.entry(&piece.host).or_default() += 1;
    }
    let mut hosts: Vec<(&str, usize)> = counts.into_iter().collect();
    hosts.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    hosts.into_iter().map(|(host, _)| host.to_owned()).collect()
}

#[cfg(test)]
#[path = "task_tests.rs"]
mod tests;
