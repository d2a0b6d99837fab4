//! Where rows of partitioned tables go, against TiDB.
//!
//! TiDB copies random rows from a plain table into a partitioned one; every row must be where the locator puts it, and the rows that TiDB
//! leaves out must be those that the locator refuses.

use std::collections::HashMap;

use crate::support::fill::{fill, random};
use crate::support::Cluster;
use ti_codec::datum::Datum;
use ti_engine::write::partition::PartitionLocator;
use ti_engine::ErrorKind;

/// Copies the rows of `plain` into a table partitioned like this, and compares where they are.
fn check(cluster: &Cluster, types: &[&str], partitioning: &str) {
    let columns: Vec<String> = types.iter().enumerate().map(|(i, ty)| format!("c{i} {ty}")).collect();
    cluster.sql(&format!(
        "CREATE TABLE p ({}) PARTITION BY {partitioning}",
        columns.join(", ")
    ));
    cluster.sql("INSERT IGNORE INTO p SELECT * FROM plain");
    let table = cluster.stored("p");
    let id = |row: &[Datum<'_>]| match &row[0] {
        Datum::Int(id) => *id,
        other => panic!("{other:?}"),
    };
    let stored: HashMap<i64, i64> = table
        .rows(cluster)
        .iter()
        .map(|row| (id(&row.datums), row.physical_id))
        .collect();
    assert!(!stored.is_empty(), "{partitioning}: no rows");
    let locator = PartitionLocator::new(&table.info).unwrap_or_else(|e| panic!("{partitioning}: {e}"));
    let mut used = std::collections::HashSet::new();
    for row in cluster.stored("plain").rows(cluster) {
        match (locator.locate(&row.datums), stored.get(&id(&row.datums))) {
            (Ok(ours), Some(theirs)) => {
                assert_eq!(ours, *theirs, "{partitioning}: {:?}", row.datums);
                used.insert(ours);
            }
            (Err(error), None) => {
                assert_eq!(error.kind, ErrorKind::InvalidValue, "{error}");
                assert!(error.message.contains("has no partition for value"), "{error}");
            }
            (ours, theirs) => panic!("{partitioning}: {:?} is in {ours:?}, in TiDB {theirs:?}", row.datums),
        }
    }
    println!("{partitioning}: {} rows in {} partitions", stored.len(), used.len());
    cluster.sql("DROP TABLE p");
}

fn plain(cluster: &Cluster, rng: &mut fastrand::Rng, types: &[&str], rows: usize) {
    cluster.sql("DROP TABLE IF EXISTS plain");
    fill(cluster, rng, "plain", types, "", rows);
    // Ids that differ: rows are told apart by them.
    cluster.sql("UPDATE plain SET c0 = 0");
    cluster.sql("SET @n = 0");
    cluster.sql("UPDATE plain SET c0 = _tidb_rowid");
}

#[test]
fn hash_of_integers_and_expressions() {
    let cluster = Cluster::new("partition_hash");
    let rng = &mut random("hash");
    for ty in ["TINYINT", "INT", "BIGINT", "BIGINT UNSIGNED", "INT UNSIGNED", "YEAR"] {
        let types = ["INT", ty];
        plain(&cluster, rng, &types, 100);
        for n in [1, 3, 8] {
            check(&cluster, &types, &format!("HASH (c1) PARTITIONS {n}"));
        }
    }
    let types = ["INT", "INT", "INT UNSIGNED", "SMALLINT"];
    plain(&cluster, rng, &types, 150);
    for expr in [
        "c1 % 7",
        "MOD(c3, 10)",
        "c1 + 100",
        "c2 % 7",
        "c3 - 7",
        "(c3 * 3 + c1) % 11",
        "c1 DIV 1000",
        "ABS(c1)",
        "c3 + c1",
    ] {
        check(&cluster, &types, &format!("HASH ({expr}) PARTITIONS 5"));
    }
}

#[test]
fn functions_of_dates() {
    let cluster = Cluster::new("partition_dates");
    let rng = &mut random("dates");
    let types = ["INT", "DATE", "DATETIME", "DATETIME(6)", "TIMESTAMP", "TIMESTAMP(3)"];
    plain(&cluster, rng, &types, 200);
    for column in ["c1", "c2", "c3"] {
        for function in [
            "YEAR",
            "QUARTER",
            "MONTH",
            "DAYOFMONTH",
            "DAY",
            "DAYOFYEAR",
            "DAYOFWEEK",
            "WEEKDAY",
            "TO_DAYS",
            "TO_SECONDS",
        ] {
            check(&cluster, &types, &format!("HASH ({function}({column})) PARTITIONS 7"));
        }
        let bounds = "(PARTITION p0 VALUES LESS THAN (1000), PARTITION p1 VALUES LESS THAN (1999), PARTITION p2 VALUES LESS THAN (2010))";
        check(&cluster, &types, &format!("RANGE (YEAR({column})) {bounds}"));
        let days = "(PARTITION p0 VALUES LESS THAN (TO_DAYS('1990-01-01')), PARTITION p1 VALUES LESS THAN MAXVALUE)";
        check(&cluster, &types, &format!("RANGE (TO_DAYS({column})) {days}"));
    }
    for function in ["HOUR", "MINUTE", "SECOND"] {
        check(&cluster, &types, &format!("HASH ({function}(c3)) PARTITIONS 7"));
    }
    let moments = "(PARTITION p0 VALUES LESS THAN (UNIX_TIMESTAMP('1990-01-01 00:00:00')), PARTITION p1 VALUES LESS THAN (UNIX_TIMESTAMP('2020-02-01 12:00:00')))";
    check(&cluster, &types, &format!("RANGE (UNIX_TIMESTAMP(c4)) {moments}"));
    check(
        &cluster,
        &types,
        &format!("RANGE (FLOOR(UNIX_TIMESTAMP(c5))) {moments}"),
    );
}

#[test]
fn ranges_and_lists_of_integers() {
    let cluster = Cluster::new("partition_ranges");
    let rng = &mut random("ranges");
    for ty in ["TINYINT", "TINYINT UNSIGNED", "INT", "BIGINT UNSIGNED"] {
        let types = ["INT", ty];
        plain(&cluster, rng, &types, 100);
        let low = if ty.contains("UNSIGNED") { "5" } else { "-40" };
        let high = if ty == "BIGINT UNSIGNED" {
            "9300000000000000000"
        } else {
            "60"
        };
        let bounds = format!("(PARTITION p0 VALUES LESS THAN ({low}), PARTITION p1 VALUES LESS THAN ({high})");
        for last in [")", ", PARTITION p2 VALUES LESS THAN MAXVALUE)"] {
            check(&cluster, &types, &format!("RANGE (c1) {bounds}{last}"));
            let last = last.replace("MAXVALUE", "(MAXVALUE)");
            check(&cluster, &types, &format!("RANGE COLUMNS (c1) {bounds}{last}"));
        }
    }
    let types = ["INT", "TINYINT", "TINYINT UNSIGNED"];
    plain(&cluster, rng, &types, 300);
    let some: Vec<String> = (0..60).map(|v| v.to_string()).collect();
    for columns in ["", "COLUMNS "] {
        let list = format!(
            "(PARTITION p0 VALUES IN ({}), PARTITION p1 VALUES IN (NULL, 77, 99)",
            some.join(", ")
        );
        for column in ["c1", "c2"] {
            for rest in [")", ", PARTITION p2 DEFAULT)"] {
                check(&cluster, &types, &format!("LIST {columns}({column}) {list}{rest}"));
            }
        }
    }
    check(
        &cluster,
        &types,
        "LIST (c1 % 3) (PARTITION p0 VALUES IN (0, 1), PARTITION p1 VALUES IN (-2, -1))",
    );
    let pairs: Vec<String> = (0..40).map(|v| format!("({v}, {})", v * 2)).collect();
    check(
        &cluster,
        &types,
        &format!(
            "LIST COLUMNS (c1, c2) (PARTITION p0 VALUES IN ({}, (NULL, 1)), PARTITION p1 VALUES IN ((NULL, NULL)), PARTITION p2 DEFAULT)",
            pairs.join(", ")
        ),
    );
}

#[test]
fn ranges_and_lists_of_other_columns() {
    let cluster = Cluster::new("partition_columns");
    let rng = &mut random("columns");
    let types = [
        "INT",
        "VARCHAR(40)",
        "CHAR(20)",
        "VARCHAR(40) COLLATE utf8mb4_0900_bin",
        "VARBINARY(40)",
        "VARCHAR(40) CHARACTER SET latin1",
        "DATE",
        "DATETIME",
        "DATETIME(6)",
        "TIME(3)",
        "INT",
    ];
    plain(&cluster, rng, &types, 300);
    for column in ["c1", "c2", "c3", "c4", "c5"] {
        let wide = if column == "c5" { "é" } else { "中" };
        let bounds = format!(
            "(PARTITION p0 VALUES LESS THAN ('A'), PARTITION p1 VALUES LESS THAN ('a a'), PARTITION p2 VALUES LESS THAN ('a''\\\\'), \
             PARTITION p3 VALUES LESS THAN ('{wide}')"
        );
        for last in [")", ", PARTITION p4 VALUES LESS THAN (MAXVALUE))"] {
            check(&cluster, &types, &format!("RANGE COLUMNS ({column}) {bounds}{last}"));
        }
        // TiDB keeps '' of a byte string in a form that it cannot read itself.
        let empty = if column == "c4" { "" } else { "'', " };
        let list = format!("(PARTITION p0 VALUES IN ('a', {empty}NULL), PARTITION p1 VALUES IN ('A', 'b', 'é'))");
        check(&cluster, &types, &format!("LIST COLUMNS ({column}) {list}"));
    }
    for column in ["c6", "c7", "c8"] {
        let bounds = "(PARTITION p0 VALUES LESS THAN ('1980-1-1'), PARTITION p1 VALUES LESS THAN ('1999-12-31'), PARTITION p2 VALUES LESS THAN ('2010-05-05'))";
        check(&cluster, &types, &format!("RANGE COLUMNS ({column}) {bounds}"));
    }
    let bounds = "(PARTITION p0 VALUES LESS THAN ('1980-01-01 10:11:12'), PARTITION p1 VALUES LESS THAN ('1999-12-31 23:59:59.5'), PARTITION p2 VALUES LESS THAN (MAXVALUE))";
    check(&cluster, &types, &format!("RANGE COLUMNS (c8) {bounds}"));
    let bounds = "(PARTITION p0 VALUES LESS THAN ('-10:00:00'), PARTITION p1 VALUES LESS THAN ('100:11:12.5'))";
    check(&cluster, &types, &format!("RANGE COLUMNS (c9) {bounds}"));
    cluster.sql("UPDATE plain SET c6 = CONCAT('2020-01-', 1 + c0 % 28), c7 = c6, c8 = c6 WHERE c0 % 2 = 0");
    for column in ["c6", "c7", "c8"] {
        let list = "(PARTITION p0 VALUES IN ('2020-01-01', '2020-1-2', NULL), PARTITION p1 VALUES IN ('2020-01-03', '2020-01-04', '2020-01-05'))";
        check(&cluster, &types, &format!("LIST COLUMNS ({column}) {list}"));
    }
    let tuples = "(PARTITION p0 VALUES LESS THAN ('a', -100, '2000-01-01'), PARTITION p1 VALUES LESS THAN ('a', 100, MAXVALUE), \
                  PARTITION p2 VALUES LESS THAN ('a', MAXVALUE, MAXVALUE), PARTITION p3 VALUES LESS THAN ('b', 5, '2020-01-01'))";
    cluster.sql("UPDATE plain SET c1 = ELT(1 + c0 % 4, 'a', 'b', 'a ', 'B'), c10 = c10 % 200");
    cluster.sql("UPDATE plain SET c10 = ELT(1 + c0 % 3, -100, 100, NULL) WHERE c0 % 5 = 0");
    check(&cluster, &types, &format!("RANGE COLUMNS (c1, c10, c6) {tuples}"));
}

#[test]
fn keys_of_every_type() {
    let cluster = Cluster::new("partition_key");
    let rng = &mut random("key");
    let types = [
        "INT",
        "BIGINT",
        "BIGINT UNSIGNED",
        "YEAR",
        "DECIMAL(10,2)",
        "DECIMAL(65,30)",
        "BIT(9)",
        "ENUM('a','b','c')",
        "SET('a','b','c')",
        "DATE",
        "DATETIME",
        "DATETIME(3)",
        "TIME",
        "TIME(6)",
        "CHAR(20)",
        "VARCHAR(40)",
        "VARCHAR(40) CHARACTER SET latin1",
        "VARCHAR(40) COLLATE utf8mb4_0900_bin",
        "BINARY(5)",
        "VARBINARY(40)",
    ];
    plain(&cluster, rng, &types, 200);
    for i in 0..types.len() {
        check(&cluster, &types, &format!("KEY (c{i}) PARTITIONS 16"));
    }
    check(&cluster, &types, "KEY (c15, c1, c6) PARTITIONS 16");
    check(&cluster, &types, "KEY (c1, c15) PARTITIONS 3");
}

#[test]
fn what_cannot_be_placed_exactly_is_refused_by_name() {
    let cluster = Cluster::new("partition_refused");
    let refused = [
        ("a DATE", "HASH (TO_DAYS(a) DIV (3 - 1)) PARTITIONS 2", "TO_DAYS(`a`)"),
        ("a DATETIME", "HASH (YEARWEEK(a)) PARTITIONS 2", "YEARWEEK(`a`)"),
        (
            "a DATETIME",
            "HASH (EXTRACT(YEAR FROM a)) PARTITIONS 2",
            "EXTRACT(YEAR FROM `a`)",
        ),
        ("a TIMESTAMP", "KEY (a) PARTITIONS 2", "time zone"),
        ("a FLOAT", "KEY (a) PARTITIONS 2", "no certain text"),
        ("a CHAR(9) CHARACTER SET gbk", "KEY (a) PARTITIONS 2", "gbk_chinese_ci"),
    ];
    for (column, partitioning, text) in refused {
        cluster.sql(&format!("CREATE TABLE p ({column}) PARTITION BY {partitioning}"));
        let error = PartitionLocator::new(&cluster.stored("p").info).unwrap_err();
        assert_eq!(error.kind, ErrorKind::UnsupportedFeature, "{error}");
        assert!(error.message.contains(text) && error.message.contains("`p`"), "{error}");
        cluster.sql("DROP TABLE p");
    }
    cluster.sql("CREATE TABLE p (a INT)");
    let error = PartitionLocator::new(&cluster.stored("p").info).unwrap_err();
    assert_eq!(error.kind, ErrorKind::InvalidArgument, "{error}");
}

#[test]
fn collations_that_look_at_characters() {
    let cluster = Cluster::new("partition_collations");
    let rng = &mut random("collations");
    for collation in ["utf8mb4_general_ci", "utf8mb4_unicode_ci", "utf8mb4_0900_ai_ci"] {
        let text = format!("VARCHAR(400) COLLATE {collation}");
        let member = format!("ENUM('a','B','c') COLLATE {collation}");
        let members = format!("SET('a','B','c') COLLATE {collation}");
        let types = ["INT", text.as_str(), member.as_str(), members.as_str()];
        plain(&cluster, rng, &types, 200);
        for column in ["c1", "c2", "c3"] {
            check(&cluster, &types, &format!("KEY ({column}) PARTITIONS 16"));
        }
        let bounds = "(PARTITION p0 VALUES LESS THAN ('A'), PARTITION p1 VALUES LESS THAN ('A a'), PARTITION p2 VALUES LESS THAN ('ss'), PARTITION p3 VALUES LESS THAN (MAXVALUE))";
        check(&cluster, &types, &format!("RANGE COLUMNS (c1) {bounds}"));
        let list = "(PARTITION p0 VALUES IN ('A', '', NULL), PARTITION p1 VALUES IN ('b', 'e', 'ss'))";
        check(&cluster, &types, &format!("LIST COLUMNS (c1) {list}"));
    }
}
