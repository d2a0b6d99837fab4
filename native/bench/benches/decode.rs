//! Columns of the coprocessor's answers -> Arrow: time for each value, by family of types.
//!
//! ```text
//! cargo bench --manifest-path native/bench/Cargo.toml --bench decode
//! ```
//! One answer (TypeChunk) of 8,192 rows becomes one batch, as in a scan. What a core does in a second is the inverse; see docs/scale.md.
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "../../codec/tests/common/mod.rs"]
mod common;

use common::{builder, chunk_column, sized};
use criterion::{criterion_group, criterion_main, Criterion, Throughput};
use ti_codec::field_type::type_code as t;
use ti_codec::{FieldType, TypeOptions};

/// Rows of an answer.
const ROWS: u64 = 8_192;

/// Some different number for each row.
fn number(row: u64) -> u64 {
    (row + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(17) >> 8
}

fn integer(row: u64) -> Vec<u8> {
    (number(row) % 6_000_000).to_le_bytes().to_vec()
}

fn double(row: u64) -> Vec<u8> {
    (number(row) as f64 / 3.0).to_le_bytes().to_vec()
}

/// DECIMAL(15, 2) as TiDB has it in memory: digits before and after the point, twice; the sign; nine digits a word.
fn decimal(row: u64) -> Vec<u8> {
    let cents = number(row) % 10_000_000;
    let (whole, fraction) = (cents / 100, cents % 100);
    let digits = whole.to_string().len() as u8;
    let words = [whole as u32, fraction as u32 * 10_000_000, 0, 0, 0, 0, 0, 0, 0];
    let mut cell = vec![digits, 2, 2, 0];
    cell.extend(words.iter().flat_map(|word| word.to_le_bytes()));
    cell
}

/// A moment of the years 1992 to 1998, bit by bit; `kind` 14 is a DATE, 0 a DATETIME.
fn moment(row: u64, kind: u64) -> Vec<u8> {
    let n = number(row);
    let (year, month, day) = (1992 + n % 7, 1 + n / 7 % 12, 1 + n / 84 % 28);
    let time = match kind {
        0 => (n % 24) << 36 | (n % 60) << 30 | (n / 60 % 60) << 24,
        _ => 0,
    };
    (year << 50 | month << 46 | day << 41 | time | kind)
        .to_le_bytes()
        .to_vec()
}

fn text(row: u64, length: u64) -> Vec<u8> {
    let length = length - number(row) % (length / 2 + 1);
    (0..length)
        .map(|at| b'a' + ((number(row) >> (at % 40)) % 26) as u8)
        .collect()
}

type Cell = fn(u64) -> Vec<u8>;

fn families() -> [(&'static str, FieldType, usize, Cell); 7] {
    let varchar = |tp, length| FieldType {
        charset: "utf8mb4".into(),
        collate: "utf8mb4_bin".into(),
        ..sized(tp, length, 0)
    };
    [
        ("bigint", sized(t::LONG_LONG, 20, 0), 8, integer),
        ("double", sized(t::DOUBLE, 22, -1), 8, double),
        ("decimal_15_2", sized(t::NEW_DECIMAL, 15, 2), 40, decimal),
        ("date", sized(t::DATE, 10, 0), 8, |row| moment(row, 14)),
        ("datetime", sized(t::DATETIME, 19, 0), 8, |row| moment(row, 0)),
        ("char_10", varchar(t::STRING, 10), 0, |row| text(row, 10)),
        ("varchar_44", varchar(t::VARCHAR, 44), 0, |row| text(row, 44)),
    ]
}

fn chunks(c: &mut Criterion) {
    let opts = TypeOptions::default();
    for (group, null_every) in [("chunk", u64::MAX), ("chunk_with_nulls", 10)] {
        let mut group = c.benchmark_group(group);
        group.throughput(Throughput::Elements(ROWS));
        for (name, field_type, width, cell) in families() {
            let cells: Vec<Option<Vec<u8>>> = (0..ROWS)
                .map(|row| (row % null_every != 1).then(|| cell(row)))
                .collect();
            let answer = chunk_column(&cells, width);
            let mut builder = builder(std::slice::from_ref(&field_type), &opts);
            group.bench_function(name, |b| {
                b.iter(|| {
                    builder.append_chunk(&answer).unwrap();
                    builder.finish().unwrap()
                });
            });
        }
        group.finish();
    }
}

criterion_group!(benches, chunks);
criterion_main!(benches);
