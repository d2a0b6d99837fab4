//! JSON text, read as TiDB reads it (Go's `encoding/json` and `types/json_binary.go`).
//!
//! Whole numbers are i64, else u64, else f64 as all others are; `-0` is the integer 0. The last of equal keys wins. A surrogate without its
//! partner is U+FFFD. A document has at most 101 levels.

use std::borrow::Cow;

/// Levels of a document, a scalar counted as one.
const MAX_LEVELS: usize = 101;
/// Bytes of a key.
const MAX_KEY: usize = u16::MAX as usize;

/// A JSON value. Strings without escapes are borrowed from the text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Json<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(f64),
    String(Cow<'a, str>),
    Array(Vec<Json<'a>>),
    /// Sorted by the bytes of the keys, which are different.
    Object(Vec<(Cow<'a, str>, Json<'a>)>),
}

/// Reads one document that takes all of `text`.
///
/// # Errors
/// What is wrong, and at which byte.
pub(crate) fn parse(text: &str) -> Result<Json<'_>, String> {
    let mut parser = Parser { text, at: 0 };
    let value = parser.value(1)?;
    parser.space();
    match parser.peek() {
        None => Ok(value),
        Some(_) => Err(parser.fails("the document ends before")),
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    fn fails(&self, what: &str) -> String {
        format!("{what} byte {}", self.at + 1)
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn take(&mut self, token: &str) -> bool {
        let found = self.text.get(self.at..).is_some_and(|rest| rest.starts_with(token));
        if found {
            self.at += token.len();
        }
        found
    }

    /// The next character that is no space is `token`.
    fn next_is(&mut self, token: &str) -> bool {
        self.space();
        self.take(token)
    }

    fn value(&mut self, level: usize) -> Result<Json<'a>, String> {
        if level > MAX_LEVELS {
            return Err(format!("it has more than {MAX_LEVELS} levels"));
        }
        self.space();
        match self.peek() {
            Some(b'{') => self.object(level),
            Some(b'[') => self.array(level),
            Some(b'"') => self.string().map(Json::String),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(_) if self.take("null") => Ok(Json::Null),
            Some(_) if self.take("true") => Ok(Json::Bool(true)),
            Some(_) if self.take("false") => Ok(Json::Bool(false)),
            Some(_) => Err(self.fails("no value starts at")),
            None if self.text.is_empty() => Err("the document is empty".to_owned()),
            None => Err("the document is not complete".to_owned()),
        }
    }

    fn array(&mut self, level: usize) -> Result<Json<'a>, String> {
        self.at += 1;
        let mut items = Vec::new();
        if self.next_is("]") {
            return Ok(Json::Array(items));
        }
        loop {
            items.push(self.value(level + 1)?);
            if self.next_is("]") {
                return Ok(Json::Array(items));
            }
            if !self.take(",") {
                return Err(self.fails("`,` or `]` is missing at"));
            }
        }
    }

    fn object(&mut self, level: usize) -> Result<Json<'a>, String> {
        self.at += 1;
        let mut members: Vec<(Cow<'a, str>, Json<'a>)> = Vec::new();
        if self.next_is("}") {
            return Ok(Json::Object(members));
        }
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return Err(self.fails("a key is missing at"));
            }
            let key = self.string()?;
            if key.len() > MAX_KEY {
                return Err(format!("a key is longer than {MAX_KEY} bytes"));
            }
            if !self.next_is(":") {
                return Err(self.fails("`:` is missing at"));
            }
            let value = self.value(level + 1)?;
            members.push((key, value));
            if self.next_is("}") {
                break;
            }
            if !self.take(",") {
                return Err(self.fails("`,` or `}` is missing at"));
            }
        }
        // Stable, so that of equal keys the last one stays the last.
        members.sort_by(|a, b| a.0.as_bytes().cmp(b.0.as_bytes()));
        members.reverse();
        members.dedup_by(|later, kept| later.0 == kept.0);
        members.reverse();
        Ok(Json::Object(members))
    }

    /// Skips digits and says whether there were some.
    fn digits(&mut self) -> bool {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        self.at > start
    }

    fn number(&mut self) -> Result<Json<'a>, String> {
        let start = self.at;
        self.take("-");
        // A zero is the only digit before the point; what follows it is seen by the caller.
        if !self.take("0") && !self.digits() {
            return Err(self.fails("a digit is missing at"));
        }
        let mut whole = true;
        if self.take(".") {
            whole = false;
            if !self.digits() {
                return Err(self.fails("a digit is missing at"));
            }
        }
        if self.take("e") || self.take("E") {
            whole = false;
            if !self.take("+") {
                self.take("-");
            }
            if !self.digits() {
                return Err(self.fails("a digit is missing at"));
            }
        }
        let text = self.text.get(start..self.at).unwrap_or_default();
        if whole {
            if let Ok(int) = text.parse() {
                return Ok(Json::Int(int));
            }
            if let Ok(uint) = text.parse() {
                return Ok(Json::Uint(uint));
            }
        }
        match text.parse::<f64>() {
            Ok(float) if float.is_finite() => Ok(Json::Float(float)),
            _ => Err(format!("the number {} is out of range", text.get(..40).unwrap_or(text))),
        }
    }

    /// The string that starts with the quote at the current position.
    fn string(&mut self) -> Result<Cow<'a, str>, String> {
        self.at += 1;
        let mut owned: Option<String> = None;
        loop {
            let rest = self.text.get(self.at..).unwrap_or_default();
            let plain = rest
                .bytes()
                .position(|b| b < b' ' || b == b'"' || b == b'\\')
                .ok_or_else(|| "a string does not end".to_owned())?;
            let part = rest.get(..plain).unwrap_or_default();
            self.at += plain;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(match owned {
                        None => Cow::Borrowed(part),
                        Some(text) => Cow::Owned(text + part),
                    });
                }
                Some(b'\\') => {
                    let text = owned.get_or_insert_with(String::new);
                    text.push_str(part);
                    text.push(self.escape()?);
                }
                _ => return Err(self.fails("a control character must be escaped at")),
            }
        }
    }

    /// The character of the escape that starts at the current position.
    fn escape(&mut self) -> Result<char, String> {
        self.at += 1;
        let character = match self.peek() {
            Some(c @ (b'"' | b'\\' | b'/')) => char::from(c),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                self.at += 1;
                let first = self
                    .hex()
                    .ok_or_else(|| self.fails("four hexadecimal digits are missing at"))?;
                self.at += 4;
                return Ok(self.with_partner(first));
            }
            _ => return Err(self.fails("an escape is not known at")),
        };
        self.at += 1;
        Ok(character)
    }

    /// The value of the next four digits, which are not skipped.
    fn hex(&self) -> Option<u32> {
        let digits = self.text.get(self.at..self.at + 4)?;
        let all = digits.bytes().all(|b| b.is_ascii_hexdigit());
        all.then(|| u32::from_str_radix(digits, 16).ok()).flatten()
    }

    /// The character of a code unit; takes the second unit of a pair too.
    fn with_partner(&mut self, first: u32) -> char {
        if let Some(character) = char::from_u32(first) {
            return character;
        }
        let start = self.at;
        if first < 0xdc00 && self.take("\\u") {
            if let Some(second) = self.hex().filter(|unit| (0xdc00..0xe000).contains(unit)) {
                self.at += 4;
                let code = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                return char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
            }
        }
        self.at = start;
        char::REPLACEMENT_CHARACTER
    }
}
