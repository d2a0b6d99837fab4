//! Appending: what the engine writes is what TiDB writes, key by key and byte by byte.

use crate::support::write::spec;
use crate::support::Cluster;
use ti_engine::ErrorKind;

/// Makes `a` with rows written by TiDB, and `b` of the same shape; copies through the engine.
fn copies(test: &str, create: &str, rows: &str, tasks: usize) {
    let cluster = Cluster::new(test);
    cluster.sql(&format!("CREATE TABLE a {create}"));
    cluster.sql("CREATE TABLE b LIKE a");
    cluster.sql(&format!("INSERT INTO a VALUES {rows}"));
    cluster.assert_copied("a", "b", tasks);
    // TiDB reads the same rows, BIT and all.
    let rows = |table: &str| {
        let mut rows = cluster.rows(&format!("SELECT * FROM {table}"));
        rows.sort();
        rows
    };
    assert_eq!(rows("a"), rows("b"));
}

#[test]
fn int_handles() {
    copies(
        "w_int",
        "(id BIGINT PRIMARY KEY, n INT, s VARCHAR(20) DEFAULT 'x', KEY n (n), UNIQUE KEY s (s))",
        "(1, 10, 'a'), (-5, NULL, NULL), (9223372036854775807, -1, 'b '), (0, 10, ''), (7, 3, NULL)",
        2,
    );
}

#[test]
fn unsigned_handles() {
    copies(
        "w_uint",
        "(id BIGINT UNSIGNED PRIMARY KEY, n INT UNSIGNED NOT NULL DEFAULT 4, KEY n (n, id))",
        "(1, 4294967295), (18446744073709551615, 0), (9223372036854775808, 5)",
        1,
    );
}

#[test]
fn common_handles() {
    copies(
        "w_common",
        "(a VARCHAR(10) COLLATE utf8mb4_bin, b DATETIME(3), c DECIMAL(10, 2), d INT, e VARBINARY(5), PRIMARY KEY (a, b, c) CLUSTERED, \
         KEY d (d), UNIQUE KEY e (e), KEY a (a(3), d))",
        "('x ', '2020-01-02 03:04:05.678', 1.5, 1, 'aa'), ('', '1970-01-01', -99.99, NULL, NULL), ('ü€', '9999-12-31 23:59:59.999', 0, 3, 'b ')",
        2,
    );
}

#[test]
fn every_type() {
    copies(
        "w_types",
        "(id INT PRIMARY KEY, t1 TINYINT, t2 SMALLINT UNSIGNED, t3 MEDIUMINT, f FLOAT, d DOUBLE, de DECIMAL(30, 10), da DATE, \
         dt DATETIME(6), ts TIMESTAMP(2) NULL, ti TIME(4), y YEAR, c CHAR(5), v VARCHAR(9), b BINARY(4), vb VARBINARY(9), te TEXT, bl BLOB, \
         e ENUM('x', 'y'), s SET('p', 'q', 'r'), bi BIT(9), j JSON, KEY i1 (t1, t2), KEY i2 (de), KEY i3 (dt, ti), KEY i4 (ts), KEY i5 (y), \
         KEY i6 (e), KEY i7 (bi), KEY i8 (b, vb), KEY i9 (te(3)), KEY i10 (f, d), KEY i11 (c), KEY i12 (da), KEY i13 (s))",
        "(1, 1, 2, -3, 1.5, -2.25, 12345.6789, '2020-02-29', '2020-02-29 12:34:56.789012', '2021-03-04 05:06:07.89', '-12:34:56.7891', 2024, 'abc', \
          'ü ', 'ab', x'00ff', 'text', x'0102', 'y', 'p,r', b'101010101', '{\"a\": [1, 2.5, null, \"x\"]}'), \
         (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL), \
         (3, -128, 65535, 8388607, 0, 1e300, -0.0000000001, '1000-01-01', '1000-01-01', '1970-01-01 00:00:01', '838:59:59', 1901, '', '', '', '', '', '', \
          'x', '', 0, '1')",
        1,
    );
}

#[test]
fn row_ids_are_made() {
    let cluster = Cluster::new("w_rowid");
    cluster
        .sql("CREATE TABLE a (id INT, s VARCHAR(20), PRIMARY KEY (id) NONCLUSTERED, KEY s (s)) SHARD_ROW_ID_BITS = 3");
    cluster.sql("CREATE TABLE b LIKE a");
    cluster.sql("INSERT INTO a VALUES (1, 'a'), (2, 'b'), (3, NULL), (4, 'b')");
    let batches = cluster.batches_of("a", &["id", "s"]);
    for round in 0..2 {
        cluster
            .write(spec(&cluster, "b", &["id", "s"]), std::slice::from_ref(&batches))
            .unwrap();
        cluster.admin_check("b");
        assert_eq!(cluster.assert_equal("b"), 4);
        let ids = cluster.rows("SELECT DISTINCT _tidb_rowid FROM b");
        assert_eq!(ids.len(), 4);
        // TiDB goes on after the ids that were taken.
        cluster.sql(&format!("INSERT INTO b VALUES ({}, 'z')", 100 + round));
        cluster.sql("DELETE FROM b");
    }
}

#[test]
fn partitions() {
    copies(
        "w_hash",
        "(id INT PRIMARY KEY, n INT, KEY n (n)) PARTITION BY HASH (id) PARTITIONS 4",
        "(1, 1), (2, NULL), (3, 3), (4, 1), (-5, 7), (0, 0)",
        2,
    );
    copies(
        "w_range",
        "(id INT, d DATE, PRIMARY KEY (id, d) CLUSTERED, KEY d (d)) PARTITION BY RANGE COLUMNS (d) \
         (PARTITION p0 VALUES LESS THAN ('2020-01-01'), PARTITION p1 VALUES LESS THAN (MAXVALUE))",
        "(1, '2019-12-31'), (2, '2020-01-01'), (3, '2024-05-06')",
        1,
    );
    let cluster = Cluster::new("w_norange");
    cluster.sql("CREATE TABLE t (id INT PRIMARY KEY) PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (10))");
    cluster.sql("CREATE TABLE s (id INT PRIMARY KEY)");
    cluster.sql("INSERT INTO s VALUES (1), (10)");
    let batches = cluster.batches_of("s", &["id"]);
    let error = cluster.write(spec(&cluster, "t", &["id"]), &[batches]).unwrap_err();
    assert_eq!(error.kind, ErrorKind::InvalidValue, "{error}");
    assert_eq!(cluster.count("t"), 0);
}

#[test]
fn columns_that_are_left_out_have_their_defaults() {
    let cluster = Cluster::new("w_defaults");
    cluster.sql(
        "CREATE TABLE t (id INT PRIMARY KEY, a INT DEFAULT 7, b VARCHAR(9) DEFAULT 'x', c DATETIME DEFAULT '2020-01-02 03:04:05', d DECIMAL(5, 2) DEFAULT 1.5, \
         e ENUM('p', 'q') NOT NULL, f BIT(4) DEFAULT b'101', g TIMESTAMP NULL DEFAULT '2021-01-01 00:00:00', h INT, i TIMESTAMP(3) DEFAULT CURRENT_TIMESTAMP(3), \
         j INT GENERATED ALWAYS AS (a + 1) VIRTUAL, k DATETIME DEFAULT CURRENT_TIMESTAMP, KEY a (a), UNIQUE KEY b (b, id))",
    );
    cluster.sql("CREATE TABLE s (id INT PRIMARY KEY)");
    cluster.sql("INSERT INTO s VALUES (1), (2)");
    let batches = cluster.batches_of("s", &["id"]);
    cluster
        .write(spec(&cluster, "t", &["id"]), std::slice::from_ref(&batches))
        .unwrap();
    cluster.admin_check("t");
    // TiDB writes the same, except for the time.
    cluster.sql("CREATE TABLE u LIKE t");
    cluster.sql("INSERT INTO u (id) VALUES (1), (2)");
    let list = "id, a, b, c, d, e, f + 0, g, h, j, i = TIMESTAMP(i, 0), TIMESTAMPDIFF(SECOND, i, NOW(3)) < 60, TIMESTAMPDIFF(SECOND, k, NOW()) < 60";
    assert_eq!(
        cluster.rows(&format!("SELECT {list} FROM t ORDER BY id")),
        cluster.rows(&format!("SELECT {list} FROM u ORDER BY id"))
    );
    assert_eq!(
        cluster.value("SELECT COUNT(DISTINCT i) FROM t"),
        "1",
        "one time for the whole write"
    );
    let error = cluster.write(spec(&cluster, "t", &["a"]), &[]).unwrap_err();
    assert_eq!(error.kind, ErrorKind::InvalidArgument);
    assert!(error.message.contains("`id`"), "{error}");
}

#[test]
fn large_writes_spread_over_regions() {
    let cluster = Cluster::new("w_large");
    cluster.sql("CREATE TABLE a (id INT PRIMARY KEY, n INT, pad VARCHAR(200), KEY n (n))");
    cluster.sql("CREATE TABLE b LIKE a");
    cluster.sql("INSERT INTO a SELECT x.n * 1000 + y.n, y.n, REPEAT('p', 100) FROM (WITH RECURSIVE x (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM x WHERE n < 19) SELECT n FROM x) x, (WITH RECURSIVE y (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM y WHERE n < 999) SELECT n FROM y) y");
    cluster.assert_copied("a", "b", 3);
    let before = cluster.value("SELECT COUNT(*) FROM b");
    assert_eq!(before, "20000");
}
