//! DELETE, UPDATE and MERGE by deltas: what they leave is what TiDB's own statements leave.

use crate::support::delta::Target;
use crate::support::{Cluster, Row};
use ti_engine::ErrorKind;

/// Tables with the columns id, u, n, s, for each kind of handle; whether rows get new handles when they move.
const SHAPES: [(&str, &str); 12] = [
    ("int", "(id INT PRIMARY KEY, u INT, n INT, s VARCHAR(20), UNIQUE KEY u (u), KEY n (n), KEY s (s(3)))"),
    (
        "unsigned",
        "(id BIGINT UNSIGNED PRIMARY KEY, u INT, n INT, s VARCHAR(20), UNIQUE KEY su (s, u), KEY n (n, s))",
    ),
    (
        "decimal",
        "(id DECIMAL(8, 2) PRIMARY KEY CLUSTERED, u INT, n INT, s VARCHAR(20), UNIQUE KEY u (u), KEY n (n))",
    ),
    (
        "text",
        "(id VARCHAR(9) COLLATE utf8mb4_general_ci, u INT, n INT, s VARCHAR(20) COLLATE utf8mb4_general_ci, PRIMARY KEY (id) CLUSTERED, UNIQUE KEY u (u), KEY s (s))",
    ),
    (
        "pair",
        "(id INT, u INT, n INT, s VARCHAR(20), PRIMARY KEY (s(5), id) CLUSTERED, UNIQUE KEY u (u), KEY n (n))",
    ),
    (
        "nonclustered",
        "(id INT, u INT, n INT, s VARCHAR(20), PRIMARY KEY (id) NONCLUSTERED, UNIQUE KEY u (u), KEY n (n), KEY s (s(3)))",
    ),
    ("rowid", "(id INT, u INT, n INT, s VARCHAR(20), UNIQUE KEY u (u), KEY n (n))"),
    (
        "int_hash",
        "(id INT PRIMARY KEY, u INT, n INT, s VARCHAR(20), UNIQUE KEY u (u, id), KEY n (n)) PARTITION BY HASH (id) PARTITIONS 3",
    ),
    (
        "common_range",
        "(id INT, u INT, n INT, s VARCHAR(20), PRIMARY KEY (u, id) CLUSTERED, KEY n (n), KEY s (s(2))) PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN (20), PARTITION p2 VALUES LESS THAN MAXVALUE)",
    ),
    (
        "global",
        "(id INT PRIMARY KEY, u INT, n INT, s VARCHAR(20), UNIQUE KEY u (u) GLOBAL, KEY n (n)) PARTITION BY HASH (id) PARTITIONS 3",
    ),
    (
        "key",
        "(id VARCHAR(9) COLLATE utf8mb4_general_ci, u INT, n INT, s VARCHAR(20), PRIMARY KEY (id) CLUSTERED, KEY u (u), KEY n (n)) PARTITION BY KEY (id) PARTITIONS 4",
    ),
    (
        "rowid_range",
        "(id INT, u INT, n INT, s VARCHAR(20), UNIQUE KEY u (u, id), KEY n (n)) PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN (20), PARTITION p2 VALUES LESS THAN MAXVALUE)",
    ),
];

/// Twin tables `t` and `u` of a shape, with 30 rows.
fn twins(cluster: &Cluster, create: &str) {
    for table in ["t", "u"] {
        cluster.sql(&format!("DROP TABLE IF EXISTS {table}"));
        cluster.sql(&format!("CREATE TABLE {table} {create}"));
        let rows: Vec<String> = (1..=30)
            .map(|id| match id % 7 {
                0 => format!("({id}, NULL, NULL, 'seven {id}')"),
                _ => format!("({id}, {}, {}, 'Text {}')", id * 10, id % 4, id % 6),
            })
            .collect();
        cluster.sql(&format!("INSERT INTO {table} VALUES {}", rows.join(", ")));
    }
}

fn select(cluster: &Cluster, table: &str) -> Vec<Row> {
    let mut rows = cluster.rows(&format!("SELECT * FROM `{table}`"));
    rows.sort();
    rows
}

/// Are the stored values of twins the same? Entries of global indexes have the ids of partitions in theirs.
fn comparable(shape: &str) -> bool {
    shape != "global"
}

/// The twins are equal, also in what is stored if rows have got no generated handles.
fn assert_twins(cluster: &Cluster, stored: bool, what: &str) {
    cluster.admin_check("t");
    assert_eq!(select(cluster, "t"), select(cluster, "u"), "{what}");
    if stored {
        let (ours, theirs) = (cluster.contents("t"), cluster.contents("u"));
        for (key, value) in &theirs {
            assert_eq!(ours.get(key), Some(value), "{what}: the value of {key:02x?}");
        }
        assert_eq!(ours.len(), theirs.len(), "{what}: keys");
    }
}

#[test]
fn deletes_leave_what_tidb_leaves() {
    let cluster = Cluster::new("d_delete");
    for (number, (shape, create)) in SHAPES.into_iter().enumerate() {
        let tasks = 1 + number % 3;
        twins(&cluster, create);
        let target = Target::new(&cluster, "t");
        let result = target
            .delete("id % 3 = 0", tasks)
            .unwrap_or_else(|e| panic!("{shape}: {e}"));
        cluster.sql("DELETE FROM u WHERE id % 3 = 0");
        assert_twins(&cluster, comparable(shape), shape);
        let metrics = result.metrics.unwrap();
        assert_eq!((metrics.rows, metrics.deleted_rows), (10, 10), "{shape}");
        // With the columns too, as MERGE sends them.
        let rest = target.deletes("id > 5");
        target.write(&[rest], tasks).unwrap_or_else(|e| panic!("{shape}: {e}"));
        cluster.sql("DELETE FROM u WHERE id > 5");
        assert_twins(&cluster, comparable(shape), shape);
        // Nothing is left.
        target.delete("TRUE", tasks).unwrap_or_else(|e| panic!("{shape}: {e}"));
        assert!(cluster.contents("t").is_empty(), "{shape}");
    }
}

/// Assignments, and the condition for the rows that get them.
type Update<'a> = (&'a [(&'a str, &'a str)], &'a str);

#[test]
fn updates_leave_what_tidb_leaves() {
    let cluster = Cluster::new("d_update");
    // Assignments, a condition, and whether the rows may get other handles. Larger values first, because TiDB looks at rows one after the other.
    let statements: [(Update<'_>, bool); 9] = [
        ((&[("n", "n")], "TRUE"), false),
        ((&[("s", "CONCAT(s, '!')")], "id > 4"), false),
        ((&[("n", "n + 1")], "id <> 9"), false),
        ((&[("n", "NULL"), ("u", "u + 1000")], "id % 2 = 1"), false),
        ((&[("u", "u + 10")], "id < 1000"), false),
        ((&[("s", "UPPER(s)")], "TRUE"), false),
        ((&[("s", "CONCAT('y', s)"), ("n", "id")], "id % 4 = 1"), false),
        ((&[("id", "id + 1")], "TRUE"), true),
        ((&[("id", "id + 5"), ("n", "n - 1"), ("s", "'moved'")], "id > 3"), true),
    ];
    for (number, (shape, create)) in SHAPES.into_iter().enumerate() {
        twins(&cluster, create);
        let target = Target::new(&cluster, "t");
        let mut stored = comparable(shape);
        for (step, ((assignments, condition), moves)) in statements.into_iter().enumerate() {
            let tasks = 1 + (number + step) % 3;
            let queries = [target.updates(assignments, condition)];
            let set: Vec<String> = assignments
                .iter()
                .map(|(name, value)| format!("{name} = {value}"))
                .collect();
            let what = format!("{shape}: SET {} WHERE {condition}, {tasks} tasks", set.join(", "));
            target.write(&queries, tasks).unwrap_or_else(|e| panic!("{what}: {e}"));
            cluster.sql(&format!(
                "UPDATE u SET {} WHERE {condition} ORDER BY CAST(id AS SIGNED) DESC",
                set.join(", ")
            ));
            stored &= !(moves && shape == "rowid_range");
            assert_twins(&cluster, stored, &what);
        }
    }
}

#[test]
fn rows_that_do_not_change_are_not_written() {
    let cluster = Cluster::new("d_unchanged");
    twins(&cluster, SHAPES[0].1);
    let target = Target::new(&cluster, "t");
    let result = target
        .write(&[target.updates(&[("n", "n + IF(id = 3, 1, 0)")], "TRUE")], 2)
        .unwrap();
    // The row, the entry that goes and the one that comes.
    let metrics = result.metrics.unwrap();
    assert_eq!((metrics.rows, metrics.mutations), (30, 3));
}

#[test]
fn all_kinds_of_changes_at_once() {
    let cluster = Cluster::new("d_merge");
    for (shape, create) in SHAPES {
        for tasks in [1, 4] {
            twins(&cluster, create);
            let target = Target::new(&cluster, "t");
            let queries = [
                target.deletes("id % 5 = 0"),
                target.updates(&[("u", "u + 1"), ("s", "CONCAT('m ', id)")], "id % 5 = 1"),
                target.updates(&[("id", "id + 100")], "id % 5 = 2"),
                // 5 is given up by a deletion, 7 by a row that moves, 60 is new.
                target.inserts(&["5, 50, 8, 'five'", "7, 9999, 1, 'seven'", "60, NULL, NULL, NULL"]),
            ];
            let result = target.write(&queries, tasks);
            let queries_of_tidb = [
                "DELETE FROM u WHERE id % 5 = 0",
                "UPDATE u SET u = u + 1, s = CONCAT('m ', id) WHERE id % 5 = 1",
                "UPDATE u SET id = id + 100 WHERE id % 5 = 2 AND id < 100",
                "INSERT INTO u VALUES (5, 50, 8, 'five'), (7, 9999, 1, 'seven'), (60, NULL, NULL, NULL)",
            ];
            let what = format!("{shape}, {tasks} tasks");
            if shape == "pair" || shape == "common_range" {
                // NULL in the primary key.
                assert!(result.is_err(), "{what}");
                continue;
            }
            let result = result.unwrap_or_else(|e| panic!("{what}: {e}"));
            for statement in queries_of_tidb {
                cluster.sql(statement);
            }
            let generated = shape.contains("rowid") || shape == "nonclustered";
            assert_twins(&cluster, comparable(shape) && !generated, &what);
            let metrics = result.metrics.unwrap();
            assert_eq!((metrics.rows, metrics.deleted_rows), (21, 6), "{what}");
        }
    }
}

/// More rows than tasks can tell the driver of.
#[test]
fn many_rows_that_move() {
    let cluster = Cluster::new("d_many");
    cluster.sql("CREATE TABLE digits (d INT)");
    cluster.sql("INSERT INTO digits VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)");
    for table in ["t", "u"] {
        cluster.sql(&format!("CREATE TABLE {table} (id INT PRIMARY KEY, n INT, KEY n (n))"));
        cluster.sql(&format!(
            "INSERT INTO {table} SELECT a.d + 10 * b.d + 100 * c.d + 1000 * d.d + 10000 * e.d, a.d FROM digits a, digits b, digits c, digits d, digits e WHERE e.d < 4"
        ));
    }
    let target = Target::new(&cluster, "t");
    // All keys are free: what is not deleted by the driver is deleted at once.
    target
        .write(&[target.updates(&[("id", "id + 100000")], "TRUE")], 1)
        .unwrap();
    cluster.sql("UPDATE u SET id = id + 100000");
    assert_twins(&cluster, true, "moved");
    // Every key is another row's: refused as long as it cannot be checked.
    let error = target
        .write(&[target.updates(&[("id", "id + 20000")], "TRUE")], 1)
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::UnsupportedFeature, "{error}");
    assert!(error.message.contains("Duplicate entry '1"), "{error}");
    assert_twins(&cluster, true, "refused");
    // Neighbours change within a chunk.
    target.write(&[target.updates(&[("id", "id + 1")], "TRUE")], 2).unwrap();
    cluster.sql("UPDATE u SET id = id + 1 ORDER BY id DESC");
    assert_twins(&cluster, true, "shifted");
    let result = target.write(&[target.deletes("id % 10 <> 3")], 1).unwrap();
    cluster.sql("DELETE FROM u WHERE id % 10 <> 3");
    assert_twins(&cluster, true, "deleted");
    assert_eq!(result.metrics.unwrap().deleted_rows, 36_000);
}
