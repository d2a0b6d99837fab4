//! The DAG request of a scan, as TiDB builds it for a SELECT: a source, and what is done with its rows.
//!
//! ```text
//! ScanSpec.columns -> Wanted -> Source (table scan, index scan) -> scan: executors, output -> request + columns of the answers
//! ```
//!
//! Sources of the shape: tipb `select.proto` and `executor.proto`; TiDB `pkg/util/misc.go` (`ColumnsToProto`),
//! `pkg/table/tables/tables.go` (`BuildTableScanFromInfos`, `SetPBColumnsDefaultValue`), `pkg/executor/builder.go`.

use prost::Message;
use ti_client::PointRanges;
use ti_codec::field_type::type_code;
use ti_codec::{BatchBuilder, OutputColumn, TypeOptions};
use ti_proto::tipb;

use super::operators::Operators;
use super::wire::{ScanAggregate, WireColumn};
use crate::catalog::collation::wire_id;
use crate::catalog::descriptor::{ColumnDescriptor, HandleKind, Refusal, TableDescriptor, ROWID_COLUMN_ID};
use crate::catalog::table_info::flag;
use crate::error::{Error, ErrorKind, Result};

/// Flags of a SELECT: TruncateAsWarning | InSelect | OverflowAsWarning | IgnoreZeroInDate, the bits of TiDB's
/// `pkg/meta/model/flags.go`.
const SELECT_FLAGS: u64 = 2 | 32 | 64 | 128;
/// TiDB's default of the variable of that name. No function that is pushed divides.
const DIV_PRECISION_INCREMENT: u32 = 4;

/// The lowest executor of a request: where its rows come from.
#[derive(Debug, Clone)]
pub struct Source {
    /// A table scan or an index scan; `table_id` is that of the table, to be replaced by the partition's.
    pub executor: tipb::Executor,
    /// Columns of its rows: the position of a column here is its offset in expressions. Each column once.
    pub columns: Vec<ColumnDescriptor>,
}

impl Source {
    /// Rows of the table, by ranges of the record keys.
    pub fn table(table: &TableDescriptor, columns: Vec<ColumnDescriptor>, new_collation: bool) -> Self {
        let scan = tipb::TableScan {
            table_id: Some(table.table_id),
            columns: columns
                .iter()
                .map(|column| column_info(table, column, new_collation))
                .collect(),
            desc: Some(false),
            primary_column_ids: table.primary_column_ids.clone(),
            primary_prefix_column_ids: table.primary_prefix_column_ids.clone(),
            // Rows of a region may come in any order; the stream of a region keeps its own.
            keep_order: Some(false),
        };
        let executor = tipb::Executor {
            tp: Some(tipb::ExecType::TypeTableScan.into()),
            tbl_scan: Some(scan),
            executor_id: Some("TableFullScan".into()),
            ..Default::default()
        };
        Self { executor, columns }
    }

    /// Declares text columns to have the binary collation, by which executors above the scan then group and order them (TiKV and TiDB take
    /// the collation of a column from the scan). Columns of a clustered primary key keep theirs: it says how the key is to be read.
    #[must_use]
    pub fn with_binary_text(mut self, table: &TableDescriptor, new_collation: bool) -> Self {
        let Some(scan) = &mut self.executor.tbl_scan else {
            return self;
        };
        for (column, info) in self.columns.iter_mut().zip(&mut scan.columns) {
            let text = !matches!(column.tp, type_code::ENUM | type_code::SET) && !column.collate.is_empty();
            if text && !table.primary_column_ids.contains(&column.id) {
                "binary".clone_into(&mut column.collate);
                info.collation = Some(wire_id("binary", new_collation));
            }
        }
        self
    }

    /// Offset of a column in the source's rows.
    pub fn offset(&self, column: &ColumnDescriptor) -> Option<usize> {
        self.columns.iter().position(|c| c.id == column.id)
    }
}

/// Columns that Spark wants, in its order; the same column may be there twice.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The columns.
    pub columns: Vec<ColumnDescriptor>,
    /// No column is wanted: the one that is there is to be counted.
    pub count_only: bool,
}

impl Wanted {
    /// Looks the columns up.
    ///
    /// # Errors
    /// `ColumnNotFound`, `UnsupportedType`, `UnsupportedFeature` with the column's name.
    pub fn new(table: &TableDescriptor, names: &[String], types: &TypeOptions) -> Result<Self> {
        let mut columns = Vec::with_capacity(names.len().max(1));
        for name in names {
            columns.push(readable_column(table, name, types)?);
        }
        let count_only = columns.is_empty();
        if count_only {
            columns.push(column_to_count(table, types));
        }
        Ok(Self { columns, count_only })
    }

    /// The columns, each once: what a source has to have.
    pub fn distinct(&self) -> Vec<ColumnDescriptor> {
        let mut distinct = Vec::with_capacity(self.columns.len());
        for column in &self.columns {
            add_column(&mut distinct, column);
        }
        distinct
    }
}

/// Appends a column unless it is there.
pub fn add_column(columns: &mut Vec<ColumnDescriptor>, column: &ColumnDescriptor) {
    if columns.iter().all(|c| c.id != column.id) {
        columns.push(column.clone());
    }
}

/// A column that the type options let us read.
///
/// # Errors
/// As [`Wanted::new`].
pub fn readable_column(table: &TableDescriptor, name: &str, types: &TypeOptions) -> Result<ColumnDescriptor> {
    let column = table.column(name)?;
    check_readable(table, &column, types)?;
    Ok(column)
}

/// The request of a scan, and what its answers hold.
#[derive(Debug, Clone)]
pub struct ScanDag {
    /// The request; `table_id` is that of the table, to be replaced by the partition's.
    pub request: tipb::DagRequest,
    /// Columns of the answers, in order.
    pub output: Vec<WireColumn>,
    /// No column is wanted: the one of the answers is there to be counted.
    pub count_only: bool,
    /// The answers are groups.
    pub aggregate: Option<ScanAggregate>,
    /// Rows that a task needs at most, in any order.
    pub limit: Option<u64>,
    /// A request answers all of its rows at once: its executors see them all before they answer.
    pub blocking: bool,
    /// The operators over the source, bottom up, as EXPLAIN prints them.
    pub texts: Vec<String>,
}

/// Builds the request that reads columns of a source, or what operators make of its rows.
///
/// # Errors
/// `Internal` when the source lacks a column.
pub fn scan(source: Source, wanted: &Wanted, operators: Operators) -> Result<ScanDag> {
    let offsets = wanted
        .columns
        .iter()
        .map(|column| {
            let offset = source.offset(column).and_then(|at| u32::try_from(at).ok());
            offset.ok_or_else(|| {
                Error::new(
                    ErrorKind::Internal,
                    format!("the source of the scan does not have the column `{}`", column.name),
                )
            })
        })
        .collect::<Result<Vec<u32>>>()?;
    let blocking = operators
        .executors
        .iter()
        .any(|e| e.aggregation.is_some() || e.top_n.is_some());
    let mut output = wanted.columns.iter().map(wire_column).collect();
    let mut offsets = offsets;
    let mut count_only = wanted.count_only;
    let mut aggregate = None;
    if let Some(aggregated) = operators.aggregated {
        output = aggregated.columns;
        offsets = aggregated.offsets;
        count_only = false;
        aggregate = Some(ScanAggregate {
            fields: aggregated.fields,
            global: aggregated.global,
        });
    }
    let request = tipb::DagRequest {
        executors: std::iter::once(source.executor).chain(operators.executors).collect(),
        time_zone_name: Some("UTC".into()),
        time_zone_offset: Some(0),
        flags: Some(SELECT_FLAGS),
        output_offsets: offsets,
        encode_type: Some(tipb::EncodeType::TypeChunk.into()),
        chunk_memory_layout: Some(tipb::ChunkMemoryLayout {
            endian: Some(tipb::Endian::LittleEndian.into()),
        }),
        div_precision_increment: Some(DIV_PRECISION_INCREMENT),
        ..Default::default()
    };
    Ok(ScanDag {
        request,
        output,
        count_only,
        aggregate,
        limit: operators.limit,
        blocking,
        texts: operators.texts,
    })
}

/// Builds the request that reads `columns` (output order; the same column may be named twice) of the whole table.
///
/// # Errors
/// As [`Wanted::new`].
pub fn table_scan(
    table: &TableDescriptor,
    columns: &[String],
    types: &TypeOptions,
    new_collation: bool,
) -> Result<ScanDag> {
    let wanted = Wanted::new(table, columns, types)?;
    let source = Source::table(table, wanted.distinct(), new_collation);
    scan(source, &wanted, Operators::default())
}

/// How TiKV takes ranges of one key of the request's scan (`table_scan_executor.rs`, `index_scan_executor.rs`: `accept_point_range`).
pub fn point_ranges(request: &tipb::DagRequest) -> PointRanges {
    let keys = |executor: &tipb::Executor| {
        let table = executor
            .tbl_scan
            .as_ref()
            .is_some_and(|scan| scan.primary_column_ids.is_empty());
        table || executor.idx_scan.as_ref().is_some_and(tipb::IndexScan::unique)
    };
    if request.executors.iter().any(keys) {
        PointRanges::Keys
    } else {
        PointRanges::Intervals
    }
}

/// The request for one physical table, serialised.
pub fn for_table(mut request: tipb::DagRequest, table_id: i64) -> Vec<u8> {
    for executor in &mut request.executors {
        if let Some(scan) = &mut executor.tbl_scan {
            scan.table_id = Some(table_id);
        }
        if let Some(scan) = &mut executor.idx_scan {
            scan.table_id = Some(table_id);
        }
    }
    request.encode_to_vec()
}

fn check_readable(table: &TableDescriptor, column: &ColumnDescriptor, types: &TypeOptions) -> Result<()> {
    let place = || {
        format!(
            "column `{}` of table `{}`.`{}`",
            column.name, table.database, table.table
        )
    };
    if let Some((refusal, why)) = &column.refusal {
        let kind = match refusal {
            Refusal::Feature => ErrorKind::UnsupportedFeature,
            Refusal::Decode => ErrorKind::Decode,
        };
        return Err(Error::new(kind, format!("{}: {why}", place())));
    }
    ti_codec::arrow_type::column_type(&column.field_type(), types)
        .map(drop)
        .map_err(|e| Error::new(ErrorKind::UnsupportedType, format!("{}: {e}", place())))
}

/// The cheapest column that every row has: the handle, which is in the key, unless it is encoded there; then a narrow column.
fn column_to_count(table: &TableDescriptor, types: &TypeOptions) -> ColumnDescriptor {
    if table.handle != HandleKind::Common {
        // An integer primary key may also be asked for as the handle.
        return ColumnDescriptor::rowid();
    }
    let width = |column: &ColumnDescriptor| match column.tp {
        type_code::TINY
        | type_code::SHORT
        | type_code::INT24
        | type_code::LONG
        | type_code::LONG_LONG
        | type_code::YEAR => 0,
        type_code::DATE | type_code::DATETIME | type_code::TIMESTAMP | type_code::DOUBLE | type_code::FLOAT => 1,
        type_code::NEW_DECIMAL => 2,
        _ => 3,
    };
    let readable = |column: &&ColumnDescriptor| check_readable(table, column, types).is_ok();
    table
        .columns
        .iter()
        .filter(readable)
        .min_by_key(|column| width(column))
        .cloned()
        .unwrap_or_else(ColumnDescriptor::rowid)
}

/// A column as scans of tables and indexes name it.
pub fn column_info(table: &TableDescriptor, column: &ColumnDescriptor, new_collation: bool) -> tipb::ColumnInfo {
    let is_handle =
        column.id == ROWID_COLUMN_ID || (table.handle == HandleKind::Int && column.flag & flag::PRI_KEY != 0);
    tipb::ColumnInfo {
        column_id: Some(column.id),
        tp: Some(i32::from(column.tp)),
        collation: Some(wire_id(&column.collate, new_collation)),
        column_len: Some(column.flen),
        decimal: Some(column.decimal),
        flag: Some(i32::from_ne_bytes(column.flag.to_ne_bytes())),
        elems: column.elems.clone(),
        default_val: column.origin_default.clone(),
        pk_handle: Some(is_handle),
    }
}

/// A column of the answers.
pub fn wire_column(column: &ColumnDescriptor) -> WireColumn {
    WireColumn {
        name: column.name.clone(),
        tp: u32::from(column.tp),
        flag: column.flag,
        flen: column.flen,
        decimal: column.decimal,
        charset: column.charset.clone(),
        collate: column.collate.clone(),
        elems: column.elems.clone(),
    }
}

/// A decoder of the answers.
pub fn batch_builder(columns: &[WireColumn], types: &TypeOptions) -> Result<BatchBuilder> {
    Ok(BatchBuilder::new(&columns_of(columns)?, types)?)
}

/// The columns of the answers as the codec has them.
pub fn columns_of(columns: &[WireColumn]) -> Result<Vec<OutputColumn>> {
    columns.iter().map(output_column).collect()
}

/// A column's name and type.
pub fn output_column(column: &WireColumn) -> Result<OutputColumn> {
    let tp = u8::try_from(column.tp).map_err(|_| {
        Error::new(
            ErrorKind::InvalidArgument,
            format!("column `{}` has the type code {}", column.name, column.tp),
        )
    })?;
    let field_type = ti_codec::field_type::FieldType {
        tp,
        flag: column.flag,
        flen: column.flen,
        decimal: column.decimal,
        charset: column.charset.clone(),
        collate: column.collate.clone(),
        elems: column.elems.clone(),
    };
    Ok(OutputColumn {
        name: column.name.clone(),
        field_type,
    })
}

#[cfg(test)]
#[path = "dag_tests.rs"]
mod tests;
