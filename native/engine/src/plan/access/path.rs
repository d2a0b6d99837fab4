//! The choice of the way by which rows are read.
//!
//! ```text
//! table scan       ranges of the handle, or all rows
//! index only       the index has all columns that are needed: ranges of it, or all of it when it is narrower
//! index look-up    ranges of the index say the handles, whose rows are read then
//! ```
//! The cheapest wins. Cost counts bytes read by the stores, bytes sent, and what it takes to find single rows; only its proportions matter.

use ti_codec::field_type::type_code;
use ti_codec::TypeOptions;
use ti_proto::plan;

use super::index_source;
use super::key_column::KeyColumn;
use super::predicate::Conditions;
use super::range::{self, Ranges};
use crate::catalog::descriptor::{ColumnDescriptor, HandleKind, IndexDescriptor, TableDescriptor};
use crate::plan::statistics::Estimate;

/// Cost of a row beside its bytes.
const ROW: f64 = 40.0;
/// Cost of finding one row by its handle.
const LOOK_UP: f64 = 500.0;
/// Cost of a byte that is sent, where one that is read costs 1.
const SENT: f64 = 1.5;
/// Cost of one more round trip for each task.
const ROUND_TRIP: f64 = 50_000.0;
/// Bytes that a value of variable length is taken for at most.
const VARIABLE_BYTES: i32 = 64;
/// Bytes of a handle and of what surrounds values in keys.
const HANDLE_BYTES: f64 = 20.0;

/// A way to rows.
#[derive(Debug, Clone, PartialEq)]
pub enum Access {
    /// Rows by ranges of their handles.
    Table,
    /// Entries of an index that has all that is needed.
    IndexOnly(IndexDescriptor),
    /// Entries of an index, then the rows.
    LookUp(IndexDescriptor),
}

/// A way to rows and what it costs.
#[derive(Debug, Clone, PartialEq)]
pub struct Path {
    /// The way.
    pub access: Access,
    /// Ranges of the handle or of the index; `None`: all.
    pub ranges: Option<Ranges>,
    /// Rows in the ranges, about.
    pub rows: f64,
    /// Bytes that are sent, about.
    pub bytes: f64,
    /// What is compared.
    pub cost: f64,
}

/// What the choice depends on.
pub struct Question<'a> {
    /// The table.
    pub table: &'a TableDescriptor,
    /// Columns that are read, those of filters included; none: rows are counted.
    pub needed: &'a [ColumnDescriptor],
    /// What the filters say.
    pub conditions: &'a Conditions<'a>,
    /// How values are read.
    pub types: &'a TypeOptions,
    /// TiDB's collation framework.
    pub new_collation: bool,
    /// Which indexes may be used.
    pub push_down: Option<&'a plan::PushDown>,
    /// Executors group or order texts by the collation of the scan, which that of an index cannot be told to change.
    pub by_scanned_text: bool,
    /// How many rows ranges hold.
    pub estimate: &'a dyn Estimate,
}

impl Question<'_> {
    /// The cheapest way.
    pub fn choose(&self) -> Path {
        let mut best = self.table_path();
        let (index_read, index_first) = self.push_down.map_or((false, false), |p| (p.index_read, p.index_first));
        if !index_read || self.conditions.never {
            return best;
        }
        let mut by_index = self
            .table
            .indexes
            .iter()
            .flat_map(|index| self.index_paths(index))
            .collect::<Vec<_>>();
        by_index.sort_by(|a, b| a.cost.total_cmp(&b.cost));
        // A handle that is known is read by its ranges all the same.
        let first = index_first && best.ranges.is_none();
        if let Some(path) = by_index.into_iter().find(|path| !first || path.ranges.is_some()) {
            if path.cost < best.cost || first {
                best = path;
            }
        }
        best
    }

    fn column(&self, part: &crate::catalog::descriptor::KeyPart) -> Option<KeyColumn> {
        KeyColumn::of_part(self.table, part, self.types, self.new_collation)
    }

    fn table_path(&self) -> Path {
        let ranges = match self.table.handle {
            _ if self.conditions.never => Some(Ranges::none()),
            HandleKind::Common => {
                let columns: Vec<_> = self.table.handle_columns.iter().map(|part| self.column(part)).collect();
                range::of_columns(&columns, self.conditions)
            }
            HandleKind::Int => {
                let column = self.table.handle_columns.first().and_then(|part| self.column(part));
                column.and_then(|column| range::of_int_handle(&column, self.conditions))
            }
            HandleKind::RowId => {
                let column = KeyColumn::new(&ColumnDescriptor::rowid(), None, self.types, self.new_collation);
                column.and_then(|column| range::of_int_handle(&column, self.conditions))
            }
        };
        let rows = match &ranges {
            Some(ranges) => self.estimate.handle_rows(self.table, ranges),
            None => self.estimate.table_rows(),
        };
        let bytes = rows * width(self.needed);
        Path {
            cost: rows * (ROW + width(&self.table.columns)) + SENT * bytes,
            access: Access::Table,
            ranges,
            rows,
            bytes,
        }
    }

    /// The ways by one index.
    fn index_paths(&self, index: &IndexDescriptor) -> Option<Path> {
        if index
            .columns
            .iter()
            .any(|part| self.table.column_of_id(part.id).is_none())
        {
            return None;
        }
        let columns: Vec<_> = index.columns.iter().map(|part| self.column(part)).collect();
        let ranges = range::of_columns(&columns, self.conditions);
        let rows = match &ranges {
            Some(ranges) => self.estimate.index_rows(self.table, index, ranges),
            None => self.estimate.table_rows(),
        };
        let parts: Vec<ColumnDescriptor> = index
            .columns
            .iter()
            .filter_map(|part| self.table.column_of_id(part.id).cloned())
            .collect();
        let scanned = rows * (ROW + HANDLE_BYTES + width(&parts));
        let bytes = rows * width(self.needed);
        let is_text = |c: &ColumnDescriptor| !c.collate.is_empty() && c.collate != "binary";
        let by_text = self.by_scanned_text && self.needed.iter().any(is_text);
        if !by_text && index_source::covers(self.table, index, self.needed) {
            return Some(Path {
                cost: scanned + SENT * bytes,
                access: Access::IndexOnly(index.clone()),
                ranges,
                rows,
                bytes,
            });
        }
        let ranges = ranges?;
        let most = self.push_down.map_or(0, |p| p.index_downgrade_rows);
        if most > 0 && rows > most as f64 {
            return None;
        }
        index_source::handle_parts(self.table, self.new_collation)?;
        let found = rows * (LOOK_UP + width(&self.table.columns));
        Some(Path {
            cost: ROUND_TRIP + scanned + SENT * (bytes + rows * HANDLE_BYTES) + found,
            access: Access::LookUp(index.clone()),
            ranges: Some(ranges),
            rows,
            bytes,
        })
    }
}

/// Bytes of a row of these columns, about.
pub fn width(columns: &[ColumnDescriptor]) -> f64 {
    columns.iter().map(column_width).sum()
}

/// Do the values of the column differ in length?
pub fn is_variable(column: &ColumnDescriptor) -> bool {
    matches!(
        column.tp,
        type_code::VARCHAR
            | type_code::VAR_STRING
            | type_code::STRING
            | type_code::TINY_BLOB
            | type_code::MEDIUM_BLOB
            | type_code::LONG_BLOB
            | type_code::BLOB
            | type_code::JSON
    )
}

fn column_width(column: &ColumnDescriptor) -> f64 {
    match column.tp {
        type_code::TINY
        | type_code::SHORT
        | type_code::INT24
        | type_code::LONG
        | type_code::LONG_LONG
        | type_code::YEAR
        | type_code::FLOAT
        | type_code::DOUBLE
        | type_code::DATE
        | type_code::DATETIME
        | type_code::TIMESTAMP
        | type_code::DURATION => 8.0,
        type_code::NEW_DECIMAL => 16.0,
        _ => f64::from(column.flen.clamp(8, VARIABLE_BYTES)),
    }
}

#[cfg(test)]
#[path = "path_tests.rs"]
mod tests;
