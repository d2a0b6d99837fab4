//! Settings of a transaction and of its requests.

use std::time::Duration;

pub use ti_proto::kvrpcpb::AssertionLevel;

/// How long one request may take with all its retries: leader changes, restarts and busy stores are waited for.
const DEADLINE: Duration = Duration::from_secs(600);

/// Life of a lock after the last heartbeat. The region of the primary may be without a leader for half a minute (its store stands still, the others
/// find out and elect), and a heartbeat may have been due just then. Readers do not wait for it: they push a live transaction ahead.
const LOCK_TTL: Duration = Duration::from_secs(45);

/// The life of a transaction.
#[derive(Debug, Clone)]
pub struct TxnOptions {
    /// A timestamp of PD that no transaction of anybody else has; `None`: a new one is taken. It may be given again when the primary was
    /// refused, because nothing was written then.
    pub start_ts: Option<u64>,
    /// The time that one step (prewrite of the primary, commit, rollback) may take with all its retries.
    pub deadline: Duration,
    /// How long the locks outlive the last heartbeat. After it others may roll the transaction back.
    pub lock_ttl: Duration,
    /// Time between heartbeats.
    pub heartbeat_interval: Duration,
    /// Life of the service safe point without a refresh; it is refreshed three times in that time. Whole seconds.
    pub safe_point_ttl: Duration,
    /// The transaction is given up after this.
    pub max_life: Duration,
}

impl Default for TxnOptions {
    /// A new timestamp, 10 min per step, 45 s lock TTL, 10 s heartbeat, 5 min service safe point, 24 h at most.
    fn default() -> Self {
        Self {
            start_ts: None,
            deadline: DEADLINE,
            lock_ttl: LOCK_TTL,
            heartbeat_interval: Duration::from_secs(10),
            safe_point_ttl: Duration::from_secs(300),
            max_life: Duration::from_secs(24 * 3_600),
        }
    }
}

/// How mutations are prewritten.
#[derive(Debug, Clone)]
pub struct PrewriteOptions {
    /// Bytes of keys and values in one request (one larger mutation is sent alone). Small requests were measured best: stores work on
    /// many at once, and a request that is repeated costs little.
    pub request_bytes: usize,
    /// Requests of one call in flight.
    pub concurrency: usize,
    /// The time that one request may take with all its retries, waiting for locks of others included.
    pub deadline: Duration,
    /// Where assertions are checked.
    pub assertion_level: AssertionLevel,
    /// How long the locks outlive this moment if the transaction's primary is never found. The primary's heartbeat is what counts else.
    pub lock_ttl: Duration,
}

impl Default for PrewriteOptions {
    /// 16 KiB, 16 in flight, 10 min, strict assertions, 45 s.
    fn default() -> Self {
        Self {
            request_bytes: 16 << 10,
            concurrency: 16,
            deadline: DEADLINE,
            assertion_level: AssertionLevel::Strict,
            lock_ttl: LOCK_TTL,
        }
    }
}

/// How keys are committed, read or resolved, and locks are listed.
#[derive(Debug, Clone)]
pub struct BatchOptions {
    /// Keys in one request, or locks in one answer.
    pub request_keys: usize,
    /// Requests of one call in flight.
    pub concurrency: usize,
    /// The time that one request may take with all its retries.
    pub deadline: Duration,
}

impl Default for BatchOptions {
    /// 4,096 keys, 16 in flight, 10 min.
    fn default() -> Self {
        Self {
            request_keys: 4_096,
            concurrency: 16,
            deadline: DEADLINE,
        }
    }
}
