//! What a task has prewritten, in a form that can be summed up and compared: number, hashes, ranges.
//!
//! The hashes are sums modulo 2^128 of the mutations' hashes, so that they do not depend on order or on how mutations are spread over tasks,
//! and two sets that differ in one key differ in their sums (but for chance, one in 2^128). XXH3 is enough: nobody forges keys here.

use std::collections::BTreeMap;

use ti_client::KeyRange;
use ti_codec::key::{is_index_key, INDEX_PREFIX_LENGTH, RECORD_PREFIX_LENGTH};
use twox_hash::xxhash3_128::Hasher;

use super::wire::{WireTally, WireTouched};
use crate::error::{Error, ErrorKind, Result};

/// Seeds that keep a deleted key apart from one with an empty value.
const PRESENT: u64 = 0x9e37_79b9_7f4a_7c15;
const ABSENT: u64 = 0xc2b2_ae3d_27d4_eb4f;

/// Number and hashes of a set of mutations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sums {
    /// Mutations.
    pub count: u64,
    /// Sum of the keys' hashes.
    pub keys: u128,
    /// Sum of the hashes of keys with values.
    pub values: u128,
}

/// Hash of a key.
pub fn hash_key(key: &[u8]) -> u128 {
    Hasher::oneshot(key)
}

/// Hash of a key, given by its own hash, with its value; `None`: the key is deleted.
pub fn hash_value(key: u128, value: Option<&[u8]>) -> u128 {
    // The low half is as good a seed as any; the key's hash is mixed in whole afterwards.
    let seed = key as u64;
    let value = match value {
        Some(bytes) => Hasher::oneshot_with_seed(seed ^ PRESENT, bytes),
        None => Hasher::oneshot_with_seed(seed ^ ABSENT, &[]),
    };
    value ^ key.rotate_left(64)
}

impl Sums {
    /// Counts a key that has been prewritten with this value; `None`: it is deleted. Answers the key's hash.
    pub fn add(&mut self, key: &[u8], value: Option<&[u8]>) -> u128 {
        let hash = hash_key(key);
        self.count += 1;
        self.keys = self.keys.wrapping_add(hash);
        self.values = self.values.wrapping_add(hash_value(hash, value));
        hash
    }

    /// Counts a key whose value is not known. Answers its hash.
    pub fn add_key(&mut self, key: &[u8]) -> u128 {
        let hash = hash_key(key);
        self.count += 1;
        self.keys = self.keys.wrapping_add(hash);
        hash
    }

    /// Adds another set.
    pub fn merge(&mut self, other: &Sums) {
        self.count = self.count.saturating_add(other.count);
        self.keys = self.keys.wrapping_add(other.keys);
        self.values = self.values.wrapping_add(other.values);
    }
}

/// The touched keys: one range for each physical table's rows and for each of its indexes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Touched {
    /// By the keys' common prefix: least and greatest key.
    ranges: BTreeMap<Vec<u8>, (Vec<u8>, Vec<u8>)>,
}

/// The part of a key that all rows of a table, or all entries of an index, have in common.
fn prefix(key: &[u8]) -> &[u8] {
    let length = match is_index_key(key) {
        true => INDEX_PREFIX_LENGTH,
        false => RECORD_PREFIX_LENGTH,
    };
    key.get(..length).unwrap_or(key)
}

impl Touched {
    /// Takes a run of keys in, `first <= last`. Runs over several tables or indexes are kept by their first key; ranges may overlap then.
    fn add_run(&mut self, first: &[u8], last: &[u8]) {
        match self.ranges.get_mut(prefix(first)) {
            Some((least, greatest)) => {
                if first < least.as_slice() {
                    *least = first.to_vec();
                }
                if last > greatest.as_slice() {
                    *greatest = last.to_vec();
                }
            }
            None => {
                self.ranges
                    .insert(prefix(first).to_vec(), (first.to_vec(), last.to_vec()));
            }
        }
    }

    /// Takes keys in, which are in order.
    pub fn add_sorted<'a>(&mut self, keys: impl Iterator<Item = &'a [u8]>) {
        let mut run: Option<(&[u8], &[u8])> = None;
        for key in keys {
            run = match run {
                Some((first, _)) if prefix(first) == prefix(key) => Some((first, key)),
                Some((first, last)) => {
                    self.add_run(first, last);
                    Some((key, key))
                }
                None => Some((key, key)),
            };
        }
        if let Some((first, last)) = run {
            self.add_run(first, last);
        }
    }

    /// Adds another set.
    pub fn merge(&mut self, other: &[WireTouched]) {
        for range in other {
            self.add_run(&range.first, &range.last);
        }
    }

    /// For the wire.
    pub fn to_wire(&self) -> Vec<WireTouched> {
        self.ranges
            .values()
            .map(|(first, last)| WireTouched {
                first: first.clone(),
                last: last.clone(),
            })
            .collect()
    }

    /// For the wire, with about `room` bytes of keys at most, but with one range: neighbours become one range where there are too many. Wider ranges
    /// cost requests to regions without locks of the write, and nothing else: what is found there is not the transaction's.
    pub fn to_wire_within(&self, room: usize) -> Vec<WireTouched> {
        let ranges = self.to_wire();
        let bytes: usize = ranges.iter().map(|range| range.first.len() + range.last.len()).sum();
        if bytes <= room {
            return ranges;
        }
        let most = (ranges.len().saturating_mul(room) / bytes).max(1);
        ranges
            .chunks(ranges.len().div_ceil(most))
            .filter_map(|run| {
                Some(WireTouched {
                    first: run.first()?.first.clone(),
                    // Not that of the last one: ranges may overlap.
                    last: run.iter().map(|range| &range.last).max()?.clone(),
                })
            })
            .collect()
    }

    /// As ranges of keys, in order.
    pub fn ranges(&self) -> Vec<KeyRange> {
        self.ranges
            .values()
            .map(|(first, last)| {
                let mut end = last.clone();
                end.push(0);
                KeyRange::interval(first.clone(), end)
            })
            .collect()
    }
}

/// The sums of a tally.
pub fn sums(tally: &WireTally) -> Result<Sums> {
    let number = |bytes: &[u8]| -> Result<u128> {
        let bytes: [u8; 16] = bytes.try_into().map_err(|_| {
            Error::new(
                ErrorKind::InvalidArgument,
                "CommitMessage.tally has a hash of a wrong length",
            )
        })?;
        Ok(u128::from_be_bytes(bytes))
    };
    Ok(Sums {
        count: tally.mutations,
        keys: number(&tally.keys)?,
        values: number(&tally.values)?,
    })
}

#[cfg(test)]
#[path = "tally_tests.rs"]
mod tests;
