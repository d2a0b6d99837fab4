//! Which partition a row belongs to.
//!
//! ```text
//! HASH(expr)         |expr % n|; NULL: the first                                    expr
//! KEY(columns)       CRC-32 of the columns' texts (sort keys, for texts) % n         value
//! RANGE(expr)        the first bound above expr; NULL: the first                     expr
//! RANGE COLUMNS      the same with tuples, in which NULL is below everything         value
//! LIST(expr)         the partition that lists it, else DEFAULT                       expr
//! LIST COLUMNS       the same with tuples                                            value
//! ```
//! What TiDB would do is done exactly or refused by name when the table is opened. Source: TiDB `table/tables/partition.go`.

mod expr;
mod parse;
mod prune;
mod value;

pub use prune::{Bound, ColumnValues};

use std::collections::HashMap;

use ti_codec::datum::Datum;
use ti_codec::field_type::FieldType;

use crate::catalog::descriptor::{PartitionDescriptor, PartitioningDescriptor, TableDescriptor};
use crate::catalog::show::field_type;
use crate::catalog::table_info::{PartitionDefinition, TableInfo};
use crate::error::{Error, ErrorKind, Result};
use expr::Expr;
use value::{Crc32, PartitionColumn, Value};

const RANGE: u8 = 1;
const HASH: u8 = 2;
const LIST: u8 = 3;
const KEY: u8 = 4;

const MAXVALUE: &str = "MAXVALUE";
const DEFAULT: &str = "DEFAULT";
const NULL: &str = "NULL";

/// Finds the partitions of rows.
#[derive(Debug)]
pub struct PartitionLocator {
    table: String,
    rule: Rule,
    ids: Vec<i64>,
}

#[derive(Debug)]
enum Rule {
    Hash(Expr),
    Key(Vec<PartitionColumn>),
    /// Upper bounds, not part of their partitions; `None`: MAXVALUE.
    Range(Expr, Vec<Option<i128>>),
    /// A bound ends before its first MAXVALUE.
    RangeColumns(Vec<PartitionColumn>, Vec<Vec<Value<'static>>>),
    /// By value, NULL included.
    List(Expr, Listed<Option<i128>>),
    ListColumns(Vec<PartitionColumn>, Listed<Vec<Value<'static>>>),
}

/// Index of the partition by value, and of the DEFAULT partition.
#[derive(Debug)]
struct Listed<K> {
    partitions: HashMap<K, usize>,
    default: Option<usize>,
}

pub(super) fn unsupported(reason: impl Into<String>) -> Error {
    Error::new(ErrorKind::UnsupportedFeature, reason)
}

fn damaged(reason: impl Into<String>) -> Error {
    Error::new(ErrorKind::Decode, reason)
}

/// A column that rows may be placed by.
#[derive(Debug)]
struct Column {
    name: String,
    /// Where its value is in rows.
    offset: usize,
    ty: FieldType,
}

impl PartitionLocator {
    /// For a partitioned table. Rows are given as their datums by column offset.
    ///
    /// # Errors
    /// `UnsupportedFeature` when rows cannot be placed as TiDB places them (an expression, a type, a collation), or while a statement changes the
    /// partitions; `InvalidArgument` when the table has no partitions; `Decode` when its description contradicts itself.
    pub fn new(table: &TableInfo) -> Result<Self> {
        let name = &table.name.0;
        let partition = table
            .partition
            .as_ref()
            .filter(|p| p.enable)
            .ok_or_else(|| Error::new(ErrorKind::InvalidArgument, format!("table `{name}` is not partitioned")))?;
        let place = |e: Error| e.context(format!("the partitions of table `{name}`"));
        if partition.ddl_action != 0 || partition.ddl_state != 0 {
            return Err(place(unsupported(
                "a statement is changing them; write again when ADMIN SHOW DDL JOBS shows it done",
            )));
        }
        let columns = table.cols.iter().map(|c| Column {
            name: c.name.0.clone(),
            offset: c.offset,
            ty: field_type(&c.field_type),
        });
        let columns: Vec<Column> = columns.collect();
        let rule = PartitioningDescriptor {
            method: partition.method,
            expr: partition.expr.clone(),
            columns: partition.columns.iter().map(|name| name.0.clone()).collect(),
        };
        let definition = |d: &PartitionDefinition| PartitionDescriptor {
            id: d.id,
            name: d.name.0.clone(),
            less_than: d.less_than.clone(),
            in_values: d.in_values.clone(),
        };
        let definitions: Vec<_> = partition.definitions.iter().map(definition).collect();
        Self::build(name, &columns, &rule, &definitions).map_err(place)
    }

    /// For the readable partitions of a table. Rows are given as the datums of its public columns in their order.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn of_descriptor(table: &TableDescriptor) -> Result<Self> {
        let (Some(rule), Some(partitions)) = (&table.partitioning, &table.partitions) else {
            return Err(unsupported("they are none, or a statement is changing them"));
        };
        let columns = table.columns.iter().enumerate().map(|(offset, c)| Column {
            name: c.name.clone(),
            offset,
            ty: c.field_type(),
        });
        let columns: Vec<Column> = columns.collect();
        Self::build(&table.table, &columns, rule, partitions)
    }

    fn build(
        table: &str,
        columns: &[Column],
        partitioning: &PartitioningDescriptor,
        definitions: &[PartitionDescriptor],
    ) -> Result<Self> {
        if definitions.is_empty() {
            return Err(damaged("there are none"));
        }
        let expr = || Expr::parse(&partitioning.expr, columns);
        let by_columns = !partitioning.columns.is_empty();
        let key_columns = || -> Result<Vec<PartitionColumn>> {
            let column = |name: &String| PartitionColumn::new(find(columns, name)?);
            partitioning.columns.iter().map(column).collect()
        };
        let rule = match (partitioning.method, by_columns) {
            (HASH, false) => Rule::Hash(expr()?),
            (KEY, true) => {
                let columns = key_columns()?;
                columns.iter().try_for_each(PartitionColumn::check_key)?;
                Rule::Key(columns)
            }
            (RANGE, false) => {
                let bounds = definitions.iter().map(range_bound).collect::<Result<_>>()?;
                Rule::Range(expr()?, bounds)
            }
            (RANGE, true) => {
                let columns = key_columns()?;
                let bounds = definitions
                    .iter()
                    .map(|d| column_bounds(d, &columns))
                    .collect::<Result<_>>()?;
                Rule::RangeColumns(columns, bounds)
            }
            (LIST, false) => {
                let one = |values: &[String]| match values {
                    [value] if value.eq_ignore_ascii_case(NULL) => Ok(None),
                    [value] => number(value).map(Some),
                    _ => Err(damaged(format!("({}) is not one value", values.join(", ")))),
                };
                Rule::List(expr()?, listed(definitions, one)?)
            }
            (LIST, true) => {
                let columns = key_columns()?;
                let all = |values: &[String]| tuple(values, &columns);
                let listed = listed(definitions, all)?;
                Rule::ListColumns(columns, listed)
            }
            (method, _) => return Err(unsupported(format!("method {method} is not known to this version"))),
        };
        Ok(Self {
            table: table.to_owned(),
            rule,
            ids: definitions.iter().map(|d| d.id).collect(),
        })
    }

    /// Physical table id of the partition of a row, which is given as its datums by column offset.
    ///
    /// # Errors
    /// `InvalidValue` when no partition takes the row, or its value cannot be placed (a date that is not in the calendar, an overflow).
    pub fn locate(&self, row: &[Datum<'_>]) -> Result<i64> {
        let found = self.index(row)?;
        self.ids
            .get(found)
            .copied()
            .ok_or_else(|| damaged(format!("table `{}` has no partition number {found}", self.table)))
    }

    fn index(&self, row: &[Datum<'_>]) -> Result<usize> {
        self.place(row)?.map_err(|value| self.no_partition(&value))
    }

    /// The partition's number, or the value that no partition takes.
    fn place(&self, row: &[Datum<'_>]) -> Result<std::result::Result<usize, String>> {
        let missing = |value: Option<i128>| value.map_or_else(|| NULL.to_owned(), |v| v.to_string());
        Ok(match &self.rule {
            Rule::Hash(expr) => {
                let Some(value) = expr.evaluate(row)? else {
                    return Ok(Ok(0));
                };
                // As TiDB: the bits of an unsigned value as a signed one, and the remainder's sign dropped.
                let count = i64::try_from(self.ids.len()).unwrap_or(i64::MAX);
                let remainder = (value as i64 % count).unsigned_abs();
                Ok(usize::try_from(remainder).unwrap_or_default())
            }
            Rule::Key(columns) => {
                let mut crc = Crc32::default();
                for column in columns {
                    column.hash(row, &mut crc)?;
                }
                let count = u32::try_from(self.ids.len()).unwrap_or(u32::MAX);
                Ok(usize::try_from(crc.finish() % count).unwrap_or_default())
            }
            Rule::Range(expr, bounds) => {
                let value = expr.evaluate(row)?;
                let below = |bound: &Option<i128>| match (value, bound) {
                    (None, _) | (_, None) => true,
                    (Some(value), Some(bound)) => value < *bound,
                };
                let at = bounds.partition_point(|bound| !below(bound));
                (at < bounds.len()).then_some(at).ok_or_else(|| missing(value))
            }
            Rule::RangeColumns(columns, bounds) => {
                let values = values(columns, row)?;
                let at = bounds.partition_point(|bound| !is_below(&values, bound));
                (at < bounds.len()).then_some(at).ok_or_else(|| shown(&values))
            }
            Rule::List(expr, listed) => {
                let value = expr.evaluate(row)?;
                listed.get(&value).ok_or_else(|| missing(value))
            }
            Rule::ListColumns(columns, listed) => {
                let values = values(columns, row)?;
                listed.get(&values).ok_or_else(|| shown(&values))
            }
        })
    }

    fn no_partition(&self, value: &str) -> Error {
        Error::new(
            ErrorKind::InvalidValue,
            format!(
                "table `{}` has no partition for value {value}; add a partition that takes it, or leave the row out",
                self.table
            ),
        )
    }
}

impl<K: std::hash::Hash + Eq> Listed<K> {
    fn get<Q: ?Sized + std::hash::Hash + Eq>(&self, value: &Q) -> Option<usize>
    where
        K: std::borrow::Borrow<Q>,
    {
        self.partitions.get(value).copied().or(self.default)
    }
}

/// Is the tuple below the bound? A bound that ended with MAXVALUE takes what is equal before.
fn is_below(values: &[Value<'_>], bound: &[Value<'static>]) -> bool {
    for (value, bound) in values.iter().zip(bound) {
        match value.cmp(bound) {
            std::cmp::Ordering::Less => return true,
            std::cmp::Ordering::Greater => return false,
            std::cmp::Ordering::Equal => {}
        }
    }
    bound.len() < values.len()
}

fn values<'b>(columns: &[PartitionColumn], row: &'b [Datum<'_>]) -> Result<Vec<Value<'b>>> {
    columns.iter().map(|column| column.value(row)).collect()
}

fn shown(values: &[Value<'_>]) -> String {
    let texts: Vec<String> = values.iter().map(ToString::to_string).collect();
    format!("({})", texts.join(", "))
}

/// A column by its name; names are equal without case.
fn find<'a>(columns: &'a [Column], name: &str) -> Result<&'a Column> {
    let wanted = name.to_lowercase();
    columns
        .iter()
        .find(|c| c.name.to_lowercase() == wanted)
        .ok_or_else(|| damaged(format!("they are made of column `{name}`, which does not exist")))
}

fn number(text: &str) -> Result<i128> {
    text.trim()
        .parse()
        .map_err(|_| unsupported(format!("the bound or value {text} is not a number")))
}

fn range_bound(definition: &PartitionDescriptor) -> Result<Option<i128>> {
    match definition.less_than.as_slice() {
        [bound] if bound.eq_ignore_ascii_case(MAXVALUE) => Ok(None),
        [bound] => number(bound).map(Some),
        _ => Err(damaged(format!("`{}` has not one bound", definition.name))),
    }
}

fn column_bounds(definition: &PartitionDescriptor, columns: &[PartitionColumn]) -> Result<Vec<Value<'static>>> {
    let texts = &definition.less_than;
    if texts.len() != columns.len() {
        return Err(damaged(format!(
            "`{}` has {} bounds for {} columns",
            definition.name,
            texts.len(),
            columns.len()
        )));
    }
    let bounds = texts.iter().zip(columns);
    bounds
        .take_while(|(text, _)| !text.eq_ignore_ascii_case(MAXVALUE))
        .map(|(text, column)| column.bound(text))
        .collect()
}

fn tuple(texts: &[String], columns: &[PartitionColumn]) -> Result<Vec<Value<'static>>> {
    if texts.len() != columns.len() {
        return Err(damaged(format!(
            "({}) does not have {} values",
            texts.join(", "),
            columns.len()
        )));
    }
    let value = |(text, column): (&String, &PartitionColumn)| {
        if text.eq_ignore_ascii_case(NULL) {
            Ok(Value::Null)
        } else {
            column.listed(text)
        }
    };
    texts.iter().zip(columns).map(value).collect()
}

fn listed<K: std::hash::Hash + Eq>(
    definitions: &[PartitionDescriptor],
    key: impl Fn(&[String]) -> Result<K>,
) -> Result<Listed<K>> {
    let mut all = Listed {
        partitions: HashMap::new(),
        default: None,
    };
    for (at, definition) in definitions.iter().enumerate() {
        for values in &definition.in_values {
            match values.as_slice() {
                [only] if only.eq_ignore_ascii_case(DEFAULT) => all.default = Some(at),
                values => {
                    all.partitions.entry(key(values)?).or_insert(at);
                }
            }
        }
    }
    Ok(all)
}
