//! Keys of rows and of TiDB's schema.
//!
//! ```text
//! row     t{table id}_r{handle}              handle: i64 (memcomparable), or the encoded columns of a clustered primary key
//! index   t{table id}_i{index id}...
//! schema  m + bytes(key) + 'h' [+ bytes(field)]     a field of a hash ("DB:1" -> "Table:42" -> TableInfo JSON)
//!         m + bytes(key) + 's'                      a string ("NextGlobalID")
//! ```
//! Ids are memcomparable i64, `bytes(..)` is the memcomparable form; the schema's type codes are u64 big-endian of one letter.
//! Sources: TiDB `tablecodec/tablecodec.go`, `structure/type.go`.

use crate::bytes::{decode_bytes, Reader};
use crate::error::CodecError;
use crate::number;

pub use crate::bytes::encode_bytes;

const TABLE: u8 = b't';
const RECORD: &[u8] = b"_r";
const INDEX: &[u8] = b"_i";
const META: u8 = b'm';
const HASH_DATA: u64 = b'h' as u64;
const STRING_DATA: u64 = b's' as u64;

/// Bytes of a row key with an integer handle.
pub const INT_RECORD_KEY_LENGTH: usize = 1 + 8 + 2 + 8;

/// Bytes of `t{table id}`.
pub const TABLE_PREFIX_LENGTH: usize = 1 + 8;
/// Bytes of `t{table id}_r`.
pub const RECORD_PREFIX_LENGTH: usize = 1 + 8 + 2;
/// Bytes of `t{table id}_i{index id}`.
pub const INDEX_PREFIX_LENGTH: usize = RECORD_PREFIX_LENGTH + 8;

/// `t{table id}`
#[must_use]
pub fn table_prefix(table_id: i64) -> Vec<u8> {
    let mut key = Vec::with_capacity(INT_RECORD_KEY_LENGTH);
    key.push(TABLE);
    number::encode_i64(&mut key, table_id);
    key
}

/// `t{table id}_r`
#[must_use]
pub fn record_prefix(table_id: i64) -> Vec<u8> {
    let mut key = table_prefix(table_id);
    key.extend_from_slice(RECORD);
    key
}

/// `t{table id}_i{index id}`
#[must_use]
pub fn index_prefix(table_id: i64, index_id: i64) -> Vec<u8> {
    let mut key = Vec::with_capacity(INT_RECORD_KEY_LENGTH);
    append_index_prefix(&mut key, table_id, index_id);
    key
}

/// Appends `t{table id}_i{index id}`.
pub fn append_index_prefix(out: &mut Vec<u8>, table_id: i64, index_id: i64) {
    out.push(TABLE);
    number::encode_i64(out, table_id);
    out.extend_from_slice(INDEX);
    number::encode_i64(out, index_id);
}

/// Is it the key of a row?
#[must_use]
pub fn is_record_key(key: &[u8]) -> bool {
    kind(key) == Some(RECORD)
}

/// Is it the key of an index entry?
#[must_use]
pub fn is_index_key(key: &[u8]) -> bool {
    kind(key) == Some(INDEX)
}

/// What follows `t{table id}`.
fn kind(key: &[u8]) -> Option<&[u8]> {
    key.get(RECORD_PREFIX_LENGTH - RECORD.len()..RECORD_PREFIX_LENGTH)
}

/// All rows of a table (a partition: its physical id): start, and end which is not part of it.
#[must_use]
pub fn record_range(table_id: i64) -> (Vec<u8>, Vec<u8>) {
    let start = record_prefix(table_id);
    let end = prefix_end(&start);
    (start, end)
}

/// `t{table id}_r{handle}`
#[must_use]
pub fn record_key_int(table_id: i64, handle: i64) -> Vec<u8> {
    let mut key = record_prefix(table_id);
    number::encode_i64(&mut key, handle);
    key
}

/// `t{table id}_r{encoded primary key}`, for a clustered primary key that is not one integer.
#[must_use]
pub fn record_key_common(table_id: i64, encoded_handle: &[u8]) -> Vec<u8> {
    let mut key = record_prefix(table_id);
    key.extend_from_slice(encoded_handle);
    key
}

/// Table id and integer handle of a row key.
///
/// # Errors
/// [`CodecError`] when it is another key.
pub fn decode_record_key_int(key: &[u8]) -> Result<(i64, i64), CodecError> {
    let other = || CodecError::corrupt("row key", "it is not t{table}_r{handle}");
    let mut reader = Reader::new(key);
    if reader.u8("row key")? != TABLE {
        return Err(other());
    }
    let table_id = number::decode_i64(&mut reader)?;
    if reader.take(RECORD.len(), "row key")? != RECORD {
        return Err(other());
    }
    let handle = number::decode_i64(&mut reader)?;
    if reader.is_empty() {
        Ok((table_id, handle))
    } else {
        Err(other())
    }
}

/// The smallest key that is greater than all keys with this prefix; empty (no end) when there is none.
#[must_use]
pub fn prefix_end(prefix: &[u8]) -> Vec<u8> {
    let kept = prefix.iter().rposition(|b| *b != 0xff).map_or(0, |i| i + 1);
    let mut end: Vec<u8> = prefix.iter().copied().take(kept).collect();
    if let Some(last) = end.last_mut() {
        *last = last.wrapping_add(1);
    }
    end
}

fn meta_prefix(key: &[u8], code: u64) -> Vec<u8> {
    let mut out = vec![META];
    encode_bytes(&mut out, key);
    number::encode_u64(&mut out, code);
    out
}

/// The key of a string of the schema, e.g. `SchemaVersionKey`.
#[must_use]
pub fn meta_string_key(key: &[u8]) -> Vec<u8> {
    meta_prefix(key, STRING_DATA)
}

/// The key of one field of a hash of the schema.
#[must_use]
pub fn meta_hash_field_key(key: &[u8], field: &[u8]) -> Vec<u8> {
    let mut out = meta_hash_prefix(key);
    encode_bytes(&mut out, field);
    out
}

/// The prefix of all fields of a hash of the schema.
#[must_use]
pub fn meta_hash_prefix(key: &[u8]) -> Vec<u8> {
    meta_prefix(key, HASH_DATA)
}

/// All fields of a hash: start, and end which is not part of it.
#[must_use]
pub fn meta_hash_range(key: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let start = meta_hash_prefix(key);
    let end = prefix_end(&start);
    (start, end)
}

/// Hash key and field of a key of [`meta_hash_range`].
///
/// # Errors
/// [`CodecError`] when it is another key.
pub fn decode_meta_hash_field(key: &[u8]) -> Result<(Vec<u8>, Vec<u8>), CodecError> {
    let mut reader = Reader::new(key);
    if reader.u8("schema key")? != META {
        return Err(CodecError::corrupt("schema key", "it does not start with `m`"));
    }
    let hash = decode_bytes(&mut reader)?;
    if number::decode_u64(&mut reader)? != HASH_DATA {
        return Err(CodecError::corrupt("schema key", "it is not a field of a hash"));
    }
    let field = decode_bytes(&mut reader)?;
    if !reader.is_empty() {
        return Err(CodecError::corrupt("schema key", "bytes follow the field"));
    }
    Ok((hash, field))
}
