//! Counters of a scan: written by the pipeline, read by the Spark thread at any time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use ti_client::CopStats;
use ti_proto::plan;

/// Sums since the scan was opened. Nothing is ordered by them, so all accesses are relaxed.
#[derive(Debug, Default)]
pub struct Counters {
    rows: AtomicU64,
    batches: AtomicU64,
    bytes: AtomicU64,
    requests: AtomicU64,
    region_errors: AtomicU64,
    locks_met: AtomicU64,
    backoff_nanos: AtomicU64,
    request_nanos: AtomicU64,
    store_nanos: AtomicU64,
    decode_nanos: AtomicU64,
    wait_nanos: AtomicU64,
    peak_memory_bytes: AtomicU64,
}

impl Counters {
    /// A batch was handed to Spark.
    pub fn batch(&self, rows: usize) {
        self.rows.fetch_add(rows as u64, Ordering::Relaxed);
        self.batches.fetch_add(1, Ordering::Relaxed);
    }

    /// Time spent on decoding since `start`.
    pub fn decoded_since(&self, start: Instant) {
        self.decode_nanos.fetch_add(nanos_since(start), Ordering::Relaxed);
    }

    /// Time that the Spark thread waited since `start`.
    pub fn waited_since(&self, start: Instant) {
        self.wait_nanos.fetch_add(nanos_since(start), Ordering::Relaxed);
    }

    /// Most memory held so far.
    pub fn memory(&self, bytes: usize) {
        self.peak_memory_bytes.fetch_max(bytes as u64, Ordering::Relaxed);
    }

    /// Adds what a stream counted between two of its snapshots.
    pub fn stream(&self, before: &CopStats, after: &CopStats) {
        let add = |counter: &AtomicU64, before: u64, after: u64| {
            counter.fetch_add(after.saturating_sub(before), Ordering::Relaxed);
        };
        add(&self.bytes, before.bytes, after.bytes);
        add(&self.requests, before.requests, after.requests);
        add(&self.region_errors, before.region_errors, after.region_errors);
        add(&self.locks_met, before.locks_met, after.locks_met);
        add(&self.backoff_nanos, before.backoff_nanos, after.backoff_nanos);
        add(&self.request_nanos, before.request_nanos, after.request_nanos);
        add(&self.store_nanos, before.store_nanos, after.store_nanos);
    }

    /// As they are now.
    pub fn snapshot(&self) -> plan::ScanMetrics {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        plan::ScanMetrics {
            rows: load(&self.rows),
            batches: load(&self.batches),
            bytes: load(&self.bytes),
            requests: load(&self.requests),
            region_errors: load(&self.region_errors),
            locks_met: load(&self.locks_met),
            backoff_nanos: load(&self.backoff_nanos),
            request_nanos: load(&self.request_nanos),
            decode_nanos: load(&self.decode_nanos),
            wait_nanos: load(&self.wait_nanos),
            peak_memory_bytes: load(&self.peak_memory_bytes),
            store_nanos: load(&self.store_nanos),
        }
    }
}

fn nanos_since(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
