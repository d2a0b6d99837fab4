//! Answers -> batches.
//!
//! Batches are cut at chunks of the answers once they have the rows wanted, or the bytes allowed when rows are wide.

use std::sync::Arc;
use std::time::Instant;

use arrow_array::RecordBatch;
use futures::stream::BoxStream;
use futures::StreamExt;
use prost::Message;
use ti_client::{CopAnswer, MemoryBudget, MemoryPermit};
use ti_codec::BatchBuilder;
use ti_proto::tipb;
use tokio::sync::mpsc::Sender;

use super::aggregate::Partial;
use super::metrics::Counters;
use super::{Event, ScanBatch};
use crate::error::{Error, ErrorKind, Result};

/// The decoder of a scan.
pub struct Decode {
    /// Collects rows.
    pub builder: BatchBuilder,
    /// Makes batches of groups.
    pub partial: Option<Partial>,
    /// Rows after which no more are wanted.
    pub limit: Option<u64>,
    /// Rows of a batch.
    pub batch_rows: usize,
    /// Bytes at which a batch is handed on with fewer rows.
    pub batch_bytes: usize,
    /// Shared with the answers: a batch is charged to it, and the fetching of more waits for room.
    pub memory: Arc<MemoryBudget>,
    /// The memory of the batch that is being built.
    pub permit: MemoryPermit,
    /// Where work is counted.
    pub counters: Arc<Counters>,
    /// To the Spark thread.
    pub out: Sender<Event>,
    /// Table, for messages.
    pub table: String,
}

/// The message of an answer.
///
/// # Errors
/// `Coprocessor` when it tells of a failure.
pub fn response(answer: &CopAnswer, table: &str) -> Result<tipb::SelectResponse> {
    let response = tipb::SelectResponse::decode(answer.data.clone()).map_err(|e| {
        Error::new(
            ErrorKind::Decode,
            format!("an answer of the coprocessor cannot be decoded: {e}"),
        )
    })?;
    match &response.error {
        None => Ok(response),
        Some(error) => Err(Error::new(
            ErrorKind::Coprocessor,
            format!(
                "the coprocessor failed on table {table}: {} (code {})",
                error.msg(),
                error.code()
            ),
        )),
    }
}

impl Decode {
    /// Decodes all answers. Ends early, with `Ok`, when nobody receives any more.
    pub async fn run(mut self, mut answers: BoxStream<'static, Result<CopAnswer>>) -> Result<()> {
        while let Some(answer) = answers.next().await {
            let answer = answer?;
            let response = response(&answer, &self.table)?;
            let encoding = response.encode_type();
            for chunk in &response.chunks {
                let rows = self.append(encoding, chunk.rows_data())?;
                if self.was_last(rows) {
                    self.flush().await?;
                    return Ok(());
                }
                if self.is_full() && !self.flush().await? {
                    return Ok(());
                }
            }
        }
        if self.builder.rows() > 0 && !self.flush().await? {
            return Ok(());
        }
        if let Some(batch) = self.partial.as_ref().map(Partial::last).transpose()?.flatten() {
            self.send(batch).await;
        }
        Ok(())
    }

    /// Counts rows against the limit, if there is one.
    fn was_last(&mut self, rows: usize) -> bool {
        let Some(left) = &mut self.limit else {
            return false;
        };
        *left = left.saturating_sub(rows as u64);
        *left == 0
    }

    fn append(&mut self, encoding: tipb::EncodeType, rows_data: &[u8]) -> Result<usize> {
        let start = Instant::now();
        let appended = match encoding {
            tipb::EncodeType::TypeChunk => self.builder.append_chunk(rows_data),
            tipb::EncodeType::TypeDefault => self.builder.append_rows(rows_data),
        };
        self.counters.decoded_since(start);
        self.permit.resize(self.builder.memory_size());
        self.counters.memory(self.memory.peak());
        appended.map_err(|e| Error::from(e).context(format!("table {}", self.table)))
    }

    fn is_full(&self) -> bool {
        self.builder.rows() >= self.batch_rows
            || (self.builder.rows() > 0 && self.builder.memory_size() >= self.batch_bytes)
    }

    /// Hands the batch on, waiting for room. False when nobody receives any more.
    async fn flush(&mut self) -> Result<bool> {
        let start = Instant::now();
        let mut batch = self
            .builder
            .finish()
            .map_err(|e| Error::from(e).context(format!("table {}", self.table)))?;
        if let Some(partial) = &mut self.partial {
            batch = partial.convert(&batch)?;
            self.permit.resize(batch.get_array_memory_size());
        }
        self.counters.decoded_since(start);
        Ok(self.send(batch).await)
    }

    /// False when nobody receives any more.
    async fn send(&mut self, batch: RecordBatch) -> bool {
        let next = self.memory.charge(self.builder.memory_size());
        let permit = std::mem::replace(&mut self.permit, next);
        self.out.send(Event::Batch(ScanBatch { batch, permit })).await.is_ok()
    }
}
