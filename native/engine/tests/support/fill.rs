//! Tables full of random rows, made through TiDB.

use super::Cluster;

/// The seed of a test, which it prints; TI_ENGINE_SEED repeats a run.
pub fn seed(test: &str) -> u64 {
    let given = std::env::var("TI_ENGINE_SEED").ok().and_then(|s| s.parse().ok());
    let seed = given.unwrap_or_else(|| fastrand::u64(..));
    println!("{test}: TI_ENGINE_SEED={seed}");
    seed
}

/// Random numbers of a test, by its [`seed`].
pub fn random(test: &str) -> fastrand::Rng {
    fastrand::Rng::with_seed(seed(test))
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// A random text with what collations and prefixes treat in their own ways.
pub fn text(rng: &mut fastrand::Rng, ascii: bool) -> String {
    let wide = [" ", "  ", "a", "A", "b", "é", "É", "ß", "中", "文", "😀", "ı", "_", "z"];
    let pieces = if ascii { &wide[..5] } else { &wide[..] };
    let mut text: String = (0..rng.usize(0..8))
        .map(|_| pieces[rng.usize(..pieces.len())])
        .collect();
    if rng.u8(..8) == 0 {
        text += &" ".repeat(rng.usize(..300));
    }
    text
}

/// A literal for a column of this type.
pub fn literal(rng: &mut fastrand::Rng, ty: &str) -> String {
    if rng.u8(..8) == 0 && !ty.contains("NOT NULL") {
        return "NULL".into();
    }
    let kind = ty.split([' ', '(']).next().unwrap_or_default();
    match kind {
        "TINYINT" | "SMALLINT" | "INT" | "BIGINT" if ty.contains("UNSIGNED") => rng.u64(..).to_string(),
        "TINYINT" => rng.i8(..).to_string(),
        "SMALLINT" => rng.i16(..).to_string(),
        "INT" => rng.i32(..).to_string(),
        "BIGINT" => rng.i64(..).to_string(),
        "YEAR" => rng.u16(1901..2156).to_string(),
        "FLOAT" | "DOUBLE" => format!("{:?}", rng.f64() * 1e6 - 5e5),
        "DECIMAL" => format!("{}.{}", rng.i64(..) >> rng.u8(..63), rng.u32(..)),
        "BIT" => format!("b'{:b}'", rng.u8(..)),
        "ENUM" => rng.u8(1..4).to_string(),
        "SET" => rng.u8(0..8).to_string(),
        "DATE" => format!("'{:04}-{:02}-{:02}'", rng.u16(1..9999), rng.u8(1..13), rng.u8(1..29)),
        "DATETIME" | "TIMESTAMP" => format!(
            "'{:04}-{:02}-{:02} {:02}:{:02}:{:02}.{:06}'",
            rng.u16(1971..2037),
            rng.u8(1..13),
            rng.u8(1..29),
            rng.u8(..24),
            rng.u8(..60),
            rng.u8(..60),
            rng.u32(..1_000_000)
        ),
        "TIME" => format!(
            "'{}{}:{:02}:{:02}.{:06}'",
            if rng.bool() { "-" } else { "" },
            rng.u16(..839),
            rng.u8(..60),
            rng.u8(..59),
            rng.u32(..1_000_000)
        ),
        "BINARY" | "VARBINARY" | "BLOB" => {
            let bytes: Vec<u8> = (0..rng.usize(..12)).map(|_| rng.u8(..) & 0xaf).collect();
            format!("x'{}'", hex(&bytes))
        }
        _ => format!("'{}'", text(rng, ty.contains("ascii"))),
    }
}

/// Creates and fills a table of columns `c0`, `c1`, ... of these types.
pub fn fill(cluster: &Cluster, rng: &mut fastrand::Rng, name: &str, types: &[&str], rest: &str, rows: usize) {
    let columns: Vec<String> = types.iter().enumerate().map(|(i, ty)| format!("c{i} {ty}")).collect();
    let (keys, options) = rest.split_once(';').unwrap_or((rest, ""));
    let keys = if keys.is_empty() {
        String::new()
    } else {
        format!(", {keys}")
    };
    cluster.sql(&format!("CREATE TABLE {name} ({}{keys}) {options}", columns.join(", ")));
    for part in 0..rows.div_ceil(50) {
        let row = |rng: &mut fastrand::Rng| {
            let values: Vec<String> = types.iter().map(|ty| literal(rng, ty)).collect();
            format!("({})", values.join(", "))
        };
        let rows: Vec<String> = (part * 50..rows.min((part + 1) * 50)).map(|_| row(rng)).collect();
        let list: Vec<String> = (0..types.len()).map(|i| format!("c{i}")).collect();
        cluster.sql(&format!(
            "INSERT IGNORE INTO {name} ({}) VALUES {}",
            list.join(", "),
            rows.join(", ")
        ));
    }
}
