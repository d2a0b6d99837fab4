//! Requests about sorted keys: cut by region and size, many in flight, cut again when regions change.
//!
//! ```text
//! items (sorted) -> cut at region bounds and limits -> `concurrency` flights: send -> answer -> sink
//!                                                        ^     |
//!                                                        +-----+ region error, lock: locate and cut what is left anew
//! ```
//!
//! Every request must be idempotent: a lost answer is followed by the same request.

use std::future::Future;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use crate::backoff::Backoffer;
use crate::error::{ClientError, ClientErrorKind, Result};
use crate::region::end_is_past;
use crate::region::send::{KnownLocks, RegionClient, RegionRequest};
use crate::stats::ReadStats;

/// Something with a key.
pub(super) trait Keyed: Send + Sync + 'static {
    fn key(&self) -> &Bytes;
    /// What it adds to a request, bytes.
    fn size(&self) -> usize;
}

impl Keyed for Bytes {
    fn key(&self) -> &Bytes {
        self
    }
    fn size(&self) -> usize {
        self.len()
    }
}

/// A kind of request about sorted items of one region.
pub(super) trait Batched: Send + Sync + 'static {
    type Item: Keyed;
    type Request: RegionRequest;
    type Output: Send + 'static;
    /// For the deadline error.
    const OPERATION: &'static str;

    fn request(&self, items: &[Self::Item]) -> Self::Request;

    /// Locks that the request may pass.
    fn known(&self) -> KnownLocks {
        KnownLocks::default()
    }

    /// Reads an answer without a region error. `None`: the cause is dealt with, the same items again.
    fn answer(
        &self,
        bo: &mut Backoffer,
        items: &[Self::Item],
        sent: KnownLocks,
        response: <Self::Request as RegionRequest>::Response,
    ) -> impl Future<Output = Result<Option<Self::Output>>> + Send;
}

/// How much goes into a request, and how long it may take.
#[derive(Debug, Clone)]
pub(super) struct Limits {
    pub(super) bytes: usize,
    pub(super) items: usize,
    pub(super) concurrency: usize,
    pub(super) deadline: Duration,
}

/// Where requests are sent from.
#[derive(Clone)]
pub(super) struct Origin {
    pub(super) regions: Arc<RegionClient>,
    pub(super) runtime: Handle,
    pub(super) stats: Arc<ReadStats>,
}

/// How many of `items` go into one request to a region that ends at `region_end` and holds the first of them. At least one.
pub(super) fn cut<T: Keyed>(items: &[T], region_end: &[u8], bytes: usize, most: usize) -> usize {
    let mut sum = 0usize;
    for (n, item) in items.iter().enumerate() {
        sum = sum.saturating_add(item.size());
        if n > 0 && (n >= most || sum > bytes || !end_is_past(region_end, item.key())) {
            return n;
        }
    }
    items.len()
}

/// Sends `items`, which are in key order, and gives every output to `sink`, in any order. Stops at the first error; what is in flight is
/// dropped then, and may or may not have been executed.
pub(super) async fn run<B: Batched>(
    origin: &Origin,
    work: Arc<B>,
    items: Vec<B::Item>,
    limits: Limits,
    mut sink: impl FnMut(B::Output),
) -> Result<()> {
    let Some(last) = items.last().map(|item| successor(item.key())) else {
        return Ok(());
    };
    let total = items.len();
    let run = Arc::new(Run {
        origin: origin.clone(),
        work,
        items,
        limits,
        last,
    });
    let mut flights: JoinSet<Result<Vec<B::Output>>> = JoinSet::new();
    let mut next = 0;
    loop {
        while next < total && flights.len() < run.limits.concurrency.max(1) {
            let to = next + run.next_cut(next).await?;
            flights.spawn_on(run.clone().fly(next..to), &origin.runtime);
            next = to;
        }
        match flights.join_next().await {
            None => return Ok(()),
            Some(landed) => landed
                .map_err(|error| lost_task(&error))??
                .into_iter()
                .for_each(&mut sink),
        }
    }
}

struct Run<B: Batched> {
    origin: Origin,
    work: Arc<B>,
    items: Vec<B::Item>,
    limits: Limits,
    /// After the last key: up to where regions are loaded.
    last: Bytes,
}

impl<B: Batched> Run<B> {
    fn backoffer(&self) -> Backoffer {
        Backoffer::new(B::OPERATION, self.limits.deadline, self.origin.stats.clone())
    }

    /// Size of the request that begins with the item `from`.
    async fn next_cut(&self, from: usize) -> Result<usize> {
        let items = self.items.get(from..).unwrap_or_default();
        let Some(first) = items.first() else { return Ok(0) };
        let regions = &self.origin.regions;
        let region = regions
            .locate_or_load(&mut self.backoffer(), first.key(), &self.last)
            .await?;
        Ok(cut(items, &region.end, self.limits.bytes, self.limits.items))
    }

    /// Sends the items of a range, in one request if regions stay as they are.
    async fn fly(self: Arc<Self>, range: Range<usize>) -> Result<Vec<B::Output>> {
        let mut bo = self.backoffer();
        let mut outputs = Vec::with_capacity(1);
        let mut left = vec![range];
        while let Some(range) = left.pop() {
            let items = self.items.get(range.clone()).unwrap_or_default();
            let Some(first) = items.first() else { continue };
            let region = self
                .origin
                .regions
                .locate_or_load(&mut bo, first.key(), &self.last)
                .await?;
            let count = cut(items, &region.end, self.limits.bytes, self.limits.items);
            let here = items.get(..count).unwrap_or(items);
            if count < items.len() {
                left.push(range.start + count..range.end);
            }
            let again = range.start..range.start + count;
            let sent = self.work.known();
            match self
                .origin
                .regions
                .send(&mut bo, &region, self.work.request(here), &sent)
                .await
            {
                Ok(Some(response)) => match self.work.answer(&mut bo, here, sent, response).await? {
                    Some(output) => {
                        outputs.push(output);
                        bo = self.backoffer();
                    }
                    None => left.push(again),
                },
                Ok(None) => left.push(again),
                Err(error) if error.kind == ClientErrorKind::MutationTooLarge && count > 1 => {
                    let middle = again.start + count / 2;
                    left.push(middle..again.end);
                    left.push(again.start..middle);
                }
                Err(error) if error.kind == ClientErrorKind::MutationTooLarge => {
                    return Err(error.with_key(first.key().clone()));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(outputs)
    }
}

/// The first key after `key`.
pub(super) fn successor(key: &[u8]) -> Bytes {
    let mut next = Vec::with_capacity(key.len() + 1);
    next.extend_from_slice(key);
    next.push(0);
    next.into()
}

/// A task that has panicked, or whose runtime has ended.
pub(super) fn lost_task(error: &tokio::task::JoinError) -> ClientError {
    ClientError::new(ClientErrorKind::Cancelled, format!("a request was given up: {error}"))
}

#[cfg(test)]
#[path = "batch_tests.rs"]
mod tests;
