//! TiDB's statistics: what Spark is told, and which path they choose, on a cluster.

use std::time::Instant;

use crate::support::access::{call, column, long, push_down, text};
use crate::support::{render, tso, Cluster};
use ti_proto::plan;
use ti_proto::plan::literal::Value;

fn filled(cluster: &Cluster, name: &str, options: &str) {
    cluster.sql(&format!(
        "CREATE TABLE {name} (id BIGINT, a INT, b VARCHAR(20), d DATE, n DECIMAL(8,2), PRIMARY KEY (id), KEY ka (a), KEY kb (b, a)) {options}"
    ));
    for start in (0..4_000).step_by(1_000) {
        let row = |n: i32| {
            let a = if n % 2 == 0 { -1 } else { n };
            let b = if n % 10 == 0 {
                "NULL".into()
            } else {
                format!("'v{}'", n % 7)
            };
            format!("({n}, {a}, {b}, '2024-01-01' , {n}.25)")
        };
        let rows: Vec<String> = (start..start + 1_000).map(row).collect();
        cluster.sql(&format!("INSERT INTO {name} VALUES {}", rows.join(",")));
    }
    cluster.sql(&format!("UPDATE {name} SET d = DATE_ADD(d, INTERVAL id % 100 DAY)"));
}

fn statistics(cluster: &Cluster, table: &str, columns: &[&str], filters: Vec<plan::Expr>) -> plan::TableStatistics {
    let schema = cluster.load(table).unwrap();
    let spec = plan::ScanSpec {
        table: schema.table_descriptor.clone(),
        read_timestamp: Some(tso(schema.schema_ts)),
        columns: columns.iter().map(|c| (*c).to_owned()).collect(),
        filters,
        push_down: Some(plan::PushDown {
            statistics: true,
            ..push_down(false, true)
        }),
        ..Default::default()
    };
    cluster.session.statistics(spec).unwrap()
}

fn explain(cluster: &Cluster, table: &str, filters: Vec<plan::Expr>) -> String {
    let schema = cluster.load(table).unwrap();
    let plan = cluster.plan_with(&schema, &["id", "a", "b", "d", "n"], |spec| {
        spec.runtime_filters = filters;
        spec.push_down = Some(push_down(false, true));
    });
    plan.unwrap().explain
}

#[test]
fn analyzed_tables_tell_rows_bytes_and_columns() {
    let cluster = Cluster::new("statistics");
    for (name, options) in [("t", ""), ("p", "PARTITION BY HASH (id) PARTITIONS 3")] {
        filled(&cluster, name, options);
        cluster.sql(&format!("ANALYZE TABLE {name} ALL COLUMNS"));
        let all = statistics(&cluster, name, &["id", "a", "b", "d", "n"], vec![]);
        println!("{name}: {all:?}");
        assert_eq!(all.rows(), 4_000, "{name}");
        let bytes = all.bytes();
        assert!((4_000 * 20..4_000 * 80).contains(&bytes), "{bytes}");
        let of = |column: &str| all.columns.iter().find(|c| c.name == column).unwrap();
        let near = |value: Option<u64>, expected: u64| {
            let value = value.unwrap();
            assert!(value.abs_diff(expected) <= expected / 10, "{value}, not {expected}");
        };
        near(of("id").distinct, 4_000);
        near(of("a").distinct, 2_001);
        near(of("b").distinct, 7);
        assert_eq!(of("b").nulls, Some(400));
        assert_eq!(of("b").min, None, "texts have an order of their own");
        let value = |literal: &Option<plan::Literal>| literal.as_ref().unwrap().value.clone().unwrap();
        assert_eq!(
            (value(&of("a").min), value(&of("a").max)),
            (Value::Integer(-1), Value::Integer(3_999))
        );
        assert_eq!(value(&of("n").max), Value::Decimal("3999.25".into()));
        assert_eq!(value(&of("d").min), Value::Integer(19_723));
        let half = statistics(&cluster, name, &["a"], vec![call("=", vec![column("a"), long(-1)])]);
        near(half.rows, 2_000);
        let tenth = statistics(&cluster, name, &["a"], vec![call("IS_NULL", vec![column("b")])]);
        near(tenth.rows, 400);
        let quarter = statistics(&cluster, name, &["a"], vec![call("<", vec![column("id"), long(1_000)])]);
        near(quarter.rows, 1_000);
        assert!(quarter.bytes() < bytes / 8);
        let nothing = call(
            "=",
            vec![
                column("a"),
                crate::support::access::literal(plan::data_type::Kind::Int, None),
            ],
        );
        assert_eq!(statistics(&cluster, name, &["a"], vec![nothing]).rows(), 0);
    }
    cluster.sql("CREATE TABLE unknown (a INT)");
    let id = cluster.load("unknown").unwrap().table_id;
    cluster.sql(&format!("DELETE FROM mysql.stats_meta WHERE table_id = {id}"));
    assert_eq!(
        statistics(&cluster, "unknown", &["a"], vec![]),
        plan::TableStatistics::default()
    );
}

#[test]
fn frequent_values_are_scanned_and_rare_ones_looked_up() {
    let cluster = Cluster::new("statistics_paths");
    filled(&cluster, "t", "");
    cluster.sql("ANALYZE TABLE t ALL COLUMNS");
    let eq = |value: i64| vec![call("=", vec![column("a"), long(value)])];
    let rare = explain(&cluster, "t", eq(77));
    assert!(
        rare.contains("IndexLookUp") && rare.contains("estRows:1 ") && rare.contains("index:ka(a)"),
        "{rare}"
    );
    let frequent = explain(&cluster, "t", eq(-1));
    assert!(frequent.contains("TableFullScan"), "{frequent}");
    let narrow = explain(&cluster, "t", vec![call(">=", vec![column("a"), long(3_990)])]);
    assert!(
        narrow.contains("IndexLookUp"),
        "ten rows, where a third is assumed without statistics: {narrow}"
    );
    let wide = explain(
        &cluster,
        "t",
        vec![call("IN", vec![column("b"), text("v1"), text("v2")])],
    );
    assert!(wide.contains("TableFullScan"), "{wide}");
}

#[test]
fn a_row_is_found_by_a_unique_index_while_one_waits() {
    let cluster = Cluster::new("statistics_point");
    cluster.sql("CREATE TABLE t (id BIGINT PRIMARY KEY, code VARCHAR(20), pad VARCHAR(100), UNIQUE KEY uc (code))");
    for start in (0..20_000).step_by(2_000) {
        let rows: Vec<String> = (start..start + 2_000)
            .map(|n| format!("({n}, 'c{n}', REPEAT('p', 90))"))
            .collect();
        cluster.sql(&format!("INSERT INTO t VALUES {}", rows.join(",")));
    }
    let schema = cluster.load("t").unwrap();
    let mut times = Vec::new();
    for n in 0..30 {
        let start = Instant::now();
        let plan = cluster.plan_with(&schema, &["id", "code", "pad"], |spec| {
            spec.runtime_filters = vec![call("=", vec![column("code"), text(&format!("c{}", n * 601))])];
            spec.push_down = Some(push_down(false, true));
        });
        let plan = plan.unwrap();
        let batches = cluster.batches(&plan).unwrap();
        times.push(start.elapsed());
        let rows: Vec<_> = batches.iter().flat_map(render::rows).collect();
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0][0], Some((n * 601).to_string()));
        assert!(plan.explain.contains("IndexLookUp"), "{}", plan.explain);
    }
    times.sort();
    println!(
        "unique index look-up, plan and rows: median {:?}, slowest {:?}",
        times[15], times[29]
    );
}
