//! How long it takes to turn Arrow batches into rows: 16 columns like those of TPC-H's lineitem.
//!
//! ```text
//! cargo run --release -p ti-codec --example encode -- [rows per batch] [batches]
//! ```
#![allow(clippy::unwrap_used)]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use arrow_array::{ArrayRef, Date32Array, Decimal128Array, Int32Array, Int64Array, StringArray};
use ti_codec::field_type::{flag, type_code as t, FieldType};
use ti_codec::input::InputColumn;
use ti_codec::row::RowEncoder;
use ti_codec::TypeOptions;

fn column(tp: u8, flen: i32, decimal: i32) -> FieldType {
    let charset = if matches!(tp, t::VARCHAR | t::STRING) {
        "utf8mb4"
    } else {
        "binary"
    };
    FieldType {
        flag: flag::NOT_NULL,
        flen,
        decimal,
        charset: charset.to_owned(),
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

fn ints(rows: usize, salt: u64, below: u64) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(
        (0..rows).map(|r| (number(r, salt) % below) as i64),
    ))
}

fn decimals(rows: usize, salt: u64, below: u64) -> ArrayRef {
    let values = Decimal128Array::from_iter_values((0..rows).map(|r| i128::from(number(r, salt) % below)));
    Arc::new(values.with_precision_and_scale(15, 2).unwrap())
}

fn dates(rows: usize, salt: u64) -> ArrayRef {
    Arc::new(Date32Array::from_iter_values(
        (0..rows).map(|r| 8000 + (number(r, salt) % 2500) as i32),
    ))
}

fn texts(rows: usize, salt: u64, choices: &[&str]) -> ArrayRef {
    let pick = |r| choices[(number(r, salt) % choices.len() as u64) as usize];
    Arc::new(StringArray::from_iter_values((0..rows).map(pick)))
}

fn main() {
    let argument = |n: usize, default: usize| std::env::args().nth(n).map_or(default, |a| a.parse().unwrap());
    let (rows, batches) = (argument(1, 512), argument(2, 1000));
    let comments = [
        "carefully final deposits sleep",
        "furiously regular",
        "slyly ironic packages haggle quickly bold",
    ];
    let columns: Vec<(FieldType, ArrayRef)> = vec![
        (column(t::LONG_LONG, 20, 0), ints(rows, 1, 6_000_000)),
        (column(t::LONG_LONG, 20, 0), ints(rows, 2, 200_000)),
        (column(t::LONG_LONG, 20, 0), ints(rows, 3, 10_000)),
        (
            column(t::LONG, 11, 0),
            Arc::new(Int32Array::from_iter_values((0..rows).map(|r| (r % 7) as i32))),
        ),
        (column(t::NEW_DECIMAL, 15, 2), decimals(rows, 5, 5_000)),
        (column(t::NEW_DECIMAL, 15, 2), decimals(rows, 6, 10_000_000)),
        (column(t::NEW_DECIMAL, 15, 2), decimals(rows, 7, 11)),
        (column(t::NEW_DECIMAL, 15, 2), decimals(rows, 8, 9)),
        (column(t::STRING, 1, 0), texts(rows, 9, &["A", "N", "R"])),
        (column(t::STRING, 1, 0), texts(rows, 10, &["O", "F"])),
        (column(t::DATE, 10, 0), dates(rows, 11)),
        (column(t::DATE, 10, 0), dates(rows, 12)),
        (column(t::DATE, 10, 0), dates(rows, 13)),
        (
            column(t::STRING, 25, 0),
            texts(
                rows,
                14,
                &["DELIVER IN PERSON", "COLLECT COD", "NONE", "TAKE BACK RETURN"],
            ),
        ),
        (
            column(t::STRING, 10, 0),
            texts(rows, 15, &["REG AIR", "AIR", "RAIL", "SHIP", "TRUCK", "MAIL", "FOB"]),
        ),
        (column(t::VARCHAR, 44, 0), texts(rows, 16, &comments)),
    ];
    let inputs: Vec<InputColumn> = columns
        .iter()
        .enumerate()
        .map(|(i, (ft, array))| {
            InputColumn::new(&format!("c{i}"), ft, &TypeOptions::default(), array.data_type()).unwrap()
        })
        .collect();
    let mut encoder = RowEncoder::new();
    let mut out = Vec::new();
    let mut best = f64::INFINITY;
    let mut bytes = 0;
    for _ in 0..batches {
        let started = Instant::now();
        let bound: Vec<_> = inputs
            .iter()
            .zip(&columns)
            .map(|(input, (_, array))| input.bind(array).unwrap())
            .collect();
        out.clear();
        for row in 0..rows {
            for (i, (values, (ft, _))) in bound.iter().zip(&columns).enumerate() {
                encoder.push(i as i64 + 1, ft, &values.get(row).unwrap()).unwrap();
            }
            encoder.finish(&mut out).unwrap();
        }
        bytes = black_box(&out).len();
        best = best.min(started.elapsed().as_nanos() as f64);
    }
    let values = (rows * columns.len()) as f64;
    println!(
        "{:.1} ns per value, {:.0} ns per row, {:.0} bytes per row, {:.0} MB/s (best of {batches} batches of {rows} rows)",
        best / values,
        best / rows as f64,
        bytes as f64 / rows as f64,
        bytes as f64 / best * 1e3
    );
}
