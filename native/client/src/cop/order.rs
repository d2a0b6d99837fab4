//! Answers in key order, whatever the order in which they arrive.
//!
//! Rows that come in the same order whenever a task is run again are what Spark expects of a source: numbers that it gives to rows
//! (`monotonically_increasing_id`, `rand(seed)`) are then the same too, and with them the output of the stage.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::region::route::after;
use crate::region::KeyRange;

/// Pieces of a list of ranges, each with the key that it begins at and the key at which the piece after it does.
pub(super) struct Order<T> {
    /// Where the next piece begins; `None`: there is none.
    head: Option<Bytes>,
    early: BTreeMap<Bytes, (T, Option<Bytes>)>,
}

impl<T> Order<T> {
    /// Of ranges in key order.
    pub(super) fn new(ranges: &[KeyRange]) -> Self {
        Self {
            head: ranges.first().map(|range| range.start.clone()),
            early: BTreeMap::new(),
        }
    }

    /// A piece has arrived.
    pub(super) fn put(&mut self, from: Bytes, next: Option<Bytes>, piece: T) {
        self.early.insert(from, (piece, next));
    }

    /// The next piece, if it is here.
    pub(super) fn take(&mut self) -> Option<T> {
        let (piece, next) = self.early.remove(self.head.as_ref()?)?;
        self.head = next;
        Some(piece)
    }

    /// Where the next piece begins; `None`: all have been taken.
    pub(super) fn head(&self) -> Option<&Bytes> {
        self.head.as_ref()
    }
}

/// Where the piece after one begins that has read all of `done`, the ranges of one region, but for `left`.
pub(super) fn following(all: &[KeyRange], done: &[KeyRange], left: &[KeyRange]) -> Option<Bytes> {
    if let Some(first) = left.first() {
        return Some(first.start.clone());
    }
    let end = &done.last()?.end;
    if end.is_empty() {
        return None;
    }
    let rest = all.partition_point(|range| !range.end.is_empty() && range.end <= *end);
    after(all.get(rest..rest + 1)?, end)
        .into_iter()
        .next()
        .map(|range| range.start)
}

#[cfg(test)]
#[path = "order_tests.rs"]
mod tests;
