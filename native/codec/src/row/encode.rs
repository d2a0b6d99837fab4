//! Datums to a row of version 2.

use super::{matches_type, LARGE, VERSION_2};
use crate::datum::Datum;
use crate::error::CodecError;
use crate::field_type::FieldType;
use crate::number;

/// A not-NULL column: its id, and where its value is in `RowEncoder::data`.
#[derive(Debug, Clone, Copy)]
struct Value {
    id: u32,
    start: usize,
    end: usize,
}

/// Builds one row after another, in memory that is kept: push the columns of a row in any order, then finish it.
///
/// Which columns a row has is TiDB's business, not the encoder's: the columns of the handle are left out, and so is a NULL in a column without
/// any default value (`CanSkip` in TiDB's `table/tables`).
#[derive(Debug, Default)]
pub struct RowEncoder {
    values: Vec<Value>,
    nulls: Vec<u32>,
    data: Vec<u8>,
}

impl RowEncoder {
    /// Without columns.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets the columns that were pushed.
    pub fn clear(&mut self) {
        self.values.clear();
        self.nulls.clear();
        self.data.clear();
    }

    /// Adds a column. A TIMESTAMP must be in UTC, a DECIMAL have its column's precision and scale.
    ///
    /// # Errors
    /// [`CodecError::Corrupt`]: the datum is not of the column's type, or the id is none; [`CodecError::Unrepresentable`]: a decimal that does
    /// not fit its precision and scale. The column is not added then.
    pub fn push(&mut self, column_id: i64, ft: &FieldType, datum: &Datum<'_>) -> Result<(), CodecError> {
        let id = u32::try_from(column_id)
            .ok()
            .filter(|id| *id > 0)
            .ok_or_else(|| CodecError::corrupt("row", format!("{column_id} is not the id of a stored column")))?;
        if *datum == Datum::Null {
            self.nulls.push(id);
            return Ok(());
        }
        if !matches_type(ft, datum) {
            return Err(CodecError::corrupt(
                "row",
                format!("column {id} of type {} cannot hold {}", ft.sql_name(), datum.kind()),
            ));
        }
        let start = self.data.len();
        append_value(&mut self.data, datum)?;
        self.values.push(Value {
            id,
            start,
            end: self.data.len(),
        });
        Ok(())
    }

    /// Appends the row to `out` and starts the next one.
    ///
    /// # Errors
    /// [`CodecError::Corrupt`]: a column was pushed twice, or the row has more columns or bytes than the format can count. `out` is as it was.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), CodecError> {
        let written = self.write(out);
        self.clear();
        written
    }

    fn write(&mut self, out: &mut Vec<u8>) -> Result<(), CodecError> {
        let count = |n: usize| {
            u16::try_from(n)
                .map_err(|_| CodecError::corrupt("row", format!("{n} columns are more than a row can have")))
        };
        let (values, nulls) = (count(self.values.len())?, count(self.nulls.len())?);
        let in_order = self.values.is_sorted_by_key(|v| v.id);
        if !in_order {
            self.values.sort_unstable_by_key(|v| v.id);
        }
        self.nulls.sort_unstable();
        self.check_unique()?;
        if u32::try_from(self.data.len()).is_err() {
            return Err(CodecError::corrupt("row", "it is over 4 GiB"));
        }
        let last_id = self.values.last().map(|v| v.id).max(self.nulls.last().copied());
        let large = last_id > Some(255) || self.data.len() > usize::from(u16::MAX);
        let width = if large { 8 } else { 3 };
        out.reserve(6 + width * (self.values.len() + self.nulls.len()) + self.data.len());
        out.extend_from_slice(&[VERSION_2, if large { LARGE } else { 0 }]);
        out.extend_from_slice(&values.to_le_bytes());
        out.extend_from_slice(&nulls.to_le_bytes());
        let ids = self.values.iter().map(|v| v.id).chain(self.nulls.iter().copied());
        // The ends of the values in the order of their ids. All ids and ends were seen to fit their widths.
        let ends = self.values.iter().scan(0usize, |end, v| {
            *end += v.end - v.start;
            Some(*end)
        });
        if large {
            ids.for_each(|id| out.extend_from_slice(&id.to_le_bytes()));
            ends.for_each(|end| out.extend_from_slice(&(end as u32).to_le_bytes()));
        } else {
            out.extend(ids.map(|id| id as u8));
            ends.for_each(|end| out.extend_from_slice(&(end as u16).to_le_bytes()));
        }
        if in_order {
            out.extend_from_slice(&self.data);
        } else {
            for value in &self.values {
                out.extend_from_slice(self.data.get(value.start..value.end).unwrap_or_default());
            }
        }
        Ok(())
    }

    /// Values and NULLs are sorted by now.
    fn check_unique(&self) -> Result<(), CodecError> {
        let twice = |id: u32| Err(CodecError::corrupt("row", format!("column {id} was given twice")));
        let mut pairs = self.values.iter().zip(self.values.iter().skip(1));
        if let Some((value, _)) = pairs.find(|(a, b)| a.id == b.id) {
            return twice(value.id);
        }
        let mut pairs = self.nulls.iter().zip(self.nulls.iter().skip(1));
        if let Some((id, _)) = pairs.find(|(a, b)| a == b) {
            return twice(*id);
        }
        let null_too = self
            .nulls
            .iter()
            .find(|id| self.values.binary_search_by_key(*id, |v| v.id).is_ok());
        null_too.map_or(Ok(()), |id| twice(*id))
    }
}

/// Appends a value that is not NULL. The datum is of its column's type already.
fn append_value(out: &mut Vec<u8>, datum: &Datum<'_>) -> Result<(), CodecError> {
    match datum {
        Datum::Int(v) | Datum::Duration(v) => append_int(out, *v),
        Datum::Uint(v) => append_uint(out, *v),
        Datum::Float(v) => number::encode_f64(out, *v),
        Datum::Bytes(v) | Datum::Json(v) | Datum::Vector(v) => out.extend_from_slice(v),
        Datum::Decimal {
            value,
            precision,
            scale,
        } => {
            let (precision, scale) = if *precision == 0 {
                value.precision_and_scale()
            } else {
                (*precision, *scale)
            };
            value.to_binary(out, precision, scale)?;
        }
        Datum::Null | Datum::Max => return Err(CodecError::corrupt("row", format!("{} is no value", datum.kind()))),
    }
    Ok(())
}

fn append_int(out: &mut Vec<u8>, value: i64) {
    if let Ok(v) = i8::try_from(value) {
        out.extend_from_slice(&v.to_le_bytes());
    } else if let Ok(v) = i16::try_from(value) {
        out.extend_from_slice(&v.to_le_bytes());
    } else if let Ok(v) = i32::try_from(value) {
        out.extend_from_slice(&v.to_le_bytes());
    } else {
        out.extend_from_slice(&value.to_le_bytes());
    }
}

fn append_uint(out: &mut Vec<u8>, value: u64) {
    if let Ok(v) = u8::try_from(value) {
        out.push(v);
    } else if let Ok(v) = u16::try_from(value) {
        out.extend_from_slice(&v.to_le_bytes());
    } else if let Ok(v) = u32::try_from(value) {
        out.extend_from_slice(&v.to_le_bytes());
    } else {
        out.extend_from_slice(&value.to_le_bytes());
    }
}
