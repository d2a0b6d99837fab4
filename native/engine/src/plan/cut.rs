//! Cutting a region's key range into pieces of about equal size.
//!
//! ```text
//! range start | first key |---- equal steps in key space ----| last key | range end
//! ```
//!
//! Between the first and the last key, the eight bytes after what both have in common are taken for a number. That is exact for integer
//! handles and close for keys that begin with a number; other keys may give pieces of unequal size. The pieces always cover the range and
//! never overlap, and a row is one key, so that any key is a place to cut: a bad guess costs balance and never a row.

use ti_client::KeyRange;
use ti_codec::key;

/// Bytes that are interpolated.
const WINDOW: usize = 8;
/// A piece has room for so many integer handles at least: a short span of handles tells that there are few rows, whatever the region's size.
const HANDLES_MIN: u128 = 1_000;

/// Cuts `range`, whose first and last key are given, into at most `pieces`. With `int_handle` the cuts are keys of whole handles.
pub fn cut(range: &KeyRange, first: &[u8], last: &[u8], pieces: u64, int_handle: bool) -> Vec<KeyRange> {
    let common = first.iter().zip(last).take_while(|(a, b)| a == b).count();
    let at = if int_handle {
        common.min(key::record_prefix(0).len())
    } else {
        common
    };
    let (low, high) = (window(first, at), window(last, at));
    let span = u128::from(high.saturating_sub(low)) + 1;
    let pieces = if int_handle {
        u128::from(pieces).min(span / HANDLES_MIN)
    } else {
        u128::from(pieces)
    };
    let mut out = Vec::new();
    let mut rest = range.start().clone();
    for number in 1..pieces {
        let step = u64::try_from(span * number / pieces).unwrap_or(u64::MAX);
        let key = cut_key(first, at, low.saturating_add(step), int_handle);
        // Pieces outside the two keys would be empty, whoever made them up.
        let useful = key > first && key <= last && key > rest;
        if useful && (range.end().is_empty() || key < range.end()) {
            out.push(KeyRange::interval(rest, key.clone()));
            rest = key;
        }
    }
    out.push(KeyRange::interval(rest, range.end().clone()));
    out
}

/// The bytes from `at` on as a number; a key that ends before counts as followed by zeros.
pub fn window(key: &[u8], at: usize) -> u64 {
    let bytes = key.get(at..).unwrap_or_default().iter().copied();
    bytes
        .chain(std::iter::repeat(0))
        .take(WINDOW)
        .fold(0, |number, byte| number << 8 | u64::from(byte))
}

fn cut_key(first: &[u8], at: usize, number: u64, int_handle: bool) -> bytes::Bytes {
    let mut key = first.get(..at).unwrap_or_default().to_vec();
    key.extend_from_slice(&number.to_be_bytes());
    // Zeros at the end say nothing, but for a handle, which has all its bytes.
    while !int_handle && key.len() > at && key.last() == Some(&0) {
        key.pop();
    }
    key.into()
}

#[cfg(test)]
#[path = "cut_tests.rs"]
mod tests;
