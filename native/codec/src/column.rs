//! One growing Arrow column: values, and a validity bitmap that exists only once there is a NULL.

use std::sync::Arc;

use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, DurationMicrosecondType, Float32Type, Float64Type, Int16Type,
    Int32Type, Int64Type, Int8Type, TimestampMicrosecondType,
};
use arrow_array::{Array, ArrayRef, BinaryArray, BooleanArray, ListArray, PrimitiveArray, StringArray};
use arrow_buffer::{BooleanBufferBuilder, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{DataType, Field};

use crate::arrow_type::{Shape, SparkType};
use crate::error::CodecError;

/// The values so far; a NULL has an arbitrary value in its slot.
pub(crate) enum Values {
    Bits(BooleanBufferBuilder),
    I8(Vec<i8>),
    I16(Vec<i16>),
    I32(Vec<i32>),
    I64(Vec<i64>),
    F32(Vec<f32>),
    F64(Vec<f64>),
    I128(Vec<i128>),
    /// Utf8 and Binary.
    Bytes(Ragged<u8>),
    /// List<Float32>.
    Floats(Ragged<f32>),
}

/// Values of varying length, one after another; row i is `data[offsets[i]..offsets[i + 1]]`.
pub(crate) struct Ragged<T> {
    pub offsets: Vec<i32>,
    pub data: Vec<T>,
}

impl<T: Copy> Ragged<T> {
    fn with_capacity(rows: usize, items: usize) -> Self {
        let mut offsets = Vec::with_capacity(rows + 1);
        offsets.push(0);
        Self {
            offsets,
            data: Vec::with_capacity(items),
        }
    }

    /// The offset after `more` further items.
    pub(crate) fn offset_after(&self, more: usize) -> Result<i32, CodecError> {
        self.data
            .len()
            .checked_add(more)
            .and_then(|n| i32::try_from(n).ok())
            .ok_or_else(|| CodecError::BatchTooLarge("a column of one batch ends at 2 GiB".to_owned()))
    }

    /// Ends the row that `data` was extended with.
    pub(crate) fn end_row(&mut self) -> Result<(), CodecError> {
        let end = self.offset_after(0)?;
        self.offsets.push(end);
        Ok(())
    }

    pub(crate) fn push(&mut self, row: &[T]) -> Result<(), CodecError> {
        let end = self.offset_after(row.len())?;
        self.data.extend_from_slice(row);
        self.offsets.push(end);
        Ok(())
    }

    fn truncate(&mut self, rows: usize) {
        self.offsets.truncate(rows + 1);
        let end = self
            .offsets
            .last()
            .copied()
            .and_then(|o| usize::try_from(o).ok())
            .unwrap_or(0);
        self.data.truncate(end);
    }
}

/// Which rows are not NULL. No bitmap while all are.
#[derive(Default)]
pub(crate) struct Validity {
    rows: usize,
    bits: Option<BooleanBufferBuilder>,
}

impl Validity {
    fn bits(&mut self) -> &mut BooleanBufferBuilder {
        let rows = self.rows;
        self.bits.get_or_insert_with(|| {
            let mut bits = BooleanBufferBuilder::new((rows + 1).next_multiple_of(1024));
            bits.append_n(rows, true);
            bits
        })
    }

    /// `rows` further rows; `bitmap` has bit 1 = not NULL, least significant bit first, and at least `rows` bits.
    pub(crate) fn append(&mut self, rows: usize, bitmap: Option<&[u8]>) {
        match (bitmap, &mut self.bits) {
            (None, None) => {}
            (None, Some(bits)) => bits.append_n(rows, true),
            (Some(bitmap), _) => self.bits().append_packed_range(0..rows, bitmap),
        }
        self.rows += rows;
    }

    pub(crate) fn append_null(&mut self) {
        self.bits().append(false);
        self.rows += 1;
    }

    /// Makes a row that is there NULL.
    pub(crate) fn set_null(&mut self, row: usize) {
        if row < self.rows {
            self.bits().set_bit(row, false);
        }
    }

    fn truncate(&mut self, rows: usize) {
        if let Some(bits) = &mut self.bits {
            bits.truncate(rows);
        }
        self.rows = rows;
    }

    fn finish(&mut self) -> Option<NullBuffer> {
        self.rows = 0;
        self.bits
            .take()
            .map(|mut bits| NullBuffer::new(bits.finish()))
            .filter(|nulls| nulls.null_count() > 0)
    }
}

/// One column of the batch that is being built.
pub(crate) struct Column {
    pub spark: SparkType,
    pub shape: Shape,
    pub values: Values,
    pub validity: Validity,
    pub nullable: bool,
}

impl Column {
    pub(crate) fn new(spark: SparkType, shape: Shape, nullable: bool) -> Self {
        Self {
            spark,
            shape,
            values: empty(spark, 0, 0),
            validity: Validity::default(),
            nullable,
        }
    }

    pub(crate) fn rows(&self) -> usize {
        self.validity.rows
    }

    pub(crate) fn append_null(&mut self) -> Result<(), CodecError> {
        match &mut self.values {
            Values::Bits(v) => v.append(false),
            Values::I8(v) => v.push(0),
            Values::I16(v) => v.push(0),
            Values::I32(v) => v.push(0),
            Values::I64(v) => v.push(0),
            Values::F32(v) => v.push(0.0),
            Values::F64(v) => v.push(0.0),
            Values::I128(v) => v.push(0),
            Values::Bytes(v) => v.push(&[])?,
            Values::Floats(v) => v.push(&[])?,
        }
        self.validity.append_null();
        Ok(())
    }

    /// Drops all rows from `rows` on, after an error in the middle of an answer.
    pub(crate) fn truncate(&mut self, rows: usize) {
        match &mut self.values {
            Values::Bits(v) => v.truncate(rows),
            Values::I8(v) => v.truncate(rows),
            Values::I16(v) => v.truncate(rows),
            Values::I32(v) => v.truncate(rows),
            Values::I64(v) => v.truncate(rows),
            Values::F32(v) => v.truncate(rows),
            Values::F64(v) => v.truncate(rows),
            Values::I128(v) => v.truncate(rows),
            Values::Bytes(v) => v.truncate(rows),
            Values::Floats(v) => v.truncate(rows),
        }
        self.validity.truncate(rows);
    }

    /// Bytes allocated.
    pub(crate) fn memory_size(&self) -> usize {
        let values = match &self.values {
            Values::Bits(v) => v.capacity() / 8,
            Values::I8(v) => v.capacity(),
            Values::I16(v) => v.capacity() * 2,
            Values::I32(v) => v.capacity() * 4,
            Values::I64(v) => v.capacity() * 8,
            Values::F32(v) => v.capacity() * 4,
            Values::F64(v) => v.capacity() * 8,
            Values::I128(v) => v.capacity() * 16,
            Values::Bytes(v) => v.offsets.capacity() * 4 + v.data.capacity(),
            Values::Floats(v) => v.offsets.capacity() * 4 + v.data.capacity() * 4,
        };
        values + self.validity.bits.as_ref().map_or(0, |b| b.capacity() / 8)
    }

    /// The Arrow array of all rows; the column is empty afterwards, with room for as much again.
    pub(crate) fn finish(&mut self) -> Result<ArrayRef, CodecError> {
        let nulls = self.validity.finish();
        if nulls.is_some() && !self.nullable {
            return Err(CodecError::UnexpectedNull);
        }
        let (rows, items) = self.lengths();
        let values = std::mem::replace(&mut self.values, empty(self.spark, rows, items));
        build(self.spark, values, nulls)
    }

    fn lengths(&self) -> (usize, usize) {
        match &self.values {
            Values::Bits(v) => (v.len(), 0),
            Values::I8(v) => (v.len(), 0),
            Values::I16(v) => (v.len(), 0),
            Values::I32(v) => (v.len(), 0),
            Values::I64(v) => (v.len(), 0),
            Values::F32(v) => (v.len(), 0),
            Values::F64(v) => (v.len(), 0),
            Values::I128(v) => (v.len(), 0),
            Values::Bytes(v) => (v.offsets.len().saturating_sub(1), v.data.len()),
            Values::Floats(v) => (v.offsets.len().saturating_sub(1), v.data.len()),
        }
    }
}

fn empty(spark: SparkType, rows: usize, items: usize) -> Values {
    match spark {
        SparkType::Boolean => Values::Bits(BooleanBufferBuilder::new(rows)),
        SparkType::Byte => Values::I8(Vec::with_capacity(rows)),
        SparkType::Short => Values::I16(Vec::with_capacity(rows)),
        SparkType::Int | SparkType::Date => Values::I32(Vec::with_capacity(rows)),
        SparkType::Long | SparkType::Timestamp | SparkType::TimestampNtz | SparkType::DayTimeInterval => {
            Values::I64(Vec::with_capacity(rows))
        }
        SparkType::Float => Values::F32(Vec::with_capacity(rows)),
        SparkType::Double => Values::F64(Vec::with_capacity(rows)),
        SparkType::Decimal { .. } => Values::I128(Vec::with_capacity(rows)),
        SparkType::String | SparkType::Binary => Values::Bytes(Ragged::with_capacity(rows, items)),
        SparkType::ArrayFloat => Values::Floats(Ragged::with_capacity(rows, items)),
    }
}

fn build(spark: SparkType, values: Values, nulls: Option<NullBuffer>) -> Result<ArrayRef, CodecError> {
    Ok(match (values, spark) {
        (Values::Bits(mut v), _) => Arc::new(BooleanArray::new(v.finish(), nulls)),
        (Values::I8(v), _) => primitive::<Int8Type>(v, nulls, None)?,
        (Values::I16(v), _) => primitive::<Int16Type>(v, nulls, None)?,
        (Values::I32(v), SparkType::Date) => primitive::<Date32Type>(v, nulls, None)?,
        (Values::I32(v), _) => primitive::<Int32Type>(v, nulls, None)?,
        (Values::I64(v), SparkType::Timestamp | SparkType::TimestampNtz) => {
            primitive::<TimestampMicrosecondType>(v, nulls, Some(spark.arrow()))?
        }
        (Values::I64(v), SparkType::DayTimeInterval) => primitive::<DurationMicrosecondType>(v, nulls, None)?,
        (Values::I64(v), _) => primitive::<Int64Type>(v, nulls, None)?,
        (Values::F32(v), _) => primitive::<Float32Type>(v, nulls, None)?,
        (Values::F64(v), _) => primitive::<Float64Type>(v, nulls, None)?,
        (Values::I128(v), _) => primitive::<Decimal128Type>(v, nulls, Some(spark.arrow()))?,
        (Values::Bytes(v), SparkType::String) => text(v, nulls)?,
        (Values::Bytes(v), _) => {
            let offsets = OffsetBuffer::new(ScalarBuffer::from(v.offsets));
            Arc::new(BinaryArray::try_new(offsets, v.data.into(), nulls).map_err(arrow)?)
        }
        (Values::Floats(v), _) => {
            let items: ArrayRef = primitive::<Float32Type>(v.data, None, None)?;
            let field = Arc::new(Field::new("element", DataType::Float32, false));
            let offsets = OffsetBuffer::new(ScalarBuffer::from(v.offsets));
            Arc::new(ListArray::try_new(field, offsets, items, nulls).map_err(arrow)?)
        }
    })
}

fn primitive<T: ArrowPrimitiveType>(
    values: Vec<T::Native>,
    nulls: Option<NullBuffer>,
    shown_as: Option<DataType>,
) -> Result<ArrayRef, CodecError> {
    let array = PrimitiveArray::<T>::try_new(ScalarBuffer::from(values), nulls).map_err(arrow)?;
    Ok(match shown_as {
        Some(data_type) => Arc::new(array.with_data_type(data_type)),
        None => Arc::new(array),
    })
}

/// Arrow checks that the whole column is UTF-8 once, here; only a bad column is looked at row by row, for the message.
fn text(values: Ragged<u8>, nulls: Option<NullBuffer>) -> Result<ArrayRef, CodecError> {
    let offsets = OffsetBuffer::new(ScalarBuffer::from(values.offsets));
    let data = arrow_buffer::Buffer::from(values.data);
    match StringArray::try_new(offsets.clone(), data.clone(), nulls.clone()) {
        Ok(array) => Ok(Arc::new(array)),
        Err(_) => {
            let rows = BinaryArray::try_new(offsets, data, nulls).map_err(arrow)?;
            let bad = (0..rows.len()).find(|row| rows.is_valid(*row) && std::str::from_utf8(rows.value(*row)).is_err());
            let shown = bad.map(|row| {
                crate::bytes::lossy(rows.value(row))
                    .chars()
                    .take(40)
                    .collect::<String>()
            });
            Err(CodecError::Unrepresentable(format!(
                "text that is not UTF-8 (`{}`) cannot be a Spark STRING; repair it in TiDB, or give the column the type VARBINARY or BLOB",
                shown.unwrap_or_default()
            )))
        }
    }
}

fn arrow(error: arrow_schema::ArrowError) -> CodecError {
    CodecError::Arrow(error.to_string())
}
