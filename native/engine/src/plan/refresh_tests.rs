use super::*;
use crate::catalog::descriptor::PartitioningDescriptor;
use crate::catalog::schema::descriptor;
use crate::catalog::table_info::{DbInfo, TableInfo};
use ti_proto::expr::{call, column};

/// A table of BIGINT columns and one VARCHAR.
fn table(id: i64, columns: &[(i64, &str, u8, u32, i32)]) -> TableDescriptor {
    let db: DbInfo = serde_json::from_str(r#"{"id": 2, "db_name": {"O": "d", "L": "d"}, "state": 5}"#).unwrap();
    let columns: Vec<String> = columns
        .iter()
        .enumerate()
        .map(|(offset, (id, name, tp, flag, flen))| {
            let (charset, collate) = if *tp == 15 {
                ("utf8mb4", "utf8mb4_bin")
            } else {
                ("binary", "binary")
            };
            format!(
                r#"{{"id": {id}, "name": {{"O": "{name}", "L": "{name}"}}, "offset": {offset}, "state": 5, "type":
                    {{"Tp": {tp}, "Flag": {flag}, "Flen": {flen}, "Decimal": 0, "Charset": "{charset}", "Collate": "{collate}"}}}}"#
            )
        })
        .collect();
    let json = format!(
        r#"{{"id": {id}, "name": {{"O": "t", "L": "t"}}, "state": 5, "cols": [{}]}}"#,
        columns.join(",")
    );
    let table: TableInfo = serde_json::from_str(&json).unwrap();
    descriptor(&db, &table).unwrap()
}

const NOT_NULL: u32 = 1;

fn checked(now: &TableDescriptor, columns: &[&str]) -> Result<()> {
    let then = table(7, &[(1, "a", 8, NOT_NULL, 20), (2, "b", 15, 0, 10)]);
    let spec = plan::ScanSpec {
        columns: columns.iter().map(|c| (*c).to_owned()).collect(),
        ..Default::default()
    };
    check(&then, now, &spec, &TypeOptions::default())
}

fn refused(now: &TableDescriptor, columns: &[&str], text: &str) {
    let error = checked(now, columns).unwrap_err();
    assert_eq!(error.kind, ErrorKind::SchemaChanged, "{error:?}");
    assert!(
        error.message.contains(text) && error.message.contains("`d`.`t`"),
        "{error:?}"
    );
}

#[test]
fn what_spark_does_not_see_may_change() {
    // A new id (TRUNCATE), a new column in front, a longer VARCHAR, a column that became NOT NULL.
    let now = table(
        9,
        &[
            (3, "c", 8, 0, 20),
            (1, "a", 8, NOT_NULL, 20),
            (2, "b", 15, NOT_NULL, 200),
        ],
    );
    checked(&now, &["a", "b"]).unwrap();
    // Added again under the same name.
    checked(&table(7, &[(1, "a", 8, NOT_NULL, 20), (5, "b", 15, 0, 10)]), &["b"]).unwrap();
}

#[test]
fn columns_that_are_read_must_be_the_same() {
    let dropped = table(7, &[(1, "a", 8, NOT_NULL, 20)]);
    refused(&dropped, &["a", "b"], "`b` is gone");
    checked(&dropped, &["a"]).unwrap();
    refused(
        &table(7, &[(1, "a", 8, NOT_NULL, 20), (2, "b2", 15, 0, 10)]),
        &["b"],
        "`b` is gone",
    );
    refused(
        &table(7, &[(1, "a", 3, NOT_NULL, 11), (2, "b", 15, 0, 10)]),
        &["a"],
        "bigint",
    );
    // NULLs where Spark was told that there are none.
    refused(&table(7, &[(1, "a", 8, 0, 20), (2, "b", 15, 0, 10)]), &["a"], "`a`");
}

#[test]
fn columns_that_the_stores_compute_with_must_be_the_same() {
    let then = table(7, &[(1, "a", 8, NOT_NULL, 20), (2, "b", 15, 0, 10)]);
    let longer = table(7, &[(1, "a", 8, NOT_NULL, 20), (2, "b", 15, 0, 20)]);
    let gone = table(7, &[(1, "a", 8, NOT_NULL, 20)]);
    // 16384: part of a key that is not unique.
    let indexed = table(7, &[(1, "a", 8, NOT_NULL | 16_384, 20), (2, "b", 15, 8, 10)]);
    let uses_b = call(
        "AND",
        vec![
            call("=", vec![column("a"), column("a")]),
            call("IS_NULL", vec![column("b")]),
        ],
    );
    let aggregate = plan::Aggregation {
        group_by: vec![column("a")],
        aggregates: vec![plan::Aggregate {
            arguments: vec![column("b")],
            ..Default::default()
        }],
    };
    let order = plan::SortOrder {
        expression: Some(column("b")),
        ..Default::default()
    };
    let specs = [
        plan::ScanSpec {
            filters: vec![uses_b.clone()],
            ..Default::default()
        },
        plan::ScanSpec {
            runtime_filters: vec![uses_b],
            ..Default::default()
        },
        plan::ScanSpec {
            aggregation: Some(aggregate),
            ..Default::default()
        },
        plan::ScanSpec {
            order: vec![order],
            ..Default::default()
        },
    ];
    for mut spec in specs {
        spec.columns = vec!["a".into()];
        let with = |now: &TableDescriptor| check(&then, now, &spec, &TypeOptions::default());
        with(&then).unwrap();
        with(&indexed).unwrap();
        for changed in [&longer, &gone] {
            let error = with(changed).unwrap_err();
            assert_eq!(error.kind, ErrorKind::SchemaChanged);
            assert!(error.message.contains("`b`"), "{error:?}");
        }
    }
}

#[test]
fn partitions_that_spark_was_told_of_must_be_the_same() {
    let partitioned = |method: u8, bounds: &[&str], first_id: i64| {
        let partition = |(id, bound): (i64, &&str)| PartitionDescriptor {
            id,
            name: format!("p{id}"),
            less_than: vec![(*bound).to_owned()],
            in_values: Vec::new(),
        };
        TableDescriptor {
            partitions: Some((first_id..).zip(bounds).map(partition).collect()),
            partitioning: Some(PartitioningDescriptor {
                method,
                expr: "`a`".into(),
                columns: Vec::new(),
            }),
            ..table(7, &[(1, "a", 8, NOT_NULL, 20)])
        }
    };
    let then = partitioned(1, &["10", "20"], 8);
    let with = |now: &TableDescriptor, by_partition: bool| {
        let spec = plan::ScanSpec {
            columns: vec!["a".into()],
            by_partition,
            ..Default::default()
        };
        check(&then, now, &spec, &TypeOptions::default())
    };
    // As after TRUNCATE.
    with(&partitioned(1, &["10", "20"], 18), true).unwrap();
    let changing = TableDescriptor {
        partitioning: None,
        ..then.clone()
    };
    let plain = table(7, &[(1, "a", 8, NOT_NULL, 20)]);
    for now in [
        partitioned(1, &["10", "20", "30"], 8),
        partitioned(1, &["10", "21"], 8),
        partitioned(2, &["10", "20"], 8),
        changing,
        plain,
    ] {
        with(&now, false).unwrap();
        let error = with(&now, true).unwrap_err();
        assert_eq!(error.kind, ErrorKind::SchemaChanged);
        assert!(error.message.contains("partitions"), "{error:?}");
    }
}
