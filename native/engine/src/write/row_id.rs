//! Generated ids: `_tidb_rowid`, AUTO_RANDOM, AUTO_INCREMENT.
//!
//! ```text
//! driver, start_tasks    allocator key += partitions x stride              ids of a task: base + partition x stride + 1, 2, ...  (repeatable)
//! task, beyond its share allocator key += block                            (not repeatable)
//! driver, commit         allocator key = max(it, greatest explicit value)
//! ```
//! An allocator is a field of the database's hash in TiDB's schema, the decimal text of the last id that was taken. It is changed in transactions of
//! its own, as TiDB does; ids of writes that fail stay unused. Sources: TiDB `meta/meta.go`, `meta/meta_autoid.go`, `meta/autoid/autoid.go`.

use std::sync::Arc;
use std::time::Duration;

use ti_client::Client;
use ti_codec::field_type::{type_code as t, FieldType};

use super::table::{AutoColumn, HandleSource, ShardFormat, WriteTable};
use super::tally::hash_key;
use super::wire::ReservedIds;
use crate::catalog::meta_key;
use crate::error::{Error, ErrorKind, Result};

/// Ids reserved for a partition, at most. Unused ones are lost, and there are 2^63.
const MAX_STRIDE: u64 = 1 << 20;
/// A reservation takes at most this part of the ids that are left.
const RESERVED_PART: u64 = 64;
/// Ids of a block that a task allocates on demand: the first, and the most. TiDB takes 30,000 and more at once.
const FIRST_BLOCK: u64 = 1_000;
const LAST_BLOCK: u64 = 100_000;

/// For taking ids, with all retries.
const DEADLINE: Duration = Duration::from_secs(60);

/// An allocator of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allocator {
    key: Vec<u8>,
    greatest: u64,
    unsigned: bool,
    table: String,
    what: &'static str,
    sharded: bool,
}

/// Which ids a table's write generates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdKind {
    /// `_tidb_rowid`, or AUTO_RANDOM.
    Sharded(ShardFormat),
    /// AUTO_INCREMENT.
    Increment,
}

impl Allocator {
    /// Of `_tidb_rowid`.
    pub fn of_rows(table: &WriteTable, database_id: i64) -> Option<Self> {
        let HandleSource::RowId(format) = &table.handle else {
            return None;
        };
        Some(Self {
            key: meta_key::row_id_allocator(database_id, table.id),
            greatest: format.greatest,
            unsigned: false,
            table: table.full_name(),
            what: "_tidb_rowid",
            sharded: true,
        })
    }

    /// Of the AUTO_INCREMENT or AUTO_RANDOM column.
    pub fn of_column(table: &WriteTable, database_id: i64) -> Option<Self> {
        let auto = table.auto?;
        let column = table.columns.get(auto.offset())?;
        let (key, greatest, what) = match auto {
            AutoColumn::Random(_, format) => (
                meta_key::auto_random_allocator(database_id, table.id),
                format.greatest,
                "AUTO_RANDOM",
            ),
            AutoColumn::Increment(_) if table.separate_auto_increment => (
                meta_key::auto_increment_allocator(database_id, table.id),
                greatest_value(&column.field_type),
                "AUTO_INCREMENT",
            ),
            AutoColumn::Increment(_) => (
                meta_key::row_id_allocator(database_id, table.id),
                greatest_value(&column.field_type),
                "AUTO_INCREMENT",
            ),
        };
        Some(Self {
            key,
            greatest,
            unsigned: column.field_type.is_unsigned(),
            table: table.full_name(),
            what,
            sharded: matches!(auto, AutoColumn::Random(..)),
        })
    }

    /// Are there 2^63 ids or nearly as many (`_tidb_rowid`, AUTO_RANDOM), so that some may be reserved and left unused?
    pub fn is_sharded(&self) -> bool {
        self.sharded
    }

    /// The last id that was taken, from the key's value. TiDB keeps unsigned numbers by their bits.
    fn parse(&self, value: Option<&[u8]>) -> Result<u64> {
        let Some(bytes) = value else { return Ok(0) };
        let number = std::str::from_utf8(bytes)
            .ok()
            .and_then(|text| text.parse::<i64>().ok());
        let number = number.ok_or_else(|| {
            Error::new(
                ErrorKind::Decode,
                format!("the {} allocator of table {} holds no number", self.what, self.table),
            )
        })?;
        Ok(if self.unsigned {
            number as u64
        } else {
            u64::try_from(number).unwrap_or(0)
        })
    }

    fn text(id: u64) -> Vec<u8> {
        (id as i64).to_string().into_bytes()
    }

    fn exhausted(&self) -> Error {
        Error::new(
            ErrorKind::InvalidValue,
            format!("the {} values of table {} are used up", self.what, self.table),
        )
    }

    /// Takes `count` ids: the last one that was taken before.
    async fn take(&self, client: &Arc<Client>, count: u64) -> Result<u64> {
        let mut before = None;
        client
            .increment_meta(self.key.clone().into(), DEADLINE, |value| -> Result<_> {
                let last = self.parse(value)?;
                let next = last.checked_add(count).filter(|next| *next <= self.greatest);
                before = next.map(|_| last);
                Ok(next.map(Self::text))
            })
            .await?;
        before.ok_or_else(|| self.exhausted())
    }

    /// Reserves ids for `partitions` tasks. None when there are so few left that they had better be taken as they are needed.
    pub async fn reserve(&self, client: &Arc<Client>, partitions: u32) -> Result<Option<ReservedIds>> {
        let mut reserved = None;
        client
            .increment_meta(self.key.clone().into(), DEADLINE, |value| -> Result<_> {
                let base = self.parse(value)?;
                let stride = stride(self.greatest.saturating_sub(base), partitions);
                reserved = (stride > 0).then_some(ReservedIds {
                    base,
                    stride,
                    partitions,
                });
                let next = base + stride * u64::from(partitions);
                Ok((stride > 0).then(|| Self::text(next)))
            })
            .await?;
        Ok(reserved)
    }

    /// Has the allocator go on after `greatest`, a value that was given explicitly.
    pub async fn rebase(&self, client: &Arc<Client>, greatest: u64) -> Result<()> {
        client
            .increment_meta(self.key.clone().into(), DEADLINE, |value| -> Result<_> {
                let last = self.parse(value)?;
                Ok((greatest > last).then(|| Self::text(greatest)))
            })
            .await?;
        Ok(())
    }
}

/// Ids for each partition when so many are left.
fn stride(left: u64, partitions: u32) -> u64 {
    let part = left / RESERVED_PART / u64::from(partitions.max(1));
    part.min(MAX_STRIDE)
}

/// The greatest value of an integer or floating-point column with AUTO_INCREMENT. TiDB's allocator ends one before the greatest of its own.
fn greatest_value(ty: &FieldType) -> u64 {
    let bits = match ty.tp {
        t::TINY => 8,
        t::SHORT => 16,
        t::INT24 => 24,
        t::LONG => 32,
        t::LONG_LONG => 64,
        t::FLOAT => 24,
        _ => 53,
    };
    match (bits, ty.is_unsigned()) {
        (64, true) => u64::MAX - 1,
        (64, false) => i64::MAX as u64 - 1,
        (bits, true) => (1 << bits) - 1,
        (bits, false) => (1 << (bits - 1)) - 1,
    }
}

/// The ids of one task.
#[derive(Debug)]
pub struct TaskIds {
    allocator: Allocator,
    kind: IdKind,
    shard: u64,
    /// Ids from `next + 1` to `end`.
    next: u64,
    end: u64,
    block: u64,
    unrepeatable: bool,
}

impl TaskIds {
    /// For a partition; `reserved` are the ids of all tasks.
    pub fn new(
        allocator: Allocator,
        kind: IdKind,
        start_ts: u64,
        partition: u32,
        reserved: Option<&ReservedIds>,
    ) -> Self {
        let share = reserved.filter(|r| partition < r.partitions);
        let next = share.map_or(0, |r| r.base + u64::from(partition) * r.stride);
        // Every attempt of the partition has the same shard, and partitions are spread over all of them.
        let mut seed = start_ts.to_be_bytes().to_vec();
        seed.extend_from_slice(&partition.to_be_bytes());
        Self {
            allocator,
            kind,
            shard: hash_key(&seed) as u64,
            next,
            end: share.map_or(next, |r| next + r.stride),
            block: FIRST_BLOCK,
            unrepeatable: false,
        }
    }

    /// The next id, if it needs no request.
    pub fn take_next(&mut self) -> Option<u64> {
        if self.next >= self.end {
            return None;
        }
        self.next += 1;
        Some(match self.kind {
            IdKind::Sharded(format) => format.compose(self.shard, self.next),
            IdKind::Increment => self.next,
        })
    }

    /// Takes more ids from the allocator.
    pub async fn refill(&mut self, client: &Arc<Client>) -> Result<()> {
        self.unrepeatable = true;
        let taken = match self.allocator.take(client, self.block).await {
            Err(e) if e.kind == ErrorKind::InvalidValue && self.block > 1 => {
                // Near the end of a small type.
                self.block = 1;
                self.allocator.take(client, 1).await?
            }
            other => other?,
        };
        self.next = taken;
        self.end = taken + self.block;
        self.block = if self.block == 1 {
            1
        } else {
            (self.block * 4).min(LAST_BLOCK)
        };
        Ok(())
    }

    /// Would another attempt get other ids?
    pub fn unrepeatable(&self) -> bool {
        self.unrepeatable
    }
}

#[cfg(test)]
#[path = "row_id_tests.rs"]
mod tests;
