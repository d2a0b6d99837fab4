//! DDL through TiDB: what a request makes of a table, read back from TiDB and through the engine; and connections that do not work.

use std::time::{Duration, Instant};

use crate::support::Cluster;
use ti_engine::sql::{execute, Secret};
use ti_engine::{ErrorKind, Result};
use ti_proto::plan;
use ti_proto::plan::data_type::Kind;
use ti_proto::plan::ddl_request::Statement;
use ti_proto::plan::table_alteration::Change;

fn endpoint(cluster: &Cluster) -> plan::SqlEndpoint {
    let tidb = &cluster.status["tidb"];
    plan::SqlEndpoint {
        addresses: vec![format!("{}:{}", tidb["host"].as_str().unwrap(), tidb["port"])],
        user: "root".into(),
        tls: None,
        connect_timeout_ms: 5_000,
        statement_timeout_ms: 60_000,
    }
}

fn run(cluster: &Cluster, statement: Statement) -> Result<plan::DdlResult> {
    let request = plan::DdlRequest {
        endpoint: Some(endpoint(cluster)),
        statement: Some(statement),
    };
    execute(request, &Secret::default())
}

fn name(cluster: &Cluster, table: &str) -> Option<plan::TableName> {
    Some(plan::TableName {
        database: cluster.database.clone(),
        table: table.into(),
    })
}

fn sql_type(kind: Kind) -> Option<plan::SqlType> {
    Some(plan::SqlType {
        r#type: Some(plan::DataType {
            kind: kind.into(),
            precision: 38,
            scale: 9,
        }),
        ..Default::default()
    })
}

fn column(name: &str, kind: Kind) -> plan::ColumnDefinition {
    plan::ColumnDefinition {
        name: name.into(),
        r#type: sql_type(kind),
        nullable: true,
        ..Default::default()
    }
}

fn literal(kind: Kind, value: plan::literal::Value) -> Option<plan::ColumnDefault> {
    Some(plan::ColumnDefault {
        value: Some(plan::column_default::Value::Literal(plan::Literal {
            r#type: Some(plan::DataType {
                kind: kind.into(),
                ..Default::default()
            }),
            value: Some(value),
        })),
    })
}

const KINDS: [Kind; 14] = [
    Kind::Boolean,
    Kind::Byte,
    Kind::Short,
    Kind::Int,
    Kind::Long,
    Kind::Float,
    Kind::Double,
    Kind::Decimal,
    Kind::String,
    Kind::Binary,
    Kind::Date,
    Kind::Timestamp,
    Kind::TimestampNtz,
    Kind::DayTimeInterval,
];

#[test]
fn every_type_is_read_back_as_it_was_asked_for() {
    let cluster = Cluster::new("ddl_types");
    for tinyint1 in [
        plan::type_options::TinyInt1::Tinyint1Boolean,
        plan::type_options::TinyInt1::Tinyint1Tinyint,
    ] {
        let types = plan::TypeOptions {
            tinyint1: tinyint1.into(),
            ..Default::default()
        };
        let table = format!("types_{}", tinyint1 as i32);
        let create = plan::CreateTable {
            table: name(&cluster, &table),
            columns: KINDS.iter().map(|kind| column(&format!("{kind:?}"), *kind)).collect(),
            types: Some(types.clone()),
            ..Default::default()
        };
        run(&cluster, Statement::CreateTable(create)).unwrap();
        let schema = cluster.load_with(&table, |r| r.types = Some(types)).unwrap();
        let read: Vec<Kind> = schema.columns.iter().map(|c| c.r#type.unwrap().kind()).collect();
        assert_eq!(read, KINDS);
        let decimal = schema.columns.get(7).unwrap().r#type.unwrap();
        assert_eq!((decimal.precision, decimal.scale), (38, 9));
        assert!(schema.columns.iter().all(|c| c.nullable));
    }
}

#[test]
fn a_table_and_its_life() {
    let cluster = Cluster::new("ddl_life");
    let odd = "o`d'd \\ näme";
    let create = plan::CreateTable {
        table: name(&cluster, odd),
        columns: vec![
            plan::ColumnDefinition {
                nullable: false,
                ..column("id", Kind::Long)
            },
            plan::ColumnDefinition {
                default_value: literal(Kind::Int, plan::literal::Value::Integer(-7)),
                comment: "it's \\ \"a\"\n`comment`".into(),
                ..column("n", Kind::Int)
            },
            plan::ColumnDefinition {
                default_value: literal(Kind::Timestamp, plan::literal::Value::Integer(1_700_000_000_123_456)),
                ..column("at", Kind::Timestamp)
            },
            plan::ColumnDefinition {
                r#type: Some(plan::SqlType {
                    length: 20,
                    ..sql_type(Kind::String).unwrap()
                }),
                ..column("s", Kind::String)
            },
        ],
        comment: "what's \\ this".into(),
        partitioning: vec![plan::Buckets {
            count: 3,
            columns: vec!["ID".into()],
        }],
        properties: [
            ("tidb.primary_key", "id"),
            ("tidb.clustered", "true"),
            ("tidb.auto_random", "id(4)"),
            ("tidb.index.by_s", "(s, n)"),
            ("tidb.charset", "utf8mb4"),
            ("tidb.collation", "utf8mb4_general_ci"),
        ]
        .map(|(k, v)| (k.into(), v.into()))
        .into(),
        types: None,
    };
    run(&cluster, Statement::CreateTable(create.clone())).unwrap();
    let schema = cluster.load(odd).unwrap();
    assert_eq!(schema.comment, "what's \\ this");
    assert_eq!(schema.primary_key, ["id"]);
    assert_eq!(schema.handle_kind, "int");
    assert_eq!(schema.collation, "utf8mb4_general_ci");
    assert_eq!(schema.partitioning.as_ref().unwrap().partitions.len(), 3);
    let [id, n, at, s] = schema.columns.as_slice() else {
        panic!("{:?}", schema.columns)
    };
    assert!(id.auto_random && !id.nullable);
    assert_eq!(n.comment, "it's \\ \"a\"\n`comment`");
    assert_eq!(n.default_value.as_deref(), Some("'-7'"));
    assert_eq!(at.default_value.as_deref(), Some("'2023-11-14 22:13:20.123456'"));
    assert_eq!(s.mysql_type, "varchar(20)");
    let again = run(&cluster, Statement::CreateTable(create)).unwrap_err();
    assert_eq!(again.kind, ErrorKind::TableExists, "{}", again.message);

    let alter = |change: Change| {
        run(
            &cluster,
            Statement::AlterTable(plan::AlterTable {
                table: name(&cluster, odd),
                changes: vec![plan::TableAlteration { change: Some(change) }],
                types: None,
            }),
        )
    };
    alter(Change::ModifyColumn(plan::ModifyColumn {
        name: "N".into(),
        r#type: sql_type(Kind::Long),
        position: Some(plan::ColumnPosition {
            after: "s".into(),
            ..Default::default()
        }),
        ..Default::default()
    }))
    .unwrap();
    alter(Change::ModifyColumn(plan::ModifyColumn {
        name: "id".into(),
        comment: Some("key".into()),
        ..Default::default()
    }))
    .unwrap();
    alter(Change::RenameColumn(plan::RenameColumn {
        name: "at".into(),
        new_name: "when".into(),
    }))
    .unwrap();
    alter(Change::SetProperty(plan::SetProperty {
        name: "tidb.index.u".into(),
        value: "UNIQUE (id, n)".into(),
    }))
    .unwrap();
    alter(Change::RemoveProperty("tidb.index.by_s".into())).unwrap();
    let schema = cluster.load(odd).unwrap();
    let names: Vec<&str> = schema.columns.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["id", "when", "s", "n"]);
    let n = schema.columns.last().unwrap();
    assert_eq!(
        (n.mysql_type.as_str(), n.default_value.as_deref()),
        ("bigint", Some("'-7'"))
    );
    assert_eq!(n.comment, "it's \\ \"a\"\n`comment`");
    let id = schema.columns.first().unwrap();
    assert!(id.auto_random && !id.nullable && id.comment == "key");
    let mut indexes: Vec<&str> = schema.indexes.iter().map(|i| i.name.as_str()).collect();
    indexes.sort_unstable();
    assert_eq!(indexes, ["PRIMARY", "u"]);
    let missing = alter(Change::ModifyColumn(plan::ModifyColumn {
        name: "nobody".into(),
        ..Default::default()
    }));
    assert_eq!(missing.unwrap_err().kind, ErrorKind::ColumnNotFound);

    let rename = |pairs: &[(&str, &str)]| {
        let renames = pairs.iter().map(|(from, to)| plan::rename_tables::Rename {
            from: name(&cluster, from),
            to: name(&cluster, to),
        });
        run(
            &cluster,
            Statement::RenameTables(plan::RenameTables {
                renames: renames.collect(),
            }),
        )
    };
    run(
        &cluster,
        Statement::CreateTableLike(plan::CreateTableLike {
            table: name(&cluster, "copy"),
            like: name(&cluster, odd),
        }),
    )
    .unwrap();
    let (old, new) = (
        cluster.load(odd).unwrap().table_id,
        cluster.load("copy").unwrap().table_id,
    );
    rename(&[(odd, "old"), ("copy", odd)]).unwrap();
    assert_eq!(cluster.load(odd).unwrap().table_id, new);
    assert_eq!(cluster.load("old").unwrap().table_id, old);
    let clash = rename(&[(odd, "old")]).unwrap_err();
    assert_eq!(clash.kind, ErrorKind::TableExists, "{}", clash.message);
    let drop = |if_exists| {
        let tables = vec![name(&cluster, odd).unwrap(), name(&cluster, "old").unwrap()];
        run(&cluster, Statement::DropTables(plan::DropTables { tables, if_exists }))
    };
    drop(false).unwrap();
    assert_eq!(cluster.load(odd).unwrap_err().kind, ErrorKind::TableNotFound);
    drop(true).unwrap();
    assert_eq!(drop(false).unwrap_err().kind, ErrorKind::TableNotFound);
}

#[test]
fn databases() {
    let cluster = Cluster::new("ddl_databases");
    let database = format!("{}_`x", cluster.database);
    let create = || {
        Statement::CreateDatabase(plan::CreateDatabase {
            database: database.clone(),
            properties: [("tidb.collation".to_owned(), "utf8mb4_bin".to_owned())].into(),
        })
    };
    run(&cluster, create()).unwrap();
    assert_eq!(run(&cluster, create()).unwrap_err().kind, ErrorKind::NamespaceExists);
    let shown = || {
        let all = cluster
            .session
            .list_namespaces(plan::ListNamespacesRequest::default())
            .unwrap();
        all.namespaces.into_iter().find(|n| n.name == database)
    };
    assert_eq!(shown().unwrap().collation, "utf8mb4_bin");
    run(
        &cluster,
        Statement::AlterDatabase(plan::AlterDatabase {
            database: database.clone(),
            properties: [("tidb.collation".to_owned(), "utf8mb4_unicode_ci".to_owned())].into(),
        }),
    )
    .unwrap();
    assert_eq!(shown().unwrap().collation, "utf8mb4_unicode_ci");
    let drop = || {
        Statement::DropDatabase(plan::DropDatabase {
            database: database.clone(),
        })
    };
    run(&cluster, drop()).unwrap();
    assert!(shown().is_none());
    assert_eq!(run(&cluster, drop()).unwrap_err().kind, ErrorKind::NamespaceNotFound);
}

#[test]
fn connections_that_do_not_work() {
    let cluster = Cluster::new("ddl_connections");
    let attempt = |change: &dyn Fn(&mut plan::SqlEndpoint), password: &str| {
        let mut endpoint = endpoint(&cluster);
        change(&mut endpoint);
        let request = plan::DdlRequest {
            endpoint: Some(endpoint),
            statement: Some(Statement::Sql("SELECT 1".into())),
        };
        execute(request, &Secret::new(password.into()))
    };
    let refused = |change: &dyn Fn(&mut plan::SqlEndpoint), password: &str, kind: ErrorKind, words: &[&str]| {
        let begin = Instant::now();
        let error = attempt(change, password).unwrap_err();
        assert!(begin.elapsed() < Duration::from_secs(10));
        assert_eq!(error.kind, kind, "{}", error.message);
        for word in words {
            assert!(error.message.contains(word), "{word}: {}", error.message);
        }
        assert!(!error.message.contains("open sesame"), "{}", error.message);
    };
    refused(&|_| (), "open sesame", ErrorKind::AccessDenied, &["tidb.user", "root"]);
    refused(&|e| e.user = "nobody".into(), "", ErrorKind::AccessDenied, &["nobody"]);
    refused(
        &|e| e.addresses = vec!["127.0.0.1:1".into(), "127.0.0.1:2".into()],
        "",
        ErrorKind::Unavailable,
        &["127.0.0.1:1", "127.0.0.1:2", "tidb.addresses"],
    );
    // A socket that accepts and never says anything.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let quiet = |e: &mut plan::SqlEndpoint| {
        e.addresses = vec![address.clone()];
        e.connect_timeout_ms = 300;
    };
    refused(
        &quiet,
        "",
        ErrorKind::Unavailable,
        &[&address, "no answer within 300 ms"],
    );
    refused(
        &|e| e.addresses = vec!["tidb".into()],
        "",
        ErrorKind::InvalidArgument,
        &["'tidb'"],
    );
    refused(
        &|e| e.addresses.clear(),
        "",
        ErrorKind::InvalidArgument,
        &["tidb.addresses"],
    );
    let with_ca = |ca: &str| {
        let ca = ca.to_owned();
        move |e: &mut plan::SqlEndpoint| {
            e.tls = Some(plan::Tls {
                ca_path: ca.clone(),
                ..Default::default()
            });
        }
    };
    refused(
        &with_ca("/nowhere/ca.pem"),
        "",
        ErrorKind::Tls,
        &["tls.ca", "/nowhere/ca.pem"],
    );
    let ca = concat!(env!("CARGO_MANIFEST_DIR"), "/../client/tests/common/ca.pem");
    refused(&with_ca(ca), "", ErrorKind::Tls, &["TLS"]);
    // The next address is tried.
    let good = endpoint(&cluster).addresses.remove(0);
    let answer = attempt(&|e| e.addresses = vec!["127.0.0.1:1".into(), good.clone()], "").unwrap();
    let answer = answer.answer.unwrap();
    assert_eq!(answer.columns, ["1"]);
    assert_eq!(answer.rows.len(), 1);
}

#[test]
fn statements_of_the_user() {
    let cluster = Cluster::new("ddl_statements");
    cluster.sql("CREATE TABLE t (a INT, b VARCHAR(9))");
    let sql = |text: String| run(&cluster, Statement::Sql(text)).map(|result| result.answer.unwrap_or_default());
    let none = sql(format!("INSERT INTO {}.t VALUES (1, NULL), (2, 'x')", cluster.database)).unwrap();
    assert!(none.rows.is_empty() && none.columns.is_empty());
    let rows = sql(format!("SELECT a, b FROM {}.t ORDER BY a", cluster.database)).unwrap();
    assert_eq!(rows.columns, ["a", "b"]);
    let text: Vec<Vec<Option<String>>> = rows
        .rows
        .into_iter()
        .map(|row| row.values.into_iter().map(|v| v.text).collect())
        .collect();
    assert_eq!(
        text,
        [
            [Some("1".to_owned()), None],
            [Some("2".to_owned()), Some("x".to_owned())]
        ]
    );
    let error = sql("SELECT 'open sesame' FROM".into()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Sql);
    // The statement may take longer than one waits for it.
    let mut slow = endpoint(&cluster);
    slow.statement_timeout_ms = 200;
    let request = plan::DdlRequest {
        endpoint: Some(slow),
        statement: Some(Statement::Sql("SELECT SLEEP(5)".into())),
    };
    let error = execute(request, &Secret::default()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Timeout, "{}", error.message);
}
