//! JSON text to TiDB's binary form, for default values. See `json` for the form.
//!
//! Keys are sorted by their bytes; the last of equal keys wins. Numbers become i64, else u64, else f64, as in TiDB.

use serde_json::Value;

use crate::error::CodecError;
use crate::mysql::json::{code, HEADER, KEY_ENTRY, VALUE_ENTRY};
use crate::number::encode_var_u64;

/// Type code and binary form of a JSON text.
///
/// # Errors
/// [`CodecError::BadText`]: no JSON, a key over 65535 bytes, or over 4 GiB.
pub fn encode_text(text: &str) -> Result<Vec<u8>, CodecError> {
    let value: Value = serde_json::from_str(text).map_err(|_| CodecError::bad_text("JSON", text))?;
    let mut out = Vec::new();
    out.push(type_code(&value));
    append(&mut out, &value).ok_or_else(|| CodecError::bad_text("JSON", text))?;
    Ok(out)
}

fn type_code(value: &Value) -> u8 {
    match value {
        Value::Null | Value::Bool(_) => code::LITERAL,
        Value::Number(n) if n.is_i64() => code::INT64,
        Value::Number(n) if n.is_u64() => code::UINT64,
        Value::Number(_) => code::FLOAT64,
        Value::String(_) => code::STRING,
        Value::Array(_) => code::ARRAY,
        Value::Object(_) => code::OBJECT,
    }
}

fn literal(value: &Value) -> u8 {
    match value {
        Value::Bool(true) => 1,
        Value::Bool(false) => 2,
        _ => 0,
    }
}

fn append(out: &mut Vec<u8>, value: &Value) -> Option<()> {
    match value {
        Value::Null | Value::Bool(_) => out.push(literal(value)),
        Value::Number(n) => {
            let bits = n
                .as_i64()
                .map(|i| i as u64)
                .or_else(|| n.as_u64())
                .or_else(|| n.as_f64().map(f64::to_bits))?;
            out.extend_from_slice(&bits.to_le_bytes());
        }
        Value::String(s) => {
            encode_var_u64(out, s.len() as u64);
            out.extend_from_slice(s.as_bytes());
        }
        Value::Array(items) => container(out, &[], &items.iter().collect::<Vec<_>>())?,
        Value::Object(members) => {
            let mut members: Vec<(&String, &Value)> = members.iter().collect();
            members.sort_by(|a, b| a.0.as_bytes().cmp(b.0.as_bytes()));
            let (keys, values): (Vec<&String>, Vec<&Value>) = members.into_iter().unzip();
            container(out, &keys, &values)?;
        }
    }
    Some(())
}

/// Count, size, entries, keys, values; offsets count from `start`.
fn container(out: &mut Vec<u8>, keys: &[&String], values: &[&Value]) -> Option<()> {
    let start = out.len();
    out.extend_from_slice(&u32::try_from(values.len()).ok()?.to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    let mut key_offset = HEADER + keys.len() * KEY_ENTRY + values.len() * VALUE_ENTRY;
    for key in keys {
        out.extend_from_slice(&u32::try_from(key_offset).ok()?.to_le_bytes());
        out.extend_from_slice(&u16::try_from(key.len()).ok()?.to_le_bytes());
        key_offset += key.len();
    }
    let entries = out.len();
    out.resize(entries + values.len() * VALUE_ENTRY, 0);
    for key in keys {
        out.extend_from_slice(key.as_bytes());
    }
    for (i, value) in values.iter().enumerate() {
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
