//! The life of a write: attempts, abort, schema changes, generated ids.

use crate::support::write::{attempt, spec};
use crate::support::Cluster;
use arrow_array::RecordBatch;
use ti_engine::{ErrorKind, JobState};
use ti_proto::plan;

/// An empty table `t`, and a row for each of two tasks.
fn two(cluster: &Cluster) -> (Vec<RecordBatch>, Vec<RecordBatch>) {
    cluster.sql("CREATE TABLE t (id INT PRIMARY KEY, n INT, KEY n (n))");
    (
        cluster.source("id INT, n INT", "(1, 10)"),
        cluster.source("id INT, n INT", "(2, 20)"),
    )
}

fn commit(messages: Vec<plan::CommitMessage>) -> plan::CommitRequest {
    plan::CommitRequest { messages }
}

#[test]
fn an_equal_attempt_is_no_difference() {
    let cluster = Cluster::new("w_retry_equal");
    let (first, second) = two(&cluster);
    let job = cluster.session.begin_write(spec(&cluster, "t", &["id", "n"])).unwrap();
    let plan = job.start_tasks(2).unwrap();
    // The first attempt of partition 0 finishes, and its message is lost.
    cluster.task(attempt(&plan, 0, 0), &first).unwrap();
    let messages = vec![
        cluster.task(attempt(&plan, 0, 1), &first).unwrap(),
        cluster.task(attempt(&plan, 1, 0), &second).unwrap(),
    ];
    let result = job.commit(commit(messages.clone())).unwrap();
    assert!(result.commit_ts > job.start_ts());
    assert_eq!(
        job.commit(commit(messages)).unwrap(),
        result,
        "a second commit answers the same"
    );
    job.abort().unwrap();
    assert!(matches!(job.state(), JobState::Committed(_)), "an abort undoes nothing");
    cluster.admin_check("t");
    assert_eq!(
        cluster.value("SELECT GROUP_CONCAT(id, ':', n ORDER BY id) FROM t"),
        "1:10,2:20"
    );
}

#[test]
fn another_attempt_with_other_rows_aborts_the_write() {
    for (test, row) in [("w_retry_value", "(1, 11)"), ("w_retry_key", "(3, 10)")] {
        let cluster = Cluster::new(test);
        let (first, second) = two(&cluster);
        let other = cluster.source("id INT, n INT", row);
        let job = cluster.session.begin_write(spec(&cluster, "t", &["id", "n"])).unwrap();
        let plan = job.start_tasks(2).unwrap();
        cluster.task(attempt(&plan, 0, 0), &other).unwrap();
        let messages = vec![
            cluster.task(attempt(&plan, 0, 1), &first).unwrap(),
            cluster.task(attempt(&plan, 1, 0), &second).unwrap(),
        ];
        let error = job.commit(commit(messages)).unwrap_err();
        assert_eq!(error.kind, ErrorKind::NotDeterministic, "{test}: {error}");
        assert!(error.message.contains("Persist"), "{error}");
        job.abort().unwrap();
        assert_eq!(cluster.count("t"), 0);
        // Locks are gone: nobody has to wait for them.
        cluster.sql("INSERT INTO t VALUES (1, 1), (2, 2), (3, 3)");
        cluster.admin_check("t");
    }
}

#[test]
fn an_aborted_write_leaves_nothing_and_its_tasks_cannot_go_on() {
    let cluster = Cluster::new("w_abort");
    let (first, second) = two(&cluster);
    let job = cluster.session.begin_write(spec(&cluster, "t", &["id", "n"])).unwrap();
    let plan = job.start_tasks(2).unwrap();
    cluster.task(attempt(&plan, 0, 0), &first).unwrap();
    let zombie = cluster.session.open_writer(attempt(&plan, 0, 1)).unwrap();
    job.abort().unwrap();
    job.abort().unwrap();
    assert_eq!(job.state(), JobState::Aborted);
    assert_eq!(job.commit(commit(vec![])).unwrap_err().kind, ErrorKind::TransactionLost);
    zombie.write(&first[0]).unwrap();
    // A store that remembers that it has rolled the keys back refuses; one that does not gets locks that nobody will commit.
    if let Err(error) = zombie.finish() {
        assert_eq!(error.kind, ErrorKind::TransactionLost, "{error}");
    }
    drop(second);
    assert_eq!(cluster.count("t"), 0);
    cluster.sql("INSERT INTO t VALUES (1, 1)");
    cluster.admin_check("t");
}

#[test]
fn a_cancelled_task_says_so() {
    let cluster = Cluster::new("w_cancel");
    let (first, _) = two(&cluster);
    let job = cluster.session.begin_write(spec(&cluster, "t", &["id", "n"])).unwrap();
    let plan = job.start_tasks(1).unwrap();
    let writer = cluster.session.open_writer(attempt(&plan, 0, 0)).unwrap();
    writer.write(&first[0]).unwrap();
    writer.cancel();
    assert_eq!(writer.finish().unwrap_err().kind, ErrorKind::Cancelled);
    job.abort().unwrap();
}

#[test]
fn a_schema_change_before_the_commit_aborts_the_write() {
    for (test, statement) in [
        ("w_ddl_column", "ALTER TABLE t ADD COLUMN c INT"),
        ("w_ddl_index", "ALTER TABLE t DROP INDEX n"),
        ("w_ddl_truncate", "TRUNCATE TABLE t"),
        ("w_ddl_drop", "DROP TABLE t"),
    ] {
        let cluster = Cluster::new(test);
        let (first, second) = two(&cluster);
        let (job, messages) = cluster
            .tasks(spec(&cluster, "t", &["id", "n"]), &[first, second])
            .unwrap();
        cluster.sql(statement);
        let error = job.commit(commit(messages)).unwrap_err();
        assert_eq!(error.kind, ErrorKind::SchemaChanged, "{statement}: {error}");
        job.abort().unwrap();
        if !statement.starts_with("DROP TABLE") {
            assert_eq!(cluster.value("SELECT COUNT(*) FROM t"), "0");
            cluster.admin_check("t");
        }
    }
}

#[test]
fn changes_that_say_nothing_about_rows_do_not_matter() {
    let cluster = Cluster::new("w_ddl_comment");
    let (first, second) = two(&cluster);
    let (job, messages) = cluster
        .tasks(spec(&cluster, "t", &["id", "n"]), &[first, second])
        .unwrap();
    cluster.sql("ALTER TABLE t COMMENT = 'x'");
    job.commit(commit(messages)).unwrap();
    assert_eq!(cluster.value("SELECT COUNT(*) FROM t"), "2");
}

#[test]
fn a_change_by_somebody_else_is_a_conflict() {
    let cluster = Cluster::new("w_conflict");
    let (first, second) = two(&cluster);
    let mut request = spec(&cluster, "t", &["id", "n"]);
    request.mode = plan::write_spec::Mode::Upsert.into();
    let job = cluster.session.begin_write(request).unwrap();
    let plan = job.start_tasks(1).unwrap();
    cluster.sql("INSERT INTO t VALUES (1, 99)");
    let error = cluster.task(attempt(&plan, 0, 0), &first).unwrap_err();
    assert_eq!(error.kind, ErrorKind::WriteConflict, "{error}");
    assert!(
        error.message.contains("PRIMARY") || error.message.contains("`n`"),
        "{error}"
    );
    job.abort().unwrap();
    drop(second);
    assert_eq!(cluster.value("SELECT n FROM t"), "99");
}

#[test]
fn readers_do_not_wait_for_a_write_that_is_open() {
    let cluster = Cluster::new("w_readers");
    let (first, second) = two(&cluster);
    let (job, messages) = cluster
        .tasks(spec(&cluster, "t", &["id", "n"]), &[first, second])
        .unwrap();
    let start = std::time::Instant::now();
    assert_eq!(cluster.value("SELECT COUNT(*) FROM t"), "0");
    assert!(start.elapsed().as_secs() < 5, "{:?}", start.elapsed());
    // The reader has pushed the commit past itself.
    job.commit(commit(messages)).unwrap();
    assert_eq!(cluster.value("SELECT COUNT(*) FROM t"), "2");
}

#[test]
fn auto_increment_values_are_taken_from_tidbs_allocator() {
    for (test, options) in [("w_auto", ""), ("w_auto_cache", "AUTO_ID_CACHE 1")] {
        let cluster = Cluster::new(test);
        cluster.sql(&format!(
            "CREATE TABLE t (id BIGINT AUTO_INCREMENT PRIMARY KEY, n INT) {options}"
        ));
        cluster.sql("INSERT INTO t (n) VALUES (0)");
        let batches = cluster.source("n INT", "(1), (2), (3)");
        cluster
            .write(spec(&cluster, "t", &["n"]), &[batches.clone(), batches])
            .unwrap();
        cluster.sql("INSERT INTO t (n) VALUES (9)");
        assert_eq!(cluster.value("SELECT COUNT(DISTINCT id) FROM t"), "8", "{options}");
        // NULL and 0 ask for a value, as in TiDB.
        let batches = cluster.source("id BIGINT, n INT", "(NULL, 6), (0, 7), (-3, 8)");
        cluster.write(spec(&cluster, "t", &["id", "n"]), &[batches]).unwrap();
        assert_eq!(
            cluster.value("SELECT COUNT(*) FROM t WHERE n IN (6, 7) AND id > 0"),
            "2"
        );
        assert_eq!(cluster.value("SELECT id FROM t WHERE n = 8"), "-3");
        // An explicit value moves the allocator on.
        let batches = cluster.source("id BIGINT, n INT", "(5000000, 4)");
        cluster.write(spec(&cluster, "t", &["id", "n"]), &[batches]).unwrap();
        let batches = cluster.source("n INT", "(5)");
        cluster.write(spec(&cluster, "t", &["n"]), &[batches]).unwrap();
        let next: i64 = cluster.value("SELECT id FROM t WHERE n = 5").parse().unwrap();
        assert!(next > 5_000_000, "{options}: {next}");
        cluster.admin_check("t");
    }
}

#[test]
fn a_retry_with_ids_that_it_does_not_get_again_aborts() {
    let cluster = Cluster::new("w_auto_retry");
    cluster.sql("CREATE TABLE t (id BIGINT AUTO_INCREMENT PRIMARY KEY, n INT)");
    let batches = cluster.source("n INT", "(1)");
    let job = cluster.session.begin_write(spec(&cluster, "t", &["n"])).unwrap();
    let plan = job.start_tasks(1).unwrap();
    let message = cluster.task(attempt(&plan, 0, 1), &batches).unwrap();
    let error = job.commit(commit(vec![message])).unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotDeterministic, "{error}");
    assert!(error.message.contains("AUTO_INCREMENT"), "{error}");
    job.abort().unwrap();
    assert_eq!(cluster.count("t"), 0);
}

#[test]
fn row_ids_and_auto_random_are_the_same_in_every_attempt() {
    for (test, create) in [
        ("w_rowid_retry", "(n INT, KEY n (n)) SHARD_ROW_ID_BITS = 4"),
        (
            "w_random_retry",
            "(id BIGINT AUTO_RANDOM(5) PRIMARY KEY, n INT, KEY n (n))",
        ),
        (
            "w_random_range",
            "(id BIGINT UNSIGNED AUTO_RANDOM(3, 40) PRIMARY KEY, n INT, KEY n (n))",
        ),
    ] {
        let cluster = Cluster::new(test);
        cluster.sql(&format!("CREATE TABLE t {create}"));
        cluster.sql("INSERT INTO t (n) VALUES (0)");
        let batches = cluster.source("n INT", "(1), (2), (3)");
        let job = cluster.session.begin_write(spec(&cluster, "t", &["n"])).unwrap();
        let plan = job.start_tasks(2).unwrap();
        cluster.task(attempt(&plan, 0, 0), &batches).unwrap();
        let messages = vec![
            cluster.task(attempt(&plan, 0, 1), &batches).unwrap(),
            cluster.task(attempt(&plan, 1, 0), &batches).unwrap(),
        ];
        job.commit(commit(messages)).unwrap();
        cluster.sql("INSERT INTO t (n) VALUES (9)");
        cluster.admin_check("t");
        assert_eq!(cluster.value("SELECT COUNT(*) FROM t"), "8", "{test}");
        let id = if create.contains("AUTO_RANDOM") {
            "id"
        } else {
            "_tidb_rowid"
        };
        assert_eq!(
            cluster.value(&format!("SELECT COUNT(DISTINCT {id}) FROM t")),
            "8",
            "{test}"
        );
    }
}
