//! Decisions about transactions, without I/O.

use ti_proto::kvrpcpb::{Action, CheckSecondaryLocksResponse, CheckTxnStatusResponse, KeyError, LockInfo, Op};

use crate::control_plane::LOGICAL_BITS;
use crate::error::{ClientError, ClientErrorKind, Result};

/// What became of a transaction, as seen from one of its locks.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum TxnStatus {
    /// Final.
    Committed { commit_ts: u64 },
    /// Final.
    RolledBack,
    /// `pushed`: it will commit, if at all, after the read that asks.
    Alive { ttl_left_ms: u64, pushed: bool },
    /// Its time is over, and only its secondaries know whether it is committed.
    AsyncCommit { primary: LockInfo },
}

/// Answer of the primary.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum PrimaryAnswer {
    /// `final_for_all`: what was said holds for every lock of the transaction and may be remembered.
    Status { status: TxnStatus, final_for_all: bool },
    /// There is neither a lock nor a record of the transaction (yet).
    NotFound,
    /// The primary of this transaction is another key: the lock is a left-over of a statement that was retried.
    Mismatch,
}

/// How a read goes on at a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReadDecision {
    /// The value under the lock is not visible to the read.
    Pass,
    /// The value of the lock is visible to the read.
    Access,
    /// Not known yet.
    Wait { ttl_left_ms: u64 },
}

/// Milliseconds until a transaction's time is over at `now`; 0: it is over.
pub(crate) fn ttl_left_ms(start_ts: u64, ttl_ms: u64, now: u64) -> u64 {
    (start_ts >> LOGICAL_BITS)
        .saturating_add(ttl_ms)
        .saturating_sub(now >> LOGICAL_BITS)
}

pub(crate) fn is_pessimistic(lock: &LockInfo) -> bool {
    matches!(lock.lock_type(), Op::PessimisticLock | Op::SharedPessimisticLock)
}

/// Reads the answer of `CheckTxnStatus` for `lock`, asked at `now`.
pub(crate) fn interpret(
    response: CheckTxnStatusResponse,
    lock: &LockInfo,
    now: u64,
    force_sync_commit: bool,
) -> Result<PrimaryAnswer> {
    if let Some(error) = response.error {
        return match error {
            KeyError {
                txn_not_found: Some(_), ..
            } => Ok(PrimaryAnswer::NotFound),
            KeyError {
                primary_mismatch: Some(_),
                ..
            } => Ok(PrimaryAnswer::Mismatch),
            other => Err(lock_error(
                lock.lock_version,
                &format!("its primary answers {}", describe(&other)),
            )),
        };
    }
    let action = Action::try_from(response.action).ok();
    let pushed = action == Some(Action::MinCommitTsPushed);
    let status = |status, final_for_all| Ok(PrimaryAnswer::Status { status, final_for_all });
    if let Some(primary) = response
        .lock_info
        .as_ref()
        .filter(|primary| primary.use_async_commit && !force_sync_commit)
    {
        let left = ttl_left_ms(lock.lock_version, response.lock_ttl, now);
        if left > 0 {
            return status(
                TxnStatus::Alive {
                    ttl_left_ms: left,
                    pushed,
                },
                false,
            );
        }
        return status(
            TxnStatus::AsyncCommit {
                primary: primary.clone(),
            },
            false,
        );
    }
    if response.lock_ttl > 0 {
        let left = ttl_left_ms(lock.lock_version, response.lock_ttl, now);
        return status(
            TxnStatus::Alive {
                ttl_left_ms: left,
                pushed,
            },
            false,
        );
    }
    if response.commit_version > 0 {
        return status(
            TxnStatus::Committed {
                commit_ts: response.commit_version,
            },
            true,
        );
    }
    // A pessimistic lock may be gone while the transaction lives on: then this says nothing of its other locks.
    let nothing_done = action == Some(Action::LockNotExistDoNothing);
    status(TxnStatus::RolledBack, !is_pessimistic(lock) && !nothing_done)
}

/// What a read at `read_ts` does at a lock of a transaction of this status.
pub(crate) fn decide(status: &TxnStatus, read_ts: u64) -> ReadDecision {
    match status {
        TxnStatus::Committed { commit_ts } if *commit_ts <= read_ts => ReadDecision::Access,
        TxnStatus::Committed { .. } | TxnStatus::RolledBack => ReadDecision::Pass,
        TxnStatus::Alive { pushed: true, .. } => ReadDecision::Pass,
        TxnStatus::Alive {
            ttl_left_ms,
            pushed: false,
        } => ReadDecision::Wait {
            ttl_left_ms: *ttl_left_ms,
        },
        TxnStatus::AsyncCommit { .. } => ReadDecision::Wait { ttl_left_ms: 0 },
    }
}

/// The common answer of all secondaries of an async-commit transaction.
#[derive(Debug)]
pub(crate) struct Secondaries {
    start_ts: u64,
    /// Largest `min_commit_ts` while no lock is missing, else what the servers say (0: rolled back).
    commit_ts: u64,
    missing: bool,
}

/// What one more answer means.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum SecondaryAnswer {
    Noted,
    /// The transaction fell back to two phases: only its primary decides.
    NotAsync,
}

impl Secondaries {
    pub(crate) fn new(primary: &LockInfo, start_ts: u64) -> Self {
        Self {
            start_ts,
            commit_ts: primary.min_commit_ts,
            missing: false,
        }
    }

    /// Takes the answer of one region that was asked for `expected` keys.
    pub(crate) fn note(&mut self, expected: usize, response: CheckSecondaryLocksResponse) -> Result<SecondaryAnswer> {
        if let Some(error) = response.error {
            return Err(lock_error(
                self.start_ts,
                &format!("a secondary answers {}", describe(&error)),
            ));
        }
        if response.locks.iter().any(|lock| lock.lock_version != self.start_ts) {
            return Err(lock_error(
                self.start_ts,
                "a secondary answers with a lock of another transaction",
            ));
        }
        if response.locks.iter().any(|lock| !lock.use_async_commit) {
            return Ok(SecondaryAnswer::NotAsync);
        }
        if response.locks.len() < expected {
            // Gone means resolved by somebody: committed at the timestamp that is told, or rolled back.
            if self.missing && self.commit_ts != response.commit_ts {
                return Err(lock_error(
                    self.start_ts,
                    "its secondaries tell different commit timestamps",
                ));
            }
            if !self.missing && response.commit_ts != 0 && response.commit_ts < self.commit_ts {
                return Err(lock_error(
                    self.start_ts,
                    "a secondary was committed before the timestamp that its primary allows",
                ));
            }
            self.commit_ts = response.commit_ts;
            self.missing = true;
        } else if !self.missing {
            let least = response
                .locks
                .iter()
                .map(|lock| lock.min_commit_ts)
                .max()
                .unwrap_or_default();
            self.commit_ts = self.commit_ts.max(least);
        }
        Ok(SecondaryAnswer::Noted)
    }

    /// The status that follows once all regions have answered.
    pub(crate) fn status(&self) -> TxnStatus {
        match self.commit_ts {
            0 => TxnStatus::RolledBack,
            commit_ts => TxnStatus::Committed { commit_ts },
        }
    }
}

/// Name of the error, without keys.
pub(crate) fn describe(error: &KeyError) -> String {
    let KeyError {
        locked,
        retryable,
        abort,
        conflict,
        already_exist,
        commit_ts_expired,
        txn_not_found,
        assertion_failed,
        primary_mismatch,
        txn_lock_not_found,
    } = error;
    let names = [
        (locked.is_some(), "locked"),
        (conflict.is_some(), "write conflict"),
        (already_exist.is_some(), "key exists"),
        (commit_ts_expired.is_some(), "commit timestamp expired"),
        (txn_not_found.is_some(), "transaction not found"),
        (assertion_failed.is_some(), "assertion failed"),
        (primary_mismatch.is_some(), "primary mismatch"),
        (txn_lock_not_found.is_some(), "lock not found"),
        (!retryable.is_empty(), "retryable error"),
        (!abort.is_empty(), "abort"),
    ];
    names
        .iter()
        .find(|(set, _)| *set)
        .map_or("an unknown error", |(_, name)| *name)
        .to_string()
}

pub(crate) fn lock_error(start_ts: u64, what: &str) -> ClientError {
    ClientError::new(
        ClientErrorKind::Lock,
        format!("the locks of transaction {start_ts} cannot be resolved: {what}. Look at it with TiDB (information_schema.data_lock_waits, /mvcc), or read an older snapshot."),
    )
}

#[cfg(test)]
#[path = "status_tests.rs"]
mod tests;
