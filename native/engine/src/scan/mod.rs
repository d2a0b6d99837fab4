//! One Spark partition's scan.
//!
//! ```text
//! ScanTasks --fetch--> answers (bounded in bytes) --decode--> batches (bounded in bytes) --channel--> Spark thread: Scan::next
//!              |  an index look-up reads twice: look_up
//!              ^ requests in flight, client/cop     ^ one task of the runtime               ^ waits with a time-out
//! ```
//! Answers and batches share one budget. Batches, of which there are few, are charged to it without waiting; requests wait for room,
//! but one always runs when the decoder waits for it, so that the budget cannot lock the scan up. Dropping or cancelling the scan drops
//! the pipeline, and with it every request in flight.

pub mod aggregate;
pub mod ahead;
pub mod collect;
pub mod decode;
pub mod fetch;
pub mod look_up;
pub mod metrics;

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use futures::FutureExt;
use prost::Message;
use ti_client::{Client, MemoryBudget, MemoryPermit};
use ti_proto::{plan, tipb};
use tokio::sync::mpsc::{channel, Receiver};
use tokio::task::AbortHandle;

use crate::error::{Error, ErrorKind, Result};
use crate::plan::dag;
use crate::plan::wire::{ScanCommon, ScanTasks};
use crate::runtime;
use crate::timestamp;
use crate::types::type_options;
use aggregate::Partial;
use decode::Decode;
use fetch::Fetch;
use look_up::LookUp;
use metrics::Counters;

/// Batches decoded ahead of the Spark thread, besides the bound in bytes.
const BATCHES_AHEAD: usize = 4;
/// Fewest rows of a batch when more are to come.
const MIN_BATCH_ROWS: usize = 4096;

/// A batch and the memory it is accounted with: given back when `permit` is dropped, which must not happen before the batch's buffers
/// are no longer used.
pub struct ScanBatch {
    /// The rows. Without columns it has a number of rows only.
    pub batch: RecordBatch,
    /// Its memory.
    pub permit: MemoryPermit,
}

/// What [`Scan::next`] has.
pub enum Next {
    /// Rows, at least one.
    Batch(ScanBatch),
    /// Nothing yet within the time-out.
    Pending,
    /// No more rows.
    End,
}

/// From the pipeline to the Spark thread.
pub enum Event {
    /// Rows.
    Batch(ScanBatch),
    /// All rows have been sent.
    End,
    /// No more rows will come.
    Failed(Error),
}

/// What the Spark thread knows of the pipeline's end.
enum End {
    Complete,
    Failed(Error),
}

struct Output {
    events: Receiver<Event>,
    end: Option<End>,
}

/// A running scan.
pub struct Scan {
    output: Mutex<Output>,
    pipeline: AbortHandle,
    cancelled: AtomicBool,
    counters: Arc<Counters>,
}

/// The Arrow schema of the batches of a plan.
pub fn scan_schema(common: &[u8]) -> Result<SchemaRef> {
    let common = decode_common(common)?;
    let (builder, partial) = builder(&common)?;
    Ok(partial.map_or_else(|| builder.schema(), |partial| partial.schema()))
}

fn cancelled() -> Error {
    Error::new(ErrorKind::Cancelled, "the scan was cancelled")
}

fn decode_common(bytes: &[u8]) -> Result<ScanCommon> {
    ScanCommon::decode(bytes).map_err(|e| {
        Error::new(
            ErrorKind::InvalidArgument,
            format!("ScanOpen.common is not of this library: {e}"),
        )
    })
}

/// The decoder of the answers, and what makes batches of groups.
fn builder(common: &ScanCommon) -> Result<(ti_codec::BatchBuilder, Option<Partial>)> {
    let types = type_options(common.types.as_ref())?;
    if let Some(aggregate) = &common.aggregate {
        let (partial, builder) = Partial::new(&common.columns, aggregate, &types)?;
        return Ok((builder, Some(partial)));
    }
    let columns = if common.count_only {
        &[]
    } else {
        common.columns.as_slice()
    };
    Ok((dag::batch_builder(columns, &types)?, None))
}

impl Scan {
    /// Starts reading.
    pub(crate) fn open(client: Arc<Client>, open: &plan::ScanOpen) -> Result<Self> {
        for (name, value) in [
            ("scan.memory.limit", open.memory_bytes),
            ("scan.batch.rows", u64::from(open.batch_rows)),
            ("scan.concurrency", u64::from(open.concurrency)),
        ] {
            if value == 0 {
                return Err(Error::new(
                    ErrorKind::InvalidArgument,
                    format!("{name} is 0: it must be at least 1"),
                ));
            }
        }
        let common = decode_common(&open.common)?;
        let tasks = ScanTasks::decode(open.tasks.as_slice()).map_err(|e| {
            Error::new(
                ErrorKind::InvalidArgument,
                format!("ScanOpen.tasks is not of this library: {e}"),
            )
        })?;
        let dag = tipb::DagRequest::decode(common.dag.as_slice())?;
        let (builder, partial) = builder(&common)?;
        let counters = Arc::new(Counters::default());
        let memory_bytes = usize::try_from(open.memory_bytes).unwrap_or(usize::MAX);
        // While an answer is decoded it exists twice, which the rest is for.
        let memory = MemoryBudget::new(memory_bytes - memory_bytes / 8);
        let (out, events) = channel(BATCHES_AHEAD);
        let start_ts = common.start_ts;
        let fetch = Fetch {
            client: client.clone(),
            start_ts,
            dag,
            paging_size: common.paging_size,
            concurrency: open.concurrency as usize,
            memory: memory.clone(),
            counters: counters.clone(),
            table_name: common.table.clone(),
        };
        let look_up = common.look_up.as_ref().map(LookUp::new).transpose()?;
        let decode = Decode {
            builder,
            partial,
            limit: (common.limit > 0).then_some(common.limit),
            batch_rows: (open.batch_rows as usize).max(MIN_BATCH_ROWS),
            batch_bytes: memory_bytes / 16,
            permit: memory.charge(0),
            memory,
            counters: counters.clone(),
            out: out.clone(),
            table: common.table,
        };
        let pipeline = runtime::runtime()?.spawn(async move {
            let done = AssertUnwindSafe(async {
                let answers = match look_up {
                    None => fetch.answers(tasks.tables),
                    Some(look_up) => look_up::answers(fetch, look_up, tasks.tables),
                };
                decode.run(answers).await?;
                timestamp::check_not_collected(&client, start_ts).await
            })
            .catch_unwind()
            .await;
            let event = match done {
                Ok(Ok(())) => Event::End,
                Ok(Err(error)) => Event::Failed(error),
                Err(payload) => Event::Failed(Error::from_panic("the scan", &*payload)),
            };
            // Nobody receives it when the scan was dropped.
            drop(out.send(event).await);
        });
        Ok(Self {
            output: Mutex::new(Output { events, end: None }),
            pipeline: pipeline.abort_handle(),
            cancelled: AtomicBool::new(false),
            counters,
        })
    }

    /// The next batch, waiting up to `timeout`. To be called from a thread that may block. After the end it answers `End` again, after an
    /// error the error.
    pub fn next(&self, timeout: Duration) -> Result<Next> {
        let start = Instant::now();
        let mut output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        if self.cancelled.load(Ordering::Acquire) {
            return Err(cancelled());
        }
        let event = match &output.end {
            Some(End::Complete) => return Ok(Next::End),
            Some(End::Failed(error)) => return Err(error.clone()),
            None => match output.events.try_recv() {
                Ok(event) => Ok(Some(event)),
                Err(_) => runtime::block_on(async { Ok(tokio::time::timeout(timeout, output.events.recv()).await) })?,
            },
        };
        self.counters.waited_since(start);
        match event {
            Err(_elapsed) => Ok(Next::Pending),
            Ok(Some(Event::Batch(batch))) => {
                self.counters.batch(batch.batch.num_rows());
                Ok(Next::Batch(batch))
            }
            Ok(Some(Event::End)) => {
                output.end = Some(End::Complete);
                Ok(Next::End)
            }
            Ok(Some(Event::Failed(error))) => {
                output.end = Some(End::Failed(error.clone()));
                Err(error)
            }
            Ok(None) => {
                let error = if self.cancelled.load(Ordering::Acquire) {
                    cancelled()
                } else {
                    Error::new(ErrorKind::Internal, "the scan's pipeline ended without an answer")
                };
                output.end = Some(End::Failed(error.clone()));
                Err(error)
            }
        }
    }

    /// Counters so far.
    pub fn metrics(&self) -> plan::ScanMetrics {
        self.counters.snapshot()
    }

    /// Stops all requests. May be called from any thread, also while another waits in [`Scan::next`], which then fails with `Cancelled`.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Release);
        self.pipeline.abort();
    }
}

impl Drop for Scan {
    fn drop(&mut self) {
        self.pipeline.abort();
    }
}
