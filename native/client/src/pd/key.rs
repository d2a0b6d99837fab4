//! PD's form of keys: the memcomparable encoding, in which TiKV stores them. Stores are asked with raw keys.

use bytes::Bytes;
use ti_codec::bytes::{decode_bytes, encode_bytes, Reader};

use crate::error::{ClientError, ClientErrorKind, Result};

/// The encoded form. An empty key means "unbounded" to PD and stays empty.
pub(crate) fn encode(key: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    if !key.is_empty() {
        encode_bytes(&mut out, key);
    }
    out
}

/// The raw form of a region bound; an empty one is unbounded.
pub(crate) fn decode(encoded: &[u8]) -> Result<Bytes> {
    if encoded.is_empty() {
        return Ok(Bytes::new());
    }
    decode_bytes(&mut Reader::new(encoded))
        .map(Bytes::from)
        .map_err(|error| {
            let what = "a region bound is not in the memcomparable encoding";
            ClientError::new(
                ClientErrorKind::Protocol,
                format!("{what} ({error}): clusters with raw keys or with API v2 are not supported"),
            )
        })
}

#[cfg(test)]
#[path = "key_tests.rs"]
mod tests;
