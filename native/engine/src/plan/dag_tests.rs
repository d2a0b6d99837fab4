use super::*;
use crate::catalog::schema::descriptor;
use crate::catalog::table_info::{DbInfo, TableInfo};

fn table(json: &str) -> TableDescriptor {
    let db: DbInfo = serde_json::from_str(r#"{"id": 2, "db_name": {"O": "d", "L": "d"}, "state": 5}"#).unwrap();
    let table: TableInfo = serde_json::from_str(json).unwrap();
    descriptor(&db, &table).unwrap()
}

fn captured() -> TableDescriptor {
    table(include_str!("../../tests/data/table_info.json"))
}

fn int_handle() -> TableDescriptor {
    table(
        r#"{"id": 7, "name": {"O": "t", "L": "t"}, "state": 5, "pk_is_handle": true, "cols": [
            {"id": 1, "name": {"O": "a", "L": "a"}, "offset": 0, "state": 5, "type": {"Tp": 8, "Flag": 4099, "Flen": 20, "Decimal": 0, "Charset": "binary", "Collate": "binary"}},
            {"id": 2, "name": {"O": "b", "L": "b"}, "offset": 1, "state": 5, "type": {"Tp": 15, "Flag": 0, "Flen": 10, "Decimal": 0, "Charset": "utf8mb4", "Collate": "utf8mb4_bin"}}]}"#,
    )
}

fn scan(dag: &ScanDag) -> &tipb::TableScan {
    dag.request.executors[0].tbl_scan.as_ref().unwrap()
}

fn names(columns: &[&str]) -> Vec<String> {
    columns.iter().map(|c| (*c).to_owned()).collect()
}

#[test]
fn the_request_is_that_of_a_plain_select() {
    let dag = table_scan(&int_handle(), &names(&["b", "a"]), &TypeOptions::default(), true).unwrap();
    let request = &dag.request;
    assert_eq!(
        (request.flags(), request.time_zone_name(), request.time_zone_offset()),
        (226, "UTC", 0)
    );
    assert_eq!(
        (request.encode_type(), request.output_offsets.as_slice()),
        (tipb::EncodeType::TypeChunk, [0, 1].as_slice())
    );
    let scan = scan(&dag);
    let columns: Vec<_> = scan
        .columns
        .iter()
        .map(|c| {
            (
                c.column_id(),
                c.tp(),
                c.collation(),
                c.column_len(),
                c.flag(),
                c.pk_handle(),
            )
        })
        .collect();
    assert_eq!(columns, [(2, 15, -46, 10, 0, false), (1, 8, -63, 20, 4099, true)]);
    assert!(scan.primary_column_ids.is_empty());
    let old = table_scan(&int_handle(), &names(&["b"]), &TypeOptions::default(), false).unwrap();
    assert_eq!(
        self::scan(&old).columns[0].collation(),
        46,
        "the old collation framework"
    );
    let bytes = for_table(dag.request.clone(), 4711);
    let sent = tipb::DagRequest::decode(bytes.as_slice()).unwrap();
    assert_eq!(sent.executors[0].tbl_scan.as_ref().unwrap().table_id(), 4711);
}

#[test]
fn a_common_handle_names_its_columns_and_old_rows_their_default() {
    let dag = table_scan(&captured(), &names(&["b", "v"]), &TypeOptions::default(), true).unwrap();
    let scan = scan(&dag);
    assert_eq!(
        (
            scan.primary_column_ids.as_slice(),
            scan.primary_prefix_column_ids.as_slice()
        ),
        ([2, 1].as_slice(), [2].as_slice())
    );
    assert_eq!(scan.columns[0].default_val.as_deref(), Some([9, 5].as_slice()));
    assert!(scan.columns.iter().all(|c| !c.pk_handle()));
}

#[test]
fn a_column_wanted_twice_is_scanned_once() {
    let dag = table_scan(&int_handle(), &names(&["b", "a", "b"]), &TypeOptions::default(), true).unwrap();
    assert_eq!(scan(&dag).columns.len(), 2);
    assert_eq!(dag.request.output_offsets, [0, 1, 0]);
    assert_eq!(dag.output.len(), 3);
}

#[test]
fn counting_reads_the_cheapest_column_that_every_row_has() {
    let dag = table_scan(&int_handle(), &[], &TypeOptions::default(), true).unwrap();
    assert!(dag.count_only);
    assert_eq!(
        (scan(&dag).columns[0].column_id(), scan(&dag).columns[0].pk_handle()),
        (ROWID_COLUMN_ID, true)
    );
    let dag = table_scan(&captured(), &[], &TypeOptions::default(), true).unwrap();
    assert_eq!(scan(&dag).columns[0].column_id(), 1, "the number of a common handle");
}

#[test]
fn what_cannot_be_read_is_refused_by_name() {
    let refused = |column: &str| table_scan(&captured(), &names(&[column]), &TypeOptions::default(), true).unwrap_err();
    assert_eq!(refused("g").kind, ErrorKind::UnsupportedFeature);
    assert!(refused("g").message.contains("`g`"));
    assert_eq!(refused("zz").kind, ErrorKind::ColumnNotFound);
    let types = TypeOptions {
        refused_types: vec!["enum".into()],
        ..TypeOptions::default()
    };
    let error = table_scan(&captured(), &names(&["e"]), &types, true).unwrap_err();
    assert_eq!(error.kind, ErrorKind::UnsupportedType);
    assert!(error.message.contains("`e`"), "{error}");
}
