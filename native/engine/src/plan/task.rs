//! Groups of pieces -> Spark partitions: ranges by table, hosts.

use std::collections::HashMap;

use prost::Message;
use ti_client::KeyRange;
use ti_codec::key;
use ti_proto::plan;

use super::access::path::{Access, Path};
use super::share::Piece;
use super::wire::{ScanTasks, TableTask};
use crate::error::{Error, ErrorKind, Result};

/// The key ranges of all rows of the physical tables, in key order.
pub fn full_ranges(table_ids: &[i64]) -> Vec<KeyRange> {
    let mut ids = table_ids.to_vec();
    ids.sort_unstable();
    ids.dedup();
    ids.into_iter()
        .map(|id| KeyRange::below(&key::record_prefix(id)))
        .collect()
}

/// The key ranges that a path reads of the physical tables, in key order.
pub fn path_ranges(table_ids: &[i64], path: &Path) -> Vec<KeyRange> {
    let mut ids = table_ids.to_vec();
    ids.sort_unstable();
    ids.dedup();
    let of_table = |id: i64| {
        let prefix = match &path.access {
            Access::Table => key::record_prefix(id),
            Access::IndexOnly(index) | Access::LookUp(index) => key::index_prefix(id, index.id),
        };
        match &path.ranges {
            Some(ranges) => ranges.at(&prefix),
            None => vec![KeyRange::below(&prefix)],
        }
    };
    ids.into_iter().flat_map(of_table).collect()
}

/// The tables of a scan by the prefixes of their keys. Made once: there may be thousands of tables and a hundred thousand Spark partitions.
pub struct Prefixes(HashMap<Vec<u8>, i64>);

impl Prefixes {
    /// Of these tables.
    pub fn new(table_ids: &[i64]) -> Self {
        Self(table_ids.iter().map(|id| (key::table_prefix(*id), *id)).collect())
    }
}

/// Groups whose pieces are all of one table.
pub fn of_one_table(groups: Vec<Vec<Piece<'_>>>) -> Vec<Vec<Piece<'_>>> {
    groups
        .iter()
        .flat_map(|group| group.chunk_by(|a, b| table_prefix(&a.range) == table_prefix(&b.range)))
        .map(<[Piece<'_>]>::to_vec)
        .collect()
}

/// With `ScanSpec.by_partition`: says in each Spark partition of which of the table's partitions, whose ids these are in order, it reads.
pub fn name_table_partitions(partitions: &mut [plan::ScanPartition], groups: &[Vec<Piece<'_>>], table_ids: &[i64]) {
    let positions: HashMap<Vec<u8>, u32> = table_ids.iter().map(|id| key::table_prefix(*id)).zip(0..).collect();
    for (partition, group) in partitions.iter_mut().zip(groups) {
        let prefix = group.first().map(|piece| table_prefix(&piece.range));
        partition.table_partition = prefix.and_then(|prefix| positions.get(prefix).copied());
    }
}

/// What all keys of the table begin with in whose keys the range lies.
fn table_prefix(range: &KeyRange) -> &[u8] {
    range.start().get(..key::table_prefix(0).len()).unwrap_or_default()
}

/// What one Spark partition reads: pieces in key order, of tables in `prefixes`.
pub fn partition(group: &[Piece<'_>], prefixes: &Prefixes) -> Result<plan::ScanPartition> {
    let mut tables: Vec<TableTask> = Vec::new();
    for piece in group {
        let range = &piece.range;
        let table_id = *prefixes.0.get(table_prefix(range)).ok_or_else(|| {
            Error::new(
                ErrorKind::Internal,
                "the region cache answered a key range that lies in none of the tables to be read",
            )
        })?;
        add(&mut tables, table_id, range);
        if let Some(table) = tables.last_mut() {
            table.cuts.extend(piece.cuts.iter().map(|key| key.to_vec()));
        }
    }
    let regions = group.iter().filter(|piece| piece.begins_region).count();
    Ok(plan::ScanPartition {
        tasks: ScanTasks { tables }.encode_to_vec(),
        hosts: hosts(group),
        regions: u32::try_from(regions).unwrap_or(u32::MAX),
        table_partition: None,
    })
}

/// Appends a range; one that continues the one before makes it longer.
fn add(tables: &mut Vec<TableTask>, table_id: i64, range: &KeyRange) {
    if let Some(last) = tables.last_mut().filter(|t| t.table_id == table_id) {
        match last.ranges.last_mut().filter(|r| r.end == *range.start()) {
            Some(before) => before.end = range.end().to_vec(),
            None => last.ranges.push(range.into()),
        }
        return;
    }
    tables.push(TableTask {
        table_id,
        ranges: vec![range.into()],
        cuts: Vec::new(),
    });
}

/// Hosts of the leaders, the one with most bytes first, then by name.
fn hosts(group: &[Piece<'_>]) -> Vec<String> {
    let mut bytes: HashMap<&str, u64> = HashMap::new();
    for piece in group.iter().filter(|piece| !piece.host.is_empty()) {
        *bytes.entry(piece.host).or_default() += piece.bytes;
    }
    let mut hosts: Vec<(&str, u64)> = bytes.into_iter().collect();
    hosts.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    hosts.into_iter().map(|(host, _)| host.to_owned()).collect()
}

#[cfg(test)]
#[path = "task_tests.rs"]
mod tests;
