//! From answers of the coprocessor to Arrow batches.

use std::sync::Arc;

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_schema::{Field, Schema, SchemaRef};

use crate::arrow_type::{self, resolve};
use crate::bytes::Reader;
use crate::chunk;
use crate::column::Column;
use crate::error::CodecError;
use crate::field_type::FieldType;
use crate::options::TypeOptions;
use crate::rows;

/// A column of the answers, in the order in which the DAG puts them out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputColumn {
    /// Its name in the batch.
    pub name: String,
    /// Its type, as it was sent in the DAG (a TIMESTAMP is expected in UTC: the DAG must name the time zone "UTC").
    pub field_type: FieldType,
}

/// Collects the rows of many answers into one batch.
///
/// After an error the rows of the failed answer are gone, those before it are kept; the builder can be used on.
pub struct BatchBuilder {
    names: Vec<String>,
    field_types: Vec<FieldType>,
    columns: Vec<Column>,
    opts: TypeOptions,
    schema: SchemaRef,
    rows: usize,
}

impl BatchBuilder {
    /// For answers with these columns.
    ///
    /// Without columns only rows are counted: a TypeChunk answer may then have any columns, a TypeDefault answer must have exactly one.
    ///
    /// # Errors
    /// [`CodecError::Column`] around [`CodecError::Unsupported`] for a column that cannot be read.
    pub fn new(columns: &[OutputColumn], opts: &TypeOptions) -> Result<Self, CodecError> {
        let mut fields = Vec::with_capacity(columns.len());
        let mut built = Vec::with_capacity(columns.len());
        for column in columns {
            let in_column = |e: crate::error::UnsupportedType| CodecError::from(e).in_column(&column.name);
            let (spark, shape) = resolve(&column.field_type, opts).map_err(in_column)?;
            let nullable = arrow_type::column_type(&column.field_type, opts)
                .map_err(in_column)?
                .nullable;
            fields.push(Field::new(&column.name, spark.arrow(), nullable));
            built.push(Column::new(spark, shape, nullable));
        }
        Ok(Self {
            names: columns.iter().map(|c| c.name.clone()).collect(),
            field_types: columns.iter().map(|c| c.field_type.clone()).collect(),
            columns: built,
            opts: opts.clone(),
            schema: Arc::new(Schema::new(fields)),
            rows: 0,
        })
    }

    /// The schema of every batch.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// Rows since the last batch.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Bytes allocated for the rows.
    #[must_use]
    pub fn memory_size(&self) -> usize {
        self.columns.iter().map(Column::memory_size).sum()
    }

    /// Appends the rows of one TypeChunk answer (`rows_data` of one tipb Chunk) and says how many there were.
    ///
    /// # Errors
    /// [`CodecError`]: the bytes are damaged, or a value cannot be shown as its column's Spark type.
    pub fn append_chunk(&mut self, rows_data: &[u8]) -> Result<usize, CodecError> {
        if rows_data.is_empty() {
            return Ok(0);
        }
        let appended = if self.columns.is_empty() {
            chunk::count_rows(rows_data)
        } else {
            self.append_columns(rows_data)
        };
        self.settle(appended)
    }

    /// Appends the rows of one TypeDefault answer and says how many there were.
    ///
    /// # Errors
    /// As [`Self::append_chunk`].
    pub fn append_rows(&mut self, rows_data: &[u8]) -> Result<usize, CodecError> {
        let appended = rows::append(&mut self.columns, &self.names, &self.field_types, rows_data, &self.opts);
        self.settle(appended)
    }

    fn append_columns(&mut self, rows_data: &[u8]) -> Result<usize, CodecError> {
        let mut reader = Reader::new(rows_data);
        let mut rows = None;
        for (column, name) in self.columns.iter_mut().zip(&self.names) {
            let appended = chunk::append_column(column, &mut reader, &self.opts).map_err(|e| e.in_column(name))?;
            if *rows.get_or_insert(appended) != appended {
                return Err(CodecError::corrupt("chunk", "its columns differ in length").in_column(name));
            }
        }
        if !reader.is_empty() {
            return Err(CodecError::corrupt(
                "chunk",
                format!("{} bytes follow the last column", reader.rest().len()),
            ));
        }
        Ok(rows.unwrap_or(0))
    }

    /// Counts the rows, or drops what an answer left half done.
    fn settle(&mut self, appended: Result<usize, CodecError>) -> Result<usize, CodecError> {
        match appended {
            Ok(rows) => self.rows += rows,
            Err(_) => self.columns.iter_mut().for_each(|c| c.truncate(self.rows)),
        }
        appended
    }

    /// All rows since the last batch, possibly none; the builder is empty afterwards.
    ///
    /// # Errors
    /// [`CodecError`]: text that is not UTF-8, or NULL in a NOT NULL column. The rows are gone.
    pub fn finish(&mut self) -> Result<RecordBatch, CodecError> {
        let rows = std::mem::take(&mut self.rows);
        let mut arrays = Vec::with_capacity(self.columns.len());
        let mut failed = None;
        for (column, name) in self.columns.iter_mut().zip(&self.names) {
            match column.finish() {
                Ok(array) => arrays.push(array),
                Err(error) => {
                    column.truncate(0);
                    failed.get_or_insert(error.in_column(name));
                }
            }
        }
        if let Some(error) = failed {
            return Err(error);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(self.schema(), arrays, &options).map_err(|e| CodecError::Arrow(e.to_string()))
    }
}
