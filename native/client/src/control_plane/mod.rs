//! The control plane: timestamps, and snapshots for the few keys that hold TiDB's schema.
//!
//! Two implementations stand behind [`ControlPlane`]:
//! * [`library`]: the crate `tikv-client`. The default.
//! * [`direct`]: the same over our own channels, regions and lock resolver. It is used where `tikv-client` cannot do what is configured:
//!   TLS with a CA alone (it would silently speak plain text) and host mapping (it dials what PD names).

mod direct;
mod library;

use std::sync::Arc;

use async_trait::async_trait;

pub(crate) use direct::{DirectPlane, PdTso};
pub(crate) use library::{LibraryControl, LibraryPlane};

use crate::error::Result;

/// Bits of a timestamp's logical part; milliseconds are above it.
pub(crate) const LOGICAL_BITS: u32 = 18;

/// Hands out timestamps that grow over the whole cluster.
#[async_trait]
pub(crate) trait TimestampSource: Send + Sync {
    /// A fresh TSO: physical milliseconds << 18 | logical.
    async fn timestamp(&self) -> Result<u64>;
}

/// Timestamps and snapshots.
#[async_trait]
pub(crate) trait ControlPlane: TimestampSource {
    /// A view of the cluster at `ts`.
    fn snapshot(&self, ts: u64) -> Box<dyn Snapshot>;
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

/// Pairs that one request to a store asks for.
const SCAN_PAGE: u32 = 2_048;

/// The first key after `key`.
fn successor(mut key: Vec<u8>) -> Vec<u8> {
    key.push(0);
    key
}

pub(crate) type SharedPlane = Arc<dyn ControlPlane>;
