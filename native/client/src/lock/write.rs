//! Locks met by a prewrite.

use std::time::Duration;

use ti_proto::kvrpcpb::LockInfo;

use super::resolver::{Extent, LockResolver, WAIT_MAX};
use super::status::{is_pessimistic, TxnStatus};
use crate::backoff::{BackoffKind, Backoffer};
use crate::error::Result;
use crate::stats::ReadStats;
use crate::txn::lock_conflict;

/// Longest wait after a lock was resolved.
const RESOLVED_WAIT_MAX: Duration = Duration::from_millis(20);

impl LockResolver {
    /// Deals with locks that a prewrite of the optimistic transaction `start_ts` has met. When it returns the prewrite may try again: locks
    /// of ended transactions are gone, and waits for live ones are over. A write does not push live transactions out of its way.
    pub(crate) async fn resolve_for_write(
        &self,
        bo: &mut Backoffer,
        start_ts: u64,
        locks: Vec<LockInfo>,
    ) -> Result<()> {
        let mut wait: Option<(u64, u64)> = None;
        for lock in locks {
            ReadStats::add(&bo.stats().locks_met, 1);
            let txn = lock.lock_version;
            match self.status_of(bo, &lock, 0).await? {
                TxnStatus::Committed { commit_ts } => self.resolve(bo, &lock, commit_ts, Extent::BySize).await?,
                TxnStatus::RolledBack => self.resolve(bo, &lock, 0, Extent::BySize).await?,
                TxnStatus::Alive { .. } if txn > start_ts && !is_pessimistic(&lock) => {
                    return Err(lock_conflict(start_ts, &lock));
                }
                TxnStatus::Alive { ttl_left_ms, .. } => {
                    let left = wait.map_or(ttl_left_ms, |(_, shortest)| shortest.min(ttl_left_ms));
                    wait = Some((txn, left));
                }
                TxnStatus::AsyncCommit { .. } => wait = Some((txn, 0)),
            }
        }
        match wait {
            // The store may name the lock again before it has noticed: no spinning, no end without a deadline.
            None => {
                bo.backoff_within(BackoffKind::RegionMiss, RESOLVED_WAIT_MAX, "locks were resolved")
                    .await
            }
            Some((txn, left)) => {
                let limit = Duration::from_millis(left.max(1)).min(WAIT_MAX);
                let cause = format!("transaction {txn} holds a lock that is to be written, and lives");
                bo.backoff_within(BackoffKind::TxnLock, limit, cause).await
            }
        }
    }
}
