//! What an upsert or a write of changes removes only after all tasks have finished.
//!
//! A row of one task may take the unique value of an old row whose handle another task writes again, or take a value that another task's row gives
//! up. Each task alone would delete what the other one puts, and the first prewrite of a key is the one that counts. So tasks put, and delete at once
//! only what nobody else can put; the rest travels to the driver, whose deletions come after all puts and so leave them alone:
//!
//! ```text
//! old row with the handle of a new row of this task   entries of unique indexes that the row gives up    -> driver
//!                                                     its other entries                                  deleted at once
//! old row that is in the way by a unique value        all of it                                          -> driver, by the row's key
//! ```
//! Changes leave more of them (`super::delta::chunk`), and also tell the driver which keys of other rows they take: each must be among those
//! that are given up, or two rows have it in the end.
//!
//! The lists are bounded: beyond that tasks delete at once, and two tasks that meet in a key are found by the audit or by that check.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use ti_client::{BatchOptions, Client, TxnInfo};
use ti_codec::handle::decode_record_key;

use super::buffer::{Buffer, Expect, Role, Sorted};
use super::duplicate;
use super::encode::RowWriter;
use super::table::{HandleSource, WriteTable};
use super::wire::WireTally;
use crate::error::{Error, ErrorKind, Result};

/// Rows, and entries, that the driver deletes at once.
const KEYS_AT_ONCE: usize = 8_192;

/// What to do about a key that a row takes and another one keeps.
const HELD: &str = "a row of the table has it and keeps it";
/// The same when there were too many keys for the check.
const HELD_OR_UNKNOWN: &str = "a row of the table has it, and it keeps it, or so many rows change their keys that this cannot be told: change fewer \
                               rows at once";

/// What a task leaves to the driver.
#[derive(Debug, Clone, Default)]
pub struct Displaced {
    /// Keys of old rows.
    rows: BTreeSet<Vec<u8>>,
    /// Keys of old index entries.
    entries: BTreeSet<Vec<u8>>,
    /// Keys that other rows have at the snapshot, and that this task's rows take.
    taken: BTreeSet<Vec<u8>>,
    /// A key was not taken for want of room.
    full: bool,
    /// For so many bytes more.
    room: usize,
}

impl Displaced {
    /// For a task that writes to a table and may leave `room` bytes of keys to the driver.
    pub fn new(table: &WriteTable, room: usize) -> Self {
        let unique = table.indexes.iter().filter(|index| index.unique).count();
        // Nobody puts an old row's generated handle, and by one unique value only one row can be in the way of one other.
        let alone = matches!(table.handle, HandleSource::RowId(_)) && unique == 1;
        Self {
            room: if alone { 0 } else { room },
            ..Self::default()
        }
    }

    /// For a task that changes rows.
    pub fn of_changes(room: usize) -> Self {
        Self {
            room,
            ..Self::default()
        }
    }

    /// Leaves an old row to the driver; false: there is no room.
    pub fn take_row(&mut self, key: &[u8]) -> bool {
        Self::take(&mut self.rows, &mut self.room, &mut self.full, key)
    }

    /// Leaves an index entry to the driver; false: there is no room.
    pub fn take_entry(&mut self, key: &[u8]) -> bool {
        Self::take(&mut self.entries, &mut self.room, &mut self.full, key)
    }

    /// Has the driver check that a key is given up; false: there is no room.
    pub fn take_taken(&mut self, key: &[u8]) -> bool {
        Self::take(&mut self.taken, &mut self.room, &mut self.full, key)
    }

    fn take(keys: &mut BTreeSet<Vec<u8>>, room: &mut usize, full: &mut bool, key: &[u8]) -> bool {
        let Some(left) = room.checked_sub(key.len()) else {
            *full = true;
            return false;
        };
        if keys.insert(key.to_vec()) {
            *room = left;
        }
        true
    }

    /// Moves all of it into the message of a task.
    pub fn into_wire(self, tally: &mut WireTally) {
        tally.displaced_rows = self.rows.into_iter().collect();
        tally.displaced_entries = self.entries.into_iter().collect();
        tally.taken = self.taken.into_iter().collect();
        tally.displaced_full = self.full;
    }
}

/// What the tasks have left, taken out piece by piece.
#[derive(Debug)]
pub struct Left {
    /// Rows and entries to be deleted, each once.
    rows: std::vec::IntoIter<Vec<u8>>,
    entries: std::vec::IntoIter<Vec<u8>>,
    /// Keys that somebody must give up yet.
    taken: HashSet<Vec<u8>>,
    full: bool,
}

/// Deletions of old rows and entries.
#[derive(Debug)]
pub struct Deletions {
    /// In the order of their keys. What tasks have put again is among them.
    pub sorted: Sorted,
    /// How many rows they are of.
    pub rows: u64,
    /// Keys of these rows that no row takes.
    vacant: Vec<Bytes>,
}

impl Deletions {
    /// To be called when they are prewritten: a row that went away in one task is not changed by another one. That would leave it without entries.
    ///
    /// # Errors
    /// `InvalidArgument` that names the row.
    pub async fn check_vacant(
        self,
        client: &Arc<Client>,
        table: &WriteTable,
        info: &TxnInfo,
        options: &BatchOptions,
    ) -> Result<()> {
        if self.vacant.is_empty() {
            return Ok(());
        }
        let ts = client.timestamp().await?;
        // As if it were committed: what is deleted has no value.
        let put = client.batch_get(ts, self.vacant, &[info.start_ts], options).await?;
        match put.iter().map(|(key, _)| key).min() {
            None => Ok(()),
            Some(key) => Err(Error::new(
                ErrorKind::InvalidArgument,
                format!("two tasks change the row {}", duplicate::row(table, key)),
            )),
        }
    }
}

impl Left {
    /// Of all tasks.
    pub fn new(tallies: &[WireTally]) -> Self {
        let merged = |keys: fn(&WireTally) -> &Vec<Vec<u8>>| {
            let all: BTreeSet<Vec<u8>> = tallies.iter().flat_map(keys).cloned().collect();
            all.into_iter().collect::<Vec<_>>().into_iter()
        };
        Self {
            rows: merged(|t| &t.displaced_rows),
            entries: merged(|t| &t.displaced_entries),
            taken: tallies.iter().flat_map(|t| t.taken.iter().cloned()).collect(),
            full: tallies.iter().any(|t| t.displaced_full),
        }
    }

    /// The next deletions; `None`: that was all.
    pub async fn next(
        &mut self,
        client: &Arc<Client>,
        table: &Arc<WriteTable>,
        info: &TxnInfo,
        options: &BatchOptions,
    ) -> Result<Option<Deletions>> {
        let entries: Vec<Vec<u8>> = self.entries.by_ref().take(KEYS_AT_ONCE).collect();
        let rows: Vec<Bytes> = self.rows.by_ref().take(KEYS_AT_ONCE).map(Bytes::from).collect();
        if entries.is_empty() && rows.is_empty() {
            return Ok(None);
        }
        let mut buffer = Buffer::default();
        for key in entries {
            buffer.push(Role::Old, Expect::Anything, &key, &[])?;
        }
        let wanted = rows.len();
        let vacant = rows.iter().filter(|key| !self.taken.contains(key.as_ref()));
        let vacant = vacant.cloned().collect();
        let pairs = match wanted {
            0 => Vec::new(),
            _ => client.batch_get(info.start_ts, rows, &[], options).await?,
        };
        if pairs.len() != wanted {
            return Err(Error::new(
                ErrorKind::Decode,
                format!(
                    "rows of table {} that a task has read are gone from the snapshot",
                    table.full_name()
                ),
            ));
        }
        let mut writer = RowWriter::new(table.clone(), info.primary.clone())?;
        for (key, row) in &pairs {
            let (physical_id, handle) = decode_record_key(key)?;
            writer.delete(physical_id, &handle, row, &mut buffer)?;
        }
        let sorted = buffer
            .sort()
            .map_err(|_| Error::new(ErrorKind::Internal, "a row to be deleted is to be written too"))?;
        if !self.taken.is_empty() {
            for key in sorted.keys() {
                self.taken.remove(key);
            }
        }
        Ok(Some(Deletions {
            sorted,
            rows: wanted as u64,
            vacant,
        }))
    }

    /// To be called at the end: has every key that rows have taken been given up?
    ///
    /// # Errors
    /// `DuplicateKey` that names a key: its row stays.
    pub fn check_taken(&self, table: &WriteTable) -> Result<()> {
        let how = if self.full { HELD_OR_UNKNOWN } else { HELD };
        match self.taken.iter().min() {
            None => Ok(()),
            Some(key) => Err(duplicate::error(table, key, how)),
        }
    }
}
