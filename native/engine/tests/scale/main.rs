//! Scale by simulation: what planning a table of a hundred thousand regions and committing a write of ten thousand tasks cost the driver.
//!
//! ```text
//! planning   the real planner, client and protocol -> a stand-in for PD (stand_in_pd)    time, memory, questions to PD, bytes of tasks
//! messages   real writers -> a stand-in for a store (stand_in_store), then the driver's sums    bytes of messages, time and memory of merging
//! ```
//! No cluster of that size can be made on a developer's machine, so the servers are fakes, and say so. What is compared with a real PD and a store
//! is in `cluster_rpc_counts`. The memory counted is that of the whole process, the fakes' included: an upper bound. Tests take turns, because they
//! share the counter. `docs/scale.md` has what they print: `cargo test --release -p ti-engine --test scale -- --nocapture [--ignored]`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod messages;
mod planning;
mod server;
mod stand_in_pd;
mod stand_in_store;

use std::sync::{Mutex, MutexGuard, PoisonError};

use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

/// One test at a time: they share the counter of memory and the cores.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Bytes that were allocated at most while `work` ran, and bytes that it has left, both beyond what there was before.
fn memory<T>(work: impl FnOnce() -> T) -> (T, usize, usize) {
    let before = ALLOCATED.current_usage();
    ALLOCATED.reset_peak_usage();
    let done = work();
    let peak = ALLOCATED.peak_usage().saturating_sub(before);
    let left = ALLOCATED.current_usage().saturating_sub(before);
    (done, peak, left)
}

fn megabytes(bytes: usize) -> f64 {
    bytes as f64 / 1e6
}
