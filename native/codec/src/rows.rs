//! TypeDefault: answers row by row, each value a datum.

use crate::column::Column;
use crate::error::CodecError;
use crate::field_type::FieldType;
use crate::options::TypeOptions;

/// Appends the rows of one answer, and says how many there were.
pub(crate) fn append(
    _columns: &mut [Column],
    _names: &[String],
    _field_types: &[FieldType],
    _rows_data: &[u8],
    _opts: &TypeOptions,
) -> Result<usize, CodecError> {
    Err(CodecError::corrupt("answer", "TypeDefault is not decoded"))
}
