//! A region whose leader's store is down ([`crate::health`]).
//!
//! ```text
//! store goes down -> rouse: a small read to each other peer of each cached region that it leads
//! request to a region that it leads -> other peers, one after the other -> an answer: the new leader
//!                                         | NotLeader, with a leader that is not down: that one
//!                                         +- none leads: region and address from PD, 100..500 ms, again
//! ```
//!
//! PD hears of a new leader from itself, a moment after its election, so it would be enough to ask PD. But the other peers may not know that
//! there is anything to elect: those of a region that nobody writes hibernate, and only a message wakes them (TiKV
//! `raftstore.hibernate-regions`). A request that they refuse is one. From then on it takes 10 to 20 s until they elect. So all regions of
//! the store that are known here are roused at once: else the regions of a scan would wait for one election after the other.

use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, StreamExt};
use ti_proto::errorpb;
use ti_proto::kvrpcpb::{Context, GetRequest};
use ti_proto::metapb::{Peer, PeerRole};

use super::send::{KnownLocks, RegionClient, RegionRequest, Reply};
use super::Region;
use crate::backoff::{BackoffKind, Backoffer};
use crate::error::Result;

/// Regions that are roused when a store goes down. Past them the requests of readers do it.
const ROUSED_MAX: usize = 4_096;
/// Regions that are roused at once.
const ROUSED_AT_ONCE: usize = 32;
/// Time for rousing all of them: a request waits for it.
const ROUSE_LIMIT: Duration = Duration::from_secs(2);
/// Time for the answer of one peer to that.
const ROUSE_TRY: Duration = Duration::from_millis(500);

/// Peers that may lead in the place of the leader.
fn successors(region: &Region) -> Vec<Peer> {
    let may_lead =
        |peer: &&Peer| peer.store_id != region.leader.store_id && peer.role() == PeerRole::Voter && !peer.is_witness;
    region.peers.iter().filter(may_lead).copied().collect()
}

impl RegionClient {
    /// [`Self::send`] for a region whose leader is at the store `address`, which is down: to the other peers. `Ok(None)` as there.
    pub(super) async fn send_past<Q: RegionRequest>(
        &self,
        bo: &mut Backoffer,
        region: &Region,
        address: &str,
        mut request: Q,
        locks: &KnownLocks,
    ) -> Result<Option<Q::Response>> {
        if self.health.take_news(address) {
            self.rouse(region.leader.store_id).await;
        }
        for peer in successors(region) {
            let Some(other) = self.store_address(bo, peer.store_id).await? else {
                continue;
            };
            if self.health.is_down(&other) {
                continue;
            }
            request.set_context(Context {
                peer: Some(peer),
                ..self.context(region, locks)
            });
            let limit = self.request_timeout.min(bo.remaining());
            match self.exchange(bo, &other, request.clone(), limit).await? {
                Reply::Answer(response) => {
                    self.cache.set_leader(region, &peer);
                    return Ok(Some(response));
                }
                Reply::RegionError(error) => match error.not_leader.as_ref().map(|told| told.leader) {
                    Some(leader) if self.take_leader(region, &peer, leader) => return Ok(None),
                    Some(_) => {}
                    None => {
                        self.on_region_error(bo, region, &other, *error).await?;
                        return Ok(None);
                    }
                },
                Reply::Failed(status) => {
                    bo.note_unanswered();
                    bo.remember(format!("store {other}: {status}"));
                    self.lose(&other, peer.store_id);
                }
                Reply::Late | Reply::Down => {
                    bo.note_unanswered();
                    bo.remember(format!("store {other} did not answer {}", Q::NAME));
                    self.lose(&other, peer.store_id);
                }
            }
        }
        // The store may have come back with another address, and the region may have other peers.
        self.cache.invalidate_store(region.leader.store_id);
        self.cache.invalidate(region);
        let cause = format!(
            "store {address}, which leads region {}, stands still or is gone, and no other peer leads it yet",
            region.id
        );
        bo.backoff(BackoffKind::StoreDown, cause).await?;
        Ok(None)
    }

    /// What a peer that does not lead says of the leader. `false`: nothing that helps.
    fn take_leader(&self, region: &Region, teller: &Peer, leader: Option<Peer>) -> bool {
        let Some(leader) = leader.filter(|leader| leader.store_id != 0 && leader.id != teller.id) else {
            return false;
        };
        if leader.store_id == region.leader.store_id || self.is_down(leader.store_id) {
            return false;
        }
        self.cache.set_leader(region, &leader)
    }

    /// Whether the store is down, as far as its address is known.
    pub(super) fn is_down(&self, store: u64) -> bool {
        let address = self.cache.store(store);
        address.is_some_and(|address| self.health.is_down(&address))
    }

    /// A leader that a region error names and that is down is none: asking it again would get nothing.
    pub(super) fn without_dead_leader(&self, mut error: errorpb::Error) -> errorpb::Error {
        if let Some(told) = &mut error.not_leader {
            told.leader = told.leader.filter(|leader| !self.is_down(leader.store_id));
        }
        error
    }

    /// Has the other peers of the store's regions elect leaders.
    async fn rouse(&self, store: u64) {
        let regions = self.cache.led_by(store, ROUSED_MAX);
        tracing::info!(
            store,
            regions = regions.len(),
            "peers of the regions of a store that is down are roused"
        );
        let all = stream::iter(regions).for_each_concurrent(ROUSED_AT_ONCE, |region| self.rouse_region(region));
        // What is not roused in time is by its readers.
        let _ = tokio::time::timeout(ROUSE_LIMIT, all).await;
    }

    async fn rouse_region(&self, region: Arc<Region>) {
        let mut bo = Backoffer::new("rousing the peers of a region", ROUSE_LIMIT, Arc::default());
        for peer in successors(&region) {
            let address = self.store_address(&mut bo, peer.store_id).await.ok().flatten();
            let Some(address) = address.filter(|address| !self.health.is_down(address)) else {
                continue;
            };
            // Of a snapshot that is older than everything: nothing has to be read, and nothing waits.
            let mut request = GetRequest {
                context: None,
                key: region.start.to_vec(),
                version: 1,
            };
            request.set_context(Context {
                peer: Some(peer),
                ..self.context(&region, &KnownLocks::default())
            });
            match self.exchange(&bo, &address, request, ROUSE_TRY).await {
                Ok(Reply::Answer(_)) => {
                    self.cache.set_leader(&region, &peer);
                    return;
                }
                Ok(Reply::RegionError(error)) => {
                    let leader = error.not_leader.and_then(|told| told.leader);
                    if self.take_leader(&region, &peer, leader) {
                        return;
                    }
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
#[path = "leaderless_tests.rs"]
mod tests;
