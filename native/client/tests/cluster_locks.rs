//! Locks that writers left behind, and locks of writers that live.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::common::{cluster, drain, hex, Cluster, Table, ALONE};
use mysql_async::prelude::Queryable;
use serde_json::{json, Value};
use ti_client::Client;

struct Scene {
    cluster: Cluster,
    table: Table,
    client: Arc<Client>,
}

impl Scene {
    async fn new(name: &str) -> Self {
        let cluster = cluster();
        let table = cluster.table(name, 2_000).await;
        cluster.split(&table, [100, 700, 1_500]);
        let client = cluster.client().await;
        Self { cluster, table, client }
    }

    fn keys(&self, handles: &[i64]) -> Vec<String> {
        handles.iter().map(|handle| hex(&self.table.key(*handle))).collect()
    }

    /// Locks that put v = `v` at `handles`; the first one is the primary unless `request` says otherwise.
    fn lock(&self, handles: &[i64], v: i64, request: Value) -> Value {
        let keys = self.keys(handles);
        let mut all = json!({ "primary": keys[0], "keys": keys, "value": hex(&Table::value(v)) });
        all.as_object_mut()
            .unwrap()
            .extend(request.as_object().unwrap().clone());
        self.cluster.lock(all)
    }

    /// Reads now and compares; returns how long it took and how many locks it met.
    async fn expect(&self, changed: &[(i64, i64)]) -> (Duration, u64) {
        let ts = self.client.timestamp().await.unwrap();
        self.expect_at(ts, changed).await
    }

    async fn expect_at(&self, ts: u64, changed: &[(i64, i64)]) -> (Duration, u64) {
        let started = Instant::now();
        let mut stream = self.client.coprocessor(self.table.request(ts));
        let rows = drain(&mut stream).await.unwrap();
        self.table
            .compare(&rows, &changed.iter().copied().collect::<BTreeMap<_, _>>());
        (started.elapsed(), stream.stats().locks_met)
    }

    fn locks_of(&self, start_ts: u64) -> usize {
        let locks = self.cluster.control("GET", "/locks?limit=100000", &Value::Null);
        locks
            .as_array()
            .unwrap()
            .iter()
            .filter(|lock| lock["start_ts"].as_u64() == Some(start_ts))
            .count()
    }

    /// Later reads find no locks: a read resolves what it meets, and passes other locks of a transaction that it knows.
    async fn expect_gone(&self, start_ts: u64) {
        let started = Instant::now();
        while self.locks_of(start_ts) > 0 {
            assert!(started.elapsed() < Duration::from_secs(10), "locks are not resolved");
            let ts = self.client.timestamp().await.unwrap();
            self.table.read(&self.client, ts).await.unwrap();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

fn start_ts(answer: &Value) -> u64 {
    answer["start_ts"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crashed_writer_is_rolled_back() {
    let _alone = ALONE.lock().await;
    let scene = Scene::new("crashed").await;
    let locked = scene.lock(&[5, 500, 1_000, 1_999], -1, json!({ "ttl_ms": 1 }));
    tokio::time::sleep(Duration::from_millis(50)).await;
    let (time, met) = scene.expect(&[]).await;
    assert!(met > 0 && time < Duration::from_secs(3), "{met} locks, {time:?}");
    scene.expect_gone(start_ts(&locked)).await;
    assert_eq!(scene.expect(&[]).await.1, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_crashed_writer_is_resolved_by_region() {
    let _alone = ALONE.lock().await;
    let scene = Scene::new("crashed_large").await;
    let handles: Vec<i64> = (0..2_000).step_by(5).collect();
    let locked = scene.lock(&handles, -1, json!({ "ttl_ms": 1, "txn_size": 1_000_000 }));
    tokio::time::sleep(Duration::from_millis(50)).await;
    let (time, met) = scene.expect(&[]).await;
    assert!(met < 100 && time < Duration::from_secs(5), "{met} locks, {time:?}");
    scene.expect_gone(start_ts(&locked)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn secondaries_of_a_committed_transaction_are_read() {
    let _alone = ALONE.lock().await;
    let scene = Scene::new("committed").await;
    let before = scene.client.timestamp().await.unwrap();
    // The primary is committed by TiDB; a secondary of the same transaction is left locked.
    let mut sql = scene.cluster.sql().await;
    sql.query_drop("BEGIN OPTIMISTIC").await.unwrap();
    let ts: Option<u64> = sql.query_first("SELECT @@tidb_current_ts").await.unwrap();
    sql.query_drop(format!("UPDATE {} SET v = -70 WHERE id = 10", scene.table.name))
        .await
        .unwrap();
    sql.query_drop("COMMIT").await.unwrap();
    let primary = scene.keys(&[10]).remove(0);
    let ts = ts.unwrap();
    scene.lock(
        &[600, 1_600],
        -80,
        json!({ "start_ts": ts, "primary": primary, "ttl_ms": 600_000 }),
    );
    let (time, met) = scene.expect(&[(10, -70), (600, -80), (1_600, -80)]).await;
    assert!(met > 0 && time < Duration::from_secs(3), "{met} locks, {time:?}");
    scene.expect_gone(ts).await;
    scene.expect(&[(10, -70), (600, -80), (1_600, -80)]).await;
    scene.expect_at(before, &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secondary_without_a_primary_is_rolled_back_when_its_time_is_over() {
    let _alone = ALONE.lock().await;
    let scene = Scene::new("orphan").await;
    let primary = scene.keys(&[3]).remove(0);
    let locked = scene.lock(&[900], -1, json!({ "primary": primary, "ttl_ms": 1_500 }));
    let (time, met) = scene.expect(&[]).await;
    assert!(
        met > 0 && time > Duration::from_millis(1_000) && time < Duration::from_secs(4),
        "{met} locks, {time:?}"
    );
    scene.expect_gone(start_ts(&locked)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_transaction_that_can_be_pushed_blocks_nobody() {
    let _alone = ALONE.lock().await;
    let scene = Scene::new("live_large").await;
    let ts = scene.client.timestamp().await.unwrap();
    let handles: Vec<i64> = (0..2_000).step_by(3).collect();
    let request = json!({ "start_ts": ts, "min_commit_ts": ts + 1, "ttl_ms": 120_000, "txn_size": 1_000_000 });
    scene.lock(&handles, -1, request);
    let (time, met) = scene.expect(&[]).await;
    assert!(
        met > 0 && met < 50 && time < Duration::from_secs(1),
        "{met} locks, {time:?}"
    );
    assert_eq!(scene.locks_of(ts), handles.len(), "it lives");
    scene.expect_at(ts - 1, &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_transaction_that_cannot_be_pushed_is_waited_for() {
    let _alone = ALONE.lock().await;
    let scene = Scene::new("live_plain").await;
    let locked = scene.lock(&[42, 1_700], -1, json!({ "ttl_ms": 2_000, "min_commit_ts": 0 }));
    let (time, _) = scene.expect(&[]).await;
    assert!(
        time > Duration::from_millis(1_500) && time < Duration::from_secs(6),
        "{time:?}"
    );
    scene.expect_gone(start_ts(&locked)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn async_commit_with_all_secondaries_is_committed() {
    let _alone = ALONE.lock().await;
    let scene = Scene::new("async_all").await;
    let before = scene.client.timestamp().await.unwrap();
    let request = json!({ "ttl_ms": 1, "async_commit": true, "secondaries": scene.keys(&[650, 1_650]) });
    let locked = scene.lock(&[50, 650, 1_650], -9, request);
    assert!(locked["min_commit_ts"].as_u64().unwrap() > before);
    tokio::time::sleep(Duration::from_millis(50)).await;
    let changed = [(50, -9), (650, -9), (1_650, -9)];
    let (time, met) = scene.expect(&changed).await;
    assert!(met > 0 && time < Duration::from_secs(3), "{met} locks, {time:?}");
    scene.expect_gone(start_ts(&locked)).await;
    scene.expect(&changed).await;
    scene.expect_at(before, &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn async_commit_with_a_missing_secondary_is_rolled_back() {
    let _alone = ALONE.lock().await;
    let scene = Scene::new("async_missing").await;
    let request = json!({ "ttl_ms": 1, "async_commit": true, "secondaries": scene.keys(&[650, 1_650]) });
    let locked = scene.lock(&[50, 650], -9, request);
    tokio::time::sleep(Duration::from_millis(50)).await;
    let (time, met) = scene.expect(&[]).await;
    assert!(met > 0 && time < Duration::from_secs(3), "{met} locks, {time:?}");
    scene.expect_gone(start_ts(&locked)).await;
    scene.expect(&[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pessimistic_locks_block_nobody() {
    let _alone = ALONE.lock().await;
    let scene = Scene::new("pessimistic").await;
    scene.lock(&[7, 800], -1, json!({ "pessimistic": true, "ttl_ms": 60_000 }));
    let (time, _) = scene.expect(&[]).await;
    assert!(time < Duration::from_secs(1), "{time:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn snapshots_of_the_control_plane_pass_locks_too() {
    let _alone = ALONE.lock().await;
    let scene = Scene::new("snapshot_locks").await;
    // With a mapping of hosts and without one.
    for mapped in [false, true] {
        let mut config = scene.cluster.config();
        if mapped {
            config.host_mapping.insert("no-such-host".into(), "127.0.0.1".into());
        }
        let client = Client::connect(config).await.unwrap();
        let orphan = scene.keys(&[3]).remove(0);
        let locked = [
            scene.lock(&[5, 500, 1_999], -1, json!({ "ttl_ms": 1 })),
            scene.lock(&[900], -1, json!({ "primary": orphan, "ttl_ms": 1 })),
            scene.lock(
                &[50],
                -1,
                json!({ "ttl_ms": 1, "async_commit": true, "secondaries": scene.keys(&[60]) }),
            ),
        ];
        tokio::time::sleep(Duration::from_millis(50)).await;
        let ts = client.timestamp().await.unwrap();
        let mut snapshot = client.snapshot(ts).await.unwrap();
        assert!(snapshot.get(scene.table.key(900)).await.unwrap().is_some());
        let range = scene.table.ranges().remove(0);
        let keys = snapshot
            .scan_keys(range.start().to_vec(), range.end().to_vec())
            .await
            .unwrap();
        assert_eq!(keys.len(), 2_000, "mapped {mapped}");
        for locked in locked {
            scene.expect_gone(start_ts(&locked)).await;
        }
    }
    scene.expect(&[]).await;
}

/// Faults by rules of the test store: see `needs_faults/mod.rs`.
mod needs_faults {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn faults_during_resolution_are_survived() {
        let _alone = ALONE.lock().await;
        let scene = Scene::new("resolve_faults").await;
        for kind in [
            "not_leader",
            "epoch_not_match",
            "server_is_busy",
            "unavailable",
            "drop_reply",
            "store_not_match",
        ] {
            let locked = scene.lock(&[5, 500, 1_000, 1_999], -1, json!({ "ttl_ms": 1 }));
            tokio::time::sleep(Duration::from_millis(20)).await;
            let rules: Vec<Value> = ["KvCheckTxnStatus", "KvResolveLock"]
            .iter()
            .map(|method| json!({ "method": method, "kind": kind, "count": 2, "ms": 10, "request_source": "external_spark" }))
            .collect();
            let faults = scene.cluster.faults(Value::from(rules));
            scene.expect(&[]).await;
            scene.expect_gone(start_ts(&locked)).await;
            assert!(faults.hits() >= 2, "{kind}: {}", faults.hits());
        }
    }
}
