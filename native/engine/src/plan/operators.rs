//! The executors above a source: ScanSpec's filters, aggregation, order and limit.
//!
//! ```text
//! Query::new(spec) -> columns that a source has to have -> Source -> Query::operators(source)
//!    [source] -> Selection -> Aggregation | TopN | Limit            each per region and request: Spark merges what they answer
//! ```

use prost::Message;
use ti_codec::TypeOptions;
use ti_proto::{plan, tipb};

use super::aggregate::{self, Aggregated};
use super::dag::{self, Source, Wanted};
use super::expr::pb::Builder;
use super::expr::value::Value;
use super::expr::{Binder, Filter, Null, Pushed, Reason};
use super::rules::Rules;
use crate::catalog::descriptor::{ColumnDescriptor, TableDescriptor};
use crate::error::{Error, ErrorKind, Result};

/// What is done with the rows of a source.
pub struct Query<'a> {
    table: &'a TableDescriptor,
    types: &'a TypeOptions,
    rules: Rules,
    filters: &'a [plan::Expr],
    runtime_filters: &'a [plan::Expr],
    aggregation: Option<&'a plan::Aggregation>,
    order: &'a [plan::SortOrder],
    limit: Option<u64>,
    /// Columns in expressions, each once.
    evaluated: Vec<ColumnDescriptor>,
    /// Columns of the output; of an aggregation those that have to be read for it.
    pub wanted: Wanted,
}

/// Executors, bottom up, and what is known of them.
#[derive(Debug, Clone, Default)]
pub struct Operators {
    /// As they follow the source.
    pub executors: Vec<tipb::Executor>,
    /// As EXPLAIN prints them, in the same order.
    pub texts: Vec<String>,
    /// The answers are groups.
    pub aggregated: Option<Aggregated>,
    /// Rows that one task needs at most, in any order.
    pub limit: Option<u64>,
}

impl<'a> Query<'a> {
    /// What a plan's spec asks for.
    ///
    /// # Errors
    /// A column that does not exist or cannot be read.
    pub fn new(
        table: &'a TableDescriptor,
        spec: &'a plan::ScanSpec,
        types: &'a TypeOptions,
        rules: Rules,
    ) -> Result<Self> {
        let names = if spec.aggregation.is_some() {
            &[]
        } else {
            spec.columns.as_slice()
        };
        let mut wanted = Wanted::new(table, names, types)?;
        let evaluated = evaluated(table, spec, types)?;
        if spec.aggregation.is_some() && !evaluated.is_empty() {
            wanted.columns.clone_from(&evaluated);
        }
        Ok(Self {
            table,
            types,
            rules,
            filters: &spec.filters,
            runtime_filters: &spec.runtime_filters,
            aggregation: spec.aggregation.as_ref(),
            order: &spec.order,
            limit: spec.limit,
            evaluated,
            wanted,
        })
    }

    /// The columns that a source has to have, each once.
    pub fn columns(&self) -> Vec<ColumnDescriptor> {
        self.with_evaluated(self.wanted.distinct())
    }

    /// The same without a column that is there to be counted.
    pub fn needed(&self) -> Vec<ColumnDescriptor> {
        self.with_evaluated(if self.wanted.count_only {
            Vec::new()
        } else {
            self.wanted.distinct()
        })
    }

    fn with_evaluated(&self, mut columns: Vec<ColumnDescriptor>) -> Vec<ColumnDescriptor> {
        for column in &self.evaluated {
            dag::add_column(&mut columns, column);
        }
        columns
    }

    /// The conditions that can be checked with some columns alone.
    ///
    /// # Errors
    /// As [`Query::operators`].
    pub fn conditions_on(&self, source: &Source, new_collation: bool) -> Result<Operators> {
        let has_all = |filter: &plan::Expr| {
            names(filter).iter().all(|name| {
                let column = self.table.column(name);
                column.is_ok_and(|column| source.offset(&column).is_some())
            })
        };
        let mut operators = Operators::default();
        operators.select(self.conditions(&self.binder(source, new_collation), has_all)?);
        Ok(operators)
    }

    fn binder<'s>(&'s self, source: &'s Source, new_collation: bool) -> Binder<'s> {
        let pb = Builder::new(new_collation);
        Binder::new(self.table, &source.columns, self.types, &self.rules, pb)
    }

    /// The filters that are to be kept; those that joins found only as far as they can be pushed.
    fn conditions(&self, binder: &Binder<'_>, keep: impl Fn(&plan::Expr) -> bool) -> Result<Vec<Filter>> {
        let mut filters = Vec::new();
        for filter in self.filters.iter().filter(|f| keep(f)) {
            filters.push(binder.filter(filter).map_err(|reason| refused("filter", &reason))?);
        }
        let runtime = self.runtime_filters.iter().filter(|f| keep(f));
        filters.extend(runtime.filter_map(|f| binder.filter(f).ok()));
        Ok(filters)
    }

    /// Are strings compared by executors that take the collation from the scan?
    pub fn compares_scanned_text(&self) -> bool {
        self.aggregation.is_some() || !self.order.is_empty()
    }

    /// Builds the executors. What cannot be built was not announced by `check`.
    ///
    /// # Errors
    /// `InvalidArgument` for something that cannot be pushed.
    pub fn operators(&self, source: &Source, new_collation: bool) -> Result<Operators> {
        let binder = self.binder(source, new_collation);
        let mut operators = Operators::default();
        operators.select(self.conditions(&binder, |_| true)?);
        if let Some(aggregation) = self.aggregation {
            let (executor, text, aggregated) =
                aggregate::executor(&binder, aggregation).map_err(|reason| refused("aggregation", &reason))?;
            operators.push(executor, text);
            operators.aggregated = Some(aggregated);
        } else if let Some(limit) = self.limit {
            if self.order.is_empty() {
                operators.push(
                    limit_executor(limit),
                    format!("Limit(cop[tikv]) offset:0, count:{limit}"),
                );
                operators.limit = Some(limit);
            } else {
                let (executor, text) = top_n(&binder, self.order, limit).map_err(|reason| refused("order", &reason))?;
                operators.push(executor, text);
            }
        }
        Ok(operators)
    }
}

/// What the stores compute of a spec, but for the filters that joins found.
pub fn expressions(spec: &plan::ScanSpec) -> impl Iterator<Item = &plan::Expr> {
    let order = spec.order.iter().filter_map(|order| order.expression.as_ref());
    let aggregation = spec.aggregation.iter().flat_map(|aggregation| {
        let arguments = aggregation.aggregates.iter().flat_map(|aggregate| &aggregate.arguments);
        aggregation.group_by.iter().chain(arguments)
    });
    spec.filters.iter().chain(aggregation).chain(order)
}

/// Columns in expressions, each once.
fn evaluated(table: &TableDescriptor, spec: &plan::ScanSpec, types: &TypeOptions) -> Result<Vec<ColumnDescriptor>> {
    let mut columns = Vec::new();
    for name in expressions(spec).flat_map(names) {
        dag::add_column(&mut columns, &dag::readable_column(table, name, types)?);
    }
    // What a join found may name a column that cannot be read: it is left out then.
    for name in spec.runtime_filters.iter().flat_map(names) {
        if let Ok(column) = dag::readable_column(table, name, types) {
            dag::add_column(&mut columns, &column);
        }
    }
    Ok(columns)
}

fn refused(what: &str, reason: &Reason) -> Error {
    Error::new(
        ErrorKind::InvalidArgument,
        format!("the plan has a {what} that cannot be pushed down: {}", reason.0),
    )
}

impl Operators {
    fn push(&mut self, executor: tipb::Executor, text: String) {
        self.executors.push(executor);
        self.texts.push(text);
    }

    /// Conditions that several filters have in common (IS NOT NULL, valid dates) are sent once.
    fn select(&mut self, filters: Vec<Filter>) {
        let mut conditions: Vec<tipb::Expr> = Vec::new();
        let mut seen: Vec<Vec<u8>> = Vec::new();
        let mut texts: Vec<String> = Vec::new();
        // Those of a single column come first: the checks of dates are dear and the same rows may fail a comparison.
        let (first, last): (Vec<_>, Vec<_>) = filters
            .into_iter()
            .map(|filter| {
                let mut conditions = filter.conditions.into_iter();
                texts.extend(filter.texts.into_iter().filter(|t| !t.is_empty()));
                (conditions.next(), conditions.collect::<Vec<_>>())
            })
            .unzip();
        for condition in first.into_iter().flatten().chain(last.into_iter().flatten()) {
            let bytes = condition.encode_to_vec();
            if !seen.contains(&bytes) {
                seen.push(bytes);
                conditions.push(condition);
            }
        }
        let mut distinct: Vec<String> = Vec::new();
        for text in texts {
            if !distinct.contains(&text) {
                distinct.push(text);
            }
        }
        if conditions.is_empty() {
            return;
        }
        let executor = tipb::Executor {
            tp: Some(tipb::ExecType::TypeSelection.into()),
            selection: Some(tipb::Selection { conditions }),
            executor_id: Some("Selection".into()),
            ..Default::default()
        };
        self.push(executor, format!("Selection(cop[tikv]) {}", distinct.join(", ")));
    }
}

fn limit_executor(limit: u64) -> tipb::Executor {
    tipb::Executor {
        tp: Some(tipb::ExecType::TypeLimit.into()),
        limit: Some(tipb::Limit { limit: Some(limit) }),
        executor_id: Some("Limit".into()),
        ..Default::default()
    }
}

/// The first rows in an order. TiKV puts NULL before all values; another place for it is a key of its own.
pub fn top_n(binder: &Binder<'_>, order: &[plan::SortOrder], limit: u64) -> Pushed<(tipb::Executor, String)> {
    let mut keys = Vec::new();
    let mut texts = Vec::new();
    for key in order {
        let expression = key
            .expression
            .as_ref()
            .ok_or_else(|| Reason::new("an order has no expression"))?;
        let node = aggregate::by_bytes(binder, binder.operand(expression)?);
        if node.strict.is_empty() && node.rejects.is_empty() && names(expression).is_empty() {
            return Err(Reason::new("rows are ordered by a constant"));
        }
        if key.nulls_last != key.descending {
            let is_null = binder.function(node.class.is_null(), "isnull", vec![node.clone()], Null::Never);
            texts.push(if key.nulls_last {
                is_null.text.clone()
            } else {
                format!("{}:desc", is_null.text)
            });
            keys.push(tipb::ByItem {
                expr: Some(is_null.pb),
                desc: Some(!key.nulls_last),
            });
        }
        texts.push(if key.descending {
            format!("{}:desc", node.text)
        } else {
            node.text
        });
        keys.push(tipb::ByItem {
            expr: Some(node.pb),
            desc: Some(key.descending),
        });
    }
    let executor = tipb::Executor {
        tp: Some(tipb::ExecType::TypeTopN.into()),
        top_n: Some(tipb::TopN {
            order_by: keys,
            limit: Some(limit),
        }),
        executor_id: Some("TopN".into()),
        ..Default::default()
    };
    let text = format!("TopN(cop[tikv]) {}, offset:0, count:{limit}", texts.join(", "));
    Ok((executor, text))
}

fn names_in<'e>(expr: &'e plan::Expr, names: &mut Vec<&'e str>) {
    match &expr.node {
        Some(plan::expr::Node::Column(name)) => names.push(name),
        Some(plan::expr::Node::Call(call)) => call.arguments.iter().for_each(|a| names_in(a, names)),
        Some(plan::expr::Node::Literal(_)) | None => {}
    }
}

/// Names of the columns of an expression, each as often as it is there.
pub fn names(expr: &plan::Expr) -> Vec<&str> {
    let mut names = Vec::new();
    names_in(expr, &mut names);
    names
}

/// A constant that is not NULL?
pub fn is_constant(expr: &plan::Expr) -> bool {
    match &expr.node {
        Some(plan::expr::Node::Literal(literal)) => literal.value.is_some() && Value::read(literal).is_ok(),
        _ => false,
    }
}

#[cfg(test)]
#[path = "operators_tests.rs"]
mod tests;
