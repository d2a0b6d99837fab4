//! The opaque parts of a plan: what travels from the driver to the executors inside `ScanPlan`.
//!
//! Written and read by the same build only (the JVM side checks the build ids), so the shapes may change freely.

use prost::Message;
use ti_client::KeyRange;
use ti_proto::plan;

/// The same for all partitions of a scan.
#[derive(Clone, PartialEq, Message)]
pub struct ScanCommon {
    /// The snapshot.
    #[prost(uint64, tag = "1")]
    pub start_ts: u64,
    /// `tipb.DAGRequest` with the table id left to the task.
    #[prost(bytes = "vec", tag = "2")]
    pub dag: Vec<u8>,
    /// What the answers hold, in order.
    #[prost(message, repeated, tag = "3")]
    pub columns: Vec<WireColumn>,
    /// The answers' columns are only counted: the output has none.
    #[prost(bool, tag = "4")]
    pub count_only: bool,
    /// How they are shown.
    #[prost(message, optional, tag = "5")]
    pub types: Option<plan::TypeOptions>,
    /// Rows of a page of a large region.
    #[prost(uint64, tag = "6")]
    pub paging_size: u64,
    /// `db`.`table`, for messages.
    #[prost(string, tag = "7")]
    pub table: String,
    /// The answers are groups and aggregates.
    #[prost(message, optional, tag = "8")]
    pub aggregate: Option<ScanAggregate>,
    /// Rows that a task needs at most, in any order. 0: all.
    #[prost(uint64, tag = "9")]
    pub limit: u64,
    /// The ranges are those of an index, whose entries say the rows that `dag` reads.
    #[prost(message, optional, tag = "10")]
    pub look_up: Option<LookUp>,
}

/// What becomes of the columns of an aggregation's answers.
#[derive(Clone, PartialEq, Message)]
pub struct ScanAggregate {
    /// One for each column.
    #[prost(message, repeated, tag = "1")]
    pub fields: Vec<AggregateField>,
    /// There are no groups: a task without rows has counts of 0.
    #[prost(bool, tag = "2")]
    pub global: bool,
}

/// What becomes of one column.
#[derive(Clone, PartialEq, Message)]
pub struct AggregateField {
    /// How it is handed on.
    #[prost(enumeration = "AggregateKind", tag = "1")]
    pub kind: i32,
    /// Of `SumDecimal`: digits of the values that were summed.
    #[prost(uint32, tag = "2")]
    pub precision: u32,
    /// Of `SumDecimal`: their fraction digits.
    #[prost(uint32, tag = "3")]
    pub scale: u32,
}

/// Kinds of columns of an aggregation's answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
#[repr(i32)]
pub enum AggregateKind {
    /// A group, MIN or MAX: as it is.
    Same = 0,
    /// A number of rows.
    Count = 1,
    /// A sum of integers: BIGINT.
    SumLong = 2,
    /// A sum of decimals: DECIMAL of what was summed.
    SumDecimal = 3,
}

/// The index side of an index look-up.
#[derive(Clone, PartialEq, Message)]
pub struct LookUp {
    /// `tipb.DAGRequest` whose answers are handles, with the table id left to the task.
    #[prost(bytes = "vec", tag = "1")]
    pub dag: Vec<u8>,
    /// Columns of a common handle in key order; none: the handle is an integer.
    #[prost(message, repeated, tag = "2")]
    pub handle: Vec<WireKeyPart>,
    /// Handles of a batch, at most.
    #[prost(uint64, tag = "3")]
    pub batch_rows: u64,
    /// Requests for rows in flight.
    #[prost(uint32, tag = "4")]
    pub concurrency: u32,
}

/// A column of a common handle.
#[derive(Clone, PartialEq, Message)]
pub struct WireKeyPart {
    /// The column, with the collation of its sort keys.
    #[prost(message, optional, tag = "1")]
    pub column: Option<WireColumn>,
    /// Characters (bytes, of byte strings) in the key; -1: all.
    #[prost(sint64, tag = "2")]
    pub prefix: i64,
}

/// A column of the answers.
#[derive(Clone, PartialEq, Message)]
pub struct WireColumn {
    /// Name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// MySQL's type code.
    #[prost(uint32, tag = "2")]
    pub tp: u32,
    /// MySQL's flags.
    #[prost(uint32, tag = "3")]
    pub flag: u32,
    /// Length or precision.
    #[prost(sint32, tag = "4")]
    pub flen: i32,
    /// Digits after the point.
    #[prost(sint32, tag = "5")]
    pub decimal: i32,
    /// Character set.
    #[prost(string, tag = "6")]
    pub charset: String,
    /// Collation.
    #[prost(string, tag = "7")]
    pub collate: String,
    /// Members of ENUM and SET.
    #[prost(string, repeated, tag = "8")]
    pub elems: Vec<String>,
}

/// What one Spark partition reads.
#[derive(Clone, PartialEq, Message)]
pub struct ScanTasks {
    /// One entry for each table, or partition of the table, in key order.
    #[prost(message, repeated, tag = "1")]
    pub tables: Vec<TableTask>,
}

/// Ranges of one physical table.
#[derive(Clone, PartialEq, Message)]
pub struct TableTask {
    /// Physical table id.
    #[prost(int64, tag = "1")]
    pub table_id: i64,
    /// Key ranges in key order, neighbours merged.
    #[prost(message, repeated, tag = "2")]
    pub ranges: Vec<WireRange>,
    /// Keys in key order at which a request of its own begins.
    #[prost(bytes = "vec", repeated, tag = "3")]
    pub cuts: Vec<Vec<u8>>,
}

/// Start (included) and end (excluded) key.
#[derive(Clone, PartialEq, Message)]
pub struct WireRange {
    /// Start key.
    #[prost(bytes = "vec", tag = "1")]
    pub start: Vec<u8>,
    /// End key.
    #[prost(bytes = "vec", tag = "2")]
    pub end: Vec<u8>,
}

impl From<&KeyRange> for WireRange {
    fn from(range: &KeyRange) -> Self {
        Self {
            start: range.start().to_vec(),
            end: range.end().to_vec(),
        }
    }
}

impl From<WireRange> for KeyRange {
    fn from(range: WireRange) -> Self {
        Self::interval(range.start, range.end)
    }
}
