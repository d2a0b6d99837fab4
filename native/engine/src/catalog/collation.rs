//! Collation ids, and TiDB's collation framework.
//!
//! Since TiDB 4.0 a cluster is made with the "new" framework on or off for ever (`mysql.tidb`, `new_collation_enabled`). With it on, ids are
//! sent negated, and the store knows that the key of a clustered string does not hold its text (the row does).

use std::sync::Arc;

use ti_client::Client;

use super::descriptor::TableDescriptor;
use super::system_table;
use crate::error::Result;

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
    // The key column is VARBINARY, which both frameworks store alike.
    let columns = ["VARIABLE_NAME", "VARIABLE_VALUE"];
    let rows = system_table::rows(client, table, &columns, ts).await?;
    let value = rows.into_iter().find_map(|row| match row.as_slice() {
        [Some(name), value] if name == "new_collation_enabled" => value.clone(),
        _ => None,
    });
    Ok(value.as_deref() == Some("True"))
}
