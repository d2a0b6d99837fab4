#![allow(clippy::unwrap_used)]

use ti_proto::plan::data_type::Kind;
use ti_proto::plan::table_alteration::Change;

use super::*;

fn name(table: &str) -> Option<plan::TableName> {
    Some(plan::TableName {
        database: "d".into(),
        table: table.into(),
    })
}

fn ty(kind: Kind) -> Option<plan::SqlType> {
    Some(plan::SqlType {
        r#type: Some(plan::DataType {
            kind: kind.into(),
            precision: 38,
            scale: 2,
        }),
        ..Default::default()
    })
}

fn column(name: &str, kind: Kind) -> plan::ColumnDefinition {
    plan::ColumnDefinition {
        name: name.into(),
        r#type: ty(kind),
        nullable: true,
        ..Default::default()
    }
}

fn table(columns: Vec<plan::ColumnDefinition>, properties: &[(&str, &str)]) -> plan::CreateTable {
    plan::CreateTable {
        table: name("t"),
        columns,
        properties: properties.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect(),
        ..Default::default()
    }
}

fn refused(create: plan::CreateTable) -> (ErrorKind, String) {
    let error = compose(&Statement::CreateTable(create)).unwrap_err();
    (error.kind, error.message)
}

#[test]
fn a_table_with_everything() {
    let mut create = table(
        vec![
            plan::ColumnDefinition {
                nullable: false,
                comment: "it's \\ the key".into(),
                ..column("i`d", Kind::Long)
            },
            column("name", Kind::String),
        ],
        &[
            ("tidb.primary_key", "`i``d`"),
            ("tidb.clustered", "true"),
            ("tidb.auto_random", "`i``d`(5)"),
            ("tidb.index.by name", "UNIQUE (name(10), `i``d`) INVISIBLE"),
            ("tidb.collation", "utf8mb4_bin"),
        ],
    );
    create.comment = "a".into();
    create.partitioning = vec![plan::Buckets {
        count: 4,
        columns: vec!["I`D".into()],
    }];
    assert_eq!(
        compose(&Statement::CreateTable(create)).unwrap(),
        [
            "CREATE TABLE `d`.`t` (\n  `i``d` BIGINT NOT NULL AUTO_RANDOM(5) COMMENT 'it''s \\\\ the key',\n  `name` LONGTEXT,\n  \
          PRIMARY KEY (`i``d`) CLUSTERED,\n  UNIQUE INDEX `by name` (`name`(10), `i``d`) INVISIBLE\n) COLLATE = utf8mb4_bin COMMENT = 'a' \
          PARTITION BY HASH (`i``d`) PARTITIONS 4"
        ]
    );
}

#[test]
fn what_has_no_form_is_refused_by_name() {
    for (properties, kind, word) in [
        (
            vec![("tidb.primary_key", "s")],
            ErrorKind::InvalidArgument,
            "VARCHAR(n)",
        ),
        (
            vec![("tidb.primary_key", "nobody")],
            ErrorKind::ColumnNotFound,
            "nobody",
        ),
        (
            vec![("tidb.primary_key", "a,")],
            ErrorKind::InvalidArgument,
            "no list of columns",
        ),
        (
            vec![("tidb.primary_key", "a(x)")],
            ErrorKind::InvalidArgument,
            "no number",
        ),
        (
            vec![("tidb.clustered", "yes")],
            ErrorKind::InvalidArgument,
            "true or false",
        ),
        (
            vec![("tidb.clustered", "true")],
            ErrorKind::InvalidArgument,
            "tidb.primary_key",
        ),
        (vec![("tidb.index.i", "a")], ErrorKind::InvalidArgument, "tidb.index.i"),
        (
            vec![("tidb.index.i", "((a + 1))")],
            ErrorKind::UnsupportedFeature,
            "expression",
        ),
        (
            vec![("tidb.charset", "x; DROP")],
            ErrorKind::InvalidArgument,
            "tidb.charset",
        ),
        (
            vec![("tidb.table_id", "1")],
            ErrorKind::InvalidArgument,
            "cannot be set",
        ),
        (
            vec![("tidb.shards", "1")],
            ErrorKind::InvalidArgument,
            "tidb.shards is not known",
        ),
        (
            vec![("tidb.auto_random", "b")],
            ErrorKind::ColumnNotFound,
            "tidb.auto_random",
        ),
    ] {
        let create = table(vec![column("a", Kind::Long), column("s", Kind::String)], &properties);
        let (actual, message) = refused(create);
        assert_eq!(actual, kind, "{properties:?}: {message}");
        assert!(message.contains(word), "{properties:?}: {message}");
    }
    for kind in [Kind::ArrayFloat, Kind::Unspecified] {
        assert_eq!(
            refused(table(vec![column("a", kind)], &[])).0,
            ErrorKind::UnsupportedType
        );
    }
    assert_eq!(refused(table(Vec::new(), &[])).0, ErrorKind::UnsupportedFeature);
    assert_eq!(
        refused(table(vec![column("", Kind::Int)], &[])).0,
        ErrorKind::InvalidArgument
    );
}

#[test]
fn changes_of_one_column_are_one_change() {
    let modify = |change: plan::ModifyColumn| plan::TableAlteration {
        change: Some(Change::ModifyColumn(change)),
    };
    let alter = plan::AlterTable {
        table: name("t"),
        changes: vec![
            modify(plan::ModifyColumn {
                name: "A".into(),
                r#type: ty(Kind::Long),
                ..Default::default()
            }),
            modify(plan::ModifyColumn {
                name: "a".into(),
                comment: Some("new".into()),
                nullable: Some(true),
                position: Some(plan::ColumnPosition {
                    first: true,
                    ..Default::default()
                }),
                ..Default::default()
            }),
        ],
        ..Default::default()
    };
    let shown = "CREATE TABLE `t` (\n  `b` int(11),\n  `a` int(11) NOT NULL DEFAULT '7' COMMENT 'old'\n) ENGINE=InnoDB";
    assert_eq!(
        alter::alter_table(&alter, shown).unwrap(),
        "ALTER TABLE `d`.`t` MODIFY COLUMN `a` BIGINT DEFAULT '7' COMMENT 'new' FIRST"
    );
    let error = alter::alter_table(&alter, "CREATE TABLE `t` (\n  `b` int(11)\n)").unwrap_err();
    assert_eq!(error.kind, ErrorKind::ColumnNotFound);
}

#[test]
fn renames_and_drops_are_one_statement() {
    let rename = plan::RenameTables {
        renames: vec![
            plan::rename_tables::Rename {
                from: name("a"),
                to: name("b"),
            },
            plan::rename_tables::Rename {
                from: name("c"),
                to: name("a"),
            },
        ],
    };
    assert_eq!(
        compose(&Statement::RenameTables(rename)).unwrap(),
        ["RENAME TABLE `d`.`a` TO `d`.`b`, `d`.`c` TO `d`.`a`"]
    );
    let drop = plan::DropTables {
        tables: vec![name("a").unwrap(), name("b").unwrap()],
        if_exists: true,
    };
    assert_eq!(
        compose(&Statement::DropTables(drop)).unwrap(),
        ["DROP TABLE IF EXISTS `d`.`a`, `d`.`b`"]
    );
}

#[test]
fn a_password_is_not_shown() {
    assert_eq!(format!("{:?}", Secret::new("open sesame".into())), "*****");
}
