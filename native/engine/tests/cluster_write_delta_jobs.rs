//! Changes of rows beside others: unique keys that move between rows and tasks, conflicts, attempts, what is refused.

use crate::support::delta::{split, Target};
use crate::support::write::attempt;
use crate::support::{Cluster, Row};
use arrow_array::RecordBatch;
use ti_engine::{ErrorKind, WriteJob};
use ti_proto::plan;

const UNIQUE: &str = "(id INT PRIMARY KEY, u INT, n INT, UNIQUE KEY u (u), KEY n (n))";
const UNIQUE_ROWID: &str = "(id INT, u INT, n INT, UNIQUE KEY u (u), KEY n (n))";
const UNIQUE_COMMON: &str = "(id DECIMAL(6, 1) PRIMARY KEY CLUSTERED, u INT, n INT, UNIQUE KEY u (u), KEY n (n))";

fn table(cluster: &Cluster, create: &str) {
    cluster.sql("DROP TABLE IF EXISTS t");
    cluster.sql(&format!("CREATE TABLE t {create}"));
    cluster.sql("INSERT INTO t VALUES (1, 10, 1), (2, 20, 2), (3, 30, 2), (4, NULL, 2), (5, 50, 5)");
}

fn rows(cluster: &Cluster) -> Vec<Row> {
    cluster.admin_check("t");
    cluster.rows("SELECT CAST(id AS SIGNED), u, n FROM t ORDER BY id, u")
}

fn row(values: [i64; 3]) -> Row {
    values.iter().map(|v| Some(v.to_string())).collect()
}

#[test]
fn unique_keys_go_round_in_one_task_and_across_tasks() {
    let cluster = Cluster::new("d_swap");
    for create in [UNIQUE, UNIQUE_ROWID, UNIQUE_COMMON] {
        for tasks in [1, 2, 3] {
            table(&cluster, create);
            let target = Target::new(&cluster, "t");
            // 1 -> 2 -> 3 -> 1.
            let swap = target.updates(
                &[("u", "CASE u WHEN 10 THEN 20 WHEN 20 THEN 30 ELSE 10 END")],
                "id <= 3",
            );
            target.write(&[swap], tasks).unwrap();
            let expected = vec![row([1, 20, 1]), row([2, 30, 2]), row([3, 10, 2])];
            assert_eq!(rows(&cluster)[..3], expected, "{create}, {tasks} tasks");
            assert_eq!(cluster.value("SELECT n FROM t WHERE u = 20"), "1");
            // Handles go round, with their index entries: rows 2 and 3 have the same n.
            let swap = target.updates(&[("id", "CASE id WHEN 1 THEN 2 WHEN 2 THEN 3 ELSE 1 END")], "id <= 3");
            target.write(&[swap], tasks).unwrap();
            let expected = vec![row([1, 10, 2]), row([2, 20, 1]), row([3, 30, 2])];
            assert_eq!(rows(&cluster)[..3], expected, "{create}, {tasks} tasks");
            assert_eq!(cluster.value("SELECT COUNT(*) FROM t USE INDEX (n) WHERE n = 2"), "3");
        }
    }
}

#[test]
fn a_key_that_a_row_keeps_is_a_duplicate() {
    let cluster = Cluster::new("d_taken");
    for create in [UNIQUE, UNIQUE_ROWID, UNIQUE_COMMON] {
        let generated = create == UNIQUE_ROWID;
        table(&cluster, create);
        let target = Target::new(&cluster, "t");
        let before = rows(&cluster);
        let cases: [(Vec<String>, &str); 6] = [
            (vec![target.updates(&[("u", "30")], "id = 1")], "u"),
            // Row 3 is read and changes, and keeps its key.
            (
                vec![
                    target.updates(&[("u", "30")], "id = 1"),
                    target.updates(&[("n", "9")], "id = 3"),
                ],
                "u",
            ),
            // Two rows take the key that one gives up.
            (
                vec![
                    target.updates(&[("u", "30")], "id = 1"),
                    target.deletes("id = 3"),
                    target.updates(&[("u", "30")], "id = 5"),
                ],
                "u",
            ),
            (vec![target.inserts(&["9, 50, 1"])], "u"),
            (vec![target.updates(&[("id", "5")], "id = 2")], "PRIMARY"),
            (vec![target.inserts(&["5, 500, 1"])], "PRIMARY"),
        ];
        for (queries, key) in &cases {
            if generated && *key == "PRIMARY" {
                continue;
            }
            for tasks in [1, 3] {
                let error = target.write(queries, tasks).unwrap_err();
                assert_eq!(error.kind, ErrorKind::DuplicateKey, "{queries:?}: {error}");
                assert!(error.message.contains("Duplicate entry"), "{error}");
                assert!(error.message.contains(&format!("'t.{key}'")), "{error}");
                assert_eq!(rows(&cluster), before, "nothing has changed");
            }
        }
    }
}

#[test]
fn a_row_that_went_away_makes_room_in_another_task() {
    let cluster = Cluster::new("d_room");
    for create in [UNIQUE, UNIQUE_ROWID, UNIQUE_COMMON] {
        // The deletion comes in the first task, or in the last.
        for first in [true, false] {
            table(&cluster, create);
            let target = Target::new(&cluster, "t");
            let (delete, insert) = (target.deletes("id = 2"), target.inserts(&["2, 20, 2"]));
            let queries = if first { [delete, insert] } else { [insert, delete] };
            target.write(&queries, 2).unwrap();
            assert_eq!(rows(&cluster)[1], row([2, 20, 2]), "{create}");
            assert_eq!(rows(&cluster).len(), 5);
        }
    }
}

/// Begins at the snapshot of now, and gives the tasks' batches.
fn begin(
    cluster: &Cluster,
    target: &Target<'_>,
    queries: &[String],
    tasks: usize,
) -> (WriteJob, Vec<Vec<RecordBatch>>) {
    let parts = split(&target.batches(queries), tasks);
    (cluster.session.begin_write(target.spec(false)).unwrap(), parts)
}

#[test]
fn a_change_by_tidb_after_the_snapshot_is_a_conflict() {
    let cluster = Cluster::new("d_conflict");
    for create in [UNIQUE, UNIQUE_ROWID, UNIQUE_COMMON] {
        for (query, change) in [
            ("update", "UPDATE t SET n = n + 100 WHERE id = 3"),
            ("update", "DELETE FROM t WHERE id = 3"),
            ("delete", "UPDATE t SET n = n + 100 WHERE id = 3"),
            ("insert", "INSERT INTO t VALUES (77, 770, 7)"),
            ("unique", "INSERT INTO t VALUES (78, 300, 7)"),
        ] {
            table(&cluster, create);
            let target = Target::new(&cluster, "t");
            let queries = [match query {
                "update" => target.updates(&[("n", "n + 1")], "TRUE"),
                "delete" => target.deletes("TRUE"),
                "insert" => target.inserts(&["77, 770, 8"]),
                _ => target.updates(&[("u", "u * 10")], "TRUE"),
            }];
            // Read at the snapshot, written after TiDB's change.
            let parts = split(&target.batches(&queries), 2);
            let spec = target.spec(false);
            cluster.sql(change);
            let after = rows(&cluster);
            let error = cluster.write(spec, &parts).unwrap_err();
            assert_eq!(
                error.kind,
                ErrorKind::WriteConflict,
                "{create}, {query}, {change}: {error}"
            );
            assert_eq!(rows(&cluster), after, "{create}: nothing of the write is kept");
        }
    }
}

#[test]
fn an_equal_attempt_is_no_difference_and_another_one_is() {
    let cluster = Cluster::new("d_retry");
    for create in [UNIQUE, UNIQUE_ROWID, UNIQUE_COMMON] {
        table(&cluster, create);
        let target = Target::new(&cluster, "t");
        let queries = [
            target.updates(&[("id", "id + 1"), ("u", "u + 10")], "id <= 3"),
            target.deletes("id >= 4"),
            target.inserts(&["1, 10, 1"]),
        ];
        let (job, parts) = begin(&cluster, &target, &queries, 3);
        let plan = job.start_tasks(3).unwrap();
        let mut messages = Vec::new();
        for (partition, batches) in (0..).zip(&parts) {
            cluster.task(attempt(&plan, partition, 0), batches).unwrap();
            messages.push(cluster.task(attempt(&plan, partition, 1), batches).unwrap());
        }
        job.commit(plan::CommitRequest { messages }).unwrap();
        let expected: Vec<Row> = vec![row([1, 10, 1]), row([2, 20, 1]), row([3, 30, 2]), row([4, 40, 2])];
        assert_eq!(rows(&cluster), expected, "{create}");

        // The first attempt has changed more rows than the second.
        table(&cluster, create);
        let more = split(&target.batches(&[target.updates(&[("n", "n + 1")], "id <= 3")]), 1);
        let (job, less) = begin(&cluster, &target, &[target.updates(&[("n", "n + 1")], "id <= 2")], 1);
        let before = rows(&cluster);
        let plan = job.start_tasks(1).unwrap();
        cluster.task(attempt(&plan, 0, 0), &more[0]).unwrap();
        let messages = vec![cluster.task(attempt(&plan, 0, 1), &less[0]).unwrap()];
        let error = job.commit(plan::CommitRequest { messages }).unwrap_err();
        assert_eq!(error.kind, ErrorKind::NotDeterministic, "{error}");
        job.abort().unwrap();
        assert_eq!(rows(&cluster), before);
    }
}

#[test]
fn an_abort_leaves_the_rows_as_they_were() {
    let cluster = Cluster::new("d_abort");
    table(&cluster, UNIQUE);
    let target = Target::new(&cluster, "t");
    let before = rows(&cluster);
    let queries = [target.updates(&[("id", "id + 10"), ("u", "NULL")], "TRUE")];
    let (job, parts) = begin(&cluster, &target, &queries, 2);
    let plan = job.start_tasks(2).unwrap();
    cluster.task(attempt(&plan, 0, 0), &parts[0]).unwrap();
    job.abort().unwrap();
    assert_eq!(rows(&cluster), before);
    cluster.sql("UPDATE t SET n = 0");
}

#[test]
fn rows_that_are_not_there_are_an_error() {
    let cluster = Cluster::new("d_missing");
    for create in [UNIQUE, UNIQUE_ROWID, UNIQUE_COMMON] {
        table(&cluster, create);
        let target = Target::new(&cluster, "t");
        let before = rows(&cluster);
        let batches = target.batches(&["SELECT 0, 777, NULL, NULL, NULL".to_owned()]);
        let error = cluster.write(target.spec(false), &[batches]).unwrap_err();
        assert_eq!(error.kind, ErrorKind::InvalidArgument, "{error}");
        assert!(error.message.contains("'777"), "{error}");
        let batches = target.batches(&["SELECT 1, NULL, 1, 1, 1".to_owned()]);
        let error = cluster.write(target.spec(false), &[batches]).unwrap_err();
        assert_eq!(error.kind, ErrorKind::InvalidValue, "{error}");
        // A row that changes twice.
        let twice = [target.updates(&[("n", "7")], "id = 1"), target.deletes("id = 1")];
        let error = target.write(&twice, 1).unwrap_err();
        assert_eq!(error.kind, ErrorKind::InvalidArgument, "{error}");
        let error = target.write(&twice, 2).unwrap_err();
        let kind = match create == UNIQUE_ROWID {
            true => ErrorKind::DuplicateKey,
            false => ErrorKind::InvalidArgument,
        };
        assert_eq!(error.kind, kind, "{error}");
        assert_eq!(rows(&cluster), before);
    }
}

#[test]
fn a_row_id_that_two_partitions_have_is_named() {
    let cluster = Cluster::new("d_exchanged");
    cluster.sql("CREATE TABLE t (id INT, n INT) PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN (20))");
    cluster.sql("CREATE TABLE x (id INT, n INT)");
    cluster.sql("INSERT INTO t VALUES (1, 1)");
    cluster.sql("INSERT INTO x VALUES (11, 11)");
    cluster.sql("ALTER TABLE t EXCHANGE PARTITION p1 WITH TABLE x");
    assert_eq!(
        cluster.value("SELECT COUNT(DISTINCT _tidb_rowid) FROM t"),
        "1",
        "as the test wants it"
    );
    let target = Target::new(&cluster, "t");
    let error = target.delete("id = 1", 1).unwrap_err();
    assert_eq!(error.kind, ErrorKind::UnsupportedFeature, "{error}");
    assert!(error.message.contains("t._tidb_rowid"), "{error}");
    assert_eq!(cluster.count("t"), 2);
}

#[test]
fn what_cannot_be_changed_is_refused_by_name() {
    let cluster = Cluster::new("d_refused");
    cluster.sql("CREATE TABLE parent (id INT PRIMARY KEY, n INT NOT NULL)");
    cluster
        .sql("CREATE TABLE child (id INT PRIMARY KEY, p INT, CONSTRAINT fk_p FOREIGN KEY (p) REFERENCES parent (id))");
    cluster.sql("CREATE TABLE t (id INT PRIMARY KEY, n INT NOT NULL)");
    let refused =
        |table: &str, only_deletes: bool, kind: ErrorKind, word: &str, change: &dyn Fn(&mut plan::WriteSpec)| {
            let mut spec = Target::new(&cluster, "t").spec(only_deletes);
            spec.table = table.into();
            change(&mut spec);
            let error = cluster.session.begin_write(spec).map(drop).unwrap_err();
            assert_eq!(error.kind, kind, "{error}");
            assert!(error.message.contains(word), "{error}");
        };
    refused("parent", true, ErrorKind::UnsupportedFeature, "fk_p", &|_| ());
    refused("parent", false, ErrorKind::UnsupportedFeature, "fk_p", &|_| ());
    refused("child", true, ErrorKind::UnsupportedFeature, "fk_p", &|s| {
        s.columns.clear()
    });
    refused("t", true, ErrorKind::InvalidArgument, "[id]", &|s| {
        s.row_id_columns.clear()
    });
    refused("t", true, ErrorKind::InvalidArgument, "[n]", &|s| {
        s.row_id_columns = vec!["n".into()]
    });
    refused("t", true, ErrorKind::InvalidArgument, "overwrites", &|s| {
        s.overwrite = plan::write_spec::Overwrite::All.into();
    });
    refused("t", true, ErrorKind::InvalidArgument, "PD", &|s| {
        s.start_ts += 3_600_000 << 18
    });
    // What may only delete puts no row; what has not all columns inserts none.
    cluster.sql("INSERT INTO t VALUES (1, 1)");
    let target = Target::new(&cluster, "t");
    let batches = target.batches(&[target.inserts(&["2, 2"])]);
    let error = cluster
        .write(target.spec(true), &[target.only_ids(&batches)])
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::InvalidArgument, "{error}");
    let mut spec = target.spec(false);
    spec.columns = vec!["id".into()];
    let first: Vec<RecordBatch> = batches.iter().map(|b| b.project(&[0, 1, 2]).unwrap()).collect();
    let error = cluster.write(spec, &[first]).unwrap_err();
    assert!(error.message.contains("`n`"), "{error}");
    let info = cluster.session.check_write(target.spec(true)).unwrap();
    assert_eq!(info.handle_columns, ["id"]);
    assert!(info.explain.contains("TiDBWrite Delta"), "{}", info.explain);
    assert!(!info.generates_ids && info.missing.is_empty());
}

#[test]
fn what_spark_does_not_show_whole_stays_as_it_is() {
    let cluster = Cluster::new("d_kept");
    cluster.sql("CREATE TABLE t (id INT PRIMARY KEY, n INT, b TINYINT(1), d DATE, j JSON, c INT AS (n * 2), ts TIMESTAMP(3) NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3), KEY d (d), KEY ts (ts))");
    cluster.sql(r#"INSERT INTO t (id, n, b, d, j, ts) VALUES (1, 1, 5, '0000-00-00', '{"a": 1.50, "b": 18446744073709551615}', '2001-01-01'), (2, 2, 1, '2024-01-02', NULL, '2001-01-01')"#);
    let batches = cluster.source(
        "op INT, r0 INT, id INT, n INT, b TINYINT(1), d DATE, j TEXT, ts TIMESTAMP(3) NULL",
        "(1, 1, 1, 7, 1, NULL, NULL, '2001-01-01'), (1, 2, 2, 2, 1, '2024-01-02', NULL, '2001-01-01')",
    );
    let json = cluster.batches_of("t", &["j"]);
    let json: Vec<&std::sync::Arc<dyn arrow_array::Array>> = json.iter().flat_map(RecordBatch::columns).collect();
    let batches: Vec<RecordBatch> = batches
        .iter()
        .map(|batch| {
            let mut columns = batch.columns().to_vec();
            columns[6] = json[0].clone();
            RecordBatch::try_new(batch.schema(), columns).unwrap()
        })
        .collect();
    let mut spec = Target::new(&cluster, "t").spec(false);
    spec.columns.retain(|column| column != "c");
    let types = plan::TypeOptions {
        tinyint1: plan::type_options::TinyInt1::Tinyint1Boolean.into(),
        ..Default::default()
    };
    spec.types = Some(types);
    // The batches have TINYINT(1) as the type options of the tests show it.
    cluster.write(spec, &[batches]).unwrap();
    cluster.admin_check("t");
    assert_eq!(
        cluster.value("SELECT CONCAT_WS('|', n, b, d, j, c) FROM t WHERE id = 1"),
        r#"7|5|0000-00-00|{"a": 1.5, "b": 18446744073709551615}|14"#
    );
    assert_eq!(
        cluster.value("SELECT ts > '2020-01-01' FROM t WHERE id = 1"),
        "1",
        "ON UPDATE"
    );
    assert_eq!(
        cluster.value("SELECT ts = '2001-01-01' FROM t WHERE id = 2"),
        "1",
        "row 2 has not changed"
    );
}

#[test]
fn generated_values_of_inserted_and_changed_rows() {
    let cluster = Cluster::new("d_ids");
    cluster.sql("CREATE TABLE t (id BIGINT PRIMARY KEY AUTO_INCREMENT, n INT) AUTO_ID_CACHE 1");
    cluster.sql("INSERT INTO t (n) VALUES (1), (2), (3)");
    let target = Target::new(&cluster, "t");
    let queries = [
        target.updates(&[("id", "id + 1000")], "n = 2"),
        target.inserts(&["NULL, 9", "5000, 10"]),
    ];
    target.write(&queries, 1).unwrap();
    cluster.admin_check("t");
    cluster.sql("INSERT INTO t (n) VALUES (4)");
    assert_eq!(cluster.value("SELECT COUNT(DISTINCT id) FROM t"), "6");
    assert_eq!(cluster.value("SELECT id FROM t WHERE n = 2"), "1002");
}
