//! The lock audit: before the primary is committed, the locks of the transaction are exactly what the accepted tasks report.
//!
//! Once the primary is committed every lock of its start_ts is, whoever left it, and a key that was prewritten twice has kept its first value
//! silently. So a key of a failed attempt that the accepted one did not write, a key that two tasks wrote, and a value of another attempt must be found
//! before. Keys come from the stores' lock lists, values from reading at a fresh timestamp with our own locks taken for committed.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use futures::stream::{self, StreamExt, TryStreamExt};
use ti_client::{BatchOptions, Client, KeyRange, TxnInfo};

use super::sketch::{Excess, Sketch};
use super::tally::{hash_key, Sums};
use crate::error::{Error, ErrorKind, Result};

/// Keys that are read at once.
const KEYS_AT_ONCE: usize = 8_192;

/// Keys that an error names, at most.
pub const MOST_NAMED: usize = 3;

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// The keys.
    Keys,
    /// Keys and values.
    Values,
}

/// Is an audit needed, and how deep?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reasons {
    /// A task ran more than once, or may have.
    pub retried: bool,
    /// Rows of different tasks may meet in one key.
    pub keys_may_meet: bool,
    /// Keys are written without the condition that they are free.
    pub unconditional: bool,
}

impl Reasons {
    /// How deep; `None`: not at all.
    pub fn depth(self) -> Option<Depth> {
        match self {
            Self { retried: true, .. } => Some(Depth::Values),
            Self {
                keys_may_meet: true, ..
            }
            | Self {
                unconditional: true, ..
            } => Some(Depth::Keys),
            _ => None,
        }
    }
}

/// What is locked.
#[derive(Debug, Default)]
pub struct Locked {
    /// Number and hashes.
    pub sums: Sums,
    /// The keys by cells.
    pub sketch: Sketch,
}

/// What the audit looks at.
pub struct Audit<'a> {
    /// The cluster.
    pub client: &'a Arc<Client>,
    /// The transaction; its primary is no task's.
    pub info: &'a TxnInfo,
    /// Where locks may be.
    pub ranges: Vec<KeyRange>,
    /// How requests are made.
    pub options: BatchOptions,
}

impl Audit<'_> {
    /// Number and hashes of the locks; of the values only if they are asked for.
    pub async fn locks(&self, depth: Depth) -> Result<Locked> {
        match depth {
            Depth::Keys => self.keys(self.ranges.clone()).await,
            Depth::Values => {
                let located = self
                    .client
                    .locate(self.ranges.clone(), Instant::now() + self.options.deadline)
                    .await?;
                let ts = self.client.timestamp().await?;
                let sums = stream::iter(located)
                    .map(|piece| self.values(ts, piece.ranges))
                    .buffer_unordered(self.options.concurrency.max(1))
                    .try_fold(Locked::default(), |mut all, part| async move {
                        all.sums.merge(&part.sums);
                        all.sketch.merge(&part.sketch);
                        Ok(all)
                    });
                sums.await
            }
        }
    }

    async fn keys(&self, ranges: Vec<KeyRange>) -> Result<Locked> {
        let mut locked = Locked::default();
        self.client
            .scan_locks(self.info.start_ts, ranges, &self.options, |keys| {
                for key in keys.iter().filter(|key| **key != self.info.primary) {
                    locked.sketch.add(locked.sums.add_key(key));
                }
            })
            .await?;
        Ok(locked)
    }

    /// Keys that the tasks report more often than they are locked, as far as the sketches tell; [`MOST_NAMED`] at most, in order.
    pub async fn written_twice(&self, excess: &Excess) -> Result<Vec<Bytes>> {
        let mut named = BTreeSet::new();
        self.client
            .scan_locks(self.info.start_ts, self.ranges.clone(), &self.options, |keys| {
                named.extend(keys.into_iter().filter(|key| excess.is(hash_key(key))));
            })
            .await?;
        Ok(named.into_iter().take(MOST_NAMED).collect())
    }

    /// Keys and values of one region.
    async fn values(&self, ts: u64, ranges: Vec<KeyRange>) -> Result<Locked> {
        let mut found: Vec<Bytes> = Vec::new();
        self.client
            .scan_locks(self.info.start_ts, ranges, &self.options, |keys| {
                found.extend(keys.into_iter().filter(|key| *key != self.info.primary));
            })
            .await?;
        let mut locked = Locked::default();
        for keys in found.chunks(KEYS_AT_ONCE) {
            let pairs = self
                .client
                .batch_get(ts, keys.to_vec(), &[self.info.start_ts], &self.options)
                .await?;
            let mut deleted: HashSet<&Bytes> = keys.iter().collect();
            for (key, value) in &pairs {
                deleted.remove(key);
                locked.sketch.add(locked.sums.add(key, Some(value)));
            }
            for key in deleted {
                locked.sketch.add(locked.sums.add(key, None));
            }
        }
        Ok(locked)
    }
}

/// Compares the locks with what the tasks report.
///
/// # Errors
/// `DuplicateKey` when keys have met and nothing was retried; `NotDeterministic` for every other difference.
pub fn compare(table: &str, found: &Sums, reported: &Sums, depth: Depth) -> Result<()> {
    let same_keys = (found.count, found.keys) == (reported.count, reported.keys);
    let same_values = depth == Depth::Keys || found.values == reported.values;
    if same_keys && same_values {
        return Ok(());
    }
    let nothing = "nothing of the write is kept";
    if depth == Depth::Keys && found.count < reported.count {
        return Err(Error::new(
            ErrorKind::DuplicateKey,
            format!(
                "table {table}: rows of different tasks have the same key ({} keys of rows and index entries were written, {} of them are different); \
                 {nothing}. Remove the duplicates, also those of unique indexes and those that the column's collation or rounding makes equal",
                reported.count, found.count
            ),
        ));
    }
    let how = match same_keys {
        true => "other values than its first attempt".to_owned(),
        false => format!(
            "other keys ({} are locked, the accepted tasks report {})",
            found.count, reported.count
        ),
    };
    Err(Error::new(
        ErrorKind::NotDeterministic,
        format!(
            "table {table}: a task that ran more than once wrote {how}; {nothing}. Persist the DataFrame before it is written, or remove what \
             changes from run to run (rand, uuid, current time, limit without order), and look for rows with equal keys"
        ),
    ))
}

#[cfg(test)]
#[path = "audit_tests.rs"]
mod tests;
