//! The columns of a key as properties write them: `a, b(10)`, names with odd characters in back-quotes.

use super::text::identifier;
use crate::error::{Error, ErrorKind, Result};

/// A column of a key, with the length of a prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KeyColumn {
    pub(super) name: String,
    pub(super) length: Option<u32>,
}

impl KeyColumn {
    fn sql(&self) -> Result<String> {
        let name = identifier(&self.name)?;
        Ok(match self.length {
            Some(length) => format!("{name}({length})"),
            None => name,
        })
    }
}

/// `(a, b(10))` in TiDB's SQL.
pub(super) fn list(columns: &[KeyColumn]) -> Result<String> {
    let columns: Vec<String> = columns.iter().map(KeyColumn::sql).collect::<Result<_>>()?;
    Ok(format!("({})", columns.join(", ")))
}

/// Reads a list of columns. `property` names where it stands, for messages.
pub(super) fn parse(property: &str, value: &str) -> Result<Vec<KeyColumn>> {
    let bad = |why: &str| {
        Error::new(
            ErrorKind::InvalidArgument,
            format!("{property}: '{value}' {why}; write column names between commas, such as a, b(10)"),
        )
    };
    let mut columns = Vec::new();
    let mut rest = value.trim();
    loop {
        let (name, after) = name(rest).ok_or_else(|| bad("is no list of columns"))?;
        let (length, after) = match after.strip_prefix('(') {
            Some(inner) => {
                let (digits, after) = inner
                    .split_once(')')
                    .ok_or_else(|| bad("has a parenthesis that does not end"))?;
                let length = digits
                    .trim()
                    .parse()
                    .map_err(|_| bad("has a length that is no number"))?;
                (Some(length), after.trim_start())
            }
            None => (None, after),
        };
        columns.push(KeyColumn { name, length });
        match after.strip_prefix(',') {
            Some(next) => rest = next.trim_start(),
            None if after.is_empty() => return Ok(columns),
            None => return Err(bad("has something after a column")),
        }
    }
}

/// The name at the beginning, and what follows it.
pub(super) fn name(rest: &str) -> Option<(String, &str)> {
    if let Some(quoted) = rest.strip_prefix('`') {
        let mut name = String::new();
        let mut chars = quoted.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            match c {
                '`' if chars.peek().is_some_and(|(_, next)| *next == '`') => {
                    chars.next();
                    name.push('`');
                }
                '`' => return Some((name, quoted.get(at + 1..)?.trim_start())),
                c => name.push(c),
            }
        }
        return None;
    }
    let end = rest.find([',', '(', ')']).unwrap_or(rest.len());
    let (name, after) = rest.split_at(end);
    let name = name.trim();
    (!name.is_empty()).then(|| (name.to_owned(), after.trim_start()))
}
