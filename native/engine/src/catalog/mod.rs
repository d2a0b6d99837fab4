//! The catalog at a timestamp, from the snapshot of TiDB's meta keys; no TiDB server is needed.
//!
//! ```text
//! names:  schema version --+--> cached listing of that version?
//!                          |      no: scan the hash of the database, parse id, name, state and kind only
//!                          v
//! table:  name -> id -> one get -> TableInfo -> plan::TableSchema + Descriptor (what planning needs)
//! ```

pub mod collation;
pub mod default_value;
pub mod descriptor;
pub mod key_parts;
pub mod listing;
pub mod meta_key;
pub mod partition_info;
pub mod schema;
pub mod show;
pub mod system_table;
pub mod table_info;

use ti_client::Snapshot;
use ti_proto::plan;

use crate::catalog::listing::{Catalog, TableEntry};
use crate::error::{Error, ErrorKind, Result};

/// Databases that belong to TiDB itself.
const SYSTEM_DATABASES: [&str; 7] = [
    "information_schema",
    "inspection_schema",
    "lightning_task_info",
    "metrics_schema",
    "mysql",
    "performance_schema",
    "sys",
];

/// Is the database one of TiDB's own?
fn is_system(name: &str) -> bool {
    SYSTEM_DATABASES.iter().any(|system| system.eq_ignore_ascii_case(name))
}

/// A name matches exactly, or without case unless that matters. An exact match wins.
pub(crate) fn find<'a, T>(
    items: &'a [T],
    name: &str,
    case_sensitive: bool,
    name_of: impl Fn(&T) -> &str,
) -> Option<&'a T> {
    let exact = items.iter().find(|item| name_of(item) == name);
    if exact.is_some() || case_sensitive {
        return exact;
    }
    let wanted = name.to_lowercase();
    items.iter().find(|item| name_of(item).to_lowercase() == wanted)
}

/// The databases at the snapshot, in order of their names.
pub async fn list_namespaces(snapshot: &mut dyn Snapshot, include_system: bool) -> Result<plan::NamespaceList> {
    let mut namespaces: Vec<plan::Namespace> = listing::databases(snapshot)
        .await?
        .into_iter()
        .filter(|db| include_system || !is_system(&db.db_name.0))
        .map(|db| plan::Namespace {
            id: db.id,
            name: db.db_name.0,
            charset: db.charset,
            collation: db.collate,
        })
        .collect();
    namespaces.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(plan::NamespaceList { namespaces })
}

impl Catalog {
    /// Tables, views and sequences of a database, in order of their names.
    pub async fn list_tables(
        &self,
        snapshot: &mut dyn Snapshot,
        database: &str,
        case_sensitive: bool,
    ) -> Result<plan::TableList> {
        let db = find_database(snapshot, database, case_sensitive).await?;
        let entries = self.tables(snapshot, db.id).await?;
        let mut tables: Vec<plan::TableListing> = entries
            .iter()
            .map(|entry| plan::TableListing {
                id: entry.id,
                name: entry.name.clone(),
                kind: entry.kind.into(),
            })
            .collect();
        tables.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(plan::TableList { tables })
    }

    /// The database and the table's own information, read without its neighbours once the names are known.
    pub async fn find_table(
        &self,
        snapshot: &mut dyn Snapshot,
        database: &str,
        table: &str,
        case_sensitive: bool,
    ) -> Result<(table_info::DbInfo, table_info::TableInfo)> {
        let db = find_database(snapshot, database, case_sensitive).await?;
        let entries = self.tables(snapshot, db.id).await?;
        let not_found = || {
            Error::new(
                ErrorKind::TableNotFound,
                format!(
                    "table `{}`.`{table}` does not exist at the timestamp read",
                    db.db_name.0
                ),
            )
        };
        let TableEntry { id, .. } = find(&entries, table, case_sensitive, |entry| &entry.name).ok_or_else(not_found)?;
        let value = snapshot.get(meta_key::table(db.id, *id)).await?.ok_or_else(not_found)?;
        let info: table_info::TableInfo = listing::parse(&value, || format!("table `{}`.`{table}`", db.db_name.0))?;
        if info.state != table_info::STATE_PUBLIC {
            return Err(not_found());
        }
        Ok((db, info))
    }
}

async fn find_database(snapshot: &mut dyn Snapshot, name: &str, case_sensitive: bool) -> Result<table_info::DbInfo> {
    let databases = listing::databases(snapshot).await?;
    find(&databases, name, case_sensitive, |db| &db.db_name.0)
        .cloned()
        .ok_or_else(|| {
            Error::new(
                ErrorKind::NamespaceNotFound,
                format!("database `{name}` does not exist at the timestamp read"),
            )
        })
}
