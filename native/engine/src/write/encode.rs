//! A row's datums -> its mutations: the row and its index entries; and the same for a row that goes away.

use std::sync::Arc;

use bytes::Bytes;
use ti_codec::datum::Datum;
use ti_codec::handle::{record_key, OwnedHandle};
use ti_codec::index::IndexEncoder;
use ti_codec::row::{RowEncoder, RowView};

use super::buffer::{Buffer, Expect, Role};
use super::table::{HandleSource, WriteTable};
use crate::error::{Error, ErrorKind, Result};

/// Makes mutations of rows. One per task: it keeps its buffers.
pub struct RowWriter {
    table: Arc<WriteTable>,
    indexes: Vec<IndexEncoder>,
    primary: Bytes,
    row: RowEncoder,
    handle: Vec<u8>,
    key: Vec<u8>,
    value: Vec<u8>,
}

impl RowWriter {
    /// For rows of a table, in the transaction with this primary.
    pub fn new(table: Arc<WriteTable>, primary: Bytes) -> Result<Self> {
        Ok(Self {
            indexes: table.index_encoders()?,
            table,
            primary,
            row: RowEncoder::new(),
            handle: Vec::new(),
            key: Vec::new(),
            value: Vec::new(),
        })
    }

    /// Appends the mutations of a new row, the row first. `values` are by column offset; `row_id` is `_tidb_rowid` where the table has it.
    /// Answers the physical table that the row belongs to.
    ///
    /// # Errors
    /// `InvalidValue` for a row that no partition takes, or a value that does not fit.
    pub fn put(&mut self, values: &[Datum<'_>], row_id: Option<u64>, expect: Expect, out: &mut Buffer) -> Result<i64> {
        let physical_id = self.locate(values)?;
        let handle = self.handle_of(values, row_id)?;
        self.put_at(physical_id, &handle, values, expect, out)?;
        Ok(physical_id)
    }

    /// The physical table that a row belongs to. Only the columns that partitions are made by are looked at.
    ///
    /// # Errors
    /// `InvalidValue` for a row that no partition takes.
    pub fn locate(&self, values: &[Datum<'_>]) -> Result<i64> {
        match &self.table.partitioner {
            Some(partitioner) => partitioner.locate(values),
            None => Ok(self.table.id),
        }
    }

    /// Appends the mutations of a row whose place is known: the row first, then its entries in the order of the table's indexes.
    pub fn put_at(
        &mut self,
        physical_id: i64,
        handle: &OwnedHandle,
        values: &[Datum<'_>],
        expect: Expect,
        out: &mut Buffer,
    ) -> Result<()> {
        let table = self.table.clone();
        let handle = handle.as_handle();
        self.encode_row(values)?;
        let key = record_key(physical_id, &handle);
        if key == self.primary.as_ref() {
            return Err(Error::new(
                ErrorKind::InvalidValue,
                format!(
                    "a row of table {} has the key that this write has chosen for its lock; run the write again, which chooses another",
                    table.full_name()
                ),
            ));
        }
        out.push(Role::Row, expect, &key, &self.value)?;
        for (index, encoder) in table.indexes.iter().zip(&mut self.indexes) {
            let (table_id, partition) = match index.global {
                true => (table.id, Some(physical_id)),
                false => (physical_id, None),
            };
            let distinct = encoder.entry(table_id, partition, values, &handle, &mut self.key, &mut self.value)?;
            let role = if distinct { Role::Unique } else { Role::Entry };
            out.push(role, expect, &self.key, &self.value)?;
        }
        Ok(())
    }

    /// Appends the deletion of a stored row and of its index entries.
    ///
    /// # Errors
    /// `Decode` for a row that is damaged.
    pub fn delete(&mut self, physical_id: i64, handle: &OwnedHandle, row: &[u8], out: &mut Buffer) -> Result<()> {
        self.delete_if(physical_id, handle, row, out, |_, _| true)
    }

    /// The same, but for the index entries that `wanted` does not want: it gets the entry's key, and whether only one row can have it.
    pub fn delete_if(
        &mut self,
        physical_id: i64,
        handle: &OwnedHandle,
        row: &[u8],
        out: &mut Buffer,
        mut wanted: impl FnMut(&[u8], bool) -> bool,
    ) -> Result<()> {
        let table = self.table.clone();
        let values = self.stored_values(handle, row)?;
        let handle = handle.as_handle();
        out.push(Role::Old, Expect::Anything, &record_key(physical_id, &handle), &[])?;
        for (index, encoder) in table.indexes.iter().zip(&self.indexes) {
            let table_id = if index.global { table.id } else { physical_id };
            let distinct = encoder.key(table_id, &values, &handle, &mut self.key)?;
            if wanted(&self.key, distinct) {
                out.push(Role::Old, Expect::Anything, &self.key, &[])?;
            }
        }
        Ok(())
    }

    /// The encoder of an index by its position in the table's indexes.
    pub fn index(&self, position: usize) -> Option<&IndexEncoder> {
        self.indexes.get(position)
    }

    /// A row's handle. Only the columns of the handle are looked at; `row_id` is `_tidb_rowid` where the table has it.
    pub fn handle_of(&mut self, values: &[Datum<'_>], row_id: Option<u64>) -> Result<OwnedHandle> {
        let no_handle = || Error::new(ErrorKind::Internal, "a row has no handle");
        match &self.table.handle {
            HandleSource::RowId(_) => row_id.map(|id| OwnedHandle::Int(id as i64)).ok_or_else(no_handle),
            HandleSource::Column(offset) => match values.get(*offset) {
                Some(Datum::Int(v)) => Ok(OwnedHandle::Int(*v)),
                // By its bits, as TiDB does.
                Some(Datum::Uint(v)) => Ok(OwnedHandle::Int(*v as i64)),
                _ => Err(no_handle()),
            },
            HandleSource::Common { encoder, .. } => {
                encoder.encode(values, &mut self.handle)?;
                Ok(OwnedHandle::Common(std::mem::take(&mut self.handle)))
            }
        }
    }

    /// Puts the row's value into `self.value`. Which columns it has is TiDB's rule (`tables.CanSkip`).
    fn encode_row(&mut self, values: &[Datum<'_>]) -> Result<()> {
        self.row.clear();
        for (column, value) in self.table.columns.iter().zip(values) {
            if column.in_handle || column.generated || (column.null_is_absent && *value == Datum::Null) {
                continue;
            }
            self.row
                .push(column.id, &column.field_type, value)
                .map_err(|e| Error::from(e).context(format!("column `{}`", column.name)))?;
        }
        self.value.clear();
        self.row.finish(&mut self.value)?;
        Ok(())
    }

    /// The datums of a stored row, by column offset.
    ///
    /// # Errors
    /// `Decode` for a row that is damaged.
    pub fn stored_values(&self, handle: &OwnedHandle, row: &[u8]) -> Result<Vec<Datum<'static>>> {
        let view = RowView::parse(row)?;
        let mut values = Vec::with_capacity(self.table.columns.len());
        for column in &self.table.columns {
            values.push(if column.generated || column.in_handle {
                Datum::Null
            } else {
                match view.get(column.id, &column.field_type)? {
                    Some(value) => value.into_owned(),
                    None => column.origin_default.clone(),
                }
            });
        }
        let mut set = |offset: usize, value: Datum<'static>| {
            let in_handle = self.table.columns.get(offset).is_some_and(|c| c.in_handle);
            if let Some(place) = values.get_mut(offset).filter(|_| in_handle) {
                *place = value;
            }
        };
        match (&self.table.handle, handle) {
            (HandleSource::RowId(_), OwnedHandle::Int(_)) => {}
            (HandleSource::Column(offset), OwnedHandle::Int(v)) => {
                let unsigned = self
                    .table
                    .columns
                    .get(*offset)
                    .is_some_and(|c| c.field_type.is_unsigned());
                set(
                    *offset,
                    if unsigned {
                        Datum::Uint(*v as u64)
                    } else {
                        Datum::Int(*v)
                    },
                );
            }
            (HandleSource::Common { encoder, offsets }, OwnedHandle::Common(bytes)) => {
                for (offset, value) in offsets.iter().zip(encoder.decode(bytes)?) {
                    set(*offset, value);
                }
            }
            _ => {
                return Err(Error::new(
                    ErrorKind::Decode,
                    "a row has a handle of another kind than its table",
                ))
            }
        }
        Ok(values)
    }
}
