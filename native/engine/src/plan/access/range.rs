//! Ranges of keys: what the columns of a handle or index say together.
//!
//! ```text
//! index (a, b, c)      a = 1, b IN (2, 3), c < 9      [1 2 -inf,1 2 9)  [1 3 -inf,1 3 9)
//!                      a = 1, c < 9                   [1,1]
//!                      a > 1, b = 2                   (1,+inf]
//! ```
//! Columns that are single values go into the prefix of all ranges; the first that is not ends them.

use ti_client::KeyRange;
use ti_codec::key::prefix_end;

use super::key_column::{Form, KeyColumn};
use super::predicate::Conditions;
use super::span::{self, Cut, Span};

/// Ranges of one handle or index. More are united into fewer that are wider.
const RANGES_MAX: usize = 8192;
/// Ranges that a plan prints.
const RANGES_SHOWN: usize = 4;
/// Begin of the key form of an integer, which keys of rows leave out.
const INT_FLAG: u8 = 3;
/// The same of an unsigned one.
const UINT_FLAG: u8 = 4;
/// Half of all integers.
const HALF: u128 = 1 << 63;

/// Keys behind the common prefix of the rows, or of the entries of one index.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteRange {
    /// First key.
    pub start: Vec<u8>,
    /// First key behind; empty: none is.
    pub end: Vec<u8>,
}

/// Ranges in key order, none overlapping.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ranges {
    /// The ranges; none: nothing is to be read.
    pub ranges: Vec<ByteRange>,
    /// Columns at the beginning that are single values, one or several.
    pub point_columns: usize,
    /// Columns that limit the ranges.
    pub used_columns: usize,
    /// None of the single values is NULL.
    pub not_null: bool,
    /// A range has no bound on one side.
    pub one_sided: bool,
    /// As a plan prints them.
    pub shown: String,
}

impl Ranges {
    /// Nothing is to be read.
    pub fn none() -> Self {
        Self::default()
    }

    /// Behind the prefix of a table's rows or of an index.
    pub fn at(&self, prefix: &[u8]) -> Vec<KeyRange> {
        let key = |bytes: &[u8]| [prefix, bytes].concat();
        let range = |range: &ByteRange| match (range.start.is_empty(), range.end.is_empty()) {
            (true, true) => KeyRange::below(prefix),
            (_, true) => KeyRange::interval(key(&range.start), prefix_end(prefix)),
            _ => KeyRange::interval(key(&range.start), key(&range.end)),
        };
        self.ranges.iter().map(range).collect()
    }

    /// Does a range hold this key, which is behind the prefix?
    pub fn contains(&self, key: &[u8]) -> bool {
        let at = self.ranges.partition_point(|range| range.start.as_slice() <= key);
        let before = at.checked_sub(1).and_then(|at| self.ranges.get(at));
        before.is_some_and(|range| range.end.is_empty() || key < range.end.as_slice())
    }
}

/// The ranges of a common handle or index; `None`: the conditions do not limit them. A column of which nothing can be known is `None`.
pub fn of_columns(columns: &[Option<KeyColumn>], conditions: &Conditions<'_>) -> Option<Ranges> {
    if conditions.never {
        return Some(Ranges::none());
    }
    let mut prefixes = vec![Vec::new()];
    let mut shown = vec![String::new()];
    let (mut points, mut not_null) = (0, true);
    for column in columns {
        let spans = column.as_ref().and_then(|c| Some((c, c.all_of(conditions.of(c.id))?)));
        let Some((column, spans)) = spans else { break };
        if spans == span::all() {
            break;
        }
        let keys: Option<Vec<&[u8]>> = spans.iter().map(Span::as_point).collect();
        match keys {
            Some(keys) if prefixes.len() * keys.len() <= RANGES_MAX => {
                not_null &= keys.iter().all(|key| *key != [0]);
                shown = crossed(&shown, keys.iter().map(|key| column.shown(key)));
                prefixes = prefixes
                    .iter()
                    .flat_map(|prefix| keys.iter().map(move |key| [prefix.as_slice(), key].concat()))
                    .collect();
                points += 1;
            }
            _ => return Some(ending(&prefixes, &shown, points, not_null, column, spans)),
        }
    }
    if points == 0 {
        return None;
    }
    let ranges = prefixes.iter().map(|prefix| ByteRange {
        start: prefix.clone(),
        end: prefix_end(prefix),
    });
    let texts = shown.iter().map(|text| format!("[{text},{text}]"));
    Some(finished(
        ranges.collect(),
        points,
        points,
        not_null,
        joined(texts, prefixes.len()),
    ))
}

/// The ranges whose last column is in `spans`.
fn ending(
    prefixes: &[Vec<u8>],
    shown: &[String],
    points: usize,
    not_null: bool,
    column: &KeyColumn,
    spans: Vec<Span>,
) -> Ranges {
    let spans = if prefixes.len() * spans.len() > RANGES_MAX {
        span::hull(&spans)
    } else {
        spans
    };
    let ranges = prefixes.iter().flat_map(|prefix| {
        spans.iter().map(|span| ByteRange {
            start: span.low.bytes(prefix),
            end: span.high.bytes(prefix),
        })
    });
    let ranges: Vec<ByteRange> = ranges.collect();
    let texts = shown
        .iter()
        .flat_map(|prefix| spans.iter().map(move |span| text_of(column, span, prefix)));
    let text = joined(texts, ranges.len());
    Ranges {
        one_sided: one_sided(&spans),
        ..finished(ranges, points, points + 1, not_null, text)
    }
}

fn one_sided(spans: &[Span]) -> bool {
    spans
        .iter()
        .any(|span| span.low <= Cut::values() || span.high >= Cut::end())
}

fn finished(
    mut ranges: Vec<ByteRange>,
    point_columns: usize,
    used_columns: usize,
    not_null: bool,
    shown: String,
) -> Ranges {
    ranges.sort_unstable();
    Ranges {
        ranges,
        point_columns,
        used_columns,
        not_null,
        one_sided: false,
        shown,
    }
}

/// The ranges of an integer handle; `None`: the conditions do not limit them.
pub fn of_int_handle(column: &KeyColumn, conditions: &Conditions<'_>) -> Option<Ranges> {
    if conditions.never {
        return Some(Ranges::none());
    }
    let unsigned = match column.form {
        Form::Int | Form::Boolean { unsigned: false } => false,
        Form::Uint | Form::Boolean { unsigned: true } => true,
        _ => return None,
    };
    let mut spans = column.all_of(conditions.of(column.id))?;
    // A handle is not NULL.
    spans = span::intersection(&spans, &[Span::values()]);
    if spans == [Span::values()] {
        return None;
    }
    if spans.len() > RANGES_MAX {
        spans = span::hull(&spans);
    }
    let texts = spans.iter().map(|span| text_of(column, span, ""));
    let shown = joined(texts, spans.len());
    let points = spans.iter().all(|span| span.as_point().is_some());
    let mut ranges: Vec<ByteRange> = Vec::new();
    for span in &spans {
        let (low, high) = (position(&span.low, unsigned), position(&span.high, unsigned));
        if unsigned {
            // Handles keep the bits of unsigned numbers as signed ones: the greater half comes first.
            ranges.extend(handles(low.max(HALF) - HALF, high.max(HALF) - HALF));
            ranges.extend(handles(low.min(HALF) + HALF, high.min(HALF) + HALF));
        } else {
            ranges.extend(handles(low, high));
        }
    }
    ranges.sort_unstable();
    Some(Ranges {
        point_columns: usize::from(points),
        used_columns: 1,
        not_null: true,
        one_sided: one_sided(&spans),
        shown,
        ranges,
    })
}

/// How many of the 2^64 integers lie in front of a cut, in the order of their key forms.
fn position(cut: &Cut, unsigned: bool) -> u128 {
    let flag = if unsigned { UINT_FLAG } else { INT_FLAG };
    match cut.key.split_first() {
        Some((first, number)) if *first == flag => {
            let number = number.iter().take(8).fold(0, |n, byte| n << 8 | u128::from(*byte));
            number + u128::from(cut.after)
        }
        Some((first, _)) if *first > flag => 2 * HALF,
        _ => 0,
    }
}

/// The handles from position to position.
fn handles(low: u128, high: u128) -> Option<ByteRange> {
    let key = |at: u128| u64::try_from(at).map_or_else(|_| Vec::new(), |at| at.to_be_bytes().to_vec());
    let end = || match high - low {
        // One handle is one key: see `KeyRange::point`.
        1 => [key(low).as_slice(), &[0]].concat(),
        _ => key(high),
    };
    (low < high).then(|| ByteRange {
        start: key(low),
        end: end(),
    })
}

fn text_of(column: &KeyColumn, span: &Span, prefix: &str) -> String {
    let with = |text: String| {
        if prefix.is_empty() {
            text
        } else {
            format!("{prefix} {text}")
        }
    };
    let value = |cut: &Cut| match cut {
        cut if *cut == Cut::start() => "NULL".into(),
        cut if *cut <= Cut::values() => "-inf".into(),
        cut if *cut >= Cut::end() => "+inf".into(),
        cut => column.shown(&cut.key),
    };
    let open = if span.low.after || span.low == Cut::values() {
        '('
    } else {
        '['
    };
    let close = if span.high.after || span.high >= Cut::end() {
        ']'
    } else {
        ')'
    };
    format!("{open}{},{}{close}", with(value(&span.low)), with(value(&span.high)))
}

/// Every first with every second, as far as they are printed.
fn crossed(firsts: &[String], seconds: impl Iterator<Item = String> + Clone) -> Vec<String> {
    let mut out = Vec::new();
    for first in firsts {
        for second in seconds.clone().take(RANGES_SHOWN) {
            if out.len() == RANGES_SHOWN {
                return out;
            }
            out.push(if first.is_empty() {
                second
            } else {
                format!("{first} {second}")
            });
        }
    }
    out
}

fn joined(texts: impl Iterator<Item = String>, count: usize) -> String {
    let first: Vec<String> = texts.take(RANGES_SHOWN).collect();
    let more = count.saturating_sub(first.len());
    let text = first.join(", ");
    if more > 0 {
        format!("{text}, and {more} more")
    } else {
        text
    }
}

#[cfg(test)]
#[path = "range_tests.rs"]
mod tests;
