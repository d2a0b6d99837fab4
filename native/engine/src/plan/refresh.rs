//! A table as of the snapshot, when its schema was loaded before it.
//!
//! A statement is analysed with the schema of one moment and reads rows of a later one. In between a table may have been truncated (its rows
//! then have another table id), dropped, or changed. What is read is always the table as of the snapshot; where its columns are no
//! longer those that the statement was analysed with, that is an error instead of other values.

use std::collections::BTreeSet;

use ti_codec::arrow_type::column_type;
use ti_codec::field_type::{flag, FieldType};
use ti_codec::TypeOptions;
use ti_proto::plan;

use super::operators::{expressions, names};
use crate::catalog::descriptor::{ColumnDescriptor, PartitionDescriptor, TableDescriptor};
use crate::error::{Error, ErrorKind, Result};

/// Fails when a column that is read, or that the stores compute with, is not what it was; or the partitions, where Spark was told of them.
///
/// `then` is the table that the statement was analysed with, `now` the table of that name as of the snapshot.
pub fn check(then: &TableDescriptor, now: &TableDescriptor, spec: &plan::ScanSpec, types: &TypeOptions) -> Result<()> {
    let computed: BTreeSet<&str> = expressions(spec).chain(&spec.runtime_filters).flat_map(names).collect();
    let read = spec.columns.iter().map(|name| (name.as_str(), false));
    for (name, computed) in read.chain(computed.into_iter().map(|name| (name, true))) {
        let old = then.column(name)?;
        let new = now
            .column(name)
            .map_err(|_| changed(then, &format!("column `{name}` is gone")))?;
        if !same(&old, &new, types) || (computed && !computes_alike(&old.field_type(), &new.field_type())) {
            let what = format!(
                "column `{name}` was {} and is {}",
                old.field_type().sql_name(),
                new.field_type().sql_name()
            );
            return Err(changed(then, &what));
        }
    }
    if spec.by_partition && !same_partitions(then, now) {
        return Err(changed(then, "its partitions are others"));
    }
    Ok(())
}

/// Whether a row is in the partition of the same position. Partitions that are being changed are not the same as any.
fn same_partitions(old: &TableDescriptor, new: &TableDescriptor) -> bool {
    let bounds = |table: &TableDescriptor| -> Option<Vec<_>> {
        let bound = |p: &PartitionDescriptor| (p.less_than.clone(), p.in_values.clone());
        Some(table.partitions.as_ref()?.iter().map(bound).collect())
    };
    old.partitioning.is_some() && old.partitioning == new.partitioning && bounds(old) == bounds(new)
}

/// Whether what was decided about pushing down expressions of the column still holds. Flags besides the sign tell of keys.
fn computes_alike(old: &FieldType, new: &FieldType) -> bool {
    let without_keys = |of: &FieldType| FieldType {
        flag: of.flag & flag::UNSIGNED,
        ..of.clone()
    };
    without_keys(old) == without_keys(new)
}

/// Whether Spark sees the same column: same name, type, and no NULLs where there were none.
fn same(old: &ColumnDescriptor, new: &ColumnDescriptor, types: &TypeOptions) -> bool {
    old.name == new.name
        && match (
            column_type(&old.field_type(), types),
            column_type(&new.field_type(), types),
        ) {
            (Ok(old), Ok(new)) => old.arrow == new.arrow && old.spark == new.spark && (old.nullable || !new.nullable),
            // Not readable then either: planning says why.
            (Err(_), _) => true,
            (Ok(_), Err(_)) => false,
        }
}

fn changed(table: &TableDescriptor, what: &str) -> Error {
    Error::new(
        ErrorKind::SchemaChanged,
        format!(
            "`{}`.`{}` was changed after the statement was analysed: {what}. Run the statement again; a data frame has \
             to be made again (spark.table, spark.sql)",
            table.database, table.table
        ),
    )
}

#[cfg(test)]
#[path = "refresh_tests.rs"]
mod tests;
