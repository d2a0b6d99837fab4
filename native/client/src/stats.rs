//! Counters of a read.

use std::sync::atomic::{AtomicU64, Ordering};

/// Sums since the read began. Counters only: they order nothing, so all accesses are relaxed.
#[derive(Debug, Default)]
pub(crate) struct ReadStats {
    pub(crate) requests: AtomicU64,
    pub(crate) bytes: AtomicU64,
    pub(crate) region_errors: AtomicU64,
    pub(crate) locks_met: AtomicU64,
    pub(crate) backoff_nanos: AtomicU64,
    pub(crate) request_nanos: AtomicU64,
    pub(crate) store_nanos: AtomicU64,
}

/// A snapshot of the counters of a coprocessor stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CopStats {
    /// Requests sent to stores, retries and lock resolution included.
    pub requests: u64,
    /// Bytes of `tipb.SelectResponse` received.
    pub bytes: u64,
    /// Region errors answered by stores.
    pub region_errors: u64,
    /// Locks met by reads.
    pub locks_met: u64,
    /// Nanoseconds waited between tries, summed over the requests in flight.
    pub backoff_nanos: u64,
    /// Nanoseconds from sending a request to its whole answer, summed over the requests in flight.
    pub request_nanos: u64,
    /// Nanoseconds that the stores say they worked on the answers, without waiting for a thread; some count in milliseconds.
    pub store_nanos: u64,
}

impl ReadStats {
    pub(crate) fn add(counter: &AtomicU64, n: u64) {
        counter.fetch_add(n, Ordering::Relaxed);
    }

    pub(crate) fn snapshot(&self) -> CopStats {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        CopStats {
            requests: load(&self.requests),
            bytes: load(&self.bytes),
            region_errors: load(&self.region_errors),
            locks_met: load(&self.locks_met),
            backoff_nanos: load(&self.backoff_nanos),
            request_nanos: load(&self.request_nanos),
            store_nanos: load(&self.store_nanos),
        }
    }
}
