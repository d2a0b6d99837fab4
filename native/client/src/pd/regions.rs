//! Regions and stores as PD knows them.

use bytes::Bytes;
use ti_proto::metapb::{self, StoreState};
use ti_proto::pdpb::{GetRegionRequest, GetStoreRequest, ScanRegionsRequest};

use super::{key, PdClient};
use crate::backoff::Backoffer;
use crate::error::{ClientError, ClientErrorKind, Result};
use crate::region::Region;

impl PdClient {
    /// Up to `limit` regions in key order, the first one holding `start` (raw key); `end` empty: unbounded. PD may answer nothing, or
    /// leave gaps, while regions split.
    pub(crate) async fn scan_regions(
        &self,
        bo: &mut Backoffer,
        start: &[u8],
        end: &[u8],
        limit: i32,
    ) -> Result<Vec<Region>> {
        let request = ScanRegionsRequest {
            header: self.header(),
            start_key: key::encode(start),
            limit,
            end_key: key::encode(end),
        };
        let response = self
            .call(
                bo,
                request,
                |mut pd, request| async move { pd.scan_regions(request).await },
            )
            .await?;
        if !response.regions.is_empty() {
            return response
                .regions
                .into_iter()
                .filter_map(|found| found.region.map(|region| decode(region, found.leader)))
                .collect();
        }
        let mut leaders = response.leaders.into_iter();
        response
            .region_metas
            .into_iter()
            .map(|region| decode(region, leaders.next()))
            .collect()
    }

    /// The region that holds `key` (raw).
    pub(crate) async fn region_of(&self, bo: &mut Backoffer, key: &[u8]) -> Result<Option<Region>> {
        let request = GetRegionRequest {
            header: self.header(),
            region_key: key::encode(key),
        };
        let response = self
            .call(
                bo,
                request,
                |mut pd, request| async move { pd.get_region(request).await },
            )
            .await?;
        response
            .region
            .map(|region| decode(region, response.leader))
            .transpose()
    }

    /// A store, unless it has left the cluster.
    pub(crate) async fn store(&self, bo: &mut Backoffer, id: u64) -> Result<Option<metapb::Store>> {
        let request = GetStoreRequest {
            header: self.header(),
            store_id: id,
        };
        let response = self
            .call(
                bo,
                request,
                |mut pd, request| async move { pd.get_store(request).await },
            )
            .await?;
        Ok(response
            .store
            .filter(|store| store.state() != StoreState::Tombstone && !store.address.is_empty()))
    }
}

/// A region of PD, its bounds as raw keys.
pub(crate) fn decode(region: metapb::Region, leader: Option<metapb::Peer>) -> Result<Region> {
    let (start, end) = (key::decode(&region.start_key)?, key::decode(&region.end_key)?);
    from_raw(region, start, end, leader)
}

/// Without a known leader the first voter is asked: it names the leader if it is not the one.
fn from_raw(region: metapb::Region, start: Bytes, end: Bytes, leader: Option<metapb::Peer>) -> Result<Region> {
    let leader = leader.filter(|peer| peer.store_id != 0);
    let voter = || {
        let usable = |peer: &&metapb::Peer| peer.role() == metapb::PeerRole::Voter && !peer.is_witness;
        region.peers.iter().find(usable).or(region.peers.first()).cloned()
    };
    let Some(leader) = leader.or_else(voter) else {
        return Err(ClientError::retryable(
            ClientErrorKind::Protocol,
            format!("region {} has no peers", region.id),
        ));
    };
    Ok(Region {
        id: region.id,
        start,
        end,
        epoch: region.region_epoch.unwrap_or_default(),
        peers: region.peers,
        leader,
    })
}
