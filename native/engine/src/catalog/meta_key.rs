//! Keys under which TiDB keeps its schema. Source: TiDB `pkg/meta/meta.go`, `pkg/structure`.
//!
//! ```text
//! m + bytes("SchemaVersionKey") + 's'                      -> schema version, decimal text
//! m + bytes("Diff:<version>") + 's'                        -> what that version changed (JSON)
//! m + bytes("DBs") + 'h' + bytes("DB:<db id>")             -> DbInfo (JSON)
//! m + bytes("DB:<db id>") + 'h' + bytes("Table:<id>")      -> TableInfo (JSON)
//! m + bytes("DB:<db id>") + 'h' + bytes("TID:<id>")        -> last `_tidb_rowid` and AUTO_INCREMENT value that was taken, decimal text
//! m + bytes("DB:<db id>") + 'h' + bytes("IID:<id>")        -> last AUTO_INCREMENT value, where it has an allocator of its own
//! m + bytes("DB:<db id>") + 'h' + bytes("TARID:<id>")      -> last AUTO_RANDOM value, without its shard
//! ```
//! `bytes` is the memcomparable form, so a range of field names is a range of keys.

use ti_codec::key::{meta_hash_field_key, meta_string_key};

/// Key of the schema version.
pub fn schema_version() -> Vec<u8> {
    meta_string_key(b"SchemaVersionKey")
}

/// Key of the change that made a schema version.
pub fn schema_diff(version: i64) -> Vec<u8> {
    meta_string_key(format!("Diff:{version}").as_bytes())
}

/// Start (included) and end (excluded) of the keys of all databases.
pub fn databases() -> (Vec<u8>, Vec<u8>) {
    // ';' follows ':'.
    (meta_hash_field_key(b"DBs", b"DB:"), meta_hash_field_key(b"DBs", b"DB;"))
}

/// Start (included) and end (excluded) of the keys of all tables of a database.
pub fn tables(database_id: i64) -> (Vec<u8>, Vec<u8>) {
    let hash = format!("DB:{database_id}");
    (
        meta_hash_field_key(hash.as_bytes(), b"Table:"),
        meta_hash_field_key(hash.as_bytes(), b"Table;"),
    )
}

/// Key of one table.
pub fn table(database_id: i64, table_id: i64) -> Vec<u8> {
    meta_hash_field_key(
        format!("DB:{database_id}").as_bytes(),
        format!("Table:{table_id}").as_bytes(),
    )
}

/// Key of one database.
pub fn database(database_id: i64) -> Vec<u8> {
    meta_hash_field_key(b"DBs", format!("DB:{database_id}").as_bytes())
}

fn allocator(database_id: i64, field: &str, table_id: i64) -> Vec<u8> {
    meta_hash_field_key(
        format!("DB:{database_id}").as_bytes(),
        format!("{field}:{table_id}").as_bytes(),
    )
}

/// Allocator of `_tidb_rowid`, and of AUTO_INCREMENT unless that has its own.
pub fn row_id_allocator(database_id: i64, table_id: i64) -> Vec<u8> {
    allocator(database_id, "TID", table_id)
}

/// Allocator of AUTO_INCREMENT of tables with AUTO_ID_CACHE 1.
pub fn auto_increment_allocator(database_id: i64, table_id: i64) -> Vec<u8> {
    allocator(database_id, "IID", table_id)
}

/// Allocator of AUTO_RANDOM.
pub fn auto_random_allocator(database_id: i64, table_id: i64) -> Vec<u8> {
    allocator(database_id, "TARID", table_id)
}

#[cfg(test)]
#[path = "meta_key_tests.rs"]
mod tests;
