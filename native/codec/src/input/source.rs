//! An Arrow array, downcast once per batch. Text is kept as bytes: what comes from a JVM need not be UTF-8.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, DurationMicrosecondType, Float32Type, Float64Type, Int16Type, Int32Type, Int64Type,
    Int8Type, TimestampMicrosecondType,
};
use arrow_array::{Array, ArrayRef, BooleanArray, Float32Array};
use arrow_schema::{DataType, TimeUnit};

use crate::mysql::decimal::Decimal;
use crate::mysql::duration;
use crate::mysql::time::MysqlTime;

/// The values of a batch, by Arrow type.
#[derive(Debug)]
pub(super) enum Source<'a> {
    Bool(&'a BooleanArray),
    I8(&'a [i8]),
    I16(&'a [i16]),
    I32(&'a [i32]),
    I64(&'a [i64]),
    F32(&'a [f32]),
    F64(&'a [f64]),
    Decimal {
        values: &'a [i128],
        scale: u8,
    },
    Bytes(Ragged<'a>),
    Text(Ragged<'a>),
    /// Days since 1970-01-01.
    Date(&'a [i32]),
    /// Microseconds since 1970-01-01T00:00:00: of UTC when `zoned`, of a wall clock otherwise.
    Micros {
        values: &'a [i64],
        zoned: bool,
    },
    /// Microseconds.
    Duration(&'a [i64]),
    Floats {
        offsets: &'a [i32],
        items: &'a Float32Array,
    },
}

/// Values of varying length.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ragged<'a> {
    offsets: &'a [i32],
    data: &'a [u8],
}

/// Where a row's items are.
fn place(offsets: &[i32], row: usize) -> Option<std::ops::Range<usize>> {
    let start = usize::try_from(*offsets.get(row)?).ok()?;
    let end = usize::try_from(*offsets.get(row + 1)?).ok()?;
    Some(start..end)
}

impl<'a> Ragged<'a> {
    /// The row's bytes; `None` where the offsets lie, which nothing has checked when they come from elsewhere.
    #[inline]
    fn get(&self, row: usize) -> Option<&'a [u8]> {
        self.data.get(place(self.offsets, row)?)
    }
}

/// A number of any type.
#[derive(Debug, Clone, Copy)]
pub(super) enum Number {
    Int(i64),
    Float(f64),
    Decimal { unscaled: i128, scale: u8 },
}

impl<'a> Source<'a> {
    /// `None` for a type that no column takes.
    pub(super) fn new(array: &'a ArrayRef) -> Option<Self> {
        let array: &'a dyn Array = array.as_ref();
        Some(match array.data_type() {
            DataType::Boolean => Self::Bool(array.as_boolean_opt()?),
            DataType::Int8 => Self::I8(array.as_primitive_opt::<Int8Type>()?.values()),
            DataType::Int16 => Self::I16(array.as_primitive_opt::<Int16Type>()?.values()),
            DataType::Int32 => Self::I32(array.as_primitive_opt::<Int32Type>()?.values()),
            DataType::Int64 => Self::I64(array.as_primitive_opt::<Int64Type>()?.values()),
            DataType::Float32 => Self::F32(array.as_primitive_opt::<Float32Type>()?.values()),
            DataType::Float64 => Self::F64(array.as_primitive_opt::<Float64Type>()?.values()),
            DataType::Decimal128(_, scale) => Self::Decimal {
                values: array.as_primitive_opt::<Decimal128Type>()?.values(),
                scale: u8::try_from(*scale).ok().filter(|scale| *scale <= 38)?,
            },
            DataType::Utf8 => {
                let text = array.as_string_opt::<i32>()?;
                Self::Text(Ragged {
                    offsets: text.value_offsets(),
                    data: text.value_data(),
                })
            }
            DataType::Binary => {
                let bytes = array.as_binary_opt::<i32>()?;
                Self::Bytes(Ragged {
                    offsets: bytes.value_offsets(),
                    data: bytes.value_data(),
                })
            }
            DataType::Date32 => Self::Date(array.as_primitive_opt::<Date32Type>()?.values()),
            DataType::Timestamp(TimeUnit::Microsecond, zone) => Self::Micros {
                values: array.as_primitive_opt::<TimestampMicrosecondType>()?.values(),
                zoned: zone.is_some(),
            },
            DataType::Duration(TimeUnit::Microsecond) => {
                Self::Duration(array.as_primitive_opt::<DurationMicrosecondType>()?.values())
            }
            DataType::List(_) => {
                let list = array.as_list_opt::<i32>()?;
                Self::Floats {
                    offsets: list.value_offsets(),
                    items: list.values().as_primitive_opt::<Float32Type>()?,
                }
            }
            _ => return None,
        })
    }

    /// The row's number; `None` when the source has none.
    #[inline]
    pub(super) fn number(&self, row: usize) -> Option<Number> {
        Some(match self {
            Self::I64(v) => Number::Int(*v.get(row)?),
            Self::I32(v) => Number::Int(i64::from(*v.get(row)?)),
            Self::I16(v) => Number::Int(i64::from(*v.get(row)?)),
            Self::I8(v) => Number::Int(i64::from(*v.get(row)?)),
            Self::Bool(v) if row < v.len() => Number::Int(i64::from(v.value(row))),
            Self::F32(v) => Number::Float(f64::from(*v.get(row)?)),
            Self::F64(v) => Number::Float(*v.get(row)?),
            Self::Decimal { values, scale } => Number::Decimal {
                unscaled: *values.get(row)?,
                scale: *scale,
            },
            _ => return None,
        })
    }

    /// The row's text or bytes; `None` when the source has none.
    #[inline]
    pub(super) fn bytes(&self, row: usize) -> Option<&'a [u8]> {
        match self {
            Self::Text(v) | Self::Bytes(v) => v.get(row),
            _ => None,
        }
    }

    /// The row's vector; `None` when the source has none.
    pub(super) fn floats(&self, row: usize) -> Option<impl ExactSizeIterator<Item = Option<f32>> + 'a> {
        let Self::Floats { offsets, items } = self else {
            return None;
        };
        let items: &'a Float32Array = items;
        let place = place(offsets, row).filter(|place| place.start <= place.end && place.end <= items.len())?;
        Some(place.map(|i| items.is_valid(i).then(|| items.values().get(i).copied()).flatten()))
    }

    /// The row's value for a message.
    pub(super) fn show(&self, row: usize) -> String {
        match self {
            Self::Text(v) => format!(
                "'{}'",
                shorten(&String::from_utf8_lossy(v.get(row).unwrap_or_default()))
            ),
            Self::Bytes(v) => {
                let bytes = v.get(row).unwrap_or_default();
                let hex: String = bytes.iter().take(19).map(|b| format!("{b:02X}")).collect();
                format!("x'{hex}{}'", if bytes.len() > 19 { "..." } else { "" })
            }
            Self::Bool(_) => match self.number(row) {
                Some(Number::Int(0)) => "false".to_owned(),
                _ => "true".to_owned(),
            },
            Self::Date(v) => MysqlTime::from_days(i64::from(v.get(row).copied().unwrap_or_default()))
                .map_or_else(|| "a date outside of the years 0 to 9999".to_owned(), |t| t.date_text()),
            Self::Micros { values, zoned } => {
                let micros = values.get(row).copied().unwrap_or_default();
                let utc = if *zoned { " UTC" } else { "" };
                MysqlTime::from_wall_micros(micros).map_or_else(
                    || "a time outside of the years 0 to 9999".to_owned(),
                    |t| format!("{t}{utc}"),
                )
            }
            Self::Duration(v) => duration::text(v.get(row).copied().unwrap_or_default().saturating_mul(1_000)),
            Self::Floats { .. } => {
                let items = self.floats(row).into_iter().flatten().take(5);
                let items: Vec<String> = items.map(|v| v.map_or("NULL".to_owned(), |v| v.to_string())).collect();
                format!("[{}{}]", items.join(", "), if items.len() == 5 { ", ..." } else { "" })
            }
            _ => match self.number(row) {
                Some(Number::Int(v)) => v.to_string(),
                Some(Number::Float(v)) => v.to_string(),
                Some(Number::Decimal { unscaled, scale }) => {
                    Decimal::from_unscaled(unscaled, scale).map_or_else(|_| unscaled.to_string(), |d| d.to_string())
                }
                None => "NULL".to_owned(),
            },
        }
    }
}

/// At most 40 characters.
fn shorten(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
