//! Asks for the status of transactions and resolves their locks.

use std::collections::HashSet;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ti_proto::kvrpcpb::{
    CheckSecondaryLocksRequest, CheckTxnStatusRequest, KeyError, LockInfo, PessimisticRollbackRequest,
    ResolveLockRequest,
};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use super::status::{
    decide, describe, interpret, is_pessimistic, lock_error, ttl_left_ms, PrimaryAnswer, ReadDecision, Secondaries,
    SecondaryAnswer, TxnStatus,
};
use super::status_cache::StatusCache;
use super::SeenLocks;
use crate::backoff::{BackoffKind, Backoffer};
use crate::control_plane::TimestampSource;
use crate::error::Result;
use crate::region::send::{KnownLocks, RegionClient};
use crate::stats::ReadStats;

/// Transactions below this size are resolved key by key, larger ones by region.
const LITE_BELOW: u64 = 16;
/// Resolutions in the background at once. Past it they are left to the next reader that meets the lock.
const BACKGROUND_MAX: usize = 16;
const BACKGROUND_DEADLINE: Duration = Duration::from_secs(40);
/// Longest wait for a live transaction before its status is asked again.
pub(super) const WAIT_MAX: Duration = Duration::from_secs(3);

/// Resolves locks for reads and writes of one cluster.
#[derive(Clone)]
pub(crate) struct LockResolver {
    shared: Arc<Shared>,
}

struct Shared {
    regions: Arc<RegionClient>,
    clock: Arc<dyn TimestampSource>,
    runtime: Handle,
    statuses: Mutex<StatusCache>,
    background: Arc<Semaphore>,
    /// (start_ts, key or start of region) that are being resolved in the background.
    under_way: Mutex<HashSet<(u64, Vec<u8>)>>,
}

/// What is resolved with a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// It alone for small transactions, all of the transaction in the region for large ones.
    BySize,
    /// All of the transaction in the region.
    Region,
}

impl LockResolver {
    pub(crate) fn new(regions: Arc<RegionClient>, clock: Arc<dyn TimestampSource>, runtime: Handle) -> Self {
        let shared = Shared {
            regions,
            clock,
            runtime,
            statuses: Mutex::default(),
            background: Arc::new(Semaphore::new(BACKGROUND_MAX)),
            under_way: Mutex::default(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Decides on locks that a read at `read_ts` has met with a request that carried `sent`. When it returns the read may try again;
    /// waits for live transactions are over by then.
    pub(crate) async fn resolve_for_read(
        &self,
        bo: &mut Backoffer,
        read_ts: u64,
        locks: Vec<LockInfo>,
        sent: &KnownLocks,
        seen: &SeenLocks,
    ) -> Result<()> {
        let mut wait: Option<(u64, u64)> = None;
        for lock in locks {
            ReadStats::add(&bo.stats().locks_met, 1);
            let txn = lock.lock_version;
            tracing::debug!(
                txn,
                read_ts,
                ttl = lock.lock_ttl,
                async_commit = lock.use_async_commit,
                "lock met"
            );
            // Told to the server, and met nevertheless: it does not know these lists, so the lock itself has to go first.
            let insists = sent.resolved.contains(&txn) || sent.committed.contains(&txn);
            let status = self.status_of(bo, &lock, read_ts).await?;
            match decide(&status, read_ts) {
                ReadDecision::Pass => seen.pass(txn),
                ReadDecision::Access => seen.access(txn),
                ReadDecision::Wait { ttl_left_ms } => {
                    let left = wait.map_or(ttl_left_ms, |(_, shortest)| shortest.min(ttl_left_ms));
                    wait = Some((txn, left));
                }
            }
            let commit_ts = match status {
                TxnStatus::Committed { commit_ts } => commit_ts,
                TxnStatus::RolledBack => 0,
                TxnStatus::Alive { ttl_left_ms, .. } => {
                    if insists {
                        wait = Some((txn, ttl_left_ms));
                    }
                    continue;
                }
                TxnStatus::AsyncCommit { .. } => continue,
            };
            if insists {
                // A server, or a library, that meets one lock after the other would take a round for each.
                self.resolve(bo, &lock, commit_ts, Extent::Region).await?;
                bo.backoff(
                    BackoffKind::RegionMiss,
                    format!("lock of transaction {txn} was resolved"),
                )
                .await?;
            } else {
                self.resolve_in_background(lock, commit_ts);
            }
        }
        match wait {
            None => Ok(()),
            Some((txn, left)) => {
                let limit = Duration::from_millis(left.max(1)).min(WAIT_MAX);
                bo.backoff_within(
                    BackoffKind::TxnLock,
                    limit,
                    format!("transaction {txn} holds a lock and lives"),
                )
                .await
            }
        }
    }

    /// The state of the lock's transaction, final if its time is over. Pushed past `read_ts` if it is alive, unless that is 0.
    pub(crate) async fn status_of(&self, bo: &mut Backoffer, lock: &LockInfo, read_ts: u64) -> Result<TxnStatus> {
        let shared = &self.shared;
        let txn = lock.lock_version;
        if let Some(status) = shared.cached(txn) {
            return Ok(status);
        }
        // A time to live of zero is TiKV's word for "resolve it whatever its age".
        let mut now = if lock.lock_ttl == 0 {
            u64::MAX
        } else {
            shared.clock.timestamp().await?
        };
        let mut rollback_if_not_exist = false;
        let mut force_sync_commit = false;
        loop {
            let request = CheckTxnStatusRequest {
                context: None,
                primary_key: lock.primary_lock.clone(),
                lock_ts: txn,
                caller_start_ts: read_ts,
                current_ts: now,
                rollback_if_not_exist,
                force_sync_commit,
                resolving_pessimistic_lock: is_pessimistic(lock),
                verify_is_primary: true,
            };
            let response = shared
                .regions
                .send_to_key(bo, &lock.primary_lock, request, &KnownLocks::default())
                .await?;
            match interpret(response, lock, now, force_sync_commit)? {
                PrimaryAnswer::Status {
                    status: TxnStatus::AsyncCommit { primary },
                    ..
                } => match self.check_secondaries(bo, &primary, txn).await? {
                    Some(status) => {
                        shared.remember(txn, &status);
                        self.resolve_secondaries_in_background(&primary, lock, &status);
                        return Ok(status);
                    }
                    None => force_sync_commit = true,
                },
                PrimaryAnswer::Status { status, final_for_all } => {
                    if final_for_all {
                        shared.remember(txn, &status);
                    }
                    return Ok(status);
                }
                PrimaryAnswer::Mismatch if is_pessimistic(lock) => return Ok(TxnStatus::RolledBack),
                PrimaryAnswer::Mismatch => {
                    return Err(lock_error(txn, "its primary is another key than the lock says"))
                }
                PrimaryAnswer::NotFound => {
                    // The secondary may have been written first. Only when its own time is over the transaction is taken for dead.
                    now = if lock.lock_ttl == 0 {
                        u64::MAX
                    } else {
                        shared.clock.timestamp().await?
                    };
                    let left = ttl_left_ms(txn, lock.lock_ttl, now);
                    match (left, is_pessimistic(lock)) {
                        (0, true) => return Ok(TxnStatus::RolledBack),
                        (0, false) => rollback_if_not_exist = true,
                        (left, true) => {
                            return Ok(TxnStatus::Alive {
                                ttl_left_ms: left,
                                pushed: false,
                            })
                        }
                        (_, false) => {}
                    }
                    bo.backoff(
                        BackoffKind::TxnNotFound,
                        format!("the primary of transaction {txn} is not there"),
                    )
                    .await?;
                }
            }
        }
    }

    /// Asks all secondaries of an async-commit transaction. `None`: it is not one any more.
    async fn check_secondaries(&self, bo: &mut Backoffer, primary: &LockInfo, txn: u64) -> Result<Option<TxnStatus>> {
        let mut answers = Secondaries::new(primary, txn);
        let mut keys = primary.secondaries.clone();
        keys.sort();
        while let Some(first) = keys.first() {
            let region = self.shared.regions.locate_key(bo, first).await?;
            let here = keys.partition_point(|key| region.contains(key)).max(1);
            let asked: Vec<Vec<u8>> = keys.iter().take(here).cloned().collect();
            let request = CheckSecondaryLocksRequest {
                context: None,
                keys: asked,
                start_version: txn,
            };
            if let Some(response) = self
                .shared
                .regions
                .send(bo, &region, request, &KnownLocks::default())
                .await?
            {
                if answers.note(here, response)? == SecondaryAnswer::NotAsync {
                    return Ok(None);
                }
                keys.drain(..here);
            }
        }
        Ok(Some(answers.status()))
    }

    /// Commits (`commit_ts` > 0) or rolls back the lock; with it, for large transactions or when asked to, all its locks in the region.
    pub(super) async fn resolve(
        &self,
        bo: &mut Backoffer,
        lock: &LockInfo,
        commit_ts: u64,
        extent: Extent,
    ) -> Result<()> {
        let txn = lock.lock_version;
        if is_pessimistic(lock) {
            return self.release(bo, lock).await;
        }
        let keys = if extent == Extent::BySize && is_lite(lock) {
            vec![lock.key.clone()]
        } else {
            Vec::new()
        };
        let request = ResolveLockRequest {
            context: None,
            start_version: txn,
            commit_version: commit_ts,
            keys,
        };
        let response = self
            .shared
            .regions
            .send_to_key(bo, &lock.key, request, &KnownLocks::default())
            .await?;
        check(txn, response.error.as_ref())
    }

    /// Takes a pessimistic lock away, which says nothing of what became of its transaction.
    pub(crate) async fn release(&self, bo: &mut Backoffer, lock: &LockInfo) -> Result<()> {
        let for_update_ts = match lock.lock_for_update_ts {
            0 => u64::MAX,
            ts => ts,
        };
        let request = PessimisticRollbackRequest {
            context: None,
            start_version: lock.lock_version,
            for_update_ts,
            keys: vec![lock.key.clone()],
        };
        let response = self
            .shared
            .regions
            .send_to_key(bo, &lock.key, request, &KnownLocks::default())
            .await?;
        check(lock.lock_version, response.errors.first())
    }

    fn resolve_in_background(&self, lock: LockInfo, commit_ts: u64) {
        let place = if is_lite(&lock) || is_pessimistic(&lock) {
            lock.key.clone()
        } else {
            self.shared
                .regions
                .cache
                .locate(&lock.key)
                .map(|region| region.start.to_vec())
                .unwrap_or_default()
        };
        let resolver = self.clone();
        self.in_background(lock.lock_version, place, async move {
            let mut bo = background_backoffer();
            resolver.resolve(&mut bo, &lock, commit_ts, Extent::BySize).await
        });
    }

    /// All keys of an async-commit transaction are known, so all of it is resolved, the primary last.
    fn resolve_secondaries_in_background(&self, primary: &LockInfo, lock: &LockInfo, status: &TxnStatus) {
        let commit_ts = match status {
            TxnStatus::Committed { commit_ts } => *commit_ts,
            _ => 0,
        };
        let txn = lock.lock_version;
        let mut keys = primary.secondaries.clone();
        keys.push(lock.primary_lock.clone());
        let resolver = self.clone();
        let place = lock.primary_lock.clone();
        self.in_background(txn, place, async move {
            let mut bo = background_backoffer();
            for key in keys {
                let request = ResolveLockRequest {
                    context: None,
                    start_version: txn,
                    commit_version: commit_ts,
                    keys: vec![key.clone()],
                };
                let response = resolver
                    .shared
                    .regions
                    .send_to_key(&mut bo, &key, request, &KnownLocks::default())
                    .await?;
                check(txn, response.error.as_ref())?;
            }
            Ok(())
        });
    }

    /// Runs `work` beside the reads, unless it is under way already or too much is.
    fn in_background(&self, txn: u64, place: Vec<u8>, work: impl Future<Output = Result<()>> + Send + 'static) {
        let shared = self.shared.clone();
        let Ok(permit) = shared.background.clone().try_acquire_owned() else {
            return;
        };
        let id = (txn, place);
        if !shared
            .under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id.clone())
        {
            return;
        }
        let runtime = shared.runtime.clone();
        runtime.spawn(async move {
            if let Err(error) = work.await {
                // The next reader that meets the lock resolves it.
                tracing::info!(txn, error = error.message(), "lock was not resolved in the background");
            }
            shared
                .under_way
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .remove(&id);
            drop(permit);
        });
    }
}

impl Shared {
    fn cached(&self, txn: u64) -> Option<TxnStatus> {
        self.statuses.lock().unwrap_or_else(PoisonError::into_inner).get(txn)
    }

    /// Keeps final states only: all others change.
    fn remember(&self, txn: u64, status: &TxnStatus) {
        if matches!(status, TxnStatus::Committed { .. } | TxnStatus::RolledBack) {
            self.statuses
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(txn, status.clone());
        }
    }
}

fn background_backoffer() -> Backoffer {
    Backoffer::new("resolving a lock", BACKGROUND_DEADLINE, Arc::default())
}

fn is_lite(lock: &LockInfo) -> bool {
    lock.txn_size < LITE_BELOW
}

fn check(txn: u64, error: Option<&KeyError>) -> Result<()> {
    match error {
        None => Ok(()),
        Some(error) => Err(lock_error(txn, &format!("the store answers {}", describe(error)))),
    }
}
