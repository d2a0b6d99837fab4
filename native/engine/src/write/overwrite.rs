//! Overwrite: the rows that the table had, and their index entries, go away in the same transaction.
//!
//! The driver lists the keys of the snapshot, region by region, and prewrites their deletion after the tasks have finished. Keys that a task
//! has written again are left to it (the first prewrite of a key counts anyway). No row is decoded, because rows and index entries of a table
//! lie under one prefix; only an overwrite by a condition reads the rows.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use futures::stream::{self, StreamExt, TryStreamExt};
use ti_client::{BatchOptions, Client, KeyRange, Mutation, MutationOp, PrewriteOptions, TxnInfo};
use ti_codec::handle::decode_record_key;
use ti_codec::key::{is_record_key, prefix_end, record_prefix, table_prefix};

use super::buffer::Buffer;
use super::encode::RowWriter;
use super::filter::{as_read, Condition};
use super::metrics::Counters;
use super::table::WriteTable;
use crate::error::{Error, ErrorKind, Result};

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
            KeyRange::interval(start, end)
        })
        .collect()
}

/// Removes rows of the transaction's snapshot.
pub struct Deletion<'a> {
    /// The cluster.
    pub client: &'a Arc<Client>,
    /// The transaction.
    pub info: &'a TxnInfo,
    /// How deletions are prewritten.
    pub options: &'a PrewriteOptions,
    /// Where they are counted.
    pub counters: &'a Counters,
}

impl Deletion<'_> {
    /// Deletes everything that the tables had, except what tasks have written again.
    pub async fn delete_all(&self, physical_ids: &[i64]) -> Result<()> {
        let pieces = self.pieces(table_ranges(physical_ids)).await?;
        stream::iter(pieces)
            .map(|range| self.delete_range(range))
            .buffer_unordered(REGIONS_AT_ONCE)
            .try_collect::<()>()
            .await
    }

    /// Deletes the rows for which the condition holds, and their index entries. One region after the other, because rows are held in memory.
    pub async fn delete_matching(&self, table: &Arc<WriteTable>, condition: &Condition) -> Result<()> {
        let mut ids = table.physical_ids.clone();
        ids.sort_unstable();
        let ranges = ids.into_iter().map(|id| KeyRange::below(&record_prefix(id))).collect();
        let mut rows = RowWriter::new(table.clone(), self.info.primary.clone())?;
        for range in self.pieces(ranges).await? {
            self.delete_rows(range, table, &mut rows, condition).await?;
        }
        Ok(())
    }

    /// Ranges, cut at the bounds of regions.
    async fn pieces(&self, ranges: Vec<KeyRange>) -> Result<Vec<KeyRange>> {
        let deadline = Instant::now() + self.options.deadline;
        let located = self.client.locate(ranges, deadline).await?;
        Ok(located.into_iter().flat_map(|piece| piece.ranges).collect())
    }

    async fn delete_rows(
        &self,
        range: KeyRange,
        table: &WriteTable,
        rows: &mut RowWriter,
        condition: &Condition,
    ) -> Result<()> {
        let mut snapshot = self.client.snapshot(self.snapshot_ts()).await?;
        let pairs = snapshot.scan(range.start().to_vec(), range.end().to_vec()).await?;
        let mut buffer = Buffer::default();
        let mut deleted = 0;
        for (key, row) in pairs {
            let (physical_id, handle) = decode_record_key(&key)?;
            let values = as_read(rows.stored_values(&handle, &row)?, table);
            if condition.holds(&values)? {
                rows.delete(physical_id, &handle, &row, &mut buffer)?;
                deleted += 1;
            }
            if buffer.len() >= KEYS_AT_ONCE {
                self.send(std::mem::take(&mut buffer)).await?;
            }
        }
        self.send(buffer).await?;
        self.counters.deleted(deleted);
        Ok(())
    }

    /// Prewrites deletions. Keys that a task has written keep the task's value.
    async fn send(&self, buffer: Buffer) -> Result<()> {
        let start = Instant::now();
        let sorted = buffer
            .sort()
            .map_err(|_| Error::new(ErrorKind::Internal, "a row to be deleted is to be written too"))?;
        let stats = self
            .client
            .prewrite(self.info, sorted.mutations(), self.options)
            .await?;
        self.counters.prewritten(&stats, start);
        Ok(())
    }

    /// The snapshot of start_ts, without meeting the tasks' locks: not every control plane reads through them.
    fn snapshot_ts(&self) -> u64 {
        self.info.start_ts.saturating_sub(1)
    }

    async fn delete_range(&self, range: KeyRange) -> Result<()> {
        let mut snapshot = self.client.snapshot(self.snapshot_ts()).await?;
        let mut keys = snapshot.scan_keys(range.start().to_vec(), range.end().to_vec()).await?;
        let rows = keys.iter().filter(|key| is_record_key(key)).count();
        let mut written = HashSet::new();
        let locks = BatchOptions {
            deadline: self.options.deadline,
            ..BatchOptions::default()
        };
        self.client
            .scan_locks(self.info.start_ts, vec![range], &locks, |page| written.extend(page))
            .await?;
        keys.retain(|key| !written.contains(key.as_slice()));
        for keys in keys.chunks(KEYS_AT_ONCE) {
            let start = Instant::now();
            let deletions = keys
                .iter()
                .map(|key| Mutation::new(MutationOp::Delete, key.clone(), Vec::new()))
                .collect();
            let stats = self.client.prewrite(self.info, deletions, self.options).await?;
            self.counters.prewritten(&stats, start);
        }
        self.counters.deleted(rows as u64);
        Ok(())
    }
}
