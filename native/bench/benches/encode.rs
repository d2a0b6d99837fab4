//! Arrow batches -> rows, and rows -> index entries: time for each, with columns like those of TPC-H's lineitem.
//!
//! ```text
//! cargo bench --manifest-path native/bench/Cargo.toml --bench encode
//! ```
#![allow(missing_docs, clippy::unwrap_used)]

use std::sync::Arc;

use arrow_array::{ArrayRef, Date32Array, Decimal128Array, Int32Array, Int64Array, StringArray};
use criterion::{criterion_group, criterion_main, Criterion, Throughput};
use ti_codec::datum::Datum;
use ti_codec::field_type::{flag, type_code as t, FieldType};
use ti_codec::handle::Handle;
use ti_codec::index::{HandleLayout, IndexColumn, IndexEncoder};
use ti_codec::input::InputColumn;
use ti_codec::row::RowEncoder;
use ti_codec::TypeOptions;

/// Rows of a batch of a writer.
const ROWS: usize = 512;

fn column(tp: u8, flen: i32, decimal: i32) -> FieldType {
    let text = matches!(tp, t::VARCHAR | t::STRING);
    FieldType {
        flag: flag::NOT_NULL,
        flen,
        decimal,
        charset: if text { "utf8mb4" } else { "binary" }.to_owned(),
        collate: if text { "utf8mb4_bin" } else { "binary" }.to_owned(),
        ..FieldType::new(tp)
    }
}

/// Some different number for each row.
fn number(row: usize, salt: u64) -> u64 {
    (row as u64 + 1)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .wrapping_add(salt)
        .rotate_left(17)
        >> 8
}

fn ints(salt: u64, below: u64) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(
        (0..ROWS).map(|r| (number(r, salt) % below) as i64),
    ))
}

fn decimals(salt: u64, below: u64) -> ArrayRef {
    let values = Decimal128Array::from_iter_values((0..ROWS).map(|r| i128::from(number(r, salt) % below)));
    Arc::new(values.with_precision_and_scale(15, 2).unwrap())
}

fn dates(salt: u64) -> ArrayRef {
    Arc::new(Date32Array::from_iter_values(
        (0..ROWS).map(|r| 8000 + (number(r, salt) % 2500) as i32),
    ))
}

fn texts(salt: u64, choices: &[&str]) -> ArrayRef {
    let pick = |r| choices[(number(r, salt) % choices.len() as u64) as usize];
    Arc::new(StringArray::from_iter_values((0..ROWS).map(pick)))
}

/// The 16 columns.
fn lineitem() -> Vec<(FieldType, ArrayRef)> {
    let lines = Int32Array::from_iter_values((0..ROWS).map(|r| (r % 7) as i32));
    let instructions = ["DELIVER IN PERSON", "COLLECT COD", "NONE", "TAKE BACK RETURN"];
    let modes = ["REG AIR", "AIR", "RAIL", "SHIP", "TRUCK", "MAIL", "FOB"];
    let comments = [
        "carefully final deposits sleep",
        "furiously regular",
        "slyly ironic packages haggle quickly bold",
    ];
    vec![
        (column(t::LONG_LONG, 20, 0), ints(1, 6_000_000)),
        (column(t::LONG_LONG, 20, 0), ints(2, 200_000)),
        (column(t::LONG_LONG, 20, 0), ints(3, 10_000)),
        (column(t::LONG, 11, 0), Arc::new(lines)),
        (column(t::NEW_DECIMAL, 15, 2), decimals(5, 5_000)),
        (column(t::NEW_DECIMAL, 15, 2), decimals(6, 10_000_000)),
        (column(t::NEW_DECIMAL, 15, 2), decimals(7, 11)),
        (column(t::NEW_DECIMAL, 15, 2), decimals(8, 9)),
        (column(t::STRING, 1, 0), texts(9, &["A", "N", "R"])),
        (column(t::STRING, 1, 0), texts(10, &["O", "F"])),
        (column(t::DATE, 10, 0), dates(11)),
        (column(t::DATE, 10, 0), dates(12)),
        (column(t::DATE, 10, 0), dates(13)),
        (column(t::STRING, 25, 0), texts(14, &instructions)),
        (column(t::STRING, 10, 0), texts(15, &modes)),
        (column(t::VARCHAR, 44, 0), texts(16, &comments)),
    ]
}

fn rows(c: &mut Criterion) {
    let columns = lineitem();
    let inputs: Vec<InputColumn> = columns
        .iter()
        .enumerate()
        .map(|(i, (ft, array))| {
            InputColumn::new(&format!("c{i}"), ft, &TypeOptions::default(), array.data_type()).unwrap()
        })
        .collect();
    let mut encoder = RowEncoder::new();
    let mut out = Vec::new();
    let mut group = c.benchmark_group("row");
    group.throughput(Throughput::Elements(ROWS as u64));
    group.bench_function("lineitem_16_columns", |b| {
        b.iter(|| {
            let bound: Vec<_> = inputs
                .iter()
                .zip(&columns)
                .map(|(input, (_, array))| input.bind(array).unwrap())
                .collect();
            out.clear();
            for row in 0..ROWS {
                for (i, (values, (ft, _))) in bound.iter().zip(&columns).enumerate() {
                    encoder.push(i as i64 + 1, ft, &values.get(row).unwrap()).unwrap();
                }
                encoder.finish(&mut out).unwrap();
            }
            out.len()
        });
    });
    group.finish();
}

fn entries(c: &mut Criterion) {
    let columns = lineitem();
    let inputs: Vec<InputColumn> = columns
        .iter()
        .enumerate()
        .map(|(i, (ft, array))| {
            InputColumn::new(&format!("c{i}"), ft, &TypeOptions::default(), array.data_type()).unwrap()
        })
        .collect();
    let bound: Vec<_> = inputs
        .iter()
        .zip(&columns)
        .map(|(input, (_, array))| input.bind(array).unwrap())
        .collect();
    let rows: Vec<Vec<Datum<'_>>> = (0..ROWS)
        .map(|row| bound.iter().map(|values| values.get(row).unwrap()).collect())
        .collect();
    let mut group = c.benchmark_group("index");
    group.throughput(Throughput::Elements(ROWS as u64));
    let cases: [(&str, bool, &[usize]); 4] = [
        ("bigint", false, &[1]),
        ("bigint_unique", true, &[0]),
        ("date_and_bigint", false, &[10, 2]),
        ("varchar", false, &[15]),
    ];
    for (name, unique, offsets) in cases {
        let column = |offset: &usize| IndexColumn {
            name: format!("c{offset}"),
            offset: *offset,
            column_id: *offset as i64 + 1,
            field_type: columns[*offset].0.clone(),
            prefix: None,
        };
        let columns = offsets.iter().map(column).collect();
        let mut encoder = IndexEncoder::new(1, unique, columns, HandleLayout::Int).unwrap();
        let (mut key, mut value) = (Vec::new(), Vec::new());
        group.bench_function(name, |b| {
            b.iter(|| {
                let mut bytes = 0;
                for (handle, row) in (0..).zip(&rows) {
                    let handle = Handle::Int(handle);
                    encoder.entry(104, None, row, &handle, &mut key, &mut value).unwrap();
                    bytes += key.len() + value.len();
                }
                bytes
            });
        });
    }
    group.finish();
}

criterion_group!(benches, rows, entries);
criterion_main!(benches);
