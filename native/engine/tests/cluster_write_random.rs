//! Random tables: what the engine writes is what TiDB has written, key by key and byte by byte.
//!
//! | variable | |
//! | --- | --- |
//! | `TI_ENGINE_TABLES` | how many tables (300) |
//! | `TI_ENGINE_SEED` | repeats a run, whose seed was printed: table `n` has the seed `TI_ENGINE_SEED + n` |
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::sync::atomic::{AtomicU64, Ordering};

use fastrand::Rng;
use support::fill::{fill, seed};
use support::write::spec;
use support::Cluster;

/// Tables, unless TI_ENGINE_TABLES says otherwise.
const TABLES: u64 = 300;
/// Most rows of a table. Few are enough for most of what shapes and types can do; every tenth table has many.
const ROWS: usize = 40;
const MANY_ROWS: usize = 400;
/// Tables are made by so many threads, because most of the time goes into TiDB's DDL.
const THREADS: u64 = 4;

/// Types of columns; those of the first part may be in a key.
const TYPES: [&str; 24] = [
    "INT",
    "BIGINT UNSIGNED",
    "TINYINT",
    "SMALLINT UNSIGNED",
    "DECIMAL(20, 5)",
    "DATE",
    "DATETIME(3)",
    "TIMESTAMP(6)",
    "TIME(2)",
    "YEAR",
    "VARCHAR(40) COLLATE utf8mb4_bin",
    "CHAR(12) COLLATE utf8mb4_bin",
    "VARBINARY(20)",
    "BINARY(6)",
    "VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin",
    "ENUM('x', 'y', 'z') COLLATE utf8mb4_bin",
    "SET('p', 'q', 'r') COLLATE utf8mb4_bin",
    "BIT(8)",
    "DOUBLE",
    "FLOAT",
    "TEXT",
    "BLOB",
    "VARCHAR(60) COLLATE utf8mb4_0900_bin",
    "BIGINT DEFAULT 5",
];
const KEY_TYPES: usize = 20;

/// Columns and the rest of the definition.
fn shape(rng: &mut Rng) -> (Vec<String>, String) {
    let keys = rng.usize(1..5);
    let mut columns: Vec<String> = (0..keys).map(|_| TYPES[rng.usize(..KEY_TYPES)].to_owned()).collect();
    let others = rng.usize(0..5);
    columns.extend((0..others).map(|_| TYPES[rng.usize(..TYPES.len())].to_owned()));
    let mut parts = Vec::new();
    let mut options = String::new();
    match rng.u8(..4) {
        0 => {
            columns[0] = if rng.bool() {
                "BIGINT NOT NULL"
            } else {
                "INT UNSIGNED NOT NULL"
            }
            .to_owned();
            parts.push("PRIMARY KEY (c0)".to_owned());
            if rng.bool() {
                options = "PARTITION BY HASH (c0) PARTITIONS 3".to_owned();
            }
        }
        1 | 2 => {
            let size = rng.usize(1..=keys.min(3));
            let mut list = Vec::new();
            for (column, ty) in columns.iter_mut().enumerate().take(size) {
                *ty = format!("{ty} NOT NULL");
                list.push(format!("c{column}"));
            }
            parts.push(format!("PRIMARY KEY ({}) CLUSTERED", list.join(", ")));
        }
        _ => {
            columns[0] = "INT NOT NULL".to_owned();
            parts.push("PRIMARY KEY (c0) NONCLUSTERED".to_owned());
        }
    }
    let partitioned = !options.is_empty();
    for number in 0..rng.usize(0..4) {
        let mut list: Vec<String> = Vec::new();
        for (column, ty) in columns.iter().enumerate().take(keys) {
            if rng.bool() {
                let prefix = ty.starts_with("VARCHAR") && rng.bool();
                list.push(format!("c{column}{}", if prefix { "(3)" } else { "" }));
            }
        }
        if list.is_empty() {
            continue;
        }
        let unique = !partitioned && rng.u8(..3) == 0;
        parts.push(format!(
            "{}KEY k{number} ({})",
            if unique { "UNIQUE " } else { "" },
            list.join(", ")
        ));
    }
    (columns, format!("{};{options}", parts.join(", ")))
}

fn tables() -> u64 {
    match std::env::var("TI_ENGINE_TABLES") {
        Ok(text) => text.parse().expect("TI_ENGINE_TABLES is a number"),
        Err(_) => TABLES,
    }
}

/// Table `number`: filled by TiDB, copied by the engine, compared.
fn one_table(cluster: &Cluster, number: u64, seed: u64) {
    let mut rng = Rng::with_seed(seed);
    let (types, rest) = shape(&mut rng);
    let types: Vec<&str> = types.iter().map(String::as_str).collect();
    println!("table {number} (TI_ENGINE_SEED={seed} TI_ENGINE_TABLES=1): {types:?} {rest}");
    let (a, b) = (format!("a{number}"), format!("b{number}"));
    let most = if rng.u8(..10) == 0 { MANY_ROWS } else { ROWS };
    let rows = rng.usize(..=most);
    fill(cluster, &mut rng, &a, &types, &rest, rows);
    cluster.sql(&format!("CREATE TABLE {b} LIKE {a}"));
    let tasks = rng.usize(1..4);
    if rest.contains("NONCLUSTERED") {
        // Row ids differ: the rows are compared by their values.
        let columns = cluster.columns(&a);
        let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
        let batches = cluster.batches_of(&a, &columns);
        cluster.write(spec(cluster, &b, &columns), &[batches]).unwrap();
        cluster.admin_check(&b);
        let rows = |table: &str| {
            let mut rows = cluster.rows(&format!("SELECT * FROM {table}"));
            rows.sort();
            rows
        };
        assert_eq!(rows(&a), rows(&b));
    } else {
        cluster.assert_copied(&a, &b, tasks);
    }
}

#[test]
fn random_tables() {
    let first = seed("random_tables");
    let next = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let next = &next;
            scope.spawn(move || {
                let cluster = Cluster::new(&format!("w_random{thread}"));
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= tables() {
                        break;
                    }
                    one_table(&cluster, number, first.wrapping_add(number));
                }
            });
        }
    });
}
