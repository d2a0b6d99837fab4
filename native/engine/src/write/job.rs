//! The driver's side of a write: begins the transaction, and ends it.
//!
//! ```text
//! begin        table at a fresh timestamp, checks -> start_ts, primary locked -> the same table at start_ts, checks again
//! start_tasks  ids reserved -> WritePlan
//! commit       lost? -> audit -> deletions of an overwrite or upsert -> allocators moved past explicit ids
//!              -> commit_ts -> schema check at commit_ts -> primary                     (from here on it is committed)
//!              -> other keys: those at hand by key, the rest by region
//! abort        what became of the primary? -> roll it back -> locks removed by region
//! ```

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use prost::Message;
use ti_client::{BatchOptions, Client, ClientError, ClientErrorKind, KeyRange, Outcome, Transaction};
use ti_proto::plan;
use ti_proto::plan::write_spec::Overwrite;

use super::keys::KeptKeys;
use super::metrics::{Counters, Step};
use super::overwrite::table_ranges;
use super::row_id::Allocator;
use super::schema::SchemaCheck;
use super::spec::Spec;
use super::state::{AbortStep, CommitStep, JobState};
use super::table::WriteTable;
use super::tally::Touched;
use super::wire::{self, WireTally, WriteCommon};
use crate::error::{Error, Result};
use crate::runtime::{block_on, runtime};

mod begin;
mod commit;

pub(crate) use begin::{begin, check_write};

/// A write: one transaction.
pub struct WriteJob {
    inner: Arc<Inner>,
}

struct Inner {
    client: Arc<Client>,
    table: Arc<WriteTable>,
    common: WriteCommon,
    spec: Spec,
    transaction: Transaction,
    schema: SchemaCheck,
    counters: Counters,
    kept: KeptKeys,
    /// Held by commit and abort, one after the other.
    ending: tokio::sync::Mutex<()>,
    state: Mutex<JobState>,
    /// Keys that were deleted for the tasks of an upsert: to be committed.
    displaced: Mutex<Vec<Bytes>>,
    plan: tokio::sync::OnceCell<plan::WritePlan>,
}

impl WriteJob {
    /// The transaction's start timestamp.
    pub fn start_ts(&self) -> u64 {
        self.inner.common.start_ts
    }

    /// What all tasks need. Reserves ids for `partitions` tasks where the write generates some. Blocks; a second call answers the same.
    pub fn start_tasks(&self, partitions: u32) -> Result<plan::WritePlan> {
        let inner = &self.inner;
        block_on(async {
            let plan = inner.plan.get_or_try_init(|| inner.start_tasks(partitions));
            plan.await.cloned()
        })
    }

    /// Commits what the accepted tasks have written. Blocks until it is committed, or certainly not, or nobody can tell. A second call
    /// answers the same; after `CommitUnknown` it asks again.
    ///
    /// # Errors
    /// `CommitUnknown`: it may be committed. With all others it is not: abort it.
    pub fn commit(&self, request: plan::CommitRequest) -> Result<plan::WriteResult> {
        block_on(self.inner.clone().commit(request))
    }

    /// Gives the write up: nothing of it stays. Does nothing when it is committed or aborted already. Blocks.
    ///
    /// # Errors
    /// `CommitUnknown` when a commit was sent and nobody can tell what became of it: nothing was done.
    pub fn abort(&self) -> Result<()> {
        block_on(self.inner.clone().abort())
    }

    /// How far it has come.
    pub fn state(&self) -> JobState {
        self.inner.state()
    }

    /// Counters of the driver's part so far.
    pub fn metrics(&self) -> plan::WriteMetrics {
        self.inner.counters.snapshot()
    }
}

impl Inner {
    fn state(&self) -> JobState {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn enter(&self, state: JobState) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }

    async fn start_tasks(&self, partitions: u32) -> Result<plan::WritePlan> {
        let mut common = self.common.clone();
        common.tasks = partitions;
        if self.spec.generates_ids(&self.table) {
            let database = common.allocator_database;
            let repeatable = match Allocator::of_rows(&self.table, database) {
                Some(allocator) => Some(allocator),
                // An AUTO_INCREMENT column may be small: its values are taken as they are needed.
                None => Allocator::of_column(&self.table, database).filter(|a| a.is_sharded()),
            };
            if let Some(allocator) = repeatable {
                common.reserved = allocator.reserve(&self.client, partitions).await?;
            }
        }
        Ok(plan::WritePlan {
            start_ts: common.start_ts,
            common: common.encode_to_vec(),
        })
    }

    async fn commit(self: Arc<Self>, request: plan::CommitRequest) -> Result<plan::WriteResult> {
        let _ending = self.ending.lock().await;
        let step = self.state().commit()?;
        let tallies = request
            .messages
            .iter()
            .map(|message| wire::decode::<WireTally>(&message.tally, "CommitMessage.tally"))
            .collect::<Result<Vec<_>>>()?;
        let committed = match step {
            CommitStep::Answer(result) => return Ok(result),
            CommitStep::Run => self.run_commit(&request, &tallies).await,
            CommitStep::Settle => self.commit_primary().await,
        };
        let commit_ts = match committed {
            Ok(commit_ts) => commit_ts,
            Err(error) => {
                self.enter(JobState::after_failure(&error));
                return Err(error);
            }
        };
        for tally in &tallies {
            if let Some(metrics) = &tally.metrics {
                self.counters.merge(metrics);
            }
        }
        if self.spec.resolve_in_background {
            let this = self.clone();
            runtime()?.spawn(async move { this.finish_keys(commit_ts, tallies).await });
        } else {
            self.finish_keys(commit_ts, tallies).await;
        }
        let result = plan::WriteResult {
            commit_ts,
            metrics: Some(self.counters.snapshot()),
        };
        self.enter(JobState::Committed(result));
        Ok(result)
    }

    /// Physical tables, and the table itself, which has the entries of global indexes.
    fn all_ids(&self) -> Vec<i64> {
        let mut ids = self.table.physical_ids.clone();
        if self.table.indexes.iter().any(|index| index.global) {
            ids.push(self.table.id);
        }
        ids
    }

    fn all_ranges(&self) -> Vec<KeyRange> {
        table_ranges(&self.all_ids())
    }

    fn batch_options(&self) -> BatchOptions {
        BatchOptions {
            concurrency: self.spec.concurrency,
            deadline: self.spec.commit_deadline,
            ..BatchOptions::default()
        }
    }

    /// Commits what is left when the primary is committed. Readers would do it too, so that a failure is no failure of the write.
    async fn finish_keys(&self, commit_ts: u64, tallies: Vec<WireTally>) {
        let start = Instant::now();
        if let Err(error) = self.try_finish_keys(commit_ts, tallies).await {
            tracing::warn!(
                start_ts = self.common.start_ts,
                commit_ts,
                error = error.message,
                "the write is committed; some of its locks are left to readers"
            );
        }
        self.counters.spent(Step::Resolve, start);
        self.close_transaction().await;
    }

    async fn try_finish_keys(&self, commit_ts: u64, tallies: Vec<WireTally>) -> Result<()> {
        let info = self.transaction.info();
        let options = self.batch_options();
        let displaced = std::mem::take(&mut *self.displaced.lock().unwrap_or_else(PoisonError::into_inner));
        if !displaced.is_empty() {
            self.client.commit_keys(info, commit_ts, displaced, &options).await?;
        }
        let mut ranges = Touched::default();
        let mut all_at_hand = self.spec.overwrite == Overwrite::None;
        for tally in tallies {
            let mut keys: Vec<Bytes> = tally.few_keys.into_iter().map(Bytes::from).collect();
            if tally.kept_keys != 0 {
                keys.extend(self.kept.take(tally.kept_keys));
            }
            if keys.len() as u64 == tally.mutations {
                self.client.commit_keys(info, commit_ts, keys, &options).await?;
            } else {
                all_at_hand = false;
                ranges.merge(&tally.ranges);
            }
        }
        let ranges = match self.spec.overwrite {
            Overwrite::None if all_at_hand => return Ok(()),
            Overwrite::None => ranges.ranges(),
            Overwrite::All | Overwrite::Partitions => self.all_ranges(),
        };
        Ok(self
            .client
            .resolve_ranges(info.start_ts, commit_ts, ranges, &options)
            .await?)
    }

    async fn close_transaction(&self) {
        if let Err(error) = self.transaction.close().await {
            tracing::info!(error = error.message(), "the service safe point is left to its TTL");
        }
    }

    async fn abort(self: Arc<Self>) -> Result<()> {
        let _ending = self.ending.lock().await;
        match self.state().abort() {
            AbortStep::Nothing => return Ok(()),
            AbortStep::RollBack => {}
            AbortStep::Settle => {
                if let Ok(Outcome::Committed(commit_ts)) = self.transaction.outcome().await {
                    // What the tasks had to say is gone with the commit that failed: all regions are asked.
                    self.enter(JobState::Committed(plan::WriteResult {
                        commit_ts,
                        metrics: None,
                    }));
                    return self.resolve_all(commit_ts).await;
                }
            }
        }
        if let Err(error) = self.transaction.rollback().await {
            self.enter(self.state().after_refused_rollback(error.kind));
            return match error.kind {
                ClientErrorKind::TxnCommitted => Ok(()),
                _ => Err(self.not_rolled_back(error)),
            };
        }
        self.enter(JobState::Aborted);
        let resolved = self.resolve_all(0).await;
        self.close_transaction().await;
        resolved
    }

    fn not_rolled_back(&self, error: ClientError) -> Error {
        Error::from(error).context(format!(
            "the write to table {} cannot be rolled back",
            self.table.full_name()
        ))
    }

    /// Ends all locks of the transaction in the table: also those of tasks that nobody has heard of.
    async fn resolve_all(&self, commit_ts: u64) -> Result<()> {
        let start = Instant::now();
        let done = self
            .client
            .resolve_ranges(
                self.common.start_ts,
                commit_ts,
                self.all_ranges(),
                &self.batch_options(),
            )
            .await;
        self.counters.spent(Step::Resolve, start);
        Ok(done?)
    }
}

fn touched(tallies: &[WireTally]) -> Vec<KeyRange> {
    let mut touched = Touched::default();
    for tally in tallies {
        touched.merge(&tally.ranges);
    }
    touched.ranges()
}
