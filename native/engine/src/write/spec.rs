//! What Spark asks for, checked against the table: where the value of each column of a row comes from.

use std::collections::HashSet;
use std::time::Duration;

use ti_codec::datum::Datum;
use ti_codec::field_type::type_code as t;
use ti_codec::mysql::time::MysqlTime;
use ti_codec::{FieldType, TypeOptions};
use ti_proto::plan;
use ti_proto::plan::write_spec::{Mode, Overwrite};

use super::delta::spec::{row_ids, DeltaSpec};
use super::filter::Condition;
use super::refuse::refusal;
use super::table::{AutoColumn, Default, HandleSource, WriteTable};
use crate::catalog::descriptor::ROWID_NAME;
use crate::catalog::find;
use crate::error::{Error, ErrorKind, Result};
use crate::timestamp::LOGICAL_BITS;
use crate::types::type_options;

/// Where a column's value comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// The batches' column of this position.
    Input(usize),
    /// The same value in every row.
    Constant(Datum<'static>),
    /// A generated id.
    Id,
    /// Generated columns: nothing is stored.
    Nothing,
}

/// A checked [`plan::WriteSpec`].
#[derive(Debug, Clone)]
pub struct Spec {
    /// By the columns' offsets.
    pub sources: Vec<Source>,
    /// Offset of the table's column for each column of the batches.
    pub inputs: Vec<usize>,
    /// How the batches show MySQL's types.
    pub types: TypeOptions,
    /// What happens to taken keys.
    pub mode: Mode,
    /// Of changes of rows; `None`: the batches have new rows.
    pub delta: Option<DeltaSpec>,
    /// What happens to the table's rows.
    pub overwrite: Overwrite,
    /// Which rows an overwrite of the table removes.
    pub condition: Condition,
    /// Tasks may run twice at once.
    pub speculation: bool,
    /// Equal handles meet in one task, one after the other.
    pub clustered: bool,
    /// Mutations of a buffer, bytes.
    pub batch_bytes: usize,
    /// One request, bytes.
    pub request_bytes: usize,
    /// Requests in flight per task.
    pub concurrency: usize,
    /// Return before the secondaries are committed.
    pub resolve_in_background: bool,
    /// For one prewrite with its retries.
    pub prewrite_deadline: Duration,
    /// For each step of the commit with its retries.
    pub commit_deadline: Duration,
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidArgument, message)
}

fn positive(name: &str, value: u64) -> Result<usize> {
    match usize::try_from(value) {
        Ok(0) => Err(invalid(format!("{name} is 0: it must be at least 1"))),
        Ok(value) => Ok(value),
        Err(_) => Err(invalid(format!("{name} is {value}, which is too much"))),
    }
}

impl Spec {
    /// Checks a request.  `start_ts` is the moment that CURRENT_TIMESTAMP means.
    ///
    /// # Errors
    /// `InvalidArgument`, `ColumnNotFound`, `UnsupportedFeature`: what cannot be done, by name.
    pub fn new(spec: &plan::WriteSpec, table: &WriteTable, start_ts: u64) -> Result<Self> {
        let types = type_options(spec.types.as_ref())?;
        let mode =
            Mode::try_from(spec.mode).map_err(|_| invalid(format!("the write mode {} is not known", spec.mode)))?;
        let overwrite = Overwrite::try_from(spec.overwrite)
            .map_err(|_| invalid(format!("the overwrite mode {} is not known", spec.overwrite)))?;
        check_modes(spec, table, mode, overwrite)?;
        let inputs = input_columns(spec, table)?;
        let (mut sources, mut not_given) = (Vec::with_capacity(table.columns.len()), None);
        for offset in 0..table.columns.len() {
            sources.push(match source(table, &inputs, offset, &types, start_ts) {
                Ok(source) => source,
                Err(error) => {
                    not_given.get_or_insert(error);
                    Source::Nothing
                }
            });
        }
        let delta = match (mode, not_given) {
            // Rows that only change need no defaults.
            (Mode::Delta, not_given) => {
                let row_ids = row_ids(spec, table)?;
                let now = |ty: &FieldType| now(ty, &types, start_ts);
                Some(DeltaSpec::new(table, row_ids, &inputs, not_given, now)?)
            }
            (_, Some(error)) => return Err(error),
            (_, None) => None,
        };
        Ok(Self {
            delta,
            condition: Condition::new(spec, table, &types)?,
            sources,
            inputs,
            types,
            mode,
            overwrite,
            speculation: spec.speculation,
            clustered: spec.clustered,
            batch_bytes: positive("write.batch.size", spec.batch_bytes)?,
            request_bytes: positive("write.request.size", spec.request_bytes)?,
            concurrency: positive("write.concurrency", u64::from(spec.concurrency))?,
            resolve_in_background: spec.resolve_in_background,
            prewrite_deadline: Duration::from_millis(positive("deadline.prewrite", spec.prewrite_deadline_ms)? as u64),
            commit_deadline: Duration::from_millis(positive("deadline.commit", spec.commit_deadline_ms)? as u64),
        })
    }

    /// Are ids generated for all rows?
    pub fn generates_ids(&self, table: &WriteTable) -> bool {
        if self.delta.as_ref().is_some_and(|delta| !delta.puts) {
            return false;
        }
        let left_out = |auto: AutoColumn| self.sources.get(auto.offset()) == Some(&Source::Id);
        matches!(table.handle, HandleSource::RowId(_)) || table.auto.is_some_and(left_out)
    }

    /// Must rows be staged until it is known what is in their way?
    pub fn stages_rows(&self) -> bool {
        matches!(self.mode, Mode::Upsert | Mode::Ignore) || !self.condition.is_always()
    }

    /// May a store be told that keys are free? Not when the write removes rows itself, because their keys may be taken again.
    pub fn expects_free_keys(&self) -> bool {
        matches!(self.mode, Mode::Append | Mode::Ignore) && self.overwrite == Overwrite::None
    }
}

fn check_modes(spec: &plan::WriteSpec, table: &WriteTable, mode: Mode, overwrite: Overwrite) -> Result<()> {
    if !spec.filters.is_empty() && overwrite != Overwrite::All {
        return Err(invalid("a write has a condition and overwrites nothing by it"));
    }
    if overwrite != Overwrite::None && mode != Mode::Append {
        return Err(invalid(
            "a write that overwrites cannot also upsert, ignore or change rows: nothing is left that could be in the way",
        ));
    }
    if mode != Mode::Delta && !spec.row_id_columns.is_empty() {
        return Err(invalid("a write names row id columns and changes no rows"));
    }
    if overwrite == Overwrite::Partitions {
        if table.partitioner.is_none() {
            return Err(invalid(format!(
                "table {} has no partitions that could be overwritten; overwrite the whole table",
                table.full_name()
            )));
        }
        if let Some(index) = table.indexes.iter().find(|index| index.global) {
            return Err(refusal(
                &table.database,
                &table.name,
                &format!(
                    "has the global index `{}`, and single partitions of such a table cannot be overwritten yet",
                    index.name
                ),
            ));
        }
    }
    Ok(())
}

/// Offsets of the columns that the batches have.
fn input_columns(spec: &plan::WriteSpec, table: &WriteTable) -> Result<Vec<usize>> {
    let mut seen = HashSet::new();
    let columns: Vec<(usize, &str)> = table
        .columns
        .iter()
        .enumerate()
        .filter(|(_, c)| !c.hidden)
        .map(|(offset, c)| (offset, c.name.as_str()))
        .collect();
    spec.columns
        .iter()
        .map(|name| {
            let found = find(&columns, name, spec.case_sensitive, |(_, name)| name);
            let Some((offset, _)) = found.copied() else {
                if name.eq_ignore_ascii_case(ROWID_NAME) {
                    return Err(refusal(
                        &table.database,
                        &table.name,
                        "gives every row its `_tidb_rowid` itself; leave the column out",
                    ));
                }
                return Err(Error::new(
                    ErrorKind::ColumnNotFound,
                    format!("column `{name}` does not exist in table {}", table.full_name()),
                ));
            };
            if !seen.insert(offset) {
                return Err(invalid(format!(
                    "column `{name}` of table {} is given twice",
                    table.full_name()
                )));
            }
            if table.columns.get(offset).is_some_and(|c| c.generated) {
                return Err(invalid(format!(
                    "column `{name}` of table {} is generated and cannot be given",
                    table.full_name()
                )));
            }
            Ok(offset)
        })
        .collect()
}

/// Where the value of a column comes from.
///
/// # Errors
/// `InvalidArgument`: it must be given and is not. `UnsupportedFeature`: only TiDB can evaluate its default.
fn source(table: &WriteTable, inputs: &[usize], offset: usize, types: &TypeOptions, start_ts: u64) -> Result<Source> {
    if let Some(position) = inputs.iter().position(|input| *input == offset) {
        return Ok(Source::Input(position));
    }
    if table.auto.is_some_and(|auto| auto.offset() == offset) {
        return Ok(Source::Id);
    }
    let Some(column) = table.columns.get(offset).filter(|c| !c.generated) else {
        return Ok(Source::Nothing);
    };
    Ok(match &column.default {
        Default::Value(value) => Source::Constant(value.clone()),
        Default::Now | Default::Today => Source::Constant(now(&column.field_type, types, start_ts)?),
        Default::Missing => {
            return Err(invalid(format!(
                "column `{}` of table {} has no default value: the write must give it",
                column.name,
                table.full_name()
            )))
        }
        Default::Expression(text) => {
            return Err(refusal(
                &table.database,
                &table.name,
                &format!(
                    "has the column `{}` whose default value `{text}` is an expression that TiDB evaluates; give the column",
                    column.name
                ),
            ))
        }
    })
}

/// The columns that a write must give and does not.
pub fn missing(table: &WriteTable, inputs: &[usize]) -> Vec<String> {
    table
        .columns
        .iter()
        .enumerate()
        .filter(|(offset, column)| {
            !inputs.contains(offset)
                && !column.generated
                && column.default == Default::Missing
                && table.auto.is_none_or(|auto| auto.offset() != *offset)
        })
        .map(|(_, column)| column.name.clone())
        .collect()
}

/// The time of the write, the same in all rows. TIMESTAMP is kept in UTC; DATETIME and DATE have the session's wall clock.
fn now(ty: &FieldType, types: &TypeOptions, start_ts: u64) -> Result<Datum<'static>> {
    let millis = i64::try_from(start_ts >> LOGICAL_BITS)
        .map_err(|_| Error::new(ErrorKind::Internal, "the start timestamp is out of range"))?;
    let utc = millis * 1_000;
    let local = match ty.tp {
        t::TIMESTAMP => utc,
        _ => types.time_zone.utc_to_local(utc),
    };
    let unit = match ty.tp {
        t::DATE => 86_400_000_000,
        _ => 10_i64.pow(6 - u32::from(ty.fsp())),
    };
    let time = MysqlTime::from_wall_micros(local - local.rem_euclid(unit))
        .ok_or_else(|| Error::new(ErrorKind::Internal, "the time of the write is out of range"))?;
    Ok(Datum::Uint(time.to_packed()))
}

/// Re-exported for the check that is made before there is a transaction.
pub(super) fn given_columns(spec: &plan::WriteSpec, table: &WriteTable) -> Result<Vec<usize>> {
    let mode = Mode::try_from(spec.mode).map_err(|_| invalid(format!("the write mode {} is not known", spec.mode)))?;
    let overwrite = Overwrite::try_from(spec.overwrite)
        .map_err(|_| invalid(format!("the overwrite mode {} is not known", spec.overwrite)))?;
    check_modes(spec, table, mode, overwrite)?;
    if !spec.row_id_columns.is_empty() {
        row_ids(spec, table)?;
    }
    input_columns(spec, table)
}
