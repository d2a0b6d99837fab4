//! Index scans: what their rows have, and whether that is enough.
//!
//! ```text
//! columns of the request    those of the index in key order, then the handle where it is wanted:
//!                           one integer (pk_handle), or the columns of the clustered primary key (primary_column_ids)
//! ```
//! Texts whose key is a sort key are kept in the entry's value, from where the store restores them; of a prefix there is no more than the
//! prefix. Sources: TiDB `pkg/planner/core/operator/physicalop` (`PhysicalIndexScan.ToPB`), TiKV `tidb_query_executors/src/index_scan_executor.rs`.

use ti_codec::handle::CommonHandleEncoder;
use ti_codec::index::IndexColumn;
use ti_proto::tipb;

use crate::catalog::descriptor::{
    ColumnDescriptor, HandleKind, IndexDescriptor, KeyPart, TableDescriptor, ROWID_COLUMN_ID,
};
use crate::error::Result;
use crate::plan::dag::{self, column_info, Source, Wanted};
use crate::plan::operators::Operators;
use crate::plan::wire::WireKeyPart;

/// Id that no column has: a source's column of which there is a prefix only must not be taken for the column.
const PREFIX_COLUMN_ID: i64 = i64::MIN;

/// Do the entries hold the whole values of all these columns?
pub fn covers(table: &TableDescriptor, index: &IndexDescriptor, columns: &[ColumnDescriptor]) -> bool {
    columns
        .iter()
        .all(|column| in_index(index, column) || in_handle(table, column))
}

/// Does the index itself hold whole values of the column?
pub fn in_index(index: &IndexDescriptor, column: &ColumnDescriptor) -> bool {
    index
        .columns
        .iter()
        .any(|part| part.id == column.id && part.prefix.is_none())
}

fn in_handle(table: &TableDescriptor, column: &ColumnDescriptor) -> bool {
    match table.handle {
        HandleKind::RowId => column.id == ROWID_COLUMN_ID,
        HandleKind::Int | HandleKind::Common => table
            .handle_columns
            .iter()
            .any(|part| part.id == column.id && part.prefix.is_none()),
    }
}

/// Entries of an index, with the handle where `columns` needs it. All parts of the index must be columns of the table.
pub fn source(
    table: &TableDescriptor,
    index: &IndexDescriptor,
    columns: &[ColumnDescriptor],
    new_collation: bool,
) -> Source {
    // An entry of a unique index has a common handle in its value, which TiKV reads only when it is asked for it.
    let handle_in_value = index.unique && table.handle == HandleKind::Common;
    let with_handle = handle_in_value || columns.iter().any(|column| !in_index(index, column));
    build(table, index, with_handle, new_collation)
}

/// Entries of an index with the handle.
pub fn with_handle(table: &TableDescriptor, index: &IndexDescriptor, new_collation: bool) -> Source {
    build(table, index, true, new_collation)
}

/// The request for the handles of those of an index's entries that pass, `wire::LookUp::dag`: its answers come row by row, as datums that
/// keys are made of.
pub fn handle_request(table: &TableDescriptor, source: Source, operators: Operators) -> Result<tipb::DagRequest> {
    let handles = match table.handle {
        HandleKind::Common => table.handle_columns.len(),
        HandleKind::Int | HandleKind::RowId => 1,
    };
    let first = source.columns.len().saturating_sub(handles);
    let offsets = (first..source.columns.len()).map(|at| u32::try_from(at).unwrap_or(u32::MAX));
    let offsets = offsets.collect();
    let nothing = Wanted {
        columns: Vec::new(),
        count_only: true,
    };
    let mut request = dag::scan(source, &nothing, operators)?.request;
    request.output_offsets = offsets;
    request.encode_type = Some(tipb::EncodeType::TypeDefault.into());
    request.chunk_memory_layout = None;
    Ok(request)
}

/// The columns of a common handle as they make keys; none of an integer. `None`: this version cannot make them.
pub fn handle_parts(table: &TableDescriptor, new_collation: bool) -> Option<Vec<WireKeyPart>> {
    if table.handle != HandleKind::Common {
        return Some(Vec::new());
    }
    let part = |part: &KeyPart| {
        let mut column = table.column_of_id(part.id)?.clone();
        if !new_collation {
            // Keys hold the texts themselves.
            column.collate = "binary".into();
        }
        Some(WireKeyPart {
            column: Some(dag::wire_column(&column)),
            prefix: part.prefix.map_or(-1, i64::from),
        })
    };
    let parts = table.handle_columns.iter().map(part).collect::<Option<Vec<_>>>()?;
    handle_encoder(&parts).is_ok().then_some(parts)
}

/// Makes common handles of their columns' values.
pub fn handle_encoder(parts: &[WireKeyPart]) -> Result<CommonHandleEncoder> {
    let part = |(offset, part): (usize, &WireKeyPart)| {
        let column = dag::output_column(&part.column.clone().unwrap_or_default())?;
        Ok(IndexColumn {
            name: column.name,
            offset,
            column_id: 0,
            field_type: column.field_type,
            prefix: u32::try_from(part.prefix).ok(),
        })
    };
    let columns = parts.iter().enumerate().map(part).collect::<Result<Vec<_>>>()?;
    Ok(CommonHandleEncoder::new(columns)?)
}

fn build(table: &TableDescriptor, index: &IndexDescriptor, with_handle: bool, new_collation: bool) -> Source {
    let mut columns = Vec::new();
    let mut infos = Vec::new();
    let mut add = |column: &ColumnDescriptor, is_prefix: bool, is_handle: bool| {
        let mut info = column_info(table, column, new_collation);
        info.pk_handle = Some(is_handle);
        infos.push(info);
        let mut column = column.clone();
        if is_prefix {
            column.id = PREFIX_COLUMN_ID;
        }
        columns.push(column);
    };
    for part in &index.columns {
        if let Some(column) = table.column_of_id(part.id) {
            add(column, part.prefix.is_some(), false);
        }
    }
    let mut primary_column_ids = Vec::new();
    if with_handle {
        match table.handle {
            HandleKind::Common => {
                for part in &table.handle_columns {
                    if let Some(column) = table.column_of_id(part.id) {
                        add(column, part.prefix.is_some(), false);
                        primary_column_ids.push(part.id);
                    }
                }
            }
            HandleKind::Int => {
                let key = table
                    .handle_columns
                    .first()
                    .and_then(|part| table.column_of_id(part.id));
                add(key.unwrap_or(&ColumnDescriptor::rowid()), false, true);
            }
            HandleKind::RowId => add(&ColumnDescriptor::rowid(), false, true),
        }
    }
    let scan = tipb::IndexScan {
        table_id: Some(table.table_id),
        index_id: Some(index.id),
        columns: infos,
        desc: Some(false),
        // Says that a range of one key is one entry, which is not so for NULLs and prefixes of columns.
        unique: Some(false),
        primary_column_ids,
    };
    let executor = tipb::Executor {
        tp: Some(tipb::ExecType::TypeIndexScan.into()),
        idx_scan: Some(scan),
        executor_id: Some("IndexRangeScan".into()),
        ..Default::default()
    };
    Source { executor, columns }
}
