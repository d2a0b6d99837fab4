//! The chosen way as a part of a plan: source, index side, physical tables.

use prost::Message;
use ti_codec::TypeOptions;
use ti_proto::plan;

use super::path::{Access, Path, Question};
use super::predicate::Conditions;
use super::{index_source, prune};
use crate::catalog::descriptor::TableDescriptor;
use crate::error::Result;
use crate::plan::dag::Source;
use crate::plan::operators::Query;
use crate::plan::statistics::{is_unique, Estimate, Pseudo};
use crate::plan::wire;

/// Rows that one task reads, however many tasks could run.
const SMALL_ROWS: f64 = 10_000.0;
/// Handles that an index look-up collects before it reads their rows, as TiDB's `tidb_index_lookup_size`.
const LOOK_UP_BATCH_ROWS: u64 = 20_000;
/// Requests for rows that an index look-up has in flight.
const LOOK_UP_CONCURRENCY: u32 = 5;

/// How a table is read.
#[derive(Debug, Clone)]
pub struct Chosen {
    /// The way.
    pub path: Path,
    /// Positions of the partitions to read; `None`: all, if there are any.
    pub partitions: Option<Vec<usize>>,
}

/// The index side of a look-up.
pub struct IndexSide {
    /// For the tasks.
    pub wire: wire::LookUp,
    /// Its operators, bottom up.
    pub texts: Vec<String>,
}

impl Chosen {
    /// Chooses.
    ///
    /// # Errors
    /// Those of the query's columns.
    pub fn new(
        table: &TableDescriptor,
        spec: &plan::ScanSpec,
        query: &Query<'_>,
        types: &TypeOptions,
        new_collation: bool,
        estimate: &dyn Estimate,
    ) -> Result<Self> {
        let conditions = conditions(table, spec, types);
        let pruning = spec.push_down.as_ref().is_some_and(|p| p.partition_pruning);
        let question = Question {
            table,
            needed: &query.needed(),
            conditions: &conditions,
            types,
            new_collation,
            push_down: spec.push_down.as_ref(),
            by_scanned_text: query.compares_scanned_text(),
            estimate,
        };
        Ok(Self {
            path: question.choose(),
            partitions: pruning
                .then(|| prune::partitions(table, &conditions, types, new_collation))
                .flatten(),
        })
    }

    /// The lowest executor. Of an index whose entries are only counted, any column will do.
    ///
    /// # Errors
    /// Those of the query's columns.
    pub fn source(&self, table: &TableDescriptor, query: &mut Query<'_>, new_collation: bool) -> Result<Source> {
        let Access::IndexOnly(index) = &self.path.access else {
            let source = Source::table(table, query.columns(), new_collation);
            return Ok(if query.compares_scanned_text() {
                source.with_binary_text(table, new_collation)
            } else {
                source
            });
        };
        let source = index_source::source(table, index, &query.needed(), new_collation);
        if query
            .wanted
            .columns
            .iter()
            .any(|column| source.offset(column).is_none())
        {
            query.wanted.columns = source.columns.iter().take(1).cloned().collect();
        }
        Ok(source)
    }

    /// The index side of a look-up.
    ///
    /// # Errors
    /// As `Query::operators`.
    pub fn index_side(
        &self,
        table: &TableDescriptor,
        spec: &plan::ScanSpec,
        query: &Query<'_>,
        new_collation: bool,
    ) -> Result<Option<IndexSide>> {
        let Access::LookUp(index) = &self.path.access else {
            return Ok(None);
        };
        let source = index_source::with_handle(table, index, new_collation);
        let operators = query.conditions_on(&source, new_collation)?;
        let texts = operators.texts.clone();
        let request = index_source::handle_request(table, source, operators)?;
        let given = spec.push_down.as_ref();
        let batch_rows = given.map_or(0, |p| u64::from(p.index_batch_rows));
        let concurrency = given.map_or(0, |p| p.index_concurrency);
        let wire = wire::LookUp {
            dag: request.encode_to_vec(),
            handle: index_source::handle_parts(table, new_collation).unwrap_or_default(),
            batch_rows: if batch_rows > 0 { batch_rows } else { LOOK_UP_BATCH_ROWS },
            concurrency: if concurrency > 0 {
                concurrency
            } else {
                LOOK_UP_CONCURRENCY
            },
        };
        Ok(Some(IndexSide { wire, texts }))
    }

    /// Is there so little to read that one task does it all?
    pub fn is_small(&self) -> bool {
        self.path.ranges.is_some() && self.path.rows <= SMALL_ROWS
    }

    /// Ids of the physical tables to read.
    pub fn physical_ids(&self, table: &TableDescriptor) -> Vec<i64> {
        match (&table.partitions, &self.partitions) {
            (Some(all), Some(read)) => read.iter().filter_map(|at| all.get(*at)).map(|p| p.id).collect(),
            _ => table.physical_ids(),
        }
    }
}

/// What filters say of columns; nothing unless filters are pushed.
pub fn conditions<'a>(table: &TableDescriptor, spec: &'a plan::ScanSpec, types: &TypeOptions) -> Conditions<'a> {
    match &spec.push_down {
        Some(push_down) if push_down.filters => {
            Conditions::new(table, spec.filters.iter().chain(&spec.runtime_filters), types)
        }
        _ => Conditions::default(),
    }
}

/// Would statistics help to choose how the rows are read? Not when a unique key finds them, nor when there is no choice.
pub fn needs_statistics(
    table: &TableDescriptor,
    spec: &plan::ScanSpec,
    types: &TypeOptions,
    new_collation: bool,
) -> bool {
    let index_read = spec.push_down.as_ref().is_some_and(|p| p.index_read && !p.index_first);
    if !index_read || table.indexes.is_empty() {
        return false;
    }
    let conditions = conditions(table, spec, types);
    if conditions.is_empty() || conditions.never {
        return false;
    }
    let path = Question {
        table,
        needed: &table.columns,
        conditions: &conditions,
        types,
        new_collation,
        push_down: spec.push_down.as_ref(),
        by_scanned_text: false,
        estimate: &Pseudo::default(),
    }
    .choose();
    let unique = match (&path.access, &path.ranges) {
        (Access::IndexOnly(index) | Access::LookUp(index), Some(ranges)) => is_unique(index, ranges),
        (Access::Table, Some(ranges)) => path.rows <= ranges.ranges.len() as f64,
        (_, None) => false,
    };
    !unique
}
