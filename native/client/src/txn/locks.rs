//! The keys that a transaction has locked, read back from the stores.

use std::sync::Arc;

use ti_proto::kvrpcpb::{LockInfo, ScanLockRequest};
use tokio::sync::mpsc;

use super::batch::{successor, Origin};
use super::options::BatchOptions;
use super::ranges::{self, Ranged};
use crate::backoff::{BackoffKind, Backoffer};
use crate::error::{ClientError, ClientErrorKind, Result};
use crate::lock::describe;
use crate::region::send::KnownLocks;
use crate::region::{end_is_past, KeyRange, Region};

struct ScanLocks {
    start_ts: u64,
    limit: u32,
    pages: mpsc::Sender<Vec<LockInfo>>,
}

impl Ranged for ScanLocks {
    const OPERATION: &'static str = "listing the locks of a transaction";

    async fn step(
        &self,
        origin: &Origin,
        bo: &mut Backoffer,
        region: &Region,
        ranges: &[KeyRange],
    ) -> Result<Option<Vec<KeyRange>>> {
        let Some((first, others)) = ranges.split_first() else {
            return Ok(Some(Vec::new()));
        };
        let request = ScanLockRequest {
            context: None,
            max_version: self.start_ts,
            start_key: first.start.to_vec(),
            limit: self.limit,
            end_key: first.end.to_vec(),
        };
        let known = KnownLocks::default();
        let Some(response) = origin.regions.send(bo, region, request, &known).await? else {
            return Ok(None);
        };
        if let Some(error) = response.error {
            if error.locked.is_none() {
                return Err(ClientError::new(
                    ClientErrorKind::Protocol,
                    format!("region {} does not list its locks: {}", region.id, describe(&error)),
                ));
            }
            // A prewrite of an async-commit transaction is being written.
            bo.backoff(BackoffKind::TxnLock, "listing locks meets one in memory")
                .await?;
            return Ok(None);
        }
        let full = response.locks.len() >= self.limit as usize;
        let last = response.locks.last().map(|lock| successor(&lock.key));
        let ours: Vec<LockInfo> = response
            .locks
            .into_iter()
            .filter(|lock| lock.lock_version == self.start_ts)
            .collect();
        if !ours.is_empty() && self.pages.send(ours).await.is_err() {
            return Err(ClientError::new(
                ClientErrorKind::Cancelled,
                "nobody reads the listed locks any more",
            ));
        }
        let mut rest = Vec::with_capacity(ranges.len());
        if let Some(next) = last.filter(|next| full && end_is_past(&first.end, next)) {
            rest.push(KeyRange::interval(next, first.end.clone()));
        }
        rest.extend_from_slice(others);
        Ok(Some(rest))
    }
}

/// Gives the locks of `start_ts` in `key_ranges` to `sink`, page by page: in key order inside a page, pages in any order.
pub(super) async fn run(
    origin: &Origin,
    start_ts: u64,
    key_ranges: Vec<KeyRange>,
    options: &BatchOptions,
    mut sink: impl FnMut(Vec<LockInfo>),
) -> Result<()> {
    // One page per flight waits at most.
    let (pages, mut received) = mpsc::channel(1);
    let work = ScanLocks {
        start_ts,
        limit: u32::try_from(options.request_keys.max(1)).unwrap_or(u32::MAX),
        pages,
    };
    let scan = ranges::run(
        origin,
        Arc::new(work),
        key_ranges,
        options.concurrency,
        options.deadline,
    );
    let mut scan = std::pin::pin!(scan);
    let end = loop {
        tokio::select! {
            biased;
            Some(page) = received.recv() => sink(page),
            end = &mut scan => break end,
        }
    };
    while let Ok(page) = received.try_recv() {
        sink(page);
    }
    end
}
