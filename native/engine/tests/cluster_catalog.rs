//! The catalog against TiDB's own information schema, on a cluster.

use std::time::Instant;

use crate::support::{config, tso, Cluster};
use ti_engine::{ErrorKind, Session};
use ti_proto::plan;
use ti_proto::plan::TableKind;

fn listed(cluster: &Cluster, request: plan::ListTablesRequest) -> ti_engine::Result<Vec<(String, TableKind)>> {
    let list = cluster.session.list_tables(request)?;
    Ok(list.tables.into_iter().map(|t| (t.name.clone(), t.kind())).collect())
}

fn in_database(database: &str) -> plan::ListTablesRequest {
    plan::ListTablesRequest {
        database: database.into(),
        ..Default::default()
    }
}

#[test]
fn namespaces_hide_what_is_tidbs_own() {
    let cluster = Cluster::new("namespaces");
    let names = |include_system| {
        let request = plan::ListNamespacesRequest {
            include_system,
            ..Default::default()
        };
        let list = cluster.session.list_namespaces(request).unwrap().namespaces;
        list.into_iter().map(|n| n.name).collect::<Vec<_>>()
    };
    assert!(names(false).contains(&cluster.database));
    assert!(!names(false).iter().any(|n| n == "mysql"));
    assert!(names(true).iter().any(|n| n == "mysql"));
}

#[test]
fn tables_views_and_sequences_are_listed_as_what_they_are() {
    let cluster = Cluster::new("listing");
    cluster.sql("CREATE TABLE b (a INT)");
    cluster.sql("CREATE TABLE `Ä mixed` (a INT)");
    cluster.sql("CREATE VIEW v AS SELECT a FROM b");
    cluster.sql("CREATE SEQUENCE s");
    let all = listed(&cluster, in_database(&cluster.database)).unwrap();
    let expected = [
        ("b", TableKind::BaseTable),
        ("s", TableKind::Sequence),
        ("v", TableKind::View),
        ("Ä mixed", TableKind::BaseTable),
    ];
    assert_eq!(all, expected.map(|(name, kind)| (name.to_owned(), kind)));
    // Names follow every change at once, although listings are kept.
    cluster.sql("RENAME TABLE b TO c");
    cluster.sql("DROP SEQUENCE s");
    let names: Vec<String> = listed(&cluster, in_database(&cluster.database))
        .unwrap()
        .into_iter()
        .map(|t| t.0)
        .collect();
    assert_eq!(names, ["c", "v", "Ä mixed"]);
    assert_eq!(cluster.load("b").unwrap_err().kind, ErrorKind::TableNotFound);
    assert_eq!(cluster.load("c").unwrap().table, "c");
    // Loading works for all; only reading rows is refused.
    let view = cluster.load("v").unwrap();
    assert_eq!((view.kind(), view.columns.len()), (TableKind::View, 1));
    let error = cluster.plan(&view, &["a"]).unwrap_err();
    assert_eq!(error.kind, ErrorKind::UnsupportedFeature);
    assert!(error.message.contains("is a view"), "{error}");
}

#[test]
fn names_match_without_case_unless_it_matters() {
    let cluster = Cluster::new("names");
    cluster.sql("CREATE TABLE MiXed (a INT)");
    assert_eq!(cluster.load("mixed").unwrap().table, "MiXed");
    let upper = cluster.database.to_uppercase();
    assert_eq!(
        cluster
            .load_with("MIXED", |r| r.database = upper.clone())
            .unwrap()
            .table,
        "MiXed"
    );
    assert_eq!(
        cluster
            .load_with("mixed", |r| r.case_sensitive = true)
            .unwrap_err()
            .kind,
        ErrorKind::TableNotFound
    );
    assert!(cluster.load_with("MiXed", |r| r.case_sensitive = true).is_ok());
    let error = cluster
        .load_with("mixed", |r| r.database = "no_such_database".into())
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::NamespaceNotFound);
    assert!(error.message.contains("no_such_database"));
    assert_eq!(
        listed(&cluster, in_database("nope")).unwrap_err().kind,
        ErrorKind::NamespaceNotFound
    );
}

/// Display widths of integers are shown or not as the TiDB server is configured, and ZEROFILL only by SHOW CREATE TABLE.
fn without_widths(text: &str) -> String {
    let mut text = text.replace(" zerofill", "");
    for ty in ["tinyint", "smallint", "mediumint", "bigint", "int"] {
        for width in 2..=20 {
            text = text.replace(&format!("{ty}({width})"), ty);
        }
    }
    text
}

#[test]
fn a_schema_says_what_the_information_schema_says() {
    let cluster = Cluster::new("schema");
    cluster.sql(
        "CREATE TABLE t (
            id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY COMMENT 'the key',
            a TINYINT(1) DEFAULT 1, b SMALLINT UNSIGNED ZEROFILL, c MEDIUMINT, d INT(5) NOT NULL DEFAULT -3, e BIGINT, f FLOAT, g FLOAT(7,3),
            h DOUBLE, i DOUBLE(10,2) UNSIGNED, j DECIMAL(10), k DECIMAL(65,30), l CHAR, m CHAR(3) COLLATE utf8mb4_general_ci, n VARCHAR(255) DEFAULT 'it''s',
            o BINARY(3), p VARBINARY(9), q TINYTEXT, r TEXT, s MEDIUMTEXT, t LONGTEXT, u TINYBLOB, v BLOB, w MEDIUMBLOB, x LONGBLOB, y YEAR,
            aa DATE, ab DATETIME, ac DATETIME(6) DEFAULT CURRENT_TIMESTAMP(6), ad TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, ae TIMESTAMP(3) NULL,
            af TIME, ag TIME(2), ah ENUM('a','b c','it''s') NOT NULL, ai SET('x','y'), aj JSON, ak BIT, al BIT(10) DEFAULT b'101',
            am INT AS (d + 1) STORED, UNIQUE KEY uk (c, n(10)), KEY ik (aa) INVISIBLE, KEY ex ((d * 2))
        ) COMMENT 'a table'",
    );
    let schema = cluster.load("t").unwrap();
    assert_eq!(
        (schema.comment.as_str(), schema.handle_kind.as_str()),
        ("a table", "int")
    );
    assert_eq!(schema.primary_key, ["id"]);
    let expected = cluster.rows(&format!(
        "SELECT COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE, COLUMN_COMMENT, EXTRA LIKE '%auto_increment%', GENERATION_EXPRESSION
         FROM information_schema.columns WHERE TABLE_SCHEMA = '{}' AND TABLE_NAME = 't' ORDER BY ORDINAL_POSITION",
        cluster.database
    ));
    let yes_no = |yes| if yes { "YES" } else { "NO" };
    let actual: Vec<crate::support::Row> = schema
        .columns
        .iter()
        .map(|c| {
            let bit = u8::from(c.auto_increment).to_string();
            [
                &c.name,
                &c.mysql_type,
                yes_no(c.nullable),
                &c.comment,
                &bit,
                &c.generated,
            ]
            .map(|s| Some(s.to_string()))
            .to_vec()
        })
        .collect();
    for (actual, expected) in actual.iter().zip(&expected) {
        let normal =
            |row: &crate::support::Row| row.iter().map(|v| v.as_deref().map(without_widths)).collect::<Vec<_>>();
        assert_eq!(normal(actual), normal(expected));
    }
    assert_eq!(actual.len(), expected.len());
    // Defaults and types as SHOW CREATE TABLE prints them.
    let shown = cluster.rows("SHOW CREATE TABLE t").remove(0).remove(1).unwrap();
    for column in &schema.columns {
        let line = shown
            .lines()
            .find(|l| l.trim_start().starts_with(&format!("`{}` ", column.name)))
            .expect("a line");
        let ty = without_widths(&column.mysql_type);
        assert!(
            without_widths(line).contains(&format!("`{}` {ty}", column.name)),
            "{line}: {ty}"
        );
        match &column.default_value {
            Some(default) => assert!(line.contains(&format!(" DEFAULT {default}")), "{line}: {default}"),
            None => assert!(!line.contains(" DEFAULT "), "{line}"),
        }
    }
    let indexes: Vec<(&str, bool, bool, bool, Vec<&str>)> = schema
        .indexes
        .iter()
        .map(|i| {
            (
                i.name.as_str(),
                i.unique,
                i.primary,
                i.visible,
                i.columns.iter().map(String::as_str).collect(),
            )
        })
        .collect();
    assert_eq!(
        indexes,
        [
            ("PRIMARY", true, true, true, vec!["id"]),
            ("uk", true, false, true, vec!["c", "n(10)"]),
            ("ik", false, false, false, vec!["aa"]),
            ("ex", false, false, true, vec!["(`d` * 2)"]),
        ]
    );
    // DECIMAL(65,30) has no Spark type by default; the table is usable all the same.
    let unsupported: Vec<&str> = schema
        .columns
        .iter()
        .filter(|c| !c.unsupported.is_empty())
        .map(|c| c.name.as_str())
        .collect();
    assert_eq!(unsupported, ["k"]);
    let error = cluster.plan(&schema, &["k"]).unwrap_err();
    assert_eq!(error.kind, ErrorKind::UnsupportedType);
    assert!(error.message.contains("`k`"), "{error}");
    assert!(cluster.plan(&schema, &["a"]).is_ok());
}

#[test]
fn a_schema_and_its_rows_are_those_of_the_timestamp() {
    let cluster = Cluster::new("travel");
    cluster.sql("CREATE TABLE t (a INT PRIMARY KEY)");
    cluster.sql("INSERT INTO t VALUES (1), (2)");
    let before = cluster.session.timestamp().unwrap();
    cluster.sql("ALTER TABLE t ADD COLUMN b INT DEFAULT 9");
    cluster.sql("INSERT INTO t VALUES (3, 3)");
    cluster.sql("DELETE FROM t WHERE a = 1");
    let old = cluster
        .load_with("t", |r| r.read_timestamp = Some(tso(before)))
        .unwrap();
    assert_eq!((old.columns.len(), old.schema_ts), (1, before));
    let plan = cluster.plan(&old, &["a"]).unwrap();
    assert_eq!(plan.start_ts, before);
    let rows: Vec<_> = cluster
        .batches(&plan)
        .unwrap()
        .iter()
        .flat_map(crate::support::render::rows)
        .flatten()
        .flatten()
        .collect();
    assert_eq!(rows, ["1", "2"]);
    assert_eq!(cluster.load("t").unwrap().columns.len(), 2);
    // Dropped since then, but still there at the timestamp.
    cluster.sql("DROP TABLE t");
    assert_eq!(cluster.load("t").unwrap_err().kind, ErrorKind::TableNotFound);
    assert_eq!(
        cluster
            .load_with("t", |r| r.read_timestamp = Some(tso(before)))
            .unwrap()
            .columns
            .len(),
        1
    );
}

#[test]
fn timestamps_that_cannot_be_read_at_are_refused() {
    let cluster = Cluster::new("timestamps");
    cluster.sql("CREATE TABLE t (a INT)");
    let now = cluster.session.timestamp().unwrap();
    let millis = |ms| plan::ReadTimestamp {
        at: Some(plan::read_timestamp::At::Millis(ms)),
    };
    let load = |ts| {
        cluster
            .load_with("t", |r| r.read_timestamp = Some(ts))
            .map_err(|e| e.kind)
    };
    assert_eq!(load(tso(now + (1 << 40))).unwrap_err(), ErrorKind::InvalidTimestamp);
    assert_eq!(load(millis(u64::MAX)).unwrap_err(), ErrorKind::InvalidTimestamp);
    assert_eq!(load(millis(0)).unwrap_err(), ErrorKind::InvalidTimestamp);
    assert!(load(tso(now)).is_ok());
    // 1970: below the GC safe point where one is set, before the cluster's schema where none is.
    let error = load(millis(1)).unwrap_err();
    assert!(
        matches!(
            error,
            ErrorKind::GcSafePoint | ErrorKind::UnsupportedFeature | ErrorKind::NamespaceNotFound
        ),
        "{error}"
    );
}

#[test]
fn an_unreachable_pd_is_named_in_seconds() {
    let start = Instant::now();
    let mut unreachable = config(vec!["127.0.0.1:1".into()]);
    unreachable.connect_timeout_ms = 1_000;
    let error = Session::open(unreachable).map(drop).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable, "{error}");
    assert!(error.message.contains("127.0.0.1:1"), "{error}");
    assert!(start.elapsed().as_secs() < 10, "{:?}", start.elapsed());
}

#[test]
fn equal_configurations_share_a_session() {
    let cluster = Cluster::new("share");
    let other = Session::open(config(crate::support::pd_addresses(&cluster.status))).unwrap();
    assert!(std::sync::Arc::ptr_eq(&cluster.session, &other));
    let mut different = config(crate::support::pd_addresses(&cluster.status));
    different.command_priority = "High".into();
    assert!(!std::sync::Arc::ptr_eq(
        &cluster.session,
        &Session::open(different).unwrap()
    ));
}
