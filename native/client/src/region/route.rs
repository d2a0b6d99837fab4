//! Ranges -> regions, in key order.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;

use super::send::RegionClient;
use super::{end_is_past, min_end, KeyRange, Region};
use crate::backoff::{BackoffKind, Backoffer};
use crate::error::Result;

/// Regions that one question to PD asks for. A question ends where what is looked for ends, so that a small table costs no more.
const PAGE_REGIONS: i32 = 256;
/// The same of the following questions of one table at most: a hundred thousand regions must not cost hundreds of round trips. PD answers such a
/// page in some milliseconds.
const PAGE_REGIONS_MAX: i32 = 4_096;
/// By how much a page is larger than the one before.
const PAGE_GROWTH: i32 = 4;

/// Ranges inside one region.
pub(crate) type RegionRanges = (Arc<Region>, Vec<KeyRange>);

/// Sorted, without empty ranges; ranges that overlap become one, because ranges are a set of keys.
pub(crate) fn normalize(mut ranges: Vec<KeyRange>) -> Vec<KeyRange> {
    ranges.retain(|range| !range.is_empty());
    ranges.sort_by(|a, b| a.start.cmp(&b.start));
    let mut out: Vec<KeyRange> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match out.last_mut() {
            Some(last) if end_is_past(&last.end, &range.start) => {
                if last.end.is_empty() || range.end.is_empty() {
                    last.end = Bytes::new();
                } else if range.end > last.end {
                    last.end = range.end;
                }
            }
            _ => out.push(range),
        }
    }
    out
}

/// What is left of `ranges` (in key order) from `key` on.
pub(crate) fn after(ranges: &[KeyRange], key: &Bytes) -> Vec<KeyRange> {
    ranges
        .iter()
        .filter(|range| end_is_past(&range.end, key))
        .map(|range| KeyRange::interval(range.start.clone().max(key.clone()), range.end.clone()))
        .collect()
}

/// What `ranges` (in key order) have before `key`.
pub(crate) fn before(ranges: &[KeyRange], key: &Bytes) -> Vec<KeyRange> {
    ranges
        .iter()
        .filter(|range| range.start < *key)
        .map(|range| KeyRange::interval(range.start.clone(), min_end(&range.end, key)))
        .collect()
}

/// The part of sorted ranges that lies in `region`, which holds the first key. The rest stays in `ranges`.
pub(crate) fn take(region: &Region, ranges: &mut VecDeque<KeyRange>) -> Vec<KeyRange> {
    let mut taken = Vec::new();
    while let Some(range) = ranges.pop_front() {
        if !region.contains(&range.start) {
            ranges.push_front(range);
            break;
        }
        let end = min_end(&range.end, &region.end);
        if end != range.end {
            ranges.push_front(KeyRange::interval(end.clone(), range.end));
            taken.push(KeyRange::interval(range.start, end));
            break;
        }
        taken.push(range);
    }
    taken
}

impl RegionClient {
    /// Splits ranges by region, in key order. Unknown regions are loaded from PD many at a time.
    pub(crate) async fn split_ranges(&self, bo: &mut Backoffer, ranges: Vec<KeyRange>) -> Result<Vec<RegionRanges>> {
        let mut left: VecDeque<KeyRange> = normalize(ranges).into();
        let end = left.back().map(|range| range.end.clone()).unwrap_or_default();
        let mut out = Vec::new();
        let mut page = PAGE_REGIONS;
        while let Some(first) = left.front() {
            let start = first.start.clone();
            let region = match self.cache.locate(&start) {
                Some(region) => region,
                None => {
                    let region = self.load(bo, &start, &end, page).await?;
                    page = page.saturating_mul(PAGE_GROWTH).min(PAGE_REGIONS_MAX);
                    region
                }
            };
            let taken = take(&region, &mut left);
            out.push((region, taken));
        }
        Ok(out)
    }

    /// The region of one key.
    pub(crate) async fn locate_key(&self, bo: &mut Backoffer, key: &[u8]) -> Result<Arc<Region>> {
        loop {
            if let Some(region) = self.cache.locate(key) {
                return Ok(region);
            }
            let found = self
                .pd
                .region_of(bo, key)
                .await?
                .is_some_and(|region| self.cache.insert(region));
            if !found {
                bo.backoff(
                    BackoffKind::RegionMiss,
                    "PD knows no region of a key, or an outdated one",
                )
                .await?;
            }
        }
    }

    /// The region of `key`. When it is not known, regions up to `end` are loaded with it.
    pub(crate) async fn locate_or_load(&self, bo: &mut Backoffer, key: &[u8], end: &[u8]) -> Result<Arc<Region>> {
        match self.cache.locate(key) {
            Some(region) => Ok(region),
            None => self.load(bo, key, end, PAGE_REGIONS).await,
        }
    }

    /// Takes what PD knows now of the regions of ranges into the cache: splits and moves that no request has met yet.
    pub(crate) async fn refresh(&self, bo: &mut Backoffer, ranges: Vec<KeyRange>) -> Result<()> {
        for range in normalize(ranges) {
            let mut from = range.start;
            loop {
                let page = self.pd.scan_regions(bo, &from, &range.end, PAGE_REGIONS_MAX).await?;
                let Some(end) = page.last().map(|region| region.end.clone()) else {
                    break;
                };
                for region in page {
                    self.cache.insert(region);
                }
                if end <= from || !end_is_past(&range.end, &end) {
                    break;
                }
                from = end;
            }
        }
        Ok(())
    }

    /// The region of `key` from PD, and with it up to `page` regions that begin before `end`.
    async fn load(&self, bo: &mut Backoffer, key: &[u8], end: &[u8], page: i32) -> Result<Arc<Region>> {
        loop {
            for region in self.pd.scan_regions(bo, key, end, page).await? {
                self.cache.insert(region);
            }
            if let Some(region) = self.cache.locate(key) {
                return Ok(region);
            }
            // A gap: the regions of a split have not all reported to PD yet.
            bo.backoff(
                BackoffKind::RegionMiss,
                "PD knows no region of a key, or an outdated one",
            )
            .await?;
        }
    }
}

#[cfg(test)]
#[path = "route_tests.rs"]
mod tests;
