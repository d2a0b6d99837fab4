#![forbid(unsafe_code)]
//! What TiDB means: sessions, the catalog at a timestamp, planning, the scan pipeline, and writing.
//!
//! ```text
//! Session::open ──> Session ── list_namespaces, list_tables, load_table   (catalog: snapshot of TiDB's meta keys)
//!                      ├────── plan: ScanSpec -> ScanPlan                  (plan: DAG request, regions -> Spark partitions)
//!                      ├────── open_scan: ScanOpen -> Scan ── next, metrics, cancel   (scan: answers -> Arrow batches)
//!                      ├────── begin_write: WriteSpec -> WriteJob ── start_tasks, commit, abort   (write: one transaction)
//!                      └────── open_writer: WriterOpen -> Writer ── write, finish, cancel         (write: Arrow batches -> locks)
//! ```
//!
//! `admin` answers what an administrator asks of a session's cluster. DDL is no business of a session: [`sql::execute`] has TiDB do it.
//!
//! Functions of [`Session`], [`Scan`], [`WriteJob`] and [`Writer`] block and are called from threads that may; the work is done by the threads of
//! [`runtime::runtime`]. Nothing here knows of Spark or the JVM.

pub mod admin;
pub mod catalog;
pub mod error;
pub mod plan;
pub mod runtime;
pub mod scan;
pub mod session;
pub mod sql;
pub mod timestamp;
pub mod types;
pub mod write;

pub use error::{Error, ErrorKind, Result};
pub use scan::{scan_schema, Next, Scan, ScanBatch};
pub use session::Session;
pub use ti_client::SnapshotGuard;
pub use write::{JobState, WriteJob, Writer};
