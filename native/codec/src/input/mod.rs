//! Arrow columns to datums: what TiDB's strict mode stores for a value, or why it refuses it.
//!
//! ```text
//! InputColumn::new   FieldType + TypeOptions + Arrow type -> Rule          once per column of a job: what the column can hold
//!   .bind            array -> Source                                       once per batch: the array, downcast
//! BoundColumn::get   Rule x Source -> Datum, or a Refusal -> ValueError    once per value: NULL, range, length, precision, members
//! ```
//! Values are those of the type table (`arrow_type`) and what Spark may send instead of them, see `accepts`. What is rounded and what is refused
//! is what TiDB does with an INSERT of the same value and the default sql_mode (strict, NO_ZERO_DATE, NO_ZERO_IN_DATE): `types/datum.go`
//! (ConvertTo), `table/column.go` (CastValue). The tests compare with a TiDB.
//!
//! A datum borrows text and bytes from its array. Only JSON, vectors, and BINARY(n) values that are padded allocate.

mod error;
mod member;
mod number;
mod rule;
mod source;
mod temporal;
mod text;

pub use error::ValueError;

use arrow_array::ArrayRef;
use arrow_buffer::NullBuffer;
use arrow_schema::DataType;

use crate::datum::Datum;
use crate::error::CodecError;
use crate::field_type::FieldType;
use crate::options::TypeOptions;
use error::Refusal;
use rule::Rule;
use source::Source;

/// A column that is written: its type, and the rule for its values.
#[derive(Debug)]
pub struct InputColumn {
    name: String,
    sql_name: String,
    not_null: bool,
    rule: Rule,
}

impl InputColumn {
    /// For a column of type `ft` that gets values of the Arrow type `arrow`. `name` is for messages; of the options only the time zone and the
    /// unit of TIME matter.
    ///
    /// # Errors
    /// [`CodecError::NotWritable`]: the column's type cannot be written, or not from this Arrow type.
    pub fn new(name: &str, ft: &FieldType, options: &TypeOptions, arrow: &DataType) -> Result<Self, CodecError> {
        let column = Self {
            name: name.to_owned(),
            sql_name: shown_type(ft),
            not_null: ft.is_not_null(),
            rule: Rule::new(ft, options).map_err(|reason| not_writable(name, &shown_type(ft), arrow, reason))?,
        };
        column.check_type(arrow)?;
        Ok(column)
    }

    /// The column's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The values of one batch.
    ///
    /// # Errors
    /// [`CodecError::NotWritable`] when the array is not of the Arrow type that was agreed on.
    pub fn bind<'a>(&'a self, array: &'a ArrayRef) -> Result<BoundColumn<'a>, CodecError> {
        self.check_type(array.data_type())?;
        let source = Source::new(array).ok_or_else(|| {
            not_writable(
                &self.name,
                &self.sql_name,
                array.data_type(),
                "it is not known".to_owned(),
            )
        })?;
        Ok(BoundColumn {
            column: self,
            rows: array.len(),
            nulls: array.nulls(),
            source,
        })
    }

    fn check_type(&self, arrow: &DataType) -> Result<(), CodecError> {
        if self.rule.accepts(arrow) {
            return Ok(());
        }
        let reason = format!("cast it to {} in Spark", self.rule.wanted());
        Err(not_writable(&self.name, &self.sql_name, arrow, reason))
    }
}

/// The type in capitals, but for the elements of ENUM and SET.
fn shown_type(ft: &FieldType) -> String {
    let name = ft.sql_name();
    match name.split_once('(') {
        Some((kind, rest)) if !ft.elems.is_empty() => format!("{}({rest}", kind.to_uppercase()),
        _ => name.to_uppercase(),
    }
}

fn not_writable(column: &str, sql_name: &str, arrow: &DataType, reason: String) -> CodecError {
    CodecError::NotWritable {
        column: column.to_owned(),
        sql_name: sql_name.to_owned(),
        given: arrow.to_string(),
        reason,
    }
}

/// The values of a column in one batch.
#[derive(Debug)]
pub struct BoundColumn<'a> {
    column: &'a InputColumn,
    rows: usize,
    nulls: Option<&'a NullBuffer>,
    source: Source<'a>,
}

impl<'a> BoundColumn<'a> {
    /// Rows of the batch.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Whether the row's value is NULL, whatever the column allows. Rows that the batch does not have are not.
    #[inline]
    #[must_use]
    pub fn is_null(&self, row: usize) -> bool {
        self.nulls.is_some_and(|nulls| row < self.rows && nulls.is_null(row))
    }

    /// The value of a row as the column stores it: rounded to its precision, cut and padded to its length.
    ///
    /// # Errors
    /// [`CodecError::Value`] when TiDB's strict mode refuses the value; it names the column and the value. [`CodecError::Corrupt`] when the batch
    /// does not have the row.
    #[inline]
    pub fn get(&self, row: usize) -> Result<Datum<'a>, CodecError> {
        if row >= self.rows {
            return Err(CodecError::corrupt(
                "Arrow batch",
                format!("it has {} rows, row {row} was asked for", self.rows),
            ));
        }
        if self.is_null(row) {
            if self.column.not_null {
                return Err(self.refused(row, Refusal::Null));
            }
            return Ok(Datum::Null);
        }
        self.column
            .rule
            .apply(&self.source, row)
            .map_err(|refusal| self.refused(row, refusal))
    }

    #[cold]
    fn refused(&self, row: usize, refusal: Refusal) -> CodecError {
        let shown = self.source.show(row);
        Box::new(refusal.of_value(&self.column.name, &self.column.sql_name, shown)).into()
    }
}
