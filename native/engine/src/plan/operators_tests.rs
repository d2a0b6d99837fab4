//! Golden requests: a spec, and the executors that are sent for it, as text.
//!
//! `#1` is column 1 of the source, `140(...)` a function by its number in tipb, constants are `kind:hex`; a type follows where it decides.

use std::fmt::Write as _;
use std::sync::Arc;

use super::*;
use crate::catalog::descriptor::{ColumnDescriptor, HandleKind};
use crate::plan::expr::pb::kind;
use ti_codec::field_type::{type_code as t, FieldType};
use ti_proto::expr::{call, column as col, data_type, decimal_type};
use ti_proto::plan::data_type::Kind;
use ti_proto::plan::{aggregate, literal};

fn table() -> TableDescriptor {
    let column = ColumnDescriptor::new;
    let sized = |tp, flen, decimal| FieldType {
        flen,
        decimal,
        ..FieldType::new(tp)
    };
    let text = FieldType {
        charset: "utf8mb4".into(),
        collate: "utf8mb4_general_ci".into(),
        ..sized(t::VARCHAR, 20, 0)
    };
    TableDescriptor {
        handle: HandleKind::Common,
        primary_column_ids: vec![5],
        ..TableDescriptor::of_columns(vec![
            column(1, "i", sized(t::LONG, 11, 0)),
            column(2, "n", sized(t::NEW_DECIMAL, 15, 2)),
            column(3, "s", text.clone()),
            column(4, "d", sized(t::DATE, 10, 0)),
            column(5, "k", text),
            column(6, "ts", sized(t::TIMESTAMP, 19, 0)),
            column(7, "b", sized(t::TINY, 1, 0)),
        ])
    }
}

fn lit(kind: Kind, value: literal::Value) -> plan::Expr {
    let r#type = match kind {
        Kind::Decimal => decimal_type(15, 2),
        kind => data_type(kind),
    };
    ti_proto::expr::literal(r#type, Some(value))
}

fn int(value: i64) -> plan::Expr {
    lit(Kind::Int, literal::Value::Integer(value))
}

fn show(expr: &tipb::Expr) -> String {
    let children: Vec<String> = expr.children.iter().map(show).collect();
    match expr.tp() {
        kind::COLUMN_REF => format!("#{}", expr.val()[7]),
        kind::SCALAR_FUNC => format!("{}({})", expr.sig(), children.join(" ")),
        other if children.is_empty() => {
            let hex = expr.val().iter().fold(String::new(), |mut hex, byte| {
                let _ = write!(hex, "{byte:02x}");
                hex
            });
            format!("{other}:{hex}")
        }
        other => {
            let ty = expr.field_type.as_ref().unwrap();
            format!(
                "{other}<{},{},{}>({})",
                ty.tp(),
                ty.flen(),
                ty.decimal(),
                children.join(" ")
            )
        }
    }
}

fn list(exprs: &[tipb::Expr]) -> String {
    exprs.iter().map(show).collect::<Vec<_>>().join("; ")
}

/// The executors above the scan, and the collations of the scanned columns.
fn golden(change: impl FnOnce(&mut plan::ScanSpec)) -> (Vec<String>, Vec<i32>, Operators) {
    let table = table();
    let types = TypeOptions::default();
    let mut spec = plan::ScanSpec::default();
    change(&mut spec);
    let query = Query::new(&table, &spec, &types, Rules::new(None, Arc::default())).unwrap();
    let mut source = Source::table(&table, query.columns(), true);
    if query.compares_scanned_text() {
        source = source.with_binary_text(&table, true);
    }
    let operators = query.operators(&source, true).unwrap();
    let texts = operators.executors.iter().map(|e| {
        if let Some(selection) = &e.selection {
            format!("Selection {}", list(&selection.conditions))
        } else if let Some(aggregation) = &e.aggregation {
            format!(
                "Aggregation {} by {}",
                list(&aggregation.agg_func),
                list(&aggregation.group_by)
            )
        } else if let Some(top_n) = &e.top_n {
            let keys: Vec<String> = top_n
                .order_by
                .iter()
                .map(|k| {
                    format!(
                        "{}{}",
                        show(k.expr.as_ref().unwrap()),
                        if k.desc() { " desc" } else { "" }
                    )
                })
                .collect();
            format!("TopN {} limit {}", keys.join("; "), top_n.limit())
        } else {
            format!("Limit {}", e.limit.as_ref().unwrap().limit())
        }
    });
    let scan = source.executor.tbl_scan.as_ref().unwrap();
    let collations = scan.columns.iter().map(tipb::ColumnInfo::collation).collect();
    (texts.collect(), collations, operators.clone())
}

fn conditions(filter: plan::Expr) -> String {
    let (texts, _, _) = golden(|s| {
        s.columns = vec!["i".into()];
        s.filters = vec![filter];
    });
    texts.join(" | ")
}

#[test]
fn conditions_of_numbers_and_text() {
    assert_eq!(
        conditions(call("=", vec![col("i"), int(1)])),
        "Selection 140(#0 1:8000000000000001)"
    );
    assert_eq!(
        conditions(call(
            "<",
            vec![col("n"), lit(Kind::Decimal, literal::Value::Decimal("24.00".into()))]
        )),
        "Selection 102(#1 102:04029800)"
    );
    assert_eq!(
        conditions(call("AND", vec![call("IS_NOT_NULL", vec![col("b")]), call("NOT", vec![call("=", vec![col("b"), lit(Kind::Boolean, literal::Value::Boolean(true))])])])),
        "Selection 3101(3104(3116(150(#1 1:8000000000000000))) 3104(140(150(#1 1:8000000000000000) 1:8000000000000001)))"
    );
    assert_eq!(
        conditions(call(
            "CONTAINS",
            vec![col("s"), lit(Kind::String, literal::Value::Text("a_%\\".into()))]
        )),
        "Selection 4310(#1 5:25615c5f5c255c5c25 1:800000000000005c)"
    );
}

#[test]
fn conditions_of_dates_look_at_the_calendar() {
    let before = call("<", vec![col("d"), lit(Kind::Date, literal::Value::Integer(0))]);
    let valid =
        "120(6017(#1) 1:8000000000000000); 120(6022(#1) 1:8000000000000000); 3102(110(6022(#1) 1:800000000000001c) ";
    let text = conditions(before.clone());
    assert!(text.starts_with("Selection 104(#1 107:"), "{text}");
    assert!(text.contains(valid), "{text}");
    // Where the condition may hold without a date, an invalid one becomes NULL first.
    let text = conditions(call("OR", vec![before, call("=", vec![col("i"), int(1)])]));
    assert!(text.starts_with("Selection 3102(104(4212(3101(3101(120("), "{text}");
    assert_eq!(
        conditions(call("IS_NULL", vec![col("ts")])),
        "Selection 3115(4212(134(#1 107:1902c20000000000) #1))"
    );
}

#[test]
fn groups_are_formed_by_bytes() {
    let (texts, collations, operators) = golden(|s| {
        s.aggregation = Some(plan::Aggregation {
            group_by: vec![col("s"), col("k")],
            aggregates: vec![
                plan::Aggregate {
                    function: aggregate::Function::CountStar.into(),
                    ..Default::default()
                },
                plan::Aggregate {
                    function: aggregate::Function::Sum.into(),
                    arguments: vec![col("n")],
                    distinct: false,
                },
            ],
        });
    });
    // The key column keeps its collation, by which the key is read.
    assert_eq!(
        texts,
        ["Aggregation 3001<8,20,0>(1:8000000000000001); 3002<246,65,2>(#2) by #0; 32(#1)"]
    );
    assert_eq!(collations[..2], [-63, -45]);
    let aggregated = operators.aggregated.unwrap();
    assert_eq!(aggregated.offsets, [2, 3, 0, 1]);
    assert!(!aggregated.global);
    assert_eq!(
        operators.texts,
        ["HashAgg(cop[tikv]) group by:d.t.s, d.t.k, funcs:count(1), sum(d.t.n)"]
    );
}

#[test]
fn orders_put_nulls_where_spark_does() {
    let key = |name: &str, descending, nulls_last| plan::SortOrder {
        expression: Some(col(name)),
        descending,
        nulls_last,
    };
    let (texts, _, _) = golden(|s| {
        s.columns = vec!["i".into()];
        s.order = vec![key("i", false, true), key("n", true, true), key("s", true, false)];
        s.limit = Some(9);
    });
    assert_eq!(texts, ["TopN 3116(#0); #0; #1 desc; 3114(#2) desc; #2 desc limit 9"]);
    let (texts, _, operators) = golden(|s| {
        s.columns = vec!["i".into()];
        s.limit = Some(9);
    });
    assert_eq!((texts, operators.limit), (vec!["Limit 9".to_owned()], Some(9)));
}

#[test]
fn a_filter_that_was_not_announced_is_an_error() {
    let table = table();
    let spec = plan::ScanSpec {
        filters: vec![call("UPPER", vec![col("s")])],
        ..Default::default()
    };
    let types = TypeOptions::default();
    let query = Query::new(&table, &spec, &types, Rules::new(None, Arc::default())).unwrap();
    let source = Source::table(&table, query.columns(), true);
    let error = query.operators(&source, true).unwrap_err();
    assert_eq!(error.kind, ErrorKind::InvalidArgument);
    assert!(error.message.contains("UPPER"), "{error}");
}
