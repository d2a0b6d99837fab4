//! Index look-up: entries of an index, then their rows.
//!
//! ```text
//! ranges of the index --coprocessor--> handles --batches, sorted--> ranges of rows --coprocessor--> answers
//!                                      the first batch is small; the next one is collected while rows are read
//! ```
//! Both sides read the same snapshot. A batch is charged to the scan's memory until its rows are here.

use std::collections::VecDeque;
use std::sync::Arc;

use futures::stream::{self, BoxStream, StreamExt};
use ti_client::{CopAnswer, KeyRange, MemoryPermit};
use ti_codec::bytes::Reader;
use ti_codec::datum::Datum;
use ti_codec::handle::{record_key, CommonHandleEncoder, OwnedHandle};
use ti_proto::tipb;

use super::ahead::flatten_ahead;
use super::decode::response;
use super::fetch::{Fetch, Source};
use crate::error::{Error, ErrorKind, Result};
use crate::plan::access::index_source::handle_encoder;
use crate::plan::wire::{self, TableTask, WireRange};

/// Handles of the first batch: the rows of a short scan are not kept waiting.
const FIRST_BATCH: usize = 1024;
/// Each batch may be so many times as large as the one before.
const GROWTH: usize = 4;
/// Batches whose rows are read at once.
const BATCHES_AT_ONCE: usize = 2;
/// Entries of a page of the index side.
const INDEX_PAGE_ROWS: u64 = 50_000;
/// Memory of a handle beside its bytes.
const HANDLE_BYTES: usize = 64;

/// The index side.
pub struct LookUp {
    /// Request for handles, without table id.
    dag: tipb::DagRequest,
    /// Makes handles of their columns; `None`: they are integers.
    encoder: Option<CommonHandleEncoder>,
    handle_columns: usize,
    batch_rows: usize,
    concurrency: usize,
}

impl LookUp {
    /// Of a plan.
    pub fn new(look_up: &wire::LookUp) -> Result<Self> {
        use prost::Message;
        let encoder = match look_up.handle.as_slice() {
            [] => None,
            parts => Some(handle_encoder(parts)?),
        };
        Ok(Self {
            dag: tipb::DagRequest::decode(look_up.dag.as_slice())?,
            encoder,
            handle_columns: look_up.handle.len().max(1),
            batch_rows: usize::try_from(look_up.batch_rows).unwrap_or(usize::MAX).max(1),
            concurrency: (look_up.concurrency as usize).max(1),
        })
    }

    /// The handles of an answer of the index side.
    fn handles(&self, answer: &CopAnswer, table: &str, out: &mut VecDeque<OwnedHandle>) -> Result<()> {
        let response = response(answer, table)?;
        if response.encode_type() != tipb::EncodeType::TypeDefault {
            return Err(Error::new(
                ErrorKind::Decode,
                format!("the index of table {table} answers in another encoding than it was asked for"),
            ));
        }
        for chunk in &response.chunks {
            let mut reader = Reader::new(chunk.rows_data());
            while !reader.is_empty() {
                out.push_back(self.handle(&mut reader)?);
            }
        }
        Ok(())
    }

    fn handle(&self, reader: &mut Reader<'_>) -> Result<OwnedHandle> {
        let Some(encoder) = &self.encoder else {
            return match Datum::decode(reader)? {
                Datum::Int(handle) => Ok(OwnedHandle::Int(handle)),
                // An unsigned handle by its bits.
                Datum::Uint(handle) => Ok(OwnedHandle::Int(handle as i64)),
                other => Err(Error::new(ErrorKind::Decode, format!("a handle is {other:?}"))),
            };
        };
        let mut row = Vec::with_capacity(self.handle_columns);
        for _ in 0..self.handle_columns {
            row.push(Datum::decode(reader)?);
        }
        let mut handle = Vec::new();
        encoder.encode(&row, &mut handle)?;
        Ok(OwnedHandle::Common(handle))
    }
}

/// Handles of one table on their way to its rows.
struct Batches {
    fetch: Arc<Fetch>,
    look_up: Arc<LookUp>,
    table_id: i64,
    index: Option<Source>,
    collected: VecDeque<OwnedHandle>,
    size: usize,
}

/// Rows to read, and the memory of saying so.
struct Batch {
    task: TableTask,
    permit: MemoryPermit,
}

impl Batches {
    async fn next(mut self) -> Option<(Result<Batch>, Self)> {
        match self.collect().await {
            Ok(true) => {
                let batch = self.batch();
                Some((Ok(batch), self))
            }
            Ok(false) => None,
            Err(error) => {
                self.index = None;
                self.collected.clear();
                Some((Err(error), self))
            }
        }
    }

    /// Collects the handles of a batch. False: there are none.
    async fn collect(&mut self) -> Result<bool> {
        while self.collected.len() < self.size {
            let Some(index) = self.index.take() else { break };
            if let Some((answer, index)) = index.next().await {
                self.look_up
                    .handles(&answer?, &self.fetch.table_name, &mut self.collected)?;
                self.index = Some(index);
            }
        }
        Ok(!self.collected.is_empty())
    }

    fn batch(&mut self) -> Batch {
        let count = self.collected.len().min(self.size);
        self.size = self.size.saturating_mul(GROWTH).min(self.look_up.batch_rows);
        let mut handles: Vec<OwnedHandle> = self.collected.drain(..count).collect();
        handles.sort_unstable();
        handles.dedup();
        let bytes = handles.iter().map(|handle| match handle {
            OwnedHandle::Int(_) => HANDLE_BYTES,
            OwnedHandle::Common(bytes) => HANDLE_BYTES + 2 * bytes.len(),
        });
        let permit = self.fetch.memory.charge(bytes.sum());
        let task = TableTask {
            table_id: self.table_id,
            ranges: ranges(self.table_id, &handles),
            cuts: Vec::new(),
        };
        Batch { task, permit }
    }
}

/// The keys of rows, whose handles are in order; neighbours are one range.
fn ranges(table_id: i64, handles: &[OwnedHandle]) -> Vec<WireRange> {
    let neighbours = |a: &OwnedHandle, b: &OwnedHandle| match (a, b) {
        (OwnedHandle::Int(a), OwnedHandle::Int(b)) => a.checked_add(1) == Some(*b),
        _ => false,
    };
    let key = |handle: &OwnedHandle| record_key(table_id, &handle.as_handle());
    handles
        .chunk_by(neighbours)
        .filter_map(|run| match run {
            [] => None,
            [one] => Some(KeyRange::point(key(one))),
            [first, .., last] => Some(KeyRange::interval(key(first), [key(last).as_slice(), &[0]].concat())),
        })
        .map(|range| (&range).into())
        .collect()
}

/// The rows of index entries in ranges of `tables`: batch by batch in the order of the index, each in the order of the rows' keys.
pub fn answers(fetch: Fetch, look_up: LookUp, tables: Vec<TableTask>) -> BoxStream<'static, Result<CopAnswer>> {
    let (fetch, look_up) = (Arc::new(fetch), Arc::new(look_up));
    let (of_table, of_batch) = (fetch.clone(), fetch);
    let concurrency = look_up.concurrency;
    let batches = stream::iter(tables).flat_map(move |table| {
        let state = Batches {
            table_id: table.table_id,
            index: Some(of_table.read(&look_up.dag, table, of_table.concurrency, INDEX_PAGE_ROWS)),
            fetch: of_table.clone(),
            look_up: look_up.clone(),
            collected: VecDeque::new(),
            size: FIRST_BATCH.min(look_up.batch_rows),
        };
        stream::unfold(state, Batches::next)
    });
    let rows = batches.map(move |batch| match batch {
        Ok(Batch { task, permit }) => {
            let source = of_batch.read(&of_batch.dag, task, concurrency, of_batch.paging_size);
            let rows = stream::unfold((source, permit), |(source, permit)| async {
                let (answer, source) = source.next().await?;
                Some((answer, (source, permit)))
            });
            rows.boxed()
        }
        Err(error) => stream::once(async { Err(error) }).boxed(),
    });
    flatten_ahead(rows.boxed(), BATCHES_AT_ONCE).boxed()
}

#[cfg(test)]
#[path = "look_up_tests.rs"]
mod tests;
