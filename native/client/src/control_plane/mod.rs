//! The control plane: timestamps, and snapshots for the few keys that hold TiDB's schema.
//!
//! Timestamps have two implementations behind [`TimestampSource`]:
//! * [`library`]: the crate `tikv-client`. The default.
//! * [`tso`]: the same over our own channels. It is used where `tikv-client` cannot do what is configured: TLS with a CA alone (it would silently
//!   speak plain text) and host mapping (it dials what PD names).
//!
//! Snapshots ([`snapshot`]) are read over our own channels, regions and lock resolver, which know what to do about a store that stands still.

mod library;
mod snapshot;
mod tso;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

pub(crate) use library::LibraryTso;
pub(crate) use snapshot::Snapshots;
pub(crate) use tso::PdTso;

use crate::error::{ClientError, ClientErrorKind, Result};

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

/// One try of a timestamp. PD answers in milliseconds; a leader change takes a few seconds.
const TIMESTAMP_TRY: Duration = Duration::from_secs(5);
/// Longest wait before the members of PD are asked again who leads.
const LEADER_WAIT: Duration = Duration::from_millis(500);

/// The timestamp of its milliseconds and its logical part.
fn whole((physical, logical): (i64, i64)) -> Result<u64> {
    match (u64::try_from(physical), u64::try_from(logical)) {
        (Ok(physical), Ok(logical)) if physical < 1 << 46 && logical < 1 << LOGICAL_BITS => {
            Ok(physical << LOGICAL_BITS | logical)
        }
        _ => Err(ClientError::new(
            ClientErrorKind::Protocol,
            format!("PD answers with the timestamp {physical}.{logical}, which is out of range"),
        )),
    }
}
