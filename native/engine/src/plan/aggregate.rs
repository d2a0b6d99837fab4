//! Partial aggregation: one row for each group of a region's rows, which Spark merges.
//!
//! Spark (`V2ScanRelationPushDown`, 3.4 and later) sums partial counts, and sums partial sums after it has cast them to the type of the
//! summed expression: a partial SUM of DECIMAL(p,s) has to fit DECIMAL(p,s) again, one of integers a BIGINT. TiKV sums in DECIMAL of up to
//! 81 digits. A partial sum that does not fit is therefore handed on as several rows of its group that do ([`crate::scan::aggregate`]).

use ti_codec::field_type::{flag, type_code as t, FieldType};
use ti_codec::SparkType;
use ti_proto::plan::aggregate::Function;
use ti_proto::{plan, tipb};

use super::expr::pb::{kind, Class};
use super::expr::sig;
use super::expr::value::is_integral;
use super::expr::{Binder, Node, Null, Pushed, Reason};
use super::operators::{is_constant, names};
use super::wire::{AggregateField, AggregateKind, WireColumn};

/// What the answers of an aggregation hold, and what becomes of them: groups, then aggregates.
#[derive(Debug, Clone, PartialEq)]
pub struct Aggregated {
    /// Columns of the answers in the order of the output.
    pub columns: Vec<WireColumn>,
    /// Offsets of the columns in the executor's own order: aggregates, then groups.
    pub offsets: Vec<u32>,
    /// What becomes of them.
    pub fields: Vec<AggregateField>,
    /// There are no groups: a task answers at least one row.
    pub global: bool,
}

/// Digits that Spark's DECIMAL has.
const SPARK_DIGITS: u8 = 38;
/// Digits that MySQL's DECIMAL has, and a partial sum at most.
const MYSQL_DIGITS: u8 = 65;
/// Digits of the number of rows of one request, more than there can be.
const ROW_DIGITS: u8 = 19;

/// The executor, its line in EXPLAIN, and its answers.
pub fn executor(binder: &Binder<'_>, aggregation: &plan::Aggregation) -> Pushed<(tipb::Executor, String, Aggregated)> {
    let mut aggregates = Vec::new();
    for aggregate in &aggregation.aggregates {
        aggregates.push(function(binder, aggregate)?);
    }
    let mut groups = Vec::new();
    for group in &aggregation.group_by {
        if names(group).is_empty() {
            return Err(Reason::new("rows are grouped by a constant"));
        }
        groups.push(by_bytes(binder, binder.operand(group)?));
    }
    if groups.is_empty() && aggregates.is_empty() {
        return Err(Reason::new("an aggregation without groups and functions"));
    }
    let mut functions: Vec<tipb::Expr> = aggregates.iter().map(|a| a.pb.clone()).collect();
    let mut texts: Vec<String> = aggregates.iter().map(|a| a.text.clone()).collect();
    if functions.is_empty() {
        // DISTINCT: TiDB too never sends groups alone.
        functions.push(count(binder, binder.pb.int(1)));
        texts.push("count(1)".into());
    }
    let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    let first_group = functions.len();
    let mut aggregated = Aggregated {
        columns: Vec::new(),
        offsets: Vec::new(),
        fields: Vec::new(),
        global: groups.is_empty(),
    };
    for (at, group) in groups.iter().enumerate() {
        let name = format!("group_{at}");
        aggregated.columns.push(answer(&name, group.pb.field_type.as_ref()));
        aggregated.offsets.push(offset(first_group + at));
        aggregated.fields.push(AggregateField::default());
    }
    for (at, aggregate) in aggregates.into_iter().enumerate() {
        let mut column = aggregate.column;
        column.name = format!("aggregate_{at}");
        aggregated.columns.push(column);
        aggregated.offsets.push(offset(at));
        aggregated.fields.push(aggregate.field);
    }
    let group_texts: Vec<&str> = groups.iter().map(|g| g.text.as_str()).collect();
    let by = if group_texts.is_empty() {
        String::new()
    } else {
        format!("group by:{}, ", group_texts.join(", "))
    };
    let text = format!("HashAgg(cop[tikv]) {by}funcs:{}", texts.join(", "));
    let executor = tipb::Executor {
        tp: Some(tipb::ExecType::TypeAggregation.into()),
        aggregation: Some(tipb::Aggregation {
            group_by: groups.into_iter().map(|g| g.pb).collect(),
            agg_func: functions,
            streamed: Some(false),
        }),
        executor_id: Some("HashAgg".into()),
        ..Default::default()
    };
    Ok((executor, text, aggregated))
}

/// Text that is grouped or ordered by its bytes. TiKV takes the collation of a column from the scan and that of a function from its
/// result (`RpnExpression::ret_field_type`): a column that is not scanned with the binary collation becomes a function.
pub fn by_bytes(binder: &Binder<'_>, node: Node) -> Node {
    if node.class != Class::Bytes || binder.is_scanned_binary(&node) {
        return node;
    }
    let spark = node.spark;
    let text = node.text.clone();
    let ty = match spark {
        SparkType::String => binder.pb.text(),
        _ => binder.pb.bytes(),
    };
    let cast = binder.typed(
        sig::CAST_STRING_AS_STRING,
        "cast",
        vec![node],
        Null::Strict,
        spark,
        Class::Bytes,
        ty,
    );
    Node { text, ..cast }
}

struct AggregateFunction {
    pb: tipb::Expr,
    text: String,
    column: WireColumn,
    field: AggregateField,
}

fn count(binder: &Binder<'_>, argument: tipb::Expr) -> tipb::Expr {
    binder.pb.aggregate(kind::COUNT, binder.pb.long(), argument)
}

fn function(binder: &Binder<'_>, aggregate: &plan::Aggregate) -> Pushed<AggregateFunction> {
    let function = Function::try_from(aggregate.function).unwrap_or(Function::Unspecified);
    let name = match function {
        Function::CountStar | Function::Count => "count",
        Function::Sum => "sum",
        Function::Min => "min",
        Function::Max => "max",
        Function::Avg => {
            return Err(Reason::new(
                "AVG cannot be merged: Spark asks for SUM and COUNT instead",
            ))
        }
        Function::Unspecified => return Err(Reason::new("an aggregate function is not known")),
    };
    binder.rules.allow(&[name])?;
    if aggregate.distinct && matches!(function, Function::Count | Function::Sum) {
        return Err(Reason::new(format!("{name}(DISTINCT) of regions cannot be merged")));
    }
    let argument = match aggregate.arguments.as_slice() {
        [] if function == Function::CountStar => None,
        [constant] if function == Function::Count && is_constant(constant) => None,
        [argument] if function != Function::CountStar => Some(argument),
        more => return Err(Reason::new(format!("{name} has {} arguments", more.len()))),
    };
    let Some(argument) = argument else {
        return Ok(counted(binder, binder.pb.int(1), "1"));
    };
    let node = binder.operand(argument)?;
    match function {
        Function::Count => Ok(counted(binder, node.pb, &node.text)),
        Function::Sum => sum(binder, node),
        _ => extremum(
            binder,
            if function == Function::Min {
                kind::MIN
            } else {
                kind::MAX
            },
            name,
            node,
        ),
    }
}

fn counted(binder: &Binder<'_>, argument: tipb::Expr, text: &str) -> AggregateFunction {
    let column = FieldType {
        flag: flag::NOT_NULL,
        ..FieldType::new(t::LONG_LONG)
    };
    AggregateFunction {
        pb: count(binder, argument),
        text: format!("count({text})"),
        column: wire_column(&column),
        field: AggregateField {
            kind: AggregateKind::Count.into(),
            ..Default::default()
        },
    }
}

fn sum(binder: &Binder<'_>, node: Node) -> Pushed<AggregateFunction> {
    // Digits of a value, of its fraction, and of a partial sum.
    let (field, scale, digits) = match (node.class, node.spark) {
        (Class::Int, ty) if is_integral(ty) => (
            AggregateField {
                kind: AggregateKind::SumLong.into(),
                ..Default::default()
            },
            0,
            SPARK_DIGITS,
        ),
        (Class::Int | Class::Decimal, SparkType::Decimal { precision, scale }) => {
            let scale = u8::try_from(scale).unwrap_or(0);
            let field = AggregateField {
                kind: AggregateKind::SumDecimal.into(),
                precision: u32::from(precision),
                scale: u32::from(scale),
            };
            let exact = node.class == Class::Decimal && precision + ROW_DIGITS <= SPARK_DIGITS;
            (field, scale, if exact { SPARK_DIGITS } else { MYSQL_DIGITS })
        }
        (Class::Real, _) => {
            return Err(Reason::new(
                "the last digits of a floating-point sum depend on its order",
            ))
        }
        (_, ty) => return Err(Reason::new(format!("SUM is not pushed for {}", ty.sql()))),
    };
    // TiKV casts integers to DECIMAL itself (`rewrite_exp_for_sum_avg`).
    let column = FieldType {
        flen: i32::from(digits),
        decimal: i32::from(scale),
        ..FieldType::new(t::NEW_DECIMAL)
    };
    let ty = binder.pb.decimal(MYSQL_DIGITS, scale);
    Ok(AggregateFunction {
        text: format!("sum({})", node.text),
        pb: binder.pb.aggregate(kind::SUM, ty, node.pb),
        column: wire_column(&column),
        field,
    })
}

fn extremum(binder: &Binder<'_>, kind: i32, name: &str, node: Node) -> Pushed<AggregateFunction> {
    let node = by_bytes(binder, node);
    let mut ty = node
        .pb
        .field_type
        .clone()
        .ok_or_else(|| Reason::new("an expression has no type"))?;
    ty.flag = Some(ty.flag() & !flag::NOT_NULL);
    Ok(AggregateFunction {
        column: answer(name, Some(&ty)),
        text: format!("{name}({})", node.text),
        pb: binder.pb.aggregate(kind, ty, node.pb),
        field: AggregateField::default(),
    })
}

/// A column of the answers of the type that was sent. It may be NULL whatever the type says: a region may have no rows.
fn answer(name: &str, ty: Option<&tipb::FieldType>) -> WireColumn {
    let default = tipb::FieldType::default();
    let ty = ty.unwrap_or(&default);
    WireColumn {
        name: name.to_owned(),
        tp: u32::try_from(ty.tp()).unwrap_or(0),
        flag: ty.flag() & !flag::NOT_NULL,
        flen: ty.flen(),
        decimal: ty.decimal(),
        charset: ty.charset().to_owned(),
        collate: String::new(),
        elems: ty.elems.clone(),
    }
}

fn wire_column(ty: &FieldType) -> WireColumn {
    WireColumn {
        tp: u32::from(ty.tp),
        flag: ty.flag,
        flen: ty.flen,
        decimal: ty.decimal,
        ..WireColumn::default()
    }
}
