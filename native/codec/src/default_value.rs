//! The value that old rows have in a column that was added later: `origin_default` of the table information -> `ColumnInfo.default_val`.
//!
//! TiDB keeps it as text (BIT: as bytes in `origin_default_bit`), a TIMESTAMP in UTC (columns of version 1 and later), and sends it as a datum
//! in the form of values: TIME as signed nanoseconds, dates and times packed, ENUM, SET and BIT as their number.
//! Source: TiDB `table/column.go` (getColDefaultValue), `tablecodec/tablecodec.go` (flatten).

use std::borrow::Cow;

use crate::bytes::lossy;
use crate::datum::Datum;
use crate::error::{CodecError, UnsupportedType};
use crate::field_type::{type_code as t, FieldType};
use crate::mysql::decimal::Decimal;
use crate::mysql::enum_set::{enum_number, set_bits};
use crate::mysql::time::MysqlTime;
use crate::mysql::{bit, duration, json_encode};

/// The datum of a default value, as the column's rows and index entries take it: `text` is `origin_default` (BIT: `origin_default_bit`); `None` is NULL.
///
/// # Errors
/// [`CodecError::BadText`] when the text is not of the type, [`CodecError::Unsupported`] for types without default values.
pub fn datum<'a>(ft: &FieldType, text: Option<&'a [u8]>) -> Result<Datum<'a>, CodecError> {
    let Some(bytes) = text else { return Ok(Datum::Null) };
    let text = || {
        std::str::from_utf8(bytes)
            .map(str::trim)
            .map_err(|_| CodecError::bad_text("default value", &lossy(bytes)))
    };
    let bad = |what: &'static str| CodecError::bad_text(what, &lossy(bytes));
    Ok(match ft.tp {
        t::TINY | t::SHORT | t::INT24 | t::LONG | t::LONG_LONG if ft.is_unsigned() => {
            Datum::Uint(text()?.parse().map_err(|_| bad("unsigned integer"))?)
        }
        t::TINY | t::SHORT | t::INT24 | t::LONG | t::LONG_LONG => {
            Datum::Int(text()?.parse().map_err(|_| bad("integer"))?)
        }
        t::YEAR => Datum::Int(year(text()?).ok_or_else(|| bad("YEAR"))?),
        t::FLOAT | t::DOUBLE => {
            let value: f64 = text()?.parse().map_err(|_| bad("floating-point number"))?;
            Datum::Float(if ft.tp == t::FLOAT {
                f64::from(value as f32)
            } else {
                value
            })
        }
        t::NEW_DECIMAL => {
            let (precision, scale) = ft.precision_and_scale();
            Datum::Decimal {
                value: Decimal::parse(text()?)?.rounded(scale)?,
                precision,
                scale,
            }
        }
        t::VARCHAR | t::VAR_STRING | t::STRING | t::TINY_BLOB | t::MEDIUM_BLOB | t::LONG_BLOB | t::BLOB => {
            Datum::Bytes(padded(ft, bytes))
        }
        t::ENUM => Datum::Uint(enum_number(text()?, &ft.elems).ok_or_else(|| bad("element of the ENUM"))?),
        t::SET => Datum::Uint(set_bits(text()?, &ft.elems).ok_or_else(|| bad("SET of its elements"))?),
        t::BIT => Datum::Uint(bit::to_u64(bytes)?),
        t::JSON => Datum::Json(json_encode::encode_text(text()?)?.into()),
        t::DATE => {
            let time = MysqlTime::parse(text()?)?;
            Datum::Uint(
                MysqlTime {
                    hour: 0,
                    minute: 0,
                    second: 0,
                    micros: 0,
                    ..time
                }
                .to_packed(),
            )
        }
        t::DATETIME | t::TIMESTAMP => Datum::Uint(MysqlTime::parse(text()?)?.to_packed()),
        t::DURATION => Datum::Duration(duration::parse(text()?)?),
        _ => {
            let reason = "its default value is not known to this version".to_owned();
            return Err(UnsupportedType {
                sql_name: ft.sql_name(),
                reason,
            }
            .into());
        }
    })
}

/// One or two digits are a year from 1970 to 2069.
fn year(text: &str) -> Option<i64> {
    let number: i64 = text.parse().ok().filter(|y| (0..=9999).contains(y))?;
    Some(match number {
        0..70 if text.len() <= 2 => number + 2000,
        70..100 if text.len() <= 2 => number + 1900,
        _ => number,
    })
}

/// BINARY(n) is n bytes long, with zeros at its end.
fn padded<'a>(ft: &FieldType, bytes: &'a [u8]) -> Cow<'a, [u8]> {
    let length = usize::try_from(ft.flen).unwrap_or(0);
    // MySQL's BINARY ends at 255 bytes.
    if ft.tp == t::STRING && ft.is_binary_charset() && bytes.len() < length && length <= 255 {
        let mut all = bytes.to_vec();
        all.resize(length, 0);
        return Cow::Owned(all);
    }
    Cow::Borrowed(bytes)
}

/// `ColumnInfo.default_val` for a column: [`datum`] in the form of values, with TIME as an integer.
///
/// # Errors
/// As [`datum`].
pub fn encode(ft: &FieldType, text: Option<&[u8]>) -> Result<Vec<u8>, CodecError> {
    let mut out = Vec::new();
    match datum(ft, text)? {
        Datum::Duration(nanos) => Datum::Int(nanos).encode_value(&mut out)?,
        other => other.encode_value(&mut out)?,
    }
    Ok(out)
}
