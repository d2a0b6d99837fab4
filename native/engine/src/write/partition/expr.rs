//! Partitioning expressions: one column, functions of dates, and integer arithmetic with constants. How they are written: `parse`.

use ti_codec::datum::Datum;
use ti_codec::field_type::{type_code as t, FieldType};
use ti_codec::mysql::time::MysqlTime;

use super::parse::{Parser, Refusal};
use super::{damaged, unsupported, Column};
use crate::error::{Error, ErrorKind, Result};

/// Days from 0000-01-01, as MySQL counts, to 1970-01-01.
const DAYS_TO_EPOCH: i128 = 719_528;
const DAY_SECONDS: i128 = 86_400;

/// An expression with an integer value.
#[derive(Debug)]
pub(super) struct Expr {
    node: Node,
    text: String,
}

#[derive(Debug)]
pub(super) enum Node {
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
pub(super) enum DateFunction {
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
    pub(super) fn parse(text: &str, columns: &[Column]) -> Result<Self> {
        let node = Parser::new(text, columns)
            .read()
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

impl Expr {
    /// Offsets of its columns.
    pub(super) fn offsets(&self) -> Vec<usize> {
        let mut offsets = Vec::new();
        self.node.offsets(&mut offsets);
        offsets.sort_unstable();
        offsets.dedup();
        offsets
    }

    /// The offset of the one column with which its value never falls.
    pub(super) fn monotone_offset(&self) -> Option<usize> {
        match &self.node {
            Node::Column { offset, .. } => Some(*offset),
            Node::Date { function, offset } => function.is_monotone().then_some(*offset),
            _ => None,
        }
    }

    /// Is it a function of a date?
    pub(super) fn is_function(&self) -> bool {
        matches!(self.node, Node::Date { .. })
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
    fn offsets(&self, out: &mut Vec<usize>) {
        match self {
            Self::Number(_) => {}
            Self::Column { offset, .. } | Self::Date { offset, .. } => out.push(*offset),
            Self::Abs(inner) => inner.offsets(out),
            Self::Binary { left, right, .. } => {
                left.offsets(out);
                right.offsets(out);
            }
        }
    }

    pub(super) fn is_unsigned(&self) -> bool {
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
    pub(super) fn named(name: &str) -> Option<Self> {
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

    fn is_monotone(self) -> bool {
        matches!(self, Self::Year | Self::ToDays | Self::ToSeconds | Self::UnixTimestamp)
    }

    /// Whether the function is computed for this type. What a TIMESTAMP shows depends on the time zone, but not its moment.
    pub(super) fn takes(self, ty: &FieldType) -> bool {
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
