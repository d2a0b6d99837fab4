//! Three-valued logic and tests for NULL.

use std::collections::BTreeSet;

use ti_codec::SparkType;
use ti_proto::plan;

use super::arguments;
use crate::plan::expr::sig;
use crate::plan::expr::value::{Scalar, Value};
use crate::plan::expr::{Binder, Bound, Node, Null, Pushed, Reason};

fn intersection(a: &BTreeSet<usize>, b: &BTreeSet<usize>) -> BTreeSet<usize> {
    a.intersection(b).copied().collect()
}

pub fn and(binder: &Binder<'_>, call: &plan::Call) -> Pushed<Bound> {
    let [left, right] = arguments(call)?;
    let (left, right) = match (binder.condition(left), binder.condition(right)) {
        (Ok(left), Ok(right)) => (left, right),
        (Err(reason), Err(_)) => return Err(reason),
        // What is left holds for more rows.
        (Ok(one), Err(_)) | (Err(_), Ok(one)) => return Ok(Bound::Node(Node { superset: true, ..one })),
    };
    let strict = intersection(&left.strict, &right.strict);
    let rejects = left.rejects.union(&right.rejects).copied().collect();
    let node = binder.function(sig::LOGICAL_AND, "and", vec![left, right], Null::Never);
    Ok(Bound::Node(Node {
        strict,
        rejects,
        ..node
    }))
}

pub fn or(binder: &Binder<'_>, call: &plan::Call) -> Pushed<Bound> {
    let [left, right] = arguments(call)?;
    let (left, right) = (binder.condition(left)?, binder.condition(right)?);
    let strict = intersection(&left.strict, &right.strict);
    let rejects = intersection(&left.rejects, &right.rejects);
    let node = binder.function(sig::LOGICAL_OR, "or", vec![left, right], Null::Never);
    Ok(Bound::Node(Node {
        strict,
        rejects,
        ..node
    }))
}

pub fn not(binder: &Binder<'_>, call: &plan::Call) -> Pushed<Bound> {
    let [argument] = arguments(call)?;
    let condition = exact(binder.condition(argument)?)?;
    Ok(Bound::Node(binder.function(
        sig::UNARY_NOT_INT,
        "not",
        vec![condition],
        Null::Strict,
    )))
}

/// A condition that holds for Spark's rows only.
pub fn exact(condition: Node) -> Pushed<Node> {
    if condition.superset {
        return Err(Reason::new(
            "a condition that holds for more rows than Spark's stands under AND and OR only",
        ));
    }
    Ok(condition)
}

pub fn is_null(binder: &Binder<'_>, call: &plan::Call) -> Pushed<Bound> {
    let [argument] = arguments(call)?;
    binder.null_test(argument).map(Bound::Node)
}

pub fn is_not_null(binder: &Binder<'_>, call: &plan::Call) -> Pushed<Bound> {
    let [argument] = arguments(call)?;
    let rejects = match binder.bind(argument) {
        Ok(Bound::Node(node)) => node.strict,
        _ => BTreeSet::new(),
    };
    let test = binder.null_test(argument)?;
    let node = binder.function(sig::UNARY_NOT_INT, "not", vec![test], Null::Never);
    Ok(Bound::Node(Node { rejects, ..node }))
}

fn constant(value: bool) -> Bound {
    Bound::Value(Value {
        spark: SparkType::Boolean,
        scalar: Scalar::Int(i64::from(value)),
    })
}

pub fn always_true(_: &Binder<'_>, call: &plan::Call) -> Pushed<Bound> {
    let [] = arguments(call)?;
    Ok(constant(true))
}

pub fn always_false(_: &Binder<'_>, call: &plan::Call) -> Pushed<Bound> {
    let [] = arguments(call)?;
    Ok(constant(false))
}

pub fn boolean_expression(binder: &Binder<'_>, call: &plan::Call) -> Pushed<Bound> {
    let [argument] = arguments(call)?;
    binder.condition(argument).map(Bound::Node)
}
