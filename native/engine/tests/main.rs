//! Tests of the engine on the cluster of `tests/cluster`, in one binary: each one more compiles the MySQL client and what the tests share anew. They
//! run side by side, each in a database of its own; those that set the store's faults hold [`support::only_faults`]. What disturbs the others, or counts
//! requests, is a binary of its own: `cluster_wide`, `cluster_rpc_counts`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod cluster_access;
mod cluster_catalog;
mod cluster_collations;
mod cluster_encoding;
mod cluster_partitions;
mod cluster_pushdown;
mod cluster_pushdown_page;
mod cluster_pushdown_random;
mod cluster_pushdown_rules;
mod cluster_scan;
mod cluster_snapshot;
mod cluster_sql;
mod cluster_sql_tls;
mod cluster_statistics;
mod cluster_stream;
mod cluster_tasks;
mod cluster_write;
mod cluster_write_delta;
mod cluster_write_delta_jobs;
mod cluster_write_delta_random;
mod cluster_write_jobs;
mod cluster_write_modes;
mod cluster_write_random;
mod support;
