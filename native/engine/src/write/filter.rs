//! The condition of an overwrite: columns compared with constants, all of which hold.
//!
//! Values and constants are compared in the form that they have in keys, whose bytes compare as the values do. The comparison is Spark's: texts byte by byte,
//! whatever the column's collation is; NULL is equal to nothing; what Spark reads as NULL (a date that the calendar does not have) is NULL.

use arrow_array::{Array, ArrayRef};
use arrow_ipc::reader::StreamReader;
use ti_codec::datum::Datum;
use ti_codec::field_type::{type_code as t, FieldType};
use ti_codec::input::InputColumn;
use ti_codec::mysql::time::MysqlTime;
use ti_codec::TypeOptions;
use ti_proto::plan;
use ti_proto::plan::row_filter::Operator;

use super::refuse::refusal;
use super::table::WriteTable;
use crate::catalog::find;
use crate::error::{Error, ErrorKind, Result};

/// A conjunction. Without any comparison it holds for every row.
#[derive(Debug, Clone, Default)]
pub struct Condition {
    comparisons: Vec<Comparison>,
}

#[derive(Debug, Clone)]
struct Comparison {
    offset: usize,
    operator: Operator,
    /// In the form of keys.
    constants: Vec<Vec<u8>>,
}

impl Condition {
    /// Reads the condition of a request.
    ///
    /// # Errors
    /// `ColumnNotFound`; `UnsupportedFeature` for a column whose values cannot be compared; `InvalidArgument` for constants that are not
    /// of its type.
    pub fn new(request: &plan::WriteSpec, table: &WriteTable, types: &TypeOptions) -> Result<Self> {
        let comparisons = request
            .filters
            .iter()
            .map(|filter| comparison(filter, request.case_sensitive, table, types))
            .collect::<Result<_>>()?;
        Ok(Self { comparisons })
    }

    /// Does it hold for a row, given by its datums by column offset?
    pub fn holds(&self, values: &[Datum<'_>]) -> Result<bool> {
        for comparison in &self.comparisons {
            let value = values.get(comparison.offset).unwrap_or(&Datum::Null);
            if !comparison.holds(value)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Does it hold for every row?
    pub fn is_always(&self) -> bool {
        self.comparisons.is_empty()
    }
}

impl Comparison {
    fn holds(&self, value: &Datum<'_>) -> Result<bool> {
        match self.operator {
            Operator::IsNull => return Ok(*value == Datum::Null),
            Operator::IsNotNull => return Ok(*value != Datum::Null),
            _ if *value == Datum::Null => return Ok(false),
            _ => {}
        }
        let value = key_form(value)?;
        Ok(self.constants.iter().any(|constant| match self.operator {
            Operator::Equal | Operator::In => value == *constant,
            Operator::Less => value < *constant,
            Operator::LessOrEqual => value <= *constant,
            Operator::Greater => value > *constant,
            Operator::GreaterOrEqual => value >= *constant,
            Operator::IsNull | Operator::IsNotNull => false,
        }))
    }
}

fn key_form(value: &Datum<'_>) -> Result<Vec<u8>> {
    let mut key = Vec::new();
    match value {
        // -0 is equal to 0.
        Datum::Float(v) if *v == 0.0 => Datum::Float(0.0).encode_key(&mut key)?,
        // The same number has the same bytes whatever its precision is said to be.
        Datum::Decimal { value, .. } => Datum::Decimal {
            value: *value,
            precision: 65,
            scale: 30,
        }
        .encode_key(&mut key)?,
        other => other.encode_key(&mut key)?,
    }
    Ok(key)
}

/// The type that a constant is read as: without the limits that would change it.
fn constant_type(ty: &FieldType) -> FieldType {
    let mut wide = ty.clone();
    match ty.tp {
        t::DATETIME | t::TIMESTAMP | t::DURATION => wide.decimal = 6,
        t::VARCHAR | t::VAR_STRING | t::STRING | t::TINY_BLOB | t::MEDIUM_BLOB | t::BLOB => {
            wide.tp = t::LONG_BLOB;
            wide.flen = -1;
        }
        _ => {}
    }
    wide
}

fn comparison(
    filter: &plan::RowFilter,
    case_sensitive: bool,
    table: &WriteTable,
    types: &TypeOptions,
) -> Result<Comparison> {
    let operator = Operator::try_from(filter.operator).map_err(|_| {
        Error::new(
            ErrorKind::InvalidArgument,
            format!("the operator {} is not known", filter.operator),
        )
    })?;
    let columns: Vec<(usize, &str)> = table
        .columns
        .iter()
        .enumerate()
        .filter(|(_, c)| !c.hidden)
        .map(|(offset, c)| (offset, c.name.as_str()))
        .collect();
    let found = find(&columns, &filter.column, case_sensitive, |(_, name)| name);
    let (offset, column) = found
        .and_then(|(offset, _)| Some((*offset, table.columns.get(*offset)?)))
        .ok_or_else(|| {
            Error::new(
                ErrorKind::ColumnNotFound,
                format!(
                    "column `{}` does not exist in table {}",
                    filter.column,
                    table.full_name()
                ),
            )
        })?;
    let equality = matches!(
        operator,
        Operator::Equal | Operator::In | Operator::IsNull | Operator::IsNotNull
    );
    let comparable = match column.field_type.tp {
        t::JSON | t::VECTOR_FLOAT32 => matches!(operator, Operator::IsNull | Operator::IsNotNull),
        // Numbers here, texts in Spark.
        t::ENUM | t::SET | t::BIT => equality,
        _ => true,
    };
    if column.generated || !comparable {
        return Err(refusal(
            &table.database,
            &table.name,
            &format!(
                "cannot be overwritten by a condition on column `{}` of type {}; use another column, or delete the rows through TiDB first",
                column.name,
                column.field_type.sql_name()
            ),
        ));
    }
    let ty = constant_type(&column.field_type);
    let mut constants = Vec::new();
    for array in arrays(&filter.values)? {
        if array.is_empty() || array.is_null(0) {
            continue;
        }
        let input = InputColumn::new(&column.name, &ty, types, array.data_type())?;
        let bound = input.bind(&array)?;
        constants.push(key_form(&bound.get(0)?)?);
    }
    Ok(Comparison {
        offset,
        operator,
        constants,
    })
}

/// The columns of an IPC stream of one row; none of no bytes.
fn arrays(stream: &[u8]) -> Result<Vec<ArrayRef>> {
    if stream.is_empty() {
        return Ok(Vec::new());
    }
    let bad = |e: arrow_schema::ArrowError| {
        Error::new(
            ErrorKind::InvalidArgument,
            format!("the constants of a condition cannot be read: {e}"),
        )
    };
    let mut arrays = Vec::new();
    for batch in StreamReader::try_new(stream, None).map_err(bad)? {
        arrays.extend(batch.map_err(bad)?.columns().iter().cloned());
    }
    Ok(arrays)
}

/// What Spark reads as NULL is NULL.
pub fn as_read(mut values: Vec<Datum<'static>>, table: &WriteTable) -> Vec<Datum<'static>> {
    for (value, column) in values.iter_mut().zip(&table.columns) {
        if let (Datum::Uint(packed), t::DATE | t::DATETIME | t::TIMESTAMP) = (&*value, column.field_type.tp) {
            if !MysqlTime::from_packed(*packed).is_ok_and(|time| time.in_calendar()) {
                *value = Datum::Null;
            }
        }
    }
    values
}
