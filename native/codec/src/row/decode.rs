//! A row of version 1 or 2, read in place.

use super::{matches_type, LARGE, VERSION_2};
use crate::bytes::Reader;
use crate::datum::{flag, Datum};
use crate::error::CodecError;
use crate::field_type::{type_code as t, FieldType};
use crate::mysql::decimal::Decimal;
use crate::mysql::vector;
use crate::number;

/// One row, borrowed from the value of its record key. Columns are looked up by id; nothing is decoded before.
#[derive(Debug, Clone)]
pub struct RowView<'a> {
    layout: Layout<'a>,
}

#[derive(Debug, Clone)]
enum Layout<'a> {
    /// Pairs of datums.
    V1(&'a [u8]),
    Small {
        values: &'a [[u8; 1]],
        nulls: &'a [[u8; 1]],
        ends: &'a [[u8; 2]],
        data: &'a [u8],
    },
    Large {
        values: &'a [[u8; 4]],
        nulls: &'a [[u8; 4]],
        ends: &'a [[u8; 4]],
        data: &'a [u8],
    },
}

/// Ids and offsets, little-endian, of one, two or four bytes.
trait Cell: Copy {
    fn number(self) -> u32;
}

impl Cell for [u8; 1] {
    fn number(self) -> u32 {
        u32::from(self[0])
    }
}

impl Cell for [u8; 2] {
    fn number(self) -> u32 {
        u32::from(u16::from_le_bytes(self))
    }
}

impl Cell for [u8; 4] {
    fn number(self) -> u32 {
        u32::from_le_bytes(self)
    }
}

fn corrupt(reason: impl Into<String>) -> CodecError {
    CodecError::corrupt("row", reason)
}

impl<'a> RowView<'a> {
    /// Looks at the row's head. A checksum after the values is not verified.
    ///
    /// # Errors
    /// [`CodecError`] when the row is cut short or of an unknown version.
    pub fn parse(value: &'a [u8]) -> Result<Self, CodecError> {
        let layout = match value.first() {
            Some(&VERSION_2) => parse_v2(value)?,
            Some(&(flag::INT | flag::VAR_INT)) => Layout::V1(value),
            // A row without columns; TiDB takes no bytes for the same.
            Some(&flag::NULL) if value.len() == 1 => Layout::V1(&[]),
            None => Layout::V1(&[]),
            Some(other) => return Err(corrupt(format!("its first byte is {other}, which is no version"))),
        };
        Ok(Self { layout })
    }

    /// The value of a column: `None` when the row does not have the column, so that its default value holds. DECIMAL has the precision and scale that it is
    /// stored with.
    ///
    /// # Errors
    /// [`CodecError`] when the value is damaged or not of this type.
    pub fn get(&self, column_id: i64, ft: &FieldType) -> Result<Option<Datum<'a>>, CodecError> {
        let Ok(id) = u32::try_from(column_id) else {
            return Ok(None);
        };
        let found = match &self.layout {
            Layout::V1(pairs) => return get_v1(pairs, column_id, ft),
            Layout::Small {
                values,
                nulls,
                ends,
                data,
            } => find(id, values, nulls, ends, data)?,
            Layout::Large {
                values,
                nulls,
                ends,
                data,
            } => find(id, values, nulls, ends, data)?,
        };
        found
            .map(|value| value.map_or(Ok(Datum::Null), |bytes| decode_value(bytes, ft)))
            .transpose()
    }
}

fn parse_v2(value: &[u8]) -> Result<Layout<'_>, CodecError> {
    let mut reader = Reader::new(value);
    let [_, flags] = reader.take_array("row")?;
    let values = usize::from(u16::from_le_bytes(reader.take_array("row")?));
    let nulls = usize::from(u16::from_le_bytes(reader.take_array("row")?));
    Ok(if flags & LARGE == 0 {
        let values_ids = cells(&mut reader, values)?;
        let nulls = cells(&mut reader, nulls)?;
        let ends = cells(&mut reader, values)?;
        let data = data(&mut reader, ends)?;
        Layout::Small {
            values: values_ids,
            nulls,
            ends,
            data,
        }
    } else {
        let values_ids = cells(&mut reader, values)?;
        let nulls = cells(&mut reader, nulls)?;
        let ends = cells(&mut reader, values)?;
        let data = data(&mut reader, ends)?;
        Layout::Large {
            values: values_ids,
            nulls,
            ends,
            data,
        }
    })
}

fn cells<'a, const N: usize>(reader: &mut Reader<'a>, count: usize) -> Result<&'a [[u8; N]], CodecError> {
    Ok(reader.take(count * N, "row")?.as_chunks::<N>().0)
}

fn data<'a, E: Cell>(reader: &mut Reader<'a>, ends: &[E]) -> Result<&'a [u8], CodecError> {
    reader.take(ends.last().map_or(0, |end| end.number() as usize), "row")
}

/// `None`: not in the row; `Some(None)`: NULL.
#[allow(clippy::type_complexity)]
fn find<'a, I: Cell, E: Cell>(
    id: u32,
    values: &[I],
    nulls: &[I],
    ends: &[E],
    data: &'a [u8],
) -> Result<Option<Option<&'a [u8]>>, CodecError> {
    let Ok(at) = values.binary_search_by_key(&id, |cell| cell.number()) else {
        let null = nulls.binary_search_by_key(&id, |cell| cell.number()).is_ok();
        return Ok(null.then_some(None));
    };
    let end_of = |at: usize| ends.get(at).map(|end| end.number() as usize);
    let start = at.checked_sub(1).map_or(Some(0), end_of);
    let bytes = start.zip(end_of(at)).and_then(|(start, end)| data.get(start..end));
    bytes
        .map(|bytes| Some(Some(bytes)))
        .ok_or_else(|| corrupt(format!("the offsets of column {id} are wrong")))
}

/// A value of version 2.
fn decode_value<'a>(bytes: &'a [u8], ft: &FieldType) -> Result<Datum<'a>, CodecError> {
    Ok(match ft.tp {
        t::TINY | t::SHORT | t::INT24 | t::LONG | t::LONG_LONG if ft.is_unsigned() => Datum::Uint(uint(bytes)?),
        t::TINY | t::SHORT | t::INT24 | t::LONG | t::LONG_LONG | t::YEAR => Datum::Int(int(bytes)?),
        t::DATE | t::NEW_DATE | t::DATETIME | t::TIMESTAMP | t::ENUM | t::SET | t::BIT => Datum::Uint(uint(bytes)?),
        t::DURATION => Datum::Duration(int(bytes)?),
        t::FLOAT | t::DOUBLE => whole(bytes, |reader| number::decode_f64(reader).map(Datum::Float))?,
        t::NEW_DECIMAL => whole(bytes, |reader| {
            let (precision, scale) = match reader.rest() {
                [precision, scale, ..] => (*precision, *scale),
                _ => (0, 0),
            };
            Ok(Datum::Decimal {
                value: Decimal::from_binary(reader)?,
                precision,
                scale,
            })
        })?,
        t::VARCHAR | t::VAR_STRING | t::STRING | t::TINY_BLOB | t::MEDIUM_BLOB | t::LONG_BLOB | t::BLOB => {
            Datum::Bytes(bytes.into())
        }
        t::JSON if bytes.is_empty() => return Err(corrupt("a JSON value has no bytes")),
        t::JSON => Datum::Json(bytes.into()),
        t::VECTOR_FLOAT32 => whole(bytes, |reader| vector::take(reader).map(|v| Datum::Vector(v.into())))?,
        _ => return Err(corrupt(format!("values of type {} are not known", ft.sql_name()))),
    })
}

/// A value that takes all of its bytes.
fn whole<'a>(
    bytes: &'a [u8],
    decode: impl FnOnce(&mut Reader<'a>) -> Result<Datum<'a>, CodecError>,
) -> Result<Datum<'a>, CodecError> {
    let mut reader = Reader::new(bytes);
    let datum = decode(&mut reader)?;
    if reader.is_empty() {
        Ok(datum)
    } else {
        Err(corrupt(format!("{} bytes follow a value", reader.rest().len())))
    }
}

fn int(bytes: &[u8]) -> Result<i64, CodecError> {
    match *bytes {
        [a] => Ok(i64::from(i8::from_le_bytes([a]))),
        [a, b] => Ok(i64::from(i16::from_le_bytes([a, b]))),
        [a, b, c, d] => Ok(i64::from(i32::from_le_bytes([a, b, c, d]))),
        _ => uint(bytes).map(|v| v as i64),
    }
}

fn uint(bytes: &[u8]) -> Result<u64, CodecError> {
    match *bytes {
        [a] => Ok(u64::from(a)),
        [a, b] => Ok(u64::from(u16::from_le_bytes([a, b]))),
        [a, b, c, d] => Ok(u64::from(u32::from_le_bytes([a, b, c, d]))),
        _ => <[u8; 8]>::try_from(bytes)
            .map(u64::from_le_bytes)
            .map_err(|_| corrupt(format!("an integer has {} bytes", bytes.len()))),
    }
}

fn get_v1<'a>(pairs: &'a [u8], column_id: i64, ft: &FieldType) -> Result<Option<Datum<'a>>, CodecError> {
    let mut reader = Reader::new(pairs);
    while !reader.is_empty() {
        let id = Datum::decode(&mut reader)?;
        let value = Datum::decode(&mut reader)?;
        match id {
            Datum::Int(id) if id == column_id => return unflatten(value, ft).map(Some),
            Datum::Int(_) => {}
            other => return Err(corrupt(format!("the id of a column is {}", other.kind()))),
        }
    }
    Ok(None)
}

/// Version 1 stores TIME as a signed integer.
fn unflatten<'a>(datum: Datum<'a>, ft: &FieldType) -> Result<Datum<'a>, CodecError> {
    let datum = match datum {
        Datum::Null => return Ok(Datum::Null),
        Datum::Int(nanos) if ft.tp == t::DURATION => Datum::Duration(nanos),
        other => other,
    };
    if matches_type(ft, &datum) {
        Ok(datum)
    } else {
        Err(corrupt(format!(
            "a column of type {} holds {}",
            ft.sql_name(),
            datum.kind()
        )))
    }
}
