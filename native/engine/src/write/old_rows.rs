//! Upsert and ignore: what is in the way of new rows at the transaction's snapshot.
//!
//! ```text
//! staged rows --keys of rows and unique entries--> one read --taken?--> ignore: the row is skipped
//!                                                                  +--> upsert: the rows that hold them are read and deleted, entries too
//! ```
//! The snapshot is read at start_ts itself: such a read passes this transaction's own locks. A change after it is a write conflict at prewrite.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use ti_client::{BatchOptions, Client};
use ti_codec::handle::{decode_record_key, record_key, OwnedHandle};
use ti_codec::key::is_index_key;

use super::buffer::{Buffer, Role};
use super::displaced::Displaced;
use super::duplicate;
use super::encode::RowWriter;
use super::filter::{as_read, Condition};
use super::table::{HandleSource, WriteTable};
use crate::error::{Error, ErrorKind, Result};

/// What to do about a row that the overwrite does not remove.
const STAYS: &str =
    "a row has it, or a unique index entry of the new row, that the overwrite's condition does not remove";

/// Rows that are read about at once.
pub const STAGED_ROWS: usize = 2_048;

/// Values of entries whose keys say all: of tables with integer handles, and of others.
const PLAIN_INT_VALUE: &[u8] = b"0";
const PLAIN_COMMON_VALUE: &[u8] = &[0, 125, 1];

/// New rows that wait for what is in their way.
#[derive(Debug, Default)]
pub struct Staged {
    /// Their mutations, row after row.
    pub buffer: Buffer,
    /// Each row's mutations.
    rows: Vec<Range<usize>>,
}

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Found {
    /// Rows that were left out.
    pub skipped: u64,
    /// Rows that go away.
    pub deleted: u64,
}

impl Staged {
    /// The mutations from `start` to the buffer's end are a row.
    pub fn row_from(&mut self, start: usize) {
        self.rows.push(start..self.buffer.len());
    }

    /// Rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// There are no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    fn clear(&mut self) {
        self.buffer.clear();
        self.rows.clear();
    }

    /// Keys that only one row can have.
    fn unique_keys(&self, row: &Range<usize>) -> impl Iterator<Item = &[u8]> {
        row.clone()
            .filter_map(|position| self.buffer.get(position))
            .filter(|(_, _, role)| matches!(role, Role::Row | Role::Unique))
            .map(|(key, _, _)| key)
    }

    /// Pairs at the snapshot that have a key of the rows.
    async fn taken(&self, snapshot: &OldRows) -> Result<HashMap<Bytes, Bytes>> {
        let keys: HashSet<&[u8]> = self.rows.iter().flat_map(|row| self.unique_keys(row)).collect();
        snapshot
            .read(keys.into_iter().map(Bytes::copy_from_slice).collect())
            .await
    }

    /// Moves the rows whose keys are free to `out`, and drops the others.
    pub async fn ignore_taken(&mut self, snapshot: &OldRows, out: &mut Buffer) -> Result<Found> {
        let taken = self.taken(snapshot).await?;
        let mut found = Found::default();
        for row in &self.rows {
            if self.unique_keys(row).any(|key| taken.contains_key(key)) {
                found.skipped += 1;
            } else {
                out.append(&self.buffer, row.clone())?;
            }
        }
        self.clear();
        Ok(found)
    }

    /// Moves all rows to `out`, with the deletion of the rows that are in their way, but for what the driver has to delete. With a condition nothing is deleted: the driver deletes all rows
    /// for which it holds, and others may not be in the way.
    ///
    /// # Errors
    /// `DuplicateKey` when a row is in the way that stays.
    pub async fn replace_taken(
        &mut self,
        snapshot: &OldRows,
        rows: &mut RowWriter,
        condition: &Condition,
        displaced: &mut Displaced,
        out: &mut Buffer,
    ) -> Result<Found> {
        let taken = self.taken(snapshot).await?;
        let mut old: HashMap<Bytes, Bytes> = HashMap::new();
        let mut behind_entries = HashSet::new();
        for (key, value) in taken {
            match snapshot.row_behind(rows, &key, &value)? {
                None => {
                    old.insert(key, value);
                }
                Some(row_key) => {
                    behind_entries.insert(row_key);
                }
            }
        }
        let unread: Vec<Bytes> = behind_entries
            .into_iter()
            .filter(|key| !old.contains_key(key))
            .collect();
        let wanted = unread.len();
        let read = snapshot.read(unread).await?;
        if read.len() != wanted {
            return Err(Error::new(
                ErrorKind::Decode,
                format!(
                    "table {} has entries of a unique index without their rows; ADMIN CHECK TABLE tells which",
                    snapshot.table.full_name()
                ),
            ));
        }
        old.extend(read);
        let new: HashSet<&[u8]> = self.rows.iter().flat_map(|row| self.unique_keys(row)).collect();
        let mut deleted = 0;
        for (key, row) in &old {
            let (physical_id, handle) = decode_record_key(key)?;
            if !condition.is_always() {
                let values = as_read(rows.stored_values(&handle, row)?, &snapshot.table);
                if !condition.holds(&values)? {
                    return Err(duplicate::error(&snapshot.table, key, STAYS));
                }
                continue;
            }
            if !new.contains(key.as_ref()) && displaced.take_row(key) {
                // The driver counts it.
                continue;
            }
            deleted += 1;
            rows.delete_if(physical_id, &handle, row, out, |entry, distinct| {
                !distinct || new.contains(entry) || !displaced.take_entry(entry)
            })?;
        }
        for row in &self.rows {
            out.append(&self.buffer, row.clone())?;
        }
        self.clear();
        Ok(Found { skipped: 0, deleted })
    }
}

/// The table's rows at the transaction's snapshot.
pub struct OldRows {
    /// The cluster.
    pub client: Arc<Client>,
    /// The table.
    pub table: Arc<WriteTable>,
    /// The timestamp to read at.
    pub ts: u64,
    /// How it is read.
    pub options: BatchOptions,
}

impl OldRows {
    /// Pairs of these keys; keys without a value are left out.
    pub async fn read(&self, keys: Vec<Bytes>) -> Result<HashMap<Bytes, Bytes>> {
        if keys.is_empty() {
            return Ok(HashMap::new());
        }
        let pairs = self.client.batch_get(self.ts, keys, &[], &self.options).await?;
        Ok(pairs.into_iter().collect())
    }

    /// The key of the stored row that an index entry with this key belongs to; `None` when there is no such row. The entry's key ends with the
    /// row's handle.
    pub async fn row_of_entry(&self, rows: &RowWriter, entry: &[u8]) -> Result<Option<Bytes>> {
        let value = match &self.table.handle {
            HandleSource::Common { .. } => PLAIN_COMMON_VALUE,
            HandleSource::Column(_) | HandleSource::RowId(_) => PLAIN_INT_VALUE,
        };
        let Some(row) = self.row_behind(rows, entry, value)? else {
            return Ok(None);
        };
        let found = self.read(vec![row.clone()]).await?;
        Ok(found.contains_key(&row).then_some(row))
    }

    /// The key of the row that an index entry names; `None` when the key is a row's itself.
    fn row_behind(&self, rows: &RowWriter, key: &[u8], value: &[u8]) -> Result<Option<Bytes>> {
        if !is_index_key(key) {
            return Ok(None);
        }
        let unknown = || {
            Error::new(
                ErrorKind::Internal,
                "an index entry was read that the write does not know",
            )
        };
        let number = |range: Range<usize>| -> Option<i64> {
            let bytes: [u8; 8] = key.get(range)?.try_into().ok()?;
            Some(i64::from_be_bytes(bytes) ^ i64::MIN)
        };
        let table_id = number(1..9).ok_or_else(unknown)?;
        let index_id = number(11..19).ok_or_else(unknown)?;
        let position = self.table.indexes.iter().position(|index| index.id == index_id);
        let encoder = position.and_then(|p| rows.index(p)).ok_or_else(unknown)?;
        let entry = encoder.decode_entry_handle(key, value)?;
        let physical_id = entry.partition_id.unwrap_or(table_id);
        let handle: OwnedHandle = entry.handle;
        Ok(Some(record_key(physical_id, &handle.as_handle()).into()))
    }
}
