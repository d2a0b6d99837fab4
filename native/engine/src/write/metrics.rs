//! Counters of a task or of the driver's part of a write: written by the pipeline, read by Spark's threads at any time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use ti_client::PrewriteStats;
use ti_proto::plan;

macro_rules! counters {
    ($($name:ident),+ $(,)?) => {
        /// Sums since the writer or transaction was opened. Nothing is ordered by them, so all accesses are relaxed.
        #[derive(Debug, Default)]
        pub struct Counters {
            $($name: AtomicU64,)+
            peak_memory_bytes: AtomicU64,
        }

        impl Counters {
            /// As they are now.
            pub fn snapshot(&self) -> plan::WriteMetrics {
                plan::WriteMetrics {
                    $($name: self.$name.load(Ordering::Relaxed),)+
                    peak_memory_bytes: self.peak_memory_bytes.load(Ordering::Relaxed),
                }
            }

            /// Adds another's counters; the greater peak stays.
            pub fn merge(&self, other: &plan::WriteMetrics) {
                $(self.$name.fetch_add(other.$name, Ordering::Relaxed);)+
                self.peak_memory_bytes.fetch_max(other.peak_memory_bytes, Ordering::Relaxed);
            }
        }
    };
}

counters!(
    rows,
    skipped_rows,
    mutations,
    bytes,
    requests,
    region_errors,
    locks_met,
    backoff_nanos,
    encode_nanos,
    prewrite_nanos,
    audit_nanos,
    commit_nanos,
    resolve_nanos,
    deleted_rows,
);

/// What time is spent on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Rows -> mutations.
    Encode,
    /// Comparing locks with what the tasks report.
    Audit,
    /// Schema check, commit timestamp, primary.
    Commit,
    /// The other keys.
    Resolve,
}

impl Counters {
    /// Rows written.
    pub fn rows(&self, rows: u64) {
        self.rows.fetch_add(rows, Ordering::Relaxed);
    }

    /// Rows left out because their keys are taken.
    pub fn skipped(&self, rows: u64) {
        self.skipped_rows.fetch_add(rows, Ordering::Relaxed);
    }

    /// Rows of the old state that go away.
    pub fn deleted(&self, rows: u64) {
        self.deleted_rows.fetch_add(rows, Ordering::Relaxed);
    }

    /// Mutations were prewritten, since `start`.
    pub fn prewritten(&self, stats: &PrewriteStats, start: Instant) {
        let add = |counter: &AtomicU64, n: u64| counter.fetch_add(n, Ordering::Relaxed);
        add(&self.mutations, stats.keys);
        add(&self.bytes, stats.bytes);
        add(&self.requests, stats.requests);
        add(&self.region_errors, stats.region_errors);
        add(&self.locks_met, stats.locks_met);
        add(&self.backoff_nanos, stats.backoff_nanos);
        add(&self.prewrite_nanos, nanos_since(start));
    }

    /// Time since `start` went into a step.
    pub fn spent(&self, step: Step, start: Instant) {
        let counter = match step {
            Step::Encode => &self.encode_nanos,
            Step::Audit => &self.audit_nanos,
            Step::Commit => &self.commit_nanos,
            Step::Resolve => &self.resolve_nanos,
        };
        counter.fetch_add(nanos_since(start), Ordering::Relaxed);
    }

    /// Most memory held so far.
    pub fn memory(&self, bytes: usize) {
        self.peak_memory_bytes.fetch_max(bytes as u64, Ordering::Relaxed);
    }
}

fn nanos_since(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
