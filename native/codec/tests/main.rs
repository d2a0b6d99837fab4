//! Tests of the codec from outside, in one binary: each one more is linked, and compiles what the tests share, anew.
#![allow(missing_docs, clippy::unwrap_used)]

mod batch;
mod common;
mod golden_defaults;
mod golden_rows;
mod golden_values;
mod golden_writes;
mod hostile;
mod index_entries;
mod input;
mod input_random;
mod keys;
mod round_trip;
mod row;
mod zones;
