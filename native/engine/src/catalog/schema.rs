//! `TableInfo` of TiDB -> the schema that Spark sees, and the descriptor that planning needs.

use ti_codec::arrow_type;
use ti_codec::field_type::FieldType;
use ti_codec::TypeOptions;
use ti_proto::plan;

use super::default_value::origin_default;
use super::descriptor::{rowid_type, ColumnDescriptor, HandleKind, PartitionDescriptor, Refusal, TableDescriptor};
use super::descriptor::{ROWID_COLUMN_ID, ROWID_NAME};
use super::table_info::{flag, ColumnInfo, DbInfo, TableInfo, STATE_PUBLIC};
use super::{key_parts, show};
use crate::error::{ErrorKind, Result};

/// Columns that readers see, in their order. Hidden ones belong to expression indexes.
fn readable_columns(table: &TableInfo) -> Vec<&ColumnInfo> {
    let mut columns: Vec<&ColumnInfo> = table
        .cols
        .iter()
        .filter(|c| c.state == STATE_PUBLIC && !c.hidden)
        .collect();
    columns.sort_by_key(|c| c.offset);
    columns
}

fn handle_kind(table: &TableInfo) -> HandleKind {
    match (table.pk_is_handle, table.is_common_handle) {
        (true, _) => HandleKind::Int,
        (false, true) => HandleKind::Common,
        (false, false) => HandleKind::RowId,
    }
}

fn kind(table: &TableInfo) -> plan::TableKind {
    match (&table.view, &table.sequence) {
        (Some(_), _) => plan::TableKind::View,
        (_, Some(_)) => plan::TableKind::Sequence,
        _ => plan::TableKind::BaseTable,
    }
}

/// The schema of a table as of `schema_ts`.
pub fn table_schema(
    db: &DbInfo,
    table: &TableInfo,
    schema_ts: u64,
    types: &TypeOptions,
    show_rowid: bool,
) -> Result<plan::TableSchema> {
    let descriptor = descriptor(db, table)?;
    let mut columns: Vec<plan::Column> = Vec::with_capacity(descriptor.columns.len() + 1);
    for (info, desc) in readable_columns(table).into_iter().zip(&descriptor.columns) {
        let auto_random = table.auto_random_column() == Some(info.offset);
        columns.push(plan::Column {
            auto_random,
            ..column(info, desc, types)?
        });
    }
    let kind = kind(table);
    if show_rowid && kind == plan::TableKind::BaseTable && descriptor.handle == HandleKind::RowId {
        columns.push(rowid_column(types));
    }
    Ok(plan::TableSchema {
        database_id: db.id,
        database: db.db_name.0.clone(),
        table_id: table.id,
        table: table.name.0.clone(),
        kind: kind.into(),
        comment: table.comment.clone(),
        schema_ts,
        columns,
        primary_key: primary_key(table),
        handle_kind: descriptor.handle.name().into(),
        indexes: indexes(table),
        partitioning: partitioning(table),
        charset: table.charset.clone(),
        collation: table.collate.clone(),
        table_descriptor: descriptor.to_bytes()?,
    })
}

fn column(info: &ColumnInfo, desc: &ColumnDescriptor, types: &TypeOptions) -> Result<plan::Column> {
    let (ty, unsupported) = data_type(&desc.field_type(), types);
    let unsupported = desc.refusal.as_ref().map_or(unsupported, |(_, why)| why.clone());
    let flags = info.field_type.flag;
    Ok(plan::Column {
        id: info.id,
        name: info.name.0.clone(),
        r#type: if unsupported.is_empty() { ty } else { None },
        mysql_type: desc.field_type().sql_name(),
        nullable: flags & flag::NOT_NULL == 0,
        comment: info.comment.clone(),
        unsupported,
        default_value: show::default_text(info)?,
        auto_increment: flags & flag::AUTO_INCREMENT != 0,
        generated: info.generated_expr_string.clone(),
        auto_random: false,
    })
}

fn rowid_column(types: &TypeOptions) -> plan::Column {
    let ty = rowid_type();
    let (data_type, unsupported) = data_type(&ty, types);
    plan::Column {
        id: ROWID_COLUMN_ID,
        name: ROWID_NAME.into(),
        r#type: data_type,
        mysql_type: ty.sql_name(),
        nullable: false,
        comment: "TiDB's hidden row id".into(),
        unsupported,
        ..Default::default()
    }
}

/// The Spark type, or why there is none.
fn data_type(ty: &FieldType, types: &TypeOptions) -> (Option<plan::DataType>, String) {
    let spark = match arrow_type::column_type(ty, types) {
        Ok(column) => column.spark,
        Err(unsupported) => return (None, unsupported.to_string()),
    };
    (Some(crate::types::data_type(spark)), String::new())
}

fn primary_key(table: &TableInfo) -> Vec<String> {
    if table.pk_is_handle {
        let key = table.cols.iter().find(|c| c.field_type.flag & flag::PRI_KEY != 0);
        return key.map(|c| c.name.0.clone()).into_iter().collect();
    }
    let primary = table
        .index_info
        .iter()
        .find(|i| i.is_primary && i.state == STATE_PUBLIC);
    primary
        .map(|index| index.idx_cols.iter().map(|c| c.name.0.clone()).collect())
        .unwrap_or_default()
}

fn indexes(table: &TableInfo) -> Vec<plan::Index> {
    let mut indexes = Vec::new();
    if table.pk_is_handle {
        // TiDB keeps no index for it: the rows are in its order. SHOW INDEX lists it all the same.
        indexes.push(plan::Index {
            id: 0,
            name: "PRIMARY".into(),
            unique: true,
            primary: true,
            visible: true,
            columns: primary_key(table),
        });
    }
    indexes.extend(
        table
            .index_info
            .iter()
            .filter(|i| i.state == STATE_PUBLIC)
            .map(|index| plan::Index {
                id: index.id,
                name: index.idx_name.0.clone(),
                unique: index.is_unique,
                primary: index.is_primary,
                visible: !index.is_invisible,
                columns: show::index_columns(table, index),
            }),
    );
    indexes
}

fn partitioning(table: &TableInfo) -> Option<plan::Partitioning> {
    let info = table.partition.as_ref().filter(|p| p.enable)?;
    let partition = |definition: &super::table_info::PartitionDefinition| plan::Partition {
        id: definition.id,
        name: definition.name.0.clone(),
        description: show::partition_description(info, definition),
    };
    Some(plan::Partitioning {
        method: show::partition_method(info),
        expression: show::partition_expression(info),
        partitions: info.readable().map(partition).collect(),
        changing: key_parts::partitioning(table).is_none(),
    })
}

/// What planning needs.
pub fn descriptor(db: &DbInfo, table: &TableInfo) -> Result<TableDescriptor> {
    let columns = readable_columns(table)
        .into_iter()
        .map(column_descriptor)
        .collect::<Result<Vec<_>>>()?;
    let handle = handle_kind(table);
    let (primary_column_ids, primary_prefix_column_ids) = match handle {
        HandleKind::Common => common_handle(table),
        HandleKind::Int | HandleKind::RowId => (Vec::new(), Vec::new()),
    };
    let partitions = table.partition.as_ref().filter(|p| p.enable).map(|info| {
        info.readable()
            .map(|d| PartitionDescriptor {
                id: d.id,
                name: d.name.0.clone(),
                less_than: d.less_than.clone(),
                in_values: d.in_values.clone(),
            })
            .collect::<Vec<_>>()
    });
    Ok(TableDescriptor {
        database: db.db_name.0.clone(),
        table: table.name.0.clone(),
        table_id: table.id,
        refusal: refusal(table),
        handle,
        primary_column_ids,
        primary_prefix_column_ids,
        handle_columns: key_parts::handle(table),
        indexes: key_parts::indexes(table),
        columns,
        partitions,
        partitioning: key_parts::partitioning(table),
    })
}

/// Why there are no rows to scan.
fn refusal(table: &TableInfo) -> Option<String> {
    match kind(table) {
        plan::TableKind::View => {
            Some("is a view, and views cannot be read from storage; read its tables, or define it in Spark".into())
        }
        plan::TableKind::Sequence => Some("is a sequence and has no rows".into()),
        plan::TableKind::BaseTable if table.temp_table_type != 0 => {
            Some("is a temporary table: its rows exist only inside a TiDB session".into())
        }
        plan::TableKind::BaseTable => None,
    }
}

fn column_descriptor(info: &ColumnInfo) -> Result<ColumnDescriptor> {
    let ty = show::field_type(&info.field_type);
    let mut refusal = None;
    let mut default = None;
    if info.is_virtual() {
        refusal = Some((
            Refusal::Feature,
            format!(
                "virtual generated column `{}` cannot be read from storage yet; leave it out, or make it STORED",
                info.name.0
            ),
        ));
    } else {
        match origin_default(info) {
            Ok(datum) => default = datum,
            // The table stays usable: only who touches the column is told.
            Err(e) if e.kind == ErrorKind::UnsupportedFeature => refusal = Some((Refusal::Feature, e.message)),
            Err(e) => refusal = Some((Refusal::Decode, e.message)),
        }
    }
    Ok(ColumnDescriptor {
        origin_default: default,
        refusal,
        ..ColumnDescriptor::new(info.id, &info.name.0, ty)
    })
}

/// Ids of the columns of a common handle, and of those of them that the key holds only a prefix of.
fn common_handle(table: &TableInfo) -> (Vec<i64>, Vec<i64>) {
    let (mut all, mut prefixes) = (Vec::new(), Vec::new());
    let primary = table.index_info.iter().find(|i| i.is_primary);
    for key in primary.iter().flat_map(|index| &index.idx_cols) {
        if let Some(column) = table.cols.get(key.offset) {
            all.push(column.id);
            if key.length > 0 && column.field_type.flen > key.length {
                prefixes.push(column.id);
            }
        }
    }
    (all, prefixes)
}

#[cfg(test)]
#[path = "schema_tests.rs"]
mod tests;
