//! Transactions of ours against TiDB's, without faults.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::common::txn::{batches, options, Scene, ROWS};
use crate::common::{hex, Table, ALONE};
use bytes::Bytes;
use mysql_async::prelude::Queryable;
use serde_json::json;
use ti_client::{Assertion, ClientError, ClientErrorKind, Mutation, MutationOp, Outcome, TxnOptions, TxnState};

const END: i64 = 2_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_over_many_regions_is_seen_whole_and_at_once() {
    let _alone = ALONE.lock().await;
    let scene = Scene::new("txn_whole").await;
    let txn = scene.begin(options()).await;
    let start_ts = txn.info().start_ts;
    assert_eq!(txn.outcome().await.unwrap(), Outcome::Locked);
    let held = scene.service_safe_points();
    assert!(
        held.iter()
            .any(|(id, ts)| id.contains(&start_ts.to_string()) && *ts == start_ts - 1),
        "{held:?}"
    );

    let stats = scene.prewrite(&txn, scene.inserts(ROWS..END)).await.unwrap();
    println!("{stats:?}");
    assert_eq!(stats.keys, (END - ROWS) as u64);
    assert!(stats.requests > 20 && stats.bytes > 30_000, "{stats:?}");
    let mut keys: Vec<Bytes> = (ROWS..END).map(|handle| scene.table.key(handle).into()).collect();
    keys.push(txn.info().primary.clone());
    keys.sort();
    assert!(
        scene.scanned(start_ts).await == keys,
        "ScanLock lists what was prewritten"
    );

    // Nobody but the transaction itself sees anything, and nobody waits.
    let before = Instant::now();
    scene.expect([]).await;
    assert!(before.elapsed() < Duration::from_secs(5), "{:?}", before.elapsed());
    let ts = scene.client.timestamp().await.unwrap();
    let pairs = |own: &'static [u64]| scene.client.batch_get(ts, keys.clone(), own, &BATCHES);
    assert_eq!(pairs(&[]).await.unwrap().len(), 0);
    let own: &'static [u64] = Box::leak(Box::new([start_ts]));
    let mut own = pairs(own).await.unwrap();
    own.sort();
    let expected: Vec<(Bytes, Bytes)> = (ROWS..END)
        .map(|handle| (scene.table.key(handle).into(), Table::value(handle * 7).into()))
        .collect();
    assert!(own == expected, "the values that were prewritten are read back");

    // At its own timestamp the transaction reads what was there before it, through its own locks.
    let before = Instant::now();
    let own = scene.client.batch_get(start_ts, keys.clone(), &[], &BATCHES).await;
    assert_eq!(own.unwrap().len(), 0);
    let rows = scene.table.read(&scene.client, start_ts).await.unwrap();
    assert_eq!(rows.len(), ROWS as usize, "its own snapshot");
    assert!(before.elapsed() < Duration::from_secs(5), "{:?}", before.elapsed());

    let done = txn.commit(|_| async { Ok::<(), ClientError>(()) }).await.unwrap();
    assert_eq!(
        txn.state(),
        TxnState::Committed {
            commit_ts: done.commit_ts
        }
    );
    // Not one key but the primary is committed yet.
    scene.expect(ROWS..END).await;
    let rows = scene.table.read(&scene.client, done.commit_ts - 1).await.unwrap();
    assert_eq!(rows.len(), ROWS as usize, "nothing before commit_ts");
    let rows = scene.table.read(&scene.client, done.commit_ts).await.unwrap();
    assert_eq!(rows.len(), END as usize, "all at commit_ts");

    for _ in 0..2 {
        let n = scene
            .client
            .commit_keys(txn.info(), done.commit_ts, keys.clone(), &batches())
            .await
            .unwrap();
        assert_eq!(
            n,
            (END - ROWS) as u64,
            "without the primary, and again without an error"
        );
    }
    scene.resolve(start_ts, done.commit_ts).await;
    assert_eq!(txn.commit(|_| async { Ok::<(), ClientError>(()) }).await.unwrap(), done);
    assert_eq!(txn.rollback().await.unwrap_err().kind, ClientErrorKind::TxnCommitted);
    txn.close().await.unwrap();
    assert!(!scene
        .service_safe_points()
        .iter()
        .any(|(id, _)| id.contains(&start_ts.to_string())));
    scene.expect(ROWS..END).await;
    // The handle of the primary is free.
    let mut sql = scene.cluster.sql().await;
    sql.query_drop(format!(
        "INSERT INTO {} VALUES ({END}, {}, '')",
        scene.table.name,
        END * 7
    ))
    .await
    .unwrap();
    scene.expect(ROWS..=END).await;
}

static BATCHES: std::sync::LazyLock<ti_client::BatchOptions> = std::sync::LazyLock::new(batches);

#[tokio::test(flavor = "multi_thread")]
async fn a_rolled_back_transaction_leaves_nothing_and_cannot_come_back() {
    let _alone = ALONE.lock().await;
    let scene = Scene::new("txn_rollback").await;
    let txn = scene.begin(options()).await;
    scene.prewrite(&txn, scene.inserts(ROWS..END)).await.unwrap();
    txn.rollback().await.unwrap();
    txn.rollback().await.unwrap();
    assert_eq!(txn.state(), TxnState::RolledBack);
    scene.resolve(txn.info().start_ts, 0).await;
    scene.expect([]).await;
    let error = scene.prewrite(&txn, scene.inserts([1_234])).await.unwrap_err();
    assert_eq!(error.kind, ClientErrorKind::TxnAborted, "{error}");
    assert_eq!(error.key().unwrap(), &scene.table.key(1_234));
    let error = txn.commit(|_| async { Ok::<(), ClientError>(()) }).await.unwrap_err();
    assert_eq!(error.kind, ClientErrorKind::TxnAborted, "{error}");
    txn.close().await.unwrap();
    scene.expect([]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_fails_leaves_the_transaction_open() {
    let _alone = ALONE.lock().await;
    let scene = Scene::new("txn_check").await;
    let txn = scene.begin(options()).await;
    scene.prewrite(&txn, scene.inserts(ROWS..300)).await.unwrap();
    let refuse = |_| async { Err(ClientError::new(ClientErrorKind::Protocol, "schema changed")) };
    let error = txn.commit(refuse).await.unwrap_err();
    assert_eq!(error.message(), "schema changed");
    assert_eq!((txn.state(), txn.lost().is_none()), (TxnState::Prewriting, true));
    assert_eq!(txn.outcome().await.unwrap(), Outcome::Locked);
    scene.finish(&txn, ROWS..300).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_pushes_the_commit_leads_to_a_new_timestamp_and_a_new_check() {
    let _alone = ALONE.lock().await;
    let scene = Scene::new("txn_pushed").await;
    let txn = scene.begin(options()).await;
    scene.prewrite(&txn, scene.inserts(ROWS..300)).await.unwrap();
    let (calls, first) = (AtomicU32::new(0), AtomicU64::new(0));
    let key: Bytes = scene.table.key(250).into();
    let check = |commit_ts: u64| {
        let (calls, first, scene, key) = (&calls, &first, &scene, key.clone());
        async move {
            if calls.fetch_add(1, Ordering::SeqCst) == 0 {
                first.store(commit_ts, Ordering::SeqCst);
                let ts = scene.client.timestamp().await?;
                assert_eq!(scene.client.batch_get(ts, vec![key], &[], &batches()).await?.len(), 0);
            }
            Ok::<(), ClientError>(())
        }
    };
    let done = txn.commit(check).await.unwrap();
    assert_eq!(calls.load(Ordering::SeqCst), 2);
    assert!(done.commit_ts > first.load(Ordering::SeqCst));
    scene.resolve(txn.info().start_ts, done.commit_ts).await;
    scene.expect(ROWS..300).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_do_not_allow_it_are_named() {
    let _alone = ALONE.lock().await;
    let scene = Scene::new("txn_keys").await;
    let taken: Bytes = scene.table.key(7).into();
    let error = scene.client.begin(|_| taken.clone(), options()).await.err().unwrap();
    assert_eq!(
        (error.kind, error.key()),
        (ClientErrorKind::KeyExists, Some(&taken)),
        "{error}"
    );

    let txn = scene.begin(options()).await;
    let mut sql = scene.cluster.sql().await;
    sql.query_drop(format!("INSERT INTO {} VALUES (900, 6300, '')", scene.table.name))
        .await
        .unwrap();
    let expect = |mutations: Vec<Mutation>, kind: ClientErrorKind, handle: i64| {
        let (scene, txn) = (&scene, &txn);
        async move {
            let error = scene.prewrite(txn, mutations).await.unwrap_err();
            assert_eq!(error.kind, kind, "{error}");
            assert_eq!(error.key().unwrap(), &scene.table.key(handle), "{error}");
        }
    };
    expect(scene.inserts([7]), ClientErrorKind::KeyExists, 7).await;
    expect(scene.inserts([900]), ClientErrorKind::WriteConflict, 900).await;
    let put = |handle: i64, assertion| {
        vec![Mutation::new(MutationOp::Put, scene.table.key(handle), Table::value(1)).asserting(assertion)]
    };
    expect(put(1_000, Assertion::Exist), ClientErrorKind::AssertionFailed, 1_000).await;
    expect(put(8, Assertion::NotExist), ClientErrorKind::AssertionFailed, 8).await;
    let check = vec![Mutation::new(
        MutationOp::CheckNotExists,
        scene.table.key(9),
        Bytes::new(),
    )];
    expect(check, ClientErrorKind::KeyExists, 9).await;
    let mut unsorted = scene.inserts([1_001, 1_000]);
    expect(unsorted.clone(), ClientErrorKind::InvalidArgument, 1_000).await;
    unsorted[0] = unsorted[1].clone();
    expect(unsorted, ClientErrorKind::InvalidArgument, 1_000).await;
    // What is left is whole: one row replaced, one removed, one checked to be missing.
    let mut mutations = put(8, Assertion::Exist);
    mutations.push(Mutation::new(MutationOp::Delete, scene.table.key(9), Bytes::new()).asserting(Assertion::Exist));
    mutations.push(Mutation::new(
        MutationOp::CheckNotExists,
        scene.table.key(1_500),
        Bytes::new(),
    ));
    scene.prewrite(&txn, mutations).await.unwrap();
    let done = txn.commit(|_| async { Ok::<(), ClientError>(()) }).await.unwrap();
    scene.resolve(txn.info().start_ts, done.commit_ts).await;
    let found: Vec<(i64, i64)> = sql
        .query(format!(
            "SELECT id, v FROM {} WHERE id IN (8, 9, 1500)",
            scene.table.name
        ))
        .await
        .unwrap();
    assert_eq!(found, [(8, 1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn locks_of_others_are_resolved_waited_for_or_a_conflict() {
    let _alone = ALONE.lock().await;
    let scene = Scene::new("txn_locks").await;
    let lock = |handles: &[i64], more: serde_json::Value| {
        let keys: Vec<String> = handles.iter().map(|handle| hex(&scene.table.key(*handle))).collect();
        let mut all = json!({ "primary": keys[0], "keys": keys, "value": hex(&Table::value(1)) });
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        scene.cluster.lock(all)["start_ts"].as_u64().unwrap()
    };
    // Dead writers: rolled back (optimistic, large, pessimistic, without primary, async commit without a secondary).
    lock(&[300, 800, 1_600], json!({ "ttl_ms": 1 }));
    lock(&[301, 801, 1_601], json!({ "ttl_ms": 1, "txn_size": 1_000_000 }));
    lock(&[302, 802], json!({ "ttl_ms": 1, "pessimistic": true }));
    lock(&[303], json!({ "ttl_ms": 1, "primary": hex(&scene.table.key(99_999)) }));
    lock(
        &[304],
        json!({ "ttl_ms": 1, "async_commit": true, "secondaries": [hex(&scene.table.key(99_998))] }),
    );
    // A live one, older, that dies soon.
    lock(&[305], json!({ "ttl_ms": 2_500 }));
    tokio::time::sleep(Duration::from_millis(20)).await;
    let txn = scene.begin(options()).await;
    let started = Instant::now();
    let stats = scene.prewrite(&txn, scene.inserts(ROWS..END)).await.unwrap();
    println!("{:?} {stats:?}", started.elapsed());
    assert!(
        started.elapsed() > Duration::from_millis(1_500),
        "the live one was waited for"
    );
    assert!(stats.locks_met >= 6, "{stats:?}");
    scene.finish(&txn, ROWS..END).await;

    // A writer that began later and lives is a conflict at once; when it commits it would be one anyway.
    let txn = scene.begin(options()).await;
    lock(&[2_001], json!({ "ttl_ms": 20_000 }));
    let started = Instant::now();
    let error = scene.prewrite(&txn, scene.inserts([2_001])).await.unwrap_err();
    assert_eq!(
        (error.kind, started.elapsed() < Duration::from_secs(3)),
        (ClientErrorKind::WriteConflict, true),
        "{error}"
    );
    assert_eq!(error.key().unwrap(), &scene.table.key(2_001));
    txn.rollback().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn pessimistic_transactions_of_tidb_are_waited_for() {
    let _alone = ALONE.lock().await;
    let scene = Scene::new("txn_pessimistic").await;
    for (end, changes) in [("ROLLBACK", false), ("COMMIT", true)] {
        let mut sql = scene.cluster.sql().await;
        let txn = scene.begin(options()).await;
        sql.query_drop("BEGIN PESSIMISTIC").await.unwrap();
        sql.query_drop(format!("UPDATE {} SET v = v + 1 WHERE id = 5", scene.table.name))
            .await
            .unwrap();
        let waiting = async {
            let put = Mutation::new(MutationOp::Put, scene.table.key(5), Table::value(35));
            scene.prewrite(&txn, vec![put]).await
        };
        let ending = async {
            tokio::time::sleep(Duration::from_millis(700)).await;
            sql.query_drop(end).await.unwrap();
        };
        let started = Instant::now();
        let (prewritten, ()) = tokio::join!(waiting, ending);
        assert!(started.elapsed() > Duration::from_millis(600));
        if changes {
            assert_eq!(prewritten.unwrap_err().kind, ClientErrorKind::WriteConflict);
            txn.rollback().await.unwrap();
            scene.resolve(txn.info().start_ts, 0).await;
        } else {
            prewritten.unwrap();
            scene.finish(&txn, []).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_prewrite_keeps_the_first_value_and_adds_what_is_missing() {
    let _alone = ALONE.lock().await;
    let scene = Scene::new("txn_repeat").await;
    let txn = scene.begin(options()).await;
    scene
        .prewrite(&txn, scene.inserts((ROWS..END).step_by(3)))
        .await
        .unwrap();
    scene.cluster.split(&scene.table, [400, 555, 1_111]);
    let mut again = scene.inserts(ROWS..END);
    again[0].value = Table::value(-1).into();
    scene.prewrite(&txn, again).await.unwrap();
    assert_eq!(
        scene.scanned(txn.info().start_ts).await.len(),
        (END - ROWS) as usize + 1
    );
    scene.finish(&txn, ROWS..END).await;
    // A zombie task: its keys are committed, and nothing happens.
    let mut late = scene.inserts(ROWS..END);
    late[5].value = Table::value(-1).into();
    if let Err(error) = scene.prewrite(&txn, late).await {
        assert_eq!(error.kind, ClientErrorKind::TxnCommitted, "{error}");
    }
    assert_eq!(scene.locked(txn.info().start_ts).len(), 0);
    scene.expect(ROWS..END).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_are_counted_once_whoever_counts() {
    let _alone = ALONE.lock().await;
    let scene = Scene::new("txn_meta").await;
    let key: Bytes = format!("zz_client_test_{}", fastrand::u64(..)).into_bytes().into();
    let (tasks, times) = (6, 15);
    let mut counting = tokio::task::JoinSet::new();
    for _ in 0..tasks {
        let (client, key) = (scene.client.clone(), key.clone());
        counting.spawn(async move {
            for _ in 0..times {
                let add = |old: Option<&[u8]>| {
                    let old: u64 = old.map_or(0, |text| std::str::from_utf8(text).unwrap().parse().unwrap());
                    Ok::<_, ClientError>(Some((old + 1).to_string().into_bytes()))
                };
                client
                    .increment_meta(key.clone(), Duration::from_secs(60), add)
                    .await
                    .unwrap();
            }
        });
    }
    counting.join_all().await;
    let mut found = None;
    let look = |old: Option<&[u8]>| {
        found = old.map(<[u8]>::to_vec);
        Ok::<_, ClientError>(None)
    };
    scene
        .client
        .increment_meta(key, Duration::from_secs(10), look)
        .await
        .unwrap();
    assert_eq!(found.unwrap(), (tasks * times).to_string().into_bytes());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_transaction_leaves_nothing_running() {
    let _alone = ALONE.lock().await;
    let scene = Scene::new("txn_drop").await;
    let quick = TxnOptions {
        heartbeat_interval: Duration::from_millis(50),
        lock_ttl: Duration::from_secs(2),
        ..options()
    };
    let txn = scene.begin(quick).await;
    let start_ts = txn.info().start_ts;
    let beats = || {
        let stats = scene.cluster.control("GET", "/stats", &serde_json::Value::Null);
        stats["methods"]["KvTxnHeartBeat"]["total"].as_u64().unwrap_or(0)
    };
    let before = beats();
    crate::common::eventually(Duration::from_secs(10), "heartbeats", || beats() > before + 2).await;
    drop(txn);
    // A TiKV tells its counters a second late.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let before = beats();
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(beats(), before);
    let open = || {
        scene
            .service_safe_points()
            .iter()
            .any(|(id, _)| id.contains(&start_ts.to_string()))
    };
    crate::common::eventually(Duration::from_secs(5), "service safe point", || !open()).await;
}
