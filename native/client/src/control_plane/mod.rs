//! The control plane: timestamps ([`clock`]), and snapshots for the few keys that hold TiDB's schema ([`snapshot`]).
//!
//! Timestamps come from the crate `tikv-client` ([`library`]), or over our own channels ([`tso`]), which know what to do about a server that stands
//! still. Snapshots go over our own channels, regions and lock resolver.

mod clock;
mod library;
mod snapshot;
mod tso;

use std::sync::Arc;

use async_trait::async_trait;

pub(crate) use clock::PdClock;
pub(crate) use snapshot::Snapshots;
use tso::PdTso;

use crate::error::Result;

/// Bits of a timestamp's logical part; milliseconds are above it.
pub(crate) const LOGICAL_BITS: u32 = 18;

/// Hands out timestamps that grow over the whole cluster.
#[async_trait]
pub(crate) trait TimestampSource: Send + Sync {
    /// A fresh TSO: physical milliseconds << 18 | logical.
    async fn timestamp(&self) -> Result<u64>;
}

/// The keys of a cluster as of one timestamp. For thousands of keys, not for tables: answers are held in memory.
#[async_trait]
pub trait Snapshot: Send {
    /// The value of a raw key. TiDB writes no empty values: one means that there is none (not all stores set `not_found`).
    async fn get(&mut self, key: Vec<u8>) -> Result<Option<Vec<u8>>>;
    /// All pairs with raw keys in `[start, end)`, in key order.
    async fn scan(&mut self, start: Vec<u8>, end: Vec<u8>) -> Result<Vec<(Vec<u8>, Vec<u8>)>>;
    /// All raw keys in `[start, end)`, in key order.
    async fn scan_keys(&mut self, start: Vec<u8>, end: Vec<u8>) -> Result<Vec<Vec<u8>>>;
}

pub(crate) type Clock = Arc<dyn TimestampSource>;
