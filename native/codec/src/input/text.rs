//! CHAR, VARCHAR, TEXT and their binary kin.

use std::borrow::Cow;

use super::error::Refusal;
use crate::datum::Datum;
use crate::field_type::{type_code as t, FieldType};

/// What TiDB takes as text of a character set. It keeps all text as UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Charset {
    Utf8mb4,
    /// No characters of four bytes.
    Utf8,
    Ascii,
    /// Everything: TiDB does not check it.
    Latin1,
    /// ASCII only, until GBK's characters are known here.
    Gbk,
}

/// CHAR, VARCHAR and TEXT.
#[derive(Debug)]
pub(super) struct TextRule {
    charset: Charset,
    limit: Option<usize>,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Char,
    Varchar,
    /// Its length is counted in bytes.
    Text,
}

impl TextRule {
    pub(super) fn characters(ft: &FieldType, limit: Option<usize>) -> Result<Self, String> {
        Ok(Self {
            charset: charset(ft)?,
            limit,
            kind: if ft.tp == t::STRING { Kind::Char } else { Kind::Varchar },
        })
    }

    pub(super) fn bytes(ft: &FieldType, limit: Option<usize>) -> Result<Self, String> {
        Ok(Self {
            charset: charset(ft)?,
            limit,
            kind: Kind::Text,
        })
    }

    #[inline]
    pub(super) fn apply<'a>(&self, value: &'a [u8]) -> Result<Datum<'a>, Refusal> {
        self.check_charset(value)?;
        let mut value = value;
        // A value of no more bytes than the limit has no more characters either.
        if let Some(limit) = self.limit.filter(|limit| value.len() > *limit) {
            value = self.cut(value, limit)?;
        }
        if self.kind == Kind::Char {
            let spaces = value.iter().rev().take_while(|b| **b == b' ').count();
            value = value.get(..value.len() - spaces).unwrap_or_default();
        }
        Ok(Datum::Bytes(Cow::Borrowed(value)))
    }

    /// The value without what is over the limit, if that is white space at the end of a CHAR or VARCHAR.
    fn cut<'a>(&self, value: &'a [u8], limit: usize) -> Result<&'a [u8], Refusal> {
        if self.kind == Kind::Text {
            return Err(Refusal::TooLong {
                length: value.len(),
                limit,
                unit: "bytes",
            });
        }
        // Bytes that are not UTF-8 (latin1 is not checked) count as one character each, as in Go.
        let mut end = 0;
        let mut length = 0;
        for chunk in value.utf8_chunks() {
            let starts = chunk.valid().char_indices().map(|(at, _)| at);
            let base = (chunk.valid().as_ptr() as usize).wrapping_sub(value.as_ptr() as usize);
            let invalid = base + chunk.valid().len()..base + chunk.valid().len() + chunk.invalid().len();
            for start in starts.map(|at| base + at).chain(invalid) {
                if length == limit {
                    end = start;
                }
                length += 1;
            }
        }
        if length <= limit {
            return Ok(value);
        }
        let (kept, over) = value.split_at_checked(end).unwrap_or((value, &[]));
        if over.iter().all(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r')) {
            return Ok(kept);
        }
        Err(Refusal::TooLong {
            length,
            limit,
            unit: "characters",
        })
    }

    #[inline]
    fn check_charset(&self, value: &[u8]) -> Result<(), Refusal> {
        if value.is_ascii() {
            return Ok(());
        }
        let bad = match self.charset {
            Charset::Latin1 => None,
            Charset::Utf8mb4 => not_utf8(value),
            Charset::Utf8 => {
                let four_bytes = value.iter().position(|b| *b >= 0xf0);
                match (not_utf8(value), four_bytes) {
                    (Some(a), Some(b)) => Some(a.min(b)),
                    (a, b) => a.or(b),
                }
            }
            Charset::Ascii | Charset::Gbk => value.iter().position(|b| !b.is_ascii()),
        };
        bad.map_or(Ok(()), |at| Err(self.bad_charset(value, at)))
    }

    #[cold]
    fn bad_charset(&self, value: &[u8], at: usize) -> Refusal {
        let rest = value.get(at..).unwrap_or_default();
        let more = rest.iter().skip(1).take_while(|b| **b & 0xc0 == 0x80).count();
        let convert = "CONVERT the column TO CHARACTER SET utf8mb4 in TiDB";
        let (charset, remedy) = match self.charset {
            Charset::Utf8mb4 | Charset::Latin1 => ("utf8mb4", "give the column the type VARBINARY or BLOB in TiDB"),
            Charset::Utf8 => ("utf8", convert),
            Charset::Ascii => ("ascii", convert),
            Charset::Gbk => ("ASCII, all of gbk that this version writes", convert),
        };
        Refusal::Charset {
            bytes: rest.iter().take(more + 1).copied().collect(),
            at: at + 1,
            charset,
            remedy,
        }
    }
}

/// Where the first sequence is that is not UTF-8.
fn not_utf8(value: &[u8]) -> Option<usize> {
    std::str::from_utf8(value).err().map(|e| e.valid_up_to())
}

fn charset(ft: &FieldType) -> Result<Charset, String> {
    Ok(match ft.charset.as_str() {
        "" | "utf8mb4" => Charset::Utf8mb4,
        "utf8" | "utf8mb3" => Charset::Utf8,
        "ascii" => Charset::Ascii,
        "latin1" => Charset::Latin1,
        "gbk" => Charset::Gbk,
        other => {
            return Err(format!(
                "the character set {other} is not known; CONVERT the column TO CHARACTER SET utf8mb4 in TiDB"
            ))
        }
    })
}

/// BINARY, VARBINARY and BLOB.
#[derive(Debug)]
pub(super) struct BinaryRule {
    pub(super) limit: Option<usize>,
    /// BINARY(n): zeros follow up to its length.
    pub(super) pads: bool,
}

impl BinaryRule {
    #[inline]
    pub(super) fn apply<'a>(&self, value: &'a [u8]) -> Result<Datum<'a>, Refusal> {
        match self.limit {
            Some(limit) if value.len() > limit => Err(Refusal::TooLong {
                length: value.len(),
                limit,
                unit: "bytes",
            }),
            Some(limit) if self.pads && value.len() < limit => {
                let mut padded = value.to_vec();
                padded.resize(limit, 0);
                Ok(Datum::Bytes(padded.into()))
            }
            _ => Ok(Datum::Bytes(value.into())),
        }
    }
}
