//! Statistics from TiDB's system tables, read as any table is.
//!
//! ```text
//! mysql.stats_meta           table_id -> version, count
//! mysql.stats_histograms     table_id, is_index, hist_id -> distinct values, NULLs, bytes
//! mysql.stats_buckets        ... bucket_id -> count, repeats, bounds (of columns as text, of indexes as keys)
//! mysql.stats_top_n          ... -> most frequent values, as keys
//! ```
//! Source: TiDB `pkg/statistics/handle/storage` (`read.go`, `save.go`).

use std::collections::BTreeMap;

use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Int16Type, Int32Type, Int64Type, Int8Type};
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;
use ti_codec::datum::Datum;
use ti_codec::default_value;
use ti_codec::field_type::{type_code as t, FieldType};

use super::histogram::{Bucket, Histogram};
use crate::catalog::descriptor::TableDescriptor;

/// What `mysql.stats_meta` says of a table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Meta {
    /// Changes whenever the statistics do.
    pub version: u64,
    /// Rows.
    pub count: u64,
}

/// The entry of a whole table; where it has none, what its partitions come to. `None` when there are no rows: TiDB writes a 0 when it makes a table and counts
/// what it writes itself alone, so that for TiDB as well 0 means that nothing is known.
pub fn of_table(id: i64, metas: &BTreeMap<i64, Meta>) -> Option<Meta> {
    let partitions = || {
        let of_partitions = || metas.iter().filter(|(key, _)| **key != id).map(|(_, meta)| meta);
        Some(Meta {
            version: of_partitions().map(|meta| meta.version).max()?,
            count: of_partitions().map(|meta| meta.count).sum(),
        })
    };
    let known = |meta: &Meta| meta.count > 0;
    metas
        .get(&id)
        .copied()
        .filter(known)
        .or_else(|| partitions().filter(known))
}

/// Histograms by column id, and by index id.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Histograms {
    /// Of columns.
    pub columns: BTreeMap<i64, Histogram>,
    /// Of indexes.
    pub indexes: BTreeMap<i64, Histogram>,
}

impl Histograms {
    fn of(&mut self, is_index: i64, id: i64) -> Option<&mut Histogram> {
        if is_index == 0 {
            self.columns.get_mut(&id)
        } else {
            self.indexes.get_mut(&id)
        }
    }
}

/// Columns of `stats_meta` that [`metas`] takes.
pub const META_COLUMNS: [&str; 3] = ["table_id", "version", "count"];
/// Columns of `stats_histograms` that [`histograms`] takes.
pub const HISTOGRAM_COLUMNS: [&str; 6] = [
    "is_index",
    "hist_id",
    "distinct_count",
    "null_count",
    "tot_col_size",
    "stats_ver",
];
/// Columns of `stats_buckets` that [`add_buckets`] takes.
pub const BUCKET_COLUMNS: [&str; 7] = [
    "is_index",
    "hist_id",
    "bucket_id",
    "count",
    "repeats",
    "lower_bound",
    "upper_bound",
];
/// Columns of `stats_top_n` that [`add_top`] takes.
pub const TOP_COLUMNS: [&str; 4] = ["is_index", "hist_id", "value", "count"];

/// The rows whose value in `column` is one of these, in pieces.
pub fn of_tables(batch: &RecordBatch, column: usize, table_ids: &[i64]) -> Vec<RecordBatch> {
    let is_kept = |row: usize| int(batch, column, row).is_some_and(|id| table_ids.contains(&id));
    let mut pieces = Vec::new();
    let mut start = 0;
    for row in 0..=batch.num_rows() {
        if row == batch.num_rows() || !is_kept(row) {
            if start < row {
                pieces.push(batch.slice(start, row - start));
            }
            start = row + 1;
        }
    }
    pieces
}

/// By table id.
pub fn metas(batches: &[RecordBatch]) -> BTreeMap<i64, Meta> {
    let row = |batch: &RecordBatch, row| {
        let meta = Meta {
            version: u64::try_from(int(batch, 1, row)?).ok()?,
            count: u64::try_from(int(batch, 2, row)?).ok()?,
        };
        Some((int(batch, 0, row)?, meta))
    };
    rows(batches, row).collect()
}

/// Without buckets. A histogram of version 0 was never made: the row is there for the column's size alone.
pub fn histograms(batches: &[RecordBatch]) -> Histograms {
    let mut all = Histograms::default();
    let row = |batch: &RecordBatch, row| {
        let number = |column| int(batch, column, row).map_or(0.0, |n| n as f64);
        let histogram = Histogram {
            distinct: number(2),
            nulls: number(3),
            bytes: number(4),
            ..Histogram::default()
        };
        let made = int(batch, 5, row).unwrap_or_default() > 0;
        made.then_some((int(batch, 0, row)?, int(batch, 1, row)?, histogram))
    };
    for (is_index, id, histogram) in rows(batches, row) {
        if is_index == 0 {
            all.columns.insert(id, histogram);
        } else {
            all.indexes.insert(id, histogram);
        }
    }
    all
}

/// Adds the buckets. Those of a column whose bounds cannot be read are left out.
pub fn add_buckets(all: &mut Histograms, table: &TableDescriptor, batches: &[RecordBatch]) {
    let row = |batch: &RecordBatch, row| {
        let place = (int(batch, 0, row)?, int(batch, 1, row)?, int(batch, 2, row)?);
        let count = (int(batch, 3, row)? as f64, int(batch, 4, row)? as f64);
        Some((place, count, bytes(batch, 5, row)?, bytes(batch, 6, row)?))
    };
    let mut found: Vec<_> = rows(batches, row).collect();
    found.sort_by_key(|((is_index, id, bucket), ..)| (*is_index, *id, *bucket));
    for ((is_index, id, _), (count, repeats), lower, upper) in found {
        let key = |bound: Vec<u8>| match is_index {
            0 => column_key(&table.column_of_id(id)?.field_type(), &bound),
            _ => Some(bound),
        };
        let (Some(lower), Some(upper)) = (key(lower), key(upper)) else {
            continue;
        };
        if let Some(histogram) = all.of(is_index, id) {
            histogram.buckets.push(Bucket {
                count,
                repeats,
                lower,
                upper,
            });
        }
    }
}

/// Adds the most frequent values.
pub fn add_top(all: &mut Histograms, batches: &[RecordBatch]) {
    let row = |batch: &RecordBatch, row| {
        let count = int(batch, 3, row)? as f64;
        Some((int(batch, 0, row)?, int(batch, 1, row)?, bytes(batch, 2, row)?, count))
    };
    for (is_index, id, value, count) in rows(batches, row) {
        if let Some(histogram) = all.of(is_index, id) {
            histogram.top.insert(value, count);
        }
    }
}

/// The key form of a bound of a column, which is kept as text; of texts it is the sort key.
fn column_key(ty: &FieldType, bound: &[u8]) -> Option<Vec<u8>> {
    let datum = match ty.tp {
        t::VARCHAR | t::VAR_STRING | t::STRING | t::TINY_BLOB | t::MEDIUM_BLOB | t::LONG_BLOB | t::BLOB => {
            Datum::Bytes(bound.into())
        }
        t::ENUM | t::SET | t::BIT | t::JSON => return None,
        _ => default_value::datum(ty, Some(bound)).ok()?,
    };
    let mut key = Vec::new();
    datum.encode_key(&mut key).ok()?;
    Some(key)
}

fn rows<'a, T: 'a>(
    batches: &'a [RecordBatch],
    row: impl Fn(&RecordBatch, usize) -> Option<T> + Copy + 'a,
) -> impl Iterator<Item = T> + 'a {
    batches
        .iter()
        .flat_map(move |batch| (0..batch.num_rows()).filter_map(move |at| row(batch, at)))
}

/// An integer of any width; BIGINT UNSIGNED comes as a decimal.
fn int(batch: &RecordBatch, column: usize, row: usize) -> Option<i64> {
    let array = batch.columns().get(column)?;
    if array.is_null(row) {
        return None;
    }
    Some(match array.data_type() {
        DataType::Boolean => i64::from(array.as_boolean().value(row)),
        DataType::Int8 => array.as_primitive::<Int8Type>().value(row).into(),
        DataType::Int16 => array.as_primitive::<Int16Type>().value(row).into(),
        DataType::Int32 => array.as_primitive::<Int32Type>().value(row).into(),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row),
        DataType::Decimal128(_, 0) => i64::try_from(array.as_primitive::<Decimal128Type>().value(row)).ok()?,
        _ => return None,
    })
}

fn bytes(batch: &RecordBatch, column: usize, row: usize) -> Option<Vec<u8>> {
    let array = batch.columns().get(column)?;
    if array.is_null(row) {
        return None;
    }
    match array.data_type() {
        DataType::Binary => Some(array.as_binary::<i32>().value(row).to_vec()),
        DataType::Utf8 => Some(array.as_string::<i32>().value(row).as_bytes().to_vec()),
        _ => None,
    }
}

#[cfg(test)]
#[path = "load_tests.rs"]
mod tests;
