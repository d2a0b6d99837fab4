use super::*;
use crate::catalog::descriptor::TableDescriptor;
use ti_proto::plan::data_type::Kind;

/// Captured from TiDB v8.5:
/// `CREATE TABLE t (id BIGINT UNSIGNED NOT NULL COMMENT 'the key', v VARCHAR(20) COLLATE utf8mb4_general_ci DEFAULT 'x', e ENUM('a','b'),
/// g INT AS (id+1) VIRTUAL, PRIMARY KEY (v(5), id) CLUSTERED, KEY k (e), KEY ex ((id*2))) COMMENT='c' PARTITION BY HASH(id) PARTITIONS 2`,
/// then `ADD COLUMN b BIT(8) DEFAULT b'101', ADD COLUMN ts TIMESTAMP DEFAULT '2024-01-01 00:00:00'`.
const CAPTURED: &str = include_str!("../../tests/data/table_info.json");

fn database() -> DbInfo {
    serde_json::from_str(r#"{"id": 2, "db_name": {"O": "Test", "L": "test"}, "charset": "utf8mb4", "state": 5}"#)
        .unwrap()
}

fn table() -> TableInfo {
    serde_json::from_str(CAPTURED).unwrap()
}

#[test]
fn a_captured_table_is_understood() {
    let schema = table_schema(&database(), &table(), 99, &TypeOptions::default(), true).unwrap();
    assert_eq!(
        (schema.database_id, schema.database.as_str(), schema.table.as_str()),
        (2, "Test", "t")
    );
    assert_eq!(
        (schema.schema_ts, schema.comment.as_str(), schema.handle_kind.as_str()),
        (99, "c", "common")
    );
    let names: Vec<&str> = schema.columns.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(
        names,
        ["id", "v", "e", "g", "b", "ts"],
        "neither the hidden column of the expression index nor a row id"
    );
    assert_eq!(schema.primary_key, ["v", "id"]);
    let id = &schema.columns[0];
    assert_eq!(
        (id.nullable, id.comment.as_str(), &id.default_value),
        (false, "the key", &None)
    );
    assert_eq!(
        id.r#type.unwrap(),
        plan::DataType {
            kind: Kind::Decimal.into(),
            precision: 20,
            scale: 0
        }
    );
    assert_eq!(schema.columns[1].default_value.as_deref(), Some("'x'"));
    assert!(schema.columns[3].unsupported.contains("virtual generated column `g`"));
    assert_eq!(schema.columns[4].default_value.as_deref(), Some("b'101'"));
    let indexes: Vec<_> = schema
        .indexes
        .iter()
        .map(|i| (i.name.as_str(), i.columns.join(",")))
        .collect();
    assert_eq!(
        indexes,
        [
            ("PRIMARY", "v(5),id".into()),
            ("k", "e".into()),
            ("ex", "(`id` * 2)".into())
        ]
    );
    let partitioning = schema.partitioning.unwrap();
    assert_eq!(
        (partitioning.method.as_str(), partitioning.expression.as_str()),
        ("HASH", "`id`")
    );
    assert_eq!(partitioning.partitions.len(), 2);
}

#[test]
fn the_descriptor_has_what_requests_need_and_survives_the_way() {
    let table = TableDescriptor::from_bytes(&descriptor(&database(), &table()).unwrap().to_bytes().unwrap()).unwrap();
    assert_eq!(table.handle, HandleKind::Common);
    assert_eq!(
        (
            table.primary_column_ids.as_slice(),
            table.primary_prefix_column_ids.as_slice()
        ),
        ([2, 1].as_slice(), [2].as_slice())
    );
    let default = |name: &str| table.column(name).unwrap().origin_default;
    // Uvarint flag 9 and the number.
    assert_eq!(default("b").unwrap(), [9, 5]);
    assert_eq!(default("TS").unwrap()[0], 9);
    assert_eq!(default("v"), None);
    assert_eq!(table.column("nope").unwrap_err().kind, ErrorKind::ColumnNotFound);
    assert_eq!(table.column("_tidb_rowid").unwrap_err().kind, ErrorKind::ColumnNotFound);
    assert_eq!(table.partitions.unwrap().len(), 2);
}

#[test]
fn only_public_columns_and_indexes_are_seen() {
    let mut table = table();
    table.cols[1].state = 2;
    table.index_info[1].state = 3;
    let schema = table_schema(&database(), &table, 1, &TypeOptions::default(), false).unwrap();
    assert!(!schema.columns.iter().any(|c| c.name == "v"));
    assert!(!schema.indexes.iter().any(|i| i.name == "k"));
}

#[test]
fn an_unknown_type_keeps_the_table_visible() {
    let mut table = table();
    table.cols[2].field_type.tp = 200;
    let schema = table_schema(&database(), &table, 1, &TypeOptions::default(), false).unwrap();
    assert!(schema.columns[2].r#type.is_none() && !schema.columns[2].unsupported.is_empty());
    assert!(schema.columns[1].unsupported.is_empty());
}

#[test]
fn a_timestamp_default_of_an_unknown_zone_is_refused_by_name() {
    let mut table = table();
    for column in &mut table.cols {
        column.version = 0;
    }
    let schema = table_schema(&database(), &table, 1, &TypeOptions::default(), false).unwrap();
    let column = schema.columns.iter().find(|c| c.name == "ts").unwrap();
    assert!(column.unsupported.contains("`ts`"), "{}", column.unsupported);
}

#[test]
fn missing_and_null_members_have_their_zero_values() {
    let old = r#"{"id": 5, "name": "old", "cols": null, "index_info": null, "state": 5, "unknown": [1, {"x": 2}]}"#;
    let table: TableInfo = serde_json::from_str(old).unwrap();
    let schema = table_schema(&database(), &table, 1, &TypeOptions::default(), false).unwrap();
    assert_eq!(
        (schema.table.as_str(), schema.columns.len(), schema.handle_kind.as_str()),
        ("old", 0, "rowid")
    );
    assert!(serde_json::from_str::<TableInfo>(r#"{"name": "no id"}"#).is_err());
}
