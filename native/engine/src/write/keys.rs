//! Keys that tasks of this process have prewritten, kept until their transaction ends, so that they can be committed one by one and in
//! parallel instead of region by region.
//!
//! Only for transactions whose driver is in this process (local mode, and an executor beside the driver); bounded, because keys that are not
//! kept are found by their locks.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

/// Bytes of keys that are kept, over all transactions.
const MAX_BYTES: usize = 128 << 20;
/// Memory of a key besides its bytes.
const KEY_BYTES: usize = size_of::<Bytes>();

static KEPT: LazyLock<Mutex<Store>> = LazyLock::new(Mutex::default);

#[derive(Default)]
struct Store {
    bytes: usize,
    next: u64,
    transactions: HashMap<u64, HashMap<u64, Vec<Bytes>>>,
}

fn lock() -> MutexGuard<'static, Store> {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}

fn size(keys: &[Bytes]) -> usize {
    keys.iter().map(|key| key.len() + KEY_BYTES).sum()
}

/// A transaction whose driver is in this process. Dropped: its keys are forgotten.
pub struct KeptKeys {
    start_ts: u64,
}

impl KeptKeys {
    /// Begins to keep keys of the transaction.
    pub fn open(start_ts: u64) -> Self {
        lock().transactions.entry(start_ts).or_default();
        Self { start_ts }
    }

    /// Takes the keys out that a task has kept under this name.
    pub fn take(&self, name: u64) -> Vec<Bytes> {
        let mut store = lock();
        let keys = store
            .transactions
            .get_mut(&self.start_ts)
            .and_then(|tasks| tasks.remove(&name))
            .unwrap_or_default();
        store.bytes = store.bytes.saturating_sub(size(&keys));
        keys
    }
}

impl Drop for KeptKeys {
    fn drop(&mut self) {
        let mut store = lock();
        let left = store.transactions.remove(&self.start_ts).unwrap_or_default();
        let bytes: usize = left.values().map(|keys| size(keys)).sum();
        store.bytes = store.bytes.saturating_sub(bytes);
    }
}

/// Is the transaction's driver in this process?
pub fn are_wanted(start_ts: u64) -> bool {
    lock().transactions.contains_key(&start_ts)
}

/// Keeps the keys of a task, if there is room and somebody wants them. Answers their name; 0: they are not kept.
pub fn keep(start_ts: u64, keys: Vec<Bytes>) -> u64 {
    let mut store = lock();
    let bytes = size(&keys);
    if store.bytes.saturating_add(bytes) > MAX_BYTES || !store.transactions.contains_key(&start_ts) {
        return 0;
    }
    store.next += 1;
    let name = store.next;
    store.bytes += bytes;
    store.transactions.entry(start_ts).or_default().insert(name, keys);
    name
}

#[cfg(test)]
#[path = "keys_tests.rs"]
mod tests;
