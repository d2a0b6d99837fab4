//! Reads by ranges of handles and indexes against TiDB, on a cluster: every path gives the rows of a full scan that pass the filters.

use crate::support::access::{call, column, long, push_down, text, Condition, Subject};
use crate::support::fill::{fill, random};
use crate::support::render;
use crate::support::{only_faults, Cluster};

/// Random conjunctions over every column, read by each path.
fn check_all(cluster: &Cluster, rng: &mut fastrand::Rng, table: &str, rounds: usize) -> (usize, usize) {
    let subject = Subject::new(cluster, table);
    let columns = subject.columns();
    let (mut by_index, mut by_range) = (0, 0);
    for _ in 0..rounds {
        let mut conditions = Vec::new();
        for _ in 0..rng.usize(1..4) {
            let name = &columns[rng.usize(..columns.len())];
            conditions.push(subject.condition(rng, name));
        }
        let wanted: Vec<String> = columns.iter().filter(|_| rng.u8(..3) == 0).cloned().collect();
        for (index_first, index_read) in [(true, true), (false, true), (false, false)] {
            let (explain, read, passing) =
                subject.check(cluster, &conditions, &wanted, push_down(index_first, index_read));
            assert!(read >= passing);
            by_index += usize::from(explain.contains("Index"));
            by_range += usize::from(explain.contains("TableRangeScan"));
            assert!(index_read || !explain.contains("Index"), "{explain}");
        }
    }
    println!("{table}: {by_index} plans by an index, {by_range} by ranges of the handle");
    (by_index, by_range)
}

const TYPES: [&str; 8] = [
    "INT",
    "BIGINT UNSIGNED",
    "VARCHAR(30) COLLATE utf8mb4_general_ci",
    "VARCHAR(30)",
    "DECIMAL(12,3)",
    "DATETIME(3)",
    "DATE",
    "ENUM('a','b','c')",
];
const INDEXES: &str = "KEY k0 (c0, c3), UNIQUE KEY k1 (c1, c0), KEY k2 (c2), KEY k3 (c3(2), c0), KEY k4 (c4), KEY k5 (c5, c2), KEY k6 (c6, c4), KEY k7 (c7, c0)";

fn table(cluster: &Cluster, rng: &mut fastrand::Rng, name: &str, id: &str, key: &str, options: &str) {
    table_with(cluster, rng, name, id, key, INDEXES, options);
}

fn table_with(
    cluster: &Cluster,
    rng: &mut fastrand::Rng,
    name: &str,
    id: &str,
    key: &str,
    indexes: &str,
    options: &str,
) {
    fill(cluster, rng, "plain", &TYPES, "", 300);
    // Few distinct values, so that ranges hold several rows.
    cluster.sql("UPDATE plain SET c0 = c0 % 20, c6 = DATE_ADD('2024-01-01', INTERVAL c0 DAY) WHERE c0 IS NOT NULL");
    if key.contains("c5") {
        // In a key NULL would become a zero date, which TiDB compares and Spark reads as NULL.
        cluster.sql("UPDATE plain SET c5 = '2001-02-03 04:05:06.789' WHERE c5 IS NULL");
    }
    let columns: Vec<String> = TYPES.iter().enumerate().map(|(i, ty)| format!("c{i} {ty}")).collect();
    cluster.sql(&format!(
        "CREATE TABLE {name} (id {id}, {}, {key}, {indexes}) {options}",
        columns.join(", ")
    ));
    cluster.sql(&format!(
        "INSERT IGNORE INTO {name} SELECT _tidb_rowid - 100, plain.* FROM plain"
    ));
    cluster.sql("DROP TABLE plain");
}

#[test]
fn every_index_of_a_table_with_an_integer_key() {
    let cluster = Cluster::new("access_int");
    let rng = &mut random("int");
    table(&cluster, rng, "t", "INT", "PRIMARY KEY (id)", "");
    let (by_index, by_range) = check_all(&cluster, rng, "t", 60);
    assert!(
        by_index > 20 && by_range > 0,
        "{by_index} plans by an index, {by_range} by ranges of the handle"
    );
}

#[test]
fn every_index_of_a_table_with_a_common_key() {
    let cluster = Cluster::new("access_common");
    let rng = &mut random("common");
    for (name, key) in [
        ("t_text", "PRIMARY KEY (c2, id) CLUSTERED"),
        ("t_numbers", "PRIMARY KEY (c4, c5, id) CLUSTERED"),
        ("t_prefix", "PRIMARY KEY (c3(2), id) CLUSTERED"),
        ("t_unsigned", "PRIMARY KEY (c1, c7, id) CLUSTERED"),
    ] {
        table(&cluster, rng, name, "INT", key, "");
        let (by_index, by_range) = check_all(&cluster, rng, name, 25);
        assert!(by_index > 5 && by_range > 0, "{name}");
    }
}

#[test]
fn every_index_of_a_table_with_a_hidden_row_id_or_an_unsigned_key() {
    let cluster = Cluster::new("access_rowid");
    let rng = &mut random("rowid");
    table(&cluster, rng, "t_rowid", "INT", "UNIQUE KEY kid (id)", "");
    assert!(check_all(&cluster, rng, "t_rowid", 30).0 > 20);
    table(&cluster, rng, "t_unsigned", "BIGINT UNSIGNED", "PRIMARY KEY (id)", "");
    cluster.sql("INSERT INTO t_unsigned (id, c0) VALUES (18446744073709551615, 1), (9223372036854775808, 2), (9223372036854775807, 3)");
    assert!(check_all(&cluster, rng, "t_unsigned", 30).0 > 20);
}

fn explain(cluster: &Cluster, table: &str, columns: &[&str], filters: Vec<ti_proto::plan::Expr>) -> String {
    let schema = cluster.load(table).unwrap();
    let plan = cluster.plan_with(&schema, columns, |spec| {
        spec.runtime_filters = filters;
        spec.push_down = Some(push_down(false, true));
    });
    let text = plan.unwrap().explain;
    println!("{text}\n");
    text
}

#[test]
fn the_plan_says_which_index_and_ranges() {
    let cluster = Cluster::new("access_explain");
    cluster.sql("CREATE TABLE t (id BIGINT PRIMARY KEY, a INT, b VARCHAR(20), c INT, KEY ab (a, b), UNIQUE KEY uc (c), KEY hidden (b) INVISIBLE)");
    cluster.sql("INSERT INTO t VALUES (1, 1, 'x', 10), (2, 1, 'y', 20), (3, 2, 'x', 30), (4, NULL, 'x', NULL)");
    let eq = |c: &str, value| call("=", vec![column(c), value]);
    let all = ["id", "a", "b", "c"];
    for (columns, filters, expected) in [
        (
            &all[..],
            vec![eq("id", long(2))],
            "TableRangeScan(cop[tikv]) estRows:1 table:`D`.`t`, range:[2,2], columns:",
        ),
        (
            &all[..],
            vec![eq("c", long(20))],
            "IndexRangeScan(Build)(cop[tikv]) estRows:1 table:`D`.`t`, index:uc(c), range:[20,20], keep order:false",
        ),
        (
            &all[..],
            vec![eq("a", long(1)), eq("b", text("y"))],
            "index:ab(a, b), range:[1 \"y\",1 \"y\"]",
        ),
        (
            &["a", "b"][..],
            vec![call(">", vec![column("a"), long(1)])],
            "IndexRangeScan(cop[tikv]) estRows:3334 table:`D`.`t`, index:ab(a, b), range:(1,+inf], columns:[a, b]",
        ),
        (
            &["c"][..],
            vec![],
            "└─IndexFullScan(cop[tikv]) table:`D`.`t`, index:uc(c), columns:[c]",
        ),
        (
            &[][..],
            vec![],
            "IndexFullScan(cop[tikv]) table:`D`.`t`, index:uc(c), columns:[] (rows are counted)",
        ),
        (&all[..], vec![eq("b", text("x"))], "TableFullScan"),
        (&all[..], vec![eq("id", long(1)), eq("id", long(2))], "range:none"),
    ] {
        let text = explain(&cluster, "t", columns, filters);
        assert!(
            text.contains(&expected.replace("`D`", &format!("`{}`", cluster.database))),
            "{expected}\n{text}"
        );
    }
    let schema = cluster.load("t").unwrap();
    let count = |filters: Vec<ti_proto::plan::Expr>| -> usize {
        let plan = cluster.plan_with(&schema, &[], |spec| {
            spec.runtime_filters = filters;
            spec.push_down = Some(push_down(false, true));
        });
        cluster
            .batches(&plan.unwrap())
            .unwrap()
            .iter()
            .map(|b| b.num_rows())
            .sum()
    };
    assert_eq!(count(vec![]), 4, "all entries of an index, NULL included");
    assert_eq!(count(vec![call("IS_NULL", vec![column("c")])]), 1);
    assert_eq!(count(vec![eq("id", long(1)), eq("id", long(2))]), 0);
}

/// Partitions by every method: the rows that pass are in those that are read.
#[test]
fn partitions_are_pruned_and_their_indexes_read() {
    let cluster = Cluster::new("access_partitions");
    let rng = &mut random("partitions");
    let bounds = |values: &[&str]| {
        let parts: Vec<String> = values
            .iter()
            .enumerate()
            .map(|(n, v)| format!("PARTITION p{n} VALUES LESS THAN ({v})"))
            .collect();
        format!("({})", parts.join(", "))
    };
    for (name, id, key, clause) in [
        ("p_hash", "INT", "PRIMARY KEY (id)", "PARTITION BY HASH (id) PARTITIONS 7".to_owned()),
        ("p_key", "INT", "KEY kid (id)", "PARTITION BY KEY (c3) PARTITIONS 5".to_owned()),
        ("p_range", "INT", "PRIMARY KEY (id)", format!("PARTITION BY RANGE (id) {}", bounds(&["-50", "0", "60", "MAXVALUE"]))),
        (
            "p_year",
            "INT",
            "KEY kid (id)",
            format!("PARTITION BY RANGE (YEAR(c5)) {}", bounds(&["1980", "2000", "2010", "2020", "MAXVALUE"])),
        ),
        (
            "p_days",
            "INT",
            "KEY kid (id)",
            format!("PARTITION BY RANGE (TO_DAYS(c6)) {}", bounds(&["TO_DAYS('2023-12-25')", "TO_DAYS('2024-01-03')", "MAXVALUE"])),
        ),
        (
            "p_columns",
            "INT",
            "KEY kid (id)",
            format!("PARTITION BY RANGE COLUMNS (c3, c0) {}", bounds(&["'a', 3", "'b ', MAXVALUE", "'z', 0", "MAXVALUE, MAXVALUE"])),
        ),
        (
            "p_dates",
            "INT",
            "KEY kid (id)",
            format!("PARTITION BY RANGE COLUMNS (c6) {}", bounds(&["'2023-12-25'", "'2024-01-05'", "MAXVALUE"])),
        ),
        (
            "p_list",
            "INT",
            "KEY kid (id)",
            "PARTITION BY LIST (c0) (PARTITION p0 VALUES IN (0, 1, 2, -3, NULL), PARTITION p1 VALUES IN (4, 5, -5), PARTITION p2 VALUES IN (7, 9, 10), PARTITION p3 DEFAULT)".to_owned(),
        ),
        (
            "p_list_columns",
            "INT",
            "KEY kid (id)",
            "PARTITION BY LIST COLUMNS (c0, c6) (PARTITION p0 VALUES IN ((1, '2024-01-02'), (2, '2024-01-03')), PARTITION p1 VALUES IN ((3, '2024-01-04'), (NULL, NULL)), PARTITION p2 DEFAULT)".to_owned(),
        ),
    ] {
        // Unique keys must have all columns of the partitions.
        let indexes = INDEXES.replace("UNIQUE KEY", "KEY");
        table_with(&cluster, rng, name, id, key, &indexes, &clause);
        let subject = Subject::new(&cluster, name);
        let columns = subject.columns();
        let (mut pruned, mut by_index) = (0, 0);
        for round in 0..40 {
            let column = match (name, round % 2) {
                ("p_hash" | "p_range", 0) => "id",
                ("p_key" | "p_columns", 0) => "c3",
                ("p_year", 0) => "c5",
                ("p_days" | "p_dates", 0) => "c6",
                (_, 0) => "c0",
                _ => columns[rng.usize(..columns.len())].as_str(),
            };
            let mut conditions = vec![subject.condition(rng, column)];
            if rng.bool() {
                conditions.push(subject.condition(rng, "c0"));
            }
            let wanted: Vec<String> = columns.iter().filter(|_| rng.u8(..3) == 0).cloned().collect();
            let (explain, _, _) = subject.check(&cluster, &conditions, &wanted, push_down(rng.bool(), rng.bool()));
            pruned += usize::from(explain.contains(" partitions)") || explain.contains("partition:dual"));
            by_index += usize::from(explain.contains("Index"));
        }
        println!("{name}: {pruned} plans of 40 left partitions out, {by_index} read an index");
        assert!(pruned >= 5, "{name}");
    }
}

#[test]
fn covering_indexes_hold_values_of_every_type() {
    let cluster = Cluster::new("access_covering");
    let rng = &mut random("covering");
    let types = [
        "TINYINT",
        "SMALLINT UNSIGNED",
        "INT",
        "BIGINT UNSIGNED",
        "YEAR",
        "FLOAT",
        "DOUBLE",
        "DECIMAL(20,5)",
        "ENUM('a','b','c')",
        "DATE",
        "DATETIME(6)",
        "TIMESTAMP(3) NULL",
        "TIME(2)",
        "BINARY(4)",
        "VARBINARY(12)",
        "CHAR(20)",
        "VARCHAR(40)",
        "VARCHAR(40) COLLATE utf8mb4_general_ci",
        "VARCHAR(40) COLLATE utf8mb4_unicode_ci",
        "VARCHAR(40) COLLATE utf8mb4_0900_ai_ci",
        "VARCHAR(40) COLLATE utf8mb4_0900_bin",
        "VARCHAR(40) CHARACTER SET latin1",
    ];
    let keys: Vec<String> = (0..types.len()).map(|n| format!("KEY k{n} (c{n})")).collect();
    fill(&cluster, rng, "plain", &types, "", 100);
    let columns: Vec<String> = types.iter().enumerate().map(|(i, ty)| format!("c{i} {ty}")).collect();
    for (name, id, key) in [
        ("t_int", "id INT", "PRIMARY KEY (id)"),
        (
            "t_common",
            "id VARCHAR(20) COLLATE utf8mb4_general_ci",
            "PRIMARY KEY (id) CLUSTERED",
        ),
    ] {
        cluster.sql(&format!(
            "CREATE TABLE {name} ({id}, {}, {key}, {})",
            columns.join(", "),
            keys.join(", ")
        ));
        cluster.sql(&format!(
            "INSERT INTO {name} SELECT CONCAT(_tidb_rowid), plain.* FROM plain"
        ));
        let schema = cluster.load(name).unwrap();
        for (at, ty) in types.iter().enumerate() {
            let wanted = format!("c{at}");
            let plan = cluster.plan_with(&schema, &["id", &wanted], |spec| {
                spec.runtime_filters = vec![call("IS_NOT_NULL", vec![column(&wanted)])];
                spec.push_down = Some(push_down(true, true));
            });
            let plan = plan.unwrap();
            assert!(
                plan.explain.contains(&format!("index:k{at}(c{at})")) && plan.explain.contains("IndexReader"),
                "{}",
                plan.explain
            );
            let mut read: Vec<_> = cluster
                .batches(&plan)
                .unwrap()
                .iter()
                .flat_map(crate::support::render::rows)
                .collect();
            let mut stored = cluster.rows(&format!("SELECT id, {wanted} FROM {name} WHERE {wanted} IS NOT NULL"));
            read.sort();
            stored.sort();
            assert_eq!(read.len(), stored.len(), "{name} {ty}");
            for (read, stored) in read.iter().zip(&stored) {
                // TiDB prints seven digits of a FLOAT, which may be those of a neighbour's middle.
                let single = |text: &Option<String>| text.as_ref().and_then(|t| t.parse::<f32>().ok());
                let near = |n: usize| match (single(&read[n]), single(&stored[n])) {
                    (Some(a), Some(b)) => types[at] == "FLOAT" && (a - b).abs() <= a.abs() * f32::EPSILON,
                    _ => false,
                };
                let same = |n: usize| crate::support::render::same(&read[n], &stored[n]) || near(n);
                assert!(
                    same(0) && same(1),
                    "{name} {}: {read:?}, TiDB says {stored:?}",
                    types[at]
                );
            }
        }
    }
}

#[test]
fn locks_of_a_dead_writer_are_resolved_on_both_sides_of_a_look_up() {
    let cluster = Cluster::new("access_locks");
    cluster.sql("CREATE TABLE t (id INT PRIMARY KEY, a INT, b INT, KEY ka (a))");
    let rows: Vec<String> = (0..200).map(|n| format!("({n}, {}, {n})", n % 10)).collect();
    cluster.sql(&format!("INSERT INTO t VALUES {}", rows.join(",")));
    let table_id = cluster.load("t").unwrap().table_id;
    let hex = |key: Vec<u8>| crate::support::fill::hex(&key);
    let row = hex(ti_codec::key::record_key_int(table_id, 13));
    let mut entry = ti_codec::key::index_prefix(table_id, 1);
    for number in [3, 23] {
        ti_codec::datum::Datum::Int(number).encode_key(&mut entry).unwrap();
    }
    let entry = hex(entry);
    let lock = serde_json::json!({"primary": row, "keys": [row, entry], "op": "del", "ttl_ms": 300});
    cluster.control("POST", "/lock", &lock.to_string());
    let subject = Subject::new(&cluster, "t");
    let condition = Condition {
        sql: "a = 3".into(),
        expr: call("=", vec![column("a"), long(3)]),
    };
    let (explain, read, passing) = subject.check(&cluster, &[condition], &subject.columns(), push_down(true, true));
    assert!(
        explain.contains("IndexLookUp") || explain.contains("IndexReader"),
        "{explain}"
    );
    assert_eq!((read, passing), (20, 20));
}

/// Faults by rules of the test store, which a real TiKV has not: `--skip needs_faults` leaves them out.
mod needs_faults {
    use super::*;

    #[test]
    fn many_rows_are_looked_up_while_regions_split_and_locks_are_met() {
        let cluster = Cluster::new("access_many");
        cluster.sql("CREATE TABLE t (id INT PRIMARY KEY, a INT, pad VARCHAR(200), KEY ka (a))");
        for start in (0..30_000).step_by(3_000) {
            let rows: Vec<String> = (start..start + 3_000)
                .map(|n| format!("({n}, {}, '{}')", (n * 7919) % 1_000, "p".repeat(100)))
                .collect();
            cluster.sql(&format!("INSERT INTO t VALUES {}", rows.join(",")));
        }
        let subject = Subject::new(&cluster, "t");
        let condition = Condition {
            sql: "a < 400".into(),
            expr: call("<", vec![column("a"), long(400)]),
        };
        let columns = subject.columns();
        let check = || {
            let (explain, read, passing) = subject.check(
                &cluster,
                std::slice::from_ref(&condition),
                &columns,
                push_down(true, true),
            );
            assert!(explain.contains("IndexLookUp"), "{explain}");
            assert_eq!((read, passing), (12_000, 12_000));
        };
        check();
        let schema = cluster.load("t").unwrap();
        let table_id = schema.table_id;
        // A task that is run again has its rows in the same order, whatever the stores do meanwhile.
        let plan = cluster
            .plan_with(&schema, &["id", "pad"], |spec| {
                spec.runtime_filters = vec![condition.expr.clone()];
                spec.push_down = Some(push_down(true, true));
            })
            .unwrap();
        assert!(plan.explain.contains("IndexLookUp"), "{}", plan.explain);
        let read = || -> Vec<_> { cluster.batches(&plan).unwrap().iter().flat_map(render::rows).collect() };
        let before = read();
        let _faults = only_faults();
        cluster.faults(&serde_json::json!([
            {"method": "Coprocessor", "kind": "delay", "ms": 30, "skip": 3, "count": 3, "table_id": table_id},
            {"method": "Coprocessor", "kind": "delay", "ms": 10, "skip": 12, "count": 9, "table_id": table_id}
        ]));
        let after = read();
        assert_eq!(before.len(), 12_000);
        assert!(before == after, "the order of the rows differs");
        cluster.faults(&serde_json::json!([
            {"method": "Coprocessor", "kind": "not_leader", "count": 5, "table_id": table_id},
            {"method": "Coprocessor", "kind": "epoch_not_match", "count": 5, "table_id": table_id},
            {"method": "Coprocessor", "kind": "unavailable", "count": 3, "table_id": table_id}
        ]));
        check();
        cluster.control("DELETE", "/faults", "");
    }
}
