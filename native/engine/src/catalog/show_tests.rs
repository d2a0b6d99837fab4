use super::*;

fn column(json: &str) -> ColumnInfo {
    let text = format!(r#"{{"id": 1, "name": {{"O": "c", "L": "c"}}, "type": {{"Tp": 3, "Flag": 0}}, {json}}}"#);
    serde_json::from_str(&text).unwrap()
}

fn default(json: &str) -> Option<String> {
    default_text(&column(json)).unwrap()
}

#[test]
fn defaults_are_printed_as_show_create_table_does() {
    assert_eq!(default(r#""default": null"#).as_deref(), Some("NULL"));
    assert_eq!(default(r#""default": "it's""#).as_deref(), Some("'it''s'"));
    assert_eq!(
        default(r#""default": 5"#).as_deref(),
        Some("'5'"),
        "old clusters wrote numbers"
    );
    assert_eq!(
        default(r#""default": "CURRENT_TIMESTAMP""#).as_deref(),
        Some("CURRENT_TIMESTAMP")
    );
    assert_eq!(
        default(r#""default": "uuid()", "default_is_expr": true"#).as_deref(),
        Some("(uuid())")
    );
    assert_eq!(default(r#""generated_expr_string": "`a` + 1""#), None);
}

#[test]
fn bits_are_printed_as_a_bit_literal() {
    let bit = |base64: &str| {
        let mut column = column(r#""default": "x""#);
        column.field_type.tp = type_code::BIT;
        column.default_bit = Some(base64.into());
        default_text(&column)
    };
    assert_eq!(bit("BQ==").unwrap().as_deref(), Some("b'101'"));
    assert_eq!(bit("AAA=").unwrap().as_deref(), Some("b'0'"));
    assert!(bit("!").is_err());
}

fn partitions(json: &str) -> PartitionInfo {
    serde_json::from_str(json).unwrap()
}

#[test]
fn partitions_are_described_in_sql() {
    let range = partitions(
        r#"{"type": 1, "expr": "", "columns": [{"O": "a", "L": "a"}, {"O": "b`c", "L": "b`c"}], "enable": true,
            "definitions": [{"id": 1, "name": {"O": "p0", "L": "p0"}, "less_than": ["10", "MAXVALUE"]}]}"#,
    );
    assert_eq!(partition_method(&range), "RANGE COLUMNS");
    assert_eq!(partition_expression(&range), "`a`,`b``c`");
    assert_eq!(
        partition_description(&range, &range.definitions[0]),
        "LESS THAN (10,MAXVALUE)"
    );
    let list = partitions(
        r#"{"type": 3, "expr": "`a`", "columns": null, "enable": true, "definitions": [
            {"id": 1, "name": {"O": "p0", "L": "p0"}, "in_values": [["1"], ["2"]]},
            {"id": 2, "name": {"O": "p1", "L": "p1"}, "in_values": [["1", "'x'"], ["NULL", "'y'"]]},
            {"id": 3, "name": {"O": "p2", "L": "p2"}, "in_values": [["DEFAULT"]]}]}"#,
    );
    let described: Vec<String> = list
        .definitions
        .iter()
        .map(|d| partition_description(&list, d))
        .collect();
    assert_eq!(described, ["IN (1,2)", "IN ((1,'x'),(NULL,'y'))", "DEFAULT"]);
    assert_eq!(
        (partition_method(&list), partition_expression(&list)),
        ("LIST".into(), "`a`".into())
    );
}

#[test]
fn partitions_being_dropped_are_invisible() {
    let info = |state: u8| {
        partitions(&format!(
            r#"{{"type": 1, "enable": true, "ddl_action": 20, "ddl_state": {state},
                "definitions": [{{"id": 1, "name": {{"O": "p0", "L": "p0"}}}}, {{"id": 2, "name": {{"O": "p1", "L": "p1"}}}}],
                "dropping_definitions": [{{"id": 1, "name": {{"O": "p0", "L": "p0"}}}}]}}"#
        ))
    };
    let ids = |info: PartitionInfo| info.readable().map(|d| d.id).collect::<Vec<_>>();
    assert_eq!(ids(info(2)), [2], "write only");
    assert_eq!(ids(info(0)), [1, 2]);
}
