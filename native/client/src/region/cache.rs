//! The region cache: regions by start key, stores by id.
//!
//! Regions in it never overlap. What is stale costs a retry, never a wrong answer: every request carries the region's epoch, and the store
//! refuses another one.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use ti_proto::metapb::{Peer, RegionEpoch};

use super::{end_is_past, Region};

/// Regions and stores that were heard of.
#[derive(Default)]
pub(crate) struct RegionCache {
    regions: RwLock<Regions>,
    /// Store id -> address as PD names it.
    stores: RwLock<HashMap<u64, String>>,
}

#[derive(Default)]
struct Regions {
    by_start: BTreeMap<Bytes, Arc<Region>>,
    /// Region id -> start key.
    starts: HashMap<u64, Bytes>,
}

impl Regions {
    fn remove(&mut self, start: &Bytes) {
        if let Some(region) = self.by_start.remove(start) {
            self.starts.remove(&region.id);
        }
    }
}

impl RegionCache {
    /// The region that holds `key`.
    pub(crate) fn locate(&self, key: &[u8]) -> Option<Arc<Region>> {
        let regions = self.regions.read().unwrap_or_else(PoisonError::into_inner);
        let (_, region) = regions
            .by_start
            .range::<[u8], _>((Bound::Unbounded, Bound::Included(key)))
            .next_back()?;
        region.contains(key).then(|| region.clone())
    }

    /// Takes a region unless something newer is known: the same region with a later epoch, or another region over the same keys with a
    /// later version (a split or merge that the teller has not heard of). Older regions over the same keys go. Returns whether it was taken.
    pub(crate) fn insert(&self, region: Region) -> bool {
        let mut regions = self.regions.write().unwrap_or_else(PoisonError::into_inner);
        let overlapping = overlapping(&regions, &region);
        if overlapping.iter().any(|(_, cached)| is_newer(cached, &region)) {
            return false;
        }
        if let Some(start) = regions.starts.get(&region.id).cloned() {
            // Not overlapping its former self: it shrank past it, or was merged elsewhere.
            if regions
                .by_start
                .get(&start)
                .is_some_and(|cached| is_newer(cached, &region))
            {
                return false;
            }
            regions.remove(&start);
        }
        for (start, _) in &overlapping {
            regions.remove(start);
        }
        regions.starts.insert(region.id, region.start.clone());
        regions.by_start.insert(region.start.clone(), Arc::new(region));
        true
    }

    /// Forgets the region, unless it was replaced since `region` was taken from the cache.
    pub(crate) fn invalidate(&self, region: &Region) {
        let mut regions = self.regions.write().unwrap_or_else(PoisonError::into_inner);
        let same = |cached: &Arc<Region>| cached.id == region.id && cached.epoch == region.epoch;
        if regions.by_start.get(&region.start).is_some_and(same) {
            regions.remove(&region.start);
        }
    }

    /// Notes the leader that a store has named. `false`: the peer is not one of the region's, which was forgotten.
    pub(crate) fn set_leader(&self, region: &Region, leader: &Peer) -> bool {
        let known = region
            .peers
            .iter()
            .any(|peer| peer.id == leader.id && peer.store_id == leader.store_id);
        if !known {
            self.invalidate(region);
            return false;
        }
        let mut regions = self.regions.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(cached) = regions.by_start.get_mut(&region.start) {
            if cached.id == region.id && cached.epoch == region.epoch {
                *cached = Arc::new(Region {
                    leader: *leader,
                    ..cached.as_ref().clone()
                });
            }
        }
        true
    }

    /// Up to `limit` regions whose leader is at the store.
    pub(crate) fn led_by(&self, store: u64, limit: usize) -> Vec<Arc<Region>> {
        let regions = self.regions.read().unwrap_or_else(PoisonError::into_inner);
        let led = regions
            .by_start
            .values()
            .filter(|region| region.leader.store_id == store);
        led.take(limit).cloned().collect()
    }

    pub(crate) fn store(&self, id: u64) -> Option<String> {
        self.stores
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&id)
            .cloned()
    }

    pub(crate) fn insert_store(&self, id: u64, address: String) {
        self.stores
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id, address);
    }

    pub(crate) fn invalidate_store(&self, id: u64) {
        self.stores.write().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        let regions = self.regions.read().unwrap();
        assert_eq!(regions.by_start.len(), regions.starts.len());
        regions.by_start.len()
    }
}

fn overlapping(regions: &Regions, region: &Region) -> Vec<(Bytes, Arc<Region>)> {
    let mut found = Vec::new();
    if let Some((start, cached)) = regions
        .by_start
        .range::<[u8], _>((Bound::Unbounded, Bound::Excluded(region.start.as_ref())))
        .next_back()
    {
        if end_is_past(&cached.end, &region.start) {
            found.push((start.clone(), cached.clone()));
        }
    }
    for (start, cached) in regions
        .by_start
        .range::<[u8], _>((Bound::Included(region.start.as_ref()), Bound::Unbounded))
    {
        if !end_is_past(&region.end, start) {
            break;
        }
        found.push((start.clone(), cached.clone()));
    }
    found
}

fn is_newer(cached: &Region, region: &Region) -> bool {
    let RegionEpoch { conf_ver, version } = region.epoch;
    if cached.id == region.id {
        cached.epoch.version > version || cached.epoch.conf_ver > conf_ver
    } else {
        cached.epoch.version > version
    }
}

#[cfg(test)]
#[path = "cache_tests.rs"]
mod tests;
