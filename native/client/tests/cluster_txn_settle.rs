//! Transactions whose owner is gone, ended by somebody else.

use std::time::Duration;

use crate::common::txn::{batches, options, Scene};
use crate::common::ALONE;
use mysql_async::prelude::Queryable;
use ti_client::{ClientError, KeyRange, Settlement, Transaction, TxnOptions};

/// As an administrator asks: everywhere.
async fn settle(scene: &Scene, start_ts: u64) -> Settlement {
    let everything = vec![KeyRange::interval(Vec::new(), Vec::new())];
    scene.client.settle(start_ts, everything, &batches()).await.unwrap()
}

/// A transaction of short life whose owner does not prolong it.
async fn abandoned(scene: &Scene, handles: std::ops::Range<i64>) -> Transaction {
    let txn = scene
        .begin(TxnOptions {
            lock_ttl: Duration::from_secs(3),
            heartbeat_interval: Duration::from_secs(60),
            ..options()
        })
        .await;
    scene.prewrite(&txn, scene.inserts(handles)).await.unwrap();
    txn
}

#[tokio::test(flavor = "multi_thread")]
async fn an_abandoned_transaction_is_rolled_back_when_its_time_is_over() {
    let _alone = ALONE.lock().await;
    let scene = Scene::new("settle_rolled_back").await;
    let txn = abandoned(&scene, 300..900).await;
    let start_ts = txn.info().start_ts;
    let Settlement::Alive { locks, ttl_left } = settle(&scene, start_ts).await else {
        panic!("its time is not over");
    };
    assert_eq!(locks, 601, "600 rows and the primary");
    assert!(
        ttl_left > Duration::ZERO && ttl_left <= Duration::from_secs(60),
        "{ttl_left:?}"
    );
    assert_eq!(scene.locked(start_ts).len(), 601, "nothing was done");
    // The time to live of prewritten rows does not count, but that of the primary.
    let deadline = std::time::Instant::now() + Duration::from_secs(40);
    let outcome = loop {
        match settle(&scene, start_ts).await {
            Settlement::Alive { .. } if std::time::Instant::now() < deadline => {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            other => break other,
        }
    };
    assert_eq!(outcome, Settlement::RolledBack { locks: 601 });
    assert_eq!(scene.locked(start_ts).len(), 0);
    assert_eq!(settle(&scene, start_ts).await, Settlement::NoLocks);
    // The owner that wakes cannot commit what is gone.
    txn.commit(|_| async { Ok::<(), ClientError>(()) }).await.unwrap_err();
    scene.expect([]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_after_the_primary_is_committed() {
    let _alone = ALONE.lock().await;
    let scene = Scene::new("settle_committed").await;
    let txn = abandoned(&scene, 300..900).await;
    let start_ts = txn.info().start_ts;
    let done = txn.commit(|_| async { Ok::<(), ClientError>(()) }).await.unwrap();
    let outcome = settle(&scene, start_ts).await;
    let expected = Settlement::Committed {
        locks: 600,
        commit_ts: done.commit_ts,
    };
    assert_eq!(outcome, expected);
    assert_eq!(scene.locked(start_ts).len(), 0);
    scene.expect(300..900).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pessimistic_transaction_of_tidb() {
    let _alone = ALONE.lock().await;
    let scene = Scene::new("settle_pessimistic").await;
    let mut sql = scene.cluster.sql().await;
    sql.query_drop("BEGIN PESSIMISTIC").await.unwrap();
    let lock = format!(
        "SELECT * FROM {} WHERE id IN (3, 120, 150) FOR UPDATE",
        scene.table.name
    );
    let _: Vec<(i64, i64, Option<String>)> = sql.query(lock).await.unwrap();
    let start_ts: u64 = sql.query_first("SELECT @@tidb_current_ts").await.unwrap().unwrap();
    let outcome = settle(&scene, start_ts).await;
    assert!(matches!(outcome, Settlement::Alive { locks: 3, .. }), "{outcome:?}");
    sql.query_drop("COMMIT").await.unwrap();
    assert_eq!(settle(&scene, start_ts).await, Settlement::NoLocks);
    assert_eq!(settle(&scene, 1).await, Settlement::NoLocks, "never was");
}
