//! Snapshots of the keys that hold TiDB's schema, over our own channels, regions and lock resolver.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ti_proto::kvrpcpb::{GetRequest, KeyError, ScanRequest};

use super::Snapshot;
use crate::backoff::Backoffer;
use crate::error::{ClientError, ClientErrorKind, Result};
use crate::lock::{LockResolver, SeenLocks};
use crate::region::send::RegionClient;
use crate::region::{end_is_past, min_end};

/// Pairs that one request to a store asks for.
const SCAN_PAGE: u32 = 2_048;

/// Makes snapshots.
#[derive(Clone)]
pub(crate) struct Snapshots {
    pub(crate) regions: Arc<RegionClient>,
    pub(crate) resolver: LockResolver,
    /// For one key, or one page of keys, with all retries.
    pub(crate) deadline: Duration,
}

impl Snapshots {
    /// A view of the cluster at `ts`.
    pub(crate) fn at(&self, ts: u64) -> Box<dyn Snapshot> {
        Box::new(DirectSnapshot {
            plane: self.clone(),
            ts,
            seen: SeenLocks::at(ts),
        })
    }
}

struct DirectSnapshot {
    plane: Snapshots,
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

/// The first key after `key`.
fn successor(mut key: Vec<u8>) -> Vec<u8> {
    key.push(0);
    key
}
