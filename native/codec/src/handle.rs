//! Handles: what identifies a row in its key.
//!
//! ```text
//! int      i64: the integer primary key (unsigned: its bits), or the hidden `_tidb_rowid`       t{table}_r{i64}
//! common   the clustered primary key's columns as datums in key form, one after the other,      t{table}_r{bytes}
//!          filled up with zeros to 9 bytes, so that it cannot be taken for an int
//! ```
//! Source: TiDB `kv/key.go`, `tablecodec/tablecodec.go`.

use std::borrow::Cow;

use crate::bytes::Reader;
use crate::datum::Datum;
use crate::error::CodecError;
use crate::index::column::KeyColumn;
use crate::index::IndexColumn;
use crate::{key, number};

/// The shortest common handle.
const MIN_COMMON_LENGTH: usize = 9;
/// The length of a common handle takes two bytes in index values.
pub(crate) const MAX_COMMON_LENGTH: usize = u16::MAX as usize;

/// A row's handle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Handle<'a> {
    /// The integer primary key or `_tidb_rowid`. An unsigned key is here by its bits.
    Int(i64),
    /// The encoded columns of another clustered primary key.
    Common(&'a [u8]),
}

/// A row's handle, read from a key or value.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OwnedHandle {
    /// As [`Handle::Int`].
    Int(i64),
    /// As [`Handle::Common`].
    Common(Vec<u8>),
}

impl OwnedHandle {
    /// Borrowed.
    #[must_use]
    pub fn as_handle(&self) -> Handle<'_> {
        match self {
            Self::Int(v) => Handle::Int(*v),
            Self::Common(bytes) => Handle::Common(bytes),
        }
    }
}

/// The key of a row. `physical_table_id`: of the partition, if there are any.
#[must_use]
pub fn record_key(physical_table_id: i64, handle: &Handle<'_>) -> Vec<u8> {
    match handle {
        Handle::Int(v) => key::record_key_int(physical_table_id, *v),
        Handle::Common(bytes) => key::record_key_common(physical_table_id, bytes),
    }
}

/// Physical table id and handle of a row's key.
///
/// # Errors
/// [`CodecError`] when it is another key.
pub fn decode_record_key(record_key: &[u8]) -> Result<(i64, OwnedHandle), CodecError> {
    if record_key.len() == key::INT_RECORD_KEY_LENGTH {
        return key::decode_record_key_int(record_key).map(|(table, handle)| (table, OwnedHandle::Int(handle)));
    }
    let mut reader = Reader::new(record_key);
    let other = || CodecError::corrupt("row key", "it is not t{table}_r{handle}");
    if reader.take(1, "row key")? != b"t" {
        return Err(other());
    }
    let table_id = number::decode_i64(&mut reader)?;
    if reader.take(2, "row key")? != b"_r" || reader.rest().len() < MIN_COMMON_LENGTH {
        return Err(other());
    }
    Ok((table_id, OwnedHandle::Common(reader.rest().to_vec())))
}

/// Makes common handles.
#[derive(Debug, Clone)]
pub struct CommonHandleEncoder {
    columns: Vec<KeyColumn>,
}

impl CommonHandleEncoder {
    /// For the columns of a clustered primary key, in key order.
    ///
    /// # Errors
    /// [`CodecError::UnsupportedFeature`] when a column's type or collation cannot be encoded; the error names the column.
    pub fn new(columns: Vec<IndexColumn>) -> Result<Self, CodecError> {
        let columns = columns.into_iter().map(KeyColumn::new).collect::<Result<_, _>>()?;
        Ok(Self { columns })
    }

    pub(crate) fn columns(&self) -> &[KeyColumn] {
        &self.columns
    }

    /// Puts the handle of a row, given as its datums by column offset, in place of what `out` held.
    ///
    /// # Errors
    /// [`CodecError::Corrupt`] for NULL, [`CodecError::Corrupt`] and [`CodecError::Unrepresentable`] for values that are not of the
    /// columns' types.
    pub fn encode(&self, row: &[Datum<'_>], out: &mut Vec<u8>) -> Result<(), CodecError> {
        out.clear();
        for column in &self.columns {
            let value = column.value(row)?;
            if *value == Datum::Null {
                return Err(CodecError::corrupt("row", "its primary key is NULL").in_column(&column.name));
            }
            column.encode(value, out)?;
        }
        if out.len() > MAX_COMMON_LENGTH {
            return Err(CodecError::corrupt(
                "row",
                format!("its primary key takes {} bytes", out.len()),
            ));
        }
        if out.len() < MIN_COMMON_LENGTH {
            out.resize(MIN_COMMON_LENGTH, 0);
        }
        Ok(())
    }

    /// The datums that a handle holds, in key order. Of a text column that is its sort key, cut to its prefix: where
    /// that is not the whole value, the row has it.
    ///
    /// # Errors
    /// [`CodecError`] when the bytes are not a handle of these columns.
    pub fn decode(&self, handle: &[u8]) -> Result<Vec<Datum<'static>>, CodecError> {
        let mut reader = Reader::new(handle);
        let mut values = Vec::with_capacity(self.columns.len());
        for _ in &self.columns {
            values.push(match Datum::decode(&mut reader)? {
                Datum::Int(v) => Datum::Int(v),
                Datum::Uint(v) => Datum::Uint(v),
                Datum::Float(v) => Datum::Float(v),
                Datum::Bytes(text) => Datum::Bytes(Cow::Owned(text.into_owned())),
                Datum::Decimal {
                    value,
                    precision,
                    scale,
                } => Datum::Decimal {
                    value,
                    precision,
                    scale,
                },
                Datum::Duration(v) => Datum::Duration(v),
                other => return Err(CodecError::corrupt("handle", format!("it holds {}", other.kind()))),
            });
        }
        if reader.rest().iter().any(|b| *b != 0) {
            return Err(CodecError::corrupt("handle", "bytes follow its last column"));
        }
        Ok(values)
    }
}
