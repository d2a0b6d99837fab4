//! Random conditions and aggregations over a table of all types: what the store answers is what a small evaluator of Spark's rules
//! finds in the rows that are read without push-down. TI_ENGINE_SEED repeats a run, TI_ENGINE_PREDICATES says how many (1,400).

use std::collections::BTreeMap;

use crate::support::fill;
use crate::support::push::*;
use crate::support::push_table::{number, table};
use crate::support::reference::{compare, eval, Value};
use ti_proto::plan;
use ti_proto::plan::aggregate::Function;
use ti_proto::plan::Support;

#[test]
fn conditions_hold_for_the_same_rows() {
    let mut rng = fill::random("conditions");
    let table = table("push_random", &mut rng);
    let mut invalid = 0;
    for _ in 0..number() {
        let filters: Vec<plan::Expr> = (0..rng.usize(1..3)).map(|_| table.condition(&mut rng, 3)).collect();
        let spec = table.cluster.spec("t", |s| {
            s.columns = vec!["id".into()];
            s.filters.clone_from(&filters);
        });
        for (filter, item) in filters.iter().zip(table.cluster.check(&spec).filters) {
            assert_eq!(item.support(), Support::Full, "{}: {filter:?}", item.reason);
        }
        let (rows, explain) = table.cluster.run(spec);
        let mut pushed: Vec<usize> = rows.iter().map(|r| r[0].as_ref().unwrap().parse().unwrap()).collect();
        pushed.sort_unstable();
        let ids: Vec<usize> = (0..table.rows.num_rows())
            .filter(|row| table.holds(&filters, *row))
            .map(
                |row| match crate::support::reference::cell(table.rows.column(0).as_ref(), row) {
                    Value::Exact(id, 0) => id as usize,
                    other => panic!("{other:?}"),
                },
            )
            .collect();
        let mut expected = ids;
        expected.sort_unstable();
        assert_eq!(pushed, expected, "{explain}");
        invalid += usize::from(explain.contains("valid_date"));
    }
    assert!(invalid > 0, "no condition had to look at invalid dates");
}

#[derive(Default)]
struct Group {
    count: i128,
    values: Vec<Value>,
}

fn merge(into: &mut Value, value: Value, function: Function) {
    if value == Value::Null {
        return;
    }
    *into = match (&*into, value, function) {
        (Value::Null, value, _) => value,
        (Value::Exact(a, s), Value::Exact(b, t), Function::Sum | Function::Count) => {
            assert_eq!(*s, t);
            Value::Exact(a + b, t)
        }
        (a, b, Function::Min) if compare(&b, a).is_lt() => b,
        (a, b, Function::Max) if compare(&b, a).is_gt() => b,
        (a, _, _) => a.clone(),
    };
}

#[test]
fn groups_merge_to_those_of_the_rows() {
    let mut rng = fill::random("groups");
    let table = table("push_groups", &mut rng);
    for _ in 0..number() / 2 {
        let filters: Vec<plan::Expr> = (0..rng.usize(0..2)).map(|_| table.condition(&mut rng, 1)).collect();
        let groups: Vec<plan::Expr> = (0..rng.usize(0..3))
            .map(|_| match rng.u8(..6) {
                0 => call("EXTRACT_MONTH", vec![col(rng.choice(["dt", "dm"]).unwrap())]),
                1 => call("CHAR_LENGTH", vec![col("v")]),
                _ => col(&table.column(&mut rng)),
            })
            .collect();
        let mut aggregates = vec![(Function::Count, col("i"))];
        for _ in 0..rng.usize(1..4) {
            let column = table.column(&mut rng);
            let sums = ["t", "tu", "s", "su", "i", "iu", "b", "bu", "n5", "n20"];
            aggregates.push(match rng.u8(..4) {
                0 => (Function::Count, col(&column)),
                1 => (Function::Min, col(&column)),
                2 => (Function::Max, col(&column)),
                _ => (Function::Sum, col(rng.choice(sums).unwrap())),
            });
        }
        let spec = table.cluster.spec("t", |s| {
            s.filters.clone_from(&filters);
            s.aggregation = Some(plan::Aggregation {
                group_by: groups.clone(),
                aggregates: std::iter::once(count_star())
                    .chain(aggregates.iter().map(|(f, e)| agg(*f, e.clone())))
                    .collect(),
            });
        });
        let item = table.cluster.check(&spec).aggregation.unwrap();
        assert_eq!(
            item.support(),
            Support::Partial,
            "{}: {aggregates:?} by {groups:?}",
            item.reason
        );
        let plan = table.cluster.session.plan(spec).unwrap();
        let mut pushed: BTreeMap<String, Group> = BTreeMap::new();
        for batch in table.cluster.batches(&plan).unwrap() {
            for row in 0..batch.num_rows() {
                let value = |at: usize| crate::support::reference::cell(batch.column(at).as_ref(), row);
                let key: Vec<Value> = (0..groups.len()).map(|at| plain(value(at))).collect();
                let group = pushed.entry(format!("{key:?}")).or_default();
                group.values.resize(aggregates.len(), Value::Null);
                let Value::Exact(count, 0) = value(groups.len()) else {
                    panic!("no count")
                };
                group.count += count;
                for (at, (function, _)) in aggregates.iter().enumerate() {
                    merge(&mut group.values[at], plain(value(groups.len() + 1 + at)), *function);
                }
            }
        }
        let mut expected: BTreeMap<String, Group> = BTreeMap::new();
        if groups.is_empty() {
            expected.insert(
                "[]".into(),
                Group {
                    count: 0,
                    values: aggregates
                        .iter()
                        .map(|(f, _)| {
                            if *f == Function::Count {
                                Value::Exact(0, 0)
                            } else {
                                Value::Null
                            }
                        })
                        .collect(),
                },
            );
        }
        for row in (0..table.rows.num_rows()).filter(|row| table.holds(&filters, *row)) {
            let key: Vec<Value> = groups.iter().map(|g| plain(eval(g, &table.rows, row))).collect();
            let group = expected.entry(format!("{key:?}")).or_default();
            group.values.resize(aggregates.len(), Value::Null);
            group.count += 1;
            for (at, (function, argument)) in aggregates.iter().enumerate() {
                let value = eval(argument, &table.rows, row);
                let value = match function {
                    Function::Count => Value::Exact(i128::from(value != Value::Null), 0),
                    _ => plain(value),
                };
                merge(&mut group.values[at], value, *function);
            }
        }
        let show = |groups: &BTreeMap<String, Group>| -> Vec<String> {
            groups
                .iter()
                .map(|(key, g)| format!("{key}: {} {:?}", g.count, g.values))
                .collect()
        };
        assert_eq!(show(&pushed), show(&expected), "{}", plan.explain);
    }
}

/// BOOLEAN comes as a number from a group, which Spark casts; -0 is 0.
fn plain(value: Value) -> Value {
    match value {
        Value::Bool(v) => Value::Exact(i128::from(v), 0),
        Value::Real(v) => Value::Real(v + 0.0),
        other => other,
    }
}
