//! Transactions of ours while requests fail, answers are lost, stores die, regions split, and others interfere.

use std::time::{Duration, Instant};

use crate::common::txn::{batches, options, small, Scene, ROWS};
use crate::common::ALONE;
use bytes::Bytes;
use serde_json::{json, Value};
use ti_client::{ClientError, ClientErrorKind, CommitOutcome, Transaction, TxnOptions};

const END: i64 = 2_000;

/// Faults that pass.
const PASSING: [&str; 13] = [
    "not_leader",
    "not_leader_hint",
    "region_not_found",
    "key_not_in_region",
    "epoch_not_match",
    "server_is_busy",
    "stale_command",
    "store_not_match",
    "proposal_in_merging_mode",
    "undetermined_result",
    "unavailable",
    "drop_reply",
    "delay",
];

async fn commit(txn: &Transaction) -> Result<CommitOutcome, ClientError> {
    txn.commit(|_| async { Ok::<(), ClientError>(()) }).await
}

fn rule(method: &str, kind: &str, count: i64) -> Value {
    json!({ "method": method, "kind": kind, "count": count, "ms": 10, "request_source": "external_spark" })
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_that_pass_cost_time_and_no_keys() {
    let _alone = ALONE.lock().await;
    let scene = Scene::new("txn_faults").await;
    let methods = [
        "KvPrewrite",
        "KvCommit",
        "KvResolveLock",
        "KvScanLock",
        "KvBatchGet",
        "KvCheckTxnStatus",
    ];
    for (n, kind) in PASSING.into_iter().enumerate() {
        let first = ROWS + 100 * n as i64;
        let handles = first..first + 100;
        let txn = scene.begin(options()).await;
        let start_ts = txn.info().start_ts;
        let rules: Vec<Value> = methods.iter().map(|method| rule(method, kind, 2)).collect();
        let faults = scene.cluster.faults(Value::from(rules));
        let started = Instant::now();
        scene
            .prewrite(&txn, scene.inserts(handles.clone()))
            .await
            .unwrap_or_else(|error| panic!("{kind}: {error}"));
        assert_eq!(scene.scanned(start_ts).await.len(), 101, "{kind}");
        let keys: Vec<Bytes> = handles.clone().map(|handle| scene.table.key(handle).into()).collect();
        let ts = scene.client.timestamp().await.unwrap();
        let pairs = scene
            .client
            .batch_get(ts, keys.clone(), &[start_ts], &batches())
            .await
            .unwrap();
        assert_eq!(pairs.len(), 100, "{kind}");
        let done = commit(&txn).await.unwrap_or_else(|error| panic!("{kind}: {error}"));
        let half = keys[..50].to_vec();
        scene
            .client
            .commit_keys(txn.info(), done.commit_ts, half, &batches())
            .await
            .unwrap();
        scene.resolve(start_ts, done.commit_ts).await;
        println!("{kind}: {:?}, {} hits", started.elapsed(), faults.hits());
        assert!(faults.hits() >= 8, "{kind}: {}", faults.hits());
        drop(faults);
        txn.close().await.unwrap();
        scene.expect(ROWS..first + 100).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_are_too_large_are_halved() {
    let _alone = ALONE.lock().await;
    let scene = Scene::new("txn_large").await;
    let txn = scene.begin(options()).await;
    let faults = scene
        .cluster
        .faults(json!([rule("KvPrewrite", "raft_entry_too_large", 5)]));
    scene.prewrite(&txn, scene.inserts(ROWS..600)).await.unwrap();
    assert_eq!(faults.hits(), 5);
    drop(faults);
    let faults = scene
        .cluster
        .faults(json!([rule("KvPrewrite", "raft_entry_too_large", -1)]));
    let error = scene.prewrite(&txn, scene.inserts([700, 701, 702])).await.unwrap_err();
    assert_eq!(error.kind, ClientErrorKind::MutationTooLarge, "{error}");
    assert_eq!(error.key().unwrap(), &scene.table.key(700));
    drop(faults);
    scene.finish(&txn, ROWS..600).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn regions_split_and_leaders_move_under_a_prewrite() {
    let _alone = ALONE.lock().await;
    let scene = Scene::new("txn_split").await;
    let txn = scene.begin(options()).await;
    let faults = scene.cluster.faults(json!([
        { "method": "KvPrewrite", "kind": "delay", "ms": 20, "count": -1, "table_id": scene.table.id },
        { "method": "KvResolveLock", "kind": "delay", "ms": 200, "count": -1, "request_source": "external_spark" }
    ]));
    let splitting = async {
        for handle in [300, 900, 1_300, 1_800, 650, 1_100] {
            tokio::time::sleep(Duration::from_millis(60)).await;
            tokio::task::block_in_place(|| {
                scene.cluster.split(&scene.table, [handle]);
                scene.cluster.move_leaders();
            });
        }
    };
    let (stats, ()) = tokio::join!(scene.prewrite(&txn, scene.inserts(ROWS..END)), splitting);
    let stats = stats.unwrap();
    println!("{stats:?}");
    assert!(stats.region_errors > 0, "{stats:?}");
    assert_eq!(
        scene.scanned(txn.info().start_ts).await.len(),
        (END - ROWS) as usize + 1
    );
    let done = commit(&txn).await.unwrap();
    let splitting = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        tokio::task::block_in_place(|| {
            scene.cluster.split(&scene.table, [250, 777, 1_444]);
            scene.cluster.move_leaders();
        });
    };
    tokio::join!(scene.resolve(txn.info().start_ts, done.commit_ts), splitting);
    drop(faults);
    scene.expect(ROWS..END).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_dies_and_comes_back_is_survived() {
    let _alone = ALONE.lock().await;
    let scene = Scene::new("txn_killed").await;
    let txn = scene.begin(options()).await;
    let start_ts = txn.info().start_ts;
    // In the middle of the prewrite: half of a request is executed, the answer never comes.
    scene.cluster.control(
        "POST",
        "/faults",
        &json!([{ "method": "KvPrewrite", "kind": "kill_after", "skip": 20, "table_id": scene.table.id }]),
    );
    let restart = async {
        tokio::time::sleep(Duration::from_millis(700)).await;
        scene.cluster.harness(&["start", "store"]).await;
    };
    let (stats, ()) = tokio::join!(scene.prewrite(&txn, scene.inserts(ROWS..END)), restart);
    println!("{:?}", stats.unwrap());
    assert_eq!(scene.scanned(start_ts).await.len(), (END - ROWS) as usize + 1);
    // At the commit of the primary, after its execution; then in the middle of resolving.
    for method in ["KvCommit", "KvResolveLock"] {
        scene.cluster.control(
            "POST",
            "/faults",
            &json!([{ "method": method, "kind": "kill_after", "request_source": "external_spark" }]),
        );
        let restart = async {
            tokio::time::sleep(Duration::from_millis(700)).await;
            scene.cluster.harness(&["start", "store"]).await;
        };
        let step = async {
            let done = commit(&txn).await.unwrap();
            if method == "KvResolveLock" {
                let all = scene.table.ranges();
                scene
                    .client
                    .resolve_ranges(start_ts, done.commit_ts, all, &batches())
                    .await
                    .unwrap();
            }
        };
        tokio::join!(step, restart);
    }
    assert_eq!(scene.locked(start_ts).len(), 0);
    scene.expect(ROWS..END).await;
    txn.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_others_roll_back_is_lost() {
    let _alone = ALONE.lock().await;
    let scene = Scene::new("txn_lost").await;
    let mut mortal = TxnOptions {
        lock_ttl: Duration::from_millis(500),
        heartbeat_interval: Duration::from_secs(2),
        ..options()
    };
    for heartbeat_first in [true, false] {
        if !heartbeat_first {
            mortal.heartbeat_interval = Duration::from_secs(3_600);
        }
        let txn = scene.begin(mortal.clone()).await;
        let mut quick = small();
        quick.lock_ttl = Duration::from_millis(500);
        scene
            .client
            .prewrite(txn.info(), scene.inserts(ROWS..300), &quick)
            .await
            .unwrap();
        tokio::time::sleep(Duration::from_millis(800)).await;
        // A reader finds it dead.
        scene.expect([]).await;
        if heartbeat_first {
            let lost = tokio::time::timeout(Duration::from_secs(10), txn.until_lost())
                .await
                .unwrap();
            assert_eq!(lost.kind, ClientErrorKind::TxnAborted, "{lost}");
        }
        let error = commit(&txn).await.unwrap_err();
        assert_eq!(error.kind, ClientErrorKind::TxnAborted, "{error}");
        assert_eq!(txn.lost().unwrap().kind, ClientErrorKind::TxnAborted);
        let error = scene.prewrite(&txn, scene.inserts([250])).await;
        println!("prewrite after it: {error:?}");
        txn.rollback().await.unwrap();
        scene.resolve(txn.info().start_ts, 0).await;
        scene.expect([]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_are_counted_once_when_replies_are_lost() {
    let _alone = ALONE.lock().await;
    let scene = Scene::new("txn_meta_faults").await;
    let key: Bytes = format!("zz_client_test_{}", fastrand::u64(..)).into_bytes().into();
    let number = |old: Option<&[u8]>| old.map_or(0, |text| std::str::from_utf8(text).unwrap().parse::<u64>().unwrap());
    let mut counted = 0;
    for kind in ["drop_reply", "unavailable", "epoch_not_match", "undetermined_result"] {
        let methods = ["KvBatchGet", "KvPrewrite", "KvCommit", "KvCommit", "KvCheckTxnStatus"];
        let rules: Vec<Value> = methods.iter().map(|method| rule(method, kind, 1)).collect();
        let faults = scene.cluster.faults(Value::from(rules));
        for _ in 0..3 {
            let mut seen = 0;
            let add = |old: Option<&[u8]>| {
                seen = number(old);
                Ok::<_, ClientError>(Some((seen + 1).to_string().into_bytes()))
            };
            scene
                .client
                .increment_meta(key.clone(), Duration::from_secs(30), add)
                .await
                .unwrap();
            assert_eq!(seen, counted, "{kind}");
            counted += 1;
        }
        assert!(faults.hits() >= 4, "{kind}: {}", faults.hits());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn heartbeats_keep_it_alive_through_failures_of_pd_and_store() {
    let _alone = ALONE.lock().await;
    let scene = Scene::new("txn_alive").await;
    let quick = TxnOptions {
        lock_ttl: Duration::from_secs(4),
        heartbeat_interval: Duration::from_millis(500),
        safe_point_ttl: Duration::from_secs(3),
        ..options()
    };
    let txn = scene.begin(quick).await;
    scene.prewrite(&txn, scene.inserts(ROWS..300)).await.unwrap();
    let faults = scene.cluster.faults(json!([
        rule("KvTxnHeartBeat", "drop_reply", 3),
        rule("KvTxnHeartBeat", "hang", 1)
    ]));
    scene.cluster.harness(&["restart", "pd"]).await;
    scene.cluster.harness(&["kill", "store"]).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    scene.cluster.harness(&["start", "store"]).await;
    drop(faults);
    for _ in 0..8 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let ts = scene.client.timestamp().await.unwrap();
        let key: Bytes = scene.table.key(250).into();
        assert_eq!(
            scene.client.batch_get(ts, vec![key], &[], &batches()).await.unwrap(),
            []
        );
        assert!(txn.lost().is_none(), "{:?}", txn.lost());
    }
    let held = scene.service_safe_points();
    assert!(
        held.iter().any(|(id, _)| id.contains(&txn.info().start_ts.to_string())),
        "refreshed: {held:?}"
    );
    scene.finish(&txn, ROWS..300).await;
}
