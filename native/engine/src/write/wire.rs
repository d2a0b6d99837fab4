//! The opaque parts of a write: what travels between the driver and the tasks inside `WritePlan`, `WriterOpen` and `CommitMessage`.
//!
//! Written and read by the same build only (the JVM side checks the build ids), so the shapes may change freely.

use prost::Message;
use ti_proto::plan;

use crate::error::{Error, ErrorKind, Result};

/// What all tasks of a write know.
#[derive(Clone, PartialEq, Message)]
pub struct WriteCommon {
    /// The transaction.
    #[prost(uint64, tag = "1")]
    pub start_ts: u64,
    /// Its primary key.
    #[prost(bytes = "vec", tag = "2")]
    pub primary: Vec<u8>,
    /// What Spark asked for.
    #[prost(message, optional, tag = "3")]
    pub spec: Option<plan::WriteSpec>,
    /// Name of the database as it was created.
    #[prost(string, tag = "4")]
    pub database: String,
    /// Database under which the table's id allocators are kept.
    #[prost(int64, tag = "5")]
    pub allocator_database: i64,
    /// `TableInfo` as TiDB keeps it, at `start_ts`.
    #[prost(bytes = "vec", tag = "6")]
    pub table_info: Vec<u8>,
    /// TiDB's collation framework.
    #[prost(bool, tag = "7")]
    pub new_collation: bool,
    /// Ids that were reserved for the tasks; unset when the write generates none, or none repeatably.
    #[prost(message, optional, tag = "8")]
    pub reserved: Option<ReservedIds>,
    /// Tasks that the write has: how large the message of each may be.
    #[prost(uint32, tag = "9")]
    pub tasks: u32,
}

/// Ids of the tasks: partition `p` has `base + p * stride + 1 ..= base + (p + 1) * stride`.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct ReservedIds {
    /// The last id that was taken before.
    #[prost(uint64, tag = "1")]
    pub base: u64,
    /// Ids of one partition.
    #[prost(uint64, tag = "2")]
    pub stride: u64,
    /// Partitions that have some.
    #[prost(uint32, tag = "3")]
    pub partitions: u32,
}

/// What a task tells the driver: `CommitMessage.tally`.
#[derive(Clone, PartialEq, Message)]
pub struct WireTally {
    /// Mutations prewritten.
    #[prost(uint64, tag = "1")]
    pub mutations: u64,
    /// Sum of the keys' hashes modulo 2^128, big-endian.
    #[prost(bytes = "vec", tag = "2")]
    pub keys: Vec<u8>,
    /// The same of keys with their values.
    #[prost(bytes = "vec", tag = "3")]
    pub values: Vec<u8>,
    /// One range for each physical table's rows and for each index.
    #[prost(message, repeated, tag = "4")]
    pub ranges: Vec<WireTouched>,
    /// The greatest explicit value of the AUTO_INCREMENT column (or incremental part of the AUTO_RANDOM column); 0: none.
    #[prost(uint64, tag = "5")]
    pub greatest_explicit_id: u64,
    /// Ids were allocated on demand: another attempt would get others.
    #[prost(bool, tag = "6")]
    pub unrepeatable: bool,
    /// The keys, when they are few.
    #[prost(bytes = "vec", repeated, tag = "7")]
    pub few_keys: Vec<Vec<u8>>,
    /// Names the keys in the store of this process; 0: not kept there.
    #[prost(uint64, tag = "8")]
    pub kept_keys: u64,
    /// Counters of the task.
    #[prost(message, optional, tag = "9")]
    pub metrics: Option<plan::WriteMetrics>,
    /// Ids of the partitions that rows went to (only when the write replaces partitions).
    #[prost(int64, repeated, tag = "10")]
    pub partitions: Vec<i64>,
    /// The keys by cells of a sketch.
    #[prost(message, repeated, tag = "11")]
    pub cells: Vec<WireCell>,
    /// Keys of old rows that the driver removes.
    #[prost(bytes = "vec", repeated, tag = "12")]
    pub displaced_rows: Vec<Vec<u8>>,
    /// Keys of old index entries that the driver removes.
    #[prost(bytes = "vec", repeated, tag = "13")]
    pub displaced_entries: Vec<Vec<u8>>,
    /// Keys that rows of the task take and other rows have at the snapshot: somebody must give them up.
    #[prost(bytes = "vec", repeated, tag = "14")]
    pub taken: Vec<Vec<u8>>,
    /// More keys were given up than these lists may have.
    #[prost(bool, tag = "15")]
    pub displaced_full: bool,
}

/// A cell of a sketch of keys.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct WireCell {
    /// Which.
    #[prost(uint32, tag = "1")]
    pub position: u32,
    /// Keys in it.
    #[prost(uint64, tag = "2")]
    pub count: u64,
    /// Sum of their hashes modulo 2^128, big-endian.
    #[prost(bytes = "vec", tag = "3")]
    pub keys: Vec<u8>,
}

/// Keys with one prefix: the rows of a physical table, or one index of it.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct WireTouched {
    /// The least key.
    #[prost(bytes = "vec", tag = "1")]
    pub first: Vec<u8>,
    /// The greatest key.
    #[prost(bytes = "vec", tag = "2")]
    pub last: Vec<u8>,
}

/// Reads a message that this library wrote.
pub fn decode<M: Message + Default>(bytes: &[u8], what: &str) -> Result<M> {
    M::decode(bytes).map_err(|e| {
        Error::new(
            ErrorKind::InvalidArgument,
            format!("{what} is not of this library: {e}"),
        )
    })
}
