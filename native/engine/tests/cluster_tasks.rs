//! How regions become tasks: sizes from PD, small regions read together, large ones cut, and what happens when nobody tells.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::support::{http, open, Cluster};
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use prost::Message;
use ti_engine::plan::wire::ScanTasks;
use ti_engine::{Next, Session};
use ti_proto::plan;

const MIB: u64 = 1 << 20;

/// Fills `name`, which has the columns `n` (0, 1, 2, ...) and `pad`, with `rows` rows of about `bytes` bytes.
fn fill(cluster: &Cluster, name: &str, rows: usize, bytes: usize) {
    cluster.sql(&format!("INSERT INTO {name} (n, pad) VALUES (0, REPEAT('x', {bytes}))"));
    let mut have = 1;
    while have < rows {
        let more = have.min(rows - have);
        cluster.sql(&format!(
            "INSERT INTO {name} (n, pad) SELECT n + {have}, pad FROM {name} WHERE n < {more}"
        ));
        have += more;
    }
}

/// The values of `n` of each partition, in the order in which they come.
fn read(session: &std::sync::Arc<Session>, scan_plan: &plan::ScanPlan) -> Vec<Vec<i64>> {
    let each = |partition| {
        let scan = session.open_scan(open(scan_plan, partition)).unwrap();
        let mut values = Vec::new();
        loop {
            match scan.next(Duration::from_secs(30)).unwrap() {
                Next::Batch(batch) => values.extend(batch.batch.column(0).as_primitive::<Int64Type>().values()),
                Next::Pending => panic!("no batch within 30 s"),
                Next::End => return values,
            }
        }
    };
    scan_plan.partitions.iter().map(each).collect()
}

fn assert_all(parts: &[Vec<i64>], rows: usize, what: &str) {
    let mut all: Vec<i64> = parts.concat();
    all.sort_unstable();
    assert!(
        all.iter().copied().eq(0..i64::try_from(rows).unwrap()),
        "{what}: {} rows",
        all.len()
    );
}

/// Plans until PD knows the size of all of the table's regions, which it learns from heartbeats.
fn plan_of(cluster: &Cluster, table: &str, change: impl Fn(&mut plan::ScanSpec)) -> plan::ScanPlan {
    let schema = cluster.load(table).unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let found = cluster.plan_with(&schema, &["n"], &change).unwrap();
        if !found.explain.contains("taken for") {
            return found;
        }
        assert!(Instant::now() < deadline, "{}", found.explain);
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn regions(scan_plan: &plan::ScanPlan) -> usize {
    scan_plan.partitions.iter().map(|p| p.regions as usize).sum()
}

#[test]
fn small_regions_are_read_together() {
    const ROWS: usize = 20_000;
    let cluster = Cluster::new("tasks");
    cluster.sql("CREATE TABLE t (n BIGINT PRIMARY KEY, pad VARCHAR(1000))");
    fill(&cluster, "t", ROWS, 200);
    // The test store keeps regions of 64 KiB by itself; a TiKV of a test has regions of 1 MiB.
    let id: i64 = cluster
        .value(&format!(
            "SELECT TIDB_TABLE_ID FROM information_schema.tables WHERE table_schema = '{}' AND table_name = 't'",
            cluster.database
        ))
        .parse()
        .unwrap();
    let keys: Vec<String> = (1..25).map(|n| record_key(id, n * 800)).collect();
    cluster.control("POST", "/split", &serde_json::json!({ "keys": keys }).to_string());
    std::thread::sleep(Duration::from_secs(2));
    let each = plan_of(&cluster, "t", |s| s.partition_bytes = 1);
    let all = regions(&each);
    assert_eq!(each.partitions.len(), all, "{}", each.explain);
    assert!(all >= 20, "{}", each.explain);
    let few = plan_of(&cluster, "t", |_| ());
    assert_eq!(regions(&few), all);
    // PD counts a region of less as 1 MiB; that TiKV has halved another one it may not know yet.
    assert!((1..=all.div_ceil(4)).contains(&few.partitions.len()), "{}", few.explain);
    let (_, told) = few.explain.split_once("TableReader(root) tasks:").unwrap();
    let told = told.strip_prefix(&format!("{} ({all} regions, ", few.partitions.len()));
    let mib = told
        .and_then(|told| told.split_once(" MiB by PD)"))
        .map(|(mib, _)| mib.parse::<usize>().unwrap());
    assert!(mib.is_some_and(|mib| (all..all + 8).contains(&mib)), "{}", few.explain);
    let one = plan_of(&cluster, "t", |s| (s.parallelism, s.partition_bytes) = (1, u64::MAX));
    assert_eq!((one.partitions.len(), regions(&one)), (1, all), "{}", one.explain);
    assert_eq!(one.partitions[0].hosts, ["127.0.0.1"]);
    for scan_plan in [&each, &few, &one] {
        assert_all(&read(&cluster.session, scan_plan), ROWS, &scan_plan.explain);
    }
}

static CLUSTERS: AtomicU32 = AtomicU32::new(0);

/// A cluster of its own with regions of TiKV's size, taken down at the end.
struct Own {
    name: String,
}

impl Own {
    fn up() -> (Self, serde_json::Value) {
        let own = Own {
            name: format!(
                "engine-tasks-{}-{}",
                std::process::id(),
                CLUSTERS.fetch_add(1, Ordering::Relaxed)
            ),
        };
        let output = own.run(&["up", "--json"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let status = serde_json::from_slice(&output.stdout).unwrap();
        (own, status)
    }

    fn run(&self, arguments: &[&str]) -> std::process::Output {
        let program = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/cluster/cluster");
        let words = [&arguments[..1], &["--name", &self.name], &arguments[1..]].concat();
        Command::new(program).args(words).output().unwrap()
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        self.run(&["down"]);
    }
}

const KINDS: [(&str, &str); 4] = [
    ("int_handle", "n BIGINT PRIMARY KEY, pad VARCHAR(2000)"),
    ("row_id", "n BIGINT, pad VARCHAR(2000)"),
    (
        "common_number",
        "n BIGINT, pad VARCHAR(2000), m INT DEFAULT 1, PRIMARY KEY (n, m) CLUSTERED",
    ),
    (
        "common_string",
        "n BIGINT, pad VARCHAR(2000), s VARCHAR(40) AS (MD5(n)) STORED, PRIMARY KEY (s) CLUSTERED",
    ),
];

const LARGE_ROWS: usize = 10_000;

/// A cluster of its own, where each of these tables is a region of some 10 MiB by PD. `None`: an existing cluster decides on its regions itself.
fn large(test: &str, kinds: &[(&str, &str)]) -> Option<(Own, Cluster)> {
    if std::env::var("TIDB_SPARK_CLUSTER").is_ok_and(|mode| mode == "existing") {
        return None;
    }
    let (own, status) = Own::up();
    let cluster = Cluster::at(status, test);
    for (name, columns) in kinds {
        cluster.sql(&format!("CREATE TABLE {name} ({columns})"));
        fill(&cluster, name, LARGE_ROWS, 1_000);
    }
    let pd = crate::support::pd_addresses(&cluster.status).remove(0);
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let told = http(&pd, "GET", "/pd/api/v1/regions", "");
        let size = |region: &serde_json::Value| region["approximate_size"].as_u64().unwrap_or_default();
        let sizes: Vec<u64> = told["regions"].as_array().unwrap().iter().map(size).collect();
        if sizes.iter().filter(|mib| **mib >= 9).count() >= kinds.len() {
            break;
        }
        assert!(Instant::now() < deadline, "MiB of the regions: {sizes:?}");
        std::thread::sleep(Duration::from_millis(200));
    }
    Some((own, cluster))
}

#[test]
fn a_large_region_is_cut_and_every_row_comes_once() {
    const ROWS: usize = LARGE_ROWS;
    let Some((_own, cluster)) = large("cut", &KINDS) else {
        return;
    };
    for (name, _) in KINDS {
        let whole = plan_of(&cluster, name, |s| s.parallelism = 1);
        assert_eq!((whole.partitions.len(), regions(&whole)), (1, 1), "{}", whole.explain);
        assert_all(&read(&cluster.session, &whole), ROWS, name);
        let cut = plan_of(&cluster, name, |s| s.partition_bytes = 2 * MIB);
        assert!(cut.explain.contains("; 1 cut)"), "{}", cut.explain);
        assert!((5..=9).contains(&cut.partitions.len()), "{}", cut.explain);
        assert_eq!(regions(&cut), 1, "a region counts once");
        let parts = read(&cluster.session, &cut);
        assert_all(&parts, ROWS, &cut.explain);
        let (fewest, most) = (
            parts.iter().map(Vec::len).min().unwrap(),
            parts.iter().map(Vec::len).max().unwrap(),
        );
        if name == "common_string" {
            // Digits and letters are not evenly spread over all bytes: some balance, no more.
            assert!(most < ROWS, "{fewest} to {most} rows");
        } else {
            assert!(most <= 2 * fewest, "{name}: {fewest} to {most} rows");
        }
        let several = plan_of(&cluster, name, |s| (s.partition_bytes, s.concurrency) = (2 * MIB, 3));
        assert_eq!(several.partitions.len(), cut.partitions.len(), "{}", several.explain);
        for partition in &several.partitions {
            let tasks = ScanTasks::decode(partition.tasks.as_slice()).unwrap();
            // Three requests, of a thousand handles at least.
            assert!((1..=2).contains(&tasks.tables[0].cuts.len()), "{tasks:?}");
        }
        assert_all(&read(&cluster.session, &several), ROWS, &several.explain);
        let limited = plan_of(&cluster, name, |s| {
            (s.partition_bytes, s.concurrency, s.limit) = (2 * MIB, 3, Some(5))
        });
        let tasks = ScanTasks::decode(limited.partitions[0].tasks.as_slice()).unwrap();
        assert!(tasks.tables[0].cuts.is_empty(), "most would be read in vain");
        // However many slots there are, a piece has some 8 MiB; the region has 9 to 12, as the store reckons.
        let idle = plan_of(&cluster, name, |s| s.parallelism = 100);
        assert!(idle.partitions.len() <= 2, "{}", idle.explain);
    }
    // A lock is no obstacle.
    let key = record_key(table_id_of(&cluster), 0);
    let lock = serde_json::json!({"primary": key, "keys": [key], "op": "put", "value": "00", "ttl_ms": 60_000});
    cluster.control("POST", "/lock", &lock.to_string());
    let start = Instant::now();
    let found = plan_of(&cluster, "int_handle", |s| s.partition_bytes = 2 * MIB);
    assert!(found.explain.contains("; 1 cut)"), "{}", found.explain);
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
}

fn table_id_of(cluster: &Cluster) -> i64 {
    cluster
        .value(&format!(
            "SELECT TIDB_TABLE_ID FROM information_schema.tables
             WHERE table_schema = '{}' AND table_name = 'int_handle'",
            cluster.database
        ))
        .parse()
        .unwrap()
}

/// The record key of an integer handle in hexadecimal.
fn record_key(table_id: i64, handle: i64) -> String {
    let key = ti_codec::key::record_key_int(table_id, handle);
    key.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Stands before PD and hangs up on HTTP/1.1; gRPC goes through.
fn grpc_only(pd: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let pd = pd.clone();
            std::thread::spawn(move || forward(client, &pd));
        }
    });
    address
}

fn forward(mut client: TcpStream, pd: &str) -> Option<()> {
    let mut first = [0; 3];
    client.read_exact(&mut first).ok()?;
    if &first == b"GET" {
        return None;
    }
    let mut server = TcpStream::connect(pd).ok()?;
    server.write_all(&first).ok()?;
    let (mut from, mut to) = (server.try_clone().ok()?, client.try_clone().ok()?);
    std::thread::spawn(move || std::io::copy(&mut from, &mut to));
    std::io::copy(&mut client, &mut server).ok().map(drop)
}

#[test]
fn without_pds_http_api_regions_count_as_the_default_and_explain_says_so() {
    const ROWS: usize = 5_000;
    let cluster = Cluster::new("no_http");
    cluster.sql("CREATE TABLE t (n BIGINT PRIMARY KEY, pad VARCHAR(1000))");
    fill(&cluster, "t", ROWS, 200);
    let schema = cluster.load("t").unwrap();
    let pd = crate::support::pd_addresses(&cluster.status).remove(0);
    let proxy = grpc_only(pd.clone());
    let mut config = crate::support::config(vec![proxy.clone()]);
    config.host_mapping.insert(pd.clone(), proxy);
    let session = Session::open(config).unwrap();
    let spec = plan::ScanSpec {
        table: schema.table_descriptor.clone(),
        read_timestamp: Some(crate::support::tso(schema.schema_ts)),
        columns: vec!["n".into()],
        partition_bytes: 96 * MIB,
        parallelism: 2,
        ..Default::default()
    };
    let found = session.plan(spec.clone()).unwrap();
    assert!(
        found
            .explain
            .contains("taken for 96 MiB each because the HTTP API of PD"),
        "{}",
        found.explain
    );
    assert!(!found.explain.contains("cut"), "{}", found.explain);
    assert_eq!(found.partitions.len(), regions(&found), "a task for each region");
    assert_all(&read(&session, &found), ROWS, "all rows");
    let start = Instant::now();
    assert!(session.plan(spec).unwrap().explain.contains("taken for 96 MiB"));
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
}

/// Faults by rules of the test store, which a real TiKV has not: `--skip needs_faults` leaves them out.
mod needs_faults {
    use super::*;

    /// A store that is busy or slow costs planning a second at most and is told by EXPLAIN.
    #[test]
    fn stores_that_do_not_tell() {
        let Some((_own, cluster)) = large("untold", &KINDS[..1]) else {
            return;
        };
        let table_id = table_id_of(&cluster);
        for (kind, ms) in [("server_is_busy", 5_000), ("hang", 0), ("not_leader", 0)] {
            let rule =
                serde_json::json!({"method": "KvScan", "kind": kind, "ms": ms, "count": -1, "table_id": table_id});
            cluster.faults(&serde_json::json!([rule]));
            let start = Instant::now();
            let found = plan_of(&cluster, "int_handle", |s| s.partition_bytes = 2 * MIB);
            assert_eq!(found.partitions.len(), 1, "{}", found.explain);
            assert!(found.explain.contains("; 1 not cut because"), "{}", found.explain);
            assert!(
                start.elapsed() < Duration::from_secs(3),
                "{kind}: {:?}",
                start.elapsed()
            );
        }
    }
}
