//! How far a transaction has come, and what may follow. No I/O.
//!
//! ```text
//! Prewriting --send--> Committing --answer--> Committed
//!     |   ^                |   |
//!     |   +--not committed-+   +--no answer--> Unknown --asked--> Committed | RolledBack
//!     +--> RolledBack <--------+
//! ```
//!
//! `Committing` is entered before the first request that may commit the primary, so that a call that is dropped in the middle leaves
//! a transaction that nobody dares to roll back.

use std::sync::{Mutex, PoisonError};

/// How far a transaction has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TxnState {
    /// Open: it takes mutations.
    Prewriting,
    /// The commit of the primary was sent, and its end was not seen.
    Committing {
        /// The timestamp that was sent.
        commit_ts: u64,
    },
    /// Final.
    Committed {
        /// From this timestamp on its changes are visible.
        commit_ts: u64,
    },
    /// Final.
    RolledBack,
    /// The commit of the primary was sent, and nobody could be asked what became of it.
    Unknown {
        /// The timestamp that was sent.
        commit_ts: u64,
    },
}

/// What happened to the primary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    /// A commit is about to be sent.
    Send {
        commit_ts: u64,
    },
    /// No commit that was sent has, or will have, an effect.
    NotCommitted,
    /// Nobody knows.
    NoAnswer,
    Committed {
        commit_ts: u64,
    },
    RolledBack,
}

impl TxnState {
    /// The state after `event`. Final states stay: what a store has answered once is not unlearnt.
    pub(super) fn after(self, event: Event) -> TxnState {
        use TxnState::{Committed, Committing, Prewriting, RolledBack, Unknown};
        match (self, event) {
            (Committed { .. } | RolledBack, _) => self,
            (_, Event::Committed { commit_ts }) => Committed { commit_ts },
            (_, Event::RolledBack) => RolledBack,
            (_, Event::Send { commit_ts }) => Committing { commit_ts },
            (Committing { .. } | Prewriting, Event::NotCommitted) => Prewriting,
            (Unknown { .. }, Event::NotCommitted) => self,
            (Committing { commit_ts }, Event::NoAnswer) => Unknown { commit_ts },
            (Prewriting | Unknown { .. }, Event::NoAnswer) => self,
        }
    }

    /// Whether the primary may be rolled back: only while nothing was sent that may commit it.
    pub(super) fn may_roll_back(self) -> bool {
        matches!(self, TxnState::Prewriting | TxnState::RolledBack)
    }
}

/// The state of a transaction that several threads look at.
#[derive(Debug)]
pub(super) struct StateCell(Mutex<TxnState>);

impl StateCell {
    pub(super) fn new() -> Self {
        Self(Mutex::new(TxnState::Prewriting))
    }

    pub(super) fn get(&self) -> TxnState {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn note(&self, event: Event) -> TxnState {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *state = state.after(event);
        *state
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
