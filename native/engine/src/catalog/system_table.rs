//! Small tables of TiDB's own database `mysql`, read as text.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch};
use prost::Message;
use ti_client::{Client, CopRequest, MemoryBudget};
use ti_codec::TypeOptions;
use ti_proto::tipb;

use super::descriptor::TableDescriptor;
use crate::error::{Error, ErrorKind, Result};
use crate::plan::dag::{self, ScanDag};
use crate::plan::task;

/// Memory for the answers of one table.
const BYTES: usize = 4 << 20;

/// All rows of a table as of `ts`: columns of text or bytes, in the order of their names here.
///
/// # Errors
/// Those of reading; `ColumnNotFound` where the table is not as expected.
pub async fn rows(
    client: &Arc<Client>,
    table: &TableDescriptor,
    columns: &[&str],
    ts: u64,
) -> Result<Vec<Vec<Option<String>>>> {
    let types = TypeOptions::default();
    let names: Vec<String> = columns.iter().map(|name| (*name).to_owned()).collect();
    let ScanDag { request, output, .. } = dag::table_scan(table, &names, &types, true)?;
    let mut builder = dag::batch_builder(&output, &types)?;
    let points = dag::point_ranges(&request);
    let mut answers = client.coprocessor(CopRequest {
        start_ts: ts,
        dag: dag::for_table(request, table.table_id).into(),
        ranges: task::full_ranges(&[table.table_id]),
        points,
        cuts: Vec::new(),
        paging_size: 0,
        concurrency: 1,
        memory: MemoryBudget::new(BYTES),
    });
    while let Some(answer) = answers.next().await {
        let response = tipb::SelectResponse::decode(answer?.data.clone())?;
        if let Some(error) = &response.error {
            return Err(Error::new(
                ErrorKind::Coprocessor,
                format!(
                    "the coprocessor failed on `{}`.`{}`: {}",
                    table.database,
                    table.table,
                    error.msg()
                ),
            ));
        }
        for chunk in &response.chunks {
            match response.encode_type() {
                tipb::EncodeType::TypeChunk => builder.append_chunk(chunk.rows_data())?,
                tipb::EncodeType::TypeDefault => builder.append_rows(chunk.rows_data())?,
            };
        }
    }
    let batch = builder.finish()?;
    Ok((0..batch.num_rows())
        .map(|row| {
            (0..batch.num_columns())
                .map(|column| text(&batch, column, row))
                .collect()
        })
        .collect())
}

fn text(batch: &RecordBatch, column: usize, row: usize) -> Option<String> {
    let array = batch.columns().get(column)?;
    if array.is_null(row) {
        return None;
    }
    if let Some(strings) = array.as_string_opt::<i32>() {
        return Some(strings.value(row).to_owned());
    }
    array
        .as_binary_opt::<i32>()
        .map(|bytes| String::from_utf8_lossy(bytes.value(row)).into_owned())
}
