//! What is known of transactions that have ended.

use std::collections::{HashMap, VecDeque};

use super::status::TxnStatus;

/// Final states that are remembered.
const STATUSES_KEPT: usize = 2_048;

/// Final states of transactions; the oldest goes first.
#[derive(Default)]
pub(super) struct StatusCache {
    states: HashMap<u64, TxnStatus>,
    order: VecDeque<u64>,
}

impl StatusCache {
    pub(super) fn get(&self, txn: u64) -> Option<TxnStatus> {
        self.states.get(&txn).cloned()
    }

    pub(super) fn insert(&mut self, txn: u64, status: TxnStatus) {
        if self.states.insert(txn, status).is_none() {
            self.order.push_back(txn);
            if self.order.len() > STATUSES_KEPT {
                if let Some(oldest) = self.order.pop_front() {
                    self.states.remove(&oldest);
                }
            }
        }
    }
}
