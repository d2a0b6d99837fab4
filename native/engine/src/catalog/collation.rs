//! Collation ids, and TiDB's collation framework.
//!
//! Since TiDB 4.0 a cluster is made with the "new" framework on or off for ever (`mysql.tidb`, `new_collation_enabled`). With it on, ids are
//! sent negated, and the store knows that the key of a clustered string does not hold its text (the row does).

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::Array;
use prost::Message;
use ti_client::{Client, CopRequest, MemoryBudget};
use ti_codec::TypeOptions;
use ti_proto::tipb;

use super::descriptor::TableDescriptor;
use crate::error::{Error, ErrorKind, Result};
use crate::plan::dag::{self, ScanDag};
use crate::plan::task;

/// Memory for the answers of a small system table.
const SYSTEM_TABLE_BYTES: usize = 4 << 20;

/// Id of a collation in MySQL's numbering, as the server shows it in SHOW COLLATION. Those that TiDB has, and the binary ones that
/// tables of other servers may name; an unknown one counts as utf8mb4_bin, as in TiDB.
fn id(name: &str) -> i32 {
    const UTF8MB4_BIN: i32 = 46;
    match name {
        "binary" => 63,
        "ascii_bin" => 65,
        "ascii_general_ci" => 11,
        "gb18030_bin" => 249,
        "gb18030_chinese_ci" => 248,
        "gbk_bin" => 87,
        "gbk_chinese_ci" => 28,
        "latin1_bin" => 47,
        "latin1_general_ci" => 48,
        "latin1_swedish_ci" => 8,
        "utf8_bin" => 83,
        "utf8_general_ci" => 33,
        "utf8_unicode_ci" => 192,
        "utf8mb4_bin" => UTF8MB4_BIN,
        "utf8mb4_general_ci" => 45,
        "utf8mb4_unicode_ci" => 224,
        "utf8mb4_0900_ai_ci" => 255,
        "utf8mb4_0900_bin" => 309,
        _ => UTF8MB4_BIN,
    }
}

/// The id as it is sent in a request.
pub fn wire_id(name: &str, new_framework: bool) -> i32 {
    // Columns without characters have an empty collation in very old schemas, which stands for 0 in TiDB's table.
    let id = if name.is_empty() { 0 } else { id(name) };
    if new_framework {
        -id
    } else {
        id
    }
}

/// Reads from `mysql.tidb` at `ts` whether the new framework is on. As in TiDB, everything but `True` means that it is off.
pub async fn read_framework(client: &Arc<Client>, table: &TableDescriptor, ts: u64) -> Result<bool> {
    let types = TypeOptions::default();
    let columns = ["VARIABLE_NAME".to_owned(), "VARIABLE_VALUE".to_owned()];
    // The key column is VARBINARY, which both frameworks store alike.
    let ScanDag { request, output, .. } = dag::table_scan(table, &columns, &types, true)?;
    let mut builder = dag::batch_builder(&output, &types)?;
    let mut answers = client.coprocessor(CopRequest {
        start_ts: ts,
        dag: dag::for_table(request, table.table_id).into(),
        ranges: task::full_ranges(&[table.table_id]),
        paging_size: 0,
        concurrency: 1,
        memory: MemoryBudget::new(SYSTEM_TABLE_BYTES),
    });
    while let Some(answer) = answers.next().await {
        let response = tipb::SelectResponse::decode(answer?.data.clone())?;
        if let Some(error) = &response.error {
            return Err(Error::new(
                ErrorKind::Coprocessor,
                format!("the coprocessor failed on `mysql`.`tidb`: {}", error.msg()),
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
    let text = |column: usize, row: usize| -> Option<String> {
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
    };
    let row = (0..batch.num_rows()).find(|row| text(0, *row).as_deref() == Some("new_collation_enabled"));
    Ok(row.and_then(|row| text(1, row)).as_deref() == Some("True"))
}
