//! Statistics of a session, by table.
//!
//! ```text
//! fresh in the cache? -- no --> stats_meta --same version?-- yes --> kept on
//!                                             no --> histograms, buckets, frequent values at once
//! ```
//! Statistics that cannot be read are none: a plan may be slower without them, and never wrong.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arrow_array::RecordBatch;
use ti_client::Client;
use ti_proto::expr::{call, column, long};
use ti_proto::plan;

use super::load::{self, Meta};
use super::{Pseudo, TableStatistics};
use crate::catalog::descriptor::TableDescriptor;
use crate::catalog::listing::Catalog;
use crate::catalog::schema;
use crate::error::Result;
use crate::plan::planner;
use crate::scan::collect::collect;

/// TiDB writes its counts about once a minute.
const FRESH: Duration = Duration::from_secs(60);
/// Tables that are remembered.
const TABLES_MAX: usize = 1000;

struct Entry {
    asked: Instant,
    meta: Meta,
    statistics: Option<Arc<TableStatistics>>,
}

/// Statistics by table id.
#[derive(Default)]
pub struct Cache {
    tables: Mutex<HashMap<i64, Entry>>,
}

/// Where statistics are read.
pub struct Source<'a> {
    /// The cluster.
    pub client: &'a Arc<Client>,
    /// Finds the system tables.
    pub catalog: &'a Catalog,
    /// The snapshot.
    pub ts: u64,
    /// TiDB's collation framework.
    pub new_collation: bool,
    /// Everything that one read waits for.
    pub deadline: Duration,
}

impl Cache {
    /// The statistics of a table; `None` when TiDB has none, or they cannot be read.
    pub async fn get(&self, source: &Source<'_>, table: &TableDescriptor) -> Option<Arc<TableStatistics>> {
        let id = table.table_id;
        if let Some(fresh) = self.look_up(id, |entry| entry.asked.elapsed() < FRESH) {
            return fresh;
        }
        let loaded = match self.load(source, table).await {
            Ok(loaded) => loaded,
            Err(error) => {
                tracing::warn!(table = %table.table, %error, "TiDB's statistics cannot be read; plans are made without them");
                None
            }
        };
        let (meta, statistics) = loaded.unzip();
        let entry = Entry {
            asked: Instant::now(),
            meta: meta.unwrap_or_default(),
            statistics: statistics.clone(),
        };
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        if tables.len() >= TABLES_MAX {
            tables.retain(|_, entry| entry.asked.elapsed() < FRESH);
        }
        if tables.len() < TABLES_MAX {
            tables.insert(id, entry);
        }
        statistics
    }

    fn look_up(&self, id: i64, wanted: impl Fn(&Entry) -> bool) -> Option<Option<Arc<TableStatistics>>> {
        let tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = tables.get(&id).filter(|entry| wanted(entry));
        entry.map(|entry| entry.statistics.clone())
    }

    async fn load(&self, source: &Source<'_>, table: &TableDescriptor) -> Result<Option<(Meta, Arc<TableStatistics>)>> {
        let id = table.table_id;
        let partitions = table.partitions.iter().flatten().map(|p| p.id);
        let ids: Vec<i64> = std::iter::once(id).chain(partitions).collect();
        let metas = load::metas(&source.read("stats_meta", &load::META_COLUMNS, &ids).await?);
        let Some(meta) = load::of_table(id, &metas) else {
            return Ok(None);
        };
        if let Some(Some(same)) = self.look_up(id, |entry| entry.meta.version == meta.version) {
            return Ok(Some((meta, same)));
        }
        let one = [id];
        let (histograms, buckets, top) = tokio::try_join!(
            source.read("stats_histograms", &load::HISTOGRAM_COLUMNS, &one),
            source.read("stats_buckets", &load::BUCKET_COLUMNS, &one),
            source.read("stats_top_n", &load::TOP_COLUMNS, &one),
        )?;
        let mut histograms = load::histograms(&histograms);
        load::add_buckets(&mut histograms, table, &buckets);
        load::add_top(&mut histograms, &top);
        let statistics = TableStatistics {
            rows: meta.count as f64,
            histograms,
        };
        Ok(Some((meta, Arc::new(statistics))))
    }
}

impl Source<'_> {
    /// The rows of a system table that are about these tables.
    async fn read(&self, name: &str, columns: &[&str], table_ids: &[i64]) -> Result<Vec<RecordBatch>> {
        let mut snapshot = self.client.snapshot(self.ts).await?;
        let (db, info) = self.catalog.find_table(snapshot.as_mut(), "mysql", name, false).await?;
        let arguments = std::iter::once(column("table_id")).chain(table_ids.iter().map(|id| long(*id)));
        let spec = plan::ScanSpec {
            table: schema::descriptor(&db, &info)?.to_bytes()?,
            columns: columns
                .iter()
                .map(|c| (*c).to_owned())
                .chain(["table_id".into()])
                .collect(),
            partition_bytes: u64::MAX,
            parallelism: 1,
            // What the ranges let through is looked at again below.
            runtime_filters: vec![call("IN", arguments.collect())],
            push_down: Some(plan::PushDown {
                filters: true,
                index_read: true,
                index_first: true,
                ..Default::default()
            }),
            ..Default::default()
        };
        let plan = planner::plan(
            self.client,
            &spec,
            self.ts,
            self.new_collation,
            self.deadline,
            &Pseudo::default(),
        )
        .await?;
        let batches = collect(self.client, &plan).await?;
        // Ranges may hold other tables' rows.
        Ok(batches
            .iter()
            .flat_map(|batch| load::of_tables(batch, columns.len(), table_ids))
            .collect())
    }
}
