//! What cannot be written, by name. Everything that could leave a table inconsistent is refused before anything is written.

use crate::catalog::table_info::{IndexInfo, TableInfo, STATE_PUBLIC};
use crate::error::{Error, ErrorKind, Result};

/// `IndexType` of B-trees, and of hash indexes, which are B-trees too; 0: not said.
const TREE_INDEX_TYPES: std::ops::RangeInclusive<u8> = 0..=2;

/// Why rows of a table cannot be written, as the end of "table `db`.`t` ...".
fn of_table(table: &TableInfo) -> Option<String> {
    if table.view.is_some() {
        return Some("is a view: write to its tables".into());
    }
    if table.sequence.is_some() {
        return Some("is a sequence and has no rows".into());
    }
    if table.temp_table_type != 0 {
        return Some("is a temporary table: its rows exist only inside a TiDB session".into());
    }
    if table.cache_table_status != 0 {
        return Some("is a cached table (ALTER TABLE ... CACHE), whose readers would not see the rows; run ALTER TABLE ... NOCACHE first".into());
    }
    if table.lock.as_ref().is_some_and(|lock| !lock.sessions.is_empty()) {
        return Some("is locked by LOCK TABLES; unlock it first".into());
    }
    if table.is_columnar {
        return Some("is stored in TiFlash alone".into());
    }
    if table.exchange_partition_info.is_some() {
        return Some("takes part in a running EXCHANGE PARTITION; write when it is done".into());
    }
    if let Some(key) = table.fk_info.first() {
        return Some(format!(
            "has the foreign key `{}`, which is checked by TiDB only; write through TiDB, or drop the foreign key",
            key.fk_name.0
        ));
    }
    if let Some(check) = table.constraint_info.iter().find(|c| c.enforced) {
        return Some(format!(
            "has the CHECK constraint `{}`, which is evaluated by TiDB only; write through TiDB, or ALTER CONSTRAINT ... NOT ENFORCED",
            check.constraint_name.0
        ));
    }
    let partitions = table.partition.as_ref().filter(|p| p.enable);
    if partitions.is_some_and(|p| p.is_changing()) {
        return Some("has a statement on its partitions running; write when it is done".into());
    }
    None
}

fn of_columns(table: &TableInfo) -> Option<String> {
    table.cols.iter().find_map(|column| {
        let name = &column.name.0;
        if column.state != STATE_PUBLIC || column.change_state_info.is_some() || column.changing_type.is_some() {
            return Some(format!(
                "has a statement on its column `{name}` running (ADD, DROP or MODIFY COLUMN); write when it is done"
            ));
        }
        if !column.generated_expr_string.is_empty() && column.generated_stored {
            return Some(format!(
                "has the stored generated column `{name}`, which is computed by TiDB only; write through TiDB"
            ));
        }
        None
    })
}

fn of_index(table: &TableInfo, index: &IndexInfo) -> Option<String> {
    let name = &index.idx_name.0;
    let changing = index.idx_cols.iter().any(|column| column.using_changing_type);
    if index.state != STATE_PUBLIC || index.backfill_state != 0 || changing {
        return Some(format!(
            "has a statement on its index `{name}` running (ADD or DROP INDEX); write when it is done"
        ));
    }
    if index.mv_index {
        return Some(format!(
            "has the multi-valued index `{name}`, which cannot be written yet"
        ));
    }
    if index.vector_index.is_some()
        || index.inverted_index.is_some()
        || index.fulltext_index.is_some()
        || !TREE_INDEX_TYPES.contains(&index.index_type)
    {
        return Some(format!(
            "has the index `{name}` of a kind that is not kept in TiKV (vector, full-text or columnar), which cannot be written yet"
        ));
    }
    if !index.condition_expr_string.is_empty() {
        return Some(format!(
            "has the partial index `{name}` (WHERE {}), whose condition is evaluated by TiDB only",
            index.condition_expr_string
        ));
    }
    index.idx_cols.iter().find_map(|key| match table.cols.get(key.offset) {
        None => Some(format!("has the index `{name}` of a column that it does not have")),
        Some(column) if column.hidden => Some(format!(
            "has the expression index `{name}`, which is computed by TiDB only"
        )),
        Some(column) if !column.generated_expr_string.is_empty() => Some(format!(
            "has the index `{name}` on the generated column `{}`, which is computed by TiDB only",
            column.name.0
        )),
        Some(_) => None,
    })
}

fn of_partition_columns(table: &TableInfo) -> Option<String> {
    let partition = table.partition.as_ref().filter(|p| p.enable)?;
    partition.columns.iter().find_map(|name| {
        let column = table.cols.iter().find(|c| c.name.0.eq_ignore_ascii_case(&name.0))?;
        (!column.generated_expr_string.is_empty()).then(|| {
            format!(
                "is partitioned by the generated column `{}`, which is computed by TiDB only",
                name.0
            )
        })
    })
}

/// Refuses tables whose rows cannot be written.
///
/// # Errors
/// `UnsupportedFeature` that names the table and the feature.
pub fn check(database: &str, table: &TableInfo) -> Result<()> {
    let why = of_table(table)
        .or_else(|| of_columns(table))
        .or_else(|| table.index_info.iter().find_map(|index| of_index(table, index)))
        .or_else(|| of_partition_columns(table));
    match why {
        None => Ok(()),
        Some(why) => Err(refusal(database, &table.name.0, &why)),
    }
}

/// "table `db`.`t` {why}"
pub fn refusal(database: &str, table: &str, why: &str) -> Error {
    Error::new(
        ErrorKind::UnsupportedFeature,
        format!("table `{database}`.`{table}` {why}"),
    )
}

#[cfg(test)]
#[path = "refuse_tests.rs"]
mod tests;
