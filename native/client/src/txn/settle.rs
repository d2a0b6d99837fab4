//! What a transaction has left whose owner is gone.
//!
//! ```text
//! locks of start_ts (ScanLock) -> status at the primary -> alive: nothing
//!                                                       -> ended: pessimistic locks released, then ResolveLock per region
//! ```

use std::time::Duration;

use ti_proto::kvrpcpb::LockInfo;

use super::batch::{successor, Origin};
use super::options::BatchOptions;
use super::{locks, resolve};
use crate::backoff::Backoffer;
use crate::error::Result;
use crate::lock::{is_pessimistic, LockResolver, TxnStatus};
use crate::region::KeyRange;

/// What became of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settlement {
    /// It has no locks: it has ended and been resolved, or never was.
    NoLocks,
    /// Its owner may still end it.
    Alive {
        /// Locks found.
        locks: u64,
        /// Until others may roll it back, unless its owner prolongs that.
        ttl_left: Duration,
    },
    /// Its locks are committed now.
    Committed {
        /// Locks found.
        locks: u64,
        /// From this timestamp on its changes are visible.
        commit_ts: u64,
    },
    /// Its locks are gone now.
    RolledBack {
        /// Locks found.
        locks: u64,
    },
}

/// The locks of a transaction, without a list of the keys.
#[derive(Default)]
struct Found {
    count: u64,
    /// One of them; not a pessimistic one if there is another, since these are released before the transaction ends.
    example: Option<LockInfo>,
    /// Where those are that are no pessimistic ones: one range per page of the list.
    ranges: Vec<KeyRange>,
    pessimistic: Vec<LockInfo>,
}

impl Found {
    fn add(&mut self, page: Vec<LockInfo>) {
        self.count = self.count.saturating_add(page.len() as u64);
        let (pessimistic, others): (Vec<LockInfo>, Vec<LockInfo>) = page.into_iter().partition(is_pessimistic);
        if let (Some(first), Some(last)) = (others.first(), others.last()) {
            self.ranges
                .push(KeyRange::interval(first.key.clone(), successor(&last.key)));
            if self.example.as_ref().is_none_or(is_pessimistic) {
                self.example = Some(first.clone());
            }
        }
        if self.example.is_none() {
            self.example = pessimistic.first().cloned();
        }
        self.pessimistic.extend(pessimistic);
    }
}

pub(super) async fn run(
    origin: &Origin,
    resolver: &LockResolver,
    start_ts: u64,
    ranges: Vec<KeyRange>,
    options: &BatchOptions,
) -> Result<Settlement> {
    let mut found = Found::default();
    locks::run(origin, start_ts, ranges, options, |page| found.add(page)).await?;
    let locks = found.count;
    let Some(example) = &found.example else {
        return Ok(Settlement::NoLocks);
    };
    let mut bo = Backoffer::new("settling a transaction", options.deadline, origin.stats.clone());
    let (settlement, commit_ts) = match resolver.status_of(&mut bo, example, 0).await? {
        TxnStatus::Committed { commit_ts } => (Settlement::Committed { locks, commit_ts }, commit_ts),
        TxnStatus::RolledBack => (Settlement::RolledBack { locks }, 0),
        TxnStatus::Alive { ttl_left_ms, .. } => {
            let ttl_left = Duration::from_millis(ttl_left_ms);
            return Ok(Settlement::Alive { locks, ttl_left });
        }
        TxnStatus::AsyncCommit { .. } => {
            let ttl_left = Duration::ZERO;
            return Ok(Settlement::Alive { locks, ttl_left });
        }
    };
    for lock in &found.pessimistic {
        resolver.release(&mut bo, lock).await?;
    }
    resolve::run(origin, start_ts, commit_ts, found.ranges, options).await?;
    Ok(settlement)
}
