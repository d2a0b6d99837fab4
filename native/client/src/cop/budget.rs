//! Native memory of a scan, in bytes.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

/// A number of bytes that may be held, and how many are.
///
/// Reservations wait for room; what has already arrived is charged in any case, so the use may pass the capacity by the difference
/// between an answer and its estimate.
#[derive(Debug)]
pub struct MemoryBudget {
    capacity: usize,
    state: Mutex<State>,
    freed: Notify,
}

#[derive(Debug, Default)]
struct State {
    used: usize,
    peak: usize,
}

impl MemoryBudget {
    /// A budget of `capacity` bytes.
    pub fn new(capacity: usize) -> Arc<Self> {
        Arc::new(Self {
            capacity,
            state: Mutex::default(),
            freed: Notify::new(),
        })
    }

    /// Bytes that may be held.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Bytes that are held.
    pub fn used(&self) -> usize {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).used
    }

    /// Most bytes that were held at once.
    pub fn peak(&self) -> usize {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).peak
    }

    /// Takes bytes whether there is room or not: for memory that exists already.
    pub fn charge(self: &Arc<Self>, bytes: usize) -> MemoryPermit {
        self.take(bytes);
        MemoryPermit {
            budget: self.clone(),
            bytes,
        }
    }

    /// Takes bytes if there is room.
    pub fn try_reserve(self: &Arc<Self>, bytes: usize) -> Option<MemoryPermit> {
        self.try_reserve_within(bytes, self.capacity)
    }

    /// Takes bytes if no more than `limit` are held then.
    pub(crate) fn try_reserve_within(self: &Arc<Self>, bytes: usize, limit: usize) -> Option<MemoryPermit> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let used = state.used.saturating_add(bytes);
        if used > limit.min(self.capacity) {
            return None;
        }
        state.used = used;
        state.peak = state.peak.max(used);
        Some(MemoryPermit {
            budget: self.clone(),
            bytes,
        })
    }

    /// Completes when bytes are given back after this call.
    pub(crate) fn freed(&self) -> tokio::sync::futures::Notified<'_> {
        self.freed.notified()
    }

    fn take(&self, bytes: usize) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.used = state.used.saturating_add(bytes);
        state.peak = state.peak.max(state.used);
    }

    fn give_back(&self, bytes: usize) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.used = state.used.saturating_sub(bytes);
        drop(state);
        self.freed.notify_waiters();
    }
}

/// Bytes taken from a [`MemoryBudget`]; given back on drop.
#[derive(Debug)]
pub struct MemoryPermit {
    budget: Arc<MemoryBudget>,
    bytes: usize,
}

impl MemoryPermit {
    /// Bytes of this permit.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Makes it a permit of `bytes`, whether there is room or not.
    pub fn resize(&mut self, bytes: usize) {
        if bytes > self.bytes {
            self.budget.take(bytes - self.bytes);
        } else {
            self.budget.give_back(self.bytes - bytes);
        }
        self.bytes = bytes;
    }
}

impl Drop for MemoryPermit {
    fn drop(&mut self) {
        self.budget.give_back(self.bytes);
    }
}

#[cfg(test)]
#[path = "budget_tests.rs"]
mod tests;
