//! What of a scan the stores can do: `ScanSpec` -> `ScanSupport`.
//!
//! Each filter by itself; an aggregation, an order and a limit as they would stand over filters that are all exact.

use std::sync::Arc;

use ti_proto::plan;

use super::aggregate;
use super::dag;
use super::expr::pb::Builder;
use super::expr::{Binder, Pushed, Reason};
use super::operators::top_n;
use super::rules::{Blacklist, Rules};
use crate::catalog::descriptor::{ColumnDescriptor, TableDescriptor};
use crate::error::Result;
use crate::types::type_options;

/// Checks every part of the spec by itself.
///
/// # Errors
/// A spec that is not of this library, or options that it does not know.
pub fn check(spec: &plan::ScanSpec, blacklist: Arc<Blacklist>) -> Result<plan::ScanSupport> {
    let table = TableDescriptor::from_bytes(&spec.table)?;
    let types = type_options(spec.types.as_ref())?;
    let rules = Rules::new(spec.push_down.as_ref(), blacklist);
    let columns: Vec<ColumnDescriptor> = table
        .columns
        .iter()
        .cloned()
        .chain([ColumnDescriptor::rowid()])
        .filter(|column| dag::readable_column(&table, &column.name, &types).is_ok())
        .collect();
    // The collation framework changes numbers of a request only.
    let binder = Binder::new(&table, &columns, &types, &rules, Builder::new(true));
    let filter = |filter| {
        enabled(rules.push.filters, "filters")
            .and_then(|()| binder.filter(filter))
            .map(|filter| {
                if filter.partial {
                    plan::Support::Partial
                } else {
                    plan::Support::Full
                }
            })
    };
    let mut support = plan::ScanSupport {
        filters: spec.filters.iter().map(|f| item(filter(f))).collect(),
        ..Default::default()
    };
    if let Some(aggregation) = &spec.aggregation {
        let output = enabled(rules.push.aggregates, "aggregates").and_then(|()| output(&binder, aggregation, spec));
        support.output = output.as_ref().map_or_else(|_| Vec::new(), Clone::clone);
        support.aggregation = Some(item(output.map(|_| plan::Support::Partial)));
    }
    if !spec.order.is_empty() {
        let limit = spec.limit.ok_or_else(|| Reason::new("an order without a limit"));
        let top_n = enabled(rules.push.top_n, "top-N")
            .and(limit)
            .and_then(|limit| top_n(&binder, &spec.order, limit));
        support.top_n = Some(item(top_n.map(|_| plan::Support::Partial)));
    }
    if spec.limit.is_some() {
        let limit = enabled(rules.push.limit, "limits");
        support.limit = Some(item(limit.map(|()| plan::Support::Partial)));
    }
    Ok(support)
}

fn enabled(on: bool, what: &str) -> Pushed<()> {
    if on {
        Ok(())
    } else {
        Err(Reason::new(format!("push-down of {what} is off")))
    }
}

fn item(support: Pushed<plan::Support>) -> plan::ItemSupport {
    let (support, reason) = match support {
        Ok(support) => (support, String::new()),
        Err(reason) => (plan::Support::NotPushed, reason.0),
    };
    plan::ItemSupport {
        support: support.into(),
        reason,
    }
}

/// The columns of the groups and aggregates, as the scan's batches have them.
fn output(
    binder: &Binder<'_>,
    aggregation: &plan::Aggregation,
    spec: &plan::ScanSpec,
) -> Pushed<Vec<plan::OutputField>> {
    let (_, _, aggregated) = aggregate::executor(binder, aggregation)?;
    let internal = |e: crate::error::Error| Reason::new(e.message);
    let types = type_options(spec.types.as_ref()).map_err(internal)?;
    let schema = crate::scan::aggregate::schema(&aggregated.columns, &aggregated.fields, &types).map_err(internal)?;
    Ok(schema
        .iter()
        .map(|(field, spark)| plan::OutputField {
            name: field.name().clone(),
            r#type: Some(crate::types::data_type(*spark)),
            nullable: field.is_nullable(),
        })
        .collect())
}
