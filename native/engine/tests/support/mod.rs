//! What the tests on a cluster share: its addresses, SQL through TiDB (the oracle), and reading through the engine.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

pub mod access;
pub mod delta;
pub mod fill;
pub mod push;
pub mod push_table;
pub mod raw;
pub mod reference;
pub mod render;
pub mod shape;
pub mod write;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arrow_array::RecordBatch;
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, OptsBuilder, Value};
use ti_engine::{Next, Result, Session};
use ti_proto::plan;
use tokio::runtime::Runtime;

/// A row of text values, NULL as `None`.
pub type Row = Vec<Option<String>>;

/// A cluster, a connection to its TiDB, and a database for one test.
pub struct Cluster {
    pub session: Arc<Session>,
    pub database: String,
    pub status: serde_json::Value,
    runtime: Runtime,
    connection: std::sync::Mutex<Conn>,
}

/// Setting the store's faults replaces those of another test: held for as long as they are set.
static FAULTS: Mutex<()> = Mutex::new(());

/// The only test that sets faults, until it is dropped.
pub fn only_faults() -> MutexGuard<'static, ()> {
    FAULTS.lock().unwrap_or_else(PoisonError::into_inner)
}

static DATABASES: AtomicU32 = AtomicU32::new(0);

fn status() -> serde_json::Value {
    let path = std::env::var("TIDB_SPARK_CLUSTER_STATUS").unwrap_or_else(|_| {
        panic!(
            "TIDB_SPARK_CLUSTER_STATUS is not set: these tests need a cluster. `make test` starts one; or start one with \
             `make cluster-up` and set the variable to the file with its status in JSON"
        )
    });
    let text = std::fs::read(&path).unwrap_or_else(|e| panic!("the cluster's status file {path}: {e}"));
    serde_json::from_slice(&text).unwrap_or_else(|e| panic!("the cluster's status file {path}: {e}"))
}

/// PD's addresses.
pub fn pd_addresses(status: &serde_json::Value) -> Vec<String> {
    let addresses = status["pd"]["addresses"]
        .as_array()
        .expect("pd.addresses in the status");
    addresses
        .iter()
        .map(|a| a.as_str().expect("an address").to_owned())
        .collect()
}

/// A configuration as the JVM sends it.
pub fn config(pd_addresses: Vec<String>) -> plan::SessionConfig {
    plan::SessionConfig {
        pd_addresses,
        request_timeout_ms: 20_000,
        read_deadline_ms: 60_000,
        connect_timeout_ms: 5_000,
        command_priority: "Low".into(),
        isolation_level: "SI".into(),
        ..Default::default()
    }
}

impl Cluster {
    /// Connects to the cluster of the tests, and makes a database of its own for the test.
    pub fn new(test: &str) -> Self {
        Self::at(status(), test)
    }

    /// The same for a cluster with another status.
    pub fn at(status: serde_json::Value, test: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let options = OptsBuilder::default()
            .ip_or_hostname(status["tidb"]["host"].as_str().expect("tidb.host"))
            .tcp_port(u16::try_from(status["tidb"]["port"].as_u64().expect("tidb.port")).unwrap())
            .user(Some("root"))
            .init(vec!["SET time_zone = '+00:00'", "SET sql_mode = ''"]);
        let connection = runtime.block_on(Conn::new(options)).expect("TiDB");
        let number = DATABASES.fetch_add(1, Ordering::Relaxed);
        let database = format!("engine_{test}_{}_{number}", std::process::id());
        let session = Session::open(config(pd_addresses(&status))).expect("a session");
        let cluster = Self {
            session,
            database,
            status,
            runtime,
            connection: connection.into(),
        };
        cluster.sql(&format!("CREATE DATABASE {}", cluster.database));
        cluster.sql(&format!("USE {}", cluster.database));
        cluster
    }

    /// Has the store answer the table's next coprocessor request late.
    pub fn delay_answers(&self, table_id: i64, delay: Duration) {
        self.faults(&serde_json::json!([
            {"method": "Coprocessor", "kind": "delay", "ms": delay.as_millis(), "count": 1, "table_id": table_id}
        ]));
    }

    /// Replaces the store's faults.
    pub fn faults(&self, rules: &serde_json::Value) {
        self.control("POST", "/faults", &rules.to_string());
    }

    /// A request to the store's control port.
    pub fn control(&self, method: &str, path: &str, body: &str) -> serde_json::Value {
        let control = self.status["store"]["control"].as_str().expect("store.control");
        http(
            control.strip_prefix("http://").expect("an http address"),
            method,
            path,
            body,
        )
    }

    /// Runs statements.
    pub fn sql(&self, statement: &str) {
        let mut connection = self.connection.lock().unwrap();
        let done = self.runtime.block_on(connection.query_drop(statement));
        done.unwrap_or_else(|e| panic!("{}: {e}", statement.chars().take(300).collect::<String>()));
    }

    /// Runs statements that may fail: the number of TiDB's error.
    pub fn try_sql(&self, statement: &str) -> std::result::Result<(), u16> {
        let mut connection = self.connection.lock().unwrap();
        match self.runtime.block_on(connection.query_drop(statement)) {
            Ok(()) => Ok(()),
            Err(mysql_async::Error::Server(error)) => Err(error.code),
            Err(error) => panic!("{}: {error}", statement.chars().take(300).collect::<String>()),
        }
    }

    /// Rows as TiDB prints them.
    pub fn rows(&self, query: &str) -> Vec<Row> {
        let text = |value: Value| match value {
            Value::NULL => None,
            Value::Bytes(bytes) => Some(render::text_or_hex(&bytes)),
            other => panic!("the text protocol answered {other:?}"),
        };
        let mut connection = self.connection.lock().unwrap();
        let rows: Vec<mysql_async::Row> = self
            .runtime
            .block_on(connection.query(query))
            .unwrap_or_else(|e| panic!("{query}: {e}"));
        rows.into_iter()
            .map(|row| row.unwrap().into_iter().map(text).collect())
            .collect()
    }

    /// One value as TiDB prints it.
    pub fn value(&self, query: &str) -> String {
        self.rows(query)
            .pop()
            .and_then(|mut row| row.pop())
            .flatten()
            .expect("a value")
    }

    /// A table's schema.
    pub fn load(&self, table: &str) -> Result<plan::TableSchema> {
        self.load_with(table, |_| ())
    }

    /// A table's schema, with other options.
    pub fn load_with(
        &self,
        table: &str,
        change: impl FnOnce(&mut plan::LoadTableRequest),
    ) -> Result<plan::TableSchema> {
        let mut request = plan::LoadTableRequest {
            database: self.database.clone(),
            table: table.into(),
            ..Default::default()
        };
        change(&mut request);
        self.session.load_table(request)
    }

    /// The plan of reading columns at the schema's timestamp.
    pub fn plan(&self, schema: &plan::TableSchema, columns: &[&str]) -> Result<plan::ScanPlan> {
        self.plan_with(schema, columns, |_| ())
    }

    /// The same with other options.
    pub fn plan_with(
        &self,
        schema: &plan::TableSchema,
        columns: &[&str],
        change: impl FnOnce(&mut plan::ScanSpec),
    ) -> Result<plan::ScanPlan> {
        let mut spec = plan::ScanSpec {
            table: schema.table_descriptor.clone(),
            read_timestamp: Some(tso(schema.schema_ts)),
            columns: columns.iter().map(|c| (*c).to_owned()).collect(),
            partition_bytes: 96 << 20,
            parallelism: 2,
            ..Default::default()
        };
        change(&mut spec);
        self.session.plan(spec)
    }

    /// All batches of a plan, partition by partition.
    pub fn batches(&self, plan: &plan::ScanPlan) -> Result<Vec<RecordBatch>> {
        let mut batches = Vec::new();
        for partition in &plan.partitions {
            let scan = self.session.open_scan(open(plan, partition))?;
            loop {
                match scan.next(Duration::from_secs(30))? {
                    Next::Batch(batch) => batches.push(batch.batch),
                    Next::Pending => panic!("no batch within 30 s"),
                    Next::End => break,
                }
            }
        }
        Ok(batches)
    }

    /// Reads columns of a table as of now through the engine: rows as text.
    pub fn read(&self, table: &str, columns: &[&str]) -> Vec<Row> {
        let schema = self.load(table).unwrap_or_else(|e| panic!("{table}: {e}"));
        let plan = self.plan(&schema, columns).unwrap_or_else(|e| panic!("{table}: {e}"));
        let batches = self.batches(&plan).unwrap_or_else(|e| panic!("{table}: {e}"));
        batches.iter().flat_map(render::rows).collect()
    }

    /// All columns of a table.
    pub fn columns(&self, table: &str) -> Vec<String> {
        self.load(table).unwrap().columns.into_iter().map(|c| c.name).collect()
    }

    /// Reads the whole table through the engine and through TiDB and compares the rows, in any order; also their number.
    pub fn assert_equal(&self, table: &str) -> usize {
        let columns = self.columns(table);
        let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
        self.assert_columns_equal(table, &columns)
    }

    /// The same for some columns.
    pub fn assert_columns_equal(&self, table: &str, columns: &[&str]) -> usize {
        let bits: Vec<String> = self
            .load(table)
            .unwrap()
            .columns
            .into_iter()
            .filter(|c| c.mysql_type.starts_with("bit"))
            .map(|c| c.name)
            .collect();
        // TiDB prints a BIT as its bytes.
        let shown = |c: &&str| {
            if bits.iter().any(|bit| bit == c) {
                format!("`{c}` + 0")
            } else {
                format!("`{c}`")
            }
        };
        let list: Vec<String> = columns.iter().map(shown).collect();
        let mut expected = self.rows(&format!("SELECT {} FROM `{table}`", list.join(", ")));
        let mut actual = self.read(table, columns);
        expected.sort();
        actual.sort();
        assert_eq!(actual.len(), expected.len(), "number of rows of {table}");
        for (actual, expected) in actual.iter().zip(&expected) {
            for ((actual, expected), column) in actual.iter().zip(expected).zip(columns) {
                assert!(
                    render::same(actual, expected),
                    "{table}.{column}: read {actual:?}, TiDB says {expected:?}"
                );
            }
        }
        assert_eq!(self.count(table), expected.len(), "COUNT(*) of {table}");
        expected.len()
    }

    /// COUNT(*) through the engine.
    pub fn count(&self, table: &str) -> usize {
        let schema = self.load(table).unwrap();
        let plan = self.plan(&schema, &[]).unwrap();
        let batches = self
            .batches(&plan)
            .unwrap_or_else(|e| panic!("COUNT(*) of {table}: {e}"));
        assert!(batches.iter().all(|b| b.num_columns() == 0));
        batches.iter().map(RecordBatch::num_rows).sum()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.sql(&format!("DROP DATABASE {}", self.database));
        }
    }
}

/// A request over HTTP; the answer must be JSON of status 200.
pub fn http(address: &str, method: &str, path: &str, body: &str) -> serde_json::Value {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(address).unwrap_or_else(|e| panic!("{address}: {e}"));
    // Protocol 1.0: the answer is not sent in chunks.
    write!(
        stream,
        "{method} {path} HTTP/1.0\r\nHost: {address}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    assert!(head.lines().next().unwrap().contains(" 200 "), "{answer}");
    serde_json::from_str(body).unwrap_or_else(|e| panic!("{answer}: {e}"))
}

/// A timestamp of PD.
pub fn tso(tso: u64) -> plan::ReadTimestamp {
    plan::ReadTimestamp {
        at: Some(plan::read_timestamp::At::Tso(tso)),
    }
}

/// How a Spark task opens its partition.
pub fn open(plan: &plan::ScanPlan, partition: &plan::ScanPartition) -> plan::ScanOpen {
    plan::ScanOpen {
        common: plan.common.clone(),
        tasks: partition.tasks.clone(),
        memory_bytes: 64 << 20,
        batch_rows: 8192,
        concurrency: 2,
    }
}

/// Requests that PD has begun to serve, by method.
pub fn pd_requests(pd: &str) -> std::collections::BTreeMap<String, i64> {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(pd).unwrap();
    write!(stream, "GET /metrics HTTP/1.0\r\nHost: {pd}\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text.lines()
        .filter_map(|line| {
            let (labels, value) = line.strip_prefix("grpc_server_started_total{")?.split_once("} ")?;
            let method = labels.split("grpc_method=\"").nth(1)?.split('"').next()?;
            Some((method.to_owned(), value.trim().parse::<f64>().ok()? as i64))
        })
        .collect()
}
