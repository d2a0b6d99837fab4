use super::*;

fn table(extra: &str, indexes: &str) -> TableInfo {
    let column = |id: i64, name: &str, rest: &str| {
        format!(
            r#"{{"id": {id}, "name": "{name}", "offset": {}, "state": 5, {rest}"type": {{"Tp": 15, "Flag": 2, "Flen": 10}}}}"#,
            id - 1
        )
    };
    let columns = [
        column(1, "a", ""),
        column(2, "b", ""),
        column(3, "v", r#""generated_expr_string": "upper(a)", "#),
        column(4, "_V$_i_0", r#""hidden": true, "generated_expr_string": "lower(a)", "#),
    ];
    let json = format!(
        r#"{{"id": 7, "name": "t", "state": 5, {extra} "cols": [{}], "index_info": [{indexes}]}}"#,
        columns.join(",")
    );
    serde_json::from_str(&json).unwrap()
}

fn index(id: i64, columns: &[(usize, i64)], rest: &str) -> String {
    let columns: Vec<String> = columns
        .iter()
        .map(|(offset, length)| format!(r#"{{"name": "x", "offset": {offset}, "length": {length}}}"#))
        .collect();
    format!(
        r#"{{"id": {id}, "idx_name": "i{id}", "state": 5, "index_type": 1, {rest} "idx_cols": [{}]}}"#,
        columns.join(",")
    )
}

fn state(index: &str, state: u8) -> String {
    index.replace(r#""state": 5"#, &format!(r#""state": {state}"#))
}

#[test]
fn only_complete_indexes_of_stored_columns_are_read() {
    let all = [
        index(1, &[(0, -1), (1, 3)], r#""is_unique": true,"#),
        index(2, &[(2, -1)], ""),
        index(3, &[(3, -1)], ""),
        index(4, &[(0, -1)], r#""is_invisible": true,"#),
        index(5, &[(0, -1)], r#""mv_index": true,"#),
        index(6, &[(0, -1)], r#""condition_expr_string": "a > 1","#),
        index(7, &[(0, -1)], r#""vector_index": {},"#),
        index(8, &[(0, -1)], r#""is_global": true,"#),
        state(&index(9, &[(0, -1)], ""), 2),
        index(10, &[(1, 10)], ""),
        index(11, &[(1, -1)], r#""backfill_state": 1,"#),
    ];
    let table = table("", &all.join(","));
    let indexes = indexes(&table);
    assert_eq!(indexes.iter().map(|i| i.id).collect::<Vec<_>>(), [1, 10]);
    assert!(indexes[0].unique && !indexes[1].unique);
    let parts = [KeyPart { id: 1, prefix: None }, KeyPart { id: 2, prefix: Some(3) }];
    assert_eq!(indexes[0].columns, parts);
    assert_eq!(
        indexes[1].columns,
        [KeyPart { id: 2, prefix: None }],
        "a prefix of all characters is no prefix"
    );
}

#[test]
fn the_handle_is_the_clustered_primary_key() {
    let primary = index(1, &[(1, -1), (0, 4)], r#""is_primary": true, "is_unique": true,"#);
    assert_eq!(handle(&table("", &primary)), []);
    let clustered = table(r#""is_common_handle": true,"#, &primary);
    assert_eq!(
        handle(&clustered),
        [KeyPart { id: 2, prefix: None }, KeyPart { id: 1, prefix: Some(4) }]
    );
    assert!(indexes(&clustered).is_empty());
    assert_eq!(
        handle(&table(r#""pk_is_handle": true,"#, "")),
        [KeyPart { id: 1, prefix: None }]
    );
}
