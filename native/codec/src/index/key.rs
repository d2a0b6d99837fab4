//! Keys of index entries.

use crate::bytes::Reader;
use crate::datum::{flag, Datum};
use crate::error::CodecError;
use crate::handle::{Handle, OwnedHandle};
use crate::number;

use super::column::KeyColumn;

/// Puts `t{table}_i{index}{datums}[{handle}]` in place of what `out` held; `true`: without the handle.
pub(super) fn encode(
    table_id: i64,
    index_id: i64,
    unique: bool,
    columns: &[KeyColumn],
    row: &[Datum<'_>],
    handle: &Handle<'_>,
    out: &mut Vec<u8>,
) -> Result<bool, CodecError> {
    out.clear();
    crate::key::append_index_prefix(out, table_id, index_id);
    let mut distinct = unique;
    for column in columns {
        let value = column.value(row)?;
        // NULL equals nothing: UNIQUE allows any number of them.
        distinct &= *value != Datum::Null;
        column.encode(value, out)?;
    }
    if !distinct {
        match handle {
            Handle::Int(v) => {
                out.push(flag::INT);
                number::encode_i64(out, *v);
            }
            Handle::Common(bytes) => out.extend_from_slice(bytes),
        }
    }
    Ok(distinct)
}

/// The handle at the end of a key after `columns` datums; `None`: the key is of a distinct entry.
pub(super) fn decode_handle(key: &[u8], columns: usize, common: bool) -> Result<Option<OwnedHandle>, CodecError> {
    let mut reader = Reader::new(key);
    let other = || CodecError::corrupt("index key", "it is not t{table}_i{index}{values}");
    if reader.take(1, "index key")? != b"t" {
        return Err(other());
    }
    number::decode_i64(&mut reader)?;
    if reader.take(2, "index key")? != b"_i" {
        return Err(other());
    }
    number::decode_i64(&mut reader)?;
    for _ in 0..columns {
        Datum::decode(&mut reader)?;
    }
    if reader.is_empty() {
        return Ok(None);
    }
    if common {
        return Ok(Some(OwnedHandle::Common(reader.rest().to_vec())));
    }
    match (Datum::decode(&mut reader)?, reader.is_empty()) {
        (Datum::Int(handle), true) => Ok(Some(OwnedHandle::Int(handle))),
        _ => Err(other()),
    }
}
