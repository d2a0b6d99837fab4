//! Tests of the client on the cluster of `tests/cluster`, in one binary: each one more compiles the MySQL client and what the tests share anew. They
//! disturb the cluster, so each of them holds [`common::ALONE`].
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod cluster_connect;
mod cluster_locks;
mod cluster_scan;
mod cluster_tls;
mod cluster_txn;
mod cluster_txn_given;
mod cluster_txn_settle;
mod common;
mod needs_faults;
mod needs_tikv;
