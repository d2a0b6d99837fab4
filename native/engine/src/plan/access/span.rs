//! Sets of values of one column, as pieces of its key space.
//!
//! ```text
//! key forms   00 (NULL) | 01.. .. 07.. (values, in the order of their bytes) | FA
//! cut         a place just before or just after one key form
//! span        all key forms between two cuts
//! ```
//! The key forms of a column are prefix-free, so that a cut *after* a form also lies after all longer keys that begin with it.

use ti_codec::key::prefix_end;

/// The form of NULL.
const NULL: u8 = 0;
/// Below the form of every value.
const VALUES: u8 = 1;
/// Above the form of every value.
const MAX: u8 = 0xfa;

/// A place in a column's key space.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cut {
    /// A key form.
    pub key: Vec<u8>,
    /// Behind it.
    pub after: bool,
}

impl Cut {
    /// In front of a key form.
    pub fn before(key: Vec<u8>) -> Self {
        Self { key, after: false }
    }

    /// Behind a key form.
    pub fn after(key: Vec<u8>) -> Self {
        Self { key, after: true }
    }

    /// In front of NULL.
    pub fn start() -> Self {
        Self::before(vec![NULL])
    }

    /// Between NULL and the smallest value.
    pub fn values() -> Self {
        Self::before(vec![VALUES])
    }

    /// Behind the greatest value.
    pub fn end() -> Self {
        Self::before(vec![MAX])
    }

    /// The first key behind the cut, after the keys `prefix` of the columns before.
    pub fn bytes(&self, prefix: &[u8]) -> Vec<u8> {
        let key = [prefix, &self.key].concat();
        if self.after {
            prefix_end(&key)
        } else {
            key
        }
    }
}

/// The key forms from `low` to `high`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// Where it begins.
    pub low: Cut,
    /// Where it ends.
    pub high: Cut,
}

impl Span {
    /// One key form.
    pub fn point(key: Vec<u8>) -> Self {
        Self {
            low: Cut::before(key.clone()),
            high: Cut::after(key),
        }
    }

    /// NULL.
    pub fn null() -> Self {
        Self::point(vec![NULL])
    }

    /// All but NULL.
    pub fn values() -> Self {
        Self {
            low: Cut::values(),
            high: Cut::end(),
        }
    }

    /// The key form, when there is but one.
    pub fn as_point(&self) -> Option<&[u8]> {
        let point = self.low.key == self.high.key && !self.low.after && self.high.after;
        point.then_some(self.low.key.as_slice())
    }

    /// Does it hold this key form?
    pub fn contains(&self, key: &[u8]) -> bool {
        let key = Cut::before(key.to_vec());
        self.low <= key && key < self.high
    }
}

/// All of the key space.
pub fn all() -> Vec<Span> {
    vec![Span {
        low: Cut::start(),
        high: Cut::end(),
    }]
}

/// Sorted, without empty spans; what overlaps or meets becomes one.
pub fn union(mut spans: Vec<Span>) -> Vec<Span> {
    spans.retain(|span| span.low < span.high);
    spans.sort_unstable();
    let mut out: Vec<Span> = Vec::with_capacity(spans.len());
    for span in spans {
        match out.last_mut() {
            Some(last) if span.low <= last.high => {
                if span.high > last.high {
                    last.high = span.high;
                }
            }
            _ => out.push(span),
        }
    }
    out
}

/// What both unions hold.
pub fn intersection(a: &[Span], b: &[Span]) -> Vec<Span> {
    let (mut a, mut b) = (a.iter().peekable(), b.iter().peekable());
    let mut out = Vec::new();
    while let (Some(x), Some(y)) = (a.peek(), b.peek()) {
        let low = (&x.low).max(&y.low);
        let high = (&x.high).min(&y.high);
        if low < high {
            out.push(Span {
                low: low.clone(),
                high: high.clone(),
            });
        }
        if x.high <= y.high {
            a.next();
        } else {
            b.next();
        }
    }
    out
}

/// One span from the beginning of the first to the end of the last.
pub fn hull(spans: &[Span]) -> Vec<Span> {
    match (spans.first(), spans.last()) {
        (Some(first), Some(last)) => vec![Span {
            low: first.low.clone(),
            high: last.high.clone(),
        }],
        _ => Vec::new(),
    }
}

#[cfg(test)]
#[path = "span_tests.rs"]
mod tests;
