//! Statements that are planned later than they were analysed, and the hold on garbage collection.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use crate::support::{open, pd_addresses, tso, Cluster};
use ti_engine::{ErrorKind, Next, Result};
use ti_proto::plan;

/// Rows of the table as of now, with the schema that was loaded earlier.
fn count(cluster: &Cluster, schema: &plan::TableSchema, columns: &[&str]) -> Result<usize> {
    let now = cluster.session.timestamp()?;
    let plan = cluster.plan_with(schema, columns, |spec| {
        spec.read_timestamp = Some(tso(now));
        spec.schema_ts = schema.schema_ts;
    })?;
    assert_eq!(plan.start_ts, now);
    let mut rows = 0;
    for partition in &plan.partitions {
        let scan = cluster.session.open_scan(open(&plan, partition))?;
        loop {
            match scan.next(Duration::from_secs(30))? {
                Next::Batch(batch) => rows += batch.batch.num_rows(),
                Next::Pending => panic!("no batch within 30 s"),
                Next::End => break,
            }
        }
    }
    Ok(rows)
}

#[test]
fn the_table_is_read_as_of_the_snapshot() {
    let cluster = Cluster::new("snapshot");
    cluster.sql("CREATE TABLE t (id BIGINT PRIMARY KEY, v INT, w INT)");
    cluster.sql("INSERT INTO t VALUES (1, 1, 1), (2, 2, 2), (3, 3, 3)");
    let schema = cluster.load("t").unwrap();
    assert_eq!(count(&cluster, &schema, &["id", "v"]).unwrap(), 3);
    // The rows have another table id from now on, and the old ones are still in the store.
    cluster.sql("TRUNCATE TABLE t");
    cluster.sql("INSERT INTO t VALUES (4, 4, 4)");
    assert_eq!(count(&cluster, &schema, &["id", "v"]).unwrap(), 1);
    cluster.sql("ALTER TABLE t DROP COLUMN w");
    assert_eq!(count(&cluster, &schema, &["id", "v"]).unwrap(), 1);
    let error = count(&cluster, &schema, &["id", "w"]).unwrap_err();
    assert_eq!(error.kind, ErrorKind::SchemaChanged, "{error:?}");
    assert!(error.message.contains("`w`"), "{error:?}");
    cluster.sql("DROP TABLE t");
    assert_eq!(
        count(&cluster, &schema, &["id"]).unwrap_err().kind,
        ErrorKind::TableNotFound
    );
}

/// PD's service safe points for the snapshot, read over HTTP.
fn held(cluster: &Cluster, start_ts: u64) -> usize {
    let address = &pd_addresses(&cluster.status)[0];
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    write!(
        stream,
        "GET /pd/api/v1/gc/safepoint HTTP/1.0\r\nHost: {address}\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.0 200"), "{answer}");
    answer.matches(&format!("tidb-spark-read-{start_ts}-")).count()
}

#[test]
fn a_snapshot_is_protected_until_the_guard_is_dropped() {
    let cluster = Cluster::new("guard");
    let now = cluster.session.timestamp().unwrap();
    assert_eq!(held(&cluster, now), 0);
    // Twice at once is fine: every guard has an id of its own.
    let guards = (
        cluster.session.protect(now).unwrap(),
        cluster.session.protect(now).unwrap(),
    );
    assert_eq!(held(&cluster, now), 2);
    drop(guards);
    let deadline = Instant::now() + Duration::from_secs(20);
    while held(&cluster, now) > 0 {
        assert!(Instant::now() < deadline, "the safe point is still there");
        std::thread::sleep(Duration::from_millis(20));
    }
}
