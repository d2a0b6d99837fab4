//! A column's definition as SHOW CREATE TABLE prints it, taken apart: MODIFY COLUMN has to repeat all that shall stay.
//!
//! ```text
//!   `a` varchar(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT 'x' COMMENT 'y',
//!       --- type -- ------------- charset ----------------- -null-- -- default -- -- comment -
//! ```

use super::text::text;
use crate::error::{Error, ErrorKind, Result};

/// A definition in parts; what has no part of its own is in `others`, in its order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Definition {
    pub(super) ty: String,
    /// `CHARACTER SET x COLLATE y`.
    pub(super) charset: Vec<String>,
    /// `GENERATED ALWAYS AS (...) STORED`.
    pub(super) generated: Vec<String>,
    pub(super) not_null: bool,
    /// With the word DEFAULT.
    pub(super) default: Vec<String>,
    /// ON UPDATE, AUTO_INCREMENT, AUTO_RANDOM and the like.
    pub(super) others: Vec<String>,
    /// The text of the comment as it is written, in quotes.
    pub(super) comment: Option<String>,
}

impl Definition {
    /// The definition of a column in the answer of SHOW CREATE TABLE; `None` when there is no such column.
    ///
    /// # Errors
    /// `UnsupportedFeature` for a definition that is not understood: nothing of it may get lost.
    pub(super) fn find(shown: &str, column: &str) -> Result<Option<(String, Definition)>> {
        let wanted = column.to_lowercase();
        for line in definitions(shown) {
            let Some((name, rest)) = line.strip_prefix('`').and_then(quoted_name) else {
                continue;
            };
            if name.to_lowercase() == wanted {
                let definition = Definition::parse(rest).ok_or_else(|| {
                    Error::new(
                        ErrorKind::UnsupportedFeature,
                        format!("column {name}: its definition is not understood and could not be kept: {line}; change it in TiDB"),
                    )
                })?;
                return Ok(Some((name, definition)));
            }
        }
        Ok(None)
    }

    fn parse(rest: &str) -> Option<Definition> {
        let mut tokens = tokens(rest)?.into_iter().peekable();
        let mut definition = Definition {
            ty: tokens.next()?,
            ..Definition::default()
        };
        while let Some(sign) = tokens.next_if(|t| is(t, "unsigned") || is(t, "zerofill")) {
            definition.ty = format!("{} {sign}", definition.ty);
        }
        while let Some(token) = tokens.next() {
            match token.to_ascii_uppercase().as_str() {
                "CHARACTER" => {
                    definition.charset.push(token);
                    definition.charset.push(tokens.next()?);
                    definition.charset.push(tokens.next()?);
                }
                "COLLATE" => {
                    definition.charset.push(token);
                    definition.charset.push(tokens.next()?);
                }
                "GENERATED" => {
                    // ALWAYS AS (...) VIRTUAL
                    definition.generated.push(token);
                    for _ in 0..4 {
                        definition.generated.push(tokens.next()?);
                    }
                }
                "NOT" => {
                    tokens.next().filter(|t| is(t, "null"))?;
                    definition.not_null = true;
                }
                "NULL" => {}
                "DEFAULT" => {
                    definition.default.push(token);
                    definition.default.push(tokens.next()?);
                }
                "ON" => {
                    definition.others.push(token);
                    definition.others.push(tokens.next()?);
                    definition.others.push(tokens.next()?);
                }
                "COMMENT" => definition.comment = Some(tokens.next()?),
                _ => definition.others.push(token),
            }
        }
        Some(definition)
    }

    /// The definition in TiDB's SQL, without the name.
    pub(super) fn sql(&self) -> String {
        let mut parts = vec![self.ty.clone()];
        parts.extend(self.charset.iter().cloned());
        parts.extend(self.generated.iter().cloned());
        if self.not_null {
            parts.push("NOT NULL".into());
        }
        parts.extend(self.default.iter().cloned());
        parts.extend(self.others.iter().cloned());
        if let Some(comment) = &self.comment {
            parts.push(format!("COMMENT {comment}"));
        }
        parts.join(" ")
    }

    /// Another comment; an empty one is none.
    pub(super) fn set_comment(&mut self, comment: &str) {
        self.comment = (!comment.is_empty()).then(|| text(comment));
    }
}

fn is(token: &str, word: &str) -> bool {
    token.eq_ignore_ascii_case(word)
}

/// A name after its opening back-quote, and what follows it.
fn quoted_name(rest: &str) -> Option<(String, &str)> {
    let end = end_of_quoted(rest, '`')?;
    let name = rest.get(..end - 1)?.replace("``", "`");
    Some((name, rest.get(end..)?))
}

/// Where the text ends that begins after an opening quote: behind the closing one.
fn end_of_quoted(rest: &str, quote: char) -> Option<usize> {
    let mut chars = rest.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if c == '\\' && quote != '`' {
            chars.next();
        } else if c == quote {
            if chars.peek().is_some_and(|(_, next)| *next == quote) {
                chars.next();
            } else {
                return Some(at + c.len_utf8());
            }
        }
    }
    None
}

/// Where the group ends that begins after an opening parenthesis: behind the closing one.
fn end_of_group(rest: &str) -> Option<usize> {
    let mut at = 0;
    let mut depth = 1;
    while let Some(c) = rest.get(at..)?.chars().next() {
        at += c.len_utf8();
        match c {
            '\'' | '"' | '`' => at += end_of_quoted(rest.get(at..)?, c)?,
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

/// The definitions between the outer parentheses of CREATE TABLE, without the commas between them.
fn definitions(shown: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let Some(body) = shown.find("(\n").and_then(|at| shown.get(at + 1..)) else {
        return parts;
    };
    let (mut begin, mut at) = (0, 0);
    while let Some(c) = body.get(at..).and_then(|rest| rest.chars().next()) {
        let after = at + c.len_utf8();
        let end = match c {
            ',' | ')' => {
                parts.extend(body.get(begin..at).map(str::trim));
                begin = after;
                if c == ')' {
                    break;
                }
                Some(0)
            }
            '\'' | '"' | '`' => body.get(after..).and_then(|rest| end_of_quoted(rest, c)),
            '(' => body.get(after..).and_then(end_of_group),
            _ => Some(0),
        };
        let Some(end) = end else {
            break;
        };
        at = after + end;
    }
    parts
}

/// Words with what is in parentheses directly after them, texts, and comments for other versions of MySQL.
fn tokens(definition: &str) -> Option<Vec<String>> {
    let mut tokens = Vec::new();
    let mut rest = definition.trim_start();
    while let Some(first) = rest.chars().next() {
        let end = if rest.starts_with("/*") {
            rest.find("*/")? + 2
        } else if first == '\'' || first == '"' || first == '`' {
            1 + end_of_quoted(rest.get(1..)?, first)?
        } else {
            end_of_word(rest)?
        };
        let (token, after) = (rest.get(..end)?, rest.get(end..)?);
        tokens.push(token.to_owned());
        rest = after.trim_start();
    }
    Some(tokens)
}

/// A word may hold groups and texts without a space before them: `decimal(10,2)`, `b'0'`, `(uuid())`.
fn end_of_word(rest: &str) -> Option<usize> {
    let mut at = 0;
    while let Some(c) = rest.get(at..)?.chars().next() {
        match c {
            c if c.is_whitespace() => break,
            '(' => at += 1 + end_of_group(rest.get(at + 1..)?)?,
            '\'' | '"' | '`' => at += 1 + end_of_quoted(rest.get(at + 1..)?, c)?,
            c => at += c.len_utf8(),
        }
    }
    Some(at)
}

#[cfg(test)]
#[path = "definition_tests.rs"]
mod tests;
