//! Which partitions may hold rows, of which something is known.
//!
//! ```text
//! every column has one of a few values       each combination is located as a row is                     all methods
//! the column lies between two values         RANGE (column, YEAR, TO_DAYS, TO_SECONDS, UNIX_TIMESTAMP), RANGE COLUMNS (first column),
//!                                            LIST (column), LIST COLUMNS (first column)
//! ```
//! The answer may name a partition that holds none of the rows, and never leaves one out that does.

use std::collections::BTreeSet;

use ti_codec::datum::Datum;
use ti_codec::mysql::time::MysqlTime;

use super::expr::Expr;
use super::value::{PartitionColumn, Value};
use super::{Listed, PartitionLocator, Rule};

/// Combinations of values that are located at most.
const COMBINATIONS_MAX: usize = 1024;

/// One end of an interval.
#[derive(Debug, Clone, PartialEq)]
pub struct Bound {
    /// A value; of a text its sort key.
    pub value: Datum<'static>,
    /// The value itself is inside.
    pub inclusive: bool,
}

/// What is known of a column's values.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ColumnValues {
    /// The values it may have; `None`: too many.
    pub points: Option<Vec<Datum<'static>>>,
    /// Where its values lie, if they are not NULL, with both ends; `None`: anywhere.
    pub intervals: Option<Vec<(Option<Bound>, Option<Bound>)>>,
    /// It may be NULL.
    pub null: bool,
}

impl PartitionLocator {
    /// Offsets of the columns that rows are placed by.
    pub fn column_offsets(&self) -> Vec<usize> {
        match &self.rule {
            Rule::Hash(expr) | Rule::Range(expr, _) | Rule::List(expr, _) => expr.offsets(),
            Rule::Key(columns) | Rule::RangeColumns(columns, _) | Rule::ListColumns(columns, _) => {
                columns.iter().map(PartitionColumn::offset).collect()
            }
        }
    }

    /// Number of partitions.
    pub fn count(&self) -> usize {
        self.ids.len()
    }

    /// Positions of the partitions that may hold rows of such values, given by column offset. `None`: all of them.
    pub fn may_hold(&self, known: &dyn Fn(usize) -> Option<ColumnValues>) -> Option<BTreeSet<usize>> {
        self.by_points(known).or_else(|| self.by_intervals(known))
    }

    fn by_points(&self, known: &dyn Fn(usize) -> Option<ColumnValues>) -> Option<BTreeSet<usize>> {
        let offsets = self.column_offsets();
        let width = offsets.iter().max()? + 1;
        let mut rows = vec![vec![Datum::Null; width]];
        for offset in offsets {
            let points = known(offset)?.points?;
            if rows.len() * points.len() > COMBINATIONS_MAX {
                return None;
            }
            let with = |row: &Vec<Datum<'static>>, point: &Datum<'static>| {
                let mut row = row.clone();
                if let Some(slot) = row.get_mut(offset) {
                    *slot = point.clone();
                }
                row
            };
            rows = rows
                .iter()
                .flat_map(|row| points.iter().map(move |point| with(row, point)))
                .collect();
        }
        let mut found = BTreeSet::new();
        for row in rows {
            // A value that no partition takes is in none of them.
            if let Ok(at) = self.place(&row).ok()? {
                found.insert(at);
            }
        }
        Some(found)
    }

    fn by_intervals(&self, known: &dyn Fn(usize) -> Option<ColumnValues>) -> Option<BTreeSet<usize>> {
        match &self.rule {
            Rule::Hash(_) | Rule::Key(_) => None,
            Rule::Range(expr, bounds) => {
                let offset = expr.monotone_offset()?;
                let values = known(offset)?;
                let mut found: BTreeSet<usize> = values.null.then_some(0).into_iter().collect();
                for (low, high) in values.intervals? {
                    let low = low.and_then(|low| image(expr, offset, low, 1));
                    let high = high.and_then(|high| image(expr, offset, high, -1));
                    let at = |value: i128| bounds.partition_point(|b| b.is_some_and(|b| b <= value));
                    let first = low.map_or(0, at);
                    let last = high.map_or(bounds.len(), at);
                    found.extend((first..=last).filter(|at| *at < bounds.len()));
                }
                Some(found)
            }
            Rule::RangeColumns(columns, bounds) => {
                let column = columns.first()?;
                let values = known(column.offset())?;
                let mut found: BTreeSet<usize> = values.null.then_some(0).into_iter().collect();
                let several = columns.len() > 1;
                for (low, high) in values.intervals? {
                    let low = low.map(|low| column.key_value(&low.value)).transpose().ok()?;
                    let high = high.map(|high| column.key_value(&high.value)).transpose().ok()?;
                    for at in 0..bounds.len() {
                        let from = at.checked_sub(1).and_then(|at| bounds.get(at)?.first());
                        let to = bounds.get(at).and_then(|bound| bound.first());
                        let ends_before = match (to, &low) {
                            // With more columns, values equal to the first of the bound may be below it.
                            (Some(to), Some(low)) if several => to < low,
                            (Some(to), Some(low)) => to <= low,
                            _ => false,
                        };
                        let begins_behind = matches!((from, &high), (Some(from), Some(high)) if from > high);
                        // Behind MAXVALUE nothing follows.
                        let is_empty = !several && at > 0 && from.is_none();
                        if !ends_before && !begins_behind && !is_empty {
                            found.insert(at);
                        }
                    }
                }
                Some(found)
            }
            Rule::List(expr, listed) => {
                let (offset, false) = (expr.monotone_offset()?, expr.is_function()) else {
                    return None;
                };
                let values = known(offset)?;
                let mut intervals = Vec::new();
                for (low, high) in values.intervals? {
                    let low = low.and_then(|low| image(expr, offset, low, 1));
                    let high = high.and_then(|high| image(expr, offset, high, -1));
                    intervals.push((low, high));
                }
                let inside = |value: &Option<i128>| match value {
                    None => values.null,
                    Some(value) => intervals.iter().any(|(low, high)| {
                        low.is_none_or(|low| low <= *value) && high.is_none_or(|high| *value <= high)
                    }),
                };
                Some(of_list(listed, inside))
            }
            Rule::ListColumns(columns, listed) => {
                let column = columns.first()?;
                let values = known(column.offset())?;
                let mut intervals = Vec::new();
                for (low, high) in values.intervals? {
                    let low = low.map(|low| column.key_value(&low.value)).transpose().ok()?;
                    let high = high.map(|high| column.key_value(&high.value)).transpose().ok()?;
                    intervals.push((low, high));
                }
                let inside = |tuple: &Vec<Value<'static>>| match tuple.first() {
                    None | Some(Value::Null) => values.null,
                    Some(value) => intervals.iter().any(|(low, high)| {
                        low.as_ref().is_none_or(|low| low <= value) && high.as_ref().is_none_or(|high| value <= high)
                    }),
                };
                Some(of_list(listed, inside))
            }
        }
    }
}

/// The partitions of values that are inside, and the one that takes what is not listed.
fn of_list<K: std::hash::Hash + Eq>(listed: &Listed<K>, inside: impl Fn(&K) -> bool) -> BTreeSet<usize> {
    let values = listed
        .partitions
        .iter()
        .filter(|(value, _)| inside(value))
        .map(|(_, at)| *at);
    values.chain(listed.default).collect()
}

/// The value of a monotone expression at a bound, after a step inside if the bound is not. `None`: it has none there.
fn image(expr: &Expr, offset: usize, bound: Bound, inside: i64) -> Option<i128> {
    let value = match (bound.value, bound.inclusive) {
        (value, true) => value,
        (Datum::Int(n), false) => Datum::Int(n.checked_add(inside)?),
        (Datum::Uint(packed), false) if expr.is_function() => {
            let micros = MysqlTime::from_packed(packed).ok()?.wall_micros()?;
            Datum::Uint(MysqlTime::from_wall_micros(micros.checked_add(inside)?)?.to_packed())
        }
        (Datum::Uint(n), false) => Datum::Uint(n.checked_add_signed(inside)?),
        _ => return None,
    };
    let mut row = vec![Datum::Null; offset + 1];
    *row.get_mut(offset)? = value;
    expr.evaluate(&row).ok()?
}
