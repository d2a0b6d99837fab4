//! Partitioning expressions as TiDB keeps them: names quoted, MOD as %, no spaces but around DIV. Everything else is refused.
//!
//! ```text
//! expr     term (('+' | '-') term)*
//! term     primary (('*' | '%' | DIV) primary)*          the right side of % and DIV is a number
//! primary  number | `column` | '(' expr ')' | FUNCTION '(' expr ')'
//! ```

use ti_codec::field_type::type_code as t;

use super::expr::{DateFunction, Node};
use super::{find, Column};
use crate::error::Error;

/// Deeper than any expression that people write.
const MAX_DEPTH: usize = 32;

/// Why an expression was not read.
pub(super) enum Refusal {
    NotKnown,
    Error(Error),
}

/// Reads one expression.
pub(super) struct Parser<'a> {
    rest: &'a str,
    columns: &'a [Column],
    depth: usize,
}

type Parsed<T> = std::result::Result<T, Refusal>;

impl<'a> Parser<'a> {
    /// For an expression over these columns.
    pub(super) fn new(text: &'a str, columns: &'a [Column]) -> Self {
        Self {
            rest: text.trim(),
            columns,
            depth: 0,
        }
    }

    /// The whole expression.
    pub(super) fn read(mut self) -> Parsed<Node> {
        let node = self.expr()?;
        self.at_end()?;
        Ok(node)
    }

    fn eat(&mut self, token: &str) -> bool {
        let rest = self.rest.trim_start();
        let found = rest
            .get(..token.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(token));
        if found {
            self.rest = rest.get(token.len()..).unwrap_or_default();
        }
        found
    }

    fn expect(&mut self, token: &str) -> Parsed<()> {
        if self.eat(token) {
            Ok(())
        } else {
            Err(Refusal::NotKnown)
        }
    }

    fn at_end(&self) -> Parsed<()> {
        if self.rest.trim().is_empty() {
            Ok(())
        } else {
            Err(Refusal::NotKnown)
        }
    }

    fn expr(&mut self) -> Parsed<Node> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Refusal::NotKnown);
        }
        let mut left = self.term()?;
        loop {
            let op = if self.eat("+") {
                '+'
            } else if self.eat("-") {
                '-'
            } else {
                break;
            };
            left = binary(op, left, self.term()?);
        }
        self.depth -= 1;
        Ok(left)
    }

    fn term(&mut self) -> Parsed<Node> {
        let mut left = self.primary()?;
        loop {
            let op = if self.eat("*") {
                '*'
            } else if self.eat("%") {
                '%'
            } else if self.eat("DIV ") {
                'd'
            } else {
                return Ok(left);
            };
            let right = self.primary()?;
            // Division by zero is NULL or an error, by SQL mode.
            if op != '*' && !matches!(right, Node::Number(1..)) {
                return Err(Refusal::NotKnown);
            }
            left = binary(op, left, right);
        }
    }

    fn primary(&mut self) -> Parsed<Node> {
        if self.eat("(") {
            let node = self.expr()?;
            self.expect(")")?;
            return Ok(node);
        }
        if self.rest.trim_start().starts_with('`') {
            let info = self.column()?;
            let ty = &info.ty;
            return match ty.tp {
                t::TINY | t::SHORT | t::INT24 | t::LONG | t::LONG_LONG => Ok(Node::Column {
                    offset: info.offset,
                    unsigned: ty.is_unsigned(),
                }),
                // A YEAR is unsigned by its flag; its values are small and never negative.
                t::YEAR => Ok(Node::Column {
                    offset: info.offset,
                    unsigned: false,
                }),
                _ => Err(Refusal::NotKnown),
            };
        }
        let word = self.word();
        if word.starts_with(|c: char| c.is_ascii_digit()) {
            let number: u64 = word.parse().map_err(|_| Refusal::NotKnown)?;
            return Ok(Node::Number(i128::from(number)));
        }
        let name = word.to_ascii_uppercase();
        self.expect("(")?;
        let node = match name.as_str() {
            "ABS" => Node::Abs(Box::new(self.expr()?)),
            // Whole seconds of a moment that has fractions.
            "FLOOR" => {
                let function = self.word().to_ascii_uppercase();
                if function != "UNIX_TIMESTAMP" {
                    return Err(Refusal::NotKnown);
                }
                self.expect("(")?;
                let node = self.date(DateFunction::UnixTimestamp, true)?;
                self.expect(")")?;
                node
            }
            other => self.date(DateFunction::named(other).ok_or(Refusal::NotKnown)?, false)?,
        };
        self.expect(")")?;
        Ok(node)
    }

    fn date(&mut self, function: DateFunction, fractions: bool) -> Parsed<Node> {
        let info = self.column()?;
        let ty = &info.ty;
        let whole = fractions || !matches!(function, DateFunction::UnixTimestamp) || ty.fsp() == 0;
        if !function.takes(ty) || !whole {
            return Err(Refusal::NotKnown);
        }
        Ok(Node::Date {
            function,
            offset: info.offset,
        })
    }

    /// A name or number.
    fn word(&mut self) -> &'a str {
        let rest = self.rest.trim_start();
        let end = rest
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap_or(rest.len());
        let (word, rest) = rest.split_at_checked(end).unwrap_or((rest, ""));
        self.rest = rest;
        word
    }

    /// A name in backquotes; a backquote in it is doubled.
    fn column(&mut self) -> Parsed<&'a Column> {
        self.expect("`")?;
        let mut name = String::new();
        let mut chars = self.rest.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            if c != '`' {
                name.push(c);
            } else if chars.next_if(|(_, next)| *next == '`').is_some() {
                name.push('`');
            } else {
                self.rest = self.rest.get(at + 1..).unwrap_or_default();
                return find(self.columns, &name).map_err(Refusal::Error);
            }
        }
        Err(Refusal::NotKnown)
    }
}

fn binary(op: char, left: Node, right: Node) -> Node {
    let unsigned = match op {
        // The sign of a remainder is that of the dividend.
        '%' => left.is_unsigned(),
        _ => left.is_unsigned() || right.is_unsigned(),
    };
    Node::Binary {
        op,
        left: Box::new(left),
        right: Box::new(right),
        unsigned,
    }
}
