//! Changes that are worked on together: which mutations they come to, and which keys they leave to other tasks and the driver.
//!
//! ```text
//! key of the new row that its old row had not   given up by another row of the chunk     put
//!                                               free at the snapshot                     inserted
//!                                               held at the snapshot                     put, and the driver checks that its row gives it up
//! key of the old row that its new row has not   put by another row of the chunk          nothing
//!                                               only this row can have it                deleted at once
//!                                               another task may put it                  deleted by the driver, after all puts
//! ```
//! Rows with a generated handle take no key of another row but by unique indexes. With any other handle a whole row can take the place of one that went
//! away, entries included; so the driver gets the key of the row, and finds its entries itself.

use std::collections::HashSet;
use std::ops::Range;

use bytes::Bytes;

use super::super::buffer::{Buffer, Expect, Role};
use super::super::displaced::Displaced;
use super::super::duplicate;
use super::super::old_rows::OldRows;
use super::super::table::{HandleSource, WriteTable};
use crate::error::{Error, ErrorKind, Result};

/// Changes of a chunk, at most. One read asks for the old rows of all, and one for the keys that they take.
const MOST_ROWS: usize = 2_048;
/// Changes of the first chunk, of which nothing is known yet.
const FIRST_ROWS: usize = 512;
/// Keys that old rows are looked for by, at most, when every change has one per partition.
const MOST_KEYS: usize = 16_384;
/// Bytes of the old rows of a chunk, about. They exist as they are stored, as values, and as mutations.
const OLD_BYTES: usize = 4 << 20;

/// How many changes are worked on together: many, but rows may be large.
#[derive(Debug, Clone, Copy)]
pub struct ChunkSize {
    most: usize,
    rows: usize,
}

impl ChunkSize {
    /// For changes of a table.
    pub fn new(table: &WriteTable) -> Self {
        let most = match &table.handle {
            HandleSource::RowId(_) => MOST_ROWS.min(MOST_KEYS / table.physical_ids.len().max(1)).max(1),
            HandleSource::Column(_) | HandleSource::Common { .. } => MOST_ROWS,
        };
        Self {
            most,
            rows: FIRST_ROWS.min(most),
        }
    }

    /// Changes of the next chunk.
    pub fn rows(self) -> usize {
        self.rows
    }

    /// A chunk had so many old rows of so many bytes.
    pub fn learn(&mut self, rows: usize, bytes: usize) {
        if let Some(average) = bytes.checked_div(rows) {
            self.rows = (OLD_BYTES / average.max(1)).clamp(1, self.most);
        }
    }
}

/// Changes, each with the mutations of its old and of its new row: the row first, then its entries in the order of the indexes.
#[derive(Debug, Default)]
pub struct Chunk {
    /// Mutations that would make the old rows.
    pub old: Buffer,
    /// Mutations that make the new rows.
    pub new: Buffer,
    changes: Vec<Change>,
}

#[derive(Debug)]
struct Change {
    old: Range<usize>,
    new: Range<usize>,
}

/// What a key of a row comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// The old row has it with the same value.
    Stays,
    /// The old row has it with another value.
    Changes,
    /// The old row has it not, and nobody else has it.
    Appears,
    /// The old row has it not, and another row has or had it.
    Moves,
}

/// Mutation number `index` of a row.
fn at<'a>(buffer: &'a Buffer, row: &Range<usize>, index: usize) -> Option<(&'a [u8], &'a [u8], Role)> {
    let position = row.start + index;
    buffer.get(position).filter(|_| position < row.end)
}

impl Chunk {
    /// Ends a change: its mutations are those from these positions on.
    pub fn change_from(&mut self, old: usize, new: usize) {
        self.changes.push(Change {
            old: old..self.old.len(),
            new: new..self.new.len(),
        });
    }

    /// Are the mutations from these positions on the same? Then nothing changes.
    pub fn same_from(&self, old: usize, new: usize) -> bool {
        let count = self.old.len() - old;
        count == self.new.len() - new
            && (0..count).all(|index| match (self.old.get(old + index), self.new.get(new + index)) {
                (Some(old), Some(new)) => (old.0, old.1) == (new.0, new.1),
                _ => false,
            })
    }

    /// There are no changes.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Moves the mutations of all changes to `out`. `puts`: the job may put rows.
    ///
    /// # Errors
    /// `UnsupportedFeature` when more keys move between tasks than the driver can check; those of reading.
    pub async fn settle(
        &self,
        snapshot: &OldRows,
        puts: bool,
        displaced: &mut Displaced,
        out: &mut Buffer,
    ) -> Result<()> {
        let given_up: HashSet<&[u8]> = self
            .changes
            .iter()
            .flat_map(|c| self.given_up(c))
            .map(|k| k.0)
            .collect();
        let taken = self.taken(snapshot, &given_up).await?;
        let mut put = HashSet::new();
        for change in &self.changes {
            let fate = |index: usize| self.fate(change, index, &given_up, &taken);
            // An entry that is not distinct carries the handle: nobody else has it if nobody else has or had the handle.
            let handle_is_free = fate(0) != Fate::Moves;
            for index in 0..change.new.len() {
                let Some((key, _, role)) = at(&self.new, &change.new, index) else {
                    continue;
                };
                let fate = fate(index);
                let expect = match (fate, role) {
                    (Fate::Stays, _) => continue,
                    (Fate::Appears, Role::Row | Role::Unique) => Expect::Free,
                    (Fate::Appears, _) if handle_is_free => Expect::Free,
                    (Fate::Appears | Fate::Changes | Fate::Moves, _) => Expect::Anything,
                };
                if fate == Fate::Moves && taken.contains(key) && !displaced.take_taken(key) {
                    return Err(too_many(&snapshot.table, key));
                }
                put.insert(key);
                out.append_one(&self.new, change.new.start + index, expect)?;
            }
        }
        for change in &self.changes {
            self.delete(change, &snapshot.table, puts, &put, displaced, out)?;
        }
        Ok(())
    }

    /// Does a change keep the row where it is?
    fn stays_in_place(&self, change: &Change) -> bool {
        match (at(&self.old, &change.old, 0), at(&self.new, &change.new, 0)) {
            (Some(old), Some(new)) => old.0 == new.0,
            _ => false,
        }
    }

    /// Keys of the old row that the new one has not, with their roles.
    fn given_up<'a>(&'a self, change: &'a Change) -> impl Iterator<Item = (&'a [u8], Role)> + 'a {
        (0..change.old.len()).filter_map(|index| {
            let (key, _, role) = at(&self.old, &change.old, index)?;
            let kept = at(&self.new, &change.new, index).is_some_and(|new| new.0 == key);
            (!kept).then_some((key, role))
        })
    }

    /// Keys that new rows take, that no row of the chunk gives up, and that the snapshot has.
    async fn taken(&self, snapshot: &OldRows, given_up: &HashSet<&[u8]>) -> Result<HashSet<Bytes>> {
        // Nobody but the allocator gives such handles out, and the stores check it.
        let generated = matches!(snapshot.table.handle, HandleSource::RowId(_));
        let mut wanted = HashSet::new();
        for change in &self.changes {
            for index in 0..change.new.len() {
                let Some((key, _, role)) = at(&self.new, &change.new, index) else {
                    continue;
                };
                let looked_for = match role {
                    Role::Row => !generated,
                    Role::Unique => true,
                    Role::Entry | Role::Old => false,
                };
                let had = at(&self.old, &change.old, index).is_some_and(|old| old.0 == key);
                if looked_for && !had && !given_up.contains(key) {
                    wanted.insert(key);
                }
            }
        }
        let found = snapshot
            .read(wanted.into_iter().map(Bytes::copy_from_slice).collect())
            .await?;
        Ok(found.into_keys().collect())
    }

    fn fate(&self, change: &Change, index: usize, given_up: &HashSet<&[u8]>, taken: &HashSet<Bytes>) -> Fate {
        let Some((key, value, _)) = at(&self.new, &change.new, index) else {
            return Fate::Moves;
        };
        match at(&self.old, &change.old, index).filter(|old| old.0 == key) {
            // The driver deletes all entries of a row that went away unless somebody puts them.
            Some(old) if old.1 == value && self.stays_in_place(change) => Fate::Stays,
            Some(_) => Fate::Changes,
            None if given_up.contains(key) || taken.contains(key) => Fate::Moves,
            None => Fate::Appears,
        }
    }

    fn delete(
        &self,
        change: &Change,
        table: &WriteTable,
        puts: bool,
        put: &HashSet<&[u8]>,
        displaced: &mut Displaced,
        out: &mut Buffer,
    ) -> Result<()> {
        let Some((row_key, _, _)) = at(&self.old, &change.old, 0) else {
            return Ok(());
        };
        let generated = matches!(table.handle, HandleSource::RowId(_));
        let may_be_replaced = puts && !generated && !self.stays_in_place(change) && !put.contains(row_key);
        if may_be_replaced && displaced.take_row(row_key) {
            return Ok(());
        }
        for (key, role) in self.given_up(change) {
            if put.contains(key) || (puts && role == Role::Unique && displaced.take_entry(key)) {
                continue;
            }
            out.push(Role::Old, Expect::Anything, key, &[])?;
        }
        Ok(())
    }
}

/// It cannot be checked that a key is free in the end.
fn too_many(table: &WriteTable, key: &[u8]) -> Error {
    Error::new(
        ErrorKind::UnsupportedFeature,
        format!(
            "{}: a row of the table has it, and so many rows take keys of others that it cannot be checked whether all of them are given up; \
             change fewer rows at once, or run the statement in TiDB",
            duplicate::entry(table, key)
        ),
    )
}

#[cfg(test)]
#[path = "chunk_tests.rs"]
mod tests;
