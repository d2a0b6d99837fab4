//! Timestamps and snapshots over our own channels: honours TLS with a CA alone and host mapping.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::stream;
use ti_proto::kvrpcpb::{GetRequest, KeyError, ScanRequest};
use ti_proto::pdpb::TsoRequest;

use super::{successor, ControlPlane, Snapshot, TimestampSource, SCAN_PAGE};
use crate::backoff::{BackoffKind, Backoffer};
use crate::error::{ClientError, ClientErrorKind, Result};
use crate::lock::{LockResolver, SeenLocks};
use crate::pd::{status_text, PdClient};
use crate::region::send::RegionClient;
use crate::region::{end_is_past, min_end};

/// One try of a timestamp.
const TIMESTAMP_TRY: Duration = Duration::from_secs(5);

/// PD's timestamp oracle. Each timestamp is a stream of one question: we need one per query, not thousands per second.
#[derive(Clone)]
pub(crate) struct PdTso {
    pd: Arc<PdClient>,
    deadline: Duration,
}

impl PdTso {
    pub(crate) fn new(pd: Arc<PdClient>, deadline: Duration) -> Self {
        Self { pd, deadline }
    }

    async fn ask(&self) -> Result<Result<u64, String>> {
        let (leader, mut service) = self.pd.service()?;
        let request = TsoRequest {
            header: self.pd.header(),
            count: 1,
            ..Default::default()
        };
        // The stream stays open until the answer is here: PD drops the answer of a stream that its client has ended.
        let questions = stream::iter([request]);
        let questions = futures::StreamExt::chain(questions, stream::pending());
        let asked = async {
            let mut answers = service.tso(questions).await?.into_inner();
            answers.message().await
        };
        let answer = match tokio::time::timeout(TIMESTAMP_TRY, asked).await {
            Err(_) => {
                return Ok(Err(format!(
                    "PD {leader}: no timestamp within {:.1} s",
                    TIMESTAMP_TRY.as_secs_f64()
                )))
            }
            Ok(Err(status)) => return Ok(Err(format!("PD {leader}: {}", status_text(&status)))),
            Ok(Ok(None)) => return Ok(Err(format!("PD {leader} ended the stream of timestamps"))),
            Ok(Ok(Some(answer))) => answer,
        };
        let Some(timestamp) = answer.timestamp else {
            return Ok(Err(format!("PD {leader} answers without a timestamp")));
        };
        match (u64::try_from(timestamp.physical), u64::try_from(timestamp.logical)) {
            (Ok(physical), Ok(logical)) if physical < 1 << 46 && logical < 1 << 18 => Ok(Ok(physical << 18 | logical)),
            _ => Err(ClientError::new(
                ClientErrorKind::Protocol,
                format!(
                    "PD answers with the timestamp {}.{}, which is out of range",
                    timestamp.physical, timestamp.logical
                ),
            )),
        }
    }
}

#[async_trait]
impl TimestampSource for PdTso {
    async fn timestamp(&self) -> Result<u64> {
        let mut bo = Backoffer::new("getting a timestamp", self.deadline, Arc::default());
        loop {
            match self.ask().await? {
                Ok(timestamp) => return Ok(timestamp),
                Err(cause) => bo.backoff(BackoffKind::PdRpc, cause).await?,
            }
            if let Err(error) = self.pd.refresh().await {
                if !error.is_retryable() {
                    return Err(error);
                }
                bo.remember(error.message().to_string());
            }
        }
    }
}

/// Our own [`ControlPlane`].
#[derive(Clone)]
pub(crate) struct DirectPlane {
    pub(crate) tso: PdTso,
    pub(crate) regions: Arc<RegionClient>,
    pub(crate) resolver: LockResolver,
    pub(crate) deadline: Duration,
}

#[async_trait]
impl TimestampSource for DirectPlane {
    async fn timestamp(&self) -> Result<u64> {
        self.tso.timestamp().await
    }
}

impl ControlPlane for DirectPlane {
    fn snapshot(&self, ts: u64) -> Box<dyn Snapshot> {
        Box::new(DirectSnapshot {
            plane: self.clone(),
            ts,
            seen: SeenLocks::at(ts),
        })
    }
}

struct DirectSnapshot {
    plane: DirectPlane,
    ts: u64,
    seen: SeenLocks,
}

type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

impl DirectSnapshot {
    fn backoffer(&self) -> Backoffer {
        Backoffer::new("reading a snapshot of the schema", self.plane.deadline, Arc::default())
    }

    async fn scan_all(&self, start: Vec<u8>, end: Vec<u8>, key_only: bool) -> Result<Pairs> {
        let mut out = Vec::new();
        let mut from = start;
        let mut bo = self.backoffer();
        while end_is_past(&end, &from) {
            let region = self.plane.regions.locate_key(&mut bo, &from).await?;
            let to = min_end(&end.clone().into(), &region.end);
            let request = ScanRequest {
                context: None,
                start_key: from.clone(),
                end_key: to.to_vec(),
                limit: SCAN_PAGE,
                version: self.ts,
                key_only,
                reverse: false,
            };
            let known = self.seen.known();
            let Some(response) = self.plane.regions.send(&mut bo, &region, request, &known).await? else {
                continue;
            };
            let errors = response
                .error
                .into_iter()
                .chain(response.pairs.iter().filter_map(|pair| pair.error.clone()));
            let locks = errors.map(locked).collect::<Result<Vec<_>>>()?;
            if !locks.is_empty() {
                self.plane
                    .resolver
                    .resolve_for_read(&mut bo, self.ts, locks, &known, &self.seen)
                    .await?;
                continue;
            }
            let full = response.pairs.len() >= SCAN_PAGE as usize;
            let last = response.pairs.last().map(|pair| pair.key.clone());
            out.extend(response.pairs.into_iter().map(|pair| (pair.key, pair.value)));
            // Each page has a deadline of its own.
            bo = self.backoffer();
            match last {
                Some(last) if full => from = successor(last),
                _ if to.is_empty() => break,
                _ => from = to.to_vec(),
            }
        }
        Ok(out)
    }
}

#[async_trait]
impl Snapshot for DirectSnapshot {
    async fn get(&mut self, key: Vec<u8>) -> Result<Option<Vec<u8>>> {
        let mut bo = self.backoffer();
        loop {
            let known = self.seen.known();
            let request = GetRequest {
                context: None,
                key: key.clone(),
                version: self.ts,
            };
            let response = self.plane.regions.send_to_key(&mut bo, &key, request, &known).await?;
            match response.error {
                None => return Ok(Some(response.value).filter(|value| !response.not_found && !value.is_empty())),
                Some(error) => {
                    let locks = vec![locked(error)?];
                    self.plane
                        .resolver
                        .resolve_for_read(&mut bo, self.ts, locks, &known, &self.seen)
                        .await?;
                }
            }
        }
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

/// The lock of a key error; every other key error fails a read.
fn locked(error: KeyError) -> Result<ti_proto::kvrpcpb::LockInfo> {
    match error.locked {
        Some(lock) => Ok(lock),
        None => Err(ClientError::new(
            ClientErrorKind::Protocol,
            format!("a store answers a read with: {}", crate::lock::describe(&error)),
        )),
    }
}
