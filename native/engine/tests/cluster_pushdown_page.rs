//! The page docs/pushdown.md, row by row: every function over every type that the page names, and every aggregate and order, sent to the store over
//! tables of these types. What the store answers is what a small evaluator of Spark's rules finds in the rows that are read without push-down.

use std::collections::BTreeSet;

use arrow_array::RecordBatch;
use ti_engine::plan::func::page;
use ti_engine::plan::func::samples::{columns, samples, Sample};
use ti_proto::plan;
use ti_proto::plan::aggregate::Function;
use ti_proto::plan::data_type::Kind;
use ti_proto::plan::{literal, Support};

use crate::support::push::*;
use crate::support::push_table::point;
use crate::support::reference::{cell, compare, eval, Value};
use crate::support::{fill, Cluster};

const ROWS: usize = 60;

/// What a name of the page stands for.
const TYPES: &[(&str, [&str; 3])] = &[
    (
        "CHAR, VARCHAR, TEXT",
        ["VARCHAR(100) COLLATE utf8mb4_general_ci", "CHAR(100)", "TEXT"],
    ),
    ("BINARY, VARBINARY, BLOB", ["VARBINARY(20)", "BINARY(12)", "BLOB"]),
    ("DECIMAL", ["DECIMAL(15,2)", "DECIMAL(15,2)", "DECIMAL(15,2)"]),
    ("DATETIME", ["DATETIME(6)", "DATETIME", "DATETIME(3)"]),
    (
        "TIMESTAMP",
        ["TIMESTAMP(6) NULL", "TIMESTAMP NULL", "TIMESTAMP(3) NULL"],
    ),
    ("TIME", ["TIME(6)", "TIME", "TIME(3)"]),
    ("BIT", ["BIT(8)", "BIT(1)", "BIT(64)"]),
    ("ENUM", ["ENUM('a','b','c')", "ENUM('a','b','c')", "ENUM('a','b','c')"]),
    ("SET", ["SET('a','b','c')", "SET('a','b','c')", "SET('a','b','c')"]),
    ("VECTOR", ["VECTOR(3)", "VECTOR(3)", "VECTOR(3)"]),
];

struct Table {
    cluster: Cluster,
    rows: RecordBatch,
}

/// A table with the columns of the page, called as their types are; `variant` chooses among the types of one name.
fn table(variant: usize) -> Table {
    let test = format!("push_page_{variant}");
    let mut rng = fill::random(&test);
    let cluster = Cluster::new(&test);
    let types: Vec<(&str, &str)> = columns()
        .iter()
        .map(|(name, _)| {
            (
                *name,
                TYPES
                    .iter()
                    .find(|(n, _)| n == name)
                    .map_or(*name, |(_, types)| types[variant]),
            )
        })
        .collect();
    let definitions: Vec<String> = types.iter().map(|(name, ty)| format!("`{name}` {ty}")).collect();
    cluster.sql(&format!(
        "CREATE TABLE t (id INT PRIMARY KEY, {})",
        definitions.join(", ")
    ));
    cluster.sql("SET sql_mode = 'ALLOW_INVALID_DATES'");
    for id in 0..ROWS {
        let values: Vec<String> = types
            .iter()
            .map(|(_, ty)| match (id, ty.split([' ', '(']).next()) {
                (0, _) | (_, Some("JSON" | "VECTOR")) => "NULL".into(),
                (1, Some("DATE" | "DATETIME" | "TIMESTAMP")) => "'0000-00-00'".into(),
                (2, Some("DATE" | "DATETIME")) => "'2021-02-31'".into(),
                (3, Some("DATE" | "DATETIME")) => "'2020-02-29'".into(),
                (1 | 2, Some("TINYINT" | "SMALLINT" | "INT" | "BIGINT" | "DECIMAL" | "FLOAT" | "DOUBLE")) => {
                    (id - 1).to_string()
                }
                (1, Some("CHAR" | "VARCHAR" | "TEXT")) => "'1'".into(),
                (2, Some("CHAR" | "VARCHAR" | "TEXT")) => "'aAa'".into(),
                _ => fill::literal(&mut rng, ty),
            })
            .collect();
        cluster.sql(&format!("INSERT IGNORE INTO t VALUES ({id}, {})", values.join(", ")));
    }
    let schema = cluster.load("t").unwrap();
    let readable: Vec<&str> = schema
        .columns
        .iter()
        .filter(|c| c.unsupported.is_empty())
        .map(|c| c.name.as_str())
        .collect();
    let plan = cluster.plan(&schema, &readable).unwrap();
    let batches = cluster.batches(&plan).unwrap();
    let rows = arrow_select::concat::concat_batches(&batches[0].schema(), &batches).unwrap();
    assert_eq!(rows.num_rows(), ROWS);
    Table { cluster, rows }
}

/// A value of an expression as a constant of its type.
fn constant(ty: plan::DataType, value: &Value) -> Option<plan::Expr> {
    let value = match value {
        Value::Null => return None,
        Value::Bool(v) => literal::Value::Boolean(*v),
        Value::Exact(v, scale) if ty.kind() == Kind::Decimal => literal::Value::Decimal(point(*v, *scale)),
        Value::Exact(v, _) => literal::Value::Integer(i64::try_from(*v).unwrap()),
        Value::Real(v) => literal::Value::Real(*v),
        Value::Text(v) => literal::Value::Text(v.clone()),
        Value::Bytes(v) => literal::Value::Binary(v.clone()),
        Value::Time(v) | Value::Date(v) => literal::Value::Integer(*v),
    };
    Some(lit(ty, Some(value)))
}

/// Conditions that tell which values the store has for a call.
fn conditions(sample: &Sample, rows: &RecordBatch) -> Vec<plan::Expr> {
    let is_null = call("IS_NULL", vec![sample.call.clone()]);
    if sample.result.kind() == Kind::Boolean {
        return vec![sample.call.clone(), call("NOT", vec![sample.call.clone()]), is_null];
    }
    let mut conditions = vec![is_null];
    for row in [1, 3, 4] {
        if let Some(value) = constant(sample.result, &eval(&sample.call, rows, row)) {
            conditions.extend(["=", "<"].map(|op| call(op, vec![sample.call.clone(), value.clone()])));
        }
    }
    conditions
}

fn ids(rows: &RecordBatch, holds: impl Fn(usize) -> bool) -> Vec<usize> {
    (0..rows.num_rows()).filter(|row| holds(*row)).collect()
}

impl Table {
    fn pushed(&self, filter: &plan::Expr) -> Result<Vec<usize>, String> {
        let spec = self.cluster.spec("t", |s| {
            s.columns = vec!["id".into()];
            s.filters = vec![filter.clone()];
        });
        let item = &self.cluster.check(&spec).filters[0];
        if item.support() != Support::Full {
            return Err(item.reason.clone());
        }
        let mut ids: Vec<usize> = self
            .cluster
            .run(spec)
            .0
            .iter()
            .map(|r| r[0].as_ref().unwrap().parse().unwrap())
            .collect();
        ids.sort_unstable();
        Ok(ids)
    }
}

fn functions(variant: usize) {
    let table = table(variant);
    let (mut tried, mut wrong) = (BTreeSet::new(), Vec::new());
    for sample in samples() {
        for filter in conditions(&sample, &table.rows) {
            let expected = ids(&table.rows, |row| eval(&filter, &table.rows, row) == Value::Bool(true));
            let pushed = table.pushed(&filter);
            if pushed.as_ref() != Ok(&expected) {
                wrong.push(format!(
                    "{} of {}: {filter:?}\n  {pushed:?}\n  {expected:?}",
                    sample.function, sample.column
                ));
            }
        }
        tried.insert((sample.function, sample.column));
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
    // Nothing on the page was left out.
    for line in page::functions() {
        let name = line.spark.split(", ").next().unwrap();
        for ty in line.types.split("; ").filter(|ty| !ty.is_empty()) {
            assert!(tried.contains(&(name, ty)), "{name} of {ty}");
        }
    }
}

#[test]
fn functions_of_varchar_and_microseconds() {
    functions(0);
}

#[test]
fn functions_of_char_and_seconds() {
    functions(1);
}

#[test]
fn functions_of_text_and_milliseconds() {
    functions(2);
}

/// Numbers of groups are not BOOLEAN yet, -0 is 0.
fn plain(value: Value) -> Value {
    match value {
        Value::Bool(v) => Value::Exact(i128::from(v), 0),
        Value::Real(v) => Value::Real(v + 0.0),
        other => other,
    }
}

/// What Spark makes of the values of all rows, or of the partial ones of tasks.
fn fold(function: Function, values: Vec<Value>) -> Value {
    let values = values.into_iter().filter(|v| *v != Value::Null);
    values
        .reduce(|a, b| match (function, a, b) {
            (Function::Min, a, b) => std::cmp::min_by(a, b, compare),
            (Function::Max, a, b) => std::cmp::max_by(a, b, compare),
            (_, Value::Exact(a, s), Value::Exact(b, _)) => Value::Exact(a + b, s),
            other => panic!("{other:?}"),
        })
        .unwrap_or(Value::Null)
}

#[test]
fn aggregates_and_orders() {
    let table = table(0);
    let all = |name: &str| -> Vec<Value> {
        let column = table.rows.column_by_name(name).unwrap();
        (0..ROWS).map(|row| plain(cell(column.as_ref(), row))).collect()
    };
    let answers = |spec: plan::ScanSpec, of: &str| -> Vec<Vec<Value>> {
        let support = table.cluster.check(&spec);
        for item in support.aggregation.iter().chain(&support.top_n) {
            assert_eq!(item.support(), Support::Partial, "{of}: {}", item.reason);
        }
        let plan = table.cluster.session.plan(spec).unwrap();
        let batches = table.cluster.batches(&plan).unwrap();
        let rows = batches.iter().flat_map(|b| (0..b.num_rows()).map(move |row| (b, row)));
        rows.map(|(b, row)| b.columns().iter().map(|c| plain(cell(c.as_ref(), row))).collect())
            .collect()
    };
    for line in page::operators() {
        for name in line.types.split("; ") {
            let of = format!("{} of {name}", line.spark);
            let values = all(name);
            let function = match line.spark.as_str() {
                "COUNT(column)" => Some(Function::Count),
                "SUM" => Some(Function::Sum),
                "MIN" => Some(Function::Min),
                "MAX" => Some(Function::Max),
                _ => None,
            };
            if let Some(function) = function {
                let spec = table.cluster.spec("t", |s| {
                    s.aggregation = Some(plan::Aggregation {
                        group_by: Vec::new(),
                        aggregates: vec![agg(function, col(name))],
                    });
                });
                let partial = answers(spec, &of).into_iter().map(|mut row| row.remove(0)).collect();
                let expected = match function {
                    Function::Count => Value::Exact(values.iter().filter(|v| **v != Value::Null).count() as i128, 0),
                    _ => fold(function, values),
                };
                assert_eq!(fold(function, partial), expected, "{of}");
            } else if line.spark == "GROUP BY, DISTINCT" {
                let spec = table.cluster.spec("t", |s| {
                    s.aggregation = Some(plan::Aggregation {
                        group_by: vec![col(name)],
                        aggregates: vec![count_star()],
                    });
                });
                let texts = |values: Vec<Value>| values.iter().map(|v| format!("{v:?}")).collect::<BTreeSet<_>>();
                let groups = answers(spec, &of);
                let counted = fold(Function::Count, groups.iter().map(|row| row[1].clone()).collect());
                assert_eq!(counted, Value::Exact(ROWS as i128, 0), "{of}");
                assert_eq!(
                    texts(groups.into_iter().map(|mut row| row.remove(0)).collect()),
                    texts(values),
                    "{of}"
                );
            } else {
                assert_eq!(line.spark, "ORDER BY ... LIMIT");
                for descending in [false, true] {
                    let spec = table.cluster.spec("t", |s| {
                        s.columns = vec![name.into()];
                        s.order = vec![by(col(name), descending, true)];
                        s.limit = Some(5);
                    });
                    let first = |values: Vec<Value>| -> Vec<Value> {
                        let mut known: Vec<Value> = values.into_iter().filter(|v| *v != Value::Null).collect();
                        known.sort_by(|a, b| if descending { compare(b, a) } else { compare(a, b) });
                        known.truncate(5);
                        known
                    };
                    let sent = answers(spec, &of);
                    assert_eq!(
                        first(sent.into_iter().map(|mut row| row.remove(0)).collect()),
                        first(values.clone()),
                        "{of}"
                    );
                }
            }
        }
    }
}
