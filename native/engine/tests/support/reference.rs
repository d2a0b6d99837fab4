//! What Spark answers to an expression over a row: a small evaluator, apart from the code under test.

use std::cmp::Ordering;

use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, TimeUnit};
use ti_proto::plan::data_type::Kind;
use ti_proto::plan::{self, expr, literal};

#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    /// Unscaled, scale.
    Exact(i128, u32),
    Real(f64),
    Text(String),
    Bytes(Vec<u8>),
    /// Microseconds.
    Time(i64),
    Date(i64),
}

use Value::{Bool, Exact, Null, Real};

/// A value of a batch.
pub fn cell(array: &dyn Array, row: usize) -> Value {
    if array.is_null(row) {
        return Null;
    }
    match array.data_type() {
        DataType::Boolean => Bool(array.as_boolean().value(row)),
        DataType::Int8 => Exact(array.as_primitive::<Int8Type>().value(row).into(), 0),
        DataType::Int16 => Exact(array.as_primitive::<Int16Type>().value(row).into(), 0),
        DataType::Int32 => Exact(array.as_primitive::<Int32Type>().value(row).into(), 0),
        DataType::Int64 => Exact(array.as_primitive::<Int64Type>().value(row).into(), 0),
        DataType::Float32 => Real(array.as_primitive::<Float32Type>().value(row).into()),
        DataType::Float64 => Real(array.as_primitive::<Float64Type>().value(row)),
        DataType::Decimal128(_, scale) => Exact(
            array.as_primitive::<Decimal128Type>().value(row),
            u32::try_from(*scale).unwrap(),
        ),
        DataType::Utf8 => Value::Text(array.as_string::<i32>().value(row).to_owned()),
        DataType::Binary => Value::Bytes(array.as_binary::<i32>().value(row).to_vec()),
        DataType::Date32 => Value::Date(array.as_primitive::<Date32Type>().value(row).into()),
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            Value::Time(array.as_primitive::<TimestampMicrosecondType>().value(row))
        }
        DataType::Duration(TimeUnit::Microsecond) => {
            Value::Time(array.as_primitive::<DurationMicrosecondType>().value(row))
        }
        other => panic!("a column of type {other}"),
    }
}

fn constant(literal: &plan::Literal) -> Value {
    let kind = literal.r#type.unwrap().kind();
    match (&literal.value, kind) {
        (None, _) => Null,
        (Some(literal::Value::Boolean(v)), _) => Bool(*v),
        (Some(literal::Value::Integer(v)), Kind::Date) => Value::Date(*v),
        (Some(literal::Value::Integer(v)), Kind::Timestamp | Kind::TimestampNtz | Kind::DayTimeInterval) => {
            Value::Time(*v)
        }
        (Some(literal::Value::Integer(v)), _) => Exact((*v).into(), 0),
        (Some(literal::Value::Real(v)), _) => Real(*v),
        (Some(literal::Value::Decimal(text)), _) => {
            let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
            Exact(format!("{whole}{fraction}").parse().unwrap(), fraction.len() as u32)
        }
        (Some(literal::Value::Text(v)), _) => Value::Text(v.clone()),
        (Some(literal::Value::Binary(v)), _) => Value::Bytes(v.clone()),
    }
}

fn align((a, s): (i128, u32), (b, t): (i128, u32)) -> Option<(i128, i128, u32)> {
    let scale = s.max(t);
    Some((
        a.checked_mul(10i128.checked_pow(scale - s)?)?,
        b.checked_mul(10i128.checked_pow(scale - t)?)?,
        scale,
    ))
}

pub fn compare(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Bool(a), Bool(b)) => a.cmp(b),
        (Exact(a, s), Exact(b, t)) => match align((*a, *s), (*b, *t)) {
            Some((a, b, _)) => a.cmp(&b),
            // Whole parts decide where the scaled ones are too large.
            None => (a / 10i128.pow(*s)).cmp(&(b / 10i128.pow(*t))),
        },
        (Real(a), Real(b)) => a.partial_cmp(b).unwrap(),
        (Value::Text(a), Value::Text(b)) => a.as_bytes().cmp(b.as_bytes()),
        (Value::Bytes(a), Value::Bytes(b)) => a.cmp(b),
        (Value::Time(a), Value::Time(b)) | (Value::Date(a), Value::Date(b)) => a.cmp(b),
        (Value::Date(a), Value::Time(b)) => (a * 86_400_000_000).cmp(b),
        (Value::Time(a), Value::Date(b)) => a.cmp(&(b * 86_400_000_000)),
        other => panic!("{other:?} are compared"),
    }
}

/// An expression over a row of a batch with the table's columns.
pub fn eval(expr: &plan::Expr, batch: &RecordBatch, row: usize) -> Value {
    match expr.node.as_ref().unwrap() {
        expr::Node::Column(name) => cell(batch.column_by_name(name).unwrap(), row),
        expr::Node::Literal(literal) => constant(literal),
        expr::Node::Call(call) => function(call, batch, row),
    }
}

fn truth(value: &Value) -> Option<bool> {
    match value {
        Null => None,
        Bool(v) => Some(*v),
        other => panic!("{other:?} is not a condition"),
    }
}

fn of(truth: Option<bool>) -> Value {
    truth.map_or(Null, Bool)
}

fn civil(days: i64) -> (i64, i64, i64) {
    let time = ti_codec::mysql::time::MysqlTime::from_days(days).unwrap();
    (time.year.into(), time.month.into(), time.day.into())
}

fn day_of_year(days: i64) -> i128 {
    let first = ti_codec::mysql::time::MysqlTime {
        year: civil(days).0.try_into().unwrap(),
        month: 1,
        day: 1,
        ..Default::default()
    };
    i128::from(days - i64::from(first.days().unwrap()) + 1)
}

fn function(call: &plan::Call, batch: &RecordBatch, row: usize) -> Value {
    let values: Vec<Value> = call.arguments.iter().map(|a| eval(a, batch, row)).collect();
    let name = call.function.as_str();
    match (name, values.as_slice()) {
        ("AND", [a, b]) => of(match (truth(a), truth(b)) {
            (Some(false), _) | (_, Some(false)) => Some(false),
            (Some(true), Some(true)) => Some(true),
            _ => None,
        }),
        ("OR", [a, b]) => of(match (truth(a), truth(b)) {
            (Some(true), _) | (_, Some(true)) => Some(true),
            (Some(false), Some(false)) => Some(false),
            _ => None,
        }),
        ("NOT", [a]) => of(truth(a).map(|v| !v)),
        ("BOOLEAN_EXPRESSION", [a]) => a.clone(),
        ("IS_NULL", [a]) => Bool(*a == Null),
        ("IS_NOT_NULL", [a]) => Bool(*a != Null),
        ("<=>", [Null, Null]) => Bool(true),
        ("<=>", [Null, _] | [_, Null]) => Bool(false),
        ("<=>", [a, b]) => Bool(compare(a, b).is_eq()),
        ("COALESCE", values) => values.iter().find(|v| **v != Null).cloned().unwrap_or(Null),
        ("CASE_WHEN", values) => {
            let mut rest = values;
            while let [condition, value, more @ ..] = rest {
                if *condition == Bool(true) {
                    return value.clone();
                }
                rest = more;
            }
            rest.first().cloned().unwrap_or(Null)
        }
        ("IN", [Null, ..]) => Null,
        ("IN", [target, list @ ..]) => {
            if list.iter().any(|v| *v != Null && compare(target, v).is_eq()) {
                Bool(true)
            } else if list.contains(&Null) {
                Null
            } else {
                Bool(false)
            }
        }
        (_, values) if values.contains(&Null) => Null,
        ("=", [a, b]) => Bool(compare(a, b).is_eq()),
        ("<>", [a, b]) => Bool(compare(a, b).is_ne()),
        ("<", [a, b]) => Bool(compare(a, b).is_lt()),
        ("<=", [a, b]) => Bool(compare(a, b).is_le()),
        (">", [a, b]) => Bool(compare(a, b).is_gt()),
        (">=", [a, b]) => Bool(compare(a, b).is_ge()),
        ("STARTS_WITH", [Value::Text(a), Value::Text(b)]) => Bool(a.starts_with(b.as_str())),
        ("ENDS_WITH", [Value::Text(a), Value::Text(b)]) => Bool(a.ends_with(b.as_str())),
        ("CONTAINS", [Value::Text(a), Value::Text(b)]) => Bool(a.contains(b.as_str())),
        ("CHAR_LENGTH", [Value::Text(a)]) => Exact(a.chars().count() as i128, 0),
        ("CHAR_LENGTH" | "OCTET_LENGTH", [Value::Bytes(a)]) => Exact(a.len() as i128, 0),
        ("OCTET_LENGTH", [Value::Text(a)]) => Exact(a.len() as i128, 0),
        ("BIT_LENGTH", [Value::Text(a)]) => Exact(a.len() as i128 * 8, 0),
        ("BIT_LENGTH", [Value::Bytes(a)]) => Exact(a.len() as i128 * 8, 0),
        ("SUBSTRING", [Value::Text(a), Exact(from, 0), Exact(count, 0)]) => {
            Value::Text(a.chars().skip(*from as usize - 1).take(*count as usize).collect())
        }
        ("+", [Exact(a, s), Exact(b, t)]) => align((*a, *s), (*b, *t)).map_or(Null, |(a, b, s)| Exact(a + b, s)),
        ("-", [Exact(a, s), Exact(b, t)]) => align((*a, *s), (*b, *t)).map_or(Null, |(a, b, s)| Exact(a - b, s)),
        ("*", [Exact(a, s), Exact(b, t)]) => Exact(a * b, s + t),
        ("%", [Exact(a, 0), Exact(b, 0)]) => Exact(a % b, 0),
        ("-", [Exact(a, s)]) => Exact(-a, *s),
        ("-", [Real(a)]) => Real(-a),
        ("ABS", [Exact(a, s)]) => Exact(a.abs(), *s),
        ("ABS", [Real(a)]) => Real(a.abs()),
        ("EXTRACT_YEAR", [Value::Date(d)]) => Exact(civil(*d).0.into(), 0),
        ("EXTRACT_MONTH", [Value::Date(d)]) => Exact(civil(*d).1.into(), 0),
        ("EXTRACT_DAY", [Value::Date(d)]) => Exact(civil(*d).2.into(), 0),
        ("EXTRACT_YEAR", [Value::Time(t)]) => Exact(civil(t.div_euclid(86_400_000_000)).0.into(), 0),
        ("EXTRACT_MONTH", [Value::Time(t)]) => Exact(civil(t.div_euclid(86_400_000_000)).1.into(), 0),
        ("EXTRACT_DAY", [Value::Time(t)]) => Exact(civil(t.div_euclid(86_400_000_000)).2.into(), 0),
        ("EXTRACT_DAY_OF_WEEK", [Value::Date(d)]) => Exact(((d + 3).rem_euclid(7) + 1).into(), 0),
        ("EXTRACT_DAY_OF_WEEK", [Value::Time(t)]) => {
            Exact(((t.div_euclid(86_400_000_000) + 3).rem_euclid(7) + 1).into(), 0)
        }
        ("EXTRACT_DAY_OF_YEAR", [Value::Date(d)]) => Exact(day_of_year(*d), 0),
        ("EXTRACT_DAY_OF_YEAR", [Value::Time(t)]) => Exact(day_of_year(t.div_euclid(86_400_000_000)), 0),
        ("DATE_DIFF", [Value::Date(a), Value::Date(b)]) => Exact((a - b).into(), 0),
        ("CAST", [value]) => match (value, call.r#type.unwrap().kind()) {
            (Exact(v, 0), Kind::Boolean) => Bool(*v != 0),
            (Bool(v), Kind::Byte | Kind::Short | Kind::Int | Kind::Long) => Exact(i128::from(*v), 0),
            (Exact(v, s), Kind::Double) => Real(decimal_text(*v, *s).parse().unwrap()),
            (Value::Time(t), Kind::Date) => Value::Date(t.div_euclid(86_400_000_000)),
            (value, _) => value.clone(),
        },
        other => panic!("{other:?} is not known to the reference"),
    }
}

fn decimal_text(unscaled: i128, scale: u32) -> String {
    let digits = format!("{:0width$}", unscaled.unsigned_abs(), width = scale as usize + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale as usize);
    format!("{}{whole}.{fraction}0", if unscaled < 0 { "-" } else { "" })
}
