//! Push-down on a cluster: what is pushed gives the rows of TiDB's own answer, and of the rows that are read without it.

use crate::support::push::*;
use crate::support::{Cluster, Row};
use ti_proto::plan;
use ti_proto::plan::aggregate::Function;
use ti_proto::plan::data_type::Kind;
use ti_proto::plan::Support;

fn sorted(mut rows: Vec<Row>) -> Vec<Row> {
    rows.sort();
    rows
}

/// The ids for which a filter holds, pushed down.
fn ids(cluster: &Cluster, table: &str, filter: &plan::Expr, support: Support) -> Vec<Row> {
    let spec = cluster.spec(table, |s| {
        s.columns = vec!["id".into()];
        s.filters = vec![filter.clone()];
    });
    let item = &cluster.check(&spec).filters[0];
    assert_eq!(item.support(), support, "{filter:?}: {}", item.reason);
    sorted(cluster.run(spec).0)
}

fn assert_rows(cluster: &Cluster, table: &str, filter: &plan::Expr, sql: &str) {
    let pushed = ids(cluster, table, filter, Support::Full);
    let expected = sorted(cluster.rows(&format!("SELECT id FROM {table} WHERE {sql}")));
    assert_eq!(pushed, expected, "{sql}");
}

#[test]
fn conditions_of_integers() {
    let cluster = Cluster::new("push_integers");
    cluster.sql("CREATE TABLE t (id INT PRIMARY KEY, t TINYINT, b BOOL, i INT, u BIGINT UNSIGNED, l BIGINT, y YEAR)");
    cluster.sql(
        "INSERT INTO t VALUES (1, 1, 1, 1, 1, 1, 2000), (2, NULL, NULL, NULL, NULL, NULL, NULL), (3, -128, 0, -2147483648, 0, -9223372036854775808, 1901),
         (4, 127, 7, 2147483647, 18446744073709551615, 9223372036854775807, 2155), (5, 0, 0, 0, 9223372036854775808, 0, 0), (6, 2, 1, 3, 2, 2, 1999)",
    );
    for op in ["=", "<>", "<", "<=", ">", ">=", "<=>"] {
        for value in [-128i64, 0, 1, 2, 127] {
            let sql = |column: &str| format!("{column} {op} {value}");
            assert_rows(
                &cluster,
                "t",
                &call(op, vec![col("t"), integer(Kind::Byte, value)]),
                &sql("t"),
            );
            assert_rows(&cluster, "t", &call(op, vec![col("i"), int(value)]), &sql("i"));
            assert_rows(
                &cluster,
                "t",
                &call(op, vec![integer(Kind::Long, value), col("l")]),
                &format!("{value} {op} l"),
            );
            assert_rows(
                &cluster,
                "t",
                &call(op, vec![col("u"), decimal(&value.to_string())]),
                &sql("u"),
            );
        }
        for value in [1901, 1999, 2155] {
            // TiDB would take a small number for a year of this century.
            assert_rows(
                &cluster,
                "t",
                &call(op, vec![col("y"), integer(Kind::Short, value)]),
                &format!("y {op} {value}"),
            );
        }
        for value in ["2.5", "18446744073709551615", "18446744073709551616", "-0.5"] {
            assert_rows(
                &cluster,
                "t",
                &call(op, vec![col("u"), decimal(value)]),
                &format!("u {op} {value}"),
            );
            let wide = cast(col("i"), decimal_type(22, 1));
            assert_rows(
                &cluster,
                "t",
                &call(op, vec![wide, decimal(value)]),
                &format!("i {op} {value}"),
            );
        }
        assert_rows(
            &cluster,
            "t",
            &call(op, vec![col("b"), boolean(true)]),
            &format!("(b <> 0) {op} 1"),
        );
        assert_rows(
            &cluster,
            "t",
            &call(op, vec![col("b"), boolean(false)]),
            &format!("(b <> 0) {op} 0"),
        );
        assert_rows(
            &cluster,
            "t",
            &call(op, vec![col("i"), null(Kind::Int)]),
            &format!("i {op} NULL"),
        );
    }
    let list = |values: &[Option<i64>]| {
        let mut arguments = vec![col("i")];
        arguments.extend(values.iter().map(|v| v.map_or_else(|| null(Kind::Int), int)));
        call("IN", arguments)
    };
    assert_rows(&cluster, "t", &list(&[Some(1), Some(3)]), "i IN (1, 3)");
    assert_rows(&cluster, "t", &list(&[Some(1), None]), "i IN (1, NULL)");
    let negative = call(
        "IN",
        vec![
            col("u"),
            decimal("-1"),
            decimal("2"),
            decimal("0.5"),
            decimal("18446744073709551615"),
        ],
    );
    assert_rows(&cluster, "t", &negative, "u IN (-1, 2, 0.5, 18446744073709551615)");
    let never = call("IN", vec![col("u"), decimal("-1"), decimal("99999999999999999999")]);
    assert_rows(&cluster, "t", &never, "u IN (-1)");
    assert_rows(&cluster, "t", &call("NOT", vec![never]), "NOT u IN (-1)");
    assert_rows(
        &cluster,
        "t",
        &call("NOT", vec![list(&[Some(1), None])]),
        "NOT i IN (1, NULL)",
    );
    assert_rows(&cluster, "t", &call("IS_NULL", vec![col("i")]), "i IS NULL");
    assert_rows(&cluster, "t", &call("IS_NOT_NULL", vec![col("b")]), "b IS NOT NULL");
    let one = call("=", vec![col("i"), int(1)]);
    let small = call("<", vec![col("l"), integer(Kind::Long, 3)]);
    assert_rows(
        &cluster,
        "t",
        &call("AND", vec![one.clone(), small.clone()]),
        "i = 1 AND l < 3",
    );
    assert_rows(
        &cluster,
        "t",
        &call("OR", vec![one.clone(), small.clone()]),
        "i = 1 OR l < 3",
    );
    assert_rows(
        &cluster,
        "t",
        &call("NOT", vec![call("OR", vec![one, small])]),
        "NOT (i = 1 OR l < 3)",
    );
}

#[test]
fn aggregates_of_regions_merge_to_those_of_the_table() {
    let cluster = Cluster::new("push_aggregates");
    cluster.sql("CREATE TABLE t (id INT PRIMARY KEY, g INT, v BIGINT)");
    cluster.sql("INSERT INTO t VALUES (1, 1, 10), (2, 1, NULL), (3, 2, -5), (4, NULL, 7), (5, 2, 9223372036854775807), (6, 2, 9223372036854775807)");
    let spec = cluster.spec("t", |s| {
        s.aggregation = Some(plan::Aggregation {
            group_by: vec![col("g")],
            aggregates: vec![
                count_star(),
                agg(Function::Count, col("v")),
                agg(Function::Min, col("v")),
                agg(Function::Max, col("v")),
                agg(Function::Sum, col("v")),
            ],
        });
        s.filters = vec![call(">", vec![col("id"), int(0)])];
    });
    let support = cluster.check(&spec);
    assert_eq!(support.filters[0].support(), Support::Full);
    let item = support.aggregation.as_ref().unwrap();
    assert_eq!(item.support(), Support::Partial, "{}", item.reason);
    assert_eq!(support.output.len(), 6);
    let (rows, explain) = cluster.run(spec);
    let row = |values: [&str; 6]| -> Row { values.iter().map(|v| (*v != "-").then(|| (*v).to_owned())).collect() };
    let mut expected = vec![
        row(["-", "1", "1", "7", "7", "7"]),
        row(["1", "2", "1", "10", "10", "10"]),
        row(["2", "3", "3", "-5", "9223372036854775807", "9223372036854775807"]),
        row(["2", "0", "0", "-5", "9223372036854775807", "9223372036854775802"]),
    ];
    expected.sort();
    assert_eq!(sorted(rows), expected, "{explain}");
    assert!(explain.contains("└─HashAgg(cop[tikv]) group by:"), "{explain}");
    assert!(explain.contains("\n  └─Selection(cop[tikv]) gt("), "{explain}");
}

#[test]
fn without_rows_there_is_one_row_of_counts() {
    let cluster = Cluster::new("push_empty");
    cluster.sql("CREATE TABLE t (id INT PRIMARY KEY, v BIGINT)");
    let aggregation = plan::Aggregation {
        group_by: Vec::new(),
        aggregates: vec![count_star(), agg(Function::Sum, col("v")), agg(Function::Max, col("v"))],
    };
    let spec = cluster.spec("t", |s| s.aggregation = Some(aggregation.clone()));
    let (rows, _) = cluster.run(spec);
    assert_eq!(rows, [vec![Some("0".to_owned()), None, None]]);
    cluster.sql("INSERT INTO t VALUES (1, 2), (2, 3)");
    let spec = cluster.spec("t", |s| s.aggregation = Some(aggregation));
    let (rows, _) = cluster.run(spec);
    assert_eq!(
        rows,
        [vec![Some("2".to_owned()), Some("5".to_owned()), Some("3".to_owned())]]
    );
}

#[test]
fn limits_and_orders_leave_what_spark_needs() {
    let cluster = Cluster::new("push_order");
    cluster.sql("CREATE TABLE t (id INT PRIMARY KEY, v INT)");
    cluster.sql("INSERT INTO t VALUES (1, 5), (2, NULL), (3, 1), (4, 9), (5, 3), (6, NULL), (7, 2)");
    let spec = cluster.spec("t", |s| {
        s.columns = vec!["id".into()];
        s.limit = Some(3);
    });
    assert_eq!(cluster.check(&spec).limit.unwrap().support(), Support::Partial);
    assert_eq!(cluster.run(spec).0.len(), 3);
    for (descending, nulls_last, expected) in [
        (false, false, ["2", "6", "3"]),
        (false, true, ["3", "7", "5"]),
        (true, true, ["4", "1", "5"]),
        (true, false, ["2", "6", "4"]),
    ] {
        let spec = cluster.spec("t", |s| {
            s.columns = vec!["id".into()];
            s.order = vec![by(col("v"), descending, nulls_last), by(col("id"), false, false)];
            s.limit = Some(3);
        });
        assert_eq!(cluster.check(&spec).top_n.unwrap().support(), Support::Partial);
        let (rows, explain) = cluster.run(spec);
        let mut expected: Vec<Row> = expected.iter().map(|id| vec![Some((*id).to_owned())]).collect();
        expected.sort();
        assert_eq!(sorted(rows), expected, "{explain}");
    }
}
