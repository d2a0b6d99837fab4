//! Numbers in keys and datums: memcomparable (big-endian, so that bytes compare as the numbers do) and varint.
//!
//! Sources: TiKV `codec::number`, TiDB `util/codec/{number,float}.go`. Varint is base 128, low groups first; signed ones are zigzag.

use crate::bytes::Reader;
use crate::error::CodecError;

const SIGN: u64 = 1 << 63;

/// Appends a signed integer, 8 bytes, memcomparable.
pub fn encode_i64(out: &mut Vec<u8>, value: i64) {
    encode_u64(out, (value as u64) ^ SIGN);
}

/// Reads a signed memcomparable integer.
///
/// # Errors
/// [`CodecError::Truncated`].
pub fn decode_i64(reader: &mut Reader<'_>) -> Result<i64, CodecError> {
    decode_u64(reader).map(|v| (v ^ SIGN) as i64)
}

/// Appends an unsigned integer, 8 bytes, big-endian.
pub fn encode_u64(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(&value.to_be_bytes());
}

/// Reads an unsigned big-endian integer.
///
/// # Errors
/// [`CodecError::Truncated`].
pub fn decode_u64(reader: &mut Reader<'_>) -> Result<u64, CodecError> {
    reader.take_array("integer").map(u64::from_be_bytes)
}

/// Appends a double, 8 bytes, memcomparable: the sign bit of numbers >= 0 is set, all bits of others are flipped.
pub fn encode_f64(out: &mut Vec<u8>, value: f64) {
    let bits = value.to_bits();
    encode_u64(out, if value >= 0.0 { bits | SIGN } else { !bits });
}

/// Reads a memcomparable double.
///
/// # Errors
/// [`CodecError::Truncated`].
pub fn decode_f64(reader: &mut Reader<'_>) -> Result<f64, CodecError> {
    let bits = decode_u64(reader)?;
    Ok(f64::from_bits(if bits & SIGN != 0 { bits & !SIGN } else { !bits }))
}

/// Appends an unsigned varint, 1 to 10 bytes.
pub fn encode_var_u64(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Reads an unsigned varint.
///
/// # Errors
/// [`CodecError`] when it is cut short or longer than 64 bits.
pub fn decode_var_u64(reader: &mut Reader<'_>) -> Result<u64, CodecError> {
    let mut value = 0u64;
    for shift in (0..70).step_by(7) {
        let byte = reader.u8("varint")?;
        let bits = u64::from(byte & 0x7f);
        if shift == 63 && bits > 1 {
            break;
        }
        value |= bits << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(CodecError::corrupt("varint", "it is longer than 64 bits"))
}

/// Appends a signed (zigzag) varint.
pub fn encode_var_i64(out: &mut Vec<u8>, value: i64) {
    encode_var_u64(out, ((value << 1) ^ (value >> 63)) as u64);
}

/// Reads a signed (zigzag) varint.
///
/// # Errors
/// As [`decode_var_u64`].
pub fn decode_var_i64(reader: &mut Reader<'_>) -> Result<i64, CodecError> {
    decode_var_u64(reader).map(|v| ((v >> 1) as i64) ^ -((v & 1) as i64))
}
