//! ENUM and SET: names, or numbers in digits, to the number that is stored.

use std::borrow::Cow;
use std::collections::HashMap;

use super::error::Refusal;
use crate::collation::{without_tail_spaces, Collation};
use crate::field_type::FieldType;

/// The elements of an ENUM or SET, found by name as the column's collation compares.
#[derive(Debug)]
pub(super) struct Members {
    /// Key of a name to its place, counted from 0.
    places: HashMap<Vec<u8>, u32>,
    keys: Keys,
    count: u32,
}

/// What two names have in common that are one under the column's collation.
#[derive(Debug)]
enum Keys {
    /// The collation's sort key.
    Sorted(Collation),
    /// For a collation whose sort keys are not known: the text with small letters. Under those without regard to case and accents more names
    /// are equal than these; such a name is refused, and never taken for another element.
    Folded {
        /// Spaces at the end do not count.
        pads: bool,
        /// Letters are alike in either case.
        folds: bool,
    },
}

impl Keys {
    fn of(collation: &str) -> Self {
        match Collation::of(collation) {
            Ok(known) => Self::Sorted(known),
            Err(_) => Self::Folded {
                pads: !collation.contains("_0900_"),
                folds: collation.ends_with("_ci"),
            },
        }
    }
}

impl Members {
    pub(super) fn new(ft: &FieldType) -> Result<Self, String> {
        let mut members = Self {
            places: HashMap::with_capacity(ft.elems.len()),
            keys: Keys::of(&ft.collate),
            count: u32::try_from(ft.elems.len()).map_err(|_| "it has too many elements".to_owned())?,
        };
        for (place, name) in (0..members.count).zip(&ft.elems) {
            let key = members
                .key(name.as_bytes())
                .ok_or("an element is no text")?
                .into_owned();
            members.places.entry(key).or_insert(place);
        }
        Ok(members)
    }

    /// The key of a name; `None` for bytes that no element can be.
    fn key<'n>(&self, name: &'n [u8]) -> Option<Cow<'n, [u8]>> {
        match &self.keys {
            Keys::Sorted(collation) => collation.sort_key(name).ok(),
            Keys::Folded { pads, folds } => {
                let name = if *pads { without_tail_spaces(name) } else { name };
                if !folds {
                    return Some(Cow::Borrowed(name));
                }
                let text = std::str::from_utf8(name).ok()?;
                Some(Cow::Owned(text.chars().map(lower).collect::<String>().into_bytes()))
            }
        }
    }

    fn place(&self, name: &[u8]) -> Option<u32> {
        self.places.get(self.key(name)?.as_ref()).copied()
    }

    /// The number of an ENUM's element, counted from 1.
    pub(super) fn number(&self, name: &[u8]) -> Result<u64, Refusal> {
        if let Some(place) = self.place(name) {
            return Ok(u64::from(place) + 1);
        }
        digits(name)
            .filter(|number| (1..=u64::from(self.count)).contains(number))
            .ok_or(Refusal::NotAMember)
    }

    /// The bits of a SET.
    pub(super) fn bits(&self, names: &[u8]) -> Result<u64, Refusal> {
        if names.is_empty() {
            return Ok(0);
        }
        let by_name = names.split(|b| *b == b',').try_fold(0u64, |bits, name| {
            let place = self.place(name).filter(|place| *place < 64)?;
            Some(bits | 1 << place)
        });
        let elements = if self.count < 64 {
            (1 << self.count) - 1
        } else {
            u64::MAX
        };
        by_name
            .or_else(|| digits(names).filter(|bits| bits & !elements == 0))
            .ok_or(Refusal::NotAMember)
    }
}

/// The small letter of a Latin, Greek or Cyrillic capital that has one small letter, and that letter no other capital: pairs that are
/// equal in every collation without regard to case.
fn lower(letter: char) -> char {
    if !matches!(letter, 'A'..='Z' | '\u{c0}'..='\u{17f}' | '\u{391}'..='\u{3a9}' | '\u{400}'..='\u{42f}') {
        return letter;
    }
    let mut small = letter.to_lowercase();
    match (small.next(), small.next()) {
        (Some(small), None) if small.to_uppercase().eq(std::iter::once(letter)) => small,
        _ => letter,
    }
}

/// A number as TiDB reads it where no element has that name: decimal, or with the prefixes 0x, 0b, 0o and 0.
fn digits(text: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(text)
        .ok()
        .filter(|text| !text.starts_with(['+', '-']))?;
    let lower = text.to_ascii_lowercase();
    let prefixed = [("0x", 16), ("0b", 2), ("0o", 8)]
        .iter()
        .find_map(|(prefix, radix)| lower.strip_prefix(prefix).map(|rest| (rest, *radix)));
    let (rest, radix) = match prefixed {
        Some(found) => found,
        None if lower.len() > 1 && lower.starts_with('0') => (lower.get(1..)?, 8),
        None => (lower.as_str(), 10),
    };
    if rest.starts_with(['+', '-']) {
        return None;
    }
    u64::from_str_radix(rest, radix).ok()
}
