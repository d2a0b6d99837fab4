//! Tables of weights: what a collation that looks at characters puts into sort keys for each of them.
//!
//! The `.weights` files are made by `tests/tools/collation_weights.py` from the answers of a TiDB; their format is described there. A table is
//! read once, when a collation is used first.

use std::sync::OnceLock;

use crate::bytes::Reader;
use crate::error::CodecError;
use crate::number;

const GENERAL_CI: &[u8] = include_bytes!("utf8mb4_general_ci.weights");
const UNICODE_CI: &[u8] = include_bytes!("utf8mb4_unicode_ci.weights");
const UNICODE_0900_AI_CI: &[u8] = include_bytes!("utf8mb4_0900_ai_ci.weights");

const FIRST_SURROGATE: u32 = 0xd800;
const AFTER_SURROGATES: u32 = 0xe000;
const END: u32 = 0x11_0000;
const MAX_WEIGHTS: u8 = 8;
const FIRST_HANGUL: u32 = 0xac00;
const ASCII: usize = 128;

/// The weights of all characters under one collation.
#[derive(Debug)]
pub(super) struct Weights {
    /// Those of ASCII characters with one weight.
    ascii: Vec<Option<u16>>,
    /// In order of code points; each ends where the next begins.
    runs: Vec<Run>,
    /// Where weights are in `pool`, code point by code point, of runs of kind [`Rule::Listed`].
    entries: Vec<Entry>,
    pool: Vec<u16>,
}

#[derive(Debug)]
struct Run {
    start: u32,
    rule: Rule,
}

#[derive(Debug, Clone, Copy)]
enum Rule {
    /// TiDB itself fails on the character.
    Unknown,
    Itself,
    Constant(u16),
    None,
    Implicit(u16),
    Hangul,
    /// The entry of the first code point.
    Listed(usize),
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    at: usize,
    count: u8,
}

/// The table of `utf8mb4_general_ci`.
pub(super) fn general_ci() -> Result<&'static Weights, CodecError> {
    static TABLE: OnceLock<Result<Weights, CodecError>> = OnceLock::new();
    table(&TABLE, GENERAL_CI)
}

/// The table of `utf8mb4_unicode_ci`.
pub(super) fn unicode_ci() -> Result<&'static Weights, CodecError> {
    static TABLE: OnceLock<Result<Weights, CodecError>> = OnceLock::new();
    table(&TABLE, UNICODE_CI)
}

/// The table of `utf8mb4_0900_ai_ci`.
pub(super) fn unicode_0900_ai_ci() -> Result<&'static Weights, CodecError> {
    static TABLE: OnceLock<Result<Weights, CodecError>> = OnceLock::new();
    table(&TABLE, UNICODE_0900_AI_CI)
}

fn table(cell: &'static OnceLock<Result<Weights, CodecError>>, data: &[u8]) -> Result<&'static Weights, CodecError> {
    cell.get_or_init(|| Weights::read(data)).as_ref().map_err(Clone::clone)
}

fn damaged() -> CodecError {
    CodecError::corrupt("table of weights", "it does not have the format of its kind")
}

impl Weights {
    fn read(data: &[u8]) -> Result<Self, CodecError> {
        let mut weights = Self {
            ascii: Vec::new(),
            runs: Vec::new(),
            entries: Vec::new(),
            pool: Vec::new(),
        };
        let mut reader = Reader::new(data);
        let (mut next, mut last) = (0, 0);
        while !reader.is_empty() {
            let length = u32::try_from(number::decode_var_u64(&mut reader)?).map_err(|_| damaged())?;
            let start = next;
            next = advance(start, length).ok_or_else(damaged)?;
            let rule = weights.read_rule(&mut reader, length, &mut last)?;
            weights.runs.push(Run { start, rule });
        }
        if next != END {
            return Err(damaged());
        }
        let single = |point: u32| match weights.rule(point) {
            (Rule::Itself, _) => u16::try_from(point).ok(),
            (Rule::Listed(first), run) => match weights.listed(first, run.start, point) {
                [one] => Some(*one),
                _ => None,
            },
            _ => None,
        };
        weights.ascii = (0..ASCII as u32).map(single).collect();
        Ok(weights)
    }

    fn read_rule(&mut self, reader: &mut Reader<'_>, length: u32, last: &mut i64) -> Result<Rule, CodecError> {
        let u16_be = |reader: &mut Reader<'_>| reader.take_array("weight").map(u16::from_be_bytes);
        let first = self.entries.len();
        Ok(match reader.u8("kind of run")? {
            0 => Rule::Unknown,
            1 => Rule::Itself,
            2 => Rule::Constant(u16_be(reader)?),
            3 => Rule::None,
            4 => Rule::Implicit(u16_be(reader)?),
            5 => Rule::Hangul,
            6 => {
                let mut weight = *last + number::decode_var_i64(reader)?;
                let step = number::decode_var_i64(reader)?;
                for _ in 0..length {
                    *last = weight;
                    self.add(1, weight)?;
                    weight += step;
                }
                Rule::Listed(first)
            }
            7 => {
                for _ in 0..length {
                    let count = reader.u8("number of weights")?;
                    *last += number::decode_var_i64(reader)?;
                    if !(1..=MAX_WEIGHTS).contains(&count) {
                        return Err(damaged());
                    }
                    self.add(count, *last)?;
                    for _ in 1..count {
                        self.pool.push(u16_be(reader)?);
                    }
                }
                Rule::Listed(first)
            }
            _ => return Err(damaged()),
        })
    }

    fn add(&mut self, count: u8, first: i64) -> Result<(), CodecError> {
        let at = self.pool.len();
        self.entries.push(Entry { at, count });
        self.pool.push(u16::try_from(first).map_err(|_| damaged())?);
        Ok(())
    }

    fn rule(&self, point: u32) -> (Rule, &Run) {
        const UNKNOWN: Run = Run {
            start: 0,
            rule: Rule::Unknown,
        };
        let after = self.runs.partition_point(|run| run.start <= point);
        let run = after
            .checked_sub(1)
            .and_then(|at| self.runs.get(at))
            .unwrap_or(&UNKNOWN);
        (run.rule, run)
    }

    fn listed(&self, first: usize, start: u32, point: u32) -> &[u16] {
        let index = skip_surrogates(point) - skip_surrogates(start);
        let entry = self.entries.get(first + index as usize);
        entry
            .and_then(|e| self.pool.get(e.at..e.at + usize::from(e.count)))
            .unwrap_or_default()
    }

    /// Appends the weights of a character, two bytes each, big-endian; `false`: TiDB has none for it.
    #[inline]
    pub(super) fn append(&self, character: char, out: &mut Vec<u8>) -> bool {
        let point = u32::from(character);
        if let Some(Some(weight)) = self.ascii.get(point as usize) {
            out.extend_from_slice(&weight.to_be_bytes());
            return true;
        }
        self.append_by_rule(point, out)
    }

    fn append_by_rule(&self, point: u32, out: &mut Vec<u8>) -> bool {
        let mut push = |weight: u16| out.extend_from_slice(&weight.to_be_bytes());
        match self.rule(point) {
            (Rule::Unknown, _) => return false,
            (Rule::Itself, _) => push(point as u16),
            (Rule::Constant(weight), _) => push(weight),
            (Rule::None, _) => {}
            (Rule::Implicit(base), _) => {
                push(base.wrapping_add((point >> 15) as u16));
                push((point & 0x7fff | 0x8000) as u16);
            }
            (Rule::Hangul, _) => {
                // 19 leading consonants x 21 vowels x 28 final consonants, the first of which is none.
                let index = point.wrapping_sub(FIRST_HANGUL);
                let parts = [0x1100 + index / 588, 0x1161 + index % 588 / 28, 0x11a7 + index % 28];
                let present = if index.is_multiple_of(28) { 2 } else { 3 };
                for part in parts.into_iter().take(present) {
                    if let (Rule::Listed(first), run) = self.rule(part) {
                        self.listed(first, run.start, part)
                            .iter()
                            .for_each(|w| out.extend_from_slice(&w.to_be_bytes()));
                    }
                }
            }
            (Rule::Listed(first), run) => self.listed(first, run.start, point).iter().for_each(|w| push(*w)),
        }
        true
    }
}

/// The code point that is `length` after `start`, surrogates not counted.
fn advance(start: u32, length: u32) -> Option<u32> {
    let end = start.checked_add(length)?;
    let end = if start < FIRST_SURROGATE && end >= FIRST_SURROGATE {
        end + (AFTER_SURROGATES - FIRST_SURROGATE)
    } else {
        end
    };
    (end <= END).then_some(end)
}

/// The number of a code point, surrogates not counted.
fn skip_surrogates(point: u32) -> u32 {
    if point >= AFTER_SURROGATES {
        point - (AFTER_SURROGATES - FIRST_SURROGATE)
    } else {
        point
    }
}
