//! A session: one cluster, and everything that is kept for it (connections, region cache, names of tables).
//!
//! Equal configurations share one session while any of its users is alive.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use once_cell::sync::Lazy;
use prost::Message;
use ti_client::{Client, ClientConfig, KeyRange, ReplicaRole, Snapshot, SnapshotGuard, TlsConfig};
use ti_codec::key::record_range;
use ti_proto::kvrpcpb::{CommandPri, IsolationLevel};
use ti_proto::plan;
use tokio::sync::OnceCell;

use crate::catalog::descriptor::TableDescriptor;
use crate::catalog::listing::Catalog;
use crate::catalog::table_info::{DbInfo, TableInfo};
use crate::catalog::{list_namespaces, schema, system_table};
use crate::error::{Error, ErrorKind, Result};
use crate::plan::access::chosen;
use crate::plan::access::predicate::Conditions;
use crate::plan::dag::Wanted;
use crate::plan::rules::Blacklist;
use crate::plan::statistics::{self, Estimate, Pseudo};
use crate::plan::{blacklist, planner, refresh, support};
use crate::runtime::block_on;
use crate::scan::Scan;
use crate::timestamp::ReadTimestamp;
use crate::types::type_options;
use crate::write::{job, WriteJob, Writer};

/// In database `mysql`.
const BLACKLIST: &str = "expr_pushdown_blacklist";

/// Sessions in use, by their configuration.
static SESSIONS: Lazy<Mutex<HashMap<Vec<u8>, Weak<Session>>>> = Lazy::new(Mutex::default);

/// One cluster.
pub struct Session {
    client: Arc<Client>,
    pub(crate) catalog: Catalog,
    pub(crate) read_deadline: Duration,
    /// TiDB's collation framework is decided when a cluster is made.
    new_collation: OnceCell<bool>,
    blacklist: blacklist::Cached,
    /// TiDB's statistics of tables.
    statistics: statistics::Cache,
}

impl Session {
    /// Connects, or joins the session that was opened with an equal configuration. Blocks.
    ///
    /// # Errors
    /// `InvalidArgument` and `Tls` for a configuration that cannot work; `Unavailable`, `Timeout`, `ClusterMismatch` from the cluster.
    pub fn open(config: plan::SessionConfig) -> Result<Arc<Session>> {
        let key = fingerprint(&config);
        let find = || lock().get(&key).and_then(Weak::upgrade);
        if let Some(session) = find() {
            return Ok(session);
        }
        let config = client_config(config)?;
        let read_deadline = config.read_deadline;
        let client = block_on(async { Ok(Client::connect(config).await?) })?;
        let session = Arc::new(Session {
            client,
            catalog: Catalog::default(),
            read_deadline,
            new_collation: OnceCell::new(),
            blacklist: blacklist::Cached::default(),
            statistics: statistics::Cache::default(),
        });
        let mut sessions = lock();
        sessions.retain(|_, session| session.strong_count() > 0);
        if let Some(other) = sessions.get(&key).and_then(Weak::upgrade) {
            // Another thread was faster.
            return Ok(other);
        }
        sessions.insert(key, Arc::downgrade(&session));
        Ok(session)
    }

    /// A fresh timestamp of PD. Blocks.
    pub fn timestamp(&self) -> Result<u64> {
        block_on(async { Ok(self.client.timestamp().await?) })
    }

    /// Databases. Blocks.
    pub fn list_namespaces(&self, request: plan::ListNamespacesRequest) -> Result<plan::NamespaceList> {
        block_on(async {
            let (_, mut snapshot) = self.snapshot(request.read_timestamp).await?;
            list_namespaces(snapshot.as_mut(), request.include_system).await
        })
    }

    /// Tables, views and sequences of a database. Blocks.
    pub fn list_tables(&self, request: plan::ListTablesRequest) -> Result<plan::TableList> {
        block_on(async {
            let (_, mut snapshot) = self.snapshot(request.read_timestamp).await?;
            self.catalog
                .list_tables(snapshot.as_mut(), &request.database, request.case_sensitive)
                .await
        })
    }

    /// One table's schema. Blocks.
    pub fn load_table(&self, request: plan::LoadTableRequest) -> Result<plan::TableSchema> {
        let types = type_options(request.types.as_ref())?;
        block_on(async {
            let (ts, mut snapshot) = self.snapshot(request.read_timestamp).await?;
            let (db, table) = self
                .catalog
                .find_table(
                    snapshot.as_mut(),
                    &request.database,
                    &request.table,
                    request.case_sensitive,
                )
                .await?;
            schema::table_schema(&db, &table, ts, &types, request.show_rowid)
        })
    }

    /// How to read a table: snapshot, request, regions. Blocks.
    pub fn plan(&self, spec: plan::ScanSpec) -> Result<plan::ScanPlan> {
        planner::check(&spec)?;
        block_on(async {
            let start_ts = ReadTimestamp::from(spec.read_timestamp).resolve(&self.client).await?;
            let new_collation = self.new_collation(start_ts).await?;
            let spec = self.as_of(spec, start_ts).await?;
            let table = TableDescriptor::from_bytes(&spec.table)?;
            let types = type_options(spec.types.as_ref())?;
            let statistics = if chosen::needs_statistics(&table, &spec, &types, new_collation) {
                let source = self.statistics_source(start_ts, new_collation);
                self.statistics.get(&source, &table).await
            } else {
                None
            };
            let pseudo = Pseudo::default();
            let estimate: &dyn Estimate = match &statistics {
                Some(statistics) => statistics.as_ref(),
                None => &pseudo,
            };
            planner::plan(
                &self.client,
                &spec,
                start_ts,
                new_collation,
                self.read_deadline,
                estimate,
            )
            .await
        })
    }

    /// What of a scan the stores can do. Blocks.
    pub fn check(&self, spec: plan::ScanSpec) -> Result<plan::ScanSupport> {
        let blacklist = block_on(self.blacklist.get(|| self.read_blacklist()))?;
        support::check(&spec, blacklist)
    }

    /// What TiDB's statistics say of a scan, as of now or of a snapshot of its own. Blocks.
    pub fn statistics(&self, spec: plan::ScanSpec) -> Result<plan::TableStatistics> {
        let table = TableDescriptor::from_bytes(&spec.table)?;
        let types = type_options(spec.types.as_ref())?;
        if !spec.push_down.as_ref().is_some_and(|p| p.statistics) || table.refusal.is_some() {
            return Ok(plan::TableStatistics::default());
        }
        let wanted = Wanted::new(&table, &spec.columns, &types)?;
        block_on(async {
            let ts = ReadTimestamp::from(spec.read_timestamp).resolve(&self.client).await?;
            let new_collation = self.new_collation(ts).await?;
            let source = self.statistics_source(ts, new_collation);
            let Some(known) = self.statistics.get(&source, &table).await else {
                return Ok(plan::TableStatistics::default());
            };
            let conditions = chosen::conditions(&table, &spec, &types);
            let columns = if wanted.count_only {
                Vec::new()
            } else {
                wanted.distinct()
            };
            let stored = self.stored_bytes(&table, &conditions).await;
            Ok(known.answer(&table, &columns, &conditions, &types, new_collation, stored))
        })
    }

    /// Bytes that the table has at least, by PD; 0 where that is not known or not worth a question.
    async fn stored_bytes(&self, table: &TableDescriptor, conditions: &Conditions<'_>) -> u64 {
        if conditions.never {
            return 0;
        }
        let mut ids = table.physical_ids();
        ids.sort_unstable();
        let rows = |id| {
            let (start, end) = record_range(id);
            KeyRange::interval(start, end)
        };
        let ranges: Vec<KeyRange> = ids.into_iter().map(rows).collect();
        self.client.stored_bytes(&ranges).await.unwrap_or_else(|error| {
            tracing::warn!(
                error = error.message(),
                "PD does not tell the sizes of regions; a table is taken for as large as TiDB's statistics say"
            );
            0
        })
    }

    /// Keeps the versions that the snapshot `start_ts` needs in the cluster until the guard is dropped. Blocks.
    ///
    /// # Errors
    /// `GcSafePoint` when garbage collection has passed the snapshot already.
    pub fn protect(&self, start_ts: u64) -> Result<SnapshotGuard> {
        block_on(async { Ok(self.client.protect(start_ts).await?) })
    }

    /// The spec with the table as of `start_ts`, see [`refresh`].
    async fn as_of(&self, mut spec: plan::ScanSpec, start_ts: u64) -> Result<plan::ScanSpec> {
        if spec.schema_ts == 0 || spec.schema_ts == start_ts {
            return Ok(spec);
        }
        let then = TableDescriptor::from_bytes(&spec.table)?;
        let mut snapshot = self.client.snapshot(start_ts).await?;
        let (db, table) = self
            .catalog
            .find_table(snapshot.as_mut(), &then.database, &then.table, true)
            .await?;
        let now = schema::descriptor(&db, &table)?;
        refresh::check(&then, &now, &spec, &type_options(spec.types.as_ref())?)?;
        spec.table = now.to_bytes()?;
        Ok(spec)
    }

    fn statistics_source(&self, ts: u64, new_collation: bool) -> statistics::Source<'_> {
        statistics::Source {
            client: &self.client,
            catalog: &self.catalog,
            ts,
            new_collation,
            deadline: self.read_deadline,
        }
    }

    /// Starts reading one partition of a plan. Does not wait for the cluster.
    pub fn open_scan(self: &Arc<Self>, open: plan::ScanOpen) -> Result<Scan> {
        Scan::open(self.client.clone(), &open)
    }

    /// What a write of some shape asks of Spark's plan: columns that rows are clustered by, generated and missing columns. Blocks.
    ///
    /// # Errors
    /// What cannot be written, by name.
    pub fn check_write(&self, spec: plan::WriteSpec) -> Result<plan::WriteInfo> {
        job::check_write(self, &spec)
    }

    /// Begins a write: one transaction. Blocks.
    ///
    /// # Errors
    /// As [`Session::check_write`], and `InvalidArgument` for a column that is missing.
    pub fn begin_write(&self, spec: plan::WriteSpec) -> Result<WriteJob> {
        job::begin(self, spec)
    }

    /// Opens a task of a write. Does not wait for the cluster.
    pub fn open_writer(&self, open: plan::WriterOpen) -> Result<Writer> {
        Writer::open(self.client.clone(), open)
    }

    /// The client of the session's cluster.
    pub fn client(&self) -> &Arc<Client> {
        &self.client
    }

    pub(crate) async fn snapshot(&self, at: Option<plan::ReadTimestamp>) -> Result<(u64, Box<dyn Snapshot>)> {
        let ts = ReadTimestamp::from(at).resolve(&self.client).await?;
        Ok((ts, self.client.snapshot(ts).await?))
    }

    /// The table that a write names.
    pub(crate) async fn find_table(
        &self,
        snapshot: &mut dyn Snapshot,
        spec: &plan::WriteSpec,
    ) -> Result<(DbInfo, TableInfo)> {
        self.catalog
            .find_table(snapshot, &spec.database, &spec.table, spec.case_sensitive)
            .await
    }

    /// Functions that TiDB's administrator keeps from TiKV.
    async fn read_blacklist(&self) -> Result<Blacklist> {
        let ts = self.client.timestamp().await?;
        let mut snapshot = self.client.snapshot(ts).await?;
        let found = self
            .catalog
            .find_table(snapshot.as_mut(), "mysql", BLACKLIST, false)
            .await;
        let (db, table) = match found {
            Ok(found) => found,
            // Versions before 4.0 do not have it.
            Err(e) if e.kind == ErrorKind::TableNotFound => return Ok(Blacklist::new()),
            Err(e) => return Err(e.context("TiDB's table of functions that are not pushed down cannot be read")),
        };
        let table = schema::descriptor(&db, &table)?;
        let rows = system_table::rows(&self.client, &table, &["name", "store_type"], ts).await?;
        Ok(blacklist::of_rows(&rows))
    }

    /// Is TiDB's new collation framework on? Read once.
    pub(crate) async fn new_collation(&self, ts: u64) -> Result<bool> {
        let read = || async {
            let mut snapshot = self.client.snapshot(ts).await?;
            let table = self.catalog.find_table(snapshot.as_mut(), "mysql", "tidb", false).await;
            let (db, table) = table.map_err(|e| e.context("TiDB's system table cannot be read"))?;
            let table = schema::descriptor(&db, &table)?;
            crate::catalog::collation::read_framework(&self.client, &table, ts).await
        };
        self.new_collation.get_or_try_init(read).await.copied()
    }
}

fn lock() -> std::sync::MutexGuard<'static, HashMap<Vec<u8>, Weak<Session>>> {
    SESSIONS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Equal for equal configurations: the map of hosts has no order of its own.
fn fingerprint(config: &plan::SessionConfig) -> Vec<u8> {
    let mut plain = config.clone();
    let mut hosts: Vec<(String, String)> = plain.host_mapping.drain().collect();
    hosts.sort();
    let mut key = plain.encode_to_vec();
    for (from, to) in hosts {
        key.extend_from_slice(format!("\n{from}={to}").as_bytes());
    }
    key
}

/// Checks the configuration and names the key of a bad one as users write it.
pub(crate) fn client_config(config: plan::SessionConfig) -> Result<ClientConfig> {
    let invalid = |message: String| Error::new(ErrorKind::InvalidArgument, message);
    let addresses: Vec<String> = config
        .pd_addresses
        .iter()
        .map(|a| a.trim().to_owned())
        .filter(|a| !a.is_empty())
        .collect();
    if addresses.is_empty() {
        return Err(invalid(
            "pd.addresses is not set: give host:port of at least one PD member, separated by commas".into(),
        ));
    }
    let millis = |key: &str, value: u64| match value {
        0 => Err(invalid(format!(
            "{key} is 0: it must be a positive number of milliseconds"
        ))),
        value => Ok(Duration::from_millis(value)),
    };
    let priority = match config.command_priority.to_ascii_lowercase().as_str() {
        "low" => CommandPri::Low,
        "normal" => CommandPri::Normal,
        "high" => CommandPri::High,
        other => {
            return Err(invalid(format!(
                "request.command.priority is `{other}`: it must be Low, Normal or High"
            )))
        }
    };
    let isolation = match config.isolation_level.to_ascii_uppercase().as_str() {
        "SI" => IsolationLevel::Si,
        "RC" => IsolationLevel::Rc,
        other => {
            return Err(invalid(format!(
                "request.isolation.level is `{other}`: it must be SI or RC"
            )))
        }
    };
    let replica = |name: &String| match name.to_ascii_lowercase().as_str() {
        "follower" => Ok(ReplicaRole::Follower),
        "learner" => Ok(ReplicaRole::Learner),
        other => Err(invalid(format!(
            "replica_read has `{other}`: it must be follower or learner, or empty for leaders"
        ))),
    };
    Ok(ClientConfig {
        pd_addresses: addresses,
        tls: config.tls.map(tls_config).transpose()?,
        request_timeout: millis("request.timeout", config.request_timeout_ms)?,
        read_deadline: millis("deadline.read", config.read_deadline_ms)?,
        connect_timeout: millis("connect.timeout", config.connect_timeout_ms)?,
        priority,
        isolation,
        replica_read: config.replica_read.iter().map(replica).collect::<Result<_>>()?,
        host_mapping: config.host_mapping,
    })
}

/// The files of TLS: the CA alone, or all three.
pub(crate) fn tls_config(tls: plan::Tls) -> Result<TlsConfig> {
    let path = |text: String| (!text.is_empty()).then(|| PathBuf::from(text));
    let tls = TlsConfig {
        ca: path(tls.ca_path),
        cert: path(tls.cert_path),
        key: path(tls.key_path),
    };
    let missing = match (&tls.ca, &tls.cert, &tls.key) {
        (None, _, _) => Some("tls.ca is not set: TLS needs the certificate of the CA"),
        (_, Some(_), None) => Some("tls.cert is set without tls.key: set both for mutual TLS, or none of them"),
        (_, None, Some(_)) => Some("tls.key is set without tls.cert: set both for mutual TLS, or none of them"),
        _ => None,
    };
    match missing {
        Some(message) => Err(Error::new(ErrorKind::InvalidArgument, message)),
        None => Ok(tls),
    }
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
