//! JSON text to TiDB's binary form. See `json` for the form and `json_parse` for what text means.

use crate::error::CodecError;
use crate::mysql::json::{code, HEADER, KEY_ENTRY, VALUE_ENTRY};
use crate::mysql::json_parse::{parse, Json};
use crate::number::encode_var_u64;

/// Type code and binary form of a JSON text.
///
/// # Errors
/// [`CodecError::BadText`]: no JSON, or what TiDB does not store: over 101 levels, a key over 65535 bytes, a number over the range of doubles.
pub fn encode_text(text: &str) -> Result<Vec<u8>, CodecError> {
    encode(text).map_err(|_| CodecError::bad_text("JSON", text))
}

/// As [`encode_text`]; the error says what is wrong.
pub(crate) fn encode(text: &str) -> Result<Vec<u8>, String> {
    let value = parse(text)?;
    let mut out = Vec::with_capacity(text.len() + 16);
    out.push(type_code(&value));
    append(&mut out, &value).ok_or("it is over 4 GiB")?;
    Ok(out)
}

fn type_code(value: &Json<'_>) -> u8 {
    match value {
        Json::Null | Json::Bool(_) => code::LITERAL,
        Json::Int(_) => code::INT64,
        Json::Uint(_) => code::UINT64,
        Json::Float(_) => code::FLOAT64,
        Json::String(_) => code::STRING,
        Json::Array(_) => code::ARRAY,
        Json::Object(_) => code::OBJECT,
    }
}

fn literal(value: &Json<'_>) -> u8 {
    match value {
        Json::Bool(true) => 1,
        Json::Bool(false) => 2,
        _ => 0,
    }
}

fn append(out: &mut Vec<u8>, value: &Json<'_>) -> Option<()> {
    match value {
        Json::Null | Json::Bool(_) => out.push(literal(value)),
        Json::Int(n) => out.extend_from_slice(&n.to_le_bytes()),
        Json::Uint(n) => out.extend_from_slice(&n.to_le_bytes()),
        Json::Float(n) => out.extend_from_slice(&n.to_le_bytes()),
        Json::String(s) => {
            encode_var_u64(out, s.len() as u64);
            out.extend_from_slice(s.as_bytes());
        }
        Json::Array(items) => container(out, std::iter::empty(), items.iter(), items.len())?,
        Json::Object(members) => {
            let keys = members.iter().map(|(key, _)| key.as_bytes());
            container(out, keys, members.iter().map(|(_, value)| value), members.len())?;
        }
    }
    Some(())
}

/// Count, size, entries, keys, values; offsets count from `start`. An array has no keys, an object `count` of them.
fn container<'a>(
    out: &mut Vec<u8>,
    keys: impl Iterator<Item = &'a [u8]> + Clone,
    values: impl Iterator<Item = &'a Json<'a>>,
    count: usize,
) -> Option<()> {
    let start = out.len();
    out.extend_from_slice(&u32::try_from(count).ok()?.to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    let mut key_offset = HEADER + keys.clone().count() * KEY_ENTRY + count * VALUE_ENTRY;
    for key in keys.clone() {
        out.extend_from_slice(&u32::try_from(key_offset).ok()?.to_le_bytes());
        out.extend_from_slice(&u16::try_from(key.len()).ok()?.to_le_bytes());
        key_offset += key.len();
    }
    let entries = out.len();
    out.resize(entries + count * VALUE_ENTRY, 0);
    for key in keys {
        out.extend_from_slice(key);
    }
    for (i, value) in values.enumerate() {
        let type_code = type_code(value);
        let mut place = [literal(value), 0, 0, 0];
        if type_code != code::LITERAL {
            place = u32::try_from(out.len() - start).ok()?.to_le_bytes();
            append(out, value)?;
        }
        let entry = out
            .get_mut(entries + i * VALUE_ENTRY..)?
            .first_chunk_mut::<VALUE_ENTRY>()?;
        *entry = [type_code, place[0], place[1], place[2], place[3]];
    }
    let size = u32::try_from(out.len() - start).ok()?;
    out.get_mut(start + 4..)?
        .first_chunk_mut::<4>()?
        .copy_from_slice(&size.to_le_bytes());
    Some(())
}
