//! Servers that stand still (SIGSTOP): the kernel goes on to take connections and requests for them.
//!
//! Scans, point reads, reads of the schema and appends go on all the time, and TiDB counts the same table beside them: how long its longest
//! query takes is what TiKV's own client needs here, and a scan of ours may take 5 s longer. One server stands still for 45 s; with
//! `FROZEN_SECONDS` each store in turn, and two leaders of PD, for that long.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use mysql_async::prelude::Queryable;
use serde_json::Value;
use ti_client::{
    BatchOptions, Client, ClientConfig, ClientError, Mutation, MutationOp, PrewriteOptions, Transaction, TxnOptions,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::cluster::{harness, spread, Own};
use super::load::{Clock, Load};
use crate::common::{hex, Cluster, Table, ALONE};

/// Rows of the table before anything is appended.
const ROWS: i64 = 20_000;
/// Rows of one append, over several regions.
const APPENDED: i64 = 400;
/// How long a server stands still: longer than an election takes with all that leads to it.
const FROZEN: Duration = Duration::from_secs(45);
/// Handles of writes that are open for long.
const FAR: i64 = 1 << 40;
/// By how much a scan may take longer than TiDB's longest query.
const SLACK: Duration = Duration::from_secs(5);

fn deadline() -> Duration {
    Duration::from_secs(180)
}

fn batches() -> BatchOptions {
    BatchOptions {
        deadline: deadline(),
        ..BatchOptions::default()
    }
}

fn inserts(table: &Table, first: i64) -> Vec<Mutation> {
    let row = |id: i64| Mutation::new(MutationOp::Insert, table.key(id), Table::value(id * 7));
    (first..first + APPENDED).map(row).collect()
}

async fn begin(client: &Arc<Client>, table: &Table) -> Transaction {
    let options = TxnOptions {
        deadline: deadline(),
        ..TxnOptions::default()
    };
    // No row has it. It is in the region of the rows that are appended.
    let primary: Bytes = table.key(2 * FAR + fastrand::i64(0..FAR)).into();
    client.begin(|_| primary, options).await.unwrap()
}

async fn prewrite(client: &Client, txn: &Transaction, rows: Vec<Mutation>) {
    let options = PrewriteOptions {
        request_bytes: 4 << 10,
        deadline: deadline(),
        ..PrewriteOptions::default()
    };
    client.prewrite(txn.info(), rows, &options).await.unwrap();
}

async fn commit(client: &Client, txn: &Transaction, keys: Vec<Bytes>) {
    let done = txn.commit(|_| async { Ok::<(), ClientError>(()) }).await.unwrap();
    client
        .commit_keys(txn.info(), done.commit_ts, keys, &batches())
        .await
        .unwrap();
    if let Err(error) = txn.close().await {
        // As a write does: its safe point ends with its time.
        println!("  a service safe point is left: {error}");
    }
}

/// What is written and read of one table.
struct Scene {
    cluster: Cluster,
    client: Arc<Client>,
    table: Table,
    /// Rows with smaller handles, from 0 on, are committed.
    committed: AtomicI64,
    /// Rows with smaller handles may be.
    begun: AtomicI64,
}

impl Scene {
    async fn new(own: &Own) -> Arc<Self> {
        let status = harness(&["status", "--name", &own.cluster.name]);
        let cluster = Cluster::of(&serde_json::from_str(&status).unwrap());
        let table = cluster.table("frozen", ROWS).await;
        cluster.split(&table, (1..12).map(|n| n * 2_000));
        spread(&cluster).await;
        let client = Client::connect(ClientConfig::new(cluster.pd.clone())).await.unwrap();
        Arc::new(Self {
            cluster,
            client,
            table,
            committed: AtomicI64::new(ROWS),
            begun: AtomicI64::new(ROWS),
        })
    }

    /// One append after the other, so that the rows are those below a number.
    async fn append(&self) {
        let first = self.begun.fetch_add(APPENDED, Ordering::SeqCst);
        let txn = begin(&self.client, &self.table).await;
        let rows = inserts(&self.table, first);
        let keys = (first..first + APPENDED).map(|id| self.table.key(id).into()).collect();
        prewrite(&self.client, &txn, rows).await;
        commit(&self.client, &txn, keys).await;
        self.committed.store(first + APPENDED, Ordering::SeqCst);
    }

    async fn scan(&self) {
        let least = self.committed.load(Ordering::SeqCst);
        let ts = self.client.timestamp().await.unwrap();
        let rows = self.table.read(&self.client, ts).await.unwrap();
        let most = self.begun.load(Ordering::SeqCst);
        // The appends in their order, each one whole; those of the writes that are under way all the time are far above.
        let found: Vec<(i64, i64)> = rows.range(..FAR).map(|(id, v)| (*id, *v)).collect();
        let count = found.len() as i64;
        assert!(
            least <= count && count <= most && (count - ROWS) % APPENDED == 0,
            "{least} <= {count} <= {most}"
        );
        assert!(found.into_iter().eq((0..count).map(|id| (id, id * 7))));
    }

    async fn point(&self) {
        let ts = self.client.timestamp().await.unwrap();
        let keys: Vec<Bytes> = (0..12).map(|n| self.table.key(n * 1_600).into()).collect();
        let pairs = self.client.batch_get(ts, keys, &[], &batches()).await.unwrap();
        assert_eq!(pairs.len(), 12);
    }

    async fn schema(&self) {
        let ts = self.client.timestamp().await.unwrap();
        let mut snapshot = self.client.snapshot(ts).await.unwrap();
        // TiDB's schema version.
        let key = ti_codec::key::meta_string_key(b"SchemaVersionKey");
        assert!(snapshot.get(key).await.unwrap().is_some());
    }

    async fn count(&self, sql: &tokio::sync::Mutex<mysql_async::Conn>) {
        let text = format!("SELECT COUNT(*) FROM {} WHERE id < {}", self.table.name, FAR);
        let found: Option<i64> = sql.lock().await.query_first(text).await.unwrap();
        assert!(found.unwrap() >= ROWS);
    }

    async fn locate(&self) {
        let until = Instant::now() + deadline();
        let located = self.client.locate_now(self.table.ranges(), until).await.unwrap();
        assert!(located.len() > 5);
    }

    async fn safe_point(&self) {
        self.client.gc_safe_point().await.unwrap();
        let ts = self.client.timestamp().await.unwrap();
        drop(self.client.protect(ts).await.unwrap());
    }
}

struct Clocks {
    ours: Vec<Clock>,
    scan: Clock,
    tidb: Clock,
}

async fn start(scene: &Arc<Scene>) -> (Load, Clocks) {
    let mut load = Load::new();
    let sql = Arc::new(tokio::sync::Mutex::new(scene.cluster.sql().await));
    let of = |scene: &Arc<Scene>| scene.clone();
    let (a, b, c, d, e) = (of(scene), of(scene), of(scene), of(scene), of(scene));
    let tidb = load.run("TiDB's query", move || {
        let (scene, sql) = (a.clone(), sql.clone());
        async move { scene.count(&sql).await }
    });
    let scan = load.run("scan", move || {
        let scene = b.clone();
        async move { scene.scan().await }
    });
    let ours = vec![
        load.run("point reads", move || {
            let scene = c.clone();
            async move { scene.point().await }
        }),
        load.run("schema", move || {
            let scene = d.clone();
            async move { scene.schema().await }
        }),
        load.run("append", move || {
            let scene = e.clone();
            async move { scene.append().await }
        }),
    ];
    (load, Clocks { ours, scan, tidb })
}

impl Clocks {
    /// Prints all; scans in comparison with TiDB.
    fn judge(&self, what: &str) {
        println!("{what}:");
        let (scan, tidb) = (self.scan.take(), self.tidb.take());
        for clock in &self.ours {
            clock.take();
        }
        assert!(scan <= tidb + SLACK, "{what}: a scan took {scan:?}, TiDB {tidb:?}");
    }
}

/// The role of the member of PD that leads.
async fn pd_leader(cluster: &Cluster) -> String {
    for address in &cluster.pd {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        stream
            .write_all(b"GET /pd/api/v1/leader HTTP/1.0\r\n\r\n")
            .await
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let Some((_, body)) = answer.split_once("\r\n\r\n") else {
            continue;
        };
        if let Some(name) = serde_json::from_str::<Value>(body)
            .ok()
            .and_then(|leader| Some(leader["name"].as_str()?.to_string()))
        {
            return name;
        }
    }
    panic!("PD has no leader");
}

/// What `FROZEN_SECONDS` says.
fn asked_for() -> Option<Duration> {
    let seconds = std::env::var("FROZEN_SECONDS").ok()?;
    Some(Duration::from_secs(seconds.parse().unwrap()))
}

/// The roles of the stores, first the one that leads the region of `key`.
fn stores(cluster: &Cluster, key: &[u8]) -> Vec<String> {
    let status: Value = serde_json::from_str(&harness(&["status", "--name", &cluster.name])).unwrap();
    let regions = cluster.control("GET", "/regions", &Value::Null);
    let key = hex(key);
    let leader = regions
        .as_array()
        .unwrap()
        .iter()
        .rfind(|region| region["start_key"].as_str().unwrap() <= key.as_str())
        .unwrap()["store_id"]
        .clone();
    let stores = status["store"]["stores"].as_array().unwrap();
    let (first, others): (Vec<&Value>, Vec<&Value>) = stores.iter().partition(|store| store["id"] == leader);
    let role = |store: &&Value| store["role"].as_str().unwrap().to_string();
    first.iter().chain(&others).map(role).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_stands_still_holds_nobody_up_for_longer_than_tidb() {
    let _alone = ALONE.lock().await;
    let Some(own) = Own::start("client-frozen", 1) else {
        return;
    };
    let scene = Scene::new(&own).await;
    let (load, clocks) = start(&scene).await;
    load.pass(Duration::from_secs(5)).await;
    clocks.judge("all stores run");
    spread(&scene.cluster).await;
    let stores = stores(&scene.cluster, &scene.table.key(2 * FAR));
    let (turns, time) = match asked_for() {
        Some(time) => (stores.len(), time),
        None => (1, FROZEN),
    };
    for (turn, store) in stores.iter().take(turns).enumerate() {
        // A write that is under way all the time: its locks are met by every scan.
        let first = FAR + turn as i64 * APPENDED;
        let writing = begin(&scene.client, &scene.table).await;
        prewrite(&scene.client, &writing, inserts(&scene.table, first)).await;
        scene.cluster.harness(&["pause", store]).await;
        load.pass(time).await;
        scene.cluster.harness(&["resume", store]).await;
        load.pass(Duration::from_secs(10)).await;
        let keys = (first..first + APPENDED).map(|id| scene.table.key(id).into()).collect();
        commit(&scene.client, &writing, keys).await;
        clocks.judge(&format!("{store} stood still for {time:?}"));
        spread(&scene.cluster).await;
    }
    load.end().await;
    let mut sql = scene.cluster.sql().await;
    sql.query_drop(format!("ADMIN CHECK TABLE {}", scene.table.name))
        .await
        .unwrap();
    let count: Option<i64> = sql
        .query_first(format!("SELECT COUNT(*) FROM {}", scene.table.name))
        .await
        .unwrap();
    assert_eq!(
        count.unwrap(),
        scene.committed.load(Ordering::SeqCst) + turns as i64 * APPENDED
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_of_pd_that_stands_still_holds_nobody_up_for_longer_than_tidb() {
    let _alone = ALONE.lock().await;
    let Some(own) = Own::start("client-frozen-pd", 3) else {
        return;
    };
    let scene = Scene::new(&own).await;
    let (mut load, mut clocks) = start(&scene).await;
    let (a, b, c) = (scene.clone(), scene.clone(), scene.clone());
    clocks.ours.push(load.run("timestamp", move || {
        let scene = a.clone();
        async move {
            scene.client.timestamp().await.unwrap();
        }
    }));
    clocks.ours.push(load.run("regions", move || {
        let scene = b.clone();
        async move { scene.locate().await }
    }));
    clocks.ours.push(load.run("safe point", move || {
        let scene = c.clone();
        async move { scene.safe_point().await }
    }));
    load.pass(Duration::from_secs(5)).await;
    clocks.judge("all members of PD run");
    let (turns, time) = asked_for().map_or((1, FROZEN), |time| (2, time));
    for _ in 0..turns {
        let leader = pd_leader(&scene.cluster).await;
        scene.cluster.harness(&["pause", &leader]).await;
        load.pass(Duration::from_secs(3)).await;
        // A session that begins now.
        let started = Instant::now();
        let client = Client::connect(ClientConfig::new(scene.cluster.pd.clone()))
            .await
            .unwrap();
        client.timestamp().await.unwrap();
        println!("  a new session took {:.1} s", started.elapsed().as_secs_f64());
        load.pass(time).await;
        scene.cluster.harness(&["resume", &leader]).await;
        load.pass(Duration::from_secs(10)).await;
        clocks.judge(&format!("{leader}, which led PD, stood still for {time:?}"));
    }
    load.end().await;
}
