//! What changes the whole cluster, and so is a binary of its own: a safe point that moves, TiDB's table of functions that stores must not have.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::time::Duration;

use support::push::{call, col, int, text};
use support::{config, open, pd_addresses, Cluster};
use ti_engine::{ErrorKind, Next, Result, Session};
use ti_proto::plan;
use ti_proto::plan::Support;
use tikv_client::TransactionClient;

/// Moves the safe point to the present.
fn collect_garbage(cluster: &Cluster) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let client = TransactionClient::new(pd_addresses(&cluster.status)).await.unwrap();
        let now = client.current_timestamp().await.unwrap();
        assert!(client.gc(now).await.unwrap(), "PD did not take the safe point");
    });
}

/// Rows of one partition.
fn rows(cluster: &Cluster, open: plan::ScanOpen) -> Result<usize> {
    let scan = cluster.session.open_scan(open)?;
    let mut rows = 0;
    loop {
        match scan.next(Duration::from_secs(30))? {
            Next::Batch(batch) => rows += batch.batch.num_rows(),
            Next::Pending => panic!("no batch within 30 s"),
            Next::End => return Ok(rows),
        }
    }
}

/// TiKV would answer it with what is left.
#[test]
fn a_scan_that_is_overtaken_by_garbage_collection_fails() {
    let cluster = Cluster::new("gc");
    cluster.sql("CREATE TABLE t (id BIGINT PRIMARY KEY)");
    cluster.sql("INSERT INTO t VALUES (1), (2), (3)");
    let schema = cluster.load("t").unwrap();
    let plan = cluster.plan(&schema, &["id"]).unwrap();
    let partition = &plan.partitions[0];
    assert_eq!(rows(&cluster, open(&plan, partition)).unwrap(), 3);
    collect_garbage(&cluster);
    let error = rows(&cluster, open(&plan, partition)).unwrap_err();
    assert_eq!(error.kind, ErrorKind::GcSafePoint, "{error:?}");
    assert!(error.message.contains("tidb_gc_life_time"), "{error:?}");
}

#[test]
fn functions_that_tidbs_administrator_switched_off_are_not_pushed() {
    let cluster = Cluster::new("push_blacklist");
    cluster.sql("CREATE TABLE t (id INT PRIMARY KEY, s VARCHAR(10))");
    let like = call("CONTAINS", vec![col("s"), text("a")]);
    let less = call("<", vec![col("id"), int(3)]);
    cluster.sql("INSERT INTO mysql.expr_pushdown_blacklist VALUES ('<', 'tikv,tiflash', 'a test'), ('like', 'tiflash', 'a test')");
    // A session of its own: another may have read the table a moment ago.
    let session = Session::open(plan::SessionConfig {
        request_timeout_ms: 19_999,
        ..config(pd_addresses(&cluster.status))
    })
    .unwrap();
    let spec = cluster.spec("t", |s| s.filters = vec![like.clone(), less.clone()]);
    let support = session.check(spec);
    cluster.sql("DELETE FROM mysql.expr_pushdown_blacklist WHERE reason = 'a test'");
    let support = support.unwrap();
    assert_eq!(
        [support.filters[0].support(), support.filters[1].support()],
        [Support::Full, Support::NotPushed]
    );
    assert!(support.filters[1].reason.contains("expr_pushdown_blacklist"));
}
