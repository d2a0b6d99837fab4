//! Push-down on a cluster: collations, type options, what is refused, and the sums of Spark's types.

use std::collections::BTreeSet;

use crate::support::push::*;
use crate::support::{Cluster, Row};
use ti_proto::plan;
use ti_proto::plan::aggregate::Function;
use ti_proto::plan::data_type::Kind;
use ti_proto::plan::type_options::ZeroDate;
use ti_proto::plan::Support;

fn column(rows: Vec<Row>) -> Vec<String> {
    let mut values: Vec<String> = rows
        .into_iter()
        .map(|mut r| r.remove(0).unwrap_or("NULL".into()))
        .collect();
    values.sort();
    values
}

#[test]
fn text_is_compared_by_its_bytes_whatever_the_collation_and_the_key() {
    let cluster = Cluster::new("push_collations");
    for (at, collation) in [
        "utf8mb4_bin",
        "utf8mb4_general_ci",
        "utf8mb4_unicode_ci",
        "utf8mb4_0900_ai_ci",
        "binary",
    ]
    .iter()
    .enumerate()
    {
        for key in [
            "PRIMARY KEY (id)",
            "PRIMARY KEY (s) CLUSTERED",
            "PRIMARY KEY (s) NONCLUSTERED",
        ] {
            let table = format!("t{at}_{}", key.len());
            let ty = if *collation == "binary" {
                "VARBINARY(20)".to_owned()
            } else {
                format!("VARCHAR(20) COLLATE {collation}")
            };
            cluster.sql(&format!(
                "CREATE TABLE {table} (id INT NOT NULL, s {ty} NOT NULL, {key})"
            ));
            // Keys of a ci collation hold one of "a" and "A " only.
            let values: &[&str] = if key.contains("(id)") {
                &["a", "A", "a ", "b", "B", "ä", ""]
            } else {
                &["a", "B", "ß", ""]
            };
            for (id, value) in values.iter().enumerate() {
                cluster.sql(&format!("INSERT INTO {table} VALUES ({id}, '{value}')"));
            }
            let constant = |v: &str| {
                if *collation == "binary" {
                    binary(v.as_bytes())
                } else {
                    text(v)
                }
            };
            for op in ["=", "<>", "<", ">="] {
                let spec = cluster.spec(&table, |s| {
                    s.columns = vec!["s".into()];
                    s.filters = vec![call(op, vec![col("s"), constant("a")])];
                });
                assert_eq!(cluster.check(&spec).filters[0].support(), Support::Full);
                let holds = |v: &str| match op {
                    "=" => v == "a",
                    "<>" => v != "a",
                    "<" => v < "a",
                    _ => v >= "a",
                };
                let mut expected: Vec<String> =
                    values.iter().copied().filter(|v| holds(v)).map(str::to_owned).collect();
                expected.sort();
                assert_eq!(
                    column(cluster.run(spec).0),
                    expected,
                    "{table} {collation} {key} s {op} 'a'"
                );
            }
            let spec = cluster.spec(&table, |s| {
                s.aggregation = Some(plan::Aggregation {
                    group_by: vec![col("s")],
                    aggregates: Vec::new(),
                });
            });
            let groups: BTreeSet<String> = column(cluster.run(spec).0).into_iter().collect();
            assert_eq!(
                groups,
                values.iter().map(|v| (*v).to_owned()).collect(),
                "{table} {collation} {key}"
            );
            let spec = cluster.spec(&table, |s| {
                s.aggregation = Some(plan::Aggregation {
                    group_by: Vec::new(),
                    aggregates: vec![agg(Function::Min, col("s")), agg(Function::Max, col("s"))],
                });
            });
            let (rows, _) = cluster.run(spec);
            let least = rows.iter().filter_map(|r| r[0].clone()).min().unwrap();
            let greatest = rows.iter().filter_map(|r| r[1].clone()).max().unwrap();
            let expected = (values.iter().min().unwrap(), values.iter().max().unwrap());
            assert_eq!(
                (&least.as_str(), &greatest.as_str()),
                expected,
                "{table} {collation} {key}"
            );
            let spec = cluster.spec(&table, |s| {
                s.columns = vec!["s".into()];
                s.order = vec![by(col("s"), true, true)];
                s.limit = Some(2);
            });
            let mut expected: Vec<&str> = values.to_vec();
            expected.sort_unstable();
            let pushed = column(cluster.run(spec).0);
            assert!(
                expected[expected.len() - 2..]
                    .iter()
                    .all(|v| pushed.contains(&(*v).to_owned())),
                "{table} {collation} {key}: {pushed:?}"
            );
        }
    }
}

#[test]
fn invalid_dates_are_null_or_checked_again() {
    let cluster = Cluster::new("push_dates");
    cluster.sql("SET sql_mode = 'ALLOW_INVALID_DATES'");
    cluster.sql("CREATE TABLE t (id INT PRIMARY KEY, d DATE NOT NULL, ts TIMESTAMP NOT NULL)");
    cluster.sql(
        "INSERT INTO t VALUES (1, '0000-00-00', '0000-00-00 00:00:00'), (2, '2020-00-01', '2020-01-01 00:00:00'),
         (3, '2020-02-30', '2020-01-01 00:00:00'), (4, '2020-02-29', '1970-01-01 00:00:01'), (5, '2021-02-29', '2038-01-19 03:14:07')",
    );
    let early = call("<", vec![col("d"), date("2022-01-01")]);
    let ids = |filter: plan::Expr| {
        column(
            cluster
                .run(cluster.spec("t", |s| {
                    s.columns = vec!["id".into()];
                    s.filters = vec![filter];
                }))
                .0,
        )
    };
    assert_eq!(ids(early.clone()), ["4"]);
    assert_eq!(ids(call("IS_NULL", vec![col("d")])), ["1", "2", "3", "5"]);
    assert_eq!(ids(call("NOT", vec![early.clone()])), Vec::<String>::new());
    assert_eq!(
        ids(call("OR", vec![early.clone(), call("IS_NULL", vec![col("ts")])])),
        ["1", "4"]
    );
    assert_eq!(ids(call("<=>", vec![col("ts"), null(Kind::Timestamp)])), ["1"]);
    let error = cluster.spec("t", |s| {
        s.columns = vec!["id".into()];
        s.types = Some(plan::TypeOptions {
            zero_date: ZeroDate::Error.into(),
            ..Default::default()
        });
        s.filters = vec![
            early.clone(),
            call("NOT", vec![early]),
            call("=", vec![col("id"), int(1)]),
        ];
        s.aggregation = Some(plan::Aggregation {
            group_by: vec![col("d")],
            aggregates: vec![count_star()],
        });
    });
    let support = cluster.check(&error);
    let supports: Vec<Support> = support.filters.iter().map(plan::ItemSupport::support).collect();
    assert_eq!(supports, [Support::Partial, Support::NotPushed, Support::Full]);
    assert_eq!(support.aggregation.unwrap().support(), Support::NotPushed);
}

#[test]
fn one_side_of_an_and_is_enough_for_a_partial_filter() {
    let cluster = Cluster::new("push_partial");
    cluster.sql("CREATE TABLE t (id INT PRIMARY KEY, s VARCHAR(10), e ENUM('a','b'))");
    cluster.sql("INSERT INTO t VALUES (1, 'x', 'a'), (2, 'X', 'b'), (3, NULL, NULL)");
    let upper = call("=", vec![call("UPPER", vec![col("s")]), text("X")]);
    let small = call("<", vec![col("id"), int(3)]);
    let support = |filter: plan::Expr| {
        let spec = cluster.spec("t", |s| s.filters = vec![filter]);
        cluster.check(&spec).filters[0].support()
    };
    let both = call("AND", vec![upper.clone(), small.clone()]);
    assert_eq!(support(both.clone()), Support::Partial);
    assert_eq!(support(call("OR", vec![both.clone(), small.clone()])), Support::Partial);
    assert_eq!(support(call("NOT", vec![both.clone()])), Support::NotPushed);
    assert_eq!(
        support(call("=", vec![both.clone(), boolean(false)])),
        Support::NotPushed
    );
    assert_eq!(support(call("IS_NULL", vec![both.clone()])), Support::NotPushed);
    assert_eq!(support(call("OR", vec![upper, small])), Support::NotPushed);
    assert_eq!(support(call("=", vec![col("e"), text("a")])), Support::NotPushed);
    let spec = cluster.spec("t", |s| {
        s.columns = vec!["id".into()];
        s.filters = vec![both];
    });
    assert_eq!(column(cluster.run(spec).0), ["1", "2"]);
}

#[test]
fn functions_can_be_switched_off() {
    let cluster = Cluster::new("push_refused");
    cluster.sql("CREATE TABLE t (id INT PRIMARY KEY, s VARCHAR(10))");
    let like = call("CONTAINS", vec![col("s"), text("a")]);
    let less = call("<", vec![col("id"), int(3)]);
    let check = |change: fn(&mut plan::PushDown)| {
        let mut push = everything();
        change(&mut push);
        let spec = cluster.spec("t", |s| {
            s.push_down = Some(push);
            s.filters = vec![like.clone(), less.clone()];
            s.limit = Some(1);
            s.aggregation = Some(plan::Aggregation {
                group_by: Vec::new(),
                aggregates: vec![count_star()],
            });
        });
        let support = cluster.check(&spec);
        [
            support.filters[0].support(),
            support.filters[1].support(),
            support.aggregation.unwrap().support(),
            support.limit.unwrap().support(),
        ]
    };
    use Support::{Full, NotPushed, Partial};
    assert_eq!(check(|_| ()), [Full, Full, Partial, Partial]);
    assert_eq!(
        check(|p| p.refused_functions = vec!["LIKE".into()]),
        [NotPushed, Full, Partial, Partial]
    );
    assert_eq!(
        check(|p| p.refused_functions = vec!["<".into(), "Count".into()]),
        [Full, NotPushed, NotPushed, Partial]
    );
    assert_eq!(check(|p| p.filters = false), [NotPushed, NotPushed, Partial, Partial]);
    assert_eq!(check(|p| p.limit = false), [Full, Full, Partial, NotPushed]);
}

#[test]
fn sums_keep_the_type_of_what_is_summed() {
    let cluster = Cluster::new("push_sums");
    cluster.sql("CREATE TABLE t (id INT PRIMARY KEY, d DECIMAL(3,1), w DECIMAL(38,2), u BIGINT UNSIGNED)");
    cluster.sql(
        "INSERT INTO t VALUES (1, 99.9, 999999999999999999999999999999999999.99, 18446744073709551615),
         (2, 99.9, 999999999999999999999999999999999999.99, 18446744073709551615), (3, 0.5, -0.01, 1), (4, NULL, NULL, NULL)",
    );
    let spec = cluster.spec("t", |s| {
        s.aggregation = Some(plan::Aggregation {
            group_by: Vec::new(),
            aggregates: vec![
                agg(Function::Sum, col("d")),
                agg(Function::Sum, col("w")),
                agg(Function::Sum, col("u")),
                count_star(),
            ],
        });
    });
    let types: Vec<plan::DataType> = cluster.check(&spec).output.iter().map(|f| f.r#type.unwrap()).collect();
    assert_eq!(
        types,
        [
            decimal_type(3, 1),
            decimal_type(38, 2),
            decimal_type(20, 0),
            ty(Kind::Long)
        ]
    );
    let (rows, _) = cluster.run(spec);
    let at = |i: usize| rows.iter().filter_map(|r| r[i].clone()).collect::<Vec<_>>();
    assert_eq!(at(0), ["99.9", "99.9", "0.5"]);
    assert_eq!(
        at(1),
        [
            "999999999999999999999999999999999999.99",
            "999999999999999999999999999999999999.98"
        ]
    );
    assert_eq!(at(2), ["36893488147419103231"]);
    assert_eq!(at(3), ["4", "0", "0"]);
}
