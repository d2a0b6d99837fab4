//! A column of a key: which part of its key space the rows lie in for which a predicate holds.
//!
//! ```text
//! predicate + type -> spans of key forms       the spans hold the form of every value for which the predicate is true
//!     numbers, DATETIME, TIMESTAMP, TIME       and of no other value
//!     DATE                                     the same; dates that are not in the calendar, which Spark reads as NULL, may be inside
//!     texts                                    keys hold sort keys, which say less than the text; and less still of a prefix
//! ```
//! A predicate that cannot be turned into spans says nothing: `None`.

use ti_codec::arrow_type::{self, SparkType};
use ti_codec::collation::Collation;
use ti_codec::datum::Datum;
use ti_codec::field_type::{type_code as t, FieldType};
use ti_codec::mysql::decimal::Decimal;
use ti_codec::mysql::time::MysqlTime;
use ti_codec::TypeOptions;
use ti_proto::plan;
use ti_proto::plan::data_type::Kind;
use ti_proto::plan::literal::Value;

use super::number::Number;
use super::predicate::{Operator, Predicate};
use super::span::{self, Cut, Span};
use super::text::TextKey;
use crate::catalog::descriptor::{ColumnDescriptor, KeyPart, TableDescriptor};

const MICROS_PER_DAY: i64 = 86_400_000_000;
const NANOS_PER_MICRO: i64 = 1000;
/// Decimals of more digits are not numbers in Spark.
const MAX_PRECISION: u8 = 38;

/// How the values of a column look in keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Signed integers and YEAR.
    Int,
    /// Unsigned integers.
    Uint,
    /// TINYINT(1) that is read as BOOLEAN: everything but 0 is true.
    Boolean {
        /// UNSIGNED.
        unsigned: bool,
    },
    /// FLOAT and DOUBLE.
    Float,
    /// DECIMAL.
    Decimal {
        /// Digits.
        precision: u8,
        /// Fraction digits.
        scale: u8,
    },
    /// DATE, packed.
    Date,
    /// DATETIME and TIMESTAMP, packed.
    Time,
    /// TIME that is read as an interval.
    Duration,
    /// TIME that is read as a number of nanoseconds.
    Nanos,
    /// ENUM by number.
    Enum,
    /// Texts and byte strings.
    Text(Collation),
    /// Known to be NULL or not, nothing else.
    Opaque,
}

/// A column of a handle or index.
#[derive(Debug, Clone)]
pub struct KeyColumn {
    /// Column id.
    pub id: i64,
    /// Name.
    pub name: String,
    /// Type.
    pub field_type: FieldType,
    /// Only so many characters (bytes, of byte strings) are in the key.
    pub prefix: Option<u32>,
    /// How values look in keys.
    pub form: Form,
    /// Spark reads dates that are not in the calendar as NULL.
    has_hidden_nulls: bool,
}

impl KeyColumn {
    /// A column as it is in a key of the table; `None`: nothing can be said of its values.
    pub fn of_part(table: &TableDescriptor, part: &KeyPart, types: &TypeOptions, new_collation: bool) -> Option<Self> {
        Self::new(table.column_of_id(part.id)?, part.prefix, types, new_collation)
    }

    /// A column of which keys hold all, or a prefix.
    pub fn new(
        column: &ColumnDescriptor,
        prefix: Option<u32>,
        types: &TypeOptions,
        new_collation: bool,
    ) -> Option<Self> {
        let field_type = column.field_type();
        if column.refusal.is_some() {
            return None;
        }
        let spark = arrow_type::column_type(&field_type, types).ok()?.spark;
        Some(Self {
            id: column.id,
            name: column.name.clone(),
            form: form(&field_type, spark, new_collation)?,
            has_hidden_nulls: matches!(field_type.tp, t::DATE | t::DATETIME | t::TIMESTAMP),
            field_type,
            prefix,
        })
    }

    /// Where the values lie for which all predicates hold.
    pub fn all_of(&self, predicates: &[Predicate<'_>]) -> Option<Vec<Span>> {
        let mut spans: Option<Vec<Span>> = None;
        for more in predicates.iter().filter_map(|p| self.spans(p)) {
            spans = Some(match spans {
                Some(spans) => span::intersection(&spans, &more),
                None => more,
            });
        }
        spans
    }

    /// Where the values lie for which a predicate holds, in order; `None`: anywhere.
    pub fn spans(&self, predicate: &Predicate<'_>) -> Option<Vec<Span>> {
        match predicate {
            Predicate::IsNull if self.has_hidden_nulls => None,
            Predicate::IsNull => Some(vec![Span::null()]),
            Predicate::IsNotNull => Some(vec![Span::values()]),
            Predicate::Compare(operator, literal) => self.compare(*operator, literal),
            Predicate::In(literals) => {
                let spans: Option<Vec<_>> = literals.iter().map(|l| self.compare(Operator::Equal, l)).collect();
                Some(span::union(spans?.concat()))
            }
            Predicate::And(all) => self.all_of(all),
            Predicate::Or(alternatives) => {
                let spans: Option<Vec<_>> = alternatives.iter().map(|p| self.spans(p)).collect();
                Some(span::union(spans?.concat()))
            }
        }
    }

    fn compare(&self, operator: Operator, literal: &plan::Literal) -> Option<Vec<Span>> {
        match self.form {
            Form::Text(collation) => {
                let text = match literal.value.as_ref()? {
                    Value::Text(text) => text.as_bytes(),
                    Value::Binary(bytes) => bytes.as_slice(),
                    _ => return None,
                };
                let key = TextKey {
                    field_type: &self.field_type,
                    collation,
                    prefix: self.prefix,
                };
                key.spans(operator, text)
            }
            Form::Enum => match (operator, literal.value.as_ref()?) {
                (Operator::Equal, Value::Text(name)) => Some(self.members(name)),
                _ => None,
            },
            Form::Boolean { unsigned } => match (operator, literal.value.as_ref()?) {
                (Operator::Equal, Value::Boolean(value)) => boolean(unsigned, *value),
                _ => None,
            },
            Form::Opaque => None,
            _ => {
                let place = self.place(literal)?;
                let span = |low, high| span::union(vec![Span { low, high }]);
                Some(match operator {
                    Operator::Equal => span(place.below, place.above),
                    Operator::Less => span(Cut::values(), place.below),
                    Operator::LessOrEqual => span(Cut::values(), place.above),
                    Operator::Greater => span(place.above, Cut::end()),
                    Operator::GreaterOrEqual => span(place.below, Cut::end()),
                    Operator::StartsWith => return None,
                })
            }
        }
    }

    /// Where a constant stands among the values of the column.
    fn place(&self, literal: &plan::Literal) -> Option<Place> {
        let value = literal.value.as_ref()?;
        let kind = literal.r#type.as_ref().map_or(Kind::Unspecified, plan::DataType::kind);
        match (self.form, value) {
            (Form::Int, _) => whole(&Number::of(value, kind)?, |n| i64::try_from(n).ok().map(Datum::Int)),
            (Form::Uint, _) => whole(&Number::of(value, kind)?, |n| u64::try_from(n).ok().map(Datum::Uint)),
            (Form::Nanos, Value::Integer(_)) => whole(&Number::of(value, kind)?, |n| {
                i64::try_from(n).ok().map(Datum::Duration)
            }),
            (Form::Decimal { precision, scale }, _) if !matches!(value, Value::Real(_)) => {
                decimal(&Number::of(value, kind)?, precision, scale)
            }
            (Form::Float, Value::Real(real)) if !real.is_nan() => Place::at(&Datum::Float(*real)),
            (Form::Float, Value::Integer(n)) if n.unsigned_abs() < 1 << 53 => Place::at(&Datum::Float(*n as f64)),
            (Form::Date, Value::Integer(days)) if kind == Kind::Date => moment(MysqlTime::from_days(*days), *days < 0),
            (Form::Time, Value::Integer(micros)) if matches!(kind, Kind::Timestamp | Kind::TimestampNtz) => {
                moment(MysqlTime::from_wall_micros(*micros), *micros < 0)
            }
            (Form::Time, Value::Integer(days)) if kind == Kind::Date => {
                let micros = days.checked_mul(MICROS_PER_DAY);
                moment(micros.and_then(MysqlTime::from_wall_micros), *days < 0)
            }
            (Form::Duration, Value::Integer(micros)) if kind == Kind::DayTimeInterval => {
                match micros.checked_mul(NANOS_PER_MICRO) {
                    Some(nanos) => Place::at(&Datum::Duration(nanos)),
                    None => Some(Place::outside(*micros < 0)),
                }
            }
            _ => None,
        }
    }

    /// Numbers of the ENUM's members that are shown as this name.
    fn members(&self, name: &str) -> Vec<Span> {
        let named = self
            .field_type
            .elems
            .iter()
            .zip(1u64..)
            .filter(|(elem, _)| *elem == name);
        let numbers = named.map(|(_, number)| number).chain(name.is_empty().then_some(0));
        span::union(
            numbers
                .filter_map(|n| key_form(&Datum::Uint(n)))
                .map(Span::point)
                .collect(),
        )
    }

    /// The value of a key form, as a plan prints it.
    pub fn shown(&self, key: &[u8]) -> String {
        let mut reader = ti_codec::bytes::Reader::new(key);
        match (Datum::decode(&mut reader), self.form) {
            (Ok(Datum::Null), _) => "NULL".into(),
            (Ok(Datum::Int(v)), _) => v.to_string(),
            (Ok(Datum::Uint(v)), Form::Date) => {
                MysqlTime::from_packed(v).map_or_else(|_| v.to_string(), |t| t.date_text())
            }
            (Ok(Datum::Uint(v)), Form::Time) => {
                MysqlTime::from_packed(v).map_or_else(|_| v.to_string(), |t| t.to_string())
            }
            (Ok(Datum::Uint(v)), _) => v.to_string(),
            (Ok(Datum::Float(v)), _) => v.to_string(),
            (Ok(Datum::Decimal { value, .. }), _) => value.to_string(),
            (Ok(Datum::Duration(v)), _) => ti_codec::mysql::duration::text(v),
            (Ok(Datum::Bytes(text)), Form::Text(collation)) if collation.is_bin() => match std::str::from_utf8(&text) {
                Ok(text) => format!("{text:?}"),
                Err(_) => hex(&text),
            },
            (Ok(Datum::Bytes(text)), _) => hex(&text),
            _ => hex(key),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold("0x".to_owned(), |text, byte| text + &format!("{byte:02x}"))
}

/// A value's form in keys.
pub fn key_form(value: &Datum<'_>) -> Option<Vec<u8>> {
    let mut key = Vec::new();
    value.encode_key(&mut key).ok()?;
    Some(key)
}

/// How a type looks in keys; `None`: not in a way that is known here.
fn form(ty: &FieldType, spark: SparkType, new_collation: bool) -> Option<Form> {
    Some(match ty.tp {
        t::TINY if spark == SparkType::Boolean => Form::Boolean {
            unsigned: ty.is_unsigned(),
        },
        t::TINY | t::SHORT | t::INT24 | t::LONG | t::LONG_LONG if ty.is_unsigned() => Form::Uint,
        t::TINY | t::SHORT | t::INT24 | t::LONG | t::LONG_LONG | t::YEAR => Form::Int,
        t::FLOAT | t::DOUBLE => Form::Float,
        t::NEW_DECIMAL => match ty.precision_and_scale() {
            (precision, scale) if precision <= MAX_PRECISION => Form::Decimal { precision, scale },
            _ => Form::Opaque,
        },
        t::DATE => Form::Date,
        t::TIMESTAMP => Form::Time,
        // Read in a time zone, a later wall clock may be an earlier moment.
        t::DATETIME if spark == SparkType::Timestamp => Form::Opaque,
        t::DATETIME => Form::Time,
        t::DURATION if spark == SparkType::DayTimeInterval => Form::Duration,
        t::DURATION => Form::Nanos,
        t::ENUM => Form::Enum,
        t::SET | t::BIT => Form::Opaque,
        t::VARCHAR | t::VAR_STRING | t::STRING | t::TINY_BLOB | t::MEDIUM_BLOB | t::LONG_BLOB | t::BLOB => {
            // The old framework keeps the texts themselves in keys.
            let collation = if new_collation { ty.collate.as_str() } else { "binary" };
            Collation::of(collation).map_or(Form::Opaque, Form::Text)
        }
        _ => return None,
    })
}

/// Where a constant stands: what is less than it lies in front of `below`, what is greater behind `above`.
struct Place {
    below: Cut,
    above: Cut,
}

impl Place {
    /// At a value.
    fn at(value: &Datum<'_>) -> Option<Self> {
        let key = key_form(value)?;
        Some(Self {
            below: Cut::before(key.clone()),
            above: Cut::after(key),
        })
    }

    /// Just above a value, and below the next one.
    fn behind(value: &Datum<'_>) -> Option<Self> {
        let cut = Cut::after(key_form(value)?);
        Some(Self {
            below: cut.clone(),
            above: cut,
        })
    }

    /// Below or above all values.
    fn outside(low: bool) -> Self {
        let cut = if low { Cut::values() } else { Cut::end() };
        Self {
            below: cut.clone(),
            above: cut,
        }
    }
}

/// The place of a number among whole numbers.
fn whole(number: &Number, datum: impl Fn(i128) -> Option<Datum<'static>>) -> Option<Place> {
    let (floor, exact) = number.floor(0)?;
    match datum(floor) {
        Some(value) if exact => Place::at(&value),
        Some(value) => Place::behind(&value),
        // -0.5 lies between all unsigned numbers and nothing.
        None => Some(Place::outside(floor < 0)),
    }
}

/// The place of a number among those of so many digits.
fn decimal(number: &Number, precision: u8, scale: u8) -> Option<Place> {
    let (floor, exact) = number.floor(scale)?;
    let limit = 10i128.checked_pow(u32::from(precision))?;
    if floor >= limit {
        return Some(Place::outside(false));
    }
    if floor <= -limit {
        return Some(Place::outside(true));
    }
    let value = Datum::Decimal {
        value: Decimal::from_unscaled(floor, scale).ok()?,
        precision,
        scale,
    };
    if exact {
        Place::at(&value)
    } else {
        Place::behind(&value)
    }
}

fn moment(time: Option<MysqlTime>, early: bool) -> Option<Place> {
    match time {
        Some(time) => Place::at(&Datum::Uint(time.to_packed())),
        None => Some(Place::outside(early)),
    }
}

fn boolean(unsigned: bool, value: bool) -> Option<Vec<Span>> {
    let zero = if unsigned { Datum::Uint(0) } else { Datum::Int(0) };
    let zero = Span::point(key_form(&zero)?);
    if !value {
        return Some(vec![zero]);
    }
    Some(span::union(vec![
        Span {
            low: Cut::values(),
            high: zero.low,
        },
        Span {
            low: zero.high,
            high: Cut::end(),
        },
    ]))
}

#[cfg(test)]
#[path = "key_column_tests.rs"]
mod tests;
