//! The value that rows have which were written before their column was added (`OriginDefaultValue`), as the datum that the
//! coprocessor puts in its place.

use base64::engine::general_purpose::STANDARD;
use base64::Engine;
use ti_codec::default_value;
use ti_codec::field_type::type_code;

use super::show::{field_type, value_text};
use super::table_info::ColumnInfo;
use crate::error::{Error, ErrorKind, Result};

const ZERO_DATETIME: &str = "0000-00-00 00:00:00";

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
/// TIMESTAMP defaults are in UTC since version 1 of the column format, and the request is in UTC too. Before that they were in the
/// time zone of the TiDB server, which is written nowhere: such a column is refused rather than read an hour wrong.
pub fn origin_default(column: &ColumnInfo) -> Result<Option<Vec<u8>>> {
    let ty = field_type(&column.field_type);
    let text = value_text(&column.origin_default);
    let bits = bit_bytes(ty.tp, column.origin_default_bit.as_deref())?;
    if let Some(text) = text
        .as_deref()
        .filter(|_| ty.tp == type_code::TIMESTAMP && column.version == 0)
    {
        if !text.starts_with(ZERO_DATETIME) {
            return Err(Error::new(
                ErrorKind::UnsupportedFeature,
                format!(
                    "column `{}` was added by a TiDB before 2.1 with a TIMESTAMP default in an unknown time zone; \
                     read the table through TiDB, or rewrite the column",
                    column.name.0
                ),
            ));
        }
    }
    let Some(bytes) = bits.or(text.map(String::into_bytes)) else {
        return Ok(None);
    };
    let encoded = default_value::encode(&ty, Some(&bytes))
        .map_err(|e| Error::from(e).context(format!("default value of column `{}`", column.name.0)))?;
    Ok(Some(encoded))
}
