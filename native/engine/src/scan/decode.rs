//! Answers -> batches.
//!
//! Batches are cut at chunks of the answers once they have the rows wanted, or the bytes allowed when rows are wide.

use std::sync::Arc;
use std::time::Instant;

use futures::stream::BoxStream;
use futures::StreamExt;
use prost::Message;
use ti_client::{CopAnswer, MemoryBudget};
use ti_codec::BatchBuilder;
use ti_proto::tipb;
use tokio::sync::mpsc::Sender;

use super::metrics::Counters;
use super::{Event, ScanBatch};
use crate::error::{Error, ErrorKind, Result};

/// The decoder of a scan.
pub struct Decode {
    /// Collects rows.
    pub builder: BatchBuilder,
    /// Rows of a batch.
    pub batch_rows: usize,
    /// Bytes at which a batch is handed on with fewer rows.
    pub batch_bytes: u64,
    /// Bound of fetched answers, for the sum.
    pub fetched: Arc<MemoryBudget>,
    /// Bound of batches that are not released.
    pub batches: Arc<MemoryBudget>,
    /// Where work is counted.
    pub counters: Arc<Counters>,
    /// To the Spark thread.
    pub out: Sender<Event>,
    /// Table, for messages.
    pub table: String,
}

impl Decode {
    /// Decodes all answers. Ends early, with `Ok`, when nobody receives any more.
    pub async fn run(mut self, mut answers: BoxStream<'static, Result<CopAnswer>>) -> Result<()> {
        while let Some(answer) = answers.next().await {
            let answer = answer?;
            let response = tipb::SelectResponse::decode(answer.data.clone())
                .map_err(|e| Error::new(ErrorKind::Decode, format!("an answer of the coprocessor cannot be decoded: {e}")))?;
            if let Some(error) = &response.error {
                return Err(Error::new(
                    ErrorKind::Coprocessor,
                    format!("the coprocessor failed on table {}: {} (code {})", self.table, error.msg(), error.code()),
                ));
            }
            let encoding = response.encode_type();
            for chunk in &response.chunks {
                self.append(encoding, chunk.rows_data())?;
                if self.is_full() && !self.flush().await? {
                    return Ok(());
                }
            }
        }
        if self.builder.rows() > 0 {
            self.flush().await?;
        }
        Ok(())
    }

    fn append(&mut self, encoding: tipb::EncodeType, rows_data: &[u8]) -> Result<()> {
        let start = Instant::now();
        let appended = match encoding {
            tipb::EncodeType::TypeChunk => self.builder.append_chunk(rows_data),
            tipb::EncodeType::TypeDefault => self.builder.append_rows(rows_data),
        };
        self.counters.decoded_since(start);
        self.note_memory();
        appended.map_err(|e| Error::from(e).context(format!("table {}", self.table)))?;
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.builder.rows() >= self.batch_rows || (self.builder.rows() > 0 && self.builder_bytes() >= self.batch_bytes)
    }

    /// Hands the batch on, waiting for room. False when nobody receives any more.
    async fn flush(&mut self) -> Result<bool> {
        let start = Instant::now();
        let bytes = self.builder_bytes();
        let batch = self.builder.finish().map_err(|e| Error::from(e).context(format!("table {}", self.table)))?;
        self.counters.decoded_since(start);
        let permit = self.batches.acquire(bytes).await;
        self.note_memory();
        Ok(self.out.send(Event::Batch(ScanBatch { batch, permit })).await.is_ok())
    }

    fn builder_bytes(&self) -> u64 {
        self.builder.memory_size() as u64
    }

    fn note_memory(&self) {
        self.counters.memory(self.fetched.used() + self.batches.used() + self.builder_bytes());
    }
}
