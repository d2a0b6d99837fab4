//! Overwrite: the rows that the table had, and their index entries, go away in the same transaction.
//!
//! The driver lists the keys of the snapshot, region by region, and prewrites their deletion after the tasks have finished. Keys that a task
//! has written again are left to it (the first prewrite of a key counts anyway). No row is decoded, because rows and index entries of a table
//! lie under one prefix.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use futures::stream::{self, StreamExt, TryStreamExt};
use ti_client::{BatchOptions, Client, KeyRange, Mutation, MutationOp, PrewriteOptions, TxnInfo};
use ti_codec::key::{prefix_end, table_prefix};

use super::metrics::Counters;
use crate::error::Result;

/// Deletions that are prewritten at once.
const KEYS_AT_ONCE: usize = 16_384;
/// Regions that are worked on at once. Their keys are in memory.
const REGIONS_AT_ONCE: usize = 4;

/// All keys of physical tables, rows and index entries.
pub fn table_ranges(physical_ids: &[i64]) -> Vec<KeyRange> {
    let mut ids = physical_ids.to_vec();
    ids.sort_unstable();
    ids.dedup();
    ids.into_iter()
        .map(|id| {
            let start = table_prefix(id);
            let end = prefix_end(&start);
            KeyRange::new(start, end)
        })
        .collect()
}

/// Deletes everything that the tables had at the transaction's snapshot, except what tasks have written again.
pub async fn delete_all(
    client: &Arc<Client>,
    info: &TxnInfo,
    physical_ids: &[i64],
    options: &PrewriteOptions,
    counters: &Counters,
) -> Result<()> {
    let deadline = Instant::now() + options.deadline;
    let located = client.locate(table_ranges(physical_ids), deadline).await?;
    let ranges = located.into_iter().flat_map(|piece| piece.ranges);
    stream::iter(ranges)
        .map(|range| delete_range(client, info, range, options, counters))
        .buffer_unordered(REGIONS_AT_ONCE)
        .try_collect::<()>()
        .await
}

async fn delete_range(
    client: &Arc<Client>,
    info: &TxnInfo,
    range: KeyRange,
    options: &PrewriteOptions,
    counters: &Counters,
) -> Result<()> {
    // Same snapshot as start_ts, which would meet the tasks' locks.
    let mut snapshot = client.snapshot(info.start_ts.saturating_sub(1)).await?;
    let mut keys = snapshot.scan_keys(range.start.to_vec(), range.end.to_vec()).await?;
    let rows = keys.iter().filter(|key| is_row(key)).count();
    let mut written = HashSet::new();
    let locks = BatchOptions {
        deadline: options.deadline,
        ..BatchOptions::default()
    };
    client
        .scan_locks(info.start_ts, vec![range], &locks, |page| written.extend(page))
        .await?;
    keys.retain(|key| !written.contains(key.as_slice()));
    for keys in keys.chunks(KEYS_AT_ONCE) {
        let start = Instant::now();
        let deletions = keys
            .iter()
            .map(|key| Mutation::new(MutationOp::Delete, key.clone(), Vec::new()))
            .collect();
        let stats = client.prewrite(info, deletions, options).await?;
        counters.prewritten(&stats, start);
    }
    counters.deleted(rows as u64);
    Ok(())
}

/// Is it the key of a row, not of an index entry?
fn is_row(key: &[u8]) -> bool {
    key.get(9..11) == Some(b"_r")
}
