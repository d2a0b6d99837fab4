//! BIT(n): up to 64 bits, big-endian.

use crate::error::CodecError;

/// The number of a BIT value, whatever its length.
///
/// # Errors
/// [`CodecError::Corrupt`] when it has more than 64 bits.
pub fn to_u64(bytes: &[u8]) -> Result<u64, CodecError> {
    let start = bytes.len().saturating_sub(8);
    let (head, tail) = bytes.split_at_checked(start).unwrap_or((&[], bytes));
    if head.iter().any(|b| *b != 0) {
        return Err(CodecError::corrupt("BIT", format!("it has {} bytes", bytes.len())));
    }
    Ok(tail.iter().fold(0, |value, b| value << 8 | u64::from(*b)))
}

/// The `width` bytes (1..=8) of a BIT value, as TiDB returns it.
///
/// # Errors
/// [`CodecError::Corrupt`] when the value has more bits.
pub fn to_bytes(value: u64, width: usize) -> Result<Vec<u8>, CodecError> {
    let all = value.to_be_bytes();
    let (head, tail) = all
        .split_at_checked(all.len().saturating_sub(width))
        .unwrap_or((&[], &all));
    if head.iter().any(|b| *b != 0) {
        return Err(CodecError::corrupt(
            "BIT",
            format!("{value} needs more than {width} bytes"),
        ));
    }
    Ok(tail.to_vec())
}
