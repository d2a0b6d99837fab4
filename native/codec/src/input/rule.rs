//! What a column can hold, settled once per column.

use arrow_schema::{DataType, TimeUnit};

use super::error::Refusal;
use super::member::Members;
use super::number::{DecimalRule, FloatRule};
use super::source::Source;
use super::temporal::Fraction;
use super::text::{BinaryRule, TextRule};
use super::{number, temporal};
use crate::datum::Datum;
use crate::field_type::{type_code as t, FieldType};
use crate::mysql::json_encode;
use crate::options::{TimeAs, TypeOptions};
use crate::zone::TimeZone;

/// The check of one column.
#[derive(Debug)]
pub(super) enum Rule {
    Signed { min: i64, max: i64 },
    Unsigned { max: u64 },
    Year,
    Bit { width: u8 },
    Float(FloatRule),
    Decimal(DecimalRule),
    Text(TextRule),
    Binary(BinaryRule),
    Enum(Members),
    Set(Members),
    Json,
    Date,
    Datetime { fraction: Fraction, zone: TimeZone },
    Timestamp { fraction: Fraction, zone: TimeZone },
    Time { fraction: Fraction, nanos: bool },
    Vector { dimensions: Option<usize> },
}

impl Rule {
    /// The reason when columns of this type are not written.
    pub(super) fn new(ft: &FieldType, options: &TypeOptions) -> Result<Self, String> {
        let zone = options.time_zone;
        let fraction = Fraction::new(ft.fsp());
        let length = usize::try_from(ft.flen).ok();
        Ok(match ft.tp {
            t::TINY => int(ft, 8),
            t::SHORT => int(ft, 16),
            t::INT24 => int(ft, 24),
            t::LONG => int(ft, 32),
            t::LONG_LONG => int(ft, 64),
            t::YEAR => Self::Year,
            t::BIT => Self::Bit { width: ft.bit_width() },
            t::FLOAT | t::DOUBLE => Self::Float(FloatRule::new(ft)),
            t::NEW_DECIMAL => Self::Decimal(DecimalRule::new(ft)),
            t::VARCHAR | t::VAR_STRING | t::STRING | t::TINY_BLOB | t::MEDIUM_BLOB | t::LONG_BLOB | t::BLOB
                if ft.is_binary_charset() =>
            {
                Self::Binary(BinaryRule {
                    limit: length,
                    pads: ft.tp == t::STRING,
                })
            }
            t::VARCHAR | t::VAR_STRING | t::STRING => Self::Text(TextRule::characters(ft, length)?),
            t::TINY_BLOB | t::MEDIUM_BLOB | t::LONG_BLOB | t::BLOB => Self::Text(TextRule::bytes(ft, length)?),
            t::ENUM => Self::Enum(Members::new(ft)?),
            t::SET => Self::Set(Members::new(ft)?),
            t::JSON => Self::Json,
            t::DATE => Self::Date,
            t::DATETIME => Self::Datetime { fraction, zone },
            t::TIMESTAMP => Self::Timestamp { fraction, zone },
            t::DURATION => Self::Time {
                fraction,
                nanos: options.time == TimeAs::BigInt,
            },
            t::VECTOR_FLOAT32 => Self::Vector {
                dimensions: length.filter(|n| *n > 0),
            },
            _ => return Err("this version does not know how TiDB stores it".to_owned()),
        })
    }

    /// Whether values of this Arrow type can be written: that of the type table, and those that are its equals or narrower or wider numbers.
    pub(super) fn accepts(&self, arrow: &DataType) -> bool {
        let number = matches!(
            arrow,
            DataType::Boolean
                | DataType::Int8
                | DataType::Int16
                | DataType::Int32
                | DataType::Int64
                | DataType::Float32
                | DataType::Float64
        ) || matches!(arrow, DataType::Decimal128(_, 0..=38));
        let text = matches!(arrow, DataType::Utf8);
        let bytes = matches!(arrow, DataType::Binary);
        match self {
            Self::Signed { .. } | Self::Unsigned { .. } | Self::Year | Self::Float(_) => number,
            Self::Decimal(_) => number || text,
            Self::Bit { .. } => number || bytes,
            Self::Text(_) | Self::Binary(_) => text || bytes,
            Self::Enum(_) | Self::Set(_) | Self::Json => text,
            Self::Date => matches!(arrow, DataType::Date32),
            Self::Datetime { .. } | Self::Timestamp { .. } => {
                matches!(arrow, DataType::Timestamp(TimeUnit::Microsecond, _))
            }
            Self::Time { nanos, .. } => match arrow {
                DataType::Duration(TimeUnit::Microsecond) => true,
                DataType::Int64 => *nanos,
                _ => false,
            },
            Self::Vector { .. } => {
                matches!(arrow, DataType::List(item) if *item.data_type() == DataType::Float32)
            }
        }
    }

    /// The Spark types that `accepts` stands for.
    pub(super) fn wanted(&self) -> &'static str {
        match self {
            Self::Signed { .. } | Self::Unsigned { .. } | Self::Year | Self::Float(_) => "a number",
            Self::Decimal(_) => "DECIMAL",
            Self::Bit { .. } => "BOOLEAN, BINARY or BIGINT",
            Self::Text(_) => "STRING",
            Self::Binary(_) => "BINARY",
            Self::Enum(_) | Self::Set(_) | Self::Json => "STRING",
            Self::Date => "DATE",
            Self::Datetime { .. } | Self::Timestamp { .. } => "TIMESTAMP or TIMESTAMP_NTZ",
            Self::Time { nanos: false, .. } => "INTERVAL DAY TO SECOND",
            Self::Time { nanos: true, .. } => "INTERVAL DAY TO SECOND, or BIGINT nanoseconds",
            Self::Vector { .. } => "ARRAY<FLOAT>",
        }
    }

    /// The datum of a row that is not NULL. The source is of a type that was accepted.
    #[inline]
    pub(super) fn apply<'a>(&self, source: &Source<'a>, row: usize) -> Result<Datum<'a>, Refusal> {
        match self {
            Self::Signed { min, max } => number::signed(source.number(row), *min, *max),
            Self::Unsigned { max } => number::unsigned(source.number(row), *max),
            Self::Decimal(rule) => match source.bytes(row) {
                Some(text) => rule.text(text),
                None => rule.number(source.number(row)),
            },
            Self::Text(rule) => rule.apply(expected(source.bytes(row))?),
            Self::Binary(rule) => rule.apply(expected(source.bytes(row))?),
            Self::Date => temporal::date(source, row),
            Self::Datetime { fraction, zone } => temporal::datetime(source, row, fraction, zone),
            Self::Timestamp { fraction, zone } => temporal::timestamp(source, row, fraction, zone),
            Self::Float(rule) => rule.apply(source.number(row)),
            Self::Time { fraction, .. } => temporal::time(source, row, fraction),
            Self::Year => number::year(source.number(row)),
            Self::Bit { width } => number::bit(source, row, *width),
            Self::Enum(members) => members.number(expected(source.bytes(row))?).map(Datum::Uint),
            Self::Set(members) => members.bits(expected(source.bytes(row))?).map(Datum::Uint),
            Self::Json => json(expected(source.bytes(row))?),
            Self::Vector { dimensions } => vector(source, row, *dimensions),
        }
    }
}

/// An integer of so many bits.
fn int(ft: &FieldType, bits: u32) -> Rule {
    if ft.is_unsigned() {
        Rule::Unsigned {
            max: u64::MAX >> (64 - bits),
        }
    } else {
        Rule::Signed {
            min: i64::MIN >> (64 - bits),
            max: i64::MAX >> (64 - bits),
        }
    }
}

/// What only a damaged batch lacks: its type was accepted.
#[inline]
pub(super) fn expected<T>(value: Option<T>) -> Result<T, Refusal> {
    value.ok_or_else(|| Refusal::Incorrect("its batch is damaged".to_owned()))
}

fn json<'a>(text: &[u8]) -> Result<Datum<'a>, Refusal> {
    let text = std::str::from_utf8(text).map_err(|_| Refusal::Incorrect("it is not UTF-8".to_owned()))?;
    let value = json_encode::encode(text).map_err(Refusal::Incorrect)?;
    Ok(Datum::Json(value.into()))
}

fn vector<'a>(source: &Source<'_>, row: usize, dimensions: Option<usize>) -> Result<Datum<'a>, Refusal> {
    const MAX_DIMENSIONS: usize = 16_383;
    let items = expected(source.floats(row))?;
    let count = items.len();
    if let Some(wanted) = dimensions.filter(|wanted| *wanted != count) {
        return Err(Refusal::Incorrect(format!("it has {count} dimensions, not {wanted}")));
    }
    if count > MAX_DIMENSIONS {
        return Err(Refusal::Incorrect(format!(
            "it has more than {MAX_DIMENSIONS} dimensions"
        )));
    }
    let mut bytes = Vec::with_capacity(4 + 4 * count);
    bytes.extend_from_slice(&u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes());
    for item in items {
        match item {
            Some(item) if item.is_finite() => bytes.extend_from_slice(&item.to_le_bytes()),
            Some(item) => return Err(Refusal::Incorrect(format!("{item} is not allowed in it"))),
            None => return Err(Refusal::Incorrect("NULL is not allowed in it".to_owned())),
        }
    }
    Ok(Datum::Vector(bytes.into()))
}
