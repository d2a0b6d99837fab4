//! Regions: what is cached of them, how ranges are split by them, and what their errors ask for.
//!
//! ```text
//! ranges -> route (cache, else PD) -> (region, ranges)... -> send -> answer
//!             ^                                               |
//!             +---------- errors: fix the cache, back off ----+
//! ```

pub(crate) mod cache;
mod edges;
pub(crate) mod errors;
mod key_range;
mod leaderless;
pub(crate) mod replica;
pub(crate) mod route;
pub(crate) mod send;

pub use self::key_range::{KeyRange, PointRanges};
pub use self::replica::ReplicaRole;

use bytes::Bytes;
use ti_proto::metapb::{Peer, RegionEpoch};

/// Ranges of one region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocatedRanges {
    /// The region at the time of asking. It may split or move before it is read; the read follows.
    pub region_id: u64,
    /// In key order, inside the region.
    pub ranges: Vec<KeyRange>,
    /// Host of the store that serves reads of the region, as PD names it, without the port.
    pub host: String,
}

/// The first and the last key of a range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyEdges {
    /// They may be equal.
    Keys(Bytes, Bytes),
    /// There are no keys.
    Empty,
    /// The store did not tell.
    Unknown,
}

/// A region as it was last heard of. Bounds are raw keys, an empty one is unbounded.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Region {
    pub(crate) id: u64,
    pub(crate) start: Bytes,
    pub(crate) end: Bytes,
    pub(crate) epoch: RegionEpoch,
    pub(crate) peers: Vec<Peer>,
    pub(crate) leader: Peer,
}

impl Region {
    pub(crate) fn contains(&self, key: &[u8]) -> bool {
        self.start.as_ref() <= key && (self.end.is_empty() || key < self.end.as_ref())
    }
}

/// Whether an end bound is past a key, the empty bound being past all.
pub(crate) fn end_is_past(end: &[u8], key: &[u8]) -> bool {
    end.is_empty() || end > key
}

/// The smaller of two end bounds.
pub(crate) fn min_end(a: &Bytes, b: &Bytes) -> Bytes {
    match (a.is_empty(), b.is_empty()) {
        (true, _) => b.clone(),
        (_, true) => a.clone(),
        _ => a.min(b).clone(),
    }
}
