//! The schema check: a table must mean at the commit what it meant when the write began.
//!
//! TiDB's DDL does not wait for us, so nothing but this check keeps rows of an old schema out of a new one. It reads the meta keys at
//! the commit timestamp C, past every cache. Equal: whatever changes the table commits after C, and a backfill that reads after C meets our locks,
//! pushes the commit timestamp on, and the check is made again.

use serde_json::Value;
use ti_client::{Client, Snapshot};

use crate::catalog::listing::parse;
use crate::catalog::meta_key;
use crate::catalog::table_info::{DbInfo, STATE_PUBLIC};
use crate::error::{Error, ErrorKind, Result};

/// Members of `TableInfo` that say nothing about rows and index entries, and that change while people work: replicas of TiFlash, statistics,
/// TTL, placement, and the counters of changes themselves.
const IRRELEVANT: [&str; 10] = [
    "tiflash_replica",
    "stats_options",
    "ttl_info",
    "policy_ref_info",
    "comment",
    "auto_inc_id",
    "auto_inc_id_extra",
    "auto_rand_id",
    "update_timestamp",
    "revision",
];

/// What a write believes of the schema.
#[derive(Debug, Clone)]
pub struct SchemaCheck {
    database_id: i64,
    table_id: i64,
    table: String,
    description: Value,
}

impl SchemaCheck {
    /// Remembers the description of a table.
    pub fn new(database_id: i64, table_id: i64, table: String, table_info: &[u8]) -> Result<Self> {
        Ok(Self {
            database_id,
            table_id,
            description: relevant(table_info, &table)?,
            table,
        })
    }

    /// Reads the schema at `ts` and compares.
    ///
    /// # Errors
    /// `SchemaChanged`.
    pub async fn run(&self, client: &Client, ts: u64) -> Result<()> {
        let mut snapshot = client.snapshot(ts).await?;
        let changed = |how: &str| {
            Error::new(
                ErrorKind::SchemaChanged,
                format!(
                    "table {} {how} while the write was running; nothing of the write is kept, run it again",
                    self.table
                ),
            )
        };
        let database = snapshot.get(meta_key::database(self.database_id)).await?;
        let database: Option<DbInfo> = database
            .map(|value| parse(&value, || format!("the database of {}", self.table)))
            .transpose()?;
        if database.is_none_or(|db| db.state != STATE_PUBLIC) {
            return Err(changed("was dropped with its database"));
        }
        let Some(value) = read_table(snapshot.as_mut(), self.database_id, self.table_id).await? else {
            return Err(changed("was dropped, truncated or moved to another database"));
        };
        if relevant(&value, &self.table)? != self.description {
            return Err(changed("was changed"));
        }
        Ok(())
    }
}

/// `TableInfo` as TiDB keeps it.
pub async fn read_table(snapshot: &mut dyn Snapshot, database_id: i64, table_id: i64) -> Result<Option<Vec<u8>>> {
    Ok(snapshot.get(meta_key::table(database_id, table_id)).await?)
}

fn relevant(table_info: &[u8], table: &str) -> Result<Value> {
    let mut value: Value = parse(table_info, || format!("table {table}"))?;
    if let Some(members) = value.as_object_mut() {
        for name in IRRELEVANT {
            members.remove(name);
        }
    }
    Ok(value)
}

#[cfg(test)]
#[path = "schema_tests.rs"]
mod tests;
