//! A table that is written by transactions of ours, and what is known of it outside.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use mysql_async::prelude::Queryable;
use serde_json::Value;
use ti_client::{
    BatchOptions, Client, ClientError, Mutation, MutationOp, PrewriteOptions, PrewriteStats, Transaction, TxnOptions,
};

use crate::common::{cluster, Cluster, Table};

/// Rows with handles below this are in the table before; transactions write above.
pub const ROWS: i64 = 200;

pub struct Scene {
    pub cluster: Cluster,
    pub table: Table,
    pub client: Arc<Client>,
}

/// Steps that take a few seconds at most.
pub fn options() -> TxnOptions {
    TxnOptions {
        deadline: Duration::from_secs(30),
        ..TxnOptions::default()
    }
}

/// Small requests, so that there are many.
pub fn small() -> PrewriteOptions {
    PrewriteOptions {
        request_bytes: 1 << 10,
        concurrency: 4,
        deadline: Duration::from_secs(30),
        ..PrewriteOptions::default()
    }
}

pub fn batches() -> BatchOptions {
    BatchOptions {
        request_keys: 100,
        concurrency: 4,
        deadline: Duration::from_secs(30),
    }
}

impl Scene {
    pub async fn new(name: &str) -> Self {
        let cluster = cluster();
        let table = cluster.table(name, ROWS).await;
        cluster.split(&table, [100, 700, 1_500]);
        let client = cluster.client().await;
        Self { cluster, table, client }
    }

    /// The primary: a handle that no row has.
    pub fn primary(&self) -> Bytes {
        self.table.key(-1 - fastrand::i64(0..1 << 40)).into()
    }

    pub async fn begin(&self, options: TxnOptions) -> Transaction {
        let primary = self.primary();
        self.client.begin(|_| primary, options).await.unwrap()
    }

    /// Inserts of v = handle * 7.
    pub fn inserts(&self, handles: impl IntoIterator<Item = i64>) -> Vec<Mutation> {
        handles
            .into_iter()
            .map(|handle| Mutation::new(MutationOp::Insert, self.table.key(handle), Table::value(handle * 7)))
            .collect()
    }

    pub async fn prewrite(&self, txn: &Transaction, mutations: Vec<Mutation>) -> Result<PrewriteStats, ClientError> {
        self.client.prewrite(txn.info(), mutations, &small()).await
    }

    /// Keys that the stores hold locked for the transaction, by their own list.
    pub fn locked(&self, start_ts: u64) -> BTreeSet<String> {
        let locks = self.cluster.control("GET", "/locks?limit=0", &Value::Null);
        let of = |lock: &&Value| lock["start_ts"].as_u64() == Some(start_ts);
        let locks = locks.as_array().unwrap();
        locks
            .iter()
            .filter(of)
            .map(|lock| lock["key"].as_str().unwrap().to_string())
            .collect()
    }

    /// All that the transaction has locked in the table, by ScanLock.
    pub async fn scanned(&self, start_ts: u64) -> Vec<Bytes> {
        let mut keys = Vec::new();
        self.client
            .scan_locks(start_ts, self.table.ranges(), &batches(), |page| keys.extend(page))
            .await
            .unwrap();
        keys.sort();
        keys
    }

    /// Resolves all that is left, and checks that nothing is.
    pub async fn resolve(&self, start_ts: u64, commit_ts: u64) {
        self.client
            .resolve_ranges(start_ts, commit_ts, self.table.ranges(), &batches())
            .await
            .unwrap();
        assert_eq!(self.locked(start_ts).len(), 0, "locks after resolving");
    }

    /// TiDB sees exactly the rows that were there before and those of `handles`.
    pub async fn expect(&self, handles: impl IntoIterator<Item = i64>) {
        let mut sql = self.cluster.sql().await;
        let found: Vec<(i64, i64)> = sql
            .query(format!("SELECT id, v FROM {} ORDER BY id", self.table.name))
            .await
            .unwrap();
        let expected: Vec<(i64, i64)> = (0..ROWS).chain(handles).map(|id| (id, id * 7)).collect();
        assert_eq!(found.len(), expected.len(), "number of rows");
        assert!(found == expected, "rows differ");
        sql.query_drop(format!("ADMIN CHECK TABLE {}", self.table.name))
            .await
            .unwrap();
        sql.disconnect().await.unwrap();
    }

    /// Commits, resolves, closes and checks.
    pub async fn finish(&self, txn: &Transaction, handles: impl IntoIterator<Item = i64>) {
        let done = txn.commit(|_| async { Ok::<(), ClientError>(()) }).await.unwrap();
        assert!(done.commit_ts > txn.info().start_ts);
        self.resolve(txn.info().start_ts, done.commit_ts).await;
        txn.close().await.unwrap();
        self.expect(handles).await;
    }

    /// Service safe points that PD knows, of our transactions: id and TSO.
    pub fn service_safe_points(&self) -> Vec<(String, u64)> {
        let mut stream = TcpStream::connect(&self.cluster.pd[0]).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        write!(stream, "GET /pd/api/v1/gc/safepoint HTTP/1.0\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (_, json) = answer.split_once("\r\n\r\n").unwrap();
        let all: Value = serde_json::from_str(json).unwrap();
        let list = all["service_gc_safe_points"].as_array().unwrap().clone();
        list.iter()
            .map(|one| {
                (
                    one["service_id"].as_str().unwrap().to_string(),
                    one["safe_point"].as_u64().unwrap(),
                )
            })
            .filter(|(id, _)| id.starts_with("tidb-spark-"))
            .collect()
    }
}
