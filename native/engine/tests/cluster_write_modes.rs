//! Upsert, ignore, overwrite and duplicates: what is in the way of new rows.

use crate::support::write::spec;
use crate::support::{Cluster, Row};
use arrow_array::RecordBatch;
use ti_engine::ErrorKind;
use ti_proto::plan;
use ti_proto::plan::write_spec::{Mode, Overwrite};

fn request(cluster: &Cluster, table: &str, change: impl FnOnce(&mut plan::WriteSpec)) -> plan::WriteSpec {
    let columns = cluster.columns(table);
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    let mut request = spec(cluster, table, &columns);
    change(&mut request);
    request
}

fn select(cluster: &Cluster, table: &str) -> Vec<Row> {
    cluster.admin_check(table);
    let mut rows = cluster.rows(&format!("SELECT * FROM `{table}`"));
    rows.sort();
    rows
}

/// Writes `values` to `t` in a mode, and has TiDB do the same to a copy with `statement`.
fn same_as_tidb(
    test: &str,
    create: &str,
    before: &str,
    values: &str,
    mode: Mode,
    statement: &str,
) -> plan::WriteResult {
    let cluster = Cluster::new(test);
    cluster.sql(&format!("CREATE TABLE t {create}"));
    cluster.sql("CREATE TABLE u LIKE t");
    for table in ["t", "u"] {
        cluster.sql(&format!("INSERT INTO {table} VALUES {before}"));
    }
    let batches = cluster.rows_for("t", values);
    cluster.sql(&format!("{statement} INTO u VALUES {values}"));
    let result = cluster
        .write(request(&cluster, "t", |r| r.mode = mode.into()), &[batches])
        .unwrap();
    assert_eq!(select(&cluster, "t"), select(&cluster, "u"));
    result
}

#[test]
fn upsert_replaces_rows_and_their_index_entries() {
    let result = same_as_tidb(
        "w_upsert",
        "(id INT PRIMARY KEY, n INT, s VARCHAR(9), UNIQUE KEY s (s), KEY n (n))",
        "(1, 10, 'a'), (2, 20, 'b'), (3, 30, 'c'), (4, 40, NULL)",
        // Row 1 is replaced, row 3 loses its `c` to row 9, row 5 is new, row 4 keeps its NULL.
        "(1, 11, 'a'), (9, 90, 'c'), (5, 50, 'e'), (4, 41, NULL), (6, 60, NULL)",
        Mode::Upsert,
        "REPLACE",
    );
    let metrics = result.metrics.unwrap();
    assert_eq!((metrics.rows, metrics.deleted_rows), (5, 3));
}

#[test]
fn upsert_of_other_handles_and_partitions() {
    same_as_tidb(
        "w_upsert_common",
        "(a VARCHAR(9), b INT, c INT, PRIMARY KEY (a, b) CLUSTERED, KEY c (c), UNIQUE KEY bc (b, c))",
        "('x', 1, 1), ('x', 2, 2), ('y', 1, 7)",
        "('x', 1, 5), ('z', 2, 2), ('y ', 3, 7)",
        Mode::Upsert,
        "REPLACE",
    );
    same_as_tidb(
        "w_upsert_rowid",
        "(a INT, b INT, UNIQUE KEY a (a), KEY b (b))",
        "(1, 1), (2, 2), (NULL, 3)",
        "(1, 5), (3, 3), (NULL, 3)",
        Mode::Upsert,
        "REPLACE",
    );
    same_as_tidb(
        "w_upsert_hash",
        "(id INT, n INT, PRIMARY KEY (id), KEY n (n)) PARTITION BY HASH (id) PARTITIONS 3",
        "(1, 1), (2, 2), (3, 3), (4, 4)",
        "(2, 20), (4, 40), (5, 50)",
        Mode::Upsert,
        "REPLACE",
    );
}

#[test]
fn upsert_knows_the_values_of_columns_that_were_added_later() {
    let cluster = Cluster::new("w_upsert_added");
    cluster.sql("CREATE TABLE t (id INT PRIMARY KEY, n INT)");
    cluster.sql("INSERT INTO t VALUES (1, 1), (2, 2)");
    cluster.sql("ALTER TABLE t ADD COLUMN late INT NOT NULL DEFAULT 42, ADD COLUMN later VARCHAR(9) DEFAULT 'x'");
    // The test store has no import service, which TiDB would fill the indexes with.
    cluster.sql("SET GLOBAL tidb_enable_dist_task = OFF");
    cluster.sql("SET GLOBAL tidb_ddl_enable_fast_reorg = OFF");
    cluster.sql("ALTER TABLE t ADD INDEX late (late)");
    cluster.sql("ALTER TABLE t ADD INDEX later (later)");
    let batches = cluster.rows_for("t", "(1, 10, 43, 'y')");
    cluster
        .write(request(&cluster, "t", |r| r.mode = Mode::Upsert.into()), &[batches])
        .unwrap();
    let text = |s: &str| Some(s.to_owned());
    assert_eq!(
        select(&cluster, "t"),
        vec![
            vec![text("1"), text("10"), text("43"), text("y")],
            vec![text("2"), text("2"), text("42"), text("x")]
        ]
    );
}

/// Every row in a task of its own: what one gives up another takes.
#[test]
fn upsert_moves_unique_values_between_tasks() {
    let cluster = Cluster::new("w_upsert_moves");
    let before = "(1, 10, 100, 'a'), (2, 20, 200, 'b'), (3, 30, 300, 'c'), (4, 40, 400, 'd'), (5, 50, 500, 'e'), (6, NULL, 600, 'f')";
    // 1 and 2 change places; 3 takes 4's value, and 4 goes on with another; 7 is new and takes two rows' values; 6 becomes like 1 was.
    let rows = [
        "(1, 20, 100, 'a2')",
        "(2, 10, 201, 'b')",
        "(3, 40, 300, 'c')",
        "(4, 41, 400, 'd')",
        "(7, 50, 601, 'f')",
        "(6, 60, 101, 'a')",
    ];
    for create in [
        "(id INT PRIMARY KEY, u INT, n INT, s VARCHAR(9), UNIQUE KEY u (u), KEY n (n, s), UNIQUE KEY s (s))",
        "(id INT PRIMARY KEY NONCLUSTERED, u INT, n INT, s VARCHAR(9), UNIQUE KEY u (u), KEY n (n, s), UNIQUE KEY s (s))",
        "(id VARCHAR(9) PRIMARY KEY CLUSTERED, u INT, n INT, s VARCHAR(9), UNIQUE KEY u (u), KEY n (n, s), UNIQUE KEY s (s))",
    ] {
        for table in ["t", "u"] {
            cluster.sql(&format!("DROP TABLE IF EXISTS {table}"));
            cluster.sql(&format!("CREATE TABLE {table} {create}"));
            cluster.sql(&format!("INSERT INTO {table} VALUES {before}"));
        }
        let tasks: Vec<Vec<RecordBatch>> = rows.iter().map(|row| cluster.rows_for("t", row)).collect();
        let upsert = request(&cluster, "t", |r| r.mode = Mode::Upsert.into());
        cluster.write(upsert, &tasks).unwrap();
        // As if all rows in the way went first: the order of the rows does not matter.
        cluster.sql("DELETE FROM u WHERE id IN (1, 2, 3, 4, 6, 7) OR u IN (20, 10, 40, 41, 50, 60) OR s IN ('a2', 'b', 'c', 'd', 'f', 'a')");
        cluster.sql(&format!("INSERT INTO u VALUES {}", rows.join(", ")));
        assert_eq!(select(&cluster, "t"), select(&cluster, "u"), "{create}");
        assert_eq!(cluster.rows("SELECT * FROM t WHERE u = 40"), cluster.rows("SELECT * FROM u WHERE id = 3"));
    }
}

#[test]
fn ignore_skips_taken_rows() {
    let result = same_as_tidb(
        "w_ignore",
        "(id INT PRIMARY KEY, n INT, s VARCHAR(9), UNIQUE KEY s (s), KEY n (n))",
        "(1, 10, 'a'), (2, 20, 'b')",
        "(1, 11, 'z'), (3, 30, 'b'), (4, 40, 'd'), (5, 50, NULL)",
        Mode::Ignore,
        "INSERT IGNORE",
    );
    let metrics = result.metrics.unwrap();
    assert_eq!((metrics.rows, metrics.skipped_rows), (4, 2));
}

#[test]
fn a_taken_key_is_named_as_tidb_names_it() {
    let cluster = Cluster::new("w_taken");
    cluster.sql(
        "CREATE TABLE t (id BIGINT PRIMARY KEY, d DATETIME(2), s VARCHAR(9), n DECIMAL(6, 2), UNIQUE KEY d (d), UNIQUE KEY sn (s, n))",
    );
    cluster.sql("INSERT INTO t VALUES (5, '2020-01-02 03:04:05.67', 'abc', 1.5)");
    for (values, entry) in [
        ("(5, NULL, NULL, 1)", "Duplicate entry '5' for key 't.PRIMARY'"),
        (
            "(6, '2020-01-02 03:04:05.67', NULL, 1)",
            "Duplicate entry '2020-01-02 03:04:05.67' for key 't.d'",
        ),
        ("(7, NULL, 'abc', 1.5)", "Duplicate entry 'abc-1.50' for key 't.sn'"),
    ] {
        let batches = cluster.rows_for("t", values);
        let error = cluster.write(request(&cluster, "t", |_| ()), &[batches]).unwrap_err();
        assert_eq!(error.kind, ErrorKind::DuplicateKey, "{error}");
        assert!(error.message.contains(entry), "{error}");
        assert_eq!(select(&cluster, "t").len(), 1);
    }
    // The same entries too: the row is what is named, whichever key is refused first.
    cluster.sql("CREATE TABLE c (a VARCHAR(9), b INT, n INT, PRIMARY KEY (a, b) CLUSTERED, KEY n (n))");
    cluster.sql("INSERT INTO c VALUES ('x', 1, 5)");
    let batches = cluster.rows_for("c", "('x', 1, 5)");
    let error = cluster.write(request(&cluster, "c", |_| ()), &[batches]).unwrap_err();
    assert_eq!(error.kind, ErrorKind::DuplicateKey, "{error}");
    assert!(
        error.message.contains("Duplicate entry 'x-1' for key 'c.PRIMARY'"),
        "{error}"
    );
    // Nothing is left of the writes that failed.
    cluster.sql("INSERT INTO t VALUES (6, NULL, NULL, 1), (7, NULL, NULL, 2)");
}

#[test]
fn two_rows_of_the_write_with_one_key_are_found() {
    let cluster = Cluster::new("w_twice");
    cluster.sql("CREATE TABLE t (id INT PRIMARY KEY, u INT, s VARCHAR(9), UNIQUE KEY u (u))");
    let one = |values: &str| cluster.rows_for("t", values);
    for (what, first, second) in [
        ("handle", "(1, 1, 'a')", "(1, 2, 'b')"),
        ("unique index", "(1, 7, 'a')", "(2, 7, 'b')"),
    ] {
        let (first, second) = (one(first), one(second));
        let together: Vec<RecordBatch> = first.iter().chain(&second).cloned().collect();
        let error = cluster.write(request(&cluster, "t", |_| ()), &[together]).unwrap_err();
        assert_eq!(error.kind, ErrorKind::DuplicateKey, "{what} in one task: {error}");
        assert!(error.message.contains("Duplicate entry"), "{error}");
        let error = cluster
            .write(request(&cluster, "t", |_| ()), &[first, second])
            .unwrap_err();
        assert_eq!(error.kind, ErrorKind::DuplicateKey, "{what} in two tasks: {error}");
        let (value, key) = if what == "handle" { (1, "PRIMARY") } else { (7, "u") };
        let named = format!("Duplicate entry '{value}' for key 't.{key}'");
        assert!(error.message.contains(&named), "{what} in two tasks: {error}");
        assert_eq!(select(&cluster, "t").len(), 0);
    }
    cluster.sql("INSERT INTO t VALUES (1, 7, 'free')");
}

#[test]
fn overwrite_replaces_all_rows() {
    let cluster = Cluster::new("w_overwrite");
    cluster.sql("CREATE TABLE t (id INT PRIMARY KEY, n INT, s VARCHAR(9), KEY n (n), UNIQUE KEY s (s))");
    cluster.sql("INSERT INTO t VALUES (1, 1, 'a'), (2, 2, 'b'), (3, 3, 'c'), (4, 4, 'd')");
    let overwrite = |r: &mut plan::WriteSpec| r.overwrite = Overwrite::All.into();
    let values = "(2, 20, 'a'), (3, 3, 'c'), (7, 70, 'z')";
    let batches = cluster.rows_for("t", values);
    let result = cluster.write(request(&cluster, "t", overwrite), &[batches]).unwrap();
    assert_eq!(result.metrics.unwrap().deleted_rows, 4);
    cluster.sql("CREATE TABLE u LIKE t");
    cluster.sql(&format!("INSERT INTO u VALUES {values}"));
    assert_eq!(select(&cluster, "t"), select(&cluster, "u"));
    assert_eq!(cluster.contents("t"), cluster.contents("u"));
    // With no rows: truncated.
    let empty = cluster.rows_for("t", "");
    cluster.write(request(&cluster, "t", overwrite), &[empty]).unwrap();
    assert_eq!(select(&cluster, "t").len(), 0);
    assert!(cluster.contents("t").is_empty());
}

#[test]
fn partitions_are_overwritten_one_by_one() {
    let cluster = Cluster::new("w_overwrite_p");
    cluster.sql("CREATE TABLE t (id INT PRIMARY KEY, n INT, KEY n (n)) PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN (20), PARTITION p2 VALUES LESS THAN (30))");
    cluster.sql("INSERT INTO t VALUES (1, 1), (2, 2), (11, 11), (12, 12), (21, 21)");
    let batches = cluster.rows_for("t", "(2, 20), (25, 25)");
    cluster
        .write(
            request(&cluster, "t", |r| r.overwrite = Overwrite::Partitions.into()),
            &[batches],
        )
        .unwrap();
    let ids: Vec<String> = select(&cluster, "t")
        .into_iter()
        .filter_map(|mut row| row.swap_remove(0))
        .collect();
    assert_eq!(ids, ["11", "12", "2", "25"]);
    cluster.sql("CREATE TABLE plain (id INT PRIMARY KEY)");
    let error = cluster
        .session
        .begin_write(request(&cluster, "plain", |r| {
            r.overwrite = Overwrite::Partitions.into()
        }))
        .map(drop)
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::InvalidArgument, "{error}");
}

#[test]
fn what_cannot_be_written_is_refused_by_name() {
    let cluster = Cluster::new("w_refused");
    cluster.sql("CREATE TABLE parent (id INT PRIMARY KEY)");
    cluster
        .sql("CREATE TABLE child (id INT PRIMARY KEY, p INT, CONSTRAINT fk_p FOREIGN KEY (p) REFERENCES parent (id))");
    cluster.sql("CREATE TABLE kept (id INT PRIMARY KEY, g INT GENERATED ALWAYS AS (id + 1) STORED)");
    cluster.sql("CREATE TABLE expr (id INT PRIMARY KEY, KEY e ((id + 1)))");
    cluster.sql("CREATE VIEW v AS SELECT * FROM parent");
    cluster.sql("CREATE SEQUENCE q");
    let refused = |table: &str, word: &str, change: fn(&mut plan::WriteSpec)| {
        let mut request = spec(&cluster, table, &["id"]);
        change(&mut request);
        let error = cluster.session.begin_write(request).map(drop).unwrap_err();
        assert_eq!(error.kind, ErrorKind::UnsupportedFeature, "{table}: {error}");
        assert!(error.message.contains(word), "{table}: {error}");
    };
    refused("child", "fk_p", |_| ());
    refused("kept", "`g`", |_| ());
    refused("expr", "`e`", |_| ());
    refused("v", "view", |_| ());
    refused("q", "sequence", |_| ());
    refused("parent", "fk_p", |r| r.mode = Mode::Upsert.into());
    let info = cluster.session.check_write(spec(&cluster, "parent", &[])).unwrap();
    assert_eq!(info.missing, ["id"]);
    assert_eq!(info.handle_columns, ["id"]);
    let error = cluster
        .session
        .check_write(spec(&cluster, "parent", &["nope"]))
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::ColumnNotFound);
}

#[test]
fn a_value_that_does_not_fit_is_named() {
    let cluster = Cluster::new("w_values");
    cluster.sql("CREATE TABLE t (id INT PRIMARY KEY, n TINYINT NOT NULL, s VARCHAR(3), e ENUM('a', 'b'))");
    for (definition, values, column) in [
        ("id INT, n INT, s TEXT, e TEXT", "(1, 128, 'x', 'a')", "n"),
        ("id INT, n INT, s TEXT, e TEXT", "(1, NULL, 'x', 'a')", "n"),
        ("id INT, n INT, s TEXT, e TEXT", "(1, 1, 'xxxx', 'a')", "s"),
        ("id INT, n INT, s TEXT, e TEXT", "(1, 1, 'x', 'c')", "e"),
        ("id INT, n INT, s TEXT, e TEXT", "(NULL, 1, 'x', 'a')", "id"),
    ] {
        let batches = cluster.source(definition, values);
        let error = cluster.write(request(&cluster, "t", |_| ()), &[batches]).unwrap_err();
        assert_eq!(error.kind, ErrorKind::InvalidValue, "{values}: {error}");
        assert!(
            error.message.contains(&format!("'{column}'")) || error.message.contains(&format!("`{column}`")),
            "{error}"
        );
        assert_eq!(select(&cluster, "t").len(), 0);
    }
}

#[test]
fn global_indexes() {
    let cluster = Cluster::new("w_global");
    cluster.sql(
        "CREATE TABLE t (id INT PRIMARY KEY CLUSTERED, u INT, n INT, UNIQUE KEY u (u) GLOBAL) PARTITION BY HASH (id) PARTITIONS 3",
    );
    cluster.sql("CREATE TABLE u LIKE t");
    let rows = "(1, 10, 1), (2, 20, 2), (3, NULL, 3)";
    cluster.sql(&format!("INSERT INTO u VALUES {rows}"));
    let batches = cluster.rows_for("t", rows);
    cluster.write(request(&cluster, "t", |_| ()), &[batches]).unwrap();
    assert_eq!(select(&cluster, "t"), select(&cluster, "u"));
    // The row that goes away is in another partition.
    let rows = "(4, 10, 4), (2, 21, 2)";
    cluster.sql(&format!("REPLACE INTO u VALUES {rows}"));
    let batches = cluster.rows_for("t", rows);
    cluster
        .write(request(&cluster, "t", |r| r.mode = Mode::Upsert.into()), &[batches])
        .unwrap();
    assert_eq!(select(&cluster, "t"), select(&cluster, "u"));
    let batches = cluster.rows_for("t", "(9, 21, 9)");
    let error = cluster.write(request(&cluster, "t", |_| ()), &[batches]).unwrap_err();
    assert!(error.message.contains("Duplicate entry '21' for key 't.u'"), "{error}");
    let batches = cluster.rows_for("t", "(7, 10, 7)");
    cluster
        .write(
            request(&cluster, "t", |r| r.overwrite = Overwrite::All.into()),
            &[batches],
        )
        .unwrap();
    assert_eq!(select(&cluster, "t").len(), 1);
}

/// A comparison of a column with constants, which are the columns of a batch of one row.
fn comparison(column: &str, operator: plan::row_filter::Operator, constants: &[RecordBatch]) -> plan::RowFilter {
    let mut values = Vec::new();
    for batch in constants {
        let mut writer = arrow_ipc::writer::StreamWriter::try_new(&mut values, &batch.schema()).unwrap();
        writer.write(batch).unwrap();
        writer.finish().unwrap();
    }
    plan::RowFilter {
        column: column.into(),
        operator: operator.into(),
        values,
    }
}

#[test]
fn a_condition_says_which_rows_are_overwritten() {
    use plan::row_filter::Operator;
    let cluster = Cluster::new("w_condition");
    cluster.sql(
        "CREATE TABLE t (id INT PRIMARY KEY, d DATE, s VARCHAR(9) COLLATE utf8mb4_bin, n DECIMAL(6, 2), UNIQUE KEY s (s), KEY n (n))",
    );
    let before = "(1, '2024-05-01', 'a', 1.5), (2, '2024-05-02', 'b', 2.5), (3, '2024-05-01', 'c', 3.5), (4, NULL, 'd', NULL), (5, '2024-05-03', 'e ', 0)";
    let one = |definition: &str, value: &str| cluster.source(definition, &format!("({value})"));
    let day = one("d DATE", "'2024-05-01'");
    let (two, text) = (one("n DECIMAL(6, 2)", "2.5"), one("s VARCHAR(9)", "'e '"));
    let list = one("a INT, b INT, c INT", "1, 4, 77");
    let cases = [
        (comparison("d", Operator::Equal, &day), "d = '2024-05-01'"),
        (comparison("d", Operator::GreaterOrEqual, &day), "d >= '2024-05-01'"),
        (comparison("n", Operator::Less, &two), "n < 2.5"),
        (comparison("n", Operator::LessOrEqual, &two), "n <= 2.5"),
        (comparison("s", Operator::Equal, &text), "s = 'e'"),
        (comparison("s", Operator::Greater, &text), "s > 'e'"),
        (comparison("id", Operator::In, &list), "id IN (1, 4, 77)"),
        (comparison("d", Operator::IsNull, &[]), "d IS NULL"),
        (comparison("n", Operator::IsNotNull, &[]), "n IS NOT NULL"),
    ];
    for (filter, condition) in cases {
        cluster.sql("DELETE FROM t");
        cluster.sql(&format!("INSERT INTO t VALUES {before}"));
        cluster.sql("DROP TABLE IF EXISTS u");
        cluster.sql("CREATE TABLE u LIKE t");
        cluster.sql("INSERT INTO u SELECT * FROM t");
        let new = "(10, '2024-05-01', 'x', 9), (11, NULL, NULL, NULL)";
        let batches = cluster.rows_for("t", new);
        cluster
            .write(
                request(&cluster, "t", |r| {
                    r.overwrite = Overwrite::All.into();
                    r.filters.push(filter);
                }),
                &[batches],
            )
            .unwrap();
        cluster.sql(&format!("DELETE FROM u WHERE {condition}"));
        cluster.sql(&format!("INSERT INTO u VALUES {new}"));
        assert_eq!(select(&cluster, "t"), select(&cluster, "u"), "{condition}");
    }
    // A new row may take the place of a row that goes away, and not of one that stays.
    cluster.sql("DELETE FROM t");
    cluster.sql(&format!("INSERT INTO t VALUES {before}"));
    let by_day = |r: &mut plan::WriteSpec| {
        r.overwrite = Overwrite::All.into();
        r.filters.push(comparison("d", Operator::Equal, &day));
    };
    let batches = cluster.rows_for("t", "(1, '2024-05-01', 'c', 7), (6, '2024-05-01', 'a', 8)");
    cluster.write(request(&cluster, "t", by_day), &[batches]).unwrap();
    assert_eq!(select(&cluster, "t").len(), 5);
    for values in ["(2, '2024-05-01', 'z', 7)", "(7, '2024-05-01', 'b', 7)"] {
        let batches = cluster.rows_for("t", values);
        let error = cluster.write(request(&cluster, "t", by_day), &[batches]).unwrap_err();
        assert_eq!(error.kind, ErrorKind::DuplicateKey, "{values}: {error}");
        assert_eq!(select(&cluster, "t").len(), 5);
    }
}
