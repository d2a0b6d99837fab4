//! Keys for people, in the form of TiDB's `SHOW TABLE ... REGIONS`.

use std::fmt::Write as _;

use crate::bytes::Reader;
use crate::error::CodecError;
use crate::number;

/// `t_104_` (nothing but a table), `t_104_r_50` (a row, integer handle), `t_104_r_0380..` (another one), `t_104_i_2_0380..` (an index entry); other
/// keys in hexadecimal digits. The empty key is the empty text.
#[must_use]
pub fn key_text(key: &[u8]) -> String {
    of_table(key).unwrap_or_else(|_| hex(key))
}

fn of_table(key: &[u8]) -> Result<String, CodecError> {
    let other = || CodecError::corrupt("key", "it is not of a table");
    let mut reader = Reader::new(key);
    if reader.u8("key")? != b't' {
        return Err(other());
    }
    let table = number::decode_i64(&mut reader)?;
    if reader.is_empty() {
        return Ok(format!("t_{table}_"));
    }
    match reader.take(2, "key")? {
        b"_r" => Ok(match reader.rest() {
            [] => format!("t_{table}_r"),
            handle if handle.len() == 8 => format!("t_{table}_r_{}", number::decode_i64(&mut Reader::new(handle))?),
            handle => format!("t_{table}_r_{}", hex(handle)),
        }),
        b"_i" => {
            let index = number::decode_i64(&mut reader)?;
            Ok(format!("t_{table}_i_{index}_{}", hex(reader.rest())))
        }
        _ => Err(other()),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        // Writing to a string cannot fail.
        let _ = write!(out, "{byte:02x}");
        out
    })
}

#[cfg(test)]
#[path = "key_text_tests.rs"]
mod tests;
