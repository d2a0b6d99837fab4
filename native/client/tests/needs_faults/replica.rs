//! Reads of rows at replicas, in a cluster of three stores of their own.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::common::{drain, Cluster, Faults, Table};
use serde_json::{json, Value};
use ti_client::{Client, CopStats, ReplicaRole};

const HARNESS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/cluster/cluster");

/// A throw-away cluster of three stores.
struct Three {
    cluster: Cluster,
}

impl Three {
    fn up() -> Self {
        let name = format!("replica-{}", std::process::id());
        let up = [
            "up",
            "--name",
            &name,
            "--stores",
            "3",
            "--region-size",
            "65536",
            "--json",
        ];
        let output = Command::new(HARNESS).args(up).output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{text}");
        let status: Value = serde_json::from_slice(&output.stdout).unwrap();
        Self {
            cluster: Cluster::of(&status),
        }
    }
}

impl Drop for Three {
    fn drop(&mut self) {
        let _ = Command::new(HARNESS)
            .args(["down", "--name", &self.cluster.name])
            .output();
    }
}

/// Hits of each rule.
fn hits(cluster: &Cluster) -> Vec<u64> {
    let rules = cluster.control("GET", "/faults", &Value::Null);
    let hits = |rule: &Value| rule["hits"].as_u64().unwrap();
    rules.as_array().unwrap().iter().map(hits).collect()
}

/// Counts requests for the table: by stale read, by replica read, at leaders; `first` goes before them.
fn count<'a>(cluster: &'a Cluster, table: &Table, first: Option<Value>) -> Faults<'a> {
    let count = |stale: bool, replica: bool| {
        json!({"method": "Coprocessor", "kind": "delay", "ms": 0, "count": -1, "table_id": table.id,
               "request_source": "external_spark", "stale_read": stale, "replica_read": replica})
    };
    let mut rules = vec![count(true, false), count(false, true), count(false, false)];
    rules.extend(first);
    cluster.faults(json!(rules))
}

async fn read(client: &Arc<Client>, table: &Table, ts: u64) -> (BTreeMap<i64, i64>, CopStats) {
    let mut stream = client.coprocessor(table.request(ts));
    let rows = drain(&mut stream).await.unwrap();
    (rows, stream.stats())
}

/// Waits until the snapshot is older than 20 s, from when on replicas are asked for a stale read.
async fn grow_old(ts: u64) {
    let made = Duration::from_millis(ts >> 18);
    let age = || std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().checked_sub(made);
    while age().is_none_or(|age| age < Duration::from_millis(20_100)) {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_serve_reads_and_leaders_what_they_do_not() {
    let three = tokio::task::spawn_blocking(Three::up).await.unwrap();
    let cluster = &three.cluster;
    let table = cluster.table("replicas", 3_000).await;
    cluster.split(&table, [500, 1_000, 1_500, 2_000]);
    let with = |roles: Vec<ReplicaRole>| {
        let mut config = cluster.config();
        config.replica_read = roles;
        Client::connect(config)
    };
    let leaders = with(Vec::new()).await.unwrap();
    let followers = with(vec![ReplicaRole::Follower]).await.unwrap();
    // There are no learners here.
    let learners = with(vec![ReplicaRole::Learner]).await.unwrap();
    let both = with(vec![ReplicaRole::Learner, ReplicaRole::Follower]).await.unwrap();
    let ts = leaders.timestamp().await.unwrap();

    for (client, expected) in [
        (&leaders, [false, false, true]),
        (&followers, [false, true, false]),
        (&learners, [false, false, true]),
        (&both, [false, true, false]),
    ] {
        let rules = count(cluster, &table, None);
        let (rows, _) = read(client, &table, ts).await;
        table.compare(&rows, &BTreeMap::new());
        assert_eq!(hits(cluster).iter().map(|hits| *hits > 0).collect::<Vec<_>>(), expected);
        drop(rules);
    }

    // The regions are spread over the stores, and the driver is told where.
    let located = followers
        .locate(table.ranges(), Instant::now() + Duration::from_secs(20))
        .await
        .unwrap();
    assert!(located.len() >= 5 && located.iter().all(|region| !region.host.is_empty()));

    // What is written later is seen by a later snapshot, also at replicas.
    let mut sql = cluster.sql().await;
    mysql_async::prelude::Queryable::query_drop(&mut sql, format!("UPDATE {} SET v = -1 WHERE id = 7", table.name))
        .await
        .unwrap();
    sql.disconnect().await.unwrap();
    let later = followers.timestamp().await.unwrap();
    let (rows, _) = read(&followers, &table, later).await;
    table.compare(&rows, &BTreeMap::from([(7, -1)]));

    // A replica that does not answer: its store is left alone for a while, the leader is asked at once.
    let dead = json!({"method": "Coprocessor", "kind": "unavailable", "count": -1, "table_id": table.id, "replica_read": true});
    let rules = count(cluster, &table, Some(dead));
    let (rows, stats) = read(&followers, &table, ts).await;
    table.compare(&rows, &BTreeMap::new());
    let [_, _, at_leaders, refused] = hits(cluster)[..] else {
        panic!("four rules")
    };
    assert!(at_leaders > 0 && (1..=12).contains(&refused), "{at_leaders} {refused}");
    assert_eq!(stats.backoff_nanos, 0);
    drop(rules);

    grow_old(ts).await;
    let followers = with(vec![ReplicaRole::Follower]).await.unwrap();
    let rules = count(cluster, &table, None);
    let (rows, _) = read(&followers, &table, ts).await;
    table.compare(&rows, &BTreeMap::new());
    let [stale, young, at_leaders] = hits(cluster)[..] else {
        panic!("three rules")
    };
    assert!(
        stale > 0 && young == 0 && at_leaders == 0,
        "{stale} {young} {at_leaders}"
    );
    drop(rules);

    // Replicas that are behind: the leaders answer, and nobody waits.
    let behind = json!({"method": "Coprocessor", "kind": "data_is_not_ready", "count": -1, "table_id": table.id, "stale_read": true});
    let rules = count(cluster, &table, Some(behind));
    let (rows, stats) = read(&followers, &table, ts).await;
    table.compare(&rows, &BTreeMap::new());
    let [_, _, at_leaders, refused] = hits(cluster)[..] else {
        panic!("four rules")
    };
    assert!(at_leaders >= refused && refused >= 5, "{at_leaders} {refused}");
    assert_eq!((stats.region_errors, stats.backoff_nanos), (refused, 0));
    drop(rules);

    // Leaders that move, and regions that split, while replicas serve.
    assert!(cluster.move_leaders() > 0);
    cluster.split(&table, [250, 750, 2_750]);
    let (rows, _) = read(&followers, &table, ts).await;
    table.compare(&rows, &BTreeMap::new());
}
