//! Byte strings: a checked cursor, the compact form of values, and the memcomparable form of keys.
//!
//! Memcomparable form: groups of 8 bytes, the last padded with zeros, each followed by a marker 0xFF - (number of padding bytes); a full group
//! is always followed by another one. It keeps the order of the strings, whatever follows (TiKV `codec::bytes`, TiDB `util/codec/bytes.go`).

use std::borrow::Cow;

use crate::error::CodecError;
use crate::number;

const GROUP: usize = 8;
const MARKER: u8 = 0xff;

/// Reads from the front of a slice; every read is checked.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// At the start of `bytes`.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What has not been read.
    #[must_use]
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Whether all has been read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next `n` bytes of a `what`.
    ///
    /// # Errors
    /// [`CodecError::Truncated`].
    pub fn take(&mut self, n: usize, what: &'static str) -> Result<&'a [u8], CodecError> {
        let (head, tail) = self.rest.split_at_checked(n).ok_or(CodecError::Truncated {
            what,
            needed: n,
            left: self.rest.len(),
        })?;
        self.rest = tail;
        Ok(head)
    }

    /// The next `N` bytes of a `what`.
    ///
    /// # Errors
    /// [`CodecError::Truncated`].
    pub fn take_array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], CodecError> {
        let (head, tail) = self.rest.split_first_chunk::<N>().ok_or(CodecError::Truncated {
            what,
            needed: N,
            left: self.rest.len(),
        })?;
        self.rest = tail;
        Ok(*head)
    }

    /// The next byte.
    ///
    /// # Errors
    /// [`CodecError::Truncated`].
    pub fn u8(&mut self, what: &'static str) -> Result<u8, CodecError> {
        self.take_array::<1>(what).map(|[b]| b)
    }

    /// A little-endian u32.
    ///
    /// # Errors
    /// [`CodecError::Truncated`].
    pub fn u32_le(&mut self, what: &'static str) -> Result<u32, CodecError> {
        self.take_array(what).map(u32::from_le_bytes)
    }

    /// A little-endian u64.
    ///
    /// # Errors
    /// [`CodecError::Truncated`].
    pub fn u64_le(&mut self, what: &'static str) -> Result<u64, CodecError> {
        self.take_array(what).map(u64::from_le_bytes)
    }
}

/// Appends the memcomparable form.
pub fn encode_bytes(out: &mut Vec<u8>, data: &[u8]) {
    out.reserve((data.len() / GROUP + 1) * (GROUP + 1));
    let groups = data.chunks_exact(GROUP);
    let tail = groups.remainder();
    for group in groups {
        out.extend_from_slice(group);
        out.push(MARKER);
    }
    out.extend_from_slice(tail);
    let padding = GROUP - tail.len();
    out.resize(out.len() + padding, 0);
    out.push(MARKER - u8::try_from(padding).unwrap_or_default());
}

/// Reads the memcomparable form.
///
/// # Errors
/// [`CodecError`] when it is cut short, or its markers or padding are wrong.
pub fn decode_bytes(reader: &mut Reader<'_>) -> Result<Vec<u8>, CodecError> {
    let mut out = Vec::new();
    loop {
        let group = reader.take_array::<9>("memcomparable byte string")?;
        let (data, marker) = (&group[..GROUP], group[GROUP]);
        let padding = usize::from(MARKER - marker);
        if padding == 0 {
            out.extend_from_slice(data);
            continue;
        }
        let Some((kept, zeros)) = GROUP.checked_sub(padding).and_then(|n| data.split_at_checked(n)) else {
            return Err(CodecError::corrupt(
                "memcomparable byte string",
                format!("marker {marker:#04x}"),
            ));
        };
        if zeros.iter().any(|b| *b != 0) {
            return Err(CodecError::corrupt(
                "memcomparable byte string",
                "its padding is not zero",
            ));
        }
        out.extend_from_slice(kept);
        return Ok(out);
    }
}

/// Appends length (zigzag varint) and bytes.
pub fn encode_compact_bytes(out: &mut Vec<u8>, data: &[u8]) {
    number::encode_var_i64(out, i64::try_from(data.len()).unwrap_or(i64::MAX));
    out.extend_from_slice(data);
}

/// Reads length and bytes, without copying.
///
/// # Errors
/// [`CodecError`] when the length is negative or more than what is left.
pub fn decode_compact_bytes<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], CodecError> {
    let length = number::decode_var_i64(reader)?;
    let length =
        usize::try_from(length).map_err(|_| CodecError::corrupt("byte string", format!("its length is {length}")))?;
    reader.take(length, "byte string")
}

/// UTF-8 text of `bytes`, each bad sequence replaced, for messages only.
#[must_use]
pub fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}
