//! Buffers on their way to the stores, and how a task ends.

use std::time::Instant;

use bytes::Bytes;
use prost::Message;
use ti_client::{ClientErrorKind, PrewriteOptions};
use ti_proto::plan;
use ti_proto::plan::write_spec::{Mode, Overwrite};

use super::super::buffer::Sorted;
use super::super::sketch::Sketch;
use super::super::table::WriteTable;
use super::super::tally::{Sums, Touched};
use super::super::wire::WireTally;
use super::super::{duplicate, keys};
use super::{wait, Failure, InFlight, KeyList, Prewritten, Task};
use crate::error::{Error, ErrorKind, Result};
use crate::runtime;

impl Task {
    /// Reads what is in the way of the staged rows and moves them to the buffer.
    pub(super) fn unstage(&mut self) -> Result<()> {
        if self.staged.is_empty() {
            return Ok(());
        }
        let (staged, old, buffer) = (&mut self.staged, &self.old_rows, &mut self.buffer);
        let found = match self.spec.mode {
            Mode::Ignore => wait(&self.cancelled, staged.ignore_taken(old, buffer))?,
            // Changes are not staged.
            Mode::Delta => return Ok(()),
            Mode::Append | Mode::Upsert => wait(
                &self.cancelled,
                staged.replace_taken(old, &mut self.rows, &self.spec.condition, &mut self.displaced, buffer),
            )?,
        };
        self.counters.skipped(found.skipped);
        if self.spec.overwrite == Overwrite::None {
            // The driver counts what an overwrite removes.
            self.counters.deleted(found.deleted);
        }
        Ok(())
    }

    /// Hands the buffer to the runtime, after the one before has been prewritten.
    pub(super) fn flush(&mut self) -> Result<()> {
        self.settle()?;
        if self.buffer.is_empty() {
            return Ok(());
        }
        let buffer = std::mem::take(&mut self.buffer);
        let memory = buffer.memory();
        self.note_memory(memory);
        let (client, info) = (self.client.clone(), self.info.clone());
        let options = PrewriteOptions {
            request_bytes: self.spec.request_bytes,
            concurrency: self.spec.concurrency,
            deadline: self.spec.prewrite_deadline,
            ..PrewriteOptions::default()
        };
        let keep = self.keys.wanted;
        let start = Instant::now();
        let handle = runtime::runtime()?.spawn(async move {
            let sorted = buffer.sort().map_err(Failure::Duplicate)?;
            let (mut sums, mut sketch, mut touched) = (Sums::default(), Sketch::default(), Touched::default());
            sorted.tally(&mut sums, &mut sketch, &mut touched);
            let keys = if keep { copy_keys(&sorted) } else { Vec::new() };
            let stats = client
                .prewrite(&info, sorted.mutations(), &options)
                .await
                .map_err(Failure::Client)?;
            Ok(Prewritten {
                stats,
                sums,
                sketch,
                touched,
                keys,
            })
        });
        self.in_flight = Some(InFlight { handle, memory, start });
        Ok(())
    }

    fn note_memory(&mut self, more: usize) {
        let now = more + self.in_flight.as_ref().map_or(0, |f| f.memory) + self.buffer.memory() + self.keys.bytes;
        self.greatest_memory = self.greatest_memory.max(now);
        self.counters.memory(self.greatest_memory);
    }

    /// Waits for the buffer that is being prewritten.
    fn settle(&mut self) -> Result<()> {
        let Some(in_flight) = &mut self.in_flight else {
            return Ok(());
        };
        let start = in_flight.start;
        let handle = &mut in_flight.handle;
        let landed = wait(&self.cancelled, async {
            handle
                .await
                .map_err(|e| Error::new(ErrorKind::Internal, format!("a prewrite was given up: {e}")))
        })?;
        self.note_memory(0);
        self.in_flight = None;
        let done = landed.map_err(|failure| self.error(failure))?;
        self.counters.prewritten(&done.stats, start);
        self.sums.merge(&done.sums);
        self.sketch.merge(&done.sketch);
        self.touched.merge(&done.touched.to_wire());
        self.keys.add(done.keys, self.info.start_ts, self.limits.few_keys);
        Ok(())
    }

    fn error(&self, failure: Failure) -> Error {
        match failure {
            Failure::Duplicate(duplicate) => duplicate::error(&self.table, &duplicate.key, TWICE),
            Failure::Client(error) => self.taken_row(&error).unwrap_or_else(|| name_error(&self.table, error)),
        }
    }

    /// An entry that should be free and is not belongs to a row with the same handle, most likely, and that is what the user has to know. Requests
    /// are answered in any order, and entries come before rows in the order of keys.
    fn taken_row(&self, error: &ti_client::ClientError) -> Option<Error> {
        let key = error.key().filter(|_| error.kind == ClientErrorKind::AssertionFailed)?;
        let row = wait(&self.cancelled, self.old_rows.row_of_entry(&self.rows, key)).ok()??;
        Some(duplicate::error(&self.table, &row, TAKEN))
    }

    pub(super) fn finish(&mut self) -> Result<plan::CommitMessage> {
        self.unstage()?;
        self.flush()?;
        self.settle()?;
        let few = self.keys.wanted && self.keys.bytes <= self.limits.few_keys;
        let keys = std::mem::take(&mut self.keys.keys);
        let (few_keys, kept_keys) = match few {
            true => (keys.iter().map(|key| key.to_vec()).collect(), 0),
            false if self.keys.wanted => (Vec::new(), keys::keep(self.info.start_ts, keys)),
            false => (Vec::new(), 0),
        };
        let metrics = self.counters.snapshot();
        let mut tally = WireTally {
            mutations: self.sums.count,
            keys: self.sums.keys.to_be_bytes().to_vec(),
            values: self.sums.values.to_be_bytes().to_vec(),
            ranges: self.touched.to_wire_within(self.limits.ranges),
            greatest_explicit_id: self.ids.greatest_explicit,
            unrepeatable: self.ids.unrepeatable(),
            few_keys,
            kept_keys,
            partitions: std::mem::take(&mut self.partitions),
            metrics: Some(metrics),
            cells: self.sketch.to_wire(),
            ..WireTally::default()
        };
        std::mem::take(&mut self.displaced).into_wire(&mut tally);
        Ok(plan::CommitMessage {
            partition: self.open.partition,
            attempt_number: self.open.attempt_number,
            stage_attempt_number: self.open.stage_attempt_number,
            rows: metrics.rows.saturating_sub(metrics.skipped_rows),
            tally: tally.encode_to_vec(),
        })
    }
}

/// What to do about two rows with one key.
pub(super) const TWICE: &str = "two rows of the write have it: remove one of them";
/// What to do about a key that somebody has.
const TAKEN: &str = "a row of the table has it";

/// An error of a prewrite, with the key by its name.
fn name_error(table: &WriteTable, error: ti_client::ClientError) -> Error {
    let named = error.key().and_then(|key| duplicate::describe(table, key));
    match (error.kind, error.key(), named) {
        (ClientErrorKind::KeyExists, Some(key), _) => duplicate::error(table, key, TAKEN),
        (_, _, Some((index, values))) => {
            Error::from(error).context(format!("table {}, key `{index}` '{values}'", table.full_name()))
        }
        _ => Error::from(error).context(format!("table {}", table.full_name())),
    }
}

fn copy_keys(sorted: &Sorted) -> Vec<Bytes> {
    let mut arena = Vec::with_capacity(sorted.keys().map(<[u8]>::len).sum());
    let mut ends = Vec::with_capacity(sorted.len());
    for key in sorted.keys() {
        arena.extend_from_slice(key);
        ends.push(arena.len());
    }
    let arena = Bytes::from(arena);
    let mut start = 0;
    ends.into_iter()
        .map(|end| {
            let key = arena.slice(start..end);
            start = end;
            key
        })
        .collect()
}

impl KeyList {
    /// Most bytes of keys that one task keeps for the driver beside it.
    const MAX_BYTES: usize = 32 << 20;

    /// `few`: bytes of keys that travel in a message.
    fn add(&mut self, keys: Vec<Bytes>, start_ts: u64, few: usize) {
        if !self.wanted {
            return;
        }
        self.bytes += keys.iter().map(|key| key.len() + size_of::<Bytes>()).sum::<usize>();
        self.keys.extend(keys);
        let most = if keys::are_wanted(start_ts) {
            Self::MAX_BYTES
        } else {
            few
        };
        if self.bytes > most {
            *self = Self {
                wanted: false,
                keys: Vec::new(),
                bytes: 0,
            };
        }
    }
}
