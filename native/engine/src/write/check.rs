//! What a write of some shape asks of Spark's plan, told before there is a transaction: `WriteInfo`.

use ti_codec::field_type::{type_code as t, FieldType};
use ti_proto::plan;
use ti_proto::plan::write_spec::{Mode, Overwrite};

use super::delta::spec::row_id_names;
use super::spec;
use super::table::{AutoColumn, Default, HandleSource, WriteTable};
use crate::error::Result;

/// Checks a request against a table, as far as that is possible without a transaction. Columns that are missing are reported, not refused.
///
/// # Errors
/// As `Spec::new`.
pub fn write_info(request: &plan::WriteSpec, table: &WriteTable) -> Result<plan::WriteInfo> {
    let inputs = spec::given_columns(request, table)?;
    let name = |offset: &usize| table.columns.get(*offset).map(|c| c.name.clone());
    let changes_rows = request.mode() == Mode::Delta;
    let puts_rows = !changes_rows || !inputs.is_empty();
    let generates_ids = puts_rows
        && (matches!(table.handle, HandleSource::RowId(_))
            || table.auto.is_some_and(|auto| !inputs.contains(&auto.offset())));
    let mut info = plan::WriteInfo {
        handle_columns: table.handle_offsets().iter().filter_map(name).collect(),
        unique_indexes: unique_indexes(table),
        generates_ids,
        filled: if puts_rows { filled(table, &inputs) } else { Vec::new() },
        missing: if puts_rows {
            spec::missing(table, &inputs)
        } else {
            Vec::new()
        },
        explain: String::new(),
    };
    // Rows cannot be clustered by a key whose values the write makes itself.
    let handle_is_made = table
        .handle_offsets()
        .iter()
        .any(|offset| table.auto.is_some_and(|auto| auto.offset() == *offset) && !inputs.contains(offset));
    if changes_rows {
        info.handle_columns = row_id_names(table);
    } else if handle_is_made {
        info.handle_columns.clear();
    }
    info.explain = explain(request, table, &info);
    Ok(info)
}

fn unique_indexes(table: &WriteTable) -> Vec<String> {
    let unique = table.indexes.iter().filter(|index| index.unique);
    unique.map(|index| index.name.clone()).collect()
}

fn filled(table: &WriteTable, inputs: &[usize]) -> Vec<String> {
    let left_out = table
        .columns
        .iter()
        .enumerate()
        .filter(|(offset, column)| !inputs.contains(offset) && !column.generated);
    left_out
        .filter_map(|(offset, column)| {
            let how = match (table.auto, &column.default) {
                (Some(AutoColumn::Increment(auto)), _) if auto == offset => "auto_increment",
                (Some(AutoColumn::Random(auto, _)), _) if auto == offset => "auto_random",
                (_, Default::Now) => "current_timestamp",
                (_, Default::Today) => "current_date",
                (_, Default::Value(ti_codec::datum::Datum::Null)) => "null",
                (_, Default::Value(_)) => "default",
                (_, Default::Expression(_) | Default::Missing) => return None,
            };
            Some(format!("{} ({how})", column.name))
        })
        .collect()
}

/// Do equal keys always come from equal values of Spark, so that rows with one key meet in one task when they are clustered by it? Texts that
/// a collation takes for equal, and times and numbers that are rounded, may not.
pub fn clusters_exactly(table: &WriteTable) -> bool {
    let exact = |ty: &FieldType| match ty.tp {
        t::TINY | t::SHORT | t::INT24 | t::LONG | t::LONG_LONG | t::YEAR | t::DATE | t::NEW_DECIMAL => true,
        t::VARCHAR | t::VAR_STRING => ty.is_binary_charset(),
        _ => false,
    };
    let offsets = table.handle_offsets();
    offsets
        .iter()
        .all(|offset| table.columns.get(*offset).is_some_and(|c| exact(&c.field_type)))
}

/// The operator tree, as EXPLAIN prints it.
fn explain(request: &plan::WriteSpec, table: &WriteTable, info: &plan::WriteInfo) -> String {
    let changes_rows = request.mode() == Mode::Delta;
    let puts_rows = !changes_rows || !request.columns.is_empty();
    let what = match (request.mode(), request.overwrite()) {
        (_, Overwrite::All) => "Overwrite",
        (_, Overwrite::Partitions) => "OverwritePartitions",
        (Mode::Append, Overwrite::None) => "Append",
        (Mode::Upsert, Overwrite::None) => "Upsert",
        (Mode::Ignore, Overwrite::None) => "Ignore",
        (Mode::Delta, Overwrite::None) => "Delta",
    };
    let handle = match &table.handle {
        HandleSource::Column(_) => "int",
        HandleSource::Common { .. } => "common",
        HandleSource::RowId(_) => "_tidb_rowid",
    };
    let indexes: Vec<String> = table
        .indexes
        .iter()
        .map(|index| match index.unique {
            true => format!("{} (unique)", index.name),
            false => index.name.clone(),
        })
        .collect();
    let list = |names: &[String]| match names.is_empty() {
        true => "none".to_owned(),
        false => names.join(", "),
    };
    format!(
        "TiDBWrite {what} table: {}, handle: {handle} [{}], indexes: [{}], filled: [{}], partitions: {}\n\
         +- CommitPrimary (schema check, {} lock audit)\n   +- Prewrite",
        table.full_name(),
        list(&info.handle_columns),
        list(&indexes),
        list(&info.filled),
        table.partitioner.as_ref().map_or(0, |_| table.physical_ids.len()),
        if puts_rows && (changes_rows || table.has_unique_index() || !clusters_exactly(table)) {
            "with"
        } else {
            "no"
        },
    )
}
