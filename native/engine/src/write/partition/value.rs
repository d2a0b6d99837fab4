//! Values of partitioning columns: of rows, and of the texts in which TiDB keeps bounds and lists.

use std::borrow::Cow;
use std::fmt;

use ti_codec::bytes::lossy;
use ti_codec::collation::Collation;
use ti_codec::datum::Datum;
use ti_codec::field_type::{type_code as t, FieldType};
use ti_codec::mysql::time::MysqlTime;
use ti_codec::mysql::{bit, duration, enum_set};

use super::{damaged, number, unsupported, Column};
use crate::error::{Error, Result};

/// A value that compares as TiDB compares those of its column. NULL is below all others.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Value<'a> {
    Null,
    Int(i128),
    /// Packed.
    Time(u64),
    /// Nanoseconds.
    Duration(i64),
    /// The sort key.
    Text(Cow<'a, [u8]>),
}

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("NULL"),
            Self::Int(v) => write!(f, "{v}"),
            Self::Time(packed) => match MysqlTime::from_packed(*packed) {
                Ok(time) => write!(f, "'{time}'"),
                Err(_) => write!(f, "{packed}"),
            },
            Self::Duration(nanos) => write!(f, "'{}'", duration::text(*nanos)),
            Self::Text(key) => write!(f, "'{}'", lossy(key)),
        }
    }
}

/// A column of KEY, RANGE COLUMNS or LIST COLUMNS.
#[derive(Debug)]
pub(super) struct PartitionColumn {
    name: String,
    offset: usize,
    ty: FieldType,
    collation: Collation,
}

impl PartitionColumn {
    pub(super) fn new(info: &Column) -> Result<Self> {
        let ty = info.ty.clone();
        let is_text = matches!(
            ty.tp,
            t::VARCHAR | t::VAR_STRING | t::STRING | t::TINY_BLOB | t::ENUM | t::SET
        );
        let collation = if is_text { ty.collate.as_str() } else { "binary" };
        let collation =
            Collation::of(collation).map_err(|e| Error::from(e).context(format!("column `{}`", info.name)))?;
        Ok(Self {
            name: info.name.clone(),
            offset: info.offset,
            ty,
            collation,
        })
    }

    fn refused(&self, why: &str) -> Error {
        unsupported(format!("column `{}` of type {} {why}", self.name, self.ty.sql_name()))
    }

    fn datum<'b, 'a>(&self, row: &'b [Datum<'a>]) -> Result<&'b Datum<'a>> {
        row.get(self.offset)
            .ok_or_else(|| damaged(format!("the row has no value of column `{}`", self.name)))
    }

    fn mismatch(&self) -> Error {
        damaged(format!(
            "the value of column `{}` is not of type {}",
            self.name,
            self.ty.sql_name()
        ))
    }

    /// The value in a row.
    pub(super) fn value<'b>(&self, row: &'b [Datum<'_>]) -> Result<Value<'b>> {
        match (self.datum(row)?, self.ty.tp) {
            (Datum::Bytes(text), t::VARCHAR | t::VAR_STRING | t::STRING) => {
                Ok(Value::Text(self.collation.sort_key(text)?))
            }
            (datum, _) => self.key_value(datum),
        }
    }

    /// Where the column is in rows.
    pub(super) fn offset(&self) -> usize {
        self.offset
    }

    /// A value of the column; a text is given by its sort key.
    pub(super) fn key_value(&self, datum: &Datum<'_>) -> Result<Value<'static>> {
        Ok(match (datum, self.ty.tp) {
            (Datum::Null, _) => Value::Null,
            (Datum::Int(v), t::TINY | t::SHORT | t::INT24 | t::LONG | t::LONG_LONG) => Value::Int(i128::from(*v)),
            (Datum::Uint(v), t::TINY | t::SHORT | t::INT24 | t::LONG | t::LONG_LONG) => Value::Int(i128::from(*v)),
            (Datum::Uint(v), t::DATE | t::DATETIME) => Value::Time(*v),
            (Datum::Duration(v), t::DURATION) => Value::Duration(*v),
            (Datum::Bytes(key), t::VARCHAR | t::VAR_STRING | t::STRING) => Value::Text(Cow::Owned(key.to_vec())),
            _ => return Err(self.mismatch()),
        })
    }

    /// A bound of RANGE COLUMNS.
    pub(super) fn bound(&self, text: &str) -> Result<Value<'static>> {
        self.constant(text)
    }

    /// A value of LIST COLUMNS: TiDB turns it into the column's type.
    pub(super) fn listed(&self, text: &str) -> Result<Value<'static>> {
        let value = self.constant(text)?;
        let exact = match &value {
            Value::Time(packed) => {
                let time = MysqlTime::from_packed(*packed)?;
                match self.ty.tp {
                    t::DATE => (time.hour, time.minute, time.second, time.micros) == (0, 0, 0, 0),
                    _ => time.micros.is_multiple_of(micros_of_digit(self.ty.fsp())),
                }
            }
            Value::Duration(nanos) => {
                (nanos.unsigned_abs() / 1000).is_multiple_of(u64::from(micros_of_digit(self.ty.fsp())))
            }
            _ => true,
        };
        if exact {
            Ok(value)
        } else {
            Err(self.refused(&format!("lists {text}, which is finer than the type")))
        }
    }

    fn constant(&self, text: &str) -> Result<Value<'static>> {
        let unread = || {
            self.refused(&format!(
                "has the bound or value {text}, which this version cannot read"
            ))
        };
        Ok(match self.ty.tp {
            t::TINY | t::SHORT | t::INT24 | t::LONG | t::LONG_LONG => Value::Int(number(text)?),
            t::DATE | t::DATETIME => {
                let bytes = literal(text).ok_or_else(unread)?;
                let time = std::str::from_utf8(&bytes)
                    .ok()
                    .and_then(full_date)
                    .ok_or_else(unread)?;
                Value::Time(time.to_packed())
            }
            t::DURATION => {
                let bytes = literal(text).ok_or_else(unread)?;
                let text = std::str::from_utf8(&bytes).map_err(|_| unread())?;
                Value::Duration(duration::parse(text).map_err(|_| unread())?)
            }
            t::VARCHAR | t::VAR_STRING | t::STRING => {
                let bytes = literal(text).ok_or_else(unread)?;
                Value::Text(Cow::Owned(self.collation.sort_key(&bytes)?.into_owned()))
            }
            _ => return Err(self.refused("cannot be a partitioning column in this version")),
        })
    }

    /// Whether KEY of this column can be computed.
    pub(super) fn check_key(&self) -> Result<()> {
        match self.ty.tp {
            // TiDB hashes the text in the time zone of the session.
            t::TIMESTAMP => Err(self.refused("depends on the time zone of the session when it is hashed by KEY")),
            // TiDB hashes the shortest text, which leaves a choice of the last digit, and -0 is not always told from 0.
            t::FLOAT | t::DOUBLE => Err(self.refused("has no certain text, which KEY hashes")),
            t::TINY
            | t::SHORT
            | t::INT24
            | t::LONG
            | t::LONG_LONG
            | t::YEAR
            | t::NEW_DECIMAL
            | t::BIT
            | t::ENUM
            | t::SET
            | t::DATE
            | t::DATETIME
            | t::DURATION
            | t::VARCHAR
            | t::VAR_STRING
            | t::STRING
            | t::TINY_BLOB => Ok(()),
            _ => Err(self.refused("cannot be hashed by KEY in this version")),
        }
    }

    /// Adds the value's text to the hash of a row: of texts the sort key; NULL is a zero byte.
    pub(super) fn hash(&self, row: &[Datum<'_>], crc: &mut Crc32) -> Result<()> {
        let add = |crc: &mut Crc32, bytes: &[u8]| {
            crc.update(bytes);
            Ok(())
        };
        let text = match (self.datum(row)?, self.ty.tp) {
            (Datum::Null, _) => return add(crc, &[0]),
            (Datum::Bytes(text), _) => return add(crc, &self.collation.sort_key(text)?),
            (Datum::Int(v), t::TINY | t::SHORT | t::INT24 | t::LONG | t::LONG_LONG | t::YEAR) => v.to_string(),
            (Datum::Uint(v), t::TINY | t::SHORT | t::INT24 | t::LONG | t::LONG_LONG) => v.to_string(),
            (Datum::Decimal { value, .. }, t::NEW_DECIMAL) => {
                value.rounded(self.ty.precision_and_scale().1)?.to_string()
            }
            (Datum::Uint(v), t::ENUM) => {
                let name = enum_set::enum_name(*v, &self.ty.elems)?;
                return add(crc, &self.collation.sort_key(name.as_bytes())?);
            }
            (Datum::Uint(v), t::SET) => {
                let name = enum_set::set_name(*v, &self.ty.elems)?;
                return add(crc, &self.collation.sort_key(name.as_bytes())?);
            }
            // Bytes without a collation count as text whose spaces at the end do not count.
            (Datum::Uint(v), t::BIT) => {
                let bytes = bit::to_bytes(*v, usize::from(self.ty.bit_width().div_ceil(8)))?;
                return add(crc, &Collation::PadSpaceBin.sort_key(&bytes)?);
            }
            (Datum::Uint(v), t::DATE) => MysqlTime::from_packed(*v)?.date_text(),
            (Datum::Uint(v), t::DATETIME) => {
                let text = MysqlTime::from_packed(*v)?.to_string();
                self.with_fraction(&text)
            }
            (Datum::Duration(v), t::DURATION) => self.with_fraction(&duration::text(*v)),
            _ => return Err(self.mismatch()),
        };
        crc.update(text.as_bytes());
        Ok(())
    }

    /// A text with six fraction digits, cut to those that the column has.
    fn with_fraction(&self, text: &str) -> String {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        match usize::from(self.ty.fsp()) {
            0 => whole.to_owned(),
            digits => format!("{whole}.{}", fraction.get(..digits).unwrap_or(fraction)),
        }
    }
}

/// Microseconds of the last of so many fraction digits.
fn micros_of_digit(digits: u8) -> u32 {
    10u32.pow(6u32.saturating_sub(u32::from(digits)))
}

/// A date with four digits of the year, as `MysqlTime::parse` reads it; TiDB reads other forms too.
fn full_date(text: &str) -> Option<MysqlTime> {
    let year = text.trim().split('-').next()?;
    (year.len() == 4).then(|| MysqlTime::parse(text).ok()).flatten()
}

/// The bytes of a string literal: `'text'`, `_charset'text'`, `0x..`, `x'..'` or `_charset 0x..`.
fn literal(text: &str) -> Option<Vec<u8>> {
    let text = text.trim();
    let text = match text.strip_prefix('_') {
        Some(rest) => rest
            .trim_start_matches(|c: char| c.is_ascii_alphanumeric())
            .trim_start(),
        None => text,
    };
    if let Some(digits) = text.strip_prefix("0x") {
        return unhex(digits);
    }
    if let Some(digits) = text.strip_prefix(['x', 'X']) {
        return unhex(digits.strip_prefix('\'')?.strip_suffix('\'')?);
    }
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    let mut out = String::new();
    let mut chars = text.get(1..)?.chars();
    loop {
        match chars.next()? {
            '\\' => match chars.next()? {
                '0' => out.push('\0'),
                'b' => out.push('\u{8}'),
                'n' => out.push('\n'),
                'r' => out.push('\r'),
                't' => out.push('\t'),
                'Z' => out.push('\u{1a}'),
                escaped @ ('%' | '_') => out.extend(['\\', escaped]),
                other => out.push(other),
            },
            c if c == quote => match chars.next() {
                Some(next) if next == quote => out.push(quote),
                Some(_) => return None,
                None => return Some(out.into_bytes()),
            },
            c => out.push(c),
        }
    }
}

fn unhex(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2);
    let byte = |pair: &[u8]| match pair {
        [_, _] => u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok(),
        _ => None,
    };
    pairs.map(byte).collect()
}

/// CRC-32 with the polynomial of IEEE 802.3.
#[derive(Debug)]
pub(super) struct Crc32(u32);

const CRC_TABLE: [u32; 256] = crc_table();

const fn crc_table() -> [u32; 256] {
    let mut table = [0u32; 256];
    let mut i = 0;
    while i < 256 {
        let mut crc = i as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
            bit += 1;
        }
        table[i] = crc;
        i += 1;
    }
    table
}

impl Default for Crc32 {
    fn default() -> Self {
        Self(u32::MAX)
    }
}

impl Crc32 {
    pub(super) fn update(&mut self, bytes: &[u8]) {
        for byte in bytes {
            let at = usize::from((self.0 as u8) ^ byte);
            self.0 = self.0 >> 8 ^ CRC_TABLE.get(at).copied().unwrap_or_default();
        }
    }

    pub(super) fn finish(&self) -> u32 {
        !self.0
    }
}

#[cfg(test)]
#[path = "value_tests.rs"]
mod tests;
