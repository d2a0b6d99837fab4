//! Batches of changes: old rows are read again, new ones made of them, and both compared.

use std::collections::HashMap;
use std::time::Instant;

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{Array, Int32Array, RecordBatch};
use arrow_schema::DataType;
use bytes::Bytes;
use ti_codec::datum::Datum;
use ti_codec::handle::{decode_record_key, record_key, OwnedHandle};
use ti_codec::input::{BoundColumn, InputColumn};
use ti_proto::plan::RowOperation;

use super::super::buffer::Expect;
use super::super::delta::chunk::Chunk;
use super::super::delta::spec::DeltaSpec;
use super::super::delta::{keep_what_was_read, operation};
use super::super::duplicate;
use super::super::metrics::Step;
use super::super::spec::Source;
use super::super::table::HandleSource;
use super::{wait, Task};
use crate::catalog::descriptor::{rowid_type, ROWID_NAME};
use crate::error::{Error, ErrorKind, Result};

/// The columns of a batch of changes.
struct Batch<'a> {
    operations: &'a Int32Array,
    row_ids: &'a [BoundColumn<'a>],
    columns: &'a [BoundColumn<'a>],
    /// Where the values of inserted rows come from, by the columns' offsets.
    sources: &'a [Source],
}

/// A stored row that changes.
struct OldRow {
    physical_id: i64,
    handle: OwnedHandle,
    values: Vec<Datum<'static>>,
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidArgument, message)
}

impl Task {
    /// How the columns after the operation become the row id's and the table's.
    pub(super) fn change_columns(&self, delta: &DeltaSpec, batch: &RecordBatch) -> Result<Vec<InputColumn>> {
        if batch.columns().first().map(|c| c.data_type()) != Some(&DataType::Int32) {
            return Err(invalid(
                "the first column of a batch of changes is not the operation (INT)",
            ));
        }
        let columns = |offset: &usize| {
            let column = self.table.columns.get(*offset)?;
            Some((column.name.as_str(), column.field_type.clone()))
        };
        let mut wanted: Vec<_> = delta.row_ids.iter().filter_map(columns).collect();
        if wanted.is_empty() {
            wanted.push((ROWID_NAME, rowid_type()));
        }
        wanted.extend(self.spec.inputs.iter().filter_map(columns));
        wanted
            .into_iter()
            .zip(batch.columns().iter().skip(1))
            .map(|((name, ty), array)| {
                InputColumn::new(name, &ty, &self.spec.types, array.data_type())
                    .map_err(|e| Error::from(e).context(format!("table {}", self.table.full_name())))
            })
            .collect()
    }

    /// Takes a batch of changes, chunk by chunk.
    pub(super) fn write_changes(
        &mut self,
        delta: &DeltaSpec,
        inputs: &[InputColumn],
        batch: &RecordBatch,
    ) -> Result<()> {
        let table = self.table.clone();
        let place = |e: Error| e.context(format!("table {}", table.full_name()));
        let arrays = batch.columns();
        let operations = arrays.first().and_then(|array| array.as_primitive_opt::<Int32Type>());
        let operations = operations.ok_or_else(|| invalid("a batch of changes has no operations"))?;
        let columns = inputs
            .iter()
            .zip(arrays.iter().skip(1))
            .map(|(input, array)| Ok(input.bind(array)?))
            .collect::<Result<Vec<BoundColumn>>>()
            .map_err(place)?;
        let (row_ids, columns) = columns
            .split_at_checked(delta.leading() - 1)
            .ok_or_else(|| invalid("a batch of changes has no row ids"))?;
        let sources = self.spec.sources.clone();
        let batch = Batch {
            sources: &sources,
            operations,
            row_ids,
            columns,
        };
        let (mut first, rows) = (0, operations.len());
        while first < rows {
            let end = rows.min(first + self.chunk_size.rows());
            self.write_chunk(delta, &batch, first..end).map_err(place)?;
            first = end;
        }
        Ok(())
    }

    fn write_chunk(&mut self, delta: &DeltaSpec, batch: &Batch<'_>, rows: std::ops::Range<usize>) -> Result<()> {
        let mut start = Instant::now();
        let count = rows.len() as u64;
        let mut keys = Vec::with_capacity(rows.len());
        let mut operations = Vec::with_capacity(rows.len());
        for row in rows.clone() {
            let operation = match batch.operations.is_null(row) {
                true => return Err(invalid("a change has no operation")),
                false => operation(batch.operations.value(row))?,
            };
            operations.push(operation);
            keys.push(match operation {
                RowOperation::RowInsert => Vec::new(),
                RowOperation::RowDelete | RowOperation::RowUpdate => self.row_keys(delta, batch.row_ids, row)?,
            });
        }
        self.counters.spent(Step::Encode, start);
        let wanted = keys.iter().flatten().cloned().collect();
        let found = wait(&self.cancelled, self.old_rows.read(wanted))?;
        start = Instant::now();
        self.chunk_size
            .learn(found.len(), found.values().map(|row| row.len()).sum());
        let mut chunk = Chunk::default();
        let mut unread = found;
        let mut deleted = 0;
        for ((row, operation), keys) in rows.zip(operations).zip(keys) {
            let (old_from, new_from) = (chunk.old.len(), chunk.new.len());
            match operation {
                RowOperation::RowInsert => self.insert(delta, batch, row, &mut chunk)?,
                // MERGE whose only action on a match is DELETE may find a row for several of the source; it goes away once. Equal row ids are
                // neighbours, by the order in which rows come to a task.
                RowOperation::RowDelete if self.last_deleted == keys => continue,
                RowOperation::RowDelete => {
                    let old = self.old_row(&keys, &mut unread)?;
                    self.push_old(&old, &mut chunk)?;
                    self.last_deleted = keys;
                    deleted += 1;
                }
                RowOperation::RowUpdate => {
                    let old = self.old_row(&keys, &mut unread)?;
                    self.push_old(&old, &mut chunk)?;
                    self.update(delta, batch, row, &old, &mut chunk, (old_from, new_from))?;
                }
            }
            if chunk.same_from(old_from, new_from) {
                chunk.old.truncate(old_from);
                chunk.new.truncate(new_from);
            } else {
                chunk.change_from(old_from, new_from);
            }
        }
        self.counters.spent(Step::Encode, start);
        let (old_rows, displaced, buffer) = (&self.old_rows, &mut self.displaced, &mut self.buffer);
        wait(&self.cancelled, chunk.settle(old_rows, delta.puts, displaced, buffer))?;
        self.counters.rows(count);
        self.counters.deleted(deleted);
        if self.buffer.bytes() >= self.batch_bytes {
            self.flush()?;
        }
        Ok(())
    }

    /// The keys that the row of a row id may have: one for each partition when only `_tidb_rowid` is known, else one.
    fn row_keys(&mut self, delta: &DeltaSpec, row_ids: &[BoundColumn<'_>], row: usize) -> Result<Vec<Bytes>> {
        if let Some(position) = row_ids.iter().position(|column| column.is_null(row)) {
            let column = delta
                .row_ids
                .get(position)
                .and_then(|offset| self.table.columns.get(*offset));
            return Err(Error::new(
                ErrorKind::InvalidValue,
                format!(
                    "a row that changes has NULL in `{}`, by which it is told (a date that the calendar does not have is NULL in Spark)",
                    column.map_or(ROWID_NAME, |column| column.name.as_str())
                ),
            ));
        }
        if matches!(self.table.handle, HandleSource::RowId(_)) {
            let id = match row_ids.first().map(|column| column.get(row)).transpose()? {
                Some(Datum::Int(id)) => OwnedHandle::Int(id),
                _ => return Err(invalid(format!("`{ROWID_NAME}` is not a number"))),
            };
            let ids = self.table.physical_ids.iter();
            return Ok(ids
                .map(|physical_id| record_key(*physical_id, &id.as_handle()).into())
                .collect());
        }
        let mut values = vec![Datum::Null; self.table.columns.len()];
        for (offset, column) in delta.row_ids.iter().zip(row_ids) {
            if let Some(value) = values.get_mut(*offset) {
                *value = column.get(row)?;
            }
        }
        let handle = self.rows.handle_of(&values, None)?;
        let physical_id = self.rows.locate(&values)?;
        Ok(vec![record_key(physical_id, &handle.as_handle()).into()])
    }

    /// Takes the stored row out of those that were read.
    fn old_row(&mut self, keys: &[Bytes], unread: &mut HashMap<Bytes, Bytes>) -> Result<OldRow> {
        let found: Vec<(&Bytes, Bytes)> = keys.iter().filter_map(|key| Some((key, unread.remove(key)?))).collect();
        let named = || {
            keys.first()
                .map(|key| duplicate::row(&self.table, key))
                .unwrap_or_default()
        };
        let (key, row) = match found.as_slice() {
            [one] => one,
            [] => {
                return Err(invalid(format!(
                    "there is no row {} at the snapshot that the statement reads, or the statement changes it twice",
                    named()
                )))
            }
            _ => {
                return Err(Error::new(
                    ErrorKind::UnsupportedFeature,
                    format!(
                        "{} partitions have a row {}, so that it cannot be told which one changes (EXCHANGE PARTITION brings such rows); change it in TiDB",
                        found.len(),
                        named()
                    ),
                ))
            }
        };
        let (physical_id, handle) = decode_record_key(key)?;
        let values = self.rows.stored_values(&handle, row)?;
        Ok(OldRow {
            physical_id,
            handle,
            values,
        })
    }

    fn push_old(&mut self, old: &OldRow, chunk: &mut Chunk) -> Result<()> {
        self.rows.put_at(
            old.physical_id,
            &old.handle,
            &old.values,
            Expect::Anything,
            &mut chunk.old,
        )
    }

    fn insert(&mut self, delta: &DeltaSpec, batch: &Batch<'_>, row: usize, chunk: &mut Chunk) -> Result<()> {
        if let Some(error) = &delta.no_inserts {
            return Err(error.clone());
        }
        let mut values = batch
            .sources
            .iter()
            .map(|source| match source {
                Source::Input(position) => given(batch, *position, row),
                Source::Constant(value) => Ok(value.borrowed()),
                Source::Id | Source::Nothing => Ok(Datum::Null),
            })
            .collect::<Result<Vec<Datum<'_>>>>()?;
        self.fill_ids(&mut values)?;
        self.check_nulls(&values)?;
        let row_id = self.next_row_id()?;
        self.rows.put(&values, row_id, Expect::Anything, &mut chunk.new)?;
        Ok(())
    }

    /// Appends the new row. `from`: where the mutations of the change begin.
    fn update(
        &mut self,
        delta: &DeltaSpec,
        batch: &Batch<'_>,
        row: usize,
        old: &OldRow,
        chunk: &mut Chunk,
        from: (usize, usize),
    ) -> Result<()> {
        let mut values = old
            .values
            .iter()
            .zip(batch.sources)
            .map(|(old, source)| match source {
                Source::Input(position) => given(batch, *position, row),
                Source::Constant(_) | Source::Id | Source::Nothing => Ok(old.borrowed()),
            })
            .collect::<Result<Vec<Datum<'_>>>>()?;
        keep_what_was_read(&mut values, &old.values, &self.table, &self.spec.types);
        self.check_nulls(&values)?;
        let mut row_id = None;
        self.put_changed(&values, old, &mut row_id, chunk)?;
        if chunk.same_from(from.0, from.1) {
            return Ok(());
        }
        let mut timed = false;
        for (offset, now) in &delta.on_update {
            if let (Some(value), Some(old)) = (values.get_mut(*offset), old.values.get(*offset)) {
                if *value == *old {
                    *value = now.borrowed();
                    timed = true;
                }
            }
        }
        if timed {
            chunk.new.truncate(from.1);
            self.put_changed(&values, old, &mut row_id, chunk)?;
        }
        self.note_changed_id(&values, &old.values);
        Ok(())
    }

    /// Appends the new row at its place. A row that moves to another partition gets another `_tidb_rowid`, as in TiDB; `row_id` is that one.
    fn put_changed(
        &mut self,
        values: &[Datum<'_>],
        old: &OldRow,
        row_id: &mut Option<u64>,
        chunk: &mut Chunk,
    ) -> Result<()> {
        let physical_id = self.rows.locate(values)?;
        let handle = match (&self.table.handle, &old.handle) {
            (HandleSource::RowId(_), OwnedHandle::Int(id)) if physical_id == old.physical_id => OwnedHandle::Int(*id),
            (HandleSource::RowId(_), _) => {
                if row_id.is_none() {
                    *row_id = self.next_row_id()?;
                }
                self.rows.handle_of(values, *row_id)?
            }
            (HandleSource::Column(_) | HandleSource::Common { .. }, _) => self.rows.handle_of(values, None)?,
        };
        self.rows
            .put_at(physical_id, &handle, values, Expect::Anything, &mut chunk.new)
    }
}

/// The value of a column of the batch.
fn given<'a>(batch: &Batch<'a>, position: usize, row: usize) -> Result<Datum<'a>> {
    match batch.columns.get(position) {
        Some(column) if !column.is_null(row) => Ok(column.get(row)?),
        Some(_) | None => Ok(Datum::Null),
    }
}
