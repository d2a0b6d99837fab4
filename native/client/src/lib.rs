//! Asynchronous client of PD and TiKV. Knows regions, locks and timestamps; knows no Arrow and no SQL schema.
//!
//! ```text
//! Client::connect -> pd::members (leader, cluster id) -> control_plane (timestamps, schema snapshots)
//! Client::locate  -> region::route -> region::cache, else pd::regions
//! Client::region_sizes -> pd::sizes (HTTP), Client::key_edges -> region::edges: hints for planning
//! Client::coprocessor -> cop::stream -> region::replica -> region::send -> channel -> store
//!                            |              +-> region::errors (what each region error asks for), backoff (one deadline)
//!                            |              +-> health (a server that stands still is given up), region::leaderless (its peers are asked)
//!                            +-> lock::resolver (what a lock means for the read)
//! Client::protect -> snapshot_guard -> pd::safepoint (garbage collection is held while a snapshot is read)
//! Client::begin, prewrite, .. -> txn (two-phase commit) -> the same regions, send, back-off and lock resolver
//! ```
#![forbid(unsafe_code)]

mod backoff;
mod channel;
mod client;
mod config;
mod control_plane;
mod cop;
mod error;
mod health;
mod lock;
mod pd;
mod region;
mod snapshot_guard;
mod stats;
mod txn;

pub use client::Client;
pub use config::{ClientConfig, TlsConfig};
pub use control_plane::Snapshot;
pub use cop::{CopAnswer, CopRequest, CopStream, MemoryBudget, MemoryPermit};
pub use error::{ClientError, ClientErrorKind, Result};
pub use region::{KeyEdges, KeyRange, LocatedRanges, PointRanges, ReplicaRole};
pub use snapshot_guard::SnapshotGuard;
pub use stats::CopStats;
pub use ti_proto::kvrpcpb::{CommandPri, IsolationLevel};
pub use txn::{
    Assertion, AssertionLevel, BatchOptions, CommitOutcome, Mutation, MutationOp, Outcome, PrewriteOptions,
    PrewriteStats, Settlement, Transaction, TxnInfo, TxnOptions, TxnState,
};

/// Bits of a timestamp (TSO) below its milliseconds.
pub const LOGICAL_BITS: u32 = 18;
