//! Rows read through the engine against TiDB's own answers, on a cluster.

use crate::support::Cluster;

const ALL_TYPES: &str = "
    id BIGINT PRIMARY KEY, t1 TINYINT(1), t TINYINT, tu TINYINT UNSIGNED, s SMALLINT, su SMALLINT UNSIGNED, m MEDIUMINT,
    mu MEDIUMINT UNSIGNED, i INT, iu INT UNSIGNED, b BIGINT, bu BIGINT UNSIGNED, f FLOAT, d DOUBLE, n5 DECIMAL(5,2),
    n38 DECIMAL(38,10), n0 DECIMAL(20,0), c CHAR(10), v VARCHAR(100), vci VARCHAR(100) COLLATE utf8mb4_general_ci, tx TEXT,
    lt LONGTEXT, bi BINARY(4), vb VARBINARY(20), bl BLOB, y YEAR, dt DATE, dm DATETIME, dm6 DATETIME(6), ts TIMESTAMP NULL,
    ts3 TIMESTAMP(3) NULL, tm TIME, tm6 TIME(6), e ENUM('a','b','ü'), j JSON, b1 BIT(1)";

#[test]
fn every_type_reads_as_tidb_answers() {
    let cluster = Cluster::new("types");
    cluster.sql(&format!("CREATE TABLE t ({ALL_TYPES})"));
    cluster.sql("INSERT INTO t (id) VALUES (1)");
    cluster.sql(
        "INSERT INTO t VALUES (2, 1, -128, 255, -32768, 65535, -8388608, 16777215, -2147483648, 4294967295,
         -9223372036854775808, 18446744073709551615, -1.5, 1e300, -999.99, 1234567890123456789012345678.0123456789,
         99999999999999999999, 'char', 'värchar 😀', 'MiXed', 'text', REPEAT('long ', 1000), 'ab', x'00ff10', x'deadbeef', 2155,
         '9999-12-31', '9999-12-31 23:59:59', '2024-02-29 12:34:56.789012', '2038-01-19 03:14:07', '1970-01-01 00:00:01.123',
         '838:59:59', '-838:59:59.000000', 'ü', '{\"a\": [1, 2.5, \"x\", null, true]}', b'1')",
    );
    cluster.sql(
        "INSERT INTO t VALUES (-3, 0, 127, 0, 32767, 0, 8388607, 0, 2147483647, 0, 9223372036854775807, 0, 0, -0.1, 0.01,
         -0.0000000001, 0, '', '', '', '', '', '', '', '', 1901, '1000-01-01', '1000-01-01 00:00:00', '1969-12-31 23:59:59.999999',
         '2024-03-31 01:30:00', '2024-10-27 01:30:00.5', '-00:00:01', '00:00:00.000001', 'a', '[]', b'0')",
    );
    assert_eq!(cluster.assert_equal("t"), 3);
    // A SET column makes the store answer row by row (TypeDefault).
    cluster.sql("CREATE TABLE with_set LIKE t");
    cluster.sql("ALTER TABLE with_set ADD COLUMN st SET('x','y','z')");
    cluster.sql("INSERT INTO with_set SELECT *, 'x,z' FROM t");
    cluster.sql("INSERT INTO with_set (id, st) VALUES (100, ''), (101, NULL), (102, 'y')");
    assert_eq!(cluster.assert_equal("with_set"), 6);
}

#[test]
fn rows_are_found_by_every_kind_of_handle() {
    let cluster = Cluster::new("handles");
    for (name, definition) in [
        ("int_handle", "a INT PRIMARY KEY, b VARCHAR(20)"),
        ("negative", "a BIGINT PRIMARY KEY, b VARCHAR(20)"),
        ("unsigned_handle", "a BIGINT UNSIGNED PRIMARY KEY, b VARCHAR(20)"),
        ("rowid", "a INT, b VARCHAR(20)"),
        ("nonclustered", "a INT PRIMARY KEY NONCLUSTERED, b VARCHAR(20)"),
        ("common_string", "b VARCHAR(20) COLLATE utf8mb4_general_ci, a INT, PRIMARY KEY (b) CLUSTERED"),
        ("common_binary", "b VARCHAR(20) COLLATE utf8mb4_bin, a INT, PRIMARY KEY (b) CLUSTERED"),
        ("common_two", "a INT, b VARCHAR(20) COLLATE utf8mb4_unicode_ci, PRIMARY KEY (b, a) CLUSTERED"),
        ("common_prefix", "a INT, b VARCHAR(20), PRIMARY KEY (a, b(2)) CLUSTERED"),
        ("common_number", "a DECIMAL(10,2), b VARCHAR(20), c DATETIME(3) DEFAULT '2024-01-01 00:00:00.123', PRIMARY KEY (a, c) CLUSTERED"),
        ("common_only", "a INT, b VARCHAR(20), PRIMARY KEY (a, b) CLUSTERED"),
    ] {
        cluster.sql(&format!("CREATE TABLE {name} ({definition})"));
        cluster.sql(&format!("INSERT INTO {name} (a, b) VALUES (1, 'Äpfel '), (2, 'birnen'), (3, 'C'), (7, ''), (9, 'x y  ')"));
        if name == "negative" {
            cluster.sql("INSERT INTO negative VALUES (-9223372036854775808, 'min'), (9223372036854775807, 'max'), (-1, NULL)");
        }
        if name == "unsigned_handle" {
            cluster.sql("INSERT INTO unsigned_handle VALUES (18446744073709551615, 'max'), (9223372036854775808, 'half')");
        }
        assert!(cluster.assert_equal(name) >= 5, "{name}");
        assert_eq!(cluster.assert_columns_equal(name, &["b"]), cluster.assert_columns_equal(name, &["a"]), "{name}");
    }
}

#[test]
fn the_hidden_row_id_is_read_where_there_is_one() {
    let cluster = Cluster::new("rowid");
    cluster.sql("CREATE TABLE hidden (a INT)");
    cluster.sql("INSERT INTO hidden VALUES (10), (20), (30)");
    let schema = cluster.load_with("hidden", |r| r.show_rowid = true).unwrap();
    assert_eq!(schema.columns.last().unwrap().name, "_tidb_rowid");
    assert_eq!(schema.handle_kind, "rowid");
    cluster.assert_columns_equal("hidden", &["_tidb_rowid", "a"]);
    cluster.assert_columns_equal("hidden", &["_tidb_rowid"]);
    cluster.sql("CREATE TABLE clustered (a INT PRIMARY KEY)");
    let schema = cluster.load_with("clustered", |r| r.show_rowid = true).unwrap();
    assert_eq!(schema.columns.len(), 1);
    let error = cluster.plan(&schema, &["_tidb_rowid"]).unwrap_err();
    assert_eq!(error.kind, ti_engine::ErrorKind::ColumnNotFound);
}

#[test]
fn all_partitions_are_read() {
    let cluster = Cluster::new("partitions");
    for (name, clause) in [
        ("p_hash", "PARTITION BY HASH (a) PARTITIONS 5"),
        ("p_key", "PARTITION BY KEY (a) PARTITIONS 3"),
        ("p_range", "PARTITION BY RANGE (a) (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN (50), PARTITION p2 VALUES LESS THAN MAXVALUE)"),
        ("p_columns", "PARTITION BY RANGE COLUMNS (b) (PARTITION p0 VALUES LESS THAN ('m'), PARTITION p1 VALUES LESS THAN (MAXVALUE))"),
        ("p_list", "PARTITION BY LIST (a % 3) (PARTITION p0 VALUES IN (0), PARTITION p1 VALUES IN (1, 2))"),
    ] {
        cluster.sql(&format!("CREATE TABLE {name} (a INT, b VARCHAR(20)) {clause}"));
        let values: Vec<String> = (0..100).map(|n| format!("({n}, '{}')", char::from(b'a' + n % 26))).collect();
        cluster.sql(&format!("INSERT INTO {name} VALUES {}", values.join(",")));
        assert_eq!(cluster.assert_equal(name), 100, "{name}");
        let schema = cluster.load(name).unwrap();
        let listed = cluster.rows(&format!(
            "SELECT PARTITION_NAME, TIDB_PARTITION_ID FROM information_schema.partitions
             WHERE TABLE_SCHEMA = '{}' AND TABLE_NAME = '{name}' ORDER BY PARTITION_ORDINAL_POSITION",
            cluster.database
        ));
        let partitions = schema.partitioning.unwrap().partitions;
        let partitions: Vec<_> = partitions.into_iter().map(|p| vec![Some(p.name), Some(p.id.to_string())]).collect();
        assert_eq!(partitions, listed, "{name}");
    }
    // A dropped and a truncated partition are not read.
    cluster.sql("ALTER TABLE p_range DROP PARTITION p1");
    assert_eq!(cluster.assert_equal("p_range"), 60);
    cluster.sql("ALTER TABLE p_range TRUNCATE PARTITION p0");
    assert_eq!(cluster.assert_equal("p_range"), 50);
}

#[test]
fn old_rows_have_the_defaults_of_columns_added_later() {
    let cluster = Cluster::new("defaults");
    cluster.sql("SET time_zone = '+05:30'");
    for (clustered, name) in [("", "t_rowid"), ("PRIMARY KEY", "t_int")] {
        cluster.sql(&format!("CREATE TABLE {name} (id INT {clustered})"));
        cluster.sql(&format!("INSERT INTO {name} VALUES (1), (2)"));
        for column in [
            "i INT DEFAULT -7",
            "u BIGINT UNSIGNED DEFAULT 18446744073709551615",
            "nn INT NOT NULL",
            "f FLOAT DEFAULT 1.25",
            "d DOUBLE DEFAULT -1e10",
            "n DECIMAL(10,3) DEFAULT 12.5",
            "v VARCHAR(20) DEFAULT 'ü x '",
            "c CHAR(5) NOT NULL",
            "bi BINARY(3) DEFAULT 'a'",
            "y YEAR DEFAULT 2020",
            "dt DATE DEFAULT '2024-02-29'",
            "dm DATETIME(3) DEFAULT '2024-02-29 23:59:59.5'",
            "ts TIMESTAMP DEFAULT '2024-06-30 12:00:00'",
            "ts_now TIMESTAMP(6) DEFAULT CURRENT_TIMESTAMP(6)",
            "dm_now DATETIME DEFAULT CURRENT_TIMESTAMP",
            "tm TIME DEFAULT '-10:11:12'",
            "e ENUM('x','y') DEFAULT 'y'",
            "enn ENUM('x','y') NOT NULL",
            "b BIT(1) DEFAULT b'1'",
            "nul INT DEFAULT NULL",
        ] {
            cluster.sql(&format!("ALTER TABLE {name} ADD COLUMN {column}"));
        }
        cluster.sql(&format!("INSERT INTO {name} (id, nn, c, enn) VALUES (3, 5, 'c', 'x')"));
        cluster.sql("SET time_zone = '+00:00'");
        assert_eq!(cluster.assert_equal(name), 3);
        cluster.sql(&format!("ALTER TABLE {name} ADD COLUMN st SET('p','q') DEFAULT 'p,q'"));
        assert_eq!(cluster.assert_equal(name), 3);
        cluster.sql("SET time_zone = '+05:30'");
    }
}

#[test]
fn rows_of_format_1_are_read() {
    let cluster = Cluster::new("format1");
    cluster.sql(&format!("CREATE TABLE t ({ALL_TYPES})"));
    cluster.sql("SET tidb_row_format_version = 1");
    cluster.sql(
        "INSERT INTO t (id, i, bu, f, n5, c, vb, dt, dm6, ts3, tm, e, j, b1) VALUES
         (1, -1, 18446744073709551615, 2.5, -3.25, 'x', x'00', '2024-01-02', '2024-01-02 03:04:05.678901', '2024-01-02 03:04:05.678',
          '-01:02:03', 'b', '{\"k\": 1}', b'1'), (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)",
    );
    cluster.sql("SET tidb_row_format_version = 2");
    cluster.sql("INSERT INTO t (id, i, j) VALUES (3, 3, '3')");
    assert_eq!(cluster.assert_equal("t"), 3);
}

#[test]
fn generated_columns_are_read_when_stored_and_refused_by_name_when_not() {
    let cluster = Cluster::new("generated");
    cluster.sql("CREATE TABLE t (a INT, s INT AS (a + 1) STORED, v INT AS (a + 2) VIRTUAL)");
    cluster.sql("INSERT INTO t (a) VALUES (1), (NULL), (3)");
    assert_eq!(cluster.assert_columns_equal("t", &["s", "a"]), 3);
    let schema = cluster.load("t").unwrap();
    let column = &schema.columns[2];
    assert!(
        column.r#type.is_none() && column.unsupported.contains("virtual generated column `v`"),
        "{column:?}"
    );
    let error = cluster.plan(&schema, &["a", "v"]).unwrap_err();
    assert_eq!(error.kind, ti_engine::ErrorKind::UnsupportedFeature);
    assert!(error.message.contains("`v`"), "{error}");
}

#[test]
fn columns_come_in_the_order_wanted_and_may_repeat() {
    let cluster = Cluster::new("order");
    cluster.sql("CREATE TABLE t (a INT PRIMARY KEY, b INT, c VARCHAR(5))");
    cluster.sql("INSERT INTO t VALUES (1, 10, 'x'), (2, 20, 'y')");
    cluster.assert_columns_equal("t", &["c", "a"]);
    cluster.assert_columns_equal("t", &["b", "b", "a", "b"]);
    cluster.sql("CREATE TABLE empty (a INT)");
    assert_eq!(cluster.assert_equal("empty"), 0);
    let rows = cluster.read("t", &["B"]);
    assert_eq!(rows.len(), 2, "names match without case");
}
