//! TypeDefault: answers row by row, each value a datum. TiKV answers so when a column (a SET, say) has no place in its chunks.
//!
//! A store sends row values as they are stored, so one column can come with several flags: integers in their short or long form, TIME as a
//! duration or as nanoseconds, times packed.

use crate::arrow_type::Shape;
use crate::bytes::Reader;
use crate::column::{Column, Values};
use crate::datum::Datum;
use crate::error::CodecError;
use crate::field_type::FieldType;
use crate::mysql::time::MysqlTime;
use crate::mysql::{bit, duration, enum_set, json, vector};
use crate::options::TypeOptions;
use crate::value;

/// Appends the rows of one answer, and says how many there were. Without columns each row is taken to be one datum.
pub(crate) fn append(
    columns: &mut [Column],
    names: &[String],
    field_types: &[FieldType],
    rows_data: &[u8],
    opts: &TypeOptions,
) -> Result<usize, CodecError> {
    let mut reader = Reader::new(rows_data);
    let mut rows = 0;
    while !reader.is_empty() {
        if columns.is_empty() {
            Datum::decode(&mut reader)?;
        }
        for ((column, name), field_type) in columns.iter_mut().zip(names).zip(field_types) {
            Datum::decode(&mut reader)
                .and_then(|datum| append_datum(column, &datum, field_type, opts))
                .map_err(|e| e.in_column(name))?;
        }
        rows += 1;
    }
    Ok(rows)
}

fn append_datum(
    column: &mut Column,
    datum: &Datum<'_>,
    field_type: &FieldType,
    opts: &TypeOptions,
) -> Result<(), CodecError> {
    let present = match datum {
        Datum::Null => false,
        _ => append_value(&mut column.values, column.shape, datum, field_type, opts)?,
    };
    if present {
        column.validity.append(1, None);
        Ok(())
    } else {
        column.append_null()
    }
}

/// Appends a value; `false`: it is read as NULL, and nothing was appended.
fn append_value(
    values: &mut Values,
    shape: Shape,
    datum: &Datum<'_>,
    field_type: &FieldType,
    opts: &TypeOptions,
) -> Result<bool, CodecError> {
    match (values, shape) {
        (Values::Bits(out), Shape::Int { .. }) => out.append(wide_int(datum)? != 0),
        (Values::Bits(out), _) => out.append(bits(datum)? != 0),
        (Values::I8(out), _) => out.push(value::narrow(wide_int(datum)?)?),
        (Values::I16(out), _) => out.push(value::narrow(wide_int(datum)?)?),
        (Values::I32(out), Shape::Int { .. }) => out.push(value::narrow(wide_int(datum)?)?),
        (Values::I32(out), _) => match value::days(&time(datum)?, opts)? {
            Some(days) => out.push(days),
            None => return Ok(false),
        },
        (Values::I64(out), Shape::Int { .. }) => out.push(value::narrow(wide_int(datum)?)?),
        (Values::I64(out), Shape::BitLong) => out.push(value::bit_long(bits(datum)?)?),
        (Values::I64(out), Shape::Nanos) => out.push(nanos(datum)?),
        (Values::I64(out), Shape::Interval) => out.push(duration::micros(nanos(datum)?)?),
        (Values::I64(out), shape) => match value::wall_micros(&time(datum)?, opts)? {
            Some(local) if shape == Shape::ZonedDatetime => out.push(opts.time_zone.local_to_utc(local)),
            Some(micros) => out.push(micros),
            None => return Ok(false),
        },
        (Values::F32(out), _) => out.push(float(datum)? as f32),
        (Values::F64(out), _) => out.push(float(datum)?),
        (Values::I128(out), Shape::Decimal { precision, scale }) => match datum {
            Datum::Decimal { value, .. } => out.push(value::unscaled(value, precision, scale)?),
            other => return Err(mismatch("DECIMAL", other)),
        },
        (Values::I128(out), _) => out.push(i128::from(value::narrow::<u64>(wide_int(datum)?)?)),
        (Values::Bytes(out), shape) => match (shape, datum) {
            (Shape::Text | Shape::Bytes, Datum::Bytes(bytes)) => out.push(bytes)?,
            (Shape::DecimalText, Datum::Decimal { value, .. }) => out.push(value.to_string().as_bytes())?,
            (Shape::BitBytes { width }, datum) => out.push(&bit::to_bytes(bits(datum)?, width)?)?,
            (Shape::Enum | Shape::Set, Datum::Bytes(name)) => out.push(name)?,
            (Shape::Enum, datum) => out.push(enum_set::enum_name(bits(datum)?, &field_type.elems)?.as_bytes())?,
            (Shape::Set, datum) => out.push(enum_set::set_name(bits(datum)?, &field_type.elems)?.as_bytes())?,
            (Shape::Json, Datum::Json(json)) => {
                json::append_text(&mut out.data, json)?;
                out.end_row()?;
            }
            (_, other) => return Err(mismatch(field_type.type_name(), other)),
        },
        (Values::Floats(out), _) => match datum {
            Datum::Vector(bytes) => {
                out.data.extend(vector::elements(bytes)?);
                out.end_row()?;
            }
            other => return Err(mismatch("VECTOR", other)),
        },
    }
    Ok(true)
}

fn mismatch(what: &'static str, datum: &Datum<'_>) -> CodecError {
    CodecError::corrupt(what, format!("the store sent {}", datum.kind()))
}

fn wide_int(datum: &Datum<'_>) -> Result<i128, CodecError> {
    match datum {
        Datum::Int(v) => Ok(i128::from(*v)),
        Datum::Uint(v) => Ok(i128::from(*v)),
        other => Err(mismatch("integer", other)),
    }
}

fn float(datum: &Datum<'_>) -> Result<f64, CodecError> {
    match datum {
        Datum::Float(v) => Ok(*v),
        other => Err(mismatch("floating-point number", other)),
    }
}

/// The number of a BIT, ENUM or SET.
fn bits(datum: &Datum<'_>) -> Result<u64, CodecError> {
    match datum {
        Datum::Uint(v) => Ok(*v),
        Datum::Int(v) => value::narrow(*v),
        Datum::Bytes(v) => bit::to_u64(v),
        other => Err(mismatch("BIT, ENUM or SET", other)),
    }
}

fn time(datum: &Datum<'_>) -> Result<MysqlTime, CodecError> {
    match datum {
        Datum::Uint(packed) => MysqlTime::from_packed(*packed),
        Datum::Int(packed) => MysqlTime::from_packed(value::narrow(*packed)?),
        other => Err(mismatch("date and time", other)),
    }
}

fn nanos(datum: &Datum<'_>) -> Result<i64, CodecError> {
    match datum {
        Datum::Duration(v) | Datum::Int(v) => Ok(*v),
        other => Err(mismatch("TIME", other)),
    }
}
