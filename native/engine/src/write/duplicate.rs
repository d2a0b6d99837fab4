//! Names a key that is taken as TiDB does: `Duplicate entry '5' for key 't.PRIMARY'`.

use std::borrow::Cow;

use ti_codec::bytes::Reader;
use ti_codec::datum::Datum;
use ti_codec::field_type::{type_code as t, FieldType};
use ti_codec::handle::{decode_record_key, OwnedHandle};
use ti_codec::key::{is_index_key, INDEX_PREFIX_LENGTH};
use ti_codec::mysql::time::MysqlTime;
use ti_codec::mysql::{duration, enum_set};

use super::table::{HandleSource, WriteTable};
use crate::catalog::descriptor::ROWID_NAME;
use crate::error::{Error, ErrorKind};

/// The error for a key that is taken, or that two rows have.
pub fn error(table: &WriteTable, key: &[u8], what_to_do: &str) -> Error {
    Error::new(ErrorKind::DuplicateKey, format!("{}; {what_to_do}", entry(table, key)))
}

/// TiDB's words for a key that is taken.
pub fn entry(table: &WriteTable, key: &[u8]) -> String {
    let (index, values) = describe(table, key).unwrap_or_else(|| ("?".to_owned(), hex(key)));
    format!("Duplicate entry '{values}' for key '{}.{index}'", table.name)
}

/// A row by its handle: `'5' of 't.PRIMARY'`.
pub fn row(table: &WriteTable, key: &[u8]) -> String {
    let values = describe(table, key).map_or_else(|| hex(key), |(_, values)| values);
    let index = match table.handle {
        HandleSource::RowId(_) => ROWID_NAME,
        HandleSource::Column(_) | HandleSource::Common { .. } => "PRIMARY",
    };
    format!("'{values}' of '{}.{index}'", table.name)
}

/// Name of the index and its values, as TiDB prints them.
pub fn describe(table: &WriteTable, key: &[u8]) -> Option<(String, String)> {
    if !is_index_key(key) {
        let (_, handle) = decode_record_key(key).ok()?;
        return Some(("PRIMARY".to_owned(), handle_text(table, &handle)?));
    }
    let id = i64::from_be_bytes(key.get(INDEX_PREFIX_LENGTH - 8..INDEX_PREFIX_LENGTH)?.try_into().ok()?) ^ i64::MIN;
    let index = table.indexes.iter().find(|index| index.id == id)?;
    let mut reader = Reader::new(key.get(INDEX_PREFIX_LENGTH..)?);
    let mut texts = Vec::with_capacity(index.columns.len());
    for column in &index.columns {
        texts.push(text(&Datum::decode(&mut reader).ok()?, &column.field_type));
    }
    Some((index.name.clone(), texts.join("-")))
}

fn handle_text(table: &WriteTable, handle: &OwnedHandle) -> Option<String> {
    match (&table.handle, handle) {
        (HandleSource::Column(offset), OwnedHandle::Int(v)) => {
            let unsigned = table.columns.get(*offset)?.field_type.is_unsigned();
            Some(if unsigned {
                (*v as u64).to_string()
            } else {
                v.to_string()
            })
        }
        (HandleSource::Common { encoder, offsets }, OwnedHandle::Common(bytes)) => {
            let values = encoder.decode(bytes).ok()?;
            let texts: Option<Vec<String>> = offsets
                .iter()
                .zip(&values)
                .map(|(offset, value)| Some(text(value, &table.columns.get(*offset)?.field_type)))
                .collect();
            Some(texts?.join("-"))
        }
        (_, OwnedHandle::Int(v)) => Some(v.to_string()),
        _ => None,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A value in a key as text.
fn text(value: &Datum<'_>, ty: &FieldType) -> String {
    match value {
        Datum::Null => "NULL".to_owned(),
        Datum::Int(v) if ty.tp == t::YEAR => format!("{v:04}"),
        Datum::Int(v) => v.to_string(),
        Datum::Uint(v) => number_text(*v, ty),
        Datum::Float(v) => v.to_string(),
        Datum::Decimal { value, .. } => value.to_string(),
        Datum::Duration(nanos) => duration::text(*nanos),
        Datum::Bytes(bytes) => bytes_text(bytes, ty),
        Datum::Json(_) | Datum::Vector(_) | Datum::Max => "?".to_owned(),
    }
}

fn number_text(value: u64, ty: &FieldType) -> String {
    match ty.tp {
        t::DATE => MysqlTime::from_packed(value).map_or_else(|_| value.to_string(), |time| time.date_text()),
        t::DATETIME | t::TIMESTAMP => MysqlTime::from_packed(value).map_or_else(
            |_| value.to_string(),
            |time| {
                let text = time.to_string();
                // Six digits of fraction are printed; the column has `fsp`.
                match (text.split_once('.'), usize::from(ty.fsp())) {
                    (Some((seconds, _)), 0) => seconds.to_owned(),
                    (Some((seconds, fraction)), fsp) => {
                        let digits: String = fraction.chars().chain(std::iter::repeat('0')).take(fsp).collect();
                        format!("{seconds}.{digits}")
                    }
                    (None, 0) => text,
                    (None, fsp) => format!("{text}.{}", "0".repeat(fsp)),
                }
            },
        ),
        t::ENUM => enum_set::enum_name(value, &ty.elems).map_or_else(|_| value.to_string(), str::to_owned),
        t::SET => enum_set::set_name(value, &ty.elems).unwrap_or_else(|_| value.to_string()),
        _ => value.to_string(),
    }
}

/// Text as it is; other bytes as TiDB escapes them.
fn bytes_text(bytes: &[u8], ty: &FieldType) -> String {
    let plain = std::str::from_utf8(bytes)
        .ok()
        .filter(|text| !text.chars().any(char::is_control));
    let text: Cow<'_, str> = match plain {
        Some(text) => text.into(),
        None => {
            let escape = |byte: &u8| match byte {
                b' '..=b'~' => char::from(*byte).to_string(),
                other => format!("\\x{other:02X}"),
            };
            bytes.iter().map(escape).collect::<String>().into()
        }
    };
    let exact = ty.is_binary_charset() || ty.collate.ends_with("_bin") || ty.collate.is_empty();
    if exact {
        text.into_owned()
    } else {
        // The key holds what the collation compares, not the text.
        format!("{} (sort key of {})", hex(bytes), ty.collate)
    }
}
