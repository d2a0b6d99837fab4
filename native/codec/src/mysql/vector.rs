//! VECTOR: u32 LE number of elements, then that many f32 LE (TiDB `types/vector.go`).

use crate::bytes::Reader;
use crate::error::CodecError;

/// The elements of a vector that takes all of `bytes`.
///
/// # Errors
/// [`CodecError::Corrupt`] when the length does not match.
pub fn elements(bytes: &[u8]) -> Result<impl Iterator<Item = f32> + '_, CodecError> {
    let mut reader = Reader::new(bytes);
    let vector = take(&mut reader)?;
    if !reader.is_empty() {
        return Err(CodecError::corrupt(
            "VECTOR",
            format!("{} bytes follow it", reader.rest().len()),
        ));
    }
    let (items, _) = vector.get(4..).unwrap_or_default().as_chunks::<4>();
    Ok(items.iter().map(|v| f32::from_le_bytes(*v)))
}

/// The bytes of the next vector.
///
/// # Errors
/// [`CodecError::Truncated`].
pub fn take<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], CodecError> {
    let count = reader.clone().u32_le("VECTOR")? as usize;
    reader.take(count.saturating_mul(4).saturating_add(4), "VECTOR")
}
