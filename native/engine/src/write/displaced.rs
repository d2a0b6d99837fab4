//! What an upsert removes only after all tasks have finished.
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
//! The lists are bounded: beyond that tasks delete at once, and two tasks that meet in a key are found by the audit.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use ti_client::{BatchOptions, Client, TxnInfo};
use ti_codec::handle::decode_record_key;

use super::buffer::{Buffer, Expect, Role, Sorted};
use super::encode::RowWriter;
use super::table::{HandleSource, WriteTable};
use super::wire::WireTally;
use crate::error::{Error, ErrorKind, Result};

/// Bytes of keys that a task leaves to the driver, at most: some ten thousand rows.
const MAX_BYTES: usize = 512 << 10;

/// What a task leaves to the driver.
#[derive(Debug, Clone, Default)]
pub struct Displaced {
    /// Keys of old rows.
    rows: BTreeSet<Vec<u8>>,
    /// Keys of old index entries.
    entries: BTreeSet<Vec<u8>>,
    /// For so many bytes more.
    room: usize,
}

impl Displaced {
    /// For a task that writes to a table.
    pub fn new(table: &WriteTable) -> Self {
        let unique = table.indexes.iter().filter(|index| index.unique).count();
        // Nobody puts an old row's generated handle, and by one unique value only one row can be in the way of one other.
        let alone = matches!(table.handle, HandleSource::RowId(_)) && unique == 1;
        Self {
            room: if alone { 0 } else { MAX_BYTES },
            ..Self::default()
        }
    }

    /// Leaves an old row to the driver; false: there is no room.
    pub fn take_row(&mut self, key: &[u8]) -> bool {
        Self::take(&mut self.rows, &mut self.room, key)
    }

    /// Leaves an index entry to the driver; false: there is no room.
    pub fn take_entry(&mut self, key: &[u8]) -> bool {
        Self::take(&mut self.entries, &mut self.room, key)
    }

    fn take(keys: &mut BTreeSet<Vec<u8>>, room: &mut usize, key: &[u8]) -> bool {
        let Some(left) = room.checked_sub(key.len()) else {
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
    }
}

/// The deletions that tasks have left, in the order of their keys, and how many rows they are of. What other tasks have put again is among them.
pub async fn deletions(
    client: &Arc<Client>,
    table: &Arc<WriteTable>,
    info: &TxnInfo,
    tallies: &[WireTally],
    options: &BatchOptions,
) -> Result<(Sorted, u64)> {
    let rows: BTreeSet<&[u8]> = tallies
        .iter()
        .flat_map(|t| &t.displaced_rows)
        .map(Vec::as_slice)
        .collect();
    let entries: BTreeSet<&[u8]> = tallies
        .iter()
        .flat_map(|t| &t.displaced_entries)
        .map(Vec::as_slice)
        .collect();
    let mut buffer = Buffer::default();
    for key in entries {
        buffer.push(Role::Old, Expect::Anything, key, &[])?;
    }
    let keys: Vec<Bytes> = rows.into_iter().map(Bytes::copy_from_slice).collect();
    let wanted = keys.len();
    // The same snapshot as start_ts, which would meet the tasks' locks.
    let snapshot = info.start_ts.saturating_sub(1);
    let pairs = match wanted {
        0 => Vec::new(),
        _ => client.batch_get(snapshot, keys, &[], options).await?,
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
    Ok((sorted, wanted as u64))
}
