//! The lines of docs/pushdown.md: every function is bound to a column of every type, so that the page cannot differ from the code.

use std::collections::BTreeSet;

use ti_codec::field_type::{type_code, FieldType};
use ti_codec::{SparkType, TypeOptions};
use ti_proto::expr::column;
use ti_proto::plan::aggregate;
use ti_proto::{plan, tipb};

use super::samples::{columns, samples, with_binder, Sample};
use super::FUNCTIONS;
use crate::plan::aggregate as aggregation;
use crate::plan::expr::pb::{kind, Builder};
use crate::plan::expr::{calendar, sig};
use crate::plan::operators::top_n;

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
    /// TiKV's functions that it becomes.
    pub signatures: String,
}

/// The lines of functions.
#[must_use]
pub fn functions() -> Vec<Line> {
    let samples = samples();
    let line = |function: &super::Function| {
        let name = function.names.first().copied().unwrap_or_default();
        let of_name: Vec<&Sample> = samples.iter().filter(|s| s.function == name).collect();
        let mut types: Vec<&str> = of_name.iter().map(|s| s.column).collect();
        types.dedup();
        Line {
            spark: function.names.join(", "),
            tidb: function.tidb.join(", "),
            types: types.join("; "),
            note: function.note,
            signatures: names(of_name.iter().map(|s| &s.sent)),
        }
    };
    FUNCTIONS.iter().map(line).collect()
}

/// TiKV's names of what a date is sent with, so that 0000-00-00 is NULL.
#[must_use]
pub fn signatures_of_valid_dates() -> String {
    let pb = Builder::new(true);
    let sent: Vec<tipb::Expr> = [type_code::DATE, type_code::TIMESTAMP]
        .into_iter()
        .map(FieldType::new)
        .map(|ty| calendar::valid_or_null(&pb, &pb.column(0, &ty), &ty))
        .collect();
    names(sent.iter())
}

/// Signatures in expressions: `LTInt` (100), in the order of their numbers.
fn names<'a>(expressions: impl Iterator<Item = &'a tipb::Expr>) -> String {
    fn collect(expr: &tipb::Expr, into: &mut BTreeSet<i32>) {
        if expr.tp() == kind::SCALAR_FUNC {
            into.insert(expr.sig());
        }
        expr.children.iter().for_each(|child| collect(child, into));
    }
    let mut numbers = BTreeSet::new();
    expressions.for_each(|expr| collect(expr, &mut numbers));
    let name = |number: &i32| format!("`{}` ({number})", sig::name(*number).unwrap_or_default());
    numbers.iter().map(name).collect::<Vec<_>>().join(", ")
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
    with_binder(|binder| {
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
                signatures: String::new(),
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
            signatures: String::new(),
        });
        lines
    })
}

/// Names of the types that something holds for.
fn types(holds: impl Fn(&str, SparkType) -> bool) -> String {
    let options = TypeOptions::default();
    let names: Vec<&str> = columns()
        .iter()
        .filter(|(name, ty)| ti_codec::column_type(ty, &options).is_ok_and(|column| holds(name, column.spark)))
        .map(|(name, _)| *name)
        .collect();
    names.join("; ")
}

#[cfg(test)]
#[path = "page_tests.rs"]
mod tests;
