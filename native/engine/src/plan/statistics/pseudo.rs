//! Estimates without statistics: TiDB's "pseudo" ones.
//!
//! Source of the rates: TiDB `pkg/statistics/table.go` (`pseudoEqualRate`, `pseudoLessRate`, `pseudoBetweenRate`).

use super::Estimate;
use crate::catalog::descriptor::{HandleKind, IndexDescriptor, TableDescriptor};
use crate::plan::access::range::{ByteRange, Ranges};
use crate::plan::cut::window;

/// Rows of a table of which nothing is known.
const ROWS: f64 = 10_000.0;
/// Of the rows, those that are equal to a value,
const EQUAL: f64 = 1.0 / 1000.0;
/// those that are less,
const LESS: f64 = 1.0 / 3.0;
/// and those between two values.
const BETWEEN: f64 = 1.0 / 40.0;

/// Knows at most the number of rows.
#[derive(Debug, Clone, Copy)]
pub struct Pseudo {
    rows: f64,
}

impl Default for Pseudo {
    fn default() -> Self {
        Self { rows: ROWS }
    }
}

impl Pseudo {
    /// Of a table with so many rows.
    pub fn new(rows: f64) -> Self {
        Self { rows: rows.max(1.0) }
    }

    /// Rows of ranges, of which those of single values hold one row each when `unique`.
    pub fn rows_of(&self, ranges: &Ranges, unique: bool) -> f64 {
        let count = ranges.ranges.len() as f64;
        if unique {
            return count.min(self.rows);
        }
        let last = match (ranges.used_columns > ranges.point_columns, ranges.one_sided) {
            (false, _) => 1.0,
            (true, true) => LESS,
            (true, false) => BETWEEN,
        };
        let points = i32::try_from(ranges.point_columns).unwrap_or(i32::MAX);
        // Several columns are rarely independent of each other.
        let equal = if points == 0 { 1.0 } else { EQUAL / f64::from(points) };
        (self.rows * equal * last * count).clamp(count.min(1.0), self.rows)
    }
}

impl Estimate for Pseudo {
    fn table_rows(&self) -> f64 {
        self.rows
    }

    fn handle_rows(&self, table: &TableDescriptor, ranges: &Ranges) -> f64 {
        match table.handle {
            HandleKind::Common => self.rows_of(ranges, ranges.point_columns == table.handle_columns.len()),
            HandleKind::Int | HandleKind::RowId => {
                let unique = ranges.point_columns > 0;
                let handles: f64 = ranges.ranges.iter().map(handles).sum();
                self.rows_of(ranges, unique).min(handles)
            }
        }
    }

    fn index_rows(&self, _table: &TableDescriptor, index: &IndexDescriptor, ranges: &Ranges) -> f64 {
        self.rows_of(ranges, is_unique(index, ranges))
    }
}

/// Does each range hold one entry at most?
pub fn is_unique(index: &IndexDescriptor, ranges: &Ranges) -> bool {
    index.unique
        && ranges.not_null
        && ranges.point_columns == index.columns.len()
        && index.columns.iter().all(|c| c.prefix.is_none())
}

/// Integers in a range of integer handles.
fn handles(range: &ByteRange) -> f64 {
    let number = |key: &[u8]| window(key, 0) as f64;
    let end = if range.end.is_empty() {
        2f64.powi(64)
    } else {
        number(&range.end)
    };
    (end - number(&range.start)).max(1.0)
}

#[cfg(test)]
#[path = "pseudo_tests.rs"]
mod tests;
