//! What to read.

use std::sync::Arc;

use bytes::Bytes;
use ti_proto::coprocessor;

use super::MemoryBudget;
use crate::region::{KeyRange, PointRanges};

/// `coprocessor.Request.tp` of a DAG.
const DAG: i64 = 103;

/// One DAG over ranges of one snapshot.
#[derive(Debug, Clone)]
pub struct CopRequest {
    /// The snapshot (TSO).
    pub start_ts: u64,
    /// A `tipb.DAGRequest`. Scans must run in ascending key order: paging goes on after the end of what was scanned.
    pub dag: Bytes,
    /// Raw keys. Ranges that overlap are read once.
    pub ranges: Vec<KeyRange>,
    /// How the DAG's scan takes ranges that have the form of a single key.
    pub points: PointRanges,
    /// Keys, in order, at which another request begins although the region goes on: parts of a large region are read at once.
    pub cuts: Vec<Bytes>,
    /// Rows after which a store may end its answer; 0: a whole region in one answer.
    pub paging_size: u64,
    /// Requests in flight, at least 1.
    pub concurrency: usize,
    /// Bytes of answers in flight or not yet dropped by the reader.
    pub memory: Arc<MemoryBudget>,
}

impl CopRequest {
    /// The message for ranges of one region.
    pub(crate) fn message(&self, ranges: &[KeyRange]) -> coprocessor::Request {
        let mut named = Vec::with_capacity(ranges.len());
        for range in ranges {
            range.to_wire(self.points, &mut named);
        }
        coprocessor::Request {
            context: None,
            tp: DAG,
            data: self.dag.clone(),
            start_ts: self.start_ts,
            ranges: named,
            schema_ver: 0,
            paging_size: self.paging_size,
        }
    }
}
