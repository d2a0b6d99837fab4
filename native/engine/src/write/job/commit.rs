//! What has to hold before the primary is committed, and its commit.

use std::sync::PoisonError;
use std::time::Instant;

use bytes::Bytes;
use ti_client::PrewriteOptions;
use ti_proto::plan;
use ti_proto::plan::write_spec::Overwrite;

use super::super::audit::{self, Audit, Reasons};
use super::super::check::clusters_exactly;
use super::super::metrics::Step;
use super::super::overwrite::Deletion;
use super::super::row_id::Allocator;
use super::super::sketch::Sketch;
use super::super::tally::{self, Sums};
use super::super::wire::WireTally;
use super::super::{displaced, duplicate};
use super::{touched, Inner};
use crate::error::{Error, ErrorKind, Result};

impl Inner {
    /// Everything up to the primary's commit.
    pub(super) async fn run_commit(&self, request: &plan::CommitRequest, tallies: &[WireTally]) -> Result<u64> {
        if let Some(lost) = self.transaction.lost() {
            return Err(lost.into());
        }
        let start = Instant::now();
        self.audit(request, tallies).await?;
        self.counters.spent(Step::Audit, start);
        self.delete_old_rows(tallies).await?;
        self.delete_displaced(tallies).await?;
        let greatest = tallies.iter().map(|t| t.greatest_explicit_id).max().unwrap_or(0);
        if greatest > 0 {
            if let Some(allocator) = Allocator::of_column(&self.table, self.common.allocator_database) {
                allocator.rebase(&self.client, greatest).await?;
            }
        }
        self.commit_primary().await
    }

    pub(super) async fn commit_primary(&self) -> Result<u64> {
        let start = Instant::now();
        let committed = self
            .transaction
            .commit(|commit_ts| self.schema.run(&self.client, commit_ts))
            .await;
        self.counters.spent(Step::Commit, start);
        match committed {
            Ok(outcome) => Ok(outcome.commit_ts),
            Err(error) => Err(error.context(format!("table {}", self.table.full_name()))),
        }
    }

    async fn audit(&self, request: &plan::CommitRequest, tallies: &[WireTally]) -> Result<()> {
        let ran_again = |m: &plan::CommitMessage| m.attempt_number > 0 || m.stage_attempt_number > 0;
        let again = request.messages.iter().any(ran_again);
        let full_name = self.table.full_name();
        let mut tasks = request.messages.iter().zip(tallies);
        if tasks.any(|(message, tally)| ran_again(message) && tally.unrepeatable) {
            return Err(Error::new(
                ErrorKind::NotDeterministic,
                format!(
                    "table {full_name}: a task ran more than once, and rows of the write got generated ids that another attempt does not get again; nothing of \
                     the write is kept, run it again (or give the AUTO_INCREMENT column)"
                ),
            ));
        }
        let handle_is_given = !self.table.handle_offsets().is_empty();
        let reasons = Reasons {
            retried: again || self.spec.speculation,
            keys_may_meet: match &self.spec.delta {
                // A row may go to any key.
                Some(delta) => delta.puts,
                None => {
                    self.table.has_unique_index()
                        || (handle_is_given && !(self.spec.clustered && clusters_exactly(&self.table)))
                }
            },
            unconditional: self.spec.overwrite != Overwrite::None,
        };
        let Some(depth) = reasons.depth() else { return Ok(()) };
        let (mut reported, mut sketch) = (Sums::default(), Sketch::default());
        for tally in tallies {
            reported.merge(&tally::sums(tally)?);
            sketch.merge_wire(&tally.cells);
        }
        let audit = Audit {
            client: &self.client,
            info: self.transaction.info(),
            // A failed attempt may have left keys anywhere in the table.
            ranges: match reasons.retried {
                true => self.all_ranges(),
                false => touched(tallies),
            },
            options: self.batch_options(),
        };
        let found = audit.locks(depth).await?;
        let Err(error) = audit::compare(&full_name, &found.sums, &reported, depth) else {
            return Ok(());
        };
        if found.sums.count >= reported.count {
            return Err(error);
        }
        // The write has failed in any case; if the keys cannot be told, their number is.
        let twice = audit
            .written_twice(&sketch.excess(&found.sketch))
            .await
            .unwrap_or_default();
        let named: Vec<String> = twice.iter().map(|key| duplicate::entry(&self.table, key)).collect();
        Err(match named.is_empty() {
            true => error,
            false => error.context(named.join(", ")),
        })
    }

    async fn delete_old_rows(&self, tallies: &[WireTally]) -> Result<()> {
        let ids = match self.spec.overwrite {
            Overwrite::None => return Ok(()),
            Overwrite::All => self.all_ids(),
            Overwrite::Partitions => tallies.iter().flat_map(|t| t.partitions.iter().copied()).collect(),
        };
        let options = self.prewrite_options();
        let deletion = Deletion {
            client: &self.client,
            info: self.transaction.info(),
            options: &options,
            counters: &self.counters,
        };
        let done = match self.spec.condition.is_always() {
            true => deletion.delete_all(&ids).await,
            false => {
                let table = &self.table;
                deletion.delete_matching(table, &self.spec.condition).await
            }
        };
        done.map_err(|e| e.context(format!("table {}", self.table.full_name())))
    }

    /// Deletes what the tasks of an upsert or of changes have left to the driver, and checks that the keys that rows take are given up.
    async fn delete_displaced(&self, tallies: &[WireTally]) -> Result<()> {
        let mut left = displaced::Left::new(tallies);
        let info = self.transaction.info();
        let options = self.batch_options();
        while let Some(deletions) = left.next(&self.client, &self.table, info, &options).await? {
            let start = Instant::now();
            let keys = deletions.sorted.keys().map(Bytes::copy_from_slice);
            self.displaced
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .extend(keys);
            let stats = self
                .client
                .prewrite(info, deletions.sorted.mutations(), &self.prewrite_options())
                .await;
            let stats = stats.map_err(|e| Error::from(e).context(format!("table {}", self.table.full_name())))?;
            self.counters.prewritten(&stats, start);
            if self.spec.delta.is_none() {
                // Tasks count the rows that are deleted on demand; here are also those that move.
                self.counters.deleted(deletions.rows);
            } else {
                deletions
                    .check_vacant(&self.client, &self.table, info, &options)
                    .await?;
            }
        }
        left.check_taken(&self.table)
    }

    fn prewrite_options(&self) -> PrewriteOptions {
        PrewriteOptions {
            request_bytes: self.spec.request_bytes,
            concurrency: self.spec.concurrency,
            deadline: self.spec.prewrite_deadline,
            ..PrewriteOptions::default()
        }
    }
}
