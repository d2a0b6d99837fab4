//! The real cluster of `tests/cluster`: its addresses, its control port, SQL, and a table to read.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

pub mod txn;

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes};
use mysql_async::prelude::Queryable;
use prost::Message;
use serde_json::{json, Value};
use ti_client::{Client, ClientConfig, ClientError, CopRequest, CopStream, KeyRange, MemoryBudget, PointRanges};
use ti_codec::key::{record_key_int, record_prefix};
use ti_proto::tipb;

/// Tests share the cluster's faults and restarts: one at a time.
pub static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Addresses of the running cluster.
pub struct Cluster {
    pub name: String,
    pub pd: Vec<String>,
    pub stores: Vec<String>,
    pub control: String,
    pub tidb: (String, u16),
}

pub fn cluster() -> Cluster {
    let Ok(path) = std::env::var("TIDB_SPARK_CLUSTER_STATUS") else {
        panic!(
            "TIDB_SPARK_CLUSTER_STATUS is not set: these tests need a cluster. Run `make test`, or `tests/cluster/cluster up --region-size 65536 --json > status.json` \
             and set the variable to that file."
        );
    };
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let status: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"));
    Cluster::of(&status)
}

impl Cluster {
    /// The cluster of what `cluster status` prints.
    pub fn of(status: &Value) -> Self {
        let text = |value: &Value| {
            value
                .as_str()
                .unwrap_or_else(|| panic!("the status misses an address: {status}"))
                .to_string()
        };
        let addresses = |server: &Value| server["addresses"].as_array().unwrap().iter().map(text).collect();
        Self {
            name: text(&status["name"]),
            pd: addresses(&status["pd"]),
            stores: addresses(&status["store"]),
            control: text(&status["store"]["control"])
                .trim_start_matches("http://")
                .to_string(),
            tidb: (
                text(&status["tidb"]["host"]),
                u16::try_from(status["tidb"]["port"].as_u64().unwrap()).unwrap(),
            ),
        }
    }

    pub fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new(self.pd.clone());
        config.request_timeout = Duration::from_secs(20);
        config.read_deadline = Duration::from_secs(60);
        config
    }

    pub async fn client(&self) -> Arc<Client> {
        Client::connect(self.config()).await.unwrap()
    }

    /// A request to the store's control port. HTTP/1.0, so that the answer ends with the connection.
    pub fn control(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let mut stream = TcpStream::connect(&self.control).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.0\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, json) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(" 200 "), "{method} {path} {body}: {answer}");
        serde_json::from_str(json).unwrap()
    }

    pub fn faults(&self, rules: Value) -> Faults<'_> {
        self.control("POST", "/faults", &rules);
        Faults { cluster: self }
    }

    pub fn lock(&self, request: Value) -> Value {
        self.control("POST", "/lock", &request)
    }

    /// Coprocessor calls that have not ended.
    pub fn coprocessor_calls_in_flight(&self) -> i64 {
        self.control("GET", "/stats", &Value::Null)["methods"]["Coprocessor"]["in_flight"]
            .as_i64()
            .unwrap_or(0)
    }

    /// Gives every region the next store for a leader. Returns how many were moved; none when there is one store.
    pub fn move_leaders(&self) -> usize {
        let stats = self.control("GET", "/stats", &Value::Null);
        let stores: Vec<u64> = stats["stores"]
            .as_array()
            .unwrap()
            .iter()
            .map(|store| store["id"].as_u64().unwrap())
            .collect();
        if stores.len() < 2 {
            return 0;
        }
        let regions = self.control("GET", "/regions", &Value::Null);
        let regions = regions.as_array().unwrap();
        for region in regions {
            let at = stores
                .iter()
                .position(|id| Some(*id) == region["store_id"].as_u64())
                .unwrap();
            let next = stores[(at + 1) % stores.len()];
            self.control(
                "POST",
                "/transfer_leader",
                &json!({ "region_id": region["id"], "store_id": next }),
            );
        }
        regions.len()
    }

    pub async fn sql(&self) -> mysql_async::Conn {
        let options = mysql_async::OptsBuilder::default()
            .ip_or_hostname(self.tidb.0.clone())
            .tcp_port(self.tidb.1)
            .user(Some("root"))
            .prefer_socket(false);
        mysql_async::Conn::new(options).await.unwrap()
    }

    /// Runs the harness's command line, e.g. `restart store`.
    pub async fn harness(&self, arguments: &[&str]) {
        let program = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/cluster/cluster");
        let mut command = std::process::Command::new(program);
        command.args([&arguments[..1], &["--name", &self.name], &arguments[1..]].concat());
        let output = tokio::task::spawn_blocking(move || command.output())
            .await
            .unwrap()
            .unwrap();
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// A table `id BIGINT PRIMARY KEY, v BIGINT, pad VARCHAR` of `rows` rows with v = id * 7.
    pub async fn table(&self, name: &str, rows: i64) -> Table {
        let mut sql = self.sql().await;
        sql.query_drop("CREATE DATABASE IF NOT EXISTS client_test")
            .await
            .unwrap();
        sql.query_drop(format!("DROP TABLE IF EXISTS client_test.{name}"))
            .await
            .unwrap();
        sql.query_drop(format!(
            "CREATE TABLE client_test.{name} (id BIGINT PRIMARY KEY, v BIGINT, pad VARCHAR(100))"
        ))
        .await
        .unwrap();
        let ids: Vec<i64> = (0..rows).collect();
        for part in ids.chunks(2_000) {
            let values: Vec<String> = part.iter().map(|id| format!("({id},{},'{id:050}')", id * 7)).collect();
            sql.query_drop(format!("INSERT INTO client_test.{name} VALUES {}", values.join(",")))
                .await
                .unwrap();
        }
        let id: Option<i64> = sql
            .query_first(format!(
                "SELECT TIDB_TABLE_ID FROM information_schema.tables WHERE table_schema = 'client_test' AND table_name = '{name}'"
            ))
            .await
            .unwrap();
        sql.disconnect().await.unwrap();
        let table = Table {
            id: id.unwrap(),
            rows,
            name: format!("client_test.{name}"),
        };
        // TiDB answers an INSERT before it has committed all its keys; tests that count what a read meets begin after that.
        let prefix = hex(table.ranges()[0].start());
        eventually(Duration::from_secs(20), "TiDB commits all keys", || {
            let locks = self.control("GET", "/locks?limit=0", &Value::Null);
            let of_table = |lock: &Value| lock["key"].as_str().unwrap().starts_with(&prefix);
            !locks.as_array().unwrap().iter().any(of_table)
        })
        .await;
        table
    }

    pub fn split(&self, table: &Table, handles: impl IntoIterator<Item = i64>) {
        let keys: Vec<String> = handles.into_iter().map(|handle| hex(&table.key(handle))).collect();
        self.control("POST", "/split", &json!({ "keys": keys }));
    }
}

/// Rules of the fault injection; cleared on drop.
pub struct Faults<'a> {
    cluster: &'a Cluster,
}

impl Faults<'_> {
    pub fn hits(&self) -> u64 {
        let rules = self.cluster.control("GET", "/faults", &Value::Null);
        rules
            .as_array()
            .unwrap()
            .iter()
            .map(|rule| rule["hits"].as_u64().unwrap())
            .sum()
    }
}

impl Drop for Faults<'_> {
    fn drop(&mut self) {
        self.cluster.control("DELETE", "/faults", &Value::Null);
    }
}

pub struct Table {
    pub id: i64,
    pub rows: i64,
    pub name: String,
}

impl Table {
    pub fn key(&self, handle: i64) -> Vec<u8> {
        record_key_int(self.id, handle)
    }

    pub fn ranges(&self) -> Vec<KeyRange> {
        vec![KeyRange::below(&record_prefix(self.id))]
    }

    /// The DAG of `SELECT id, v`.
    fn dag(&self) -> Bytes {
        let bigint = |id: i64, handle: bool| tipb::ColumnInfo {
            column_id: Some(id),
            tp: Some(8),
            column_len: Some(20),
            decimal: Some(0),
            flag: Some(if handle { 3 } else { 0 }),
            pk_handle: Some(handle),
            collation: Some(63),
            ..Default::default()
        };
        let scan = tipb::TableScan {
            table_id: Some(self.id),
            columns: vec![bigint(1, true), bigint(2, false)],
            desc: Some(false),
            ..Default::default()
        };
        let executor = tipb::Executor {
            tp: Some(tipb::ExecType::TypeTableScan as i32),
            tbl_scan: Some(scan),
            ..Default::default()
        };
        let dag = tipb::DagRequest {
            executors: vec![executor],
            time_zone_name: Some("UTC".into()),
            flags: Some(226),
            output_offsets: vec![0, 1],
            encode_type: Some(tipb::EncodeType::TypeChunk as i32),
            chunk_memory_layout: Some(tipb::ChunkMemoryLayout {
                endian: Some(tipb::Endian::LittleEndian as i32),
            }),
            ..Default::default()
        };
        dag.encode_to_vec().into()
    }

    pub fn request(&self, start_ts: u64) -> CopRequest {
        CopRequest {
            start_ts,
            dag: self.dag(),
            ranges: self.ranges(),
            points: PointRanges::Keys,
            cuts: Vec::new(),
            paging_size: 256,
            concurrency: 4,
            memory: MemoryBudget::new(4 << 20),
        }
    }

    /// Reads the table at `start_ts`: id -> v.
    pub async fn read(&self, client: &Arc<Client>, start_ts: u64) -> Result<BTreeMap<i64, i64>, ClientError> {
        drain(&mut client.coprocessor(self.request(start_ts))).await
    }

    /// Reads the table now and compares it with what was written.
    pub async fn check(&self, client: &Arc<Client>) {
        let ts = client.timestamp().await.unwrap();
        self.compare(&self.read(client, ts).await.unwrap(), &BTreeMap::new());
    }

    /// `changed`: id -> v where it differs from what was written.
    pub fn compare(&self, found: &BTreeMap<i64, i64>, changed: &BTreeMap<i64, i64>) {
        let expected: BTreeMap<i64, i64> = (0..self.rows)
            .map(|id| (id, changed.get(&id).copied().unwrap_or(id * 7)))
            .collect();
        assert_eq!(found.len(), expected.len(), "number of rows");
        assert!(*found == expected, "rows differ");
    }

    /// A row value (format version 2) with `v` alone.
    pub fn value(v: i64) -> Vec<u8> {
        let mut row = vec![128, 0, 1, 0, 0, 0, 2, 8, 0];
        row.extend(v.to_le_bytes());
        row
    }
}

/// All rows of a stream; a row that comes twice, or out of the order of handles, is an error.
pub async fn drain(stream: &mut CopStream) -> Result<BTreeMap<i64, i64>, ClientError> {
    let mut rows = BTreeMap::new();
    while let Some(answer) = stream.next().await {
        decode_into(&answer?.data, &mut rows);
    }
    Ok(rows)
}

pub fn decode_into(data: &Bytes, rows: &mut BTreeMap<i64, i64>) {
    let response = tipb::SelectResponse::decode(data.clone()).unwrap();
    assert!(response.error.is_none(), "{:?}", response.error);
    assert_eq!(response.encode_type(), tipb::EncodeType::TypeChunk);
    for chunk in response.chunks {
        let mut data = chunk.rows_data.unwrap_or_default();
        let (ids, values) = (column(&mut data), column(&mut data));
        for (id, v) in ids.into_iter().zip(values) {
            let before = rows.last_key_value().map(|(before, _)| *before);
            assert!(before < Some(id), "row {id} came after row {before:?}");
            rows.insert(id, v);
        }
    }
}

/// A BIGINT column without NULLs.
fn column(data: &mut Bytes) -> Vec<i64> {
    let (length, nulls) = (data.get_u32_le(), data.get_u32_le());
    assert_eq!(nulls, 0);
    (0..length).map(|_| data.get_i64_le()).collect()
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Waits until `done`, at most `limit`.
pub async fn eventually(limit: Duration, what: &str, mut done: impl FnMut() -> bool) {
    let started = Instant::now();
    while !done() {
        assert!(started.elapsed() < limit, "{what}: not within {limit:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
