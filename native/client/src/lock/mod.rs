//! Locks met by reads: whose are they, and may the read pass? And by writes, which cannot pass any: they are resolved or waited for.
//!
//! ```text
//! lock -> status of its transaction (CheckTxnStatus at the primary; CheckSecondaryLocks for async commit)
//!      -> committed after the read, rolled back, or pushed past the read: pass it   (Context.resolved_locks)
//!      -> committed before the read: read its value                                 (Context.committed_locks)
//!      -> alive: wait
//! ```
//!
//! Locks whose transaction began at the read's own timestamp are passed unasked ([`SeenLocks::at`]).
//!
//! What is decided is also resolved (committed or rolled back at its key), in the background: the read does not wait for it. The
//! algorithm is that of TiKV's Go client.

mod resolver;
mod status;
mod status_cache;
mod write;

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

pub(crate) use resolver::LockResolver;
pub(crate) use status::{describe, is_pessimistic, TxnStatus};

use crate::region::send::KnownLocks;

/// Transactions whose locks a read has decided on; shared by all requests of one snapshot.
#[derive(Default)]
pub(crate) struct SeenLocks {
    sets: Mutex<Sets>,
}

#[derive(Default)]
struct Sets {
    resolved: HashSet<u64>,
    committed: HashSet<u64>,
}

impl SeenLocks {
    /// For a read at `ts`. A transaction that began at `ts` itself commits later, so its locks are passed: it may read its own snapshot
    /// while it writes. It must not read at `ts - 1` instead: an async commit takes one more than the newest read of a store, and could
    /// be at `ts`, which the read would not see and the transaction's prewrite not take for a conflict.
    pub(crate) fn at(ts: u64) -> Self {
        let seen = Self::default();
        seen.pass(ts);
        seen
    }

    /// For the context of the next request.
    pub(crate) fn known(&self) -> KnownLocks {
        let sets = self.sets.lock().unwrap_or_else(PoisonError::into_inner);
        KnownLocks {
            resolved: sets.resolved.iter().copied().collect(),
            committed: sets.committed.iter().copied().collect(),
        }
    }

    fn pass(&self, txn: u64) {
        self.sets
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .resolved
            .insert(txn);
    }

    fn access(&self, txn: u64) {
        self.sets
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .committed
            .insert(txn);
    }
}
