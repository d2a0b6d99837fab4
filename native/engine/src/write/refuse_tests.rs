use super::*;

/// A table of two columns and an index, changed by `members` (of the table), `column` (of the second) and `index`.
fn table(members: &str, column: &str, index: &str) -> TableInfo {
    let json = format!(
        r#"{{"id": 1, "name": {{"O": "t", "L": "t"}}, "state": 5, "pk_is_handle": true,
            "cols": [
                {{"id": 1, "name": {{"O": "a"}}, "offset": 0, "state": 5, "type": {{"Tp": 3, "Flag": 3}}}},
                {{"id": 2, "name": {{"O": "b"}}, "offset": 1, "state": 5, "type": {{"Tp": 3}} {column}}}],
            "index_info": [
                {{"id": 1, "idx_name": {{"O": "i"}}, "state": 5, "index_type": 1, "idx_cols": [{{"name": {{"O": "b"}}, "offset": 1, "length": -1}}] {index}}}]
            {members}}}"#
    );
    serde_json::from_str(&json).unwrap_or_else(|e| panic!("{json}: {e}"))
}

fn why(members: &str, column: &str, index: &str) -> String {
    match check("d", &table(members, column, index)) {
        Ok(()) => String::new(),
        Err(e) => {
            assert_eq!(e.kind, ErrorKind::UnsupportedFeature);
            assert!(e.message.starts_with("table `d`.`t` "), "{e}");
            e.message
        }
    }
}

#[test]
fn an_ordinary_table_is_written() {
    assert_eq!(why("", "", ""), "");
    assert_eq!(why("", "", r#", "is_invisible": true"#), "");
    assert_eq!(why(r#", "Lock": {"Sessions": null}"#, "", ""), "");
    assert_eq!(
        why(
            r#", "constraint_info": [{"constraint_name": {"O": "c"}, "enforced": false}]"#,
            "",
            ""
        ),
        ""
    );
    // Nothing is stored of a virtual column.
    let column = r#", "generated_expr_string": "`a` + 1""#;
    assert!(why("", column, "").contains("`i`"), "but its index is computed by TiDB");
}

#[test]
fn features_of_tables_are_refused_by_name() {
    for (members, word) in [
        (r#", "view": {}"#, "view"),
        (r#", "sequence": {}"#, "sequence"),
        (r#", "temp_table_type": 1"#, "temporary"),
        (r#", "cache_table_status": 1"#, "cached"),
        (r#", "Lock": {"Sessions": [{"ID": 1}]}"#, "LOCK TABLES"),
        (r#", "fk_info": [{"fk_name": {"O": "fk1"}}]"#, "`fk1`"),
        (
            r#", "constraint_info": [{"constraint_name": {"O": "c1"}, "enforced": true}]"#,
            "`c1`",
        ),
        (r#", "exchange_partition_info": {}"#, "EXCHANGE PARTITION"),
        (r#", "is_columnar": true"#, "TiFlash"),
        (
            r#", "partition": {"type": 1, "enable": true, "ddl_action": 19, "definitions": []}"#,
            "partitions running",
        ),
        (
            r#", "partition": {"type": 1, "enable": true, "adding_definitions": [{"id": 3, "name": {"O": "p"}}]}"#,
            "partitions running",
        ),
    ] {
        assert!(
            why(members, "", "").contains(word),
            "{members}: {}",
            why(members, "", "")
        );
    }
}

#[test]
fn statements_that_run_are_refused() {
    for (column, index, word) in [
        (r#", "change_state_info": {"relative_col_offset": 1}"#, "", "`b`"),
        (r#", "changing_type": {"Tp": 8}"#, "", "`b`"),
        ("", r#", "backfill_state": 1"#, "`i`"),
    ] {
        assert!(why("", column, index).contains(word), "{column} {index}");
        assert!(why("", column, index).contains("running"));
    }
    let mut adding = table("", "", "");
    adding.index_info[0].state = 3;
    assert!(check("d", &adding).unwrap_err().message.contains("`i`"));
    let mut adding = table("", "", "");
    adding.cols[1].state = 2;
    assert!(check("d", &adding).unwrap_err().message.contains("`b`"));
}

#[test]
fn columns_and_indexes_that_tidb_computes_are_refused() {
    for (column, index, word) in [
        (
            r#", "generated_expr_string": "`a` + 1", "generated_stored": true"#,
            "",
            "stored generated column `b`",
        ),
        (r#", "hidden": true"#, "", "expression index `i`"),
        ("", r#", "mv_index": true"#, "multi-valued index `i`"),
        ("", r#", "vector_index": {}"#, "vector"),
        ("", r#", "condition_expr_string": "`a` > 1""#, "partial index `i`"),
    ] {
        assert!(
            why("", column, index).contains(word),
            "{column} {index}: {}",
            why("", column, index)
        );
    }
}
