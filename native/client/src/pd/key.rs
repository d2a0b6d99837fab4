//! PD's form of keys: the memcomparable encoding, in which TiKV stores them. Stores are asked with raw keys.
//!
//! Groups of eight bytes, each followed by a marker `0xff - padding`; the last group is padded with zeros (it is all padding when the
//! length is a multiple of eight). Format: TiKV's `codec::bytes`.

use bytes::Bytes;

use crate::error::{ClientError, ClientErrorKind, Result};

const GROUP: usize = 8;
const MARKER: u8 = 0xff;

/// The encoded form. An empty key means "unbounded" to PD and stays empty.
pub(crate) fn encode(key: &[u8]) -> Vec<u8> {
    if key.is_empty() {
        return Vec::new();
    }
    let mut out = Vec::with_capacity((key.len() / GROUP + 1) * (GROUP + 1));
    let mut groups = key.chunks_exact(GROUP);
    for group in &mut groups {
        out.extend_from_slice(group);
        out.push(MARKER);
    }
    let rest = groups.remainder();
    out.extend_from_slice(rest);
    let padding = GROUP - rest.len();
    out.extend(std::iter::repeat_n(0, padding));
    out.push(MARKER - padding as u8);
    out
}

/// The raw form of a region bound.
pub(crate) fn decode(encoded: &[u8]) -> Result<Bytes> {
    if encoded.is_empty() {
        return Ok(Bytes::new());
    }
    let mut out = Vec::with_capacity(encoded.len());
    for group in encoded.chunks(GROUP + 1) {
        let Some((marker, data)) = group.split_last().filter(|_| group.len() == GROUP + 1) else {
            break;
        };
        let padding = usize::from(MARKER - marker);
        let Some((key, zeros)) = GROUP.checked_sub(padding).and_then(|kept| data.split_at_checked(kept)) else {
            break;
        };
        if zeros.iter().any(|byte| *byte != 0) {
            break;
        }
        out.extend_from_slice(key);
        if padding > 0 {
            return Ok(Bytes::from(out));
        }
    }
    Err(ClientError::new(
        ClientErrorKind::Protocol,
        "a region bound is not in the memcomparable encoding; clusters with raw keys or with API v2 are not supported",
    ))
}

#[cfg(test)]
#[path = "key_tests.rs"]
mod tests;
