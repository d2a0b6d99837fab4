//! The lines of docs/pushdown.md: every function is bound to a column of every type, so that the page cannot differ from the code.

use std::sync::Arc;

use ti_codec::field_type::{flag, type_code as t, FieldType};
use ti_codec::{SparkType, TypeOptions};
use ti_proto::expr::{call, cast, column, long};
use ti_proto::plan;
use ti_proto::plan::{aggregate, literal};

use super::FUNCTIONS;
use crate::catalog::descriptor::{ColumnDescriptor, TableDescriptor};
use crate::plan::aggregate as aggregation;
use crate::plan::expr::pb::Builder;
use crate::plan::expr::Binder;
use crate::plan::operators::top_n;
use crate::plan::rules::Rules;
use crate::types::data_type;

/// One line of the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Names in Spark's V2 expressions, or the operator.
    pub spark: String,
    /// Names in `mysql.expr_pushdown_blacklist` that switch it off.
    pub tidb: String,
    /// MySQL types of a column that it is pushed for.
    pub types: String,
    /// What else it depends on.
    pub note: &'static str,
}

/// The names of the types on the page, with a column of each.
fn samples() -> Vec<(&'static str, FieldType)> {
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
    let columns = samples().into_iter().zip(1..);
    TableDescriptor::of_columns(
        columns
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

/// The lines of functions.
#[must_use]
pub fn functions() -> Vec<Line> {
    lines(|binder| {
        FUNCTIONS
            .iter()
            .map(|function| {
                let name = function.names.first().copied().unwrap_or_default();
                let types = types(|column, spark| {
                    calls(name, column, spark)
                        .iter()
                        .any(|call| binder.operand(call).is_ok())
                });
                Line {
                    spark: function.names.join(", "),
                    tidb: function.tidb.join(", "),
                    types: if name.starts_with("ALWAYS") {
                        String::new()
                    } else {
                        types
                    },
                    note: function.note,
                }
            })
            .collect()
    })
}

/// The lines of aggregates, groups and orders.
#[must_use]
pub fn operators() -> Vec<Line> {
    use aggregate::Function;
    let functions = [
        ("COUNT(column)", "count", Some(Function::Count), "COUNT(*) always"),
        (
            "SUM",
            "sum",
            Some(Function::Sum),
            "A partial sum that does not fit the summed type comes as several rows",
        ),
        ("MIN", "min", Some(Function::Min), "Text by its bytes"),
        ("MAX", "max", Some(Function::Max), "Text by its bytes"),
        ("GROUP BY, DISTINCT", "", None, "Text by its bytes"),
    ];
    lines(|binder| {
        let mut lines: Vec<Line> = functions
            .iter()
            .map(|(name, tidb, function, note)| Line {
                spark: (*name).into(),
                tidb: (*tidb).into(),
                types: types(|name, _| {
                    let mut sample = plan::Aggregation::default();
                    match function {
                        Some(function) => sample.aggregates.push(plan::Aggregate {
                            function: (*function).into(),
                            arguments: vec![column(name)],
                            distinct: false,
                        }),
                        None => sample.group_by.push(column(name)),
                    }
                    aggregation::executor(binder, &sample).is_ok()
                }),
                note,
            })
            .collect();
        lines.push(Line {
            spark: "ORDER BY ... LIMIT".into(),
            tidb: String::new(),
            types: types(|name, _| {
                let key = plan::SortOrder {
                    expression: Some(column(name)),
                    ..Default::default()
                };
                top_n(binder, &[key], 1).is_ok()
            }),
            note: "NULLS FIRST and LAST as Spark has them",
        });
        lines
    })
}

/// Names of the types that something holds for.
fn types(holds: impl Fn(&str, SparkType) -> bool) -> String {
    let options = TypeOptions::default();
    let names: Vec<&str> = samples()
        .iter()
        .filter(|(name, ty)| ti_codec::column_type(ty, &options).is_ok_and(|column| holds(name, column.spark)))
        .map(|(name, _)| *name)
        .collect();
    if names.len() == samples().len() {
        "all".into()
    } else {
        names.join("; ")
    }
}

fn lines(make: impl Fn(&Binder<'_>) -> Vec<Line>) -> Vec<Line> {
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

#[cfg(test)]
#[path = "page_tests.rs"]
mod tests;
