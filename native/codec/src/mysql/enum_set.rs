//! ENUM and SET: numbers that stand for names.
//!
//! In chunks both are u64 LE followed by the name; in datums the number alone. ENUM counts elements from 1, 0 is the error value ''.
//! Bit i of a SET is its element i; the name is the elements' names with commas between them.

use crate::error::CodecError;

/// The name part of an ENUM or SET in a chunk.
///
/// # Errors
/// [`CodecError::Truncated`].
pub fn chunk_name(cell: &[u8]) -> Result<&[u8], CodecError> {
    cell.get(8..).ok_or(CodecError::Truncated {
        what: "ENUM or SET",
        needed: 8,
        left: cell.len(),
    })
}

/// The name of an ENUM's number.
///
/// # Errors
/// [`CodecError::Corrupt`] for a number without an element.
pub fn enum_name(number: u64, elems: &[String]) -> Result<&str, CodecError> {
    if number == 0 {
        return Ok("");
    }
    usize::try_from(number - 1)
        .ok()
        .and_then(|i| elems.get(i))
        .map(String::as_str)
        .ok_or_else(|| CodecError::corrupt("ENUM", format!("it is number {number} of {} elements", elems.len())))
}

/// The name of a SET's bits.
///
/// # Errors
/// [`CodecError::Corrupt`] for bits without an element.
pub fn set_name(bits: u64, elems: &[String]) -> Result<String, CodecError> {
    if elems.len() < 64 && bits >> elems.len() != 0 {
        return Err(CodecError::corrupt(
            "SET",
            format!("bits {bits:#x} of {} elements", elems.len()),
        ));
    }
    let names: Vec<&str> = elems
        .iter()
        .enumerate()
        .take(64)
        .filter(|(i, _)| bits >> i & 1 == 1)
        .map(|(_, e)| e.as_str())
        .collect();
    Ok(names.join(","))
}

/// The number of an ENUM's element, without regard to case, as MySQL finds elements; '' that is no element is 0.
#[must_use]
pub fn enum_number(name: &str, elems: &[String]) -> Option<u64> {
    let exact = elems.iter().position(|e| e == name);
    let found = exact.or_else(|| elems.iter().position(|e| e.to_lowercase() == name.to_lowercase()));
    match found {
        Some(i) => u64::try_from(i).ok().map(|i| i + 1),
        None => name.is_empty().then_some(0),
    }
}

/// The bits of a SET's name.
#[must_use]
pub fn set_bits(name: &str, elems: &[String]) -> Option<u64> {
    if name.is_empty() {
        return Some(0);
    }
    name.split(',').try_fold(0u64, |bits, part| {
        let number = enum_number(part, elems).filter(|n| (1..=64).contains(n))?;
        Some(bits | 1 << (number - 1))
    })
}
