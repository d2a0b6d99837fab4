//! What an administrator asks of a cluster: answers are rows of text, for people.
//!
//! ```text
//! regions              schema of now -> key ranges of each partition -> region cache, PD (leaders, sizes)
//! resolve_transaction  locks of a start_ts in all stores -> its primary -> commit or rollback   (client: txn/settle)
//! ```

use std::collections::HashMap;
use std::time::Instant;

use ti_client::{BatchOptions, KeyRange, Settlement};
use ti_codec::key::{table_prefix, TABLE_PREFIX_LENGTH};
use ti_codec::key_text;
use ti_proto::plan;

use crate::catalog::schema;
use crate::error::{Error, ErrorKind, Result};
use crate::runtime::block_on;
use crate::session::Session;
use crate::write::overwrite::table_ranges;

impl Session {
    /// Where a table is now: a row for every region of each partition, in key order, with the part of the region that is the table's, the
    /// host that serves reads of it, and PD's estimate of the region's size (NULL while PD has none). Blocks.
    ///
    /// # Errors
    /// `NamespaceNotFound`, `TableNotFound`; `UnsupportedFeature` for views and sequences, which have no rows; those of the cluster.
    pub fn regions(&self, request: plan::RegionsRequest) -> Result<plan::TextRows> {
        let name = request
            .table
            .ok_or_else(|| Error::new(ErrorKind::InvalidArgument, "a question for regions without a table"))?;
        block_on(async {
            let (_, mut snapshot) = self.snapshot(None).await?;
            let (db, table) = self
                .catalog
                .find_table(snapshot.as_mut(), &name.database, &name.table, request.case_sensitive)
                .await?;
            let table = schema::descriptor(&db, &table)?;
            if let Some(refusal) = &table.refusal {
                return Err(Error::new(ErrorKind::UnsupportedFeature, refusal.clone()));
            }
            let ranges = table_ranges(&table.physical_ids());
            let partitions = table.partitions.iter().flatten();
            let names: HashMap<Vec<u8>, &str> = partitions.map(|p| (table_prefix(p.id), p.name.as_str())).collect();
            let located = self
                .client()
                .locate_now(ranges, Instant::now() + self.read_deadline)
                .await?;
            // PD may serve no HTTP API here; a size is a hint.
            let sizes = self.client().region_sizes(&located).await.unwrap_or_default();
            let mut rows = Vec::with_capacity(located.len());
            for piece in &located {
                let size = sizes.get(&piece.region_id).map(|bytes| (bytes >> 20).to_string());
                for range in &piece.ranges {
                    let partition = range
                        .start()
                        .get(..TABLE_PREFIX_LENGTH)
                        .and_then(|prefix| names.get(prefix));
                    rows.push(row([
                        partition.map(|name| (*name).to_owned()),
                        Some(piece.region_id.to_string()),
                        Some(key_text(range.start())),
                        Some(key_text(range.end())),
                        Some(piece.host.clone()),
                        size.clone(),
                    ]));
                }
            }
            Ok(text_rows(
                &["partition", "region_id", "start_key", "end_key", "host", "size_mib"],
                rows,
            ))
        })
    }

    /// What became of a transaction that has left locks: `outcome` is `committed`, `rolled back`, `alive` (its time to live is not over; nothing
    /// was done), or `no locks` (it has ended and been resolved, or never was). Locks of one that is over are ended, as its primary says. All
    /// stores are asked for their locks. Blocks.
    ///
    /// # Errors
    /// `InvalidArgument` for a timestamp that no transaction can have begun at; those of the cluster.
    pub fn resolve_transaction(&self, request: plan::ResolveTransactionRequest) -> Result<plan::TextRows> {
        let start_ts = request.start_ts;
        block_on(async {
            if start_ts == 0 || start_ts > self.client().timestamp().await? {
                return Err(Error::new(
                    ErrorKind::InvalidArgument,
                    format!("start_ts {start_ts}: no transaction has begun at this timestamp; take the one that the error or the lock names"),
                ));
            }
            let options = BatchOptions {
                deadline: self.read_deadline,
                ..BatchOptions::default()
            };
            let all = vec![KeyRange::interval(Vec::new(), Vec::new())];
            let (outcome, commit_ts, locks) = match self.client().settle(start_ts, all, &options).await? {
                Settlement::NoLocks => ("no locks", None, 0),
                Settlement::Alive { locks, .. } => ("alive", None, locks),
                Settlement::Committed { locks, commit_ts } => ("committed", Some(commit_ts), locks),
                Settlement::RolledBack { locks } => ("rolled back", None, locks),
            };
            let row = row([
                Some(start_ts.to_string()),
                Some(outcome.to_owned()),
                commit_ts.map(|ts| ts.to_string()),
                Some(locks.to_string()),
            ]);
            Ok(text_rows(&["start_ts", "outcome", "commit_ts", "locks"], vec![row]))
        })
    }
}

fn row<const N: usize>(values: [Option<String>; N]) -> plan::TextRow {
    plan::TextRow {
        values: values.into_iter().map(|text| plan::TextValue { text }).collect(),
    }
}

fn text_rows(columns: &[&str], rows: Vec<plan::TextRow>) -> plan::TextRows {
    plan::TextRows {
        columns: columns.iter().map(|name| (*name).to_owned()).collect(),
        rows,
    }
}
