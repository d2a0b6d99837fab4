//! Keys of rows and entries of indexes against those that TiDB itself writes, byte for byte.
//!
//! TiDB fills tables of every kind with random rows; the rows are read back from storage, their index entries are encoded, and must be
//! exactly the pairs that are stored in the ranges of the indexes.

use crate::support::fill::{fill, hex, random};
use crate::support::raw::{Pairs, StoredTable};
use crate::support::Cluster;
use ti_codec::handle::record_key;
use ti_codec::key;

/// Compares all keys of rows and all index entries of a table; returns how many entries there were.
fn check(cluster: &Cluster, name: &str) -> usize {
    let table = cluster.stored(name);
    let rows = table.rows(cluster);
    assert!(rows.len() > 10, "{name} has {} rows", rows.len());
    if let Some(encoder) = table.handle_encoder() {
        let mut handle = vec![1, 2, 3];
        for row in &rows {
            encoder.encode(&row.datums, &mut handle).unwrap();
            let encoded = record_key(row.physical_id, &ti_codec::handle::Handle::Common(&handle));
            assert_eq!(hex(&encoded), hex(&row.key), "{name}: {:?}", row.datums);
        }
    }
    let mut entries = 0;
    for (mut encoder, global) in table.encoders() {
        let mut expected = Pairs::new();
        let ids = if global { vec![table.info.id] } else { table.ids.clone() };
        for id in ids {
            let start = key::index_prefix(id, encoder.index_id());
            let end = key::prefix_end(&start);
            expected.extend(cluster.pairs((start, end)));
        }
        let mut actual = Pairs::new();
        let (mut key, mut value) = (vec![9], vec![9]);
        for row in &rows {
            let (id, partition) = if global {
                (table.info.id, Some(row.physical_id))
            } else {
                (row.physical_id, None)
            };
            encoder
                .entry(
                    id,
                    partition,
                    &row.datums,
                    &row.handle.as_handle(),
                    &mut key,
                    &mut value,
                )
                .unwrap();
            let named = encoder.decode_entry_handle(&key, &value).unwrap();
            assert_eq!(named.handle, row.handle);
            assert_eq!(named.partition_id, partition);
            assert!(actual.insert(key.clone(), value.clone()).is_none());
        }
        compare(name, &table, encoder.index_id(), &actual, &expected);
        entries += expected.len();
    }
    entries
}

fn compare(name: &str, table: &StoredTable, index: i64, actual: &Pairs, expected: &Pairs) {
    let index = table.info.index_info.iter().find(|i| i.id == index).unwrap();
    let place = format!("{name}, index {}", index.idx_name.0);
    for (key, value) in expected {
        let ours = actual
            .get(key)
            .unwrap_or_else(|| panic!("{place}: no entry {} = {}", hex(key), hex(value)));
        assert_eq!(hex(ours), hex(value), "{place}: value of {}", hex(key));
    }
    assert_eq!(actual.len(), expected.len(), "{place}: number of entries");
}

const ALL_TYPES: [&str; 27] = [
    "TINYINT",
    "TINYINT UNSIGNED",
    "SMALLINT",
    "INT",
    "INT UNSIGNED",
    "BIGINT",
    "BIGINT UNSIGNED",
    "YEAR",
    "FLOAT",
    "DOUBLE",
    "DECIMAL(10,2)",
    "DECIMAL(65,30)",
    "DECIMAL(2,0)",
    "BIT(8)",
    "ENUM('a','b','c')",
    "SET('a','b','c')",
    "DATE",
    "DATETIME(6)",
    "TIMESTAMP(3)",
    "TIME(6)",
    "CHAR(20)",
    "VARCHAR(40)",
    "VARCHAR(300) CHARACTER SET latin1",
    "VARCHAR(300) CHARACTER SET ascii",
    "VARCHAR(300) COLLATE utf8mb4_0900_bin",
    "BINARY(5)",
    "VARBINARY(300)",
];

#[test]
fn every_type_in_plain_and_unique_indexes() {
    let cluster = Cluster::new("index_types");
    let rng = &mut random("types");
    let mut entries = 0;
    let primary_keys = [
        ("rowid", ""),
        ("int_handle", ", id BIGINT PRIMARY KEY AUTO_INCREMENT"),
        ("unsigned_handle", ", id BIGINT UNSIGNED PRIMARY KEY AUTO_RANDOM"),
        (
            "common_handle",
            ", id BINARY(16) DEFAULT (UUID_TO_BIN(UUID())) PRIMARY KEY CLUSTERED",
        ),
        ("nonclustered", ", id BIGINT PRIMARY KEY NONCLUSTERED AUTO_INCREMENT"),
    ];
    for (name, primary_key) in primary_keys {
        let keys: Vec<String> = (0..ALL_TYPES.len())
            .flat_map(|i| {
                [
                    format!("KEY k{i} (c{i})"),
                    format!("UNIQUE KEY u{i} (c{i}, c{})", (i + 3) % ALL_TYPES.len()),
                ]
            })
            .collect();
        let rest = format!("{}{}", keys.join(", "), primary_key);
        fill(&cluster, rng, name, &ALL_TYPES, &rest, 150);
        entries += check(&cluster, name);
    }
    println!("{entries} entries");
}

#[test]
fn primary_keys_of_every_type() {
    let cluster = Cluster::new("handle_types");
    let rng = &mut random("handles");
    for (i, ty) in ALL_TYPES.iter().enumerate() {
        let ty = format!("{ty} NOT NULL");
        let name = format!("single{i}");
        let keys = "PRIMARY KEY (c0) CLUSTERED, KEY a (c1), UNIQUE KEY b (c1), UNIQUE KEY c (c0, c1), KEY d (c2)";
        let types = [ty.as_str(), "INT", "VARCHAR(40)"];
        fill(&cluster, rng, &name, &types, keys, 150);
        check_some(&cluster, &name);
        let name = format!("double{i}");
        let keys =
            "PRIMARY KEY (c1, c0) CLUSTERED, KEY a (c2), UNIQUE KEY b (c2), KEY c (c0, c2), UNIQUE KEY d (c3, c1)";
        let types = [ty.as_str(), "VARCHAR(40) NOT NULL", "VARCHAR(40)", "CHAR(10)"];
        fill(&cluster, rng, &name, &types, keys, 150);
        check(&cluster, &name);
    }
}

/// As [`check`], where a type has fewer values than are needed there.
fn check_some(cluster: &Cluster, name: &str) {
    if cluster.stored(name).rows(cluster).len() > 10 {
        check(cluster, name);
    }
}

#[test]
fn prefixes_of_columns() {
    let cluster = Cluster::new("index_prefixes");
    let rng = &mut random("prefixes");
    let types = [
        "VARCHAR(400) NOT NULL",
        "VARBINARY(400) NOT NULL",
        "TEXT",
        "BLOB",
        "VARCHAR(400) CHARACTER SET ascii",
        "VARCHAR(400) CHARACTER SET utf8",
        "CHAR(100)",
    ];
    let keys: Vec<String> = (0..types.len())
        .flat_map(|i| {
            [1, 2, 90].map(|n| {
                format!(
                    "KEY k{i}_{n} (c{i}({n})), UNIQUE KEY u{i}_{n} (c{i}({n}), c{}(3))",
                    (i + 1) % 7
                )
            })
        })
        .collect();
    let keys = keys.join(", ");
    fill(&cluster, rng, "rowid", &types, &keys, 200);
    check(&cluster, "rowid");
    let primary = ["c0, c1", "c0(4), c1(2)", "c0(90), c1(3)", "c0(3), c1, c6(2)"];
    for (i, primary) in primary.iter().enumerate() {
        let mut types = types;
        types[6] = "CHAR(100) NOT NULL";
        let name = format!("common{i}");
        fill(
            &cluster,
            rng,
            &name,
            &types,
            &format!("{keys}, PRIMARY KEY ({primary}) CLUSTERED"),
            300,
        );
        check(&cluster, &name);
    }
}

#[test]
fn many_spaces_and_large_column_ids() {
    let cluster = Cluster::new("index_large");
    let rng = &mut random("large");
    let mut types = vec!["INT"; 300];
    types[298] = "VARCHAR(400) NOT NULL";
    types[299] = "VARCHAR(400)";
    let keys = "KEY a (c298), UNIQUE KEY b (c299, c0), UNIQUE KEY c (c0, c298)";
    for (name, primary) in [("rowid", ""), ("common", ", PRIMARY KEY (c298, c1) CLUSTERED")] {
        let mut types = types.clone();
        types[1] = "INT NOT NULL";
        fill(&cluster, rng, name, &types, &format!("{keys}{primary}"), 100);
        for spaces in [126, 127, 128, 129, 255, 256, 257, 300] {
            cluster.sql(&format!(
                "INSERT INTO {name} (c0, c1, c298, c299) VALUES ({spaces}, {spaces}, CONCAT('x', SPACE({spaces})), SPACE({spaces}))"
            ));
        }
        check(&cluster, name);
    }
}

#[test]
fn partitioned_tables_and_global_indexes() {
    let cluster = Cluster::new("index_partitions");
    let rng = &mut random("partitions");
    let types = ["INT NOT NULL", "VARCHAR(40)", "VARCHAR(20) NOT NULL", "CHAR(8)"];
    let keys = "KEY a (c1), UNIQUE KEY b (c0, c1), UNIQUE KEY g (c2) GLOBAL, UNIQUE KEY h (c3) GLOBAL";
    for (name, primary) in [
        ("rowid", ""),
        ("int_handle", ", PRIMARY KEY (c0) CLUSTERED"),
        ("common", ", PRIMARY KEY (c0, c2) CLUSTERED"),
    ] {
        let rest = format!("{keys}{primary}; PARTITION BY HASH (c0) PARTITIONS 3");
        fill(&cluster, rng, name, &types, &rest, 200);
        check(&cluster, name);
    }
}

#[test]
fn collations_that_look_at_characters() {
    let cluster = Cluster::new("index_collations");
    let rng = &mut random("collations");
    for collation in [
        "utf8mb4_general_ci",
        "utf8_general_ci",
        "utf8mb4_unicode_ci",
        "utf8mb4_0900_ai_ci",
    ] {
        let types = [
            format!("VARCHAR(400) COLLATE {collation} NOT NULL"),
            format!("CHAR(100) COLLATE {collation} NOT NULL"),
            format!("TEXT COLLATE {collation}"),
            "INT NOT NULL".to_owned(),
            "VARCHAR(40)".to_owned(),
            format!("ENUM('a','B') COLLATE {collation}"),
        ];
        let types: Vec<&str> = types.iter().map(String::as_str).collect();
        let keys = "KEY a (c0), KEY b (c1), UNIQUE KEY c (c0, c1, c3), KEY d (c2(3)), KEY e (c0(2)), UNIQUE KEY f (c2(5), c3), \
                    KEY g (c4, c1(3)), KEY h (c3), KEY i (c5), UNIQUE KEY j (c4, c0(90))";
        let primary_keys = [
            "",
            ", PRIMARY KEY (c3) CLUSTERED",
            ", PRIMARY KEY (c3, c0) NONCLUSTERED",
            ", PRIMARY KEY (c0, c3) CLUSTERED",
            ", PRIMARY KEY (c1, c3) CLUSTERED",
            ", PRIMARY KEY (c3, c0(3), c1(2)) CLUSTERED",
        ];
        for (i, primary_key) in primary_keys.iter().enumerate() {
            let name = format!("{collation}_{i}");
            fill(&cluster, rng, &name, &types, &format!("{keys}{primary_key}"), 150);
            check(&cluster, &name);
        }
    }
}
