//! TypeChunk: answers column by column, the format of TiDB's own chunks. The hot path of every scan.
//!
//! One column:
//! ```text
//! u32 LE rows | u32 LE NULLs | bitmap, ceil(rows/8) bytes, 1 = not NULL, only when there are NULLs
//! fixed width: rows x width bytes
//! variable:    (rows + 1) x i64 LE offsets | offsets[rows] bytes
//! ```
//! Lengths are checked once per column; the loops over values then check only what a value can do wrong itself. Loops are in two steps: a fast
//! one that converts every slot and notes the rows it could not, and a slow one for those rows. A NULL's slot holds anything (TiKV: zeros,
//! TiDB's own stores: the value before), so only the slow step asks whether the row is NULL. Nothing is aligned.
//! Sources: TiDB `util/chunk/codec.go`, TiKV `codec/chunk/column.rs`.

use crate::arrow_type::Shape;
use crate::bytes::Reader;
use crate::column::{Column, Ragged, Values};
use crate::error::CodecError;
use crate::mysql::decimal::{Decimal, CHUNK_SIZE};
use crate::mysql::decimal_scale::FastScale;
use crate::mysql::time::{fast_days, fast_wall_micros, MysqlTime};
use crate::mysql::{bit, duration, enum_set, json, vector};
use crate::options::TypeOptions;
use crate::value;

/// One column as it was sent.
struct WireColumn<'a> {
    rows: usize,
    bitmap: Option<&'a [u8]>,
    /// rows + 1 offsets, ascending, the last is `data.len()`; empty for fixed width.
    offsets: &'a [[u8; 8]],
    data: &'a [u8],
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

    fn fixed(reader: &mut Reader<'a>, width: usize) -> Result<Self, CodecError> {
        let (rows, bitmap) = Self::header(reader)?;
        let data = reader.take(rows.saturating_mul(width), "chunk column")?;
        Ok(Self {
            rows,
            bitmap,
            offsets: &[],
            data,
        })
    }

    fn variable(reader: &mut Reader<'a>) -> Result<Self, CodecError> {
        let (rows, bitmap) = Self::header(reader)?;
        let offsets = reader.take(rows.saturating_add(1).saturating_mul(8), "chunk offsets")?;
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
        let data = reader.take(usize::try_from(last).unwrap_or(usize::MAX), "chunk column")?;
        Ok(Self {
            rows,
            bitmap,
            offsets,
            data,
        })
    }

    fn cells<const N: usize>(&self) -> &'a [[u8; N]] {
        self.data.as_chunks::<N>().0
    }

    fn is_valid(&self, row: usize) -> bool {
        self.bitmap
            .is_none_or(|bits| bits.get(row / 8).is_some_and(|b| b & (1 << (row % 8)) != 0))
    }

    /// The bytes of each row, of a column of variable width; `None` is NULL.
    fn values(&self) -> impl Iterator<Item = Option<&'a [u8]>> + '_ {
        let place = |offset: &[u8; 8]| usize::try_from(u64::from_le_bytes(*offset)).unwrap_or(usize::MAX);
        self.offsets
            .windows(2)
            .enumerate()
            .map(move |(row, window)| match window {
                [start, end] if self.is_valid(row) => self.data.get(place(start)..place(end)),
                _ => None,
            })
    }
}

/// Rows of an answer whose columns are of no interest: what its first column says.
pub(crate) fn count_rows(rows_data: &[u8]) -> Result<usize, CodecError> {
    WireColumn::header(&mut Reader::new(rows_data)).map(|(rows, _)| rows)
}

/// Appends the next column of an answer, and says how many rows it has.
pub(crate) fn append_column(
    column: &mut Column,
    reader: &mut Reader<'_>,
    opts: &TypeOptions,
) -> Result<usize, CodecError> {
    let wire = match column.shape {
        Shape::Float => WireColumn::fixed(reader, 4)?,
        Shape::Decimal { .. } | Shape::DecimalText => WireColumn::fixed(reader, CHUNK_SIZE)?,
        Shape::Text
        | Shape::Bytes
        | Shape::BitBoolean
        | Shape::BitBytes { .. }
        | Shape::BitLong
        | Shape::Enum
        | Shape::Set
        | Shape::Json
        | Shape::Vector => WireColumn::variable(reader)?,
        Shape::Int { .. }
        | Shape::Double
        | Shape::Date
        | Shape::Timestamp
        | Shape::Datetime
        | Shape::ZonedDatetime
        | Shape::Interval
        | Shape::Nanos => WireColumn::fixed(reader, 8)?,
    };
    let base = column.rows();
    let mut nulls = Vec::new();
    append_values(&mut column.values, column.shape, &wire, opts, &mut nulls)?;
    column.validity.append(wire.rows, wire.bitmap);
    for row in nulls {
        column.validity.set_null(base + row);
    }
    Ok(wire.rows)
}

/// Appends the values; rows that become NULL besides those of the bitmap are added to `nulls`.
fn append_values(
    values: &mut Values,
    shape: Shape,
    wire: &WireColumn<'_>,
    opts: &TypeOptions,
    nulls: &mut Vec<usize>,
) -> Result<(), CodecError> {
    match (values, shape) {
        (Values::Bits(out), Shape::Int { .. }) => {
            wire.cells::<8>()
                .iter()
                .for_each(|v| out.append(u64::from_le_bytes(*v) != 0));
        }
        (Values::I8(out), Shape::Int { .. }) => append_ints(out, wire, |v| v as i8, i64::from)?,
        (Values::I16(out), Shape::Int { .. }) => append_ints(out, wire, |v| v as i16, i64::from)?,
        (Values::I32(out), Shape::Int { .. }) => append_ints(out, wire, |v| v as i32, i64::from)?,
        (Values::I64(out), Shape::Int { unsigned: true }) => {
            // INT UNSIGNED: a negative number here is one over the range.
            append_ints(out, wire, |v| v & i64::MAX, |v| v)?;
        }
        (Values::I64(out), Shape::Int { .. } | Shape::Nanos) => {
            out.extend(wire.cells::<8>().iter().map(|v| i64::from_le_bytes(*v)));
        }
        (Values::I128(out), Shape::Int { .. }) => {
            out.extend(wire.cells::<8>().iter().map(|v| i128::from(u64::from_le_bytes(*v))));
        }
        (Values::F32(out), _) => out.extend(wire.cells::<4>().iter().map(|v| f32::from_le_bytes(*v))),
        (Values::F64(out), _) => out.extend(wire.cells::<8>().iter().map(|v| f64::from_le_bytes(*v))),
        (Values::I128(out), Shape::Decimal { precision, scale }) => {
            let fast = FastScale::new(precision, scale);
            let slow = |cell: &_| value::unscaled(&Decimal::from_chunk(cell)?, precision, scale).map(Some);
            append_mostly(out, wire, nulls, |cell| fast.convert(cell), slow)?;
        }
        (Values::I32(out), _) => {
            let slow = |cell: &_| value::days(&MysqlTime::from_chunk(u64::from_le_bytes(*cell))?, opts);
            append_mostly(out, wire, nulls, |cell| fast_days(u64::from_le_bytes(*cell)), slow)?;
        }
        (Values::I64(out), Shape::Timestamp | Shape::Datetime) => {
            let slow = |cell: &_| value::wall_micros(&MysqlTime::from_chunk(u64::from_le_bytes(*cell))?, opts);
            append_mostly(
                out,
                wire,
                nulls,
                |cell| fast_wall_micros(u64::from_le_bytes(*cell)),
                slow,
            )?;
        }
        (Values::I64(out), Shape::ZonedDatetime) => {
            let zone = opts.time_zone;
            let slow = |cell: &_| {
                let local = value::wall_micros(&MysqlTime::from_chunk(u64::from_le_bytes(*cell))?, opts)?;
                Ok(local.map(|local| zone.local_to_utc(local)))
            };
            let fast = |cell: &_| fast_wall_micros(u64::from_le_bytes(*cell)).map(|local| zone.local_to_utc(local));
            append_mostly(out, wire, nulls, fast, slow)?;
        }
        (Values::I64(out), Shape::Interval) => {
            let slow = |cell: &_| duration::micros(i64::from_le_bytes(*cell)).map(Some);
            let fast = |cell: &[u8; 8]| {
                let nanos = i64::from_le_bytes(*cell);
                let micros = nanos / 1_000;
                (micros.wrapping_mul(1_000) == nanos).then_some(micros)
            };
            append_mostly(out, wire, nulls, fast, slow)?;
        }
        (Values::Bytes(out), Shape::Text | Shape::Bytes) => append_bytes(out, wire)?,
        (values, shape) => append_cells(values, shape, wire)?,
    }
    Ok(())
}

/// Integers, all 8 bytes wide, as narrower ones.
fn append_ints<T: Copy>(
    out: &mut Vec<T>,
    wire: &WireColumn<'_>,
    narrow: impl Fn(i64) -> T,
    widen: impl Fn(T) -> i64,
) -> Result<(), CodecError> {
    let base = out.len();
    let mut differ = 0;
    out.extend(wire.cells::<8>().iter().map(|cell| {
        let wide = i64::from_le_bytes(*cell);
        let value = narrow(wide);
        differ |= widen(value) ^ wide;
        value
    }));
    if differ == 0 {
        return Ok(());
    }
    for (row, (cell, value)) in wire.cells::<8>().iter().zip(out.iter().skip(base)).enumerate() {
        let wide = i64::from_le_bytes(*cell);
        if widen(*value) != wide && wire.is_valid(row) {
            return Err(CodecError::corrupt(
                "integer",
                format!("{wide} is over the range of its column"),
            ));
        }
    }
    Ok(())
}

/// Values that `fast` converts but for few; those that are not NULL go to `slow`, where `None` is NULL.
#[inline(always)]
fn append_mostly<T: Copy + Default, const N: usize>(
    out: &mut Vec<T>,
    wire: &WireColumn<'_>,
    nulls: &mut Vec<usize>,
    fast: impl Fn(&[u8; N]) -> Option<T>,
    slow: impl Fn(&[u8; N]) -> Result<Option<T>, CodecError>,
) -> Result<(), CodecError> {
    let base = out.len();
    let cells = wire.cells::<N>();
    let mut left = Vec::new();
    out.extend(cells.iter().enumerate().map(|(row, cell)| {
        fast(cell).unwrap_or_else(|| {
            left.push(row);
            T::default()
        })
    }));
    for row in left {
        let Some(cell) = cells.get(row).filter(|_| wire.is_valid(row)) else {
            continue;
        };
        match (slow(cell)?, out.get_mut(base + row)) {
            (Some(value), Some(slot)) => *slot = value,
            _ => nulls.push(row),
        }
    }
    Ok(())
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

/// Types that are converted row by row.
fn append_cells(values: &mut Values, shape: Shape, wire: &WireColumn<'_>) -> Result<(), CodecError> {
    match (values, shape) {
        (Values::Bits(out), _) => {
            for cell in wire.values() {
                out.append(bit::to_u64(cell.unwrap_or_default())? != 0);
            }
        }
        (Values::I64(out), _) => {
            for cell in wire.values() {
                out.push(value::bit_long(bit::to_u64(cell.unwrap_or_default())?)?);
            }
        }
        (Values::Bytes(out), Shape::DecimalText) => {
            for (row, cell) in wire.cells::<CHUNK_SIZE>().iter().enumerate() {
                if wire.is_valid(row) {
                    out.push(Decimal::from_chunk(cell)?.to_string().as_bytes())?;
                } else {
                    out.push(&[])?;
                }
            }
        }
        (Values::Bytes(out), shape) => {
            for cell in wire.values() {
                match (cell, shape) {
                    (None, _) => out.push(&[])?,
                    (Some(cell), Shape::BitBytes { width }) => out.push(&bit::to_bytes(bit::to_u64(cell)?, width)?)?,
                    (Some(cell), Shape::Json) => {
                        json::append_text(&mut out.data, cell)?;
                        out.end_row()?;
                    }
                    (Some(cell), _) => out.push(enum_set::chunk_name(cell)?)?,
                }
            }
        }
        (Values::Floats(out), _) => {
            for cell in wire.values() {
                out.data
                    .extend(cell.map(vector::elements).transpose()?.into_iter().flatten());
                out.end_row()?;
            }
        }
        (_, shape) => return Err(CodecError::corrupt("chunk column", format!("{shape:?} has no decoder"))),
    }
    Ok(())
}
