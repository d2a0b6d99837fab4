//! Datums: values with a flag byte in front, as in keys, in TypeDefault answers and in `ColumnInfo.default_val`.
//!
//! ```text
//!  0 NULL            3 i64 (memcomparable)   6 decimal: precision, fraction digits, binary form    10 JSON: type code, binary form
//!  1 bytes (memc.)   4 u64 (big-endian)      7 TIME: i64 nanoseconds (memcomparable)                20 vector
//!  2 bytes (compact) 5 f64 (memcomparable)   8 i64 (varint)    9 u64 (varint)                      250 greater than all
//! ```
//! Dates and times are their packed u64, ENUM, SET and BIT their number, FLOAT is f64. Source: TiDB `util/codec/codec.go`.

use std::borrow::Cow;

use crate::bytes::{decode_bytes, decode_compact_bytes, encode_bytes, encode_compact_bytes, Reader};
use crate::error::CodecError;
use crate::mysql::decimal::Decimal;
use crate::mysql::{json, vector};
use crate::number;

pub(crate) mod flag {
    pub const NULL: u8 = 0;
    pub const BYTES: u8 = 1;
    pub const COMPACT_BYTES: u8 = 2;
    pub const INT: u8 = 3;
    pub const UINT: u8 = 4;
    pub const FLOAT: u8 = 5;
    pub const DECIMAL: u8 = 6;
    pub const DURATION: u8 = 7;
    pub const VAR_INT: u8 = 8;
    pub const VAR_UINT: u8 = 9;
    pub const JSON: u8 = 10;
    pub const VECTOR: u8 = 20;
    pub const MAX: u8 = 250;
}

/// One value. What is borrowed points into the bytes it was decoded from.
#[derive(Debug, Clone, PartialEq)]
pub enum Datum<'a> {
    /// NULL.
    Null,
    /// A signed integer.
    Int(i64),
    /// An unsigned integer; also packed dates and times, and the numbers of ENUM, SET and BIT.
    Uint(u64),
    /// FLOAT and DOUBLE.
    Float(f64),
    /// Text and byte strings.
    Bytes(Cow<'a, [u8]>),
    /// DECIMAL. `precision` and `scale` say how it is encoded; a precision of 0: as many digits as it has.
    Decimal {
        /// The number.
        value: Decimal,
        /// Digits, 0..=81.
        precision: u8,
        /// Fraction digits.
        scale: u8,
    },
    /// TIME in nanoseconds.
    Duration(i64),
    /// JSON: type code and binary form.
    Json(Cow<'a, [u8]>),
    /// VECTOR: its bytes, the number of elements included.
    Vector(Cow<'a, [u8]>),
    /// Greater than every value; in keys only.
    Max,
}

impl<'a> Datum<'a> {
    /// The same value; its bytes stay where they are.
    #[must_use]
    pub fn borrowed(&self) -> Datum<'_> {
        match self {
            Self::Null => Datum::Null,
            Self::Int(v) => Datum::Int(*v),
            Self::Uint(v) => Datum::Uint(*v),
            Self::Float(v) => Datum::Float(*v),
            Self::Bytes(v) => Datum::Bytes(Cow::Borrowed(v)),
            Self::Decimal {
                value,
                precision,
                scale,
            } => Datum::Decimal {
                value: *value,
                precision: *precision,
                scale: *scale,
            },
            Self::Duration(v) => Datum::Duration(*v),
            Self::Json(v) => Datum::Json(Cow::Borrowed(v)),
            Self::Vector(v) => Datum::Vector(Cow::Borrowed(v)),
            Self::Max => Datum::Max,
        }
    }

    /// The same value, borrowing nothing.
    #[must_use]
    pub fn into_owned(self) -> Datum<'static> {
        match self {
            Self::Null => Datum::Null,
            Self::Int(v) => Datum::Int(v),
            Self::Uint(v) => Datum::Uint(v),
            Self::Float(v) => Datum::Float(v),
            Self::Bytes(v) => Datum::Bytes(Cow::Owned(v.into_owned())),
            Self::Decimal {
                value,
                precision,
                scale,
            } => Datum::Decimal {
                value,
                precision,
                scale,
            },
            Self::Duration(v) => Datum::Duration(v),
            Self::Json(v) => Datum::Json(Cow::Owned(v.into_owned())),
            Self::Vector(v) => Datum::Vector(Cow::Owned(v.into_owned())),
            Self::Max => Datum::Max,
        }
    }

    /// Reads one datum.
    ///
    /// # Errors
    /// [`CodecError`] for an unknown flag or a damaged value.
    pub fn decode(reader: &mut Reader<'a>) -> Result<Self, CodecError> {
        Ok(match reader.u8("datum")? {
            flag::NULL => Self::Null,
            flag::BYTES => Self::Bytes(Cow::Owned(decode_bytes(reader)?)),
            flag::COMPACT_BYTES => Self::Bytes(Cow::Borrowed(decode_compact_bytes(reader)?)),
            flag::INT => Self::Int(number::decode_i64(reader)?),
            flag::UINT => Self::Uint(number::decode_u64(reader)?),
            flag::FLOAT => Self::Float(number::decode_f64(reader)?),
            flag::DECIMAL => {
                let (precision, scale) = match reader.rest() {
                    [precision, scale, ..] => (*precision, *scale),
                    rest => {
                        return Err(CodecError::Truncated {
                            what: "decimal",
                            needed: 2,
                            left: rest.len(),
                        })
                    }
                };
                Self::Decimal {
                    value: Decimal::from_binary(reader)?,
                    precision,
                    scale,
                }
            }
            flag::DURATION => Self::Duration(number::decode_i64(reader)?),
            flag::VAR_INT => Self::Int(number::decode_var_i64(reader)?),
            flag::VAR_UINT => Self::Uint(number::decode_var_u64(reader)?),
            flag::JSON => Self::Json(Cow::Borrowed(json::take(reader)?)),
            flag::VECTOR => Self::Vector(Cow::Borrowed(vector::take(reader)?)),
            flag::MAX => Self::Max,
            other => return Err(CodecError::corrupt("datum", format!("its flag is {other}"))),
        })
    }

    /// What kind of value it is, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "NULL",
            Self::Int(_) => "a signed integer",
            Self::Uint(_) => "an unsigned integer",
            Self::Float(_) => "a floating-point number",
            Self::Bytes(_) => "a byte string",
            Self::Decimal { .. } => "a decimal",
            Self::Duration(_) => "a duration",
            Self::Json(_) => "JSON",
            Self::Vector(_) => "a vector",
            Self::Max => "the greatest value",
        }
    }

    /// Appends the form of values: short integers and strings. This is the form of `ColumnInfo.default_val`.
    ///
    /// # Errors
    /// [`CodecError::Unrepresentable`] when a decimal does not fit its precision and scale.
    pub fn encode_value(&self, out: &mut Vec<u8>) -> Result<(), CodecError> {
        match self {
            Self::Int(v) => {
                out.push(flag::VAR_INT);
                number::encode_var_i64(out, *v);
            }
            Self::Uint(v) => {
                out.push(flag::VAR_UINT);
                number::encode_var_u64(out, *v);
            }
            Self::Bytes(v) => {
                out.push(flag::COMPACT_BYTES);
                encode_compact_bytes(out, v);
            }
            other => return other.encode_key(out),
        }
        Ok(())
    }

    /// Appends the form of keys: bytes compare as the values do (JSON and vectors excepted).
    ///
    /// # Errors
    /// As [`Self::encode_value`].
    pub fn encode_key(&self, out: &mut Vec<u8>) -> Result<(), CodecError> {
        match self {
            Self::Null => out.push(flag::NULL),
            Self::Int(v) => {
                out.push(flag::INT);
                number::encode_i64(out, *v);
            }
            Self::Uint(v) => {
                out.push(flag::UINT);
                number::encode_u64(out, *v);
            }
            Self::Float(v) => {
                out.push(flag::FLOAT);
                number::encode_f64(out, *v);
            }
            Self::Bytes(v) => {
                out.push(flag::BYTES);
                encode_bytes(out, v);
            }
            Self::Decimal {
                value,
                precision,
                scale,
            } => {
                out.push(flag::DECIMAL);
                let (precision, scale) = if *precision == 0 {
                    value.precision_and_scale()
                } else {
                    (*precision, *scale)
                };
                value.to_binary(out, precision, scale)?;
            }
            Self::Duration(v) => {
                out.push(flag::DURATION);
                number::encode_i64(out, *v);
            }
            Self::Json(v) => {
                out.push(flag::JSON);
                out.extend_from_slice(v);
            }
            Self::Vector(v) => {
                out.push(flag::VECTOR);
                out.extend_from_slice(v);
            }
            Self::Max => out.push(flag::MAX),
        }
        Ok(())
    }
}
