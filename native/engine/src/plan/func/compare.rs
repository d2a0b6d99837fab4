//! Comparisons and IN.
//!
//! Both sides become values of one class of TiKV: integers of either sign are compared as numbers (the flags of the children decide,
//! TiKV `tidb_query_expr/src/lib.rs::compare_mapper`), an integer and a DECIMAL as DECIMAL. A constant takes the form of the other
//! side where it has one; what an integer column cannot hold (2.5, 2^70) is compared as DECIMAL.

use ti_codec::SparkType;
use ti_proto::plan;

use super::logic::exact;
use super::{arguments, not_for};
use crate::plan::expr::pb::Class;
use crate::plan::expr::sig;
use crate::plan::expr::value::{is_number, Scalar, Value};
use crate::plan::expr::{Binder, Bound, Node, Null, Pushed};

pub fn equal(binder: &Binder<'_>, call: &plan::Call) -> Pushed<Bound> {
    compare(binder, call, sig::EQ, "eq", Null::Strict)
}

pub fn not_equal(binder: &Binder<'_>, call: &plan::Call) -> Pushed<Bound> {
    compare(binder, call, sig::NE, "ne", Null::Strict)
}

pub fn less(binder: &Binder<'_>, call: &plan::Call) -> Pushed<Bound> {
    compare(binder, call, sig::LT, "lt", Null::Strict)
}

pub fn less_or_equal(binder: &Binder<'_>, call: &plan::Call) -> Pushed<Bound> {
    compare(binder, call, sig::LE, "le", Null::Strict)
}

pub fn greater(binder: &Binder<'_>, call: &plan::Call) -> Pushed<Bound> {
    compare(binder, call, sig::GT, "gt", Null::Strict)
}

pub fn greater_or_equal(binder: &Binder<'_>, call: &plan::Call) -> Pushed<Bound> {
    compare(binder, call, sig::GE, "ge", Null::Strict)
}

pub fn null_safe_equal(binder: &Binder<'_>, call: &plan::Call) -> Pushed<Bound> {
    compare(binder, call, sig::NULL_EQ, "nulleq", Null::Never)
}

fn compare(binder: &Binder<'_>, call: &plan::Call, sig: i32, name: &str, null: Null) -> Pushed<Bound> {
    let [left, right] = arguments(call)?;
    let (left, right) = (binder.bind(left)?, binder.bind(right)?);
    let (left, right) = unify(binder, call, left, right)?;
    // Conditions that are compared have to be exact.
    let (left, right) = if left.spark == SparkType::Boolean {
        (exact(left)?, exact(right)?)
    } else {
        (left, right)
    };
    let sig = sig + left.class.comparison();
    Ok(Bound::Node(binder.function(sig, name, vec![left, right], null)))
}

/// Both as values of one class, which compare as Spark compares them.
fn unify(binder: &Binder<'_>, call: &plan::Call, left: Bound, right: Bound) -> Pushed<(Node, Node)> {
    let no = not_for(call, &[&left, &right]);
    match (left, right) {
        (Bound::Node(node), Bound::Value(value)) => with_constant(binder, node, &value)?.ok_or(no),
        (Bound::Value(value), Bound::Node(node)) => {
            let (node, constant) = with_constant(binder, node, &value)?.ok_or(no)?;
            Ok((constant, node))
        }
        (left, right) => {
            let (left, right) = (binder.node(left)?, binder.node(right)?);
            if !comparable(left.spark, right.spark) {
                return Err(no);
            }
            match (left.class, right.class) {
                (a, b) if a == b => Ok((left, right)),
                (Class::Int, Class::Decimal) | (Class::Decimal, Class::Int) => {
                    Ok((binder.as_decimal(left), binder.as_decimal(right)))
                }
                _ => Err(no),
            }
        }
    }
}

/// Types that Spark compares without a cast, and some whose values compare alike.
fn comparable(a: SparkType, b: SparkType) -> bool {
    let exact_number = |ty| is_number(ty) && !matches!(ty, SparkType::Float | SparkType::Double);
    a == b || exact_number(a) && exact_number(b)
}

/// A column or expression and the constant in its form; `None` when the constant is of another type.
fn with_constant(binder: &Binder<'_>, node: Node, value: &Value) -> Pushed<Option<(Node, Node)>> {
    if !comparable(node.spark, value.spark) {
        return Ok(None);
    }
    if value.scalar == Scalar::Null {
        let mut null = binder.constant(value)?;
        null.class = node.class;
        null.pb.field_type.clone_from(&node.pb.field_type);
        return Ok(Some((node, null)));
    }
    if node.class == Class::Int {
        if let Some(constant) = integer(binder, value) {
            return Ok(Some((node, constant)));
        }
    }
    let constant = binder.constant(value)?;
    Ok(match (node.class, constant.class) {
        (a, b) if a == b => Some((node, constant)),
        (Class::Int | Class::Decimal, Class::Int | Class::Decimal) => {
            let decimal = value.decimal().and_then(|d| binder.pb.decimal_constant(&d));
            decimal.map(|pb| {
                let constant = Node {
                    pb,
                    class: Class::Decimal,
                    ..constant
                };
                (binder.as_decimal(node), constant)
            })
        }
        _ => None,
    })
}

/// A constant that a 64-bit integer holds.
fn integer(binder: &Binder<'_>, value: &Value) -> Option<Node> {
    let whole = value.whole()?;
    let constant = binder.constant(value).ok()?;
    let pb = match (i64::try_from(whole), u64::try_from(whole)) {
        (Ok(whole), _) => binder.pb.int(whole),
        (_, Ok(whole)) => binder.pb.uint(whole),
        _ => return None,
    };
    Some(Node {
        pb,
        class: Class::Int,
        bounds: (whole, whole),
        ..constant
    })
}

pub fn in_list(binder: &Binder<'_>, call: &plan::Call) -> Pushed<Bound> {
    let Some((target, list)) = call.arguments.split_first() else {
        return Err(not_for(call, &[]));
    };
    let target = match binder.bind(target)? {
        Bound::Node(node) if node.spark == SparkType::Boolean => exact(node)?,
        Bound::Node(node) => node,
        value => return Err(not_for(call, &[&value])),
    };
    let mut items = Vec::with_capacity(list.len() + 1);
    for item in list {
        let bound = binder.bind(item)?;
        let no = not_for(call, &[&Bound::Node(target.clone()), &bound]);
        let Bound::Value(value) = bound else {
            return Err(no);
        };
        match with_constant(binder, target.clone(), &value)? {
            Some((_, constant)) if constant.class == target.class => {
                let negative = target.is_unsigned() && value.whole().is_some_and(|v| v < 0);
                if !negative {
                    items.push(constant);
                }
            }
            // A number that the column cannot hold is equal to none of its values.
            Some(_) => {}
            None => return Err(no),
        }
    }
    if items.is_empty() {
        // Nothing is equal: false, or NULL.
        let sig = sig::NE + target.class.comparison();
        let pair = vec![target.clone(), target];
        return Ok(Bound::Node(binder.function(sig, "ne", pair, Null::Strict)));
    }
    let sig = target.class.in_list();
    let strict = target.strict.clone();
    let node = binder.function(sig, "in", std::iter::once(target).chain(items).collect(), Null::Strict);
    Ok(Bound::Node(Node {
        strict: strict.clone(),
        rejects: strict,
        ..node
    }))
}
