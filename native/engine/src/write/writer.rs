//! One task of a write: batches of Spark in, prewritten locks out.
//!
//! ```text
//! write(batch) --row by row: sources, ids, checks--> RowWriter --> Buffer --full--> sort, tally, prewrite   (on the runtime)
//!                 ^ on the calling thread                            ^ the next one is filled meanwhile; at most two exist
//! finish() ----> the last buffer, then the tally as a CommitMessage
//! ```
//! Dropping or cancelling a writer stops its requests; what it has prewritten stays for the transaction's end. A task never rolls back: another
//! attempt of it shares its keys.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use arrow_array::RecordBatch;
use bytes::Bytes;
use ti_client::{BatchOptions, Client, PrewriteStats, TxnInfo};
use ti_codec::datum::Datum;
use ti_codec::input::{BoundColumn, InputColumn};
use ti_proto::plan;
use ti_proto::plan::write_spec::Overwrite;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::buffer::{Buffer, Duplicate, Expect};
use super::delta::chunk::ChunkSize;
use super::delta::spec::DeltaSpec;
use super::displaced::Displaced;
use super::encode::RowWriter;
use super::message::MessageLimits;
use super::metrics::{Counters, Step};
use super::old_rows::{OldRows, Staged, STAGED_ROWS};
use super::row_id::TaskIds;
use super::sketch::Sketch;
use super::spec::{Source, Spec};
use super::table::{AutoColumn, WriteTable};
use super::tally::{Sums, Touched};
use super::wire::{self, WriteCommon};
use super::{duplicate, open_table};
use crate::error::{Error, ErrorKind, Result};
use crate::runtime;

mod changes;
mod flight;
mod ids;

use flight::TWICE;

/// A buffer is never made smaller than this.
const MIN_BATCH_BYTES: usize = 64 << 10;
/// A writer's memory is enough for so many buffers: one is filled, one is sent, and the sent one exists as requests too.
const BUFFERS: usize = 4;

/// A task of a write.
pub struct Writer {
    state: Mutex<State>,
    cancelled: Arc<watch::Sender<bool>>,
    counters: Arc<Counters>,
}

enum State {
    Open(Box<Task>),
    Finished(plan::CommitMessage),
    Failed(Error),
}

/// Where values come from that Spark does not give.
struct Ids {
    rows: Option<TaskIds>,
    column: Option<(AutoColumn, TaskIds)>,
    greatest_explicit: u64,
}

struct Task {
    client: Arc<Client>,
    info: TxnInfo,
    table: Arc<WriteTable>,
    spec: Spec,
    /// By the columns of the batches; made when the first batch says what they are.
    inputs: Option<Vec<InputColumn>>,
    rows: RowWriter,
    ids: Ids,
    expect: Expect,
    old_rows: OldRows,
    staged: Staged,
    displaced: Displaced,
    chunk_size: ChunkSize,
    buffer: Buffer,
    batch_bytes: usize,
    in_flight: Option<InFlight>,
    /// The last row key, to find equal ones of two buffers.
    last_row: Vec<u8>,
    /// Row keys of the last deletion, to pass over another of the same row.
    last_deleted: Vec<Bytes>,
    sums: Sums,
    sketch: Sketch,
    touched: Touched,
    /// Physical tables that rows went to; only if the write replaces partitions.
    partitions: Vec<i64>,
    keys: KeyList,
    limits: MessageLimits,
    open: plan::WriterOpen,
    counters: Arc<Counters>,
    cancelled: Arc<watch::Sender<bool>>,
    greatest_memory: usize,
}

/// Keys that were prewritten, while they are wanted.
struct KeyList {
    wanted: bool,
    keys: Vec<Bytes>,
    bytes: usize,
}

struct InFlight {
    handle: JoinHandle<std::result::Result<Prewritten, Failure>>,
    memory: usize,
    start: Instant,
}

struct Prewritten {
    stats: PrewriteStats,
    sums: Sums,
    sketch: Sketch,
    touched: Touched,
    keys: Vec<Bytes>,
}

enum Failure {
    Duplicate(Duplicate),
    Client(ti_client::ClientError),
}

fn cancelled() -> Error {
    Error::new(ErrorKind::Cancelled, "the write was cancelled")
}

impl Writer {
    /// Opens a task. Does not wait for the cluster.
    pub(crate) fn open(client: Arc<Client>, open: plan::WriterOpen) -> Result<Self> {
        if open.memory_bytes == 0 {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                "write.memory.limit is 0: it must be at least 1",
            ));
        }
        let counters = Arc::new(Counters::default());
        let cancelled = Arc::new(watch::Sender::new(false));
        let task = Task::new(client, open, counters.clone(), cancelled.clone())?;
        Ok(Self {
            state: Mutex::new(State::Open(Box::new(task))),
            cancelled,
            counters,
        })
    }

    fn with_task<T>(&self, body: impl FnOnce(&mut Task) -> Result<T>) -> Result<T> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if *self.cancelled.borrow() {
            return Err(cancelled());
        }
        let done = match &mut *state {
            State::Open(task) => body(task),
            State::Failed(error) => return Err(error.clone()),
            State::Finished(_) => {
                return Err(Error::new(
                    ErrorKind::Closed,
                    "the task has finished and takes no more rows",
                ))
            }
        };
        if let Err(error) = &done {
            // Rows may have been lost on the way: the task cannot go on.
            *state = State::Failed(error.clone());
        }
        done
    }

    /// Takes rows. Blocks while the cluster is slower than the caller.
    ///
    /// # Errors
    /// `InvalidValue` for a value that does not fit, `DuplicateKey`, `WriteConflict`, `TransactionLost`, `Cancelled`, and what the cluster
    /// has. After an error the task is of no more use.
    pub fn write(&self, batch: &RecordBatch) -> Result<()> {
        self.with_task(|task| task.write(batch))
    }

    /// Sends what is left and answers what the driver needs to know. A second call answers the same.
    ///
    /// # Errors
    /// As [`Writer::write`].
    pub fn finish(&self) -> Result<plan::CommitMessage> {
        {
            let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            if let State::Finished(message) = &*state {
                return Ok(message.clone());
            }
        }
        let message = self.with_task(Task::finish)?;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        *state = State::Finished(message.clone());
        Ok(message)
    }

    /// Counters so far.
    pub fn metrics(&self) -> plan::WriteMetrics {
        self.counters.snapshot()
    }

    /// Stops all requests. May be called from any thread, also while another waits in [`Writer::write`], which then fails with `Cancelled`.
    pub fn cancel(&self) {
        self.cancelled.send_replace(true);
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.cancel();
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if let Some(in_flight) = &self.in_flight {
            in_flight.handle.abort();
        }
    }
}

/// Waits for `future` unless the write is cancelled.
fn wait<T>(cancelled_by: &watch::Sender<bool>, future: impl std::future::Future<Output = Result<T>>) -> Result<T> {
    let mut watching = cancelled_by.subscribe();
    runtime::block_on(async {
        tokio::select! {
            biased;
            _ = watching.wait_for(|cancelled| *cancelled) => Err(cancelled()),
            done = future => done,
        }
    })
}

impl Task {
    fn new(
        client: Arc<Client>,
        open: plan::WriterOpen,
        counters: Arc<Counters>,
        cancelled: Arc<watch::Sender<bool>>,
    ) -> Result<Self> {
        let common: WriteCommon = wire::decode(&open.common, "WriterOpen.common")?;
        let table = Arc::new(open_table(&common)?);
        let request = common.spec.clone().unwrap_or_default();
        let spec = Spec::new(&request, &table, common.start_ts)?;
        let info = TxnInfo {
            start_ts: common.start_ts,
            primary: common.primary.clone().into(),
        };
        let ids = Ids::new(&table, &common, open.partition);
        let limits = MessageLimits::new(common.tasks);
        let memory = usize::try_from(open.memory_bytes).unwrap_or(usize::MAX);
        let expect = if spec.expects_free_keys() {
            Expect::Free
        } else {
            Expect::Anything
        };
        Ok(Self {
            displaced: match &spec.delta {
                Some(_) => Displaced::of_changes(limits.displaced),
                None => Displaced::new(&table, limits.displaced),
            },
            rows: RowWriter::new(table.clone(), info.primary.clone())?,
            old_rows: OldRows {
                client: client.clone(),
                table: table.clone(),
                ts: info.start_ts,
                options: BatchOptions {
                    concurrency: spec.concurrency,
                    deadline: spec.prewrite_deadline,
                    ..BatchOptions::default()
                },
            },
            chunk_size: ChunkSize::new(&table),
            batch_bytes: spec.batch_bytes.min(memory / BUFFERS).max(MIN_BATCH_BYTES),
            keys: KeyList {
                wanted: true,
                keys: Vec::new(),
                bytes: 0,
            },
            client,
            info,
            table,
            spec,
            inputs: None,
            ids,
            expect,
            staged: Staged::default(),
            buffer: Buffer::default(),
            in_flight: None,
            last_row: Vec::new(),
            last_deleted: Vec::new(),
            sums: Sums::default(),
            sketch: Sketch::default(),
            touched: Touched::default(),
            partitions: Vec::new(),
            limits,
            open,
            counters,
            cancelled,
            greatest_memory: 0,
        })
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        // The columns are taken out so that the rows' values may borrow from them while the task changes.
        let inputs = match self.inputs.take() {
            Some(inputs) => inputs,
            None => self.input_columns(batch)?,
        };
        let done = match self.spec.delta.clone() {
            Some(delta) => self.write_changes(&delta, &inputs, batch),
            None => self.write_rows(&inputs, batch),
        };
        self.inputs = Some(inputs);
        done
    }

    /// How the batches' columns become the table's.
    fn input_columns(&self, batch: &RecordBatch) -> Result<Vec<InputColumn>> {
        let leading = self.spec.delta.as_ref().map_or(0, DeltaSpec::leading);
        let wanted = leading + self.spec.inputs.len();
        if batch.num_columns() != wanted {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!("a batch has {} columns, the write has {wanted}", batch.num_columns()),
            ));
        }
        if let Some(delta) = &self.spec.delta {
            return self.change_columns(delta, batch);
        }
        let columns = self
            .spec
            .inputs
            .iter()
            .filter_map(|offset| self.table.columns.get(*offset));
        columns
            .zip(batch.columns())
            .map(|(column, array)| {
                InputColumn::new(&column.name, &column.field_type, &self.spec.types, array.data_type())
                    .map_err(|e| Error::from(e).context(format!("table {}", self.table.full_name())))
            })
            .collect()
    }

    fn write_rows(&mut self, inputs: &[InputColumn], batch: &RecordBatch) -> Result<()> {
        let table = self.table.clone();
        let place = |e: Error| e.context(format!("table {}", table.full_name()));
        let mut start = Instant::now();
        let columns = inputs
            .iter()
            .zip(batch.columns())
            .map(|(input, array)| Ok(input.bind(array)?))
            .collect::<Result<Vec<BoundColumn>>>()
            .map_err(place)?;
        let sources = self.spec.sources.clone();
        let mut values: Vec<Datum<'_>> = Vec::with_capacity(sources.len());
        for row in 0..batch.num_rows() {
            values.clear();
            for source in &sources {
                values.push(match source {
                    Source::Input(position) => match columns.get(*position) {
                        // NULL in a generated id's column asks for one, so that NOT NULL is checked afterwards.
                        Some(column) if !column.is_null(row) => column.get(row).map_err(|e| place(e.into()))?,
                        Some(_) | None => Datum::Null,
                    },
                    Source::Constant(value) => value.borrowed(),
                    Source::Id | Source::Nothing => Datum::Null,
                });
            }
            self.fill_ids(&mut values)?;
            self.check_nulls(&values).map_err(place)?;
            let row_id = self.next_row_id()?;
            self.put(&values, row_id).map_err(place)?;
            if self.staged.len() >= STAGED_ROWS {
                self.counters.spent(Step::Encode, start);
                self.unstage()?;
                start = Instant::now();
            }
            if self.buffer.bytes() >= self.batch_bytes {
                self.counters.spent(Step::Encode, start);
                self.flush()?;
                start = Instant::now();
            }
        }
        self.counters.spent(Step::Encode, start);
        self.counters.rows(batch.num_rows() as u64);
        Ok(())
    }

    fn put(&mut self, values: &[Datum<'_>], row_id: Option<u64>) -> Result<()> {
        let staging = self.spec.stages_rows();
        let out = if staging {
            &mut self.staged.buffer
        } else {
            &mut self.buffer
        };
        let first = out.len();
        let physical_id = self.rows.put(values, row_id, self.expect, out)?;
        if self.spec.clustered {
            // Equal handles come one after the other, perhaps in two buffers.
            if let Some((key, _, _)) = out.get(first) {
                if key == self.last_row.as_slice() {
                    return Err(duplicate::error(&self.table, key, TWICE));
                }
                self.last_row.clear();
                self.last_row.extend_from_slice(key);
            }
        }
        if staging {
            self.staged.row_from(first);
        }
        if self.spec.overwrite == Overwrite::Partitions && !self.partitions.contains(&physical_id) {
            self.partitions.push(physical_id);
        }
        Ok(())
    }

    fn check_nulls(&self, values: &[Datum<'_>]) -> Result<()> {
        let null = self
            .table
            .columns
            .iter()
            .zip(values)
            .find(|(column, value)| column.not_null && !column.generated && **value == Datum::Null);
        match null {
            None => Ok(()),
            Some((column, _)) => Err(Error::new(
                ErrorKind::InvalidValue,
                format!("Column '{}' cannot be null", column.name),
            )),
        }
    }
}
