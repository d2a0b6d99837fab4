//! Waiting between tries: a named kind for every cause, equal jitter, and one deadline over all of them.
//!
//! An operation has one [`Backoffer`]. Kinds grow by themselves (a busy store does not make the next leader change slow), the deadline
//! is common: the number of tries is never limited, because a Raft election or a restart takes as long as it takes.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::error::{ClientError, ClientErrorKind, Result};
use crate::stats::ReadStats;

/// Why a try has to be repeated. Bounds of the waits are those of TiKV's Go client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BackoffKind {
    /// The region is not where, or not what, the cache says.
    RegionMiss,
    /// The leader has moved and the new one is known.
    UpdateLeader,
    /// The region has no leader, or is being moved or merged.
    RegionScheduling,
    /// The region's replica was just created.
    RegionNotInitialized,
    /// The region is being recovered after a majority failure.
    RegionRecovery,
    /// The command was dropped in a change of term.
    StaleCommand,
    /// The store is overloaded.
    ServerBusy,
    /// The store's disk is full.
    DiskFull,
    /// The store has not learnt the newest timestamp yet.
    MaxTimestampNotSynced,
    /// The replica is behind.
    DataIsNotReady,
    /// The peer has no data.
    IsWitness,
    /// The store does not answer.
    StoreRpc,
    /// The store of the leader is down, and no other peer leads yet.
    StoreDown,
    /// The server failed inside.
    ServerFailure,
    /// PD does not answer.
    PdRpc,
    /// A live transaction holds the lock.
    TxnLock,
    /// The lock's primary is not there yet.
    TxnNotFound,
}

impl BackoffKind {
    const COUNT: usize = BackoffKind::TxnNotFound as usize + 1;

    /// First and longest wait, milliseconds.
    pub(crate) fn bounds(self) -> (u64, u64) {
        match self {
            Self::RegionMiss | Self::RegionScheduling | Self::MaxTimestampNotSynced | Self::TxnNotFound => (2, 500),
            Self::UpdateLeader => (1, 10),
            Self::RegionNotInitialized | Self::StaleCommand => (2, 1_000),
            Self::RegionRecovery => (100, 10_000),
            Self::StoreDown => (100, 500),
            Self::ServerBusy => (2_000, 10_000),
            Self::DiskFull => (500, 5_000),
            Self::DataIsNotReady | Self::StoreRpc | Self::ServerFailure => (100, 2_000),
            Self::IsWitness => (1_000, 10_000),
            Self::PdRpc => (500, 3_000),
            Self::TxnLock => (100, 3_000),
        }
    }
}

/// The waits of one operation.
pub(crate) struct Backoffer {
    operation: &'static str,
    started: Instant,
    budget: Duration,
    attempts: [u32; BackoffKind::COUNT],
    waits: u32,
    unanswered: u32,
    waited: Duration,
    causes: VecDeque<Cause>,
    stats: Arc<ReadStats>,
}

struct Cause {
    text: String,
    times: u32,
}

/// Causes that the deadline error tells.
const CAUSES_KEPT: usize = 3;

impl Backoffer {
    /// `operation` is told in the deadline error, e.g. "reading a region".
    pub(crate) fn new(operation: &'static str, budget: Duration, stats: Arc<ReadStats>) -> Self {
        Self {
            operation,
            started: Instant::now(),
            budget,
            attempts: [0; BackoffKind::COUNT],
            waits: 0,
            unanswered: 0,
            waited: Duration::ZERO,
            causes: VecDeque::new(),
            stats,
        }
    }

    /// Time left.
    pub(crate) fn remaining(&self) -> Duration {
        self.budget.saturating_sub(self.started.elapsed())
    }

    /// Counters of the operation that waits.
    pub(crate) fn stats(&self) -> &Arc<ReadStats> {
        &self.stats
    }

    /// Waits for the next step of `kind`, or fails when the deadline would be over before it.
    pub(crate) async fn backoff(&mut self, kind: BackoffKind, cause: impl Into<String>) -> Result<()> {
        let wait = self.next_wait(kind);
        self.sleep(wait, cause.into()).await
    }

    /// As [`Self::backoff`], for a wait that the server has asked for: at least `wait`, plus up to a quarter against herds.
    pub(crate) async fn backoff_for(&mut self, wait: Duration, cause: impl Into<String>) -> Result<()> {
        let jitter = wait.mul_f64(0.25 * fastrand::f64());
        self.sleep(wait + jitter, cause.into()).await
    }

    /// As [`Self::backoff`], but never longer than `limit`.
    pub(crate) async fn backoff_within(
        &mut self,
        kind: BackoffKind,
        limit: Duration,
        cause: impl Into<String>,
    ) -> Result<()> {
        let wait = self.next_wait(kind).min(limit);
        self.sleep(wait, cause.into()).await
    }

    /// Notes a request that was sent and whose effect is not known: it may have been executed, or may be later.
    pub(crate) fn note_unanswered(&mut self) {
        self.unanswered = self.unanswered.saturating_add(1);
    }

    /// Requests whose effect is not known.
    pub(crate) fn unanswered(&self) -> u32 {
        self.unanswered
    }

    /// How often `kind` was waited for.
    pub(crate) fn attempts(&self, kind: BackoffKind) -> u32 {
        self.attempts.get(kind as usize).copied().unwrap_or_default()
    }

    /// Equal jitter: half of the exponential step is fixed, half is random.
    pub(crate) fn next_wait(&mut self, kind: BackoffKind) -> Duration {
        let (base, cap) = kind.bounds();
        let attempt = match self.attempts.get_mut(kind as usize) {
            Some(attempt) => {
                let current = *attempt;
                *attempt = current.saturating_add(1);
                current
            }
            None => 0,
        };
        let step = base.saturating_mul(1u64 << attempt.min(30)).min(cap);
        let micros = step.saturating_mul(1_000);
        let half = micros / 2;
        Duration::from_micros(half + fastrand::u64(0..=micros - half))
    }

    async fn sleep(&mut self, wait: Duration, cause: String) -> Result<()> {
        tracing::debug!(operation = self.operation, ?wait, cause, "back off");
        self.remember(cause);
        if wait >= self.remaining() {
            return Err(self.deadline_error());
        }
        let before = Instant::now();
        tokio::time::sleep(wait).await;
        let waited = before.elapsed();
        self.waits += 1;
        self.waited += waited;
        self.stats.backoff_nanos.fetch_add(nanos(waited), Ordering::Relaxed);
        Ok(())
    }

    /// Notes a cause for the deadline error.
    pub(crate) fn remember(&mut self, text: String) {
        if let Some(last) = self.causes.back_mut() {
            if last.text == text {
                last.times = last.times.saturating_add(1);
                return;
            }
        }
        if self.causes.len() == CAUSES_KEPT {
            self.causes.pop_front();
        }
        self.causes.push_back(Cause { text, times: 1 });
    }

    /// The error of an operation whose time is over.
    pub(crate) fn deadline_error(&self) -> ClientError {
        let causes: Vec<String> = self
            .causes
            .iter()
            .map(|cause| {
                if cause.times > 1 {
                    format!("{} ({} times)", cause.text, cause.times)
                } else {
                    cause.text.clone()
                }
            })
            .collect();
        let causes = if causes.is_empty() {
            "none seen".to_string()
        } else {
            causes.join("; then ")
        };
        ClientError::retryable(
            ClientErrorKind::Deadline,
            format!(
                "{} did not succeed within its deadline of {:.1} s ({} waits, {:.1} s in them). Last causes: {causes}. \
                 Check the health of the cluster, or raise the deadline.",
                self.operation,
                self.budget.as_secs_f64(),
                self.waits,
                self.waited.as_secs_f64()
            ),
        )
    }
}

pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[path = "backoff_tests.rs"]
mod tests;
