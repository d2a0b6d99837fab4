//! Answers of a partial aggregation -> the batches that Spark merges.
//!
//! Spark casts a partial sum to the type of what was summed before it adds them up ([`crate::plan::aggregate`]), so that a sum that does
//! not fit would be an error, or NULL and so silently missing. It becomes several rows of its group instead, each of which fits:
//!
//! ```text
//! group 'a', count 3, sum(DECIMAL(2,1)) 25.0   ->   'a', 3, 9.9    'a', 0, 9.9    'a', 0, 5.2
//! ```
//! Counts of the further rows are 0, their minima and maxima are those of the first: all functions merge to the same result.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowPrimitiveType, Decimal128Type, Decimal256Type, Int64Type};
use arrow_array::{ArrayRef, Decimal128Array, Int64Array, RecordBatch, UInt32Array};
use arrow_schema::{Field, Schema, SchemaRef};
use ti_codec::mysql::decimal::power_of_ten;
use ti_codec::{BatchBuilder, DecimalOverflow, SparkType, TypeOptions};

use crate::error::{Error, ErrorKind, Result};
use crate::plan::dag;
use crate::plan::wire::{AggregateField, AggregateKind, ScanAggregate, WireColumn};

/// A wide integer: a partial sum has up to 57 digits.
type Wide = <Decimal256Type as ArrowPrimitiveType>::Native;

/// Rows that one answer's sums may become: more than a region has rows for values of the narrowest type.
const MAX_ROWS: usize = 1 << 24;

/// Columns of the batches, with their Spark types.
///
/// # Errors
/// `UnsupportedType`.
pub fn schema(
    columns: &[WireColumn],
    fields: &[AggregateField],
    types: &TypeOptions,
) -> Result<Vec<(Field, SparkType)>> {
    let answers = dag::columns_of(columns)?;
    let mut schema = Vec::with_capacity(columns.len());
    for (column, field) in answers.iter().zip(fields) {
        let spark = match field.kind() {
            AggregateKind::Same => {
                ti_codec::column_type(&column.field_type, &answer_types(types))
                    .map_err(|e| Error::new(ErrorKind::UnsupportedType, format!("column `{}`: {e}", column.name)))?
                    .spark
            }
            AggregateKind::Count | AggregateKind::SumLong => SparkType::Long,
            AggregateKind::SumDecimal => SparkType::Decimal {
                precision: u8::try_from(field.precision).unwrap_or(u8::MAX),
                scale: i8::try_from(field.scale).unwrap_or(i8::MAX),
            },
        };
        let nullable = field.kind() != AggregateKind::Count;
        schema.push((Field::new(&column.name, spark.arrow(), nullable), spark));
    }
    Ok(schema)
}

/// Sums of more than 38 digits come as text; no other column of an answer has so many.
fn answer_types(types: &TypeOptions) -> TypeOptions {
    TypeOptions {
        decimal_overflow: DecimalOverflow::String,
        ..types.clone()
    }
}

/// Makes Spark's batches of those that were decoded.
pub struct Partial {
    schema: SchemaRef,
    fields: Vec<AggregateField>,
    global: bool,
    rows: usize,
}

impl Partial {
    /// For the answers of a plan, with their decoder.
    ///
    /// # Errors
    /// As [`schema`].
    pub fn new(columns: &[WireColumn], aggregate: &ScanAggregate, types: &TypeOptions) -> Result<(Self, BatchBuilder)> {
        let fields: Vec<Field> = schema(columns, &aggregate.fields, types)?
            .into_iter()
            .map(|(field, _)| field)
            .collect();
        let partial = Self {
            schema: Arc::new(Schema::new(fields)),
            fields: aggregate.fields.clone(),
            global: aggregate.global,
            rows: 0,
        };
        Ok((partial, dag::batch_builder(columns, &answer_types(types))?))
    }

    /// The schema of the batches.
    pub fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    /// The row of no rows, for an aggregation without groups that nothing was answered to.
    ///
    /// # Errors
    /// `Internal` when the columns do not fit the schema.
    pub fn last(&self) -> Result<Option<RecordBatch>> {
        if !self.global || self.rows > 0 {
            return Ok(None);
        }
        let columns = self
            .schema
            .fields()
            .iter()
            .zip(&self.fields)
            .map(|(field, kind)| match kind.kind() {
                AggregateKind::Count => Arc::new(Int64Array::from(vec![0])) as ArrayRef,
                _ => arrow_array::new_null_array(field.data_type(), 1),
            });
        self.batch(columns.collect()).map(Some)
    }

    fn batch(&self, columns: Vec<ArrayRef>) -> Result<RecordBatch> {
        RecordBatch::try_new(self.schema.clone(), columns)
            .map_err(|e| Error::new(ErrorKind::Internal, format!("an aggregation's columns do not fit: {e}")))
    }

    /// A decoded batch as Spark takes it.
    ///
    /// # Errors
    /// `Decode` for sums that cannot be.
    pub fn convert(&mut self, batch: &RecordBatch) -> Result<RecordBatch> {
        self.rows += batch.num_rows();
        let sums = batch
            .columns()
            .iter()
            .zip(&self.fields)
            .map(|(column, field)| Sum::of(column, field))
            .collect::<Result<Vec<_>>>()?;
        // The rows that each row becomes.
        let mut source: Vec<u32> = Vec::with_capacity(batch.num_rows());
        for row in 0..batch.num_rows() {
            let pieces = sums
                .iter()
                .flatten()
                .map(|sum| sum.pieces(row))
                .max()
                .unwrap_or(1)
                .max(1);
            if source.len().saturating_add(pieces) > MAX_ROWS {
                return Err(Error::new(
                    ErrorKind::Decode,
                    "a partial sum is larger than the rows of a region can make it",
                ));
            }
            let row = u32::try_from(row).unwrap_or(u32::MAX);
            source.extend(std::iter::repeat_n(row, pieces));
        }
        let spread = source.len() > batch.num_rows();
        let indices = UInt32Array::from(source);
        let mut columns = Vec::with_capacity(batch.num_columns());
        for ((column, field), sum) in batch.columns().iter().zip(&self.fields).zip(&sums) {
            columns.push(match (field.kind(), sum) {
                (AggregateKind::Count, _) if spread => counts(column, &indices),
                (_, Some(sum)) => sum.array(&indices, field)?,
                _ if spread => arrow_select::take::take(column, &indices, None)
                    .map_err(|e| Error::new(ErrorKind::Internal, format!("rows cannot be repeated: {e}")))?,
                _ => column.clone(),
            });
        }
        self.batch(columns)
    }
}

/// Counts: of the first row of each group only.
fn counts(column: &ArrayRef, source: &UInt32Array) -> ArrayRef {
    let counts = column.as_primitive_opt::<Int64Type>();
    let mut before = None;
    let values = source.values().iter().map(|row| {
        let first = before.replace(*row) != Some(*row);
        let count = counts.map_or(0, |counts| counts.value(*row as usize));
        if first {
            count
        } else {
            0
        }
    });
    Arc::new(values.collect::<Int64Array>())
}

/// Partial sums and the greatest absolute value that a row of them may have.
struct Sum {
    values: Vec<Option<Wide>>,
    limit: Wide,
}

impl Sum {
    fn of(column: &ArrayRef, field: &AggregateField) -> Result<Option<Self>> {
        let limit = match field.kind() {
            AggregateKind::Same | AggregateKind::Count => return Ok(None),
            AggregateKind::SumLong => i128::from(i64::MAX),
            AggregateKind::SumDecimal => {
                let power = power_of_ten(u8::try_from(field.precision).unwrap_or(38));
                i128::try_from(power).unwrap_or(i128::MAX) - 1
            }
        };
        let damaged = || Error::new(ErrorKind::Decode, "a partial sum is not a number");
        let values = if let Some(decimals) = column.as_primitive_opt::<Decimal128Type>() {
            decimals.iter().map(|v| v.map(Wide::from_i128)).collect()
        } else {
            let texts = column.as_string_opt::<i32>().ok_or_else(damaged)?;
            let scale = field.scale as usize;
            texts
                .iter()
                .map(|text| text.map(|text| unscaled(text, scale).ok_or_else(damaged)).transpose())
                .collect::<Result<_>>()?
        };
        Ok(Some(Self {
            values,
            limit: Wide::from_i128(limit),
        }))
    }

    /// Rows that a row's sum needs.
    fn pieces(&self, row: usize) -> usize {
        let Some(Some(value)) = self.values.get(row) else {
            return 1;
        };
        let magnitude = value.wrapping_abs();
        if magnitude <= self.limit {
            return 1;
        }
        let whole = magnitude.wrapping_div(self.limit);
        whole
            .to_i128()
            .and_then(|w| usize::try_from(w).ok())
            .unwrap_or(usize::MAX)
            .saturating_add(1)
    }

    /// The pieces in the order of the rows: full ones first, then the rest, then nothing.
    fn array(&self, source: &UInt32Array, field: &AggregateField) -> Result<ArrayRef> {
        let mut before = None;
        let mut left: Option<Wide> = None;
        let mut pieces: Vec<Option<i128>> = Vec::with_capacity(source.len());
        for row in source.values() {
            if before.replace(*row) != Some(*row) {
                left = self.values.get(*row as usize).copied().flatten();
            }
            pieces.push(
                left.take()
                    .map(|value| {
                        let negative = value < Wide::ZERO;
                        if value.wrapping_abs() <= self.limit {
                            return value;
                        }
                        let piece = if negative {
                            self.limit.wrapping_neg()
                        } else {
                            self.limit
                        };
                        left = Some(value.wrapping_sub(piece));
                        piece
                    })
                    .and_then(Wide::to_i128),
            );
        }
        Ok(match field.kind() {
            AggregateKind::SumLong => {
                let longs = pieces
                    .into_iter()
                    .map(|piece| piece.and_then(|v| i64::try_from(v).ok()));
                Arc::new(longs.collect::<Int64Array>())
            }
            _ => {
                let scale = i8::try_from(field.scale).unwrap_or(0);
                let precision = u8::try_from(field.precision).unwrap_or(38);
                let array = Decimal128Array::from(pieces).with_precision_and_scale(precision, scale);
                Arc::new(array.map_err(|e| Error::new(ErrorKind::Internal, format!("sums of no DECIMAL: {e}")))?)
            }
        })
    }
}

/// The digits of a decimal's text without its point, with so many of them behind it.
fn unscaled(text: &str, scale: usize) -> Option<Wide> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let padding = scale.checked_sub(fraction.len())?;
    Wide::from_string(&format!("{whole}{fraction}{}", "0".repeat(padding)))
}

#[cfg(test)]
#[path = "aggregate_tests.rs"]
mod tests;
