//! Timestamps and snapshots over the crate `tikv-client` 0.4.
//!
//! Its connection, its timestamp stream and its reads can wait for ever, so every call is inside a time-out, and after a failure of the
//! timestamp stream the whole client is made anew from members that answered us just before. Its scan asks all regions of a range at once for the
//! whole limit, so ranges are split by region here; its snapshots cache all they read, so that each page has a new one. Its
//! lock resolver fails for ever on what crashed writers leave, so it is switched off: locks come back as errors and go to ours.

use std::ops::Bound;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use ti_proto::kvrpcpb::LockInfo;
use tikv_client::{
    Backoff, BoundRange, CheckLevel, Config, Error, Key, ProtoLockInfo, RetryOptions, Timestamp, TimestampExt,
    TransactionClient, TransactionOptions,
};

use super::{successor, ControlPlane, Snapshot, TimestampSource, SCAN_PAGE};
use crate::backoff::{BackoffKind, Backoffer};
use crate::config::ClientConfig;
use crate::error::{with_causes, ClientError, ClientErrorKind, Result};
use crate::lock::{LockResolver, SeenLocks};
use crate::region::send::{KnownLocks, RegionClient};
use crate::region::KeyRange;

/// One try of a timestamp. PD answers in milliseconds; a leader change takes a few seconds.
const TIMESTAMP_TRY: Duration = Duration::from_secs(5);

/// `tikv-client` behind [`ControlPlane`].
#[derive(Clone)]
pub(crate) struct LibraryPlane {
    shared: Arc<Shared>,
}

struct Shared {
    config: ClientConfig,
    regions: Arc<RegionClient>,
    client: RwLock<TransactionClient>,
}

impl LibraryPlane {
    /// Connects to members that [`RegionClient`]'s PD client has found. TLS must be mutual or off.
    pub(crate) async fn connect(config: &ClientConfig, regions: Arc<RegionClient>) -> Result<Self> {
        let client = connect(config, &regions).await?;
        let shared = Shared {
            config: config.clone(),
            regions,
            client: RwLock::new(client),
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    fn client(&self) -> TransactionClient {
        self.shared
            .client
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// A new client, over members that answer now.
    async fn reconnect(&self) -> Result<()> {
        self.shared.regions.pd.refresh().await?;
        let client = connect(&self.shared.config, &self.shared.regions).await?;
        *self.shared.client.write().unwrap_or_else(PoisonError::into_inner) = client;
        Ok(())
    }

    fn backoffer(&self, operation: &'static str) -> Backoffer {
        Backoffer::new(operation, self.shared.config.request_timeout, Arc::default())
    }
}

async fn connect(config: &ClientConfig, regions: &RegionClient) -> Result<TransactionClient> {
    let mut library = Config::default()
        .with_timeout(config.request_timeout)
        .with_grpc_max_decoding_message_size(usize::MAX);
    if let Some(tls) = &config.tls {
        let ca = tls.ca()?;
        let Some((cert, key)) = tls.identity()? else {
            // It would connect in plain text without a word.
            return Err(ClientError::new(
                ClientErrorKind::Tls,
                "tikv-client cannot speak TLS without a client certificate",
            ));
        };
        library = library.with_security(ca, cert, key);
    }
    // The leader alone: the library asks addresses one after the other and would hang at a frozen one. It learns the others from it.
    let leader = regions.pd.leader();
    let connecting = TransactionClient::new_with_config(vec![leader.clone()], library);
    match tokio::time::timeout(config.connect_timeout, connecting).await {
        Ok(Ok(client)) => Ok(client),
        Ok(Err(error)) => Err(ClientError::retryable(
            ClientErrorKind::PdUnreachable,
            format!("no timestamps from PD {leader}: {}", describe(&error)),
        )),
        Err(_) => Err(ClientError::retryable(
            ClientErrorKind::PdUnreachable,
            format!(
                "no timestamps from PD {leader}: no connection within {:.1} s. Check that PD runs and is reachable.",
                config.connect_timeout.as_secs_f64()
            ),
        )),
    }
}

#[async_trait]
impl TimestampSource for LibraryPlane {
    async fn timestamp(&self) -> Result<u64> {
        let mut bo = self.backoffer("getting a timestamp");
        loop {
            let limit = TIMESTAMP_TRY.min(bo.remaining());
            let client = self.client();
            let cause = match tokio::time::timeout(limit, client.current_timestamp()).await {
                Ok(Ok(timestamp)) => return version(&timestamp),
                Ok(Err(error)) => describe(&error),
                Err(_) => format!("no answer within {:.1} s", limit.as_secs_f64()),
            };
            bo.backoff(
                BackoffKind::PdRpc,
                format!("PD {}: {cause}", self.shared.regions.pd.leader()),
            )
            .await?;
            if let Err(error) = self.reconnect().await {
                if !error.is_retryable() {
                    return Err(error);
                }
                bo.remember(error.message().to_string());
            }
        }
    }
}

/// `TimestampExt::version` panics on a negative timestamp.
fn version(timestamp: &Timestamp) -> Result<u64> {
    match (u64::try_from(timestamp.physical), u64::try_from(timestamp.logical)) {
        (Ok(physical), Ok(logical)) if physical < 1 << 46 && logical < 1 << 18 => Ok(physical << 18 | logical),
        _ => Err(ClientError::new(
            ClientErrorKind::Protocol,
            format!(
                "PD answers with the timestamp {}.{}, which is out of range",
                timestamp.physical, timestamp.logical
            ),
        )),
    }
}

/// The library's timestamps and reads, with our lock resolver.
pub(crate) struct LibraryControl {
    pub(crate) plane: LibraryPlane,
    pub(crate) resolver: LockResolver,
}

#[async_trait]
impl TimestampSource for LibraryControl {
    async fn timestamp(&self) -> Result<u64> {
        self.plane.timestamp().await
    }
}

impl ControlPlane for LibraryControl {
    fn snapshot(&self, ts: u64) -> Box<dyn Snapshot> {
        Box::new(LibrarySnapshot {
            plane: self.plane.clone(),
            resolver: self.resolver.clone(),
            ts,
        })
    }
}

struct LibrarySnapshot {
    plane: LibraryPlane,
    resolver: LockResolver,
    ts: u64,
}

impl LibrarySnapshot {
    /// The library's view for one request.
    fn view(&self) -> tikv_client::Snapshot {
        // Its defaults give up after 1.5 s, less than an election takes.
        let regions = Backoff::equal_jitter_backoff(20, 2_000, 60);
        let options = TransactionOptions::new_optimistic()
            .read_only()
            .retry_options(RetryOptions::new(regions, Backoff::no_backoff()))
            .no_resolve_locks()
            .drop_check(CheckLevel::Warn);
        self.plane.client().snapshot(Timestamp::from_version(self.ts), options)
    }

    /// Repeats one request of the library until it succeeds or the time of a request is over.
    async fn retried(&self, ask: &Ask) -> Result<Pairs> {
        let mut bo = self.plane.backoffer("reading a snapshot of the schema");
        loop {
            match tokio::time::timeout(bo.remaining(), ask.once(self.view())).await {
                Ok(Ok(pairs)) => return Ok(pairs),
                Ok(Err(error)) => {
                    let cause = describe(&error);
                    let mut locks = Vec::new();
                    take_locks(error, &mut locks);
                    if locks.is_empty() {
                        bo.backoff(BackoffKind::StoreRpc, cause).await?;
                    } else {
                        self.resolve(&mut bo, locks).await?;
                    }
                }
                Err(_) => {
                    bo.remember("no answer in time".to_string());
                    return Err(bo.deadline_error());
                }
            }
        }
    }

    /// The library cannot be told to pass a lock, so each one is resolved before the next try.
    async fn resolve(&self, bo: &mut Backoffer, locks: Vec<LockInfo>) -> Result<()> {
        let all: Vec<u64> = locks.iter().map(|lock| lock.lock_version).collect();
        let insist = KnownLocks {
            resolved: all,
            committed: Vec::new(),
        };
        self.resolver
            .resolve_for_read(bo, self.ts, locks, &insist, &SeenLocks::default())
            .await
    }

    /// Region by region, page by page.
    async fn scan_all(&self, start: Vec<u8>, end: Vec<u8>, keys_only: bool) -> Result<Pairs> {
        let mut bo = self.plane.backoffer("locating the schema");
        let mut out = Vec::new();
        for (_, ranges) in self
            .plane
            .shared
            .regions
            .split_ranges(&mut bo, vec![KeyRange::interval(start, end)])
            .await?
        {
            for range in ranges {
                let mut from = range.start.to_vec();
                loop {
                    let page = self
                        .retried(&Ask::Scan {
                            from,
                            end: range.end.to_vec(),
                            keys_only,
                        })
                        .await?;
                    let full = page.len() >= SCAN_PAGE as usize;
                    let last = page.last().map(|(key, _)| key.clone());
                    out.extend(page);
                    match last {
                        Some(last) if full => from = successor(last),
                        _ => break,
                    }
                }
            }
        }
        Ok(out)
    }
}

type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

/// One request of the library.
enum Ask {
    Get(Vec<u8>),
    Scan {
        from: Vec<u8>,
        end: Vec<u8>,
        keys_only: bool,
    },
}

impl Ask {
    /// The pairs found: for a get none or one, for keys only without values.
    async fn once(&self, mut view: tikv_client::Snapshot) -> tikv_client::Result<Pairs> {
        match self {
            Self::Get(key) => Ok(view
                .get(key.clone())
                .await?
                .map(|value| (key.clone(), value))
                .into_iter()
                .collect()),
            Self::Scan {
                from,
                end,
                keys_only: false,
            } => {
                let pairs = view.scan(bounds(from, end), SCAN_PAGE).await?;
                Ok(pairs.map(|pair| (pair.0.into(), pair.1)).collect())
            }
            Self::Scan {
                from,
                end,
                keys_only: true,
            } => {
                let keys = view.scan_keys(bounds(from, end), SCAN_PAGE).await?;
                Ok(keys.map(|key| (key.into(), Vec::new())).collect())
            }
        }
    }
}

fn bounds(start: &[u8], end: &[u8]) -> BoundRange {
    let end = if end.is_empty() {
        Bound::Unbounded
    } else {
        Bound::Excluded(Key::from(end.to_vec()))
    };
    BoundRange::new(Bound::Included(Key::from(start.to_vec())), end)
}

#[async_trait]
impl Snapshot for LibrarySnapshot {
    async fn get(&mut self, key: Vec<u8>) -> Result<Option<Vec<u8>>> {
        Ok(self
            .retried(&Ask::Get(key))
            .await?
            .pop()
            .map(|(_, value)| value)
            .filter(|value| !value.is_empty()))
    }

    async fn scan(&mut self, start: Vec<u8>, end: Vec<u8>) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
        self.scan_all(start, end, false).await
    }

    async fn scan_keys(&mut self, start: Vec<u8>, end: Vec<u8>) -> Result<Vec<Vec<u8>>> {
        Ok(self
            .scan_all(start, end, true)
            .await?
            .into_iter()
            .map(|(key, _)| key)
            .collect())
    }
}

/// Locks inside an error of the library.
fn take_locks(error: Error, out: &mut Vec<LockInfo>) {
    match error {
        Error::ResolveLockError(locks) => out.extend(locks.into_iter().map(lock_info)),
        Error::KeyError(error) => out.extend(error.locked.map(lock_info)),
        Error::ExtractedErrors(errors) | Error::MultipleKeyErrors(errors) => {
            for error in errors {
                take_locks(error, out);
            }
        }
        _ => {}
    }
}

/// The library's message as ours.
fn lock_info(lock: ProtoLockInfo) -> LockInfo {
    LockInfo {
        primary_lock: lock.primary_lock,
        lock_version: lock.lock_version,
        key: lock.key,
        lock_ttl: lock.lock_ttl,
        txn_size: lock.txn_size,
        lock_type: lock.lock_type,
        lock_for_update_ts: lock.lock_for_update_ts,
        use_async_commit: lock.use_async_commit,
        min_commit_ts: lock.min_commit_ts,
        secondaries: lock.secondaries,
        shared_lock_infos: Vec::new(),
    }
}

/// Text of an error of the library. Key errors and locks are named only: their text would show keys and values.
fn describe(error: &Error) -> String {
    match error {
        Error::Grpc(error) => with_causes(error),
        Error::GrpcAPI(status) => format!("{:?}: {}", status.code(), status.message()),
        Error::RegionError(_) => "region error".to_string(),
        Error::KeyError(error) => if error.locked.is_some() {
            "key is locked"
        } else {
            "key error"
        }
        .to_string(),
        Error::ResolveLockError(locks) => format!("{} locks could not be resolved", locks.len()),
        Error::ExtractedErrors(errors) | Error::MultipleKeyErrors(errors) => {
            errors.first().map_or_else(|| "unknown".to_string(), describe)
        }
        Error::RegionForKeyNotFound { .. } | Error::RegionForRangeNotFound { .. } => "region not found".to_string(),
        Error::LeaderNotFound { .. } => "region has no leader".to_string(),
        Error::UndeterminedError(error) => describe(error),
        Error::InternalError { message } => message.clone(),
        Error::Io(error) => error.to_string(),
        _ => "an error of tikv-client".to_string(),
    }
}
