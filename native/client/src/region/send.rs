//! One request to one region, and what its failure means.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::atomic::Ordering;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::stream::{self, StreamExt, TryStreamExt};
use ti_proto::kvrpcpb::{self, CommandPri, Context, IsolationLevel};
use ti_proto::tikvpb::tikv_client::TikvClient;
use ti_proto::{coprocessor, errorpb};
use tonic::transport::Channel;
use tonic::{Code, Status};

use super::cache::RegionCache;
use super::errors::{action, CacheAction, RegionAction, Wait};
use super::replica::Replicas;
use super::Region;
use crate::backoff::{nanos, BackoffKind, Backoffer};
use crate::channel::Channels;
use crate::config::ClientConfig;
use crate::error::{ClientError, ClientErrorKind, Result};
use crate::health::{Health, Unanswered};
use crate::pd::{is_tls_failure, regions_decode, status_text, tls_failure, PdClient};

/// What stores are told about who asks.
const REQUEST_SOURCE: &str = "external_spark";
/// A failure inside a server, not of the way to it, is tried so often: it rarely heals by itself.
const SERVER_FAILURES_MAX: u32 = 8;
/// Questions for stores' addresses in flight.
const STORES_AT_ONCE: usize = 16;

/// A request that goes to one region.
pub(crate) trait RegionRequest: Clone + Send {
    type Response: Send;
    const NAME: &'static str;
    fn set_context(&mut self, context: Context);
    fn send(
        self,
        store: TikvClient<Channel>,
    ) -> impl Future<Output = Result<tonic::Response<Self::Response>, Status>> + Send;
    fn take_region_error(response: &mut Self::Response) -> Option<errorpb::Error>;
}

macro_rules! region_request {
    ($($module:ident :: $request:ident -> $response:ident = $method:ident),* $(,)?) => {$(
        impl RegionRequest for $module::$request {
            type Response = $module::$response;
            const NAME: &'static str = stringify!($request);
            fn set_context(&mut self, context: Context) {
                self.context = Some(context);
            }
            async fn send(self, mut store: TikvClient<Channel>) -> Result<tonic::Response<Self::Response>, Status> {
                store.$method(self).await
            }
            fn take_region_error(response: &mut Self::Response) -> Option<errorpb::Error> {
                response.region_error.take()
            }
        }
    )*};
}

region_request! {
    coprocessor::Request -> Response = coprocessor,
    kvrpcpb::GetRequest -> GetResponse = kv_get,
    kvrpcpb::ScanRequest -> ScanResponse = kv_scan,
    kvrpcpb::BatchGetRequest -> BatchGetResponse = kv_batch_get,
    kvrpcpb::PrewriteRequest -> PrewriteResponse = kv_prewrite,
    kvrpcpb::CommitRequest -> CommitResponse = kv_commit,
    kvrpcpb::TxnHeartBeatRequest -> TxnHeartBeatResponse = kv_txn_heart_beat,
    kvrpcpb::ScanLockRequest -> ScanLockResponse = kv_scan_lock,
    kvrpcpb::CheckTxnStatusRequest -> CheckTxnStatusResponse = kv_check_txn_status,
    kvrpcpb::CheckSecondaryLocksRequest -> CheckSecondaryLocksResponse = kv_check_secondary_locks,
    kvrpcpb::ResolveLockRequest -> ResolveLockResponse = kv_resolve_lock,
    kvrpcpb::PessimisticRollbackRequest -> PessimisticRollbackResponse = kv_pessimistic_rollback,
}

/// Locks that a read may pass, by the start timestamps of their transactions.
#[derive(Debug, Clone, Default)]
pub(crate) struct KnownLocks {
    pub(crate) resolved: Vec<u64>,
    pub(crate) committed: Vec<u64>,
}

/// What became of one request.
pub(super) enum Reply<R> {
    Answer(R),
    RegionError(Box<errorpb::Error>),
    Failed(Status),
    /// No answer within the limit.
    Late,
    /// The store is down.
    Down,
}

/// Everything that a request to a region needs.
pub(crate) struct RegionClient {
    pub(crate) pd: Arc<PdClient>,
    pub(crate) cache: RegionCache,
    pub(super) channels: Arc<Channels>,
    pub(super) health: Arc<Health>,
    pub(super) request_timeout: Duration,
    pub(super) replicas: Replicas,
    priority: CommandPri,
    isolation: IsolationLevel,
}

impl RegionClient {
    pub(crate) fn new(config: &ClientConfig, pd: Arc<PdClient>, channels: Arc<Channels>) -> Self {
        Self {
            health: pd.health().clone(),
            pd,
            cache: RegionCache::default(),
            channels,
            request_timeout: config.request_timeout,
            replicas: Replicas::new(config.replica_read.clone()),
            priority: config.priority,
            isolation: config.isolation,
        }
    }

    /// Sends one request to a region. `Ok(None)`: the cache was corrected and the wait is over, locate the keys anew and try again.
    pub(crate) async fn send<Q: RegionRequest>(
        &self,
        bo: &mut Backoffer,
        region: &Region,
        mut request: Q,
        locks: &KnownLocks,
    ) -> Result<Option<Q::Response>> {
        let Some(address) = self.store_address(bo, region.leader.store_id).await? else {
            self.cache.invalidate(region);
            bo.backoff(
                BackoffKind::RegionMiss,
                format!("store {} has left the cluster", region.leader.store_id),
            )
            .await?;
            return Ok(None);
        };
        if self.health.is_down(&address) {
            return self.send_past(bo, region, &address, request, locks).await;
        }
        request.set_context(self.context(region, locks));
        let limit = self.request_timeout.min(bo.remaining());
        match self.exchange(bo, &address, request, limit).await? {
            Reply::Answer(response) => return Ok(Some(response)),
            Reply::RegionError(error) => {
                bo.stats().region_errors.fetch_add(1, Ordering::Relaxed);
                self.on_region_error(bo, region, &address, *error).await?;
            }
            Reply::Failed(status) => {
                bo.note_unanswered();
                self.on_status(bo, region, &address, Q::NAME, &status).await?;
            }
            Reply::Late => {
                bo.note_unanswered();
                let cause = format!(
                    "store {address} did not answer {} within {:.1} s",
                    Q::NAME,
                    limit.as_secs_f64()
                );
                self.on_lost(bo, region, &address, cause).await?;
            }
            Reply::Down => {
                bo.note_unanswered();
                bo.remember(format!("store {address} stands still: it did not answer {}", Q::NAME));
                // The next try goes to the other peers.
                if bo.remaining().is_zero() {
                    return Err(bo.deadline_error());
                }
            }
        }
        Ok(None)
    }

    /// One request to one store, counted.
    pub(super) async fn exchange<Q: RegionRequest>(
        &self,
        bo: &Backoffer,
        address: &str,
        request: Q,
        limit: Duration,
    ) -> Result<Reply<Q::Response>> {
        let store = TikvClient::new(self.channels.get(address)?).max_decoding_message_size(usize::MAX);
        let sent = Instant::now();
        bo.stats().requests.fetch_add(1, Ordering::Relaxed);
        let answer = self.health.answer(address, limit, request.send(store)).await;
        bo.stats()
            .request_nanos
            .fetch_add(nanos(sent.elapsed()), Ordering::Relaxed);
        Ok(match answer {
            Ok(Ok(response)) => {
                let mut response = response.into_inner();
                match Q::take_region_error(&mut response) {
                    None => Reply::Answer(response),
                    Some(error) => Reply::RegionError(Box::new(error)),
                }
            }
            Ok(Err(status)) => Reply::Failed(status),
            Err(Unanswered::Late) => Reply::Late,
            Err(Unanswered::Down) => Reply::Down,
        })
    }

    /// Sends a request to the region of `key` until it is answered.
    pub(crate) async fn send_to_key<Q: RegionRequest>(
        &self,
        bo: &mut Backoffer,
        key: &[u8],
        request: Q,
        locks: &KnownLocks,
    ) -> Result<Q::Response> {
        loop {
            let region = self.locate_key(bo, key).await?;
            if let Some(response) = self.send(bo, &region, request.clone(), locks).await? {
                return Ok(response);
            }
        }
    }

    /// Address of a store as PD names it; `None` when it has left.
    pub(crate) async fn store_address(&self, bo: &mut Backoffer, id: u64) -> Result<Option<String>> {
        if let Some(address) = self.cache.store(id) {
            return Ok(Some(address));
        }
        let store = self.pd.store(bo, id).await?;
        Ok(store.map(|store| {
            self.cache.insert_store(id, store.address.clone());
            store.address
        }))
    }

    /// Looks up the addresses of stores, many at once: a table may lie on hundreds.
    pub(crate) async fn load_stores(&self, bo: &Backoffer, ids: impl Iterator<Item = u64>) -> Result<()> {
        let unknown: BTreeSet<u64> = ids.filter(|id| self.cache.store(*id).is_none()).collect();
        let time = bo.remaining();
        stream::iter(unknown)
            .map(|id| async move {
                let mut bo = Backoffer::new("looking up a store", time, Arc::default());
                self.store_address(&mut bo, id).await.map(drop)
            })
            .buffer_unordered(STORES_AT_ONCE)
            .try_collect()
            .await
    }

    pub(super) fn context(&self, region: &Region, locks: &KnownLocks) -> Context {
        Context {
            region_id: region.id,
            region_epoch: Some(region.epoch),
            peer: Some(region.leader),
            priority: self.priority as i32,
            isolation_level: self.isolation as i32,
            // A scan of a whole table would push out of the stores' caches what other users of the cluster need.
            not_fill_cache: true,
            resolved_locks: locks.resolved.clone(),
            committed_locks: locks.committed.clone(),
            max_execution_duration_ms: u64::try_from(self.request_timeout.as_millis()).unwrap_or(u64::MAX),
            request_source: REQUEST_SOURCE.to_string(),
            cluster_id: self.pd.cluster_id(),
            ..Default::default()
        }
    }

    pub(super) async fn on_region_error(
        &self,
        bo: &mut Backoffer,
        region: &Region,
        address: &str,
        error: errorpb::Error,
    ) -> Result<()> {
        if error.undetermined_result.is_some() || error.stale_command.is_some() {
            bo.note_unanswered();
        }
        match action(region.id, &region.epoch, self.without_dead_leader(error)) {
            RegionAction::Fail(error) => Err(error),
            RegionAction::Retry { cache, wait, cause } => {
                tracing::debug!(region = region.id, address, cause, "region error");
                self.correct(region, cache);
                let cause = format!("region {} at store {address}: {cause}", region.id);
                match wait {
                    Wait::No => {
                        // Costs no wait, but must not outlive the deadline either.
                        bo.remember(cause);
                        if bo.remaining().is_zero() {
                            return Err(bo.deadline_error());
                        }
                        Ok(())
                    }
                    Wait::Backoff(kind) => bo.backoff(kind, cause).await,
                    Wait::AtLeast(wait) => bo.backoff_for(wait, cause).await,
                }
            }
        }
    }

    fn correct(&self, region: &Region, cache: CacheAction) {
        match cache {
            CacheAction::Keep => {}
            CacheAction::SetLeader(leader) => {
                self.cache.set_leader(region, &leader);
            }
            CacheAction::Forget => self.cache.invalidate(region),
            CacheAction::ForgetWithStore => {
                self.cache.invalidate_store(region.leader.store_id);
                self.cache.invalidate(region);
            }
            CacheAction::Replace(current) => {
                self.cache.invalidate(region);
                for told in current {
                    // The store that tells it led the old region, and most likely leads the new ones.
                    let leader = told
                        .peers
                        .iter()
                        .find(|peer| peer.store_id == region.leader.store_id)
                        .copied();
                    match regions_decode(told, leader) {
                        Ok(told) => {
                            self.cache.insert(told);
                        }
                        Err(error) => tracing::warn!(
                            region = region.id,
                            error = error.message(),
                            "region told by a store cannot be used"
                        ),
                    }
                }
            }
        }
    }

    async fn on_status(
        &self,
        bo: &mut Backoffer,
        region: &Region,
        address: &str,
        request: &str,
        status: &Status,
    ) -> Result<()> {
        let text = status_text(status);
        let transport = std::error::Error::source(status).is_some();
        let failed = |kind, hint: &str| {
            Err(ClientError::new(
                kind,
                format!(
                    "store {address} refuses {request} ({:?}: {text}): {hint}",
                    status.code()
                ),
            ))
        };
        match status.code() {
            _ if transport && is_tls_failure(&text) => Err(tls_failure(address, &text)),
            Code::Unimplemented => failed(
                ClientErrorKind::Protocol,
                "check that it is a TiKV store of a supported version",
            ),
            Code::Unauthenticated | Code::PermissionDenied => {
                failed(ClientErrorKind::Tls, "check tls.cert and tls.key")
            }
            Code::InvalidArgument | Code::OutOfRange => {
                failed(ClientErrorKind::Protocol, "the versions of client and store do not fit")
            }
            Code::Unknown | Code::Internal | Code::DataLoss | Code::ResourceExhausted if !transport => {
                if bo.attempts(BackoffKind::ServerFailure) >= SERVER_FAILURES_MAX {
                    return failed(
                        ClientErrorKind::StoreUnreachable,
                        "it fails again and again, see its log",
                    );
                }
                self.cache.invalidate(region);
                bo.backoff(BackoffKind::ServerFailure, format!("store {address}: {text}"))
                    .await
            }
            _ => {
                self.on_lost(bo, region, address, format!("store {address}: {text}"))
                    .await
            }
        }
    }

    /// No answer: the connection may be dead, the leader may have moved, the store may have a new address.
    async fn on_lost(&self, bo: &mut Backoffer, region: &Region, address: &str, cause: String) -> Result<()> {
        tracing::warn!(region = region.id, cause, "store does not answer");
        self.lose(address, region.leader.store_id);
        self.cache.invalidate(region);
        bo.backoff(BackoffKind::StoreRpc, cause).await
    }

    /// A request to the store has failed on the way.
    pub(super) fn lose(&self, address: &str, store: u64) {
        self.health.suspect(address);
        self.channels.reset(address);
        self.cache.invalidate_store(store);
    }
}
