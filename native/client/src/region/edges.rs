//! Where the keys of a range begin and end: two requests for one key each.
//!
//! Planning cuts large regions between these keys. It can do without them, so nothing is tried twice and a lock is no obstacle: its
//! key is there, or is about to be.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::StreamExt;
use ti_proto::kvrpcpb::{KeyError, ScanRequest, ScanResponse};

use super::send::{KnownLocks, RegionClient};
use super::{KeyEdges, KeyRange};
use crate::backoff::Backoffer;

/// Ranges that are looked at at once.
const CONCURRENCY: usize = 16;

impl RegionClient {
    /// One answer for each range, in their order. What does not come at the first try, or within `limit`, is unknown.
    pub(crate) async fn key_edges(&self, ts: u64, ranges: &[KeyRange], limit: Duration) -> Vec<KeyEdges> {
        let mut edges = vec![KeyEdges::Unknown; ranges.len()];
        let mut asked = futures::stream::iter(ranges.iter().enumerate())
            .map(|(at, range)| async move { (at, self.edges_of(ts, range, limit).await) })
            .buffer_unordered(CONCURRENCY);
        let all = async {
            while let Some((at, found)) = asked.next().await {
                if let (Some(slot), Some(found)) = (edges.get_mut(at), found) {
                    *slot = found;
                }
            }
        };
        if tokio::time::timeout(limit, all).await.is_err() {
            tracing::warn!(
                ?limit,
                "stores did not tell in time where the keys of regions begin and end"
            );
        }
        drop(asked);
        edges
    }

    async fn edges_of(&self, ts: u64, range: &KeyRange, limit: Duration) -> Option<KeyEdges> {
        let (first, last) = futures::join!(self.edge(ts, range, false, limit), self.edge(ts, range, true, limit));
        match (first?, last?) {
            (Some(first), Some(last)) => Some(KeyEdges::Keys(first, last)),
            (None, None) => Some(KeyEdges::Empty),
            // The range has changed between the two answers.
            _ => None,
        }
    }

    /// `None`: not told. `Some(None)`: there is no key.
    async fn edge(&self, ts: u64, range: &KeyRange, last: bool, limit: Duration) -> Option<Option<Bytes>> {
        let mut bo = Backoffer::new("looking for the first key of a range", limit, Arc::default());
        let region = self.locate_key(&mut bo, &range.start).await.ok()?;
        let (start, end) = (range.start.to_vec(), range.end.to_vec());
        // A reverse scan starts at its upper bound, which is excluded.
        let (start_key, end_key) = if last { (end, start) } else { (start, end) };
        let request = ScanRequest {
            context: None,
            start_key,
            end_key,
            limit: 1,
            version: ts,
            key_only: true,
            reverse: last,
        };
        let response = self.send(&mut bo, &region, request, &KnownLocks::default()).await;
        let found = key_of(response.ok()??)?;
        let inside = |key: &Bytes| *key >= range.start && (range.end.is_empty() || *key < range.end);
        match found {
            Some(key) if !inside(&key) => None,
            found => Some(found),
        }
    }
}

/// The one key of an answer, whether its value can be read or is locked.
fn key_of(response: ScanResponse) -> Option<Option<Bytes>> {
    let locked = |error: KeyError| error.locked.map(|lock| Some(Bytes::from(lock.key)));
    match (response.pairs.into_iter().next(), response.error) {
        (Some(pair), _) => match pair.error {
            None => Some(Some(pair.key.into())),
            Some(error) => locked(error),
        },
        (None, Some(error)) => locked(error),
        (None, None) => Some(None),
    }
}

#[cfg(test)]
#[path = "edges_tests.rs"]
mod tests;
