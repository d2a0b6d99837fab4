//! A scan that garbage collection overtakes fails: TiKV would answer it with what is left.
//!
//! A binary of its own, because it moves the safe point of the whole cluster.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::time::Duration;

use support::{open, pd_addresses, Cluster};
use ti_engine::{ErrorKind, Next, Result};
use ti_proto::plan;
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
