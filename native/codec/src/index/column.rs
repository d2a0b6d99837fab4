//! A column of a key: which value of the row it takes, how much of it, and its memcomparable form.

use std::borrow::Cow;

use crate::bytes::encode_bytes;
use crate::collation::{without_tail_spaces, Collation};
use crate::datum::{flag, Datum};
use crate::error::CodecError;
use crate::field_type::{type_code as t, FieldType};
use crate::number;

/// A column of an index or of a clustered primary key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexColumn {
    /// Name, for messages.
    pub name: String,
    /// Position of the column in the row's datums: `ColumnInfo.offset`.
    pub offset: usize,
    /// Column id.
    pub column_id: i64,
    /// Type.
    pub field_type: FieldType,
    /// `IndexColumn.length` of the table information: only so many characters (bytes, for byte strings) are in the key. `None`: all.
    pub prefix: Option<u32>,
}

/// How the values of a type look in keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Int,
    /// Also ENUM, SET, BIT and packed dates and times.
    Uint,
    Float,
    Decimal {
        precision: u8,
        scale: u8,
    },
    Duration,
    Text(Collation),
}

/// [`IndexColumn`], checked, with everything looked up.
#[derive(Debug, Clone)]
pub(crate) struct KeyColumn {
    pub(crate) name: String,
    pub(crate) offset: usize,
    pub(crate) column_id: i64,
    pub(crate) field_type: FieldType,
    pub(crate) prefix: Option<u32>,
    form: Form,
}

impl KeyColumn {
    /// # Errors
    /// [`CodecError::UnsupportedFeature`] for types that cannot be in a key, and collations without known sort keys.
    pub(crate) fn new(column: IndexColumn) -> Result<Self, CodecError> {
        let IndexColumn {
            name,
            offset,
            column_id,
            field_type,
            prefix,
        } = column;
        let form = match field_type.tp {
            t::TINY | t::SHORT | t::INT24 | t::LONG | t::LONG_LONG if field_type.is_unsigned() => Form::Uint,
            t::TINY | t::SHORT | t::INT24 | t::LONG | t::LONG_LONG | t::YEAR => Form::Int,
            t::FLOAT | t::DOUBLE => Form::Float,
            t::NEW_DECIMAL => {
                let (precision, scale) = field_type.precision_and_scale();
                Form::Decimal { precision, scale }
            }
            t::DATE | t::DATETIME | t::TIMESTAMP | t::ENUM | t::SET | t::BIT => Form::Uint,
            t::DURATION => Form::Duration,
            t::VARCHAR | t::VAR_STRING | t::STRING | t::TINY_BLOB | t::MEDIUM_BLOB | t::LONG_BLOB | t::BLOB => {
                Form::Text(Collation::of(&field_type.collate).map_err(|e| e.in_column(&name))?)
            }
            _ => {
                let reason = format!("type {} in an index cannot be written", field_type.sql_name());
                return Err(CodecError::UnsupportedFeature(reason).in_column(&name));
            }
        };
        Ok(Self {
            name,
            offset,
            column_id,
            field_type,
            prefix,
            form,
        })
    }

    /// The column's value in a row.
    ///
    /// # Errors
    /// [`CodecError::Corrupt`] when the row is too short.
    pub(crate) fn value<'a, 'b>(&self, row: &'b [Datum<'a>]) -> Result<&'b Datum<'a>, CodecError> {
        row.get(self.offset).ok_or_else(|| {
            let reason = format!("it has {} values, and none at offset {}", row.len(), self.offset);
            CodecError::corrupt("row", reason).in_column(&self.name)
        })
    }

    /// Appends the key form of a value: cut to the prefix, a text as its sort key.
    ///
    /// # Errors
    /// [`CodecError::Corrupt`] for a datum that is not of the type, [`CodecError::Unrepresentable`] for a decimal with too many digits.
    pub(crate) fn encode(&self, value: &Datum<'_>, out: &mut Vec<u8>) -> Result<(), CodecError> {
        self.encode_form(value, out).map_err(|e| e.in_column(&self.name))
    }

    fn encode_form(&self, value: &Datum<'_>, out: &mut Vec<u8>) -> Result<(), CodecError> {
        match (self.form, value) {
            (_, Datum::Null) => out.push(flag::NULL),
            (Form::Int, Datum::Int(v)) => {
                out.push(flag::INT);
                number::encode_i64(out, *v);
            }
            (Form::Uint, Datum::Uint(v)) => {
                out.push(flag::UINT);
                number::encode_u64(out, *v);
            }
            (Form::Float, Datum::Float(v)) => {
                out.push(flag::FLOAT);
                number::encode_f64(out, *v);
            }
            (Form::Decimal { precision, scale }, Datum::Decimal { value, .. }) => {
                out.push(flag::DECIMAL);
                value.to_binary(out, precision, scale)?;
            }
            (Form::Duration, Datum::Duration(v) | Datum::Int(v)) => {
                out.push(flag::DURATION);
                number::encode_i64(out, *v);
            }
            (Form::Text(collation), Datum::Bytes(text)) => {
                out.push(flag::BYTES);
                encode_bytes(out, &collation.sort_key(cut_text(&self.field_type, text, self.prefix))?);
            }
            (_, other) => {
                return Err(CodecError::corrupt(
                    "row",
                    format!(
                        "a column of type {} cannot hold {}",
                        self.field_type.sql_name(),
                        other.kind()
                    ),
                ))
            }
        }
        Ok(())
    }

    /// The value, cut to the prefix of the key.
    pub(crate) fn cut<'b>(&self, value: &'b Datum<'_>) -> Datum<'b> {
        self.cut_to(value, self.prefix)
    }

    /// The value, cut to a length of characters (bytes for byte strings); `None`: all of it.
    pub(crate) fn cut_to<'b>(&self, value: &'b Datum<'_>, length: Option<u32>) -> Datum<'b> {
        match value {
            Datum::Bytes(text) => Datum::Bytes(Cow::Borrowed(cut_text(&self.field_type, text, length))),
            other => other.borrowed(),
        }
    }

    /// The collation of a text column whose text cannot be had from its key alone, so that values of entries keep it (TiDB's
    /// `NeedRestoredData`): every collation that compares more loosely than bytes, and PAD SPACE on VARCHAR. A CHAR has no spaces at
    /// its end anyway.
    pub(crate) fn restored_collation(&self) -> Option<Collation> {
        let Form::Text(collation) = self.form else {
            return None;
        };
        let varchar = matches!(self.field_type.tp, t::VARCHAR | t::VAR_STRING);
        match collation {
            Collation::Binary | Collation::NoPadBin => None,
            Collation::PadSpaceBin => varchar.then_some(collation),
            Collation::GeneralCi | Collation::UnicodeCi | Collation::Unicode0900AiCi => Some(collation),
        }
    }
}

/// The first `length` characters of a text; bytes, for byte strings and ASCII. `None`: all of it.
#[must_use]
pub fn cut_text<'b>(field_type: &FieldType, text: &'b [u8], length: Option<u32>) -> &'b [u8] {
    let Some(length) = length.and_then(|l| usize::try_from(l).ok()) else {
        return text;
    };
    if text.len() <= length {
        return text;
    }
    let kept = if matches!(field_type.charset.as_str(), "binary" | "ascii") {
        Some(length)
    } else {
        // The start of character number `length`: the byte where the text is cut.
        let starts = text.iter().enumerate().filter(|(_, b)| **b & 0xc0 != 0x80);
        starts.map(|(at, _)| at).nth(length)
    };
    kept.and_then(|kept| text.get(..kept)).unwrap_or(text)
}

/// Spaces at the end of a text.
pub(crate) fn tail_spaces(value: &Datum<'_>) -> usize {
    match value {
        Datum::Bytes(text) => text.len() - without_tail_spaces(text).len(),
        _ => 0,
    }
}
