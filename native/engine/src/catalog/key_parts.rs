//! What planning needs of a table's keys: the columns of its handle, the indexes that reads may use, the rule of its partitions.

use super::descriptor::{IndexDescriptor, KeyPart, PartitioningDescriptor};
use super::table_info::{flag, ColumnInfo, IndexColumn, IndexInfo, TableInfo, STATE_PUBLIC};

/// `IndexType`s whose entries are ordinary keys: unknown (very old schemas), B-tree, hash. Source: TiDB `pkg/parser/ast/model.go`.
const ORDINARY_INDEX_TYPES: std::ops::RangeInclusive<u8> = 0..=2;

/// The columns of the handle in key order; none for `_tidb_rowid`.
pub fn handle(table: &TableInfo) -> Vec<KeyPart> {
    if table.pk_is_handle {
        let key = table.cols.iter().find(|c| c.field_type.flag & flag::PRI_KEY != 0);
        return key.map(|c| KeyPart { id: c.id, prefix: None }).into_iter().collect();
    }
    if !table.is_common_handle {
        return Vec::new();
    }
    let primary = table.index_info.iter().find(|index| index.is_primary);
    let parts = primary.map(|index| {
        index
            .idx_cols
            .iter()
            .map(|key| part(table, key))
            .collect::<Option<Vec<_>>>()
    });
    parts.flatten().unwrap_or_default()
}

/// The indexes that reads may use.
pub fn indexes(table: &TableInfo) -> Vec<IndexDescriptor> {
    table
        .index_info
        .iter()
        .filter_map(|index| readable(table, index))
        .collect()
}

/// The index, if every row has exactly one entry in it, every column is stored, and the optimizer may see it.
fn readable(table: &TableInfo, index: &IndexInfo) -> Option<IndexDescriptor> {
    let complete = index.state == STATE_PUBLIC
        && index.backfill_state == 0
        && !index.mv_index
        && index.condition_expr_string.is_empty()
        && ORDINARY_INDEX_TYPES.contains(&index.index_type)
        && index.vector_index.is_none()
        && index.inverted_index.is_none()
        && index.fulltext_index.is_none();
    let is_clustered = table.is_common_handle && index.is_primary;
    // The entries of a global index name the partition of their row, which the handle alone does not.
    if !complete || is_clustered || index.is_invisible || index.is_global || index.idx_cols.is_empty() {
        return None;
    }
    let columns = index
        .idx_cols
        .iter()
        .map(|key| stored(table, key).and_then(|_| part(table, key)))
        .collect::<Option<Vec<_>>>()?;
    Some(IndexDescriptor {
        id: index.id,
        name: index.idx_name.0.clone(),
        unique: index.is_unique,
        columns,
    })
}

/// The column of a key, when rows store it under its own type.
fn stored<'a>(table: &'a TableInfo, key: &IndexColumn) -> Option<&'a ColumnInfo> {
    let column = table.cols.get(key.offset)?;
    let usable = column.state == STATE_PUBLIC
        && !column.hidden
        && !column.is_virtual()
        && !column.field_type.array
        && !key.using_changing_type
        && column.changing_type.is_none();
    usable.then_some(column)
}

fn part(table: &TableInfo, key: &IndexColumn) -> Option<KeyPart> {
    let column = table.cols.get(key.offset)?;
    let whole = key.length < 0 || key.length == column.field_type.flen;
    Some(KeyPart {
        id: column.id,
        prefix: if whole { None } else { u32::try_from(key.length).ok() },
    })
}

/// The rule of the partitions, unless a statement is changing it.
pub fn partitioning(table: &TableInfo) -> Option<PartitioningDescriptor> {
    let info = table.partition.as_ref().filter(|p| p.enable && !p.is_changing())?;
    Some(PartitioningDescriptor {
        method: info.method,
        expr: info.expr.clone(),
        columns: info.columns.iter().map(|name| name.0.clone()).collect(),
    })
}

#[cfg(test)]
#[path = "key_parts_tests.rs"]
mod tests;
