//! Values of index entries.
//!
//! ```text
//! short   "0", or the int handle (8 bytes, big-endian) of a distinct entry                          at most 9 bytes
//! v0      tail length u8 | options | padding | [int handle, 8 bytes]                                at least 10 bytes; tail: all after the options
//! v1      0              | 125 | 1 | options                                                        tables with common handles
//! options [127 | length u16 | common handle]    when distinct
//!         [126 | partition id i64]              of a global index
//!         [row v2: the texts that the key does not give back]
//! ```
//! Restored texts. Keys hold sort keys, and from some of them (see [`KeyColumn::restored_collation`]) the text cannot be had back, so that TiDB keeps it
//! here for reads that the index covers. v0: when one column needs it, all columns of the index. v1: only the columns that need it, and those of the
//! primary key whether they are in the index or not; for `*_bin` the number of spaces at the end takes the place of the text.

use crate::bytes::Reader;
use crate::collation::Collation;
use crate::datum::Datum;
use crate::error::CodecError;
use crate::field_type::{flag, type_code, FieldType};
use crate::handle::{Handle, OwnedHandle, MAX_COMMON_LENGTH};
use crate::number;
use crate::row::RowEncoder;

use super::column::{tail_spaces, KeyColumn};

const COMMON_HANDLE: u8 = 127;
const PARTITION_ID: u8 = 126;
const VERSION: u8 = 125;
const VERSION_1: u8 = 1;
/// A value up to this length is of the short layout.
const MAX_SHORT_LENGTH: usize = 9;
const INT_HANDLE_LENGTH: usize = 8;

/// How the values of one index look.
#[derive(Debug)]
pub(super) struct ValueLayout {
    options: Options,
    row: RowEncoder,
}

#[derive(Debug)]
enum Options {
    V0 { restores: bool },
    V1 { restored: Vec<Restored> },
}

/// A column whose text a v1 value restores.
#[derive(Debug)]
struct Restored {
    column: KeyColumn,
    /// As [`KeyColumn::prefix`], of the longer one of index and primary key.
    length: Option<u32>,
    as_what: As,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum As {
    Text,
    /// The number of spaces, unsigned: of a column of the index.
    Uint,
    /// The number of spaces, signed: of a column of the primary key. 128 spaces take two bytes here and one above.
    Int,
}

impl As {
    fn of(collation: Collation, count: Self) -> Self {
        if collation.is_bin() {
            count
        } else {
            Self::Text
        }
    }
}

impl ValueLayout {
    pub(super) fn for_int_handle(columns: &[KeyColumn]) -> Self {
        let restores = columns.iter().any(|c| c.restored_collation().is_some());
        Self {
            options: Options::V0 { restores },
            row: RowEncoder::new(),
        }
    }

    pub(super) fn for_common_handle(columns: &[KeyColumn], primary: &[KeyColumn]) -> Self {
        let is_primary = |column: &KeyColumn| primary.iter().any(|p| p.column_id == column.column_id);
        let of_index = columns.iter().filter(|c| !is_primary(c)).filter_map(|column| {
            column.restored_collation().map(|collation| Restored {
                column: column.clone(),
                length: column.prefix,
                as_what: As::of(collation, As::Uint),
            })
        });
        let of_primary = primary.iter().filter_map(|column| {
            column.restored_collation().map(|collation| {
                let in_index = columns.iter().find(|c| c.column_id == column.column_id);
                Restored {
                    column: column.clone(),
                    length: in_index.map_or(column.prefix, |c| longer(c.prefix, column.prefix)),
                    as_what: As::of(collation, As::Int),
                }
            })
        });
        Self {
            options: Options::V1 {
                restored: of_index.chain(of_primary).collect(),
            },
            row: RowEncoder::new(),
        }
    }

    pub(super) fn has_common_handles(&self) -> bool {
        matches!(self.options, Options::V1 { .. })
    }

    /// Puts the value in place of what `out` held.
    pub(super) fn encode(
        &mut self,
        columns: &[KeyColumn],
        distinct: bool,
        partition_id: Option<i64>,
        row: &[Datum<'_>],
        handle: &Handle<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), CodecError> {
        out.clear();
        match (&self.options, handle) {
            (Options::V0 { restores }, Handle::Int(handle)) => {
                let handle = distinct.then(|| handle.to_be_bytes());
                if !restores && partition_id.is_none() {
                    match handle {
                        Some(handle) => out.extend_from_slice(&handle),
                        None => out.push(b'0'),
                    }
                    return Ok(());
                }
                out.push(0);
                append_partition_id(out, partition_id);
                if *restores {
                    self.row.clear();
                    for column in columns {
                        push(
                            &mut self.row,
                            column,
                            &column.field_type,
                            &column.cut(column.value(row)?),
                        )?;
                    }
                    self.row.finish(out)?;
                }
                let options_end = out.len();
                match handle {
                    Some(handle) => out.extend_from_slice(&handle),
                    None => out.resize(options_end.max(MAX_SHORT_LENGTH + 1), 0),
                }
                let tail = u8::try_from(out.len() - options_end).unwrap_or_default();
                if let Some(first) = out.first_mut() {
                    *first = tail;
                }
                Ok(())
            }
            (Options::V1 { restored }, Handle::Common(handle)) => {
                out.extend_from_slice(&[0, VERSION, VERSION_1]);
                if distinct {
                    append_common_handle(out, handle)?;
                }
                append_partition_id(out, partition_id);
                if restored.is_empty() {
                    return Ok(());
                }
                self.row.clear();
                for Restored {
                    column,
                    length,
                    as_what,
                } in restored
                {
                    let value = column.value(row)?;
                    let value = column.cut_to(value, *length);
                    match as_what {
                        As::Text => push(&mut self.row, column, &column.field_type, &value)?,
                        As::Uint => push(
                            &mut self.row,
                            column,
                            &count_type(flag::UNSIGNED),
                            &Datum::Uint(tail_spaces(&value) as u64),
                        )?,
                        As::Int => push(
                            &mut self.row,
                            column,
                            &count_type(0),
                            &Datum::Int(tail_spaces(&value) as i64),
                        )?,
                    }
                }
                self.row.finish(out)
            }
            _ => Err(CodecError::corrupt(
                "handle",
                "it is of another kind than the handles of its table",
            )),
        }
    }
}

/// The longer of two prefixes.
fn longer(a: Option<u32>, b: Option<u32>) -> Option<u32> {
    Some(a?.max(b?))
}

/// BIGINT
fn count_type(flag: u32) -> FieldType {
    FieldType {
        flag,
        ..FieldType::new(type_code::LONG_LONG)
    }
}

fn push(row: &mut RowEncoder, column: &KeyColumn, ft: &FieldType, value: &Datum<'_>) -> Result<(), CodecError> {
    row.push(column.column_id, ft, value)
        .map_err(|e| e.in_column(&column.name))
}

fn append_common_handle(out: &mut Vec<u8>, handle: &[u8]) -> Result<(), CodecError> {
    let length = u16::try_from(handle.len())
        .map_err(|_| CodecError::corrupt("handle", format!("it is longer than {MAX_COMMON_LENGTH} bytes")))?;
    out.push(COMMON_HANDLE);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(handle);
    Ok(())
}

fn append_partition_id(out: &mut Vec<u8>, partition_id: Option<i64>) {
    if let Some(id) = partition_id {
        out.push(PARTITION_ID);
        number::encode_i64(out, id);
    }
}

/// Which row an entry names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryHandle {
    /// The row's handle.
    pub handle: OwnedHandle,
    /// Physical table id of the row, in entries of global indexes.
    pub partition_id: Option<i64>,
}

/// The parts of a value that name a row.
#[derive(Debug, Default)]
pub(super) struct Parts<'a> {
    pub(super) int_handle: Option<i64>,
    pub(super) common_handle: Option<&'a [u8]>,
    pub(super) partition_id: Option<i64>,
}

/// Takes a value apart. `common`: the table has common handles, so that its values are of v1; all others are short or of v0.
pub(super) fn parse(value: &[u8], common: bool) -> Result<Parts<'_>, CodecError> {
    let mut parts = Parts::default();
    let damaged = |reason: &str| CodecError::corrupt("index value", reason);
    let (tail_length, rest) = match value {
        [tail, VERSION, VERSION_1, rest @ ..] if common => (*tail, rest),
        _ if common => return Err(damaged("it is not of version 1")),
        b"0" => return Ok(parts),
        [tail, rest @ ..] if value.len() > MAX_SHORT_LENGTH => (*tail, rest),
        short => {
            let handle = short.try_into().map_err(|_| damaged("it is too short"))?;
            parts.int_handle = Some(i64::from_be_bytes(handle));
            return Ok(parts);
        }
    };
    let options_length = rest.len().checked_sub(usize::from(tail_length));
    let split = options_length.and_then(|length| rest.split_at_checked(length));
    let (options, tail) = split.ok_or_else(|| damaged("its tail is longer than itself"))?;
    if let Some(handle) = tail.first_chunk::<INT_HANDLE_LENGTH>() {
        parts.int_handle = Some(i64::from_be_bytes(*handle));
    }
    let mut options = Reader::new(options);
    if options.rest().first() == Some(&COMMON_HANDLE) {
        let [_, high, low] = options.take_array("index value")?;
        let length = u16::from_be_bytes([high, low]);
        parts.common_handle = Some(options.take(usize::from(length), "index value")?);
    }
    if options.rest().first() == Some(&PARTITION_ID) {
        options.u8("index value")?;
        parts.partition_id = Some(number::decode_i64(&mut options)?);
    }
    Ok(parts)
}
