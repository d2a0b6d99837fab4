//! JSON: TiDB's binary form to the text that TiDB prints.
//!
//! ```text
//! value   type code u8, then by type:
//!   object    u32 count | u32 size of all | count x (u32 key offset, u16 key length) | count x entry | keys | values
//!   array     u32 count | u32 size of all | count x entry | values
//!   literal   u8 0 null, 1 true, 2 false         i64, u64, f64   8 bytes
//!   string    varint length, bytes               opaque          u8 MySQL type, varint length, bytes
//!   date, datetime, timestamp   u64 (layout of chunks)           time   i64 nanoseconds, u32 fraction digits
//! entry   type code u8, then the literal itself, or u32 offset of the value
//! ```
//! All little-endian; offsets count from the count field of the enclosing value. Source: TiDB `types/json_binary.go`.
//!
//! Text: keys in the order they are stored (TiDB sorts them by their bytes), `, ` and `: ` between, numbers as ECMAScript prints them, and the
//! escapes of `escape`. Offsets could make a small value print without end, so text is limited to what honest values of that length need.

use std::fmt::Write as _;

use crate::bytes::Reader;
use crate::error::CodecError;
use crate::mysql::{duration, time::MysqlTime};
use crate::number::decode_var_u64;

pub(crate) mod code {
    pub const OBJECT: u8 = 0x01;
    pub const ARRAY: u8 = 0x03;
    pub const LITERAL: u8 = 0x04;
    pub const INT64: u8 = 0x09;
    pub const UINT64: u8 = 0x0a;
    pub const FLOAT64: u8 = 0x0b;
    pub const STRING: u8 = 0x0c;
    pub const OPAQUE: u8 = 0x0d;
    pub const DATE: u8 = 0x0e;
    pub const DATETIME: u8 = 0x0f;
    pub const TIMESTAMP: u8 = 0x10;
    pub const TIME: u8 = 0x11;
}

pub(crate) const HEADER: usize = 8;
pub(crate) const KEY_ENTRY: usize = 6;
pub(crate) const VALUE_ENTRY: usize = 5;
/// TiDB refuses documents deeper than 100.
const MAX_DEPTH: usize = 128;
/// The most text per byte: a control character becomes six; entries and numbers take less than this.
const MAX_GROWTH: usize = 8;

fn corrupt(reason: impl Into<String>) -> CodecError {
    CodecError::corrupt("JSON", reason)
}

/// Appends the text of a value: type code and binary form.
///
/// # Errors
/// [`CodecError`] for damaged bytes; `out` may then hold part of the text.
pub fn append_text(out: &mut Vec<u8>, value: &[u8]) -> Result<(), CodecError> {
    let mut reader = Reader::new(value);
    let type_code = reader.u8("JSON")?;
    let limit = value
        .len()
        .saturating_mul(MAX_GROWTH)
        .saturating_add(64)
        .saturating_add(out.len());
    Printer { out, limit }.value(type_code, reader.rest(), 0)
}

/// The text of a value.
///
/// # Errors
/// As [`append_text`].
pub fn text(value: &[u8]) -> Result<String, CodecError> {
    let mut out = Vec::with_capacity(value.len() * 2);
    append_text(&mut out, value)?;
    String::from_utf8(out).map_err(|_| corrupt("its text is not UTF-8"))
}

/// The bytes of the next value, type code included.
///
/// # Errors
/// [`CodecError`] when it is cut short or of an unknown type.
pub fn take<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], CodecError> {
    let mut ahead = reader.clone();
    let type_code = ahead.u8("JSON")?;
    let length = value_length(type_code, ahead.rest())?;
    reader.take(length.saturating_add(1), "JSON")
}

/// Bytes of the value that `bytes` starts with.
fn value_length(type_code: u8, bytes: &[u8]) -> Result<usize, CodecError> {
    let mut reader = Reader::new(bytes);
    Ok(match type_code {
        code::OBJECT | code::ARRAY => {
            reader.u32_le("JSON")?;
            (reader.u32_le("JSON")? as usize).max(HEADER)
        }
        code::LITERAL => 1,
        code::INT64 | code::UINT64 | code::FLOAT64 | code::DATE | code::DATETIME | code::TIMESTAMP => 8,
        code::TIME => 12,
        code::STRING | code::OPAQUE => {
            if type_code == code::OPAQUE {
                reader.u8("JSON")?;
            }
            let length = decode_var_u64(&mut reader)?;
            let header = bytes.len() - reader.rest().len();
            usize::try_from(length)
                .ok()
                .and_then(|n| n.checked_add(header))
                .ok_or_else(|| corrupt("its length is over 2^64"))?
        }
        other => return Err(corrupt(format!("type code {other:#04x}"))),
    })
}

struct Printer<'a> {
    out: &'a mut Vec<u8>,
    limit: usize,
}

impl Printer<'_> {
    fn value(&mut self, type_code: u8, bytes: &[u8], depth: usize) -> Result<(), CodecError> {
        if depth > MAX_DEPTH {
            return Err(corrupt(format!("it is nested over {MAX_DEPTH} levels")));
        }
        if self.out.len() > self.limit {
            return Err(corrupt("its values overlap"));
        }
        let mut reader = Reader::new(bytes);
        match type_code {
            code::OBJECT | code::ARRAY => self.container(type_code == code::OBJECT, bytes, depth)?,
            code::LITERAL => {
                let text = match reader.u8("JSON")? {
                    0 => "null",
                    1 => "true",
                    2 => "false",
                    other => return Err(corrupt(format!("literal {other}"))),
                };
                self.out.extend_from_slice(text.as_bytes());
            }
            code::INT64 => self.display(reader.u64_le("JSON")? as i64),
            code::UINT64 => self.display(reader.u64_le("JSON")?),
            code::FLOAT64 => self.float(f64::from_bits(reader.u64_le("JSON")?))?,
            code::STRING => {
                let length = decode_var_u64(&mut reader)?;
                let text = reader.take(usize::try_from(length).unwrap_or(usize::MAX), "JSON string")?;
                self.string(text);
            }
            code::OPAQUE => {
                let mysql_type = reader.u8("JSON")?;
                let length = decode_var_u64(&mut reader)?;
                let data = reader.take(usize::try_from(length).unwrap_or(usize::MAX), "JSON opaque value")?;
                self.opaque(mysql_type, data);
            }
            code::DATE => {
                let date = MysqlTime::from_chunk(reader.u64_le("JSON")?)?;
                self.quoted(&date.date_text());
            }
            code::DATETIME | code::TIMESTAMP => {
                let time = MysqlTime::from_chunk(reader.u64_le("JSON")?)?;
                self.quoted(&time.to_string());
            }
            code::TIME => {
                let nanos = reader.u64_le("JSON")? as i64;
                reader.u32_le("JSON")?;
                self.quoted(&duration::text(nanos));
            }
            other => return Err(corrupt(format!("type code {other:#04x}"))),
        }
        Ok(())
    }

    fn container(&mut self, object: bool, bytes: &[u8], depth: usize) -> Result<(), CodecError> {
        let mut reader = Reader::new(bytes);
        let count = reader.u32_le("JSON")? as usize;
        let size = reader.u32_le("JSON")? as usize;
        let bytes = bytes.get(..size).ok_or(CodecError::Truncated {
            what: "JSON",
            needed: size,
            left: bytes.len(),
        })?;
        let mut entries = Reader::new(bytes);
        entries.take(HEADER, "JSON")?;
        let keys = if object {
            entries.take(count.saturating_mul(KEY_ENTRY), "JSON keys")?
        } else {
            &[]
        };
        let values = entries.take(count.saturating_mul(VALUE_ENTRY), "JSON values")?;
        let (keys, _) = keys.as_chunks::<KEY_ENTRY>();
        let (values, _) = values.as_chunks::<VALUE_ENTRY>();
        self.out.push(if object { b'{' } else { b'[' });
        for (i, [type_code, place @ ..]) in values.iter().enumerate() {
            if i > 0 {
                self.out.extend_from_slice(b", ");
            }
            if let Some([o0, o1, o2, o3, l0, l1]) = keys.get(i) {
                let start = u32::from_le_bytes([*o0, *o1, *o2, *o3]) as usize;
                let length = usize::from(u16::from_le_bytes([*l0, *l1]));
                let key = bytes
                    .get(start..)
                    .and_then(|b| b.get(..length))
                    .ok_or_else(|| corrupt("a key is outside of it"))?;
                self.string(key);
                self.out.extend_from_slice(b": ");
            }
            if *type_code == code::LITERAL {
                self.value(code::LITERAL, place, depth + 1)?;
            } else {
                let offset = u32::from_le_bytes(*place) as usize;
                let value = bytes.get(offset..).ok_or_else(|| corrupt("a value is outside of it"))?;
                self.value(*type_code, value, depth + 1)?;
            }
        }
        self.out.push(if object { b'}' } else { b']' });
        Ok(())
    }

    fn display(&mut self, value: impl std::fmt::Display) {
        let mut text = String::new();
        // Writing to a String does not fail.
        let _ = write!(text, "{value}");
        self.out.extend_from_slice(text.as_bytes());
    }

    fn quoted(&mut self, text: &str) {
        self.out.push(b'"');
        self.out.extend_from_slice(text.as_bytes());
        self.out.push(b'"');
    }

    /// The shortest digits that read back the same; with an exponent below 1e-6 and from 1e21 on.
    fn float(&mut self, value: f64) -> Result<(), CodecError> {
        if !value.is_finite() {
            return Err(corrupt(format!("{value} is no JSON number")));
        }
        let size = value.abs();
        if size != 0.0 && !(1e-6..1e21).contains(&size) {
            let text = format!("{value:e}");
            match text.split_once('e') {
                Some((digits, exponent)) if !exponent.starts_with('-') => self.display(format!("{digits}e+{exponent}")),
                _ => self.display(text),
            }
        } else {
            self.display(value);
        }
        Ok(())
    }

    /// Control characters, `"`, `\`, the line separators U+2028 and U+2029, and bytes that are not UTF-8 are escaped.
    fn string(&mut self, bytes: &[u8]) {
        self.out.push(b'"');
        for chunk in bytes.utf8_chunks() {
            self.escape(chunk.valid());
            for _ in chunk.invalid() {
                self.out.extend_from_slice(b"\\ufffd");
            }
        }
        self.out.push(b'"');
    }

    fn escape(&mut self, text: &str) {
        let special = |c: char| c < ' ' || matches!(c, '"' | '\\' | '\u{2028}' | '\u{2029}');
        let mut rest = text;
        while let Some(at) = rest.find(special) {
            let (plain, tail) = rest.split_at_checked(at).unwrap_or((rest, ""));
            self.out.extend_from_slice(plain.as_bytes());
            let mut chars = tail.chars();
            match chars.next() {
                Some('"') => self.out.extend_from_slice(b"\\\""),
                Some('\\') => self.out.extend_from_slice(b"\\\\"),
                Some('\n') => self.out.extend_from_slice(b"\\n"),
                Some('\r') => self.out.extend_from_slice(b"\\r"),
                Some('\t') => self.out.extend_from_slice(b"\\t"),
                Some(other) => self.display(format!("\\u{:04x}", u32::from(other))),
                None => {}
            }
            rest = chars.as_str();
        }
        self.out.extend_from_slice(rest.as_bytes());
    }

    fn opaque(&mut self, mysql_type: u8, data: &[u8]) {
        self.display(format!("\"base64:type{mysql_type}:"));
        base64(self.out, data);
        self.out.push(b'"');
    }
}

fn base64(out: &mut Vec<u8>, data: &[u8]) {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for group in data.chunks(3) {
        let bits = group.iter().fold(0u32, |bits, b| bits << 8 | u32::from(*b)) << (8 * (3 - group.len()));
        for i in 0..4 {
            let index = (bits >> (18 - 6 * i) & 0x3f) as usize;
            let letter = ALPHABET.get(index).copied().unwrap_or(b'=');
            out.push(if i <= group.len() { letter } else { b'=' });
        }
    }
}
