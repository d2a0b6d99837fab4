//! Which replica of a region serves a read of rows.
//!
//! ```text
//! region -> choose (roles, resting stores) -> replica_read | stale_read -> answer
//!               |                                   |
//!               +---- none ----> leader <---- anything but an answer
//! ```
//!
//! Writes, locks and schemas are always the leader's. A replica has one try, without waiting: what a region error of it means (it is behind,
//! it was moved, it is busy) is for the leader to say, with all of [`super::errors`].
//!
//! A young snapshot is read with `replica_read`: the replica asks the leader how far the log is and waits until it has applied that. An
//! old one with `stale_read`: the replica answers by itself when its resolved timestamp has passed the snapshot, else it says
//! `DataIsNotReady`. Both are exact; the age only decides which is cheaper.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use ti_proto::kvrpcpb::Context;
use ti_proto::metapb::{Peer, PeerRole};

use super::send::{KnownLocks, RegionClient, RegionRequest, Reply};
use super::Region;
use crate::backoff::Backoffer;
use crate::error::Result;
use crate::LOGICAL_BITS;

/// Age from which a snapshot is read with `stale_read`. TiKV advances resolved timestamps every 20 s unless it is told otherwise
/// (`resolved-ts.advance-ts-interval`); a younger snapshot would mostly be refused.
const STALE_AGE: Duration = Duration::from_secs(20);
/// A store that did not answer is asked as a replica again after this.
const REST: Duration = Duration::from_secs(30);

/// What a replica is to its region, other than its leader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplicaRole {
    /// A voter.
    Follower,
    /// A learner of TiKV. TiFlash's are not asked.
    Learner,
}

impl ReplicaRole {
    fn is(self, peer: &Peer) -> bool {
        let role = match self {
            Self::Follower => PeerRole::Voter,
            Self::Learner => PeerRole::Learner,
        };
        peer.role() == role && !peer.is_witness
    }
}

/// What is known of replicas beside the region cache.
#[derive(Default)]
pub(crate) struct Replicas {
    /// In the order of preference; empty: leaders serve all reads.
    roles: Vec<ReplicaRole>,
    /// Stores that did not answer, and until when they are left alone.
    resting: Mutex<HashMap<u64, Instant>>,
    /// Whether stores are TiFlash's.
    tiflash: Mutex<HashMap<u64, bool>>,
}

impl Replicas {
    pub(crate) fn new(roles: Vec<ReplicaRole>) -> Self {
        Self {
            roles,
            ..Self::default()
        }
    }

    fn rests(&self, store: u64) -> bool {
        let resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        resting.get(&store).is_some_and(|until| Instant::now() < *until)
    }

    fn rest(&self, store: u64) {
        let mut resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        resting.insert(store, Instant::now() + REST);
    }
}

/// One of the peers, always the same of a region, so that the regions of a table are spread over the stores and the driver knows where a task
/// will read.
fn spread(region: &Region, mut peers: Vec<Peer>) -> Option<Peer> {
    peers.sort_by_key(|peer| peer.store_id);
    let count = u64::try_from(peers.len()).ok().filter(|count| *count > 0)?;
    peers.get(usize::try_from(region.id % count).ok()?).copied()
}

/// Whether the snapshot is so old that replicas should have resolved it. Clocks may differ: it decides what is asked, not what is answered.
fn is_old(start_ts: u64, now: SystemTime) -> bool {
    let made = SystemTime::UNIX_EPOCH + Duration::from_millis(start_ts >> LOGICAL_BITS);
    now.duration_since(made).is_ok_and(|age| age >= STALE_AGE)
}

impl RegionClient {
    /// The replica that reads of the region go to; `None`: the leader.
    pub(crate) async fn replica(&self, bo: &mut Backoffer, region: &Region) -> Result<Option<Peer>> {
        for role in &self.replicas.roles {
            let mut peers = Vec::new();
            for peer in &region.peers {
                let is_other = peer.id != region.leader.id
                    && role.is(peer)
                    && !self.replicas.rests(peer.store_id)
                    && !self.is_down(peer.store_id);
                if is_other && !(*role == ReplicaRole::Learner && self.is_tiflash(bo, peer.store_id).await?) {
                    peers.push(*peer);
                }
            }
            if let Some(peer) = spread(region, peers) {
                return Ok(Some(peer));
            }
        }
        Ok(None)
    }

    async fn is_tiflash(&self, bo: &mut Backoffer, store: u64) -> Result<bool> {
        let known = || {
            let tiflash = self.replicas.tiflash.lock().unwrap_or_else(PoisonError::into_inner);
            tiflash.get(&store).copied()
        };
        if let Some(known) = known() {
            return Ok(known);
        }
        let is = self.pd.store(bo, store).await?.is_some_and(|store| {
            store
                .labels
                .iter()
                .any(|label| label.key == "engine" && label.value.starts_with("tiflash"))
        });
        let mut tiflash = self.replicas.tiflash.lock().unwrap_or_else(PoisonError::into_inner);
        tiflash.insert(store, is);
        Ok(is)
    }

    /// Sends a read of the snapshot `start_ts` to the replica of the region that is to serve it, or to the leader. `at_leader` is set when
    /// a replica has failed: the rest of the region is the leader's. `Ok(None)` as in [`Self::send`].
    pub(crate) async fn send_read<Q: RegionRequest>(
        &self,
        bo: &mut Backoffer,
        region: &Region,
        start_ts: u64,
        request: Q,
        locks: &KnownLocks,
        at_leader: &mut bool,
    ) -> Result<Option<Q::Response>> {
        if !*at_leader {
            if let Some(peer) = self.replica(bo, region).await? {
                let answer = self
                    .ask_replica(bo, region, peer, start_ts, request.clone(), locks)
                    .await?;
                if answer.is_some() {
                    return Ok(answer);
                }
                *at_leader = true;
            }
        }
        self.send(bo, region, request, locks).await
    }

    /// `None`: it did not answer.
    async fn ask_replica<Q: RegionRequest>(
        &self,
        bo: &mut Backoffer,
        region: &Region,
        peer: Peer,
        start_ts: u64,
        mut request: Q,
        locks: &KnownLocks,
    ) -> Result<Option<Q::Response>> {
        let Some(address) = self.store_address(bo, peer.store_id).await? else {
            self.replicas.rest(peer.store_id);
            return Ok(None);
        };
        let stale = is_old(start_ts, SystemTime::now());
        request.set_context(Context {
            peer: Some(peer),
            stale_read: stale,
            replica_read: !stale,
            ..self.context(region, locks)
        });
        // The leader must have time left.
        let limit = self.request_timeout.min(bo.remaining() / 2);
        let cause = match self.exchange(bo, &address, request, limit).await? {
            Reply::Answer(response) => return Ok(Some(response)),
            Reply::RegionError(error) => {
                bo.stats().region_errors.fetch_add(1, Ordering::Relaxed);
                error.message
            }
            Reply::Failed(status) => {
                self.give_rest(peer, &address);
                status.to_string()
            }
            Reply::Late => {
                self.give_rest(peer, &address);
                "no answer in time".into()
            }
            Reply::Down => {
                self.give_rest(peer, &address);
                "it stands still".into()
            }
        };
        tracing::debug!(
            region = region.id,
            address,
            stale,
            cause,
            "replica does not serve a read"
        );
        bo.remember(format!("replica of region {} at store {address}: {cause}", region.id));
        Ok(None)
    }

    fn give_rest(&self, peer: Peer, address: &str) {
        self.replicas.rest(peer.store_id);
        self.lose(address, peer.store_id);
    }
}

#[cfg(test)]
#[path = "replica_tests.rs"]
mod tests;
