//! Ranges of raw keys: one key, or an interval.
//!
//! TiKV takes a range `[k, prefix_next(k))` for the one key `k` wherever a scan may be of single keys: in a table without a common handle, and
//! in an index that is scanned as a unique one (`tidb_query_common/src/util.rs`, `is_point`). An interval that happens to have that form, such
//! as all rows of a table or the part of one that a region border leaves, would then be answered with no rows and without an error. So the
//! bounds of a range are never what a store is told: [`KeyRange::to_wire`] says them in a form that means the same keys.

use bytes::Bytes;
use ti_codec::key::prefix_end;
use ti_proto::coprocessor;

/// A set of raw keys: one key, or the keys of `[start, end)`, where an empty `end` is unbounded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRange {
    pub(crate) start: Bytes,
    pub(crate) end: Bytes,
}

/// How a scan takes ranges that have the form of a single key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PointRanges {
    /// As intervals: common handles, indexes that are not scanned as unique ones.
    #[default]
    Intervals,
    /// As single keys: integer handles.
    Keys,
}

impl KeyRange {
    /// The one key. Keys that only begin with it are not in the range.
    pub fn point(key: impl Into<Vec<u8>>) -> Self {
        let start: Vec<u8> = key.into();
        let end = [start.as_slice(), &[0]].concat();
        Self {
            start: start.into(),
            end: end.into(),
        }
    }

    /// All keys of `[start, end)`, however many these are.
    pub fn interval(start: impl Into<Bytes>, end: impl Into<Bytes>) -> Self {
        Self {
            start: start.into(),
            end: end.into(),
        }
    }

    /// All keys that begin with `prefix` and are longer. The prefix itself is no key: that of a table's rows, or of an index, never is.
    pub fn below(prefix: &[u8]) -> Self {
        Self {
            start: [prefix, &[0]].concat().into(),
            end: prefix_end(prefix).into(),
        }
    }

    /// The smallest key that may be in the range.
    pub fn start(&self) -> &Bytes {
        &self.start
    }

    /// The key after the last one; empty: there is no bound.
    pub fn end(&self) -> &Bytes {
        &self.end
    }

    /// The key, when the range can hold but this one.
    pub fn as_point(&self) -> Option<&Bytes> {
        let (end, last) = (self.end.strip_suffix(&[0])?, &self.start);
        (end == last.as_ref()).then_some(last)
    }

    /// The same keys as a coprocessor request names them to a scan that takes points in this way.
    pub fn to_wire(&self, points: PointRanges, out: &mut Vec<coprocessor::KeyRange>) {
        let mut push = |start: &[u8], end: &[u8]| {
            out.push(coprocessor::KeyRange {
                start: start.to_vec(),
                end: end.to_vec(),
            });
        };
        match (points, self.as_point()) {
            (PointRanges::Keys, Some(key)) => match prefix_next(key) {
                Some(end) => push(key, &end),
                None => push(&self.start, &self.end),
            },
            (PointRanges::Keys, None) if prefix_next(&self.start).is_some_and(|next| next == self.end) => {
                let second = [self.start.as_ref(), &[0]].concat();
                push(&self.start, &second);
                push(&second, &self.end);
            }
            _ => push(&self.start, &self.end),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        !self.end.is_empty() && self.start >= self.end
    }
}

/// The bound with which a range of this key is a point for TiKV: the last byte that is not 0xFF is one more, and what follows it is zeros.
/// `None` for keys of nothing but 0xFF, which no table has.
fn prefix_next(key: &[u8]) -> Option<Vec<u8>> {
    let mut next = key.to_vec();
    for byte in next.iter_mut().rev() {
        if *byte < 0xff {
            *byte += 1;
            return Some(next);
        }
        *byte = 0;
    }
    None
}

#[cfg(test)]
#[path = "key_range_tests.rs"]
mod tests;
