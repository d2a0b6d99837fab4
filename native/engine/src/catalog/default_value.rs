//! The value that rows have which were written before their column was added (`OriginDefaultValue`), as the datum that the
//! coprocessor puts in its place.

use base64::engine::general_purpose::STANDARD;
use base64::Engine;
use ti_codec::field_type::type_code;

use super::show::value_text;
use super::table_info::ColumnInfo;
use crate::error::{Error, ErrorKind, Result};

/// Bytes of a BIT default, which TiDB keeps apart because JSON text cannot hold them.
pub fn bit_bytes(tp: u8, base64: Option<&str>) -> Result<Option<Vec<u8>>> {
    match base64 {
        Some(text) if tp == type_code::BIT => STANDARD.decode(text).map(Some).map_err(|e| {
            Error::new(
                ErrorKind::Decode,
                format!("the default of a BIT column is not base64: {e}"),
            )
        }),
        _ => Ok(None),
    }
}

/// The encoded datum; `None` when such rows have NULL.
///
/// # Errors
/// `UnsupportedFeature` for a column with a value: the encoding of default values is not part of the codec yet.
pub fn origin_default(column: &ColumnInfo) -> Result<Option<Vec<u8>>> {
    let has_bits = bit_bytes(column.field_type.tp, column.origin_default_bit.as_deref())?.is_some();
    if has_bits || value_text(&column.origin_default).is_some() {
        return Err(Error::new(
            ErrorKind::UnsupportedFeature,
            format!(
                "column `{}` was added later and has a default for older rows, which cannot be read yet",
                column.name.0
            ),
        ));
    }
    Ok(None)
}
