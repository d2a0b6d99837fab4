//! Values that Spark does not give: row ids, AUTO_INCREMENT, AUTO_RANDOM.

use std::sync::Arc;

use ti_client::Client;
use ti_codec::datum::Datum;
use tokio::sync::watch;

use super::super::row_id::{Allocator, IdKind, TaskIds};
use super::super::table::{AutoColumn, HandleSource, WriteTable};
use super::super::wire::WriteCommon;
use super::{wait, Ids, Task};
use crate::error::Result;

impl Task {
    /// Generates the value of the AUTO_INCREMENT or AUTO_RANDOM column where it is NULL or 0, and remembers explicit ones.
    pub(super) fn fill_ids(&mut self, values: &mut [Datum<'_>]) -> Result<()> {
        let Some((auto, ids)) = &mut self.ids.column else {
            return Ok(());
        };
        let Some(value) = values.get_mut(auto.offset()) else {
            return Ok(());
        };
        match explicit_id(value) {
            // Negative: neither generated nor of interest to the allocator.
            None => {}
            Some(0) => {
                let id = next_id(ids, &self.client, &self.cancelled)?;
                let ty = self.table.columns.get(auto.offset()).map(|c| &c.field_type);
                *value = match value_kind(ty) {
                    ValueKind::Unsigned => Datum::Uint(id),
                    ValueKind::Float => Datum::Float(id as f64),
                    ValueKind::Signed => Datum::Int(id as i64),
                };
            }
            Some(id) => {
                self.ids.greatest_explicit = self.ids.greatest_explicit.max(increment(*auto, id));
            }
        }
        Ok(())
    }

    /// Remembers the AUTO_INCREMENT or AUTO_RANDOM value of a row that changes, if it does: an update generates none.
    pub(super) fn note_changed_id(&mut self, new: &[Datum<'_>], old: &[Datum<'_>]) {
        let Some((auto, _)) = &self.ids.column else {
            return;
        };
        let (new, old) = (new.get(auto.offset()), old.get(auto.offset()));
        let Some(id) = new.filter(|_| new != old).and_then(explicit_id) else {
            return;
        };
        self.ids.greatest_explicit = self.ids.greatest_explicit.max(increment(*auto, id));
    }

    pub(super) fn next_row_id(&mut self) -> Result<Option<u64>> {
        match &mut self.ids.rows {
            Some(ids) => next_id(ids, &self.client, &self.cancelled).map(Some),
            None => Ok(None),
        }
    }
}

/// A value that is given for a generated one; 0: one is asked for; `None`: it is of no interest.
fn explicit_id(value: &Datum<'_>) -> Option<u64> {
    match value {
        Datum::Null => Some(0),
        Datum::Int(v) => u64::try_from(*v).ok(),
        Datum::Uint(v) => Some(*v),
        // Negative ones saturate at 0, and are kept all the same.
        Datum::Float(v) if *v < 0.0 => None,
        Datum::Float(v) => Some(*v as u64),
        _ => None,
    }
}

/// The part of a value that the allocator counts.
fn increment(auto: AutoColumn, id: u64) -> u64 {
    match auto {
        AutoColumn::Increment(_) => id,
        AutoColumn::Random(_, format) => format.increment(id),
    }
}

impl Ids {
    pub(super) fn new(table: &WriteTable, common: &WriteCommon, partition: u32) -> Self {
        let database = common.allocator_database;
        let reserved = common.reserved.as_ref();
        let rows = match (&table.handle, Allocator::of_rows(table, database)) {
            (HandleSource::RowId(format), Some(allocator)) => Some(TaskIds::new(
                allocator,
                IdKind::Sharded(*format),
                common.start_ts,
                partition,
                reserved,
            )),
            _ => None,
        };
        let column = table
            .auto
            .zip(Allocator::of_column(table, database))
            .map(|(auto, allocator)| {
                let (kind, reserved) = match auto {
                    AutoColumn::Increment(_) => (IdKind::Increment, None),
                    // Row ids and AUTO_RANDOM exclude each other: the reservation is for the one that there is.
                    AutoColumn::Random(_, format) => (IdKind::Sharded(format), reserved.filter(|_| rows.is_none())),
                };
                (
                    auto,
                    TaskIds::new(allocator, kind, common.start_ts, partition, reserved),
                )
            });
        Self {
            rows,
            column,
            greatest_explicit: 0,
        }
    }

    pub(super) fn unrepeatable(&self) -> bool {
        let rows = self.rows.as_ref().is_some_and(TaskIds::unrepeatable);
        rows || self.column.as_ref().is_some_and(|(_, ids)| ids.unrepeatable())
    }
}

fn next_id(ids: &mut TaskIds, client: &Arc<Client>, cancelled: &watch::Sender<bool>) -> Result<u64> {
    loop {
        if let Some(id) = ids.take_next() {
            return Ok(id);
        }
        wait(cancelled, ids.refill(client))?;
    }
}

enum ValueKind {
    Signed,
    Unsigned,
    Float,
}

fn value_kind(ty: Option<&ti_codec::FieldType>) -> ValueKind {
    use ti_codec::field_type::type_code as t;
    match ty {
        Some(ty) if matches!(ty.tp, t::FLOAT | t::DOUBLE) => ValueKind::Float,
        Some(ty) if ty.is_unsigned() => ValueKind::Unsigned,
        _ => ValueKind::Signed,
    }
}
