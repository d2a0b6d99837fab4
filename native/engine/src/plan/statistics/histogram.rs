//! How many values lie where: TiDB's histogram of a column or index, with its most frequent values.
//!
//! ```text
//! keys    |----- bucket: count, lower, upper, repeats of upper -----| |--- bucket ---| ...      most frequent values are in no bucket
//! ```
//! All in the order of key forms, in which indexes keep their bounds anyway. Source: TiDB `pkg/statistics/histogram.go`.

use std::collections::BTreeMap;

use crate::plan::access::range::ByteRange;
use crate::plan::cut::window;

/// A piece of a histogram.
#[derive(Debug, Clone, PartialEq)]
pub struct Bucket {
    /// Values, the upper bound's repeats included.
    pub count: f64,
    /// Times that the upper bound occurs.
    pub repeats: f64,
    /// Smallest value, in key form.
    pub lower: Vec<u8>,
    /// Greatest value, in key form.
    pub upper: Vec<u8>,
}

/// What is known of the values of a column or index.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Histogram {
    /// Distinct values.
    pub distinct: f64,
    /// NULLs.
    pub nulls: f64,
    /// Bytes of all values.
    pub bytes: f64,
    /// In order.
    pub buckets: Vec<Bucket>,
    /// The most frequent values, in key form.
    pub top: BTreeMap<Vec<u8>, f64>,
}

impl Histogram {
    /// Values that it was made of, NULLs of a column included.
    pub fn total(&self) -> f64 {
        let buckets: f64 = self.buckets.iter().map(|b| b.count).sum();
        let top: f64 = self.top.values().sum();
        buckets + top + self.nulls
    }

    /// Does it know more than counts?
    pub fn is_known(&self) -> bool {
        !self.buckets.is_empty() || !self.top.is_empty() || (self.nulls > 0.0 && self.distinct == 0.0)
    }

    /// The share of all values that lies in ranges; of those that are single whole values at least that of an average one.
    pub fn share(&self, ranges: &[ByteRange], points: bool) -> f64 {
        let total = self.total();
        if total <= 0.0 {
            return 0.0;
        }
        let count: f64 = ranges.iter().map(|range| self.count(range, points)).sum();
        (count / total).clamp(0.0, 1.0)
    }

    fn count(&self, range: &ByteRange, point: bool) -> f64 {
        if range.start == [0] && range.end == [1] {
            return self.nulls;
        }
        let inside = |key: &Vec<u8>| *key >= range.start && (range.end.is_empty() || *key < range.end);
        let top: f64 = self
            .top
            .range(range.start.clone()..)
            .take_while(|(key, _)| inside(key))
            .map(|(_, n)| n)
            .sum();
        let first = self.buckets.partition_point(|bucket| bucket.upper < range.start);
        let mut rest = 0.0;
        for bucket in self.buckets.iter().skip(first) {
            if !range.end.is_empty() && bucket.lower >= range.end {
                break;
            }
            rest += if point {
                self.point(bucket, range)
            } else {
                part(bucket, range)
            };
        }
        top + rest
    }

    /// A value in a bucket: the upper bound's repeats are known, the others are taken to be alike.
    fn point(&self, bucket: &Bucket, range: &ByteRange) -> f64 {
        if bucket.upper.starts_with(&range.start) {
            return bucket.repeats.max(1.0);
        }
        let others: f64 = self.buckets.iter().map(|b| b.count).sum();
        let distinct = (self.distinct - self.top.len() as f64).max(1.0);
        (others / distinct).clamp(1.0, bucket.count.max(1.0))
    }

    /// Smallest and greatest value, in key form, NULL left out.
    pub fn bounds(&self) -> Option<(&[u8], &[u8])> {
        let lowers = self.buckets.iter().map(|b| &b.lower).chain(self.top.keys());
        let uppers = self.buckets.iter().map(|b| &b.upper).chain(self.top.keys());
        let not_null = |key: &&Vec<u8>| key.first().is_some_and(|flag| *flag > 0);
        Some((lowers.filter(not_null).min()?, uppers.filter(not_null).max()?))
    }
}

/// Values of a bucket in a range that may cut it.
fn part(bucket: &Bucket, range: &ByteRange) -> f64 {
    let from = if range.start <= bucket.lower {
        0.0
    } else {
        position(bucket, &range.start)
    };
    let to = if range.end.is_empty() || range.end > bucket.upper {
        1.0
    } else {
        position(bucket, &range.end)
    };
    bucket.count * (to - from).clamp(0.0, 1.0)
}

/// Where between the bounds of a bucket a key lies, 0 to 1: the bytes behind what the bounds have in common are taken for a number.
fn position(bucket: &Bucket, key: &[u8]) -> f64 {
    let common = bucket
        .lower
        .iter()
        .zip(&bucket.upper)
        .take_while(|(a, b)| a == b)
        .count();
    let number = |key: &[u8]| window(key, common) as f64;
    let (low, high) = (number(&bucket.lower), number(&bucket.upper));
    if high <= low {
        return 0.5;
    }
    ((number(key) - low) / (high - low)).clamp(0.0, 1.0)
}

#[cfg(test)]
#[path = "histogram_tests.rs"]
mod tests;
