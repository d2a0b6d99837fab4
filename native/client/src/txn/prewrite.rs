//! Prewrite: locks of a transaction, with its values in them.
//!
//! | answer | then |
//! | --- | --- |
//! | done | also when the key was prewritten before with this start_ts: the first value stays |
//! | lock of another transaction | the lock resolver; then the same request |
//! | region error, lost reply | located and cut anew, the same mutations |
//! | entry too large | half of the request |
//! | anything else | the call fails; what is in flight may or may not be executed |

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use ti_proto::kvrpcpb::{AssertionLevel, PrewriteRequest, PrewriteResponse};

use super::batch::{self, Batched, Keyed, Limits, Origin};
use super::mutation::{self, Mutation};
use super::options::PrewriteOptions;
use super::{key_error, TxnInfo};
use crate::backoff::Backoffer;
use crate::control_plane::LOGICAL_BITS;
use crate::error::Result;
use crate::lock::LockResolver;
use crate::region::send::KnownLocks;

/// Size that is told to stores: readers that meet a lock resolve whole regions, not key after key.
const TXN_SIZE: u64 = u64::MAX;
/// A clock that is off by more than this is not believed.
const ELAPSED_MAX: Duration = Duration::from_secs(24 * 3_600);

impl Keyed for Mutation {
    fn key(&self) -> &Bytes {
        &self.key
    }
    fn size(&self) -> usize {
        Mutation::size(self)
    }
}

struct Prewrite {
    info: TxnInfo,
    resolver: LockResolver,
    lock_ttl: Duration,
    assertion_level: AssertionLevel,
}

impl Batched for Prewrite {
    type Item = Mutation;
    type Request = PrewriteRequest;
    type Output = (usize, usize);
    const OPERATION: &'static str = "prewriting";

    fn request(&self, items: &[Mutation]) -> PrewriteRequest {
        PrewriteRequest {
            context: None,
            mutations: items.iter().map(Mutation::to_proto).collect(),
            primary_lock: self.info.primary.clone(),
            start_version: self.info.start_ts,
            lock_ttl: ttl_ms(elapsed(self.info.start_ts), self.lock_ttl),
            skip_constraint_check: false,
            txn_size: TXN_SIZE,
            for_update_ts: 0,
            min_commit_ts: self.info.start_ts.saturating_add(1),
            assertion_level: self.assertion_level as i32,
        }
    }

    async fn answer(
        &self,
        bo: &mut Backoffer,
        items: &[Mutation],
        _sent: KnownLocks,
        response: PrewriteResponse,
    ) -> Result<Option<(usize, usize)>> {
        if response.errors.is_empty() {
            let bytes = items.iter().map(Mutation::size).sum();
            return Ok(Some((items.len(), bytes)));
        }
        let locks = key_error::of_prewrite(self.info.start_ts, response.errors)?;
        self.resolver.resolve_for_write(bo, self.info.start_ts, locks).await?;
        Ok(None)
    }
}

/// Prewrites `mutations`. Returns how many, and their bytes.
pub(super) async fn run(
    origin: &Origin,
    resolver: LockResolver,
    info: &TxnInfo,
    mutations: Vec<Mutation>,
    options: &PrewriteOptions,
) -> Result<(u64, u64)> {
    mutation::check(&mutations)?;
    let work = Prewrite {
        info: info.clone(),
        resolver,
        lock_ttl: options.lock_ttl,
        assertion_level: options.assertion_level,
    };
    let limits = Limits {
        bytes: options.request_bytes,
        items: usize::MAX,
        concurrency: options.concurrency,
        deadline: options.deadline,
    };
    let (mut keys, mut bytes) = (0, 0);
    batch::run(origin, Arc::new(work), mutations, limits, |(n, size)| {
        keys += n as u64;
        bytes += size as u64;
    })
    .await?;
    Ok((keys, bytes))
}

/// Time since a timestamp was handed out, by this machine's clock.
pub(super) fn elapsed(ts: u64) -> Duration {
    let begun = Duration::from_millis(ts >> LOGICAL_BITS);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Some(now.saturating_sub(begun))
        .filter(|elapsed| *elapsed <= ELAPSED_MAX)
        .unwrap_or_default()
}

/// The TTL, counted from start_ts as stores do, of a lock that shall live `ttl` from now on.
pub(super) fn ttl_ms(elapsed: Duration, ttl: Duration) -> u64 {
    u64::try_from(elapsed.saturating_add(ttl).as_millis()).unwrap_or(u64::MAX)
}
