//! A table with a column of every type, and calls of every function over each: what docs/pushdown.md is made of, and what the tests send to a cluster.

use std::sync::Arc;

use ti_codec::field_type::{flag, type_code as t, FieldType};
use ti_codec::{SparkType, TypeOptions};
use ti_proto::expr::{call, cast, column, long};
use ti_proto::plan::literal;
use ti_proto::{plan, tipb};

use super::FUNCTIONS;
use crate::catalog::descriptor::{ColumnDescriptor, TableDescriptor};
use crate::plan::expr::pb::Builder;
use crate::plan::expr::Binder;
use crate::plan::rules::Rules;
use crate::types::data_type;

/// A call that is pushed: with others of its kind the reason for a type on the page.
#[derive(Debug, Clone)]
pub struct Sample {
    /// First name of the function.
    pub function: &'static str,
    /// The type's name on the page, and its column's: one of [`columns`].
    pub column: &'static str,
    /// As Spark asks.
    pub call: plan::Expr,
    /// Spark's type of its values.
    pub result: plan::DataType,
    /// As TiKV is asked, but for what is added to dates ([`crate::plan::expr::calendar`]).
    pub sent: tipb::Expr,
}

/// All calls that are pushed, by function and type.
#[must_use]
pub fn samples() -> Vec<Sample> {
    let options = TypeOptions::default();
    let mut samples = Vec::new();
    with_binder(|binder| {
        for function in FUNCTIONS {
            let function = function.names.first().copied().unwrap_or_default();
            for (column, ty) in columns() {
                let Ok(read) = ti_codec::column_type(&ty, &options) else {
                    continue;
                };
                for call in calls(function, column, read.spark) {
                    if binder.operand(&call).is_err() {
                        continue;
                    }
                    let Ok(node) = binder.bind(&call).and_then(|bound| binder.node(bound)) else {
                        continue;
                    };
                    samples.push(Sample {
                        function,
                        column,
                        call,
                        result: data_type(node.spark),
                        sent: node.pb,
                    });
                }
            }
        }
    });
    samples
}

/// Binds expressions to the table of all types.
pub(super) fn with_binder<T>(make: impl FnOnce(&Binder<'_>) -> T) -> T {
    let table = table();
    let options = TypeOptions::default();
    let rules = Rules::new(None, Arc::default());
    make(&Binder::new(
        &table,
        &table.columns,
        &options,
        &rules,
        Builder::new(true),
    ))
}

/// The names of the types on the page, with a column of each, which has that name.
#[must_use]
pub fn columns() -> Vec<(&'static str, FieldType)> {
    let plain = |tp, flen, decimal| FieldType {
        flen,
        decimal,
        ..FieldType::new(tp)
    };
    let text = |tp, charset: &str, collate: &str| FieldType {
        flen: 20,
        charset: charset.into(),
        collate: collate.into(),
        ..FieldType::new(tp)
    };
    let unsigned = |tp, flen| FieldType {
        flag: flag::UNSIGNED,
        flen,
        ..FieldType::new(tp)
    };
    let members = |tp| FieldType {
        elems: vec!["a".into()],
        ..text(tp, "utf8mb4", "utf8mb4_bin")
    };
    vec![
        ("TINYINT(1)", plain(t::TINY, 1, 0)),
        ("TINYINT", plain(t::TINY, 4, 0)),
        ("SMALLINT", plain(t::SHORT, 6, 0)),
        ("INT", plain(t::LONG, 11, 0)),
        ("BIGINT", plain(t::LONG_LONG, 20, 0)),
        ("INT UNSIGNED", unsigned(t::LONG, 10)),
        ("BIGINT UNSIGNED", unsigned(t::LONG_LONG, 20)),
        ("YEAR", unsigned(t::YEAR, 4)),
        ("FLOAT", plain(t::FLOAT, -1, -1)),
        ("DOUBLE", plain(t::DOUBLE, -1, -1)),
        ("DECIMAL", plain(t::NEW_DECIMAL, 15, 2)),
        ("CHAR, VARCHAR, TEXT", text(t::VARCHAR, "utf8mb4", "utf8mb4_general_ci")),
        ("BINARY, VARBINARY, BLOB", text(t::VARCHAR, "binary", "binary")),
        ("DATE", plain(t::DATE, 10, 0)),
        ("DATETIME", plain(t::DATETIME, 26, 6)),
        ("TIMESTAMP", plain(t::TIMESTAMP, 26, 6)),
        ("TIME", plain(t::DURATION, 17, 6)),
        ("BIT", plain(t::BIT, 8, 0)),
        ("ENUM", members(t::ENUM)),
        ("SET", members(t::SET)),
        ("JSON", text(t::JSON, "binary", "binary")),
        ("VECTOR", plain(t::VECTOR_FLOAT32, 3, -1)),
    ]
}

fn table() -> TableDescriptor {
    let samples = columns().into_iter().zip(1..);
    TableDescriptor::of_columns(
        samples
            .map(|((name, ty), id)| ColumnDescriptor::new(id, name, ty))
            .collect(),
    )
}

fn constant(spark: SparkType, value: literal::Value) -> plan::Expr {
    ti_proto::expr::literal(data_type(spark), Some(value))
}

/// A small constant of a type.
fn one(spark: SparkType) -> plan::Expr {
    let value = match spark {
        SparkType::Boolean => literal::Value::Boolean(true),
        SparkType::Float | SparkType::Double => literal::Value::Real(1.0),
        SparkType::Decimal { .. } => literal::Value::Decimal("1".into()),
        SparkType::String => literal::Value::Text("1".into()),
        SparkType::Binary => literal::Value::Binary(vec![1]),
        _ => literal::Value::Integer(1),
    };
    constant(spark, value)
}

/// Calls of a function with a column as its first argument, any of which shows that it is pushed for the column's type.
fn calls(function: &str, name: &str, spark: SparkType) -> Vec<plan::Expr> {
    let int = |v| constant(SparkType::Int, literal::Value::Integer(v));
    let text = || constant(SparkType::String, literal::Value::Text("a".into()));
    let null_test = || call("IS_NULL", vec![column(name)]);
    let with = |rest: Vec<plan::Expr>| call(function, std::iter::once(column(name)).chain(rest).collect());
    match function {
        "STARTS_WITH" | "ENDS_WITH" | "CONTAINS" => vec![with(vec![text()])],
        "SUBSTRING" => vec![with(vec![int(1), int(2)])],
        "ALWAYS_TRUE" | "ALWAYS_FALSE" => Vec::new(),
        "CASE_WHEN" => vec![call(function, vec![null_test(), one(spark), column(name)])],
        "IS_NULL" | "IS_NOT_NULL" | "NOT" | "BOOLEAN_EXPRESSION" | "ABS" | "CHAR_LENGTH" | "OCTET_LENGTH"
        | "BIT_LENGTH" => vec![with(Vec::new())],
        part if part.starts_with("EXTRACT_") => vec![with(Vec::new())],
        "DATE_DIFF" => vec![with(vec![constant(SparkType::Date, literal::Value::Integer(1))])],
        "CAST" => [
            SparkType::Boolean,
            SparkType::Long,
            SparkType::Double,
            SparkType::Decimal {
                precision: 38,
                scale: 10,
            },
            SparkType::Date,
            SparkType::TimestampNtz,
        ]
        .into_iter()
        .filter(|target| *target != spark)
        .map(|target| cast(column(name), data_type(target)))
        .collect(),
        "+" | "-" | "*" | "%" => {
            // Spark's own cast to a wider type comes first where a sum might not fit.
            let wide = cast(column(name), data_type(SparkType::Long));
            vec![with(vec![one(spark)]), call(function, vec![wide, long(1)])]
        }
        _ => vec![with(vec![one(spark)])],
    }
}
