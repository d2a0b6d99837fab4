//! Sizes of regions. PD learns them from the stores' heartbeats and tells them over HTTP only.
//!
//! ```text
//! GET /pd/api/v1/regions/key?key=..&end_key=..&limit=..
//! {"count": 2, "regions": [{"id": 4, "end_key": "7480..", "approximate_size": 96, ..}, ..]}
//! ```
//!
//! Source: PD `server/api/region.go` (`ScanRegions`) and `pkg/response/region.go`. Keys are memcomparable, as in PD's gRPC API: bytes in the
//! question, hexadecimal digits in the answer. Sizes are MiB; 0 means that PD has not heard of the region since it started. A member
//! that does not lead passes the question on to the leader.
//!
//! Sizes are hints: nothing depends on them but how evenly work is shared out.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde::Deserialize;

use super::{http, key, PdClient};
use crate::error::{ClientError, ClientErrorKind, Result};
use crate::region::{end_is_past, KeyRange, LocatedRanges};

/// How long what PD has told is believed, that it did not answer included. Stores report every minute.
const KEPT: Duration = Duration::from_secs(60);
/// Regions of one answer; PD gives 10,240 at most.
const PAGE_REGIONS: usize = 8_192;
/// Answers for one question of ours. Regions past them, a quarter of a million, have no known size: PD takes some hundred bytes of JSON for each.
const PAGES_MAX: usize = 32;
/// Time for all answers: planning goes on without them.
const LIMIT: Duration = Duration::from_secs(5);

/// Regions that are looked at for the bytes of a table: these are gigabytes, and what more there is does not change a plan.
const FLOOR_REGIONS: usize = 256;

/// Region id -> size in bytes.
pub(crate) type Sizes = HashMap<u64, u64>;

/// What PD told last.
#[derive(Default)]
pub(super) struct SizeCache {
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    sizes: HashMap<u64, (u64, Instant)>,
    /// Bytes below which the data of ranges is not, by the start of the first.
    floors: HashMap<Bytes, (u64, Instant)>,
    failure: Option<(ClientError, Instant)>,
}

impl SizeCache {
    /// The sizes when all are known, or the failure of a moment ago.
    fn find(&self, located: &[LocatedRanges]) -> Option<Result<Sizes>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((error, at)) = &known.failure {
            if at.elapsed() < KEPT {
                return Some(Err(error.clone()));
            }
        }
        let size = |piece: &LocatedRanges| {
            let (size, at) = known.sizes.get(&piece.region_id)?;
            (at.elapsed() < KEPT).then_some((piece.region_id, *size))
        };
        located.iter().map(size).collect::<Option<Sizes>>().map(Ok)
    }

    /// The floor of ranges that begin here, or the failure of a moment ago.
    fn floor(&self, start: &Bytes) -> Option<Result<u64>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let recent = |at: &Instant| at.elapsed() < KEPT;
        if let Some((error, _)) = known.failure.as_ref().filter(|(_, at)| recent(at)) {
            return Some(Err(error.clone()));
        }
        let (bytes, _) = known.floors.get(start).filter(|(_, at)| recent(at))?;
        Some(Ok(*bytes))
    }

    fn keep_floor(&self, start: Bytes, answer: &Result<u64>) {
        let now = Instant::now();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.floors.retain(|_, (_, at)| at.elapsed() < KEPT);
        match answer {
            Ok(bytes) => {
                known.floors.insert(start, (*bytes, now));
            }
            Err(error) => known.failure = Some((error.clone(), now)),
        }
    }

    fn keep(&self, answer: &Result<Sizes>) {
        let now = Instant::now();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.sizes.retain(|_, (_, at)| at.elapsed() < KEPT);
        match answer {
            Ok(sizes) => {
                known.failure = None;
                known.sizes.extend(sizes.iter().map(|(id, size)| (*id, (*size, now))));
            }
            Err(error) => known.failure = Some((error.clone(), now)),
        }
    }
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    regions: Option<Vec<RegionInfo>>,
}

#[derive(Deserialize)]
struct RegionInfo {
    id: u64,
    #[serde(default)]
    start_key: String,
    #[serde(default)]
    end_key: String,
    #[serde(default)]
    approximate_size: i64,
}

impl PdClient {
    /// Sizes of regions, in bytes, as far as PD knows them. `located` is in key order. Takes no longer than a few seconds; an answer
    /// or a failure serves for a minute.
    ///
    /// # Errors
    /// PD does not serve its HTTP API here, or answers something else than regions.
    pub(crate) async fn region_sizes(&self, located: &[LocatedRanges]) -> Result<Sizes> {
        if let Some(found) = self.sizes.find(located) {
            return found;
        }
        let answer = self.soon(self.ask_sizes(located)).await;
        self.sizes.keep(&answer);
        answer
    }

    /// Bytes that ranges hold at least: those of regions that lie in one of them altogether, of the first few hundred regions. `ranges`
    /// are in key order. Takes no longer than a few seconds; an answer or a failure serves for a minute.
    ///
    /// # Errors
    /// As [`Self::region_sizes`].
    pub(crate) async fn stored_bytes(&self, ranges: &[KeyRange]) -> Result<u64> {
        let (Some(first), Some(last)) = (ranges.first(), ranges.last()) else {
            return Ok(0);
        };
        if let Some(found) = self.sizes.floor(&first.start) {
            return found;
        }
        let answer = self.soon(async {
            let leader = self.leader();
            let page = http::get(&self.channels, &leader, &path(&first.start, &last.end, FLOOR_REGIONS)).await?;
            floor_of_page(&page, &leader, ranges)
        });
        let answer = answer.await;
        self.sizes.keep_floor(first.start.clone(), &answer);
        answer
    }

    /// What PD answers over HTTP, within the few seconds that planning waits for it.
    async fn soon<T>(&self, answer: impl Future<Output = Result<T>>) -> Result<T> {
        let limit = LIMIT.min(self.request_timeout);
        tokio::time::timeout(limit, answer).await.unwrap_or_else(|_| {
            Err(ClientError::retryable(
                ClientErrorKind::PdUnreachable,
                format!(
                    "the HTTP API of PD {} did not answer within {:.1} s",
                    self.leader(),
                    limit.as_secs_f64()
                ),
            ))
        })
    }

    async fn ask_sizes(&self, located: &[LocatedRanges]) -> Result<Sizes> {
        let mut sizes = Sizes::with_capacity(located.len());
        let Some(last) = located.last().and_then(|piece| piece.ranges.last()) else {
            return Ok(sizes);
        };
        let mut left = located;
        let mut from = Bytes::new();
        for _ in 0..PAGES_MAX {
            let Some(first) = left.first().and_then(|piece| piece.ranges.first()) else {
                break;
            };
            // Regions between the ranges of a read cost no question: the next one starts where a range is left.
            from = from.max(first.start.clone());
            // Where regions have split since they were located, a few more are met.
            let limit = (left.len() + left.len() / 8 + 1).min(PAGE_REGIONS);
            let leader = self.leader();
            let answer = http::get(&self.channels, &leader, &path(&from, &last.end, limit)).await?;
            match read_page(&answer, &leader, &mut sizes)? {
                Some(covered) if covered > from => from = covered,
                _ => break,
            }
            let open = |piece: &LocatedRanges| piece.ranges.last().is_some_and(|range| end_is_past(&range.end, &from));
            left = left
                .iter()
                .position(open)
                .and_then(|at| left.get(at..))
                .unwrap_or_default();
        }
        Ok(sizes)
    }
}

fn path(start: &[u8], end: &[u8], limit: usize) -> String {
    let (start, end) = (percent(&key::encode(start)), percent(&key::encode(end)));
    format!("/pd/api/v1/regions/key?key={start}&end_key={end}&limit={limit}")
}

fn percent(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        // Writing to a string cannot fail.
        let _ = write!(out, "%{byte:02X}");
        out
    })
}

/// Takes the sizes of an answer; the key up to which it goes, `None` when that is the end of the key space, or nothing.
fn read_page(answer: &[u8], address: &str, sizes: &mut Sizes) -> Result<Option<Bytes>> {
    let regions = regions_of_page(answer, address)?;
    for region in &regions {
        if let Some(mib) = u64::try_from(region.approximate_size).ok().filter(|mib| *mib > 0) {
            sizes.insert(region.id, mib.saturating_mul(1 << 20));
        }
    }
    match regions.last() {
        Some(last) if !last.end_key.is_empty() => Ok(Some(raw_key(&last.end_key, address)?)),
        _ => Ok(None),
    }
}

/// Bytes of the regions of an answer that lie in one of the ranges.
fn floor_of_page(answer: &[u8], address: &str, ranges: &[KeyRange]) -> Result<u64> {
    let mut bytes = 0_u64;
    for region in regions_of_page(answer, address)? {
        if region.start_key.is_empty() || region.end_key.is_empty() {
            continue; // the first or the last of all
        }
        let (start, end) = (raw_key(&region.start_key, address)?, raw_key(&region.end_key, address)?);
        let inside = |range: &KeyRange| range.start <= start && (range.end.is_empty() || end <= range.end);
        if ranges.iter().any(inside) {
            // PD says 1 of all that is smaller as well, however little it is.
            let mib = u64::try_from(region.approximate_size)
                .ok()
                .filter(|mib| *mib > 1)
                .unwrap_or_default();
            bytes = bytes.saturating_add(mib.saturating_mul(1 << 20));
        }
    }
    Ok(bytes)
}

fn regions_of_page(answer: &[u8], address: &str) -> Result<Vec<RegionInfo>> {
    let page: Page = serde_json::from_slice(answer).map_err(|error| odd(address, &error.to_string()))?;
    Ok(page.regions.unwrap_or_default())
}

fn odd(address: &str, what: &str) -> ClientError {
    ClientError::new(
        ClientErrorKind::Protocol,
        format!("the HTTP API of PD {address} does not answer with regions: {what}"),
    )
}

fn raw_key(digits: &str, address: &str) -> Result<Bytes> {
    let encoded = unhex(digits).ok_or_else(|| odd(address, "a key that is not hexadecimal"))?;
    key::decode(&encoded)
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |digit: u8| char::from(digit).to_digit(16);
    let byte = |pair: &[u8]| match pair {
        [high, low] => u8::try_from(digit(*high)? * 16 + digit(*low)?).ok(),
        _ => None,
    };
    text.as_bytes().chunks(2).map(byte).collect()
}

#[cfg(test)]
#[path = "sizes_tests.rs"]
mod tests;
