//! Random shapes of tables.

use fastrand::Rng;

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

/// Columns and the rest of the definition, as [`super::fill::fill`] takes them.
pub fn shape(rng: &mut Rng) -> (Vec<String>, String) {
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

/// How many tables a test makes: TI_ENGINE_TABLES, or `default`.
pub fn tables(default: u64) -> u64 {
    match std::env::var("TI_ENGINE_TABLES") {
        Ok(text) => text.parse().expect("TI_ENGINE_TABLES is a number"),
        Err(_) => default,
    }
}
