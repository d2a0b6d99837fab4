//! TypeChunk: answers column by column, the format of TiDB's own chunks. The hot path of every scan.
//!
//! One column:
//! ```text
//! u32 LE rows | u32 LE NULLs | bitmap, ceil(rows/8) bytes, 1 = not NULL, only when there are NULLs
//! fixed width: rows x width bytes
//! variable:    (rows + 1) x i64 LE offsets | offsets[rows] bytes
//! ```
//! Lengths are checked once per column; the loops over values then check nothing but what a value can do wrong itself. A NULL's slot
//! holds anything (TiKV: zeros, TiDB's own stores: the value before). Nothing is aligned.
//! Sources: TiDB `util/chunk/codec.go`, TiKV `codec/chunk/column.rs`.

use crate::arrow_type::{Shape, SparkType};
use crate::bytes::Reader;
use crate::column::{Column, Ragged, Values};
use crate::error::CodecError;

/// What decoding a value can need besides its column.
pub(crate) struct Context<'a> {
    pub opts: &'a crate::options::TypeOptions,
}

/// One column as it was sent.
pub(crate) struct WireColumn<'a> {
    pub rows: usize,
    pub bitmap: Option<&'a [u8]>,
    /// rows + 1 offsets, ascending, the last at most `data.len()`; empty for fixed width.
    offsets: &'a [[u8; 8]],
    pub data: &'a [u8],
}

impl<'a> WireColumn<'a> {
    fn header(reader: &mut Reader<'a>) -> Result<(usize, Option<&'a [u8]>), CodecError> {
        let rows = reader.u32_le("chunk column")? as usize;
        let nulls = reader.u32_le("chunk column")?;
        let bitmap = if nulls > 0 {
            Some(reader.take(rows.div_ceil(8), "NULL bitmap")?)
        } else {
            None
        };
        Ok((rows, bitmap))
    }

    pub(crate) fn fixed(reader: &mut Reader<'a>, width: usize) -> Result<Self, CodecError> {
        let (rows, bitmap) = Self::header(reader)?;
        let data = reader.take(rows.saturating_mul(width), "chunk column")?;
        Ok(Self {
            rows,
            bitmap,
            offsets: &[],
            data,
        })
    }

    pub(crate) fn variable(reader: &mut Reader<'a>) -> Result<Self, CodecError> {
        let (rows, bitmap) = Self::header(reader)?;
        let offsets = reader.take((rows + 1).saturating_mul(8), "chunk offsets")?;
        let (offsets, _) = offsets.as_chunks::<8>();
        let mut last = 0;
        let mut ascending = true;
        for offset in offsets {
            let offset = u64::from_le_bytes(*offset);
            ascending &= last <= offset;
            last = offset;
        }
        if !ascending {
            return Err(CodecError::corrupt("chunk column", "its offsets descend"));
        }
        let length = usize::try_from(last).unwrap_or(usize::MAX);
        let data = reader.take(length, "chunk column")?;
        Ok(Self {
            rows,
            bitmap,
            offsets,
            data,
        })
    }

    pub(crate) fn is_valid(&self, row: usize) -> bool {
        self.bitmap
            .is_none_or(|bits| bits.get(row / 8).is_some_and(|b| b & (1 << (row % 8)) != 0))
    }
}

/// Rows of an answer whose columns are of no interest: what its first column says.
pub(crate) fn count_rows(rows_data: &[u8]) -> Result<usize, CodecError> {
    if rows_data.is_empty() {
        return Ok(0);
    }
    WireColumn::header(&mut Reader::new(rows_data)).map(|(rows, _)| rows)
}

/// Appends the next column of an answer, and says how many rows it has.
pub(crate) fn append_column(
    column: &mut Column,
    reader: &mut Reader<'_>,
    _context: &Context<'_>,
) -> Result<usize, CodecError> {
    let wire = match column.shape {
        Shape::Int { .. } => WireColumn::fixed(reader, 8)?,
        Shape::Text | Shape::Bytes => WireColumn::variable(reader)?,
        other => return Err(CodecError::corrupt("chunk column", format!("{other:?} is not decoded"))),
    };
    match (&mut column.values, column.shape) {
        (Values::I64(out), Shape::Int { .. }) if column.spark == SparkType::Long => {
            out.extend(wire.data.as_chunks::<8>().0.iter().map(|v| i64::from_le_bytes(*v)));
        }
        (Values::Bytes(out), Shape::Text | Shape::Bytes) => append_bytes(out, &wire)?,
        (_, other) => return Err(CodecError::corrupt("chunk column", format!("{other:?} is not decoded"))),
    }
    column.validity.append(wire.rows, wire.bitmap);
    Ok(wire.rows)
}

/// Copies all bytes at once, and the offsets moved to where the bytes now are.
fn append_bytes(out: &mut Ragged<u8>, wire: &WireColumn<'_>) -> Result<(), CodecError> {
    let first = wire.offsets.first().map_or(0, |o| u64::from_le_bytes(*o));
    let data = usize::try_from(first)
        .ok()
        .and_then(|start| wire.data.get(start..))
        .unwrap_or_default();
    // The last offset fits, the others are not greater.
    out.offset_after(data.len())?;
    let base = (out.data.len() as u64).wrapping_sub(first);
    out.offsets.extend(
        wire.offsets
            .iter()
            .skip(1)
            .map(|o| u64::from_le_bytes(*o).wrapping_add(base) as i32),
    );
    out.data.extend_from_slice(data);
    Ok(())
}
