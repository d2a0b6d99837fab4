//! Mutations of one request to the stores: collected, sorted by key, checked for duplicates.
//!
//! Keys and values lie one after the other in one piece of memory, so that collecting costs no allocation per mutation and handing them to
//! the client copies nothing.

use bytes::Bytes;
use ti_client::{Assertion, Mutation, MutationOp};

use super::sketch::Sketch;
use super::tally::{Sums, Touched};
use crate::error::{Error, ErrorKind, Result};

/// What a mutation is for the row that it came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The row. Its key must be unique.
    Row,
    /// A distinct entry of a unique index: its key must be unique.
    Unique,
    /// Another index entry: it has the row's handle, so only the same row can have its key.
    Entry,
    /// A row or entry of the table's old state that goes away.
    Old,
}

/// What the store is told beyond key and value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// Nobody has the key: rows and unique entries are inserted, other entries asserted.
    Free,
    /// Whatever was there is replaced.
    Anything,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    start: usize,
    key: u32,
    value: u32,
    role: Role,
    expect: Expect,
}

/// Mutations, in the order in which they came.
#[derive(Debug, Default)]
pub struct Buffer {
    arena: Vec<u8>,
    entries: Vec<Entry>,
}

/// Memory of an entry besides its bytes, about: it exists once here and once as the client's mutation.
const ENTRY_BYTES: usize = size_of::<Entry>() + size_of::<Mutation>();

impl Buffer {
    /// Appends a mutation. `value` of an old key is not looked at.
    ///
    /// # Errors
    /// `InvalidValue` for a key or value of 4 GiB.
    pub fn push(&mut self, role: Role, expect: Expect, key: &[u8], value: &[u8]) -> Result<()> {
        let length = |bytes: &[u8]| {
            u32::try_from(bytes.len())
                .map_err(|_| Error::new(ErrorKind::InvalidValue, "a row or index entry has 4 GiB or more"))
        };
        let entry = Entry {
            start: self.arena.len(),
            key: length(key)?,
            value: length(value)?,
            role,
            expect,
        };
        self.arena.extend_from_slice(key);
        self.arena.extend_from_slice(value);
        self.entries.push(entry);
        Ok(())
    }

    /// Mutations.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Nothing was appended.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes of keys and values.
    pub fn bytes(&self) -> usize {
        self.arena.len()
    }

    /// Memory that it takes, and will take while it is sent.
    pub fn memory(&self) -> usize {
        self.arena.capacity() + self.entries.len() * ENTRY_BYTES
    }

    /// Key, value and role of a mutation by its position.
    pub fn get(&self, position: usize) -> Option<(&[u8], &[u8], Role)> {
        let entry = self.entries.get(position)?;
        Some((self.key(entry), self.value(entry), entry.role))
    }

    /// Forgets the mutations from a position on.
    pub fn truncate(&mut self, position: usize) {
        if let Some(entry) = self.entries.get(position) {
            self.arena.truncate(entry.start);
            self.entries.truncate(position);
        }
    }

    /// Forgets all mutations and keeps the memory.
    pub fn clear(&mut self) {
        self.arena.clear();
        self.entries.clear();
    }

    /// Appends mutations of another buffer, by their positions.
    ///
    /// # Errors
    /// As [`Buffer::push`].
    pub fn append(&mut self, other: &Buffer, positions: std::ops::Range<usize>) -> Result<()> {
        for entry in other.entries.get(positions).unwrap_or_default() {
            self.push(entry.role, entry.expect, other.key(entry), other.value(entry))?;
        }
        Ok(())
    }

    /// Appends one mutation of another buffer, with another expectation.
    ///
    /// # Errors
    /// As [`Buffer::push`].
    pub fn append_one(&mut self, other: &Buffer, position: usize, expect: Expect) -> Result<()> {
        match other.get(position) {
            Some((key, value, role)) => self.push(role, expect, key, value),
            None => Ok(()),
        }
    }

    fn key(&self, entry: &Entry) -> &[u8] {
        let end = entry.start + entry.key as usize;
        self.arena.get(entry.start..end).unwrap_or_default()
    }

    fn value(&self, entry: &Entry) -> &[u8] {
        let start = entry.start + entry.key as usize;
        self.arena.get(start..start + entry.value as usize).unwrap_or_default()
    }

    /// Sorts by key. A key that one row gives up and another takes is taken; a key twice is an error.
    ///
    /// # Errors
    /// The duplicate's key and value: two rows have the same key.
    pub fn sort(mut self) -> std::result::Result<Sorted, Duplicate> {
        let mut entries = std::mem::take(&mut self.entries);
        // Of equal keys the old one goes last, to be dropped.
        entries.sort_unstable_by(|a, b| {
            self.key(a)
                .cmp(self.key(b))
                .then_with(|| (a.role == Role::Old).cmp(&(b.role == Role::Old)))
        });
        let mut duplicate = None;
        entries.dedup_by(|later, earlier| {
            let equal = self.key(later) == self.key(earlier);
            if equal && later.role != Role::Old {
                duplicate.get_or_insert(*later);
            }
            equal
        });
        if let Some(entry) = duplicate {
            return Err(Duplicate {
                key: self.key(&entry).to_vec(),
                value: self.value(&entry).to_vec(),
            });
        }
        Ok(Sorted {
            arena: self.arena.into(),
            entries,
        })
    }
}

/// Two rows of one task with the same key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duplicate {
    /// Key of the row or unique index entry.
    pub key: Vec<u8>,
    /// Value of one of them.
    pub value: Vec<u8>,
}

/// Mutations in the order of their keys, each key once.
#[derive(Debug, Clone)]
pub struct Sorted {
    arena: Bytes,
    entries: Vec<Entry>,
}

impl Sorted {
    fn key(&self, entry: &Entry) -> &[u8] {
        let end = entry.start + entry.key as usize;
        self.arena.get(entry.start..end).unwrap_or_default()
    }

    fn value(&self, entry: &Entry) -> Option<&[u8]> {
        let start = entry.start + entry.key as usize;
        let value = self.arena.get(start..start + entry.value as usize);
        value.filter(|_| entry.role != Role::Old)
    }

    /// Mutations.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// There are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes of keys and values.
    pub fn bytes(&self) -> usize {
        self.arena.len()
    }

    /// Keys, in order.
    pub fn keys(&self) -> impl Iterator<Item = &[u8]> {
        self.entries.iter().map(|entry| self.key(entry))
    }

    /// Counts all.
    pub fn tally(&self, sums: &mut Sums, sketch: &mut Sketch, touched: &mut Touched) {
        for entry in &self.entries {
            sketch.add(sums.add(self.key(entry), self.value(entry)));
        }
        touched.add_sorted(self.keys());
    }

    /// The value of a key.
    pub fn find(&self, key: &[u8]) -> Option<&[u8]> {
        let at = self.entries.binary_search_by(|entry| self.key(entry).cmp(key)).ok()?;
        self.entries.get(at).and_then(|entry| self.value(entry))
    }

    /// For the client; shares the memory.
    pub fn mutations(&self) -> Vec<Mutation> {
        self.entries
            .iter()
            .map(|entry| {
                let end = entry.start + entry.key as usize;
                let (op, assertion) = match (entry.role, entry.expect) {
                    (Role::Old, _) => (MutationOp::Delete, Assertion::Exist),
                    (Role::Row | Role::Unique, Expect::Free) => (MutationOp::Insert, Assertion::None),
                    (Role::Entry, Expect::Free) => (MutationOp::Put, Assertion::NotExist),
                    (_, Expect::Anything) => (MutationOp::Put, Assertion::None),
                };
                let value = match entry.role {
                    Role::Old => Bytes::new(),
                    _ => self.arena.slice(end..end + entry.value as usize),
                };
                Mutation {
                    op,
                    key: self.arena.slice(entry.start..end),
                    value,
                    assertion,
                }
            })
            .collect()
    }
}

#[cfg(test)]
#[path = "buffer_tests.rs"]
mod tests;
