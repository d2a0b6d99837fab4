//! Partitioning expressions: one column, functions of dates, and integer arithmetic with constants.
//!
//! ```text
//! expr     term (('+' | '-') term)*
//! term     primary (('*' | '%' | DIV) primary)*          the right side of % and DIV is a number
//! primary  number | `column` | '(' expr ')' | FUNCTION '(' expr ')'
//! ```
//! That is the form in which TiDB keeps them: names quoted, MOD as %, no spaces but around DIV. Everything else is refused.

use ti_codec::datum::Datum;
use ti_codec::field_type::{type_code as t, FieldType};
use ti_codec::mysql::time::MysqlTime;

use super::{damaged, find, unsupported};
use crate::catalog::show::field_type;
use crate::catalog::table_info::ColumnInfo;
use crate::error::{Error, ErrorKind, Result};

/// Days from 0000-01-01, as MySQL counts, to 1970-01-01.
const DAYS_TO_EPOCH: i128 = 719_528;
const DAY_SECONDS: i128 = 86_400;
/// Deeper than any expression that people write.
const MAX_DEPTH: usize = 32;

/// An expression with an integer value.
#[derive(Debug)]
pub(super) struct Expr {
    node: Node,
    text: String,
}

#[derive(Debug)]
enum Node {
    Number(i128),
    /// An integer column.
    Column {
        offset: usize,
        unsigned: bool,
    },
    Date {
        function: DateFunction,
        offset: usize,
    },
    Abs(Box<Node>),
    Binary {
        op: char,
        left: Box<Node>,
        right: Box<Node>,
        unsigned: bool,
    },
}

#[derive(Debug, Clone, Copy)]
enum DateFunction {
    Year,
    Quarter,
    Month,
    DayOfMonth,
    DayOfYear,
    DayOfWeek,
    Weekday,
    Hour,
    Minute,
    Second,
    ToDays,
    ToSeconds,
    UnixTimestamp,
}

impl Expr {
    /// Reads an expression over the columns of a table.
    pub(super) fn parse(text: &str, columns: &[ColumnInfo]) -> Result<Self> {
        let mut parser = Parser {
            rest: text.trim(),
            columns,
            depth: 0,
        };
        let node = parser
            .expr()
            .and_then(|node| parser.at_end().map(|()| node))
            .map_err(|e| match e {
                Refusal::NotKnown => unsupported(format!(
                    "this version cannot compute the partitioning expression {text}; it knows columns, functions of dates, and + - * % DIV with numbers"
                )),
                Refusal::Error(error) => error,
            })?;
        Ok(Self {
            node,
            text: text.to_owned(),
        })
    }

    /// The value for a row; `None` is NULL.
    pub(super) fn evaluate(&self, row: &[Datum<'_>]) -> Result<Option<i128>> {
        match self.node.evaluate(row) {
            Ok(value) => Ok(value),
            Err(Failure::Row) => Err(damaged(format!(
                "the row has no fitting value for the partitioning expression {}",
                self.text
            ))),
            Err(Failure::Value(what)) => Err(Error::new(
                ErrorKind::InvalidValue,
                format!("the partitioning expression {} has no value: {what}", self.text),
            )),
        }
    }
}

type Checked<T> = std::result::Result<T, Failure>;

/// Why an expression has no value for a row.
enum Failure {
    /// Not a row of this table.
    Row,
    Value(String),
}

impl Node {
    fn is_unsigned(&self) -> bool {
        match self {
            Self::Number(v) => i64::try_from(*v).is_err(),
            Self::Column { unsigned, .. } | Self::Binary { unsigned, .. } => *unsigned,
            Self::Date { .. } => false,
            Self::Abs(inner) => inner.is_unsigned(),
        }
    }

    fn evaluate(&self, row: &[Datum<'_>]) -> Checked<Option<i128>> {
        match self {
            Self::Number(v) => Ok(Some(*v)),
            Self::Column { offset, unsigned } => match (row.get(*offset), unsigned) {
                (Some(Datum::Null), _) => Ok(None),
                (Some(Datum::Int(v)), false) => Ok(Some(i128::from(*v))),
                (Some(Datum::Uint(v)), true) => Ok(Some(i128::from(*v))),
                _ => Err(Failure::Row),
            },
            Self::Date { function, offset } => match row.get(*offset) {
                Some(Datum::Null) => Ok(None),
                Some(Datum::Uint(packed)) => {
                    let time = MysqlTime::from_packed(*packed).map_err(|_| Failure::Row)?;
                    function.of(&time).map(Some)
                }
                _ => Err(Failure::Row),
            },
            Self::Abs(inner) => match inner.evaluate(row)? {
                Some(v) => in_range(v.abs(), inner.is_unsigned()).map(Some),
                None => Ok(None),
            },
            Self::Binary {
                op,
                left,
                right,
                unsigned,
            } => {
                let (Some(left), Some(right)) = (left.evaluate(row)?, right.evaluate(row)?) else {
                    return Ok(None);
                };
                // Both are in the range of 64 bits, so that nothing overflows here.
                let value = match op {
                    '+' => left + right,
                    '-' => left - right,
                    '*' => left.checked_mul(right).unwrap_or(i128::MAX),
                    '%' => left.checked_rem(right).unwrap_or_default(),
                    _ => left.checked_div(right).unwrap_or_default(),
                };
                in_range(value, *unsigned).map(Some)
            }
        }
    }
}

/// MySQL's BIGINT arithmetic has no values beyond 64 bits.
fn in_range(value: i128, unsigned: bool) -> Checked<i128> {
    let fits = if unsigned {
        u64::try_from(value).is_ok()
    } else {
        i64::try_from(value).is_ok()
    };
    if fits {
        Ok(value)
    } else {
        Err(Failure::Value(format!("{value} is out of the range of BIGINT")))
    }
}

impl DateFunction {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "YEAR" => Self::Year,
            "QUARTER" => Self::Quarter,
            "MONTH" => Self::Month,
            "DAY" | "DAYOFMONTH" => Self::DayOfMonth,
            "DAYOFYEAR" => Self::DayOfYear,
            "DAYOFWEEK" => Self::DayOfWeek,
            "WEEKDAY" => Self::Weekday,
            "HOUR" => Self::Hour,
            "MINUTE" => Self::Minute,
            "SECOND" => Self::Second,
            "TO_DAYS" => Self::ToDays,
            "TO_SECONDS" => Self::ToSeconds,
            "UNIX_TIMESTAMP" => Self::UnixTimestamp,
            _ => return None,
        })
    }

    /// Whether the function is computed for this type. What a TIMESTAMP shows depends on the time zone, but not its moment.
    fn takes(self, ty: &FieldType) -> bool {
        match self {
            Self::UnixTimestamp => ty.tp == t::TIMESTAMP,
            Self::Hour | Self::Minute | Self::Second => ty.tp == t::DATETIME,
            _ => matches!(ty.tp, t::DATE | t::DATETIME),
        }
    }

    fn of(self, time: &MysqlTime) -> Checked<i128> {
        let seconds = i128::from(time.hour) * 3600 + i128::from(time.minute) * 60 + i128::from(time.second);
        // Year 0 has dates of its own count in MySQL.
        let days = || {
            time.days()
                .filter(|_| time.year > 0)
                .map(i128::from)
                .ok_or_else(|| Failure::Value(format!("{} is not in the calendar", time.date_text())))
        };
        Ok(match self {
            Self::Year => i128::from(time.year),
            Self::Quarter => i128::from(time.month.div_ceil(3)),
            Self::Month => i128::from(time.month),
            Self::DayOfMonth => i128::from(time.day),
            Self::DayOfYear => {
                let new_year = MysqlTime {
                    month: 1,
                    day: 1,
                    ..*time
                };
                days()? - i128::from(new_year.days().unwrap_or_default()) + 1
            }
            // 1970-01-01 was a Thursday.
            Self::DayOfWeek => (days()? + 4).rem_euclid(7) + 1,
            Self::Weekday => (days()? + 3).rem_euclid(7),
            Self::Hour => i128::from(time.hour),
            Self::Minute => i128::from(time.minute),
            Self::Second => i128::from(time.second),
            Self::ToDays => days()? + DAYS_TO_EPOCH,
            Self::ToSeconds => (days()? + DAYS_TO_EPOCH) * DAY_SECONDS + seconds,
            Self::UnixTimestamp if *time == MysqlTime::default() => 0,
            Self::UnixTimestamp => days()? * DAY_SECONDS + seconds,
        })
    }
}

/// Why an expression was not read.
enum Refusal {
    NotKnown,
    Error(Error),
}

struct Parser<'a> {
    rest: &'a str,
    columns: &'a [ColumnInfo],
    depth: usize,
}

type Parsed<T> = std::result::Result<T, Refusal>;

impl<'a> Parser<'a> {
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
            let ty = field_type(&info.field_type);
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
        let ty = field_type(&info.field_type);
        let whole = fractions || !matches!(function, DateFunction::UnixTimestamp) || ty.fsp() == 0;
        if !function.takes(&ty) || !whole {
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
    fn column(&mut self) -> Parsed<&'a ColumnInfo> {
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
