//! Names of databases and tables.
//!
//! A listing belongs to one schema version, never changes, and is kept while it is one of the newest; TiDB raises the version with
//! every change of a name. Only a scan of all `TableInfo` values gives the names, so that scan is what the cache saves.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use serde::de::DeserializeOwned;
use ti_client::Snapshot;
use ti_proto::plan::TableKind;

use super::meta_key;
use super::table_info::{DbInfo, TableName, STATE_PUBLIC};
use crate::error::{Error, ErrorKind, Result};

/// Listings kept: a few versions of a few databases.
const CACHED_LISTINGS: usize = 16;

/// A name of a listing.
#[derive(Debug, Clone)]
pub struct TableEntry {
    /// Table id.
    pub id: i64,
    /// Name as it was created.
    pub name: String,
    /// Table, view or sequence.
    pub kind: TableKind,
}

struct Listing {
    database_id: i64,
    schema_version: i64,
    tables: Arc<Vec<TableEntry>>,
}

/// Names of tables by schema version.
#[derive(Default)]
pub struct Catalog {
    listings: Mutex<VecDeque<Listing>>,
}

/// Parses the JSON of a meta value.
pub fn parse<T: DeserializeOwned>(value: &[u8], what: impl FnOnce() -> String) -> Result<T> {
    serde_json::from_slice(value).map_err(|e| {
        Error::new(
            ErrorKind::Decode,
            format!("TiDB's description of {} cannot be read: {e}", what()),
        )
    })
}

/// Public databases at the snapshot.
pub async fn databases(snapshot: &mut dyn Snapshot) -> Result<Vec<DbInfo>> {
    let (start, end) = meta_key::databases();
    let mut databases = Vec::new();
    for (_, value) in snapshot.scan(start, end).await? {
        let db: DbInfo = parse(&value, || "a database".into())?;
        if db.state == STATE_PUBLIC {
            databases.push(db);
        }
    }
    Ok(databases)
}

/// The schema version at the snapshot. TiDB raises the number in a transaction of its own before the change becomes visible, so a
/// version without its diff is one whose change this snapshot does not see yet: then the one before it is what is visible.
pub async fn schema_version(snapshot: &mut dyn Snapshot) -> Result<i64> {
    let Some(value) = snapshot.get(meta_key::schema_version()).await? else {
        return Err(Error::new(
            ErrorKind::UnsupportedFeature,
            "the cluster has no TiDB schema at the timestamp read: TiDB was never started on it, or the timestamp is older than that",
        ));
    };
    let version: i64 = std::str::from_utf8(&value)
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| {
            Error::new(
                ErrorKind::Decode,
                format!(
                    "TiDB's schema version is not a number: {:?}",
                    String::from_utf8_lossy(&value)
                ),
            )
        })?;
    let visible = snapshot.get(meta_key::schema_diff(version)).await?.is_some();
    Ok(if visible { version } else { version.saturating_sub(1) })
}

impl Catalog {
    /// Public tables, views and sequences of a database at the snapshot.
    pub async fn tables(&self, snapshot: &mut dyn Snapshot, database_id: i64) -> Result<Arc<Vec<TableEntry>>> {
        let schema_version = schema_version(snapshot).await?;
        if let Some(tables) = self.cached(database_id, schema_version) {
            return Ok(tables);
        }
        let (start, end) = meta_key::tables(database_id);
        let mut tables = Vec::new();
        for (_, value) in snapshot.scan(start, end).await? {
            let table: TableName = parse(&value, || format!("a table of database {database_id}"))?;
            if table.state == STATE_PUBLIC {
                let kind = match (table.view, table.sequence) {
                    (Some(_), _) => TableKind::View,
                    (_, Some(_)) => TableKind::Sequence,
                    (None, None) => TableKind::BaseTable,
                };
                tables.push(TableEntry {
                    id: table.id,
                    name: table.name.0,
                    kind,
                });
            }
        }
        let tables = Arc::new(tables);
        self.keep(Listing {
            database_id,
            schema_version,
            tables: tables.clone(),
        });
        Ok(tables)
    }

    fn cached(&self, database_id: i64, schema_version: i64) -> Option<Arc<Vec<TableEntry>>> {
        let listings = self.listings.lock().unwrap_or_else(PoisonError::into_inner);
        let found = listings
            .iter()
            .find(|l| l.database_id == database_id && l.schema_version == schema_version);
        found.map(|l| l.tables.clone())
    }

    fn keep(&self, listing: Listing) {
        let mut listings = self.listings.lock().unwrap_or_else(PoisonError::into_inner);
        listings.push_front(listing);
        listings.truncate(CACHED_LISTINGS);
    }
}
