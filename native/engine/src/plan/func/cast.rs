//! Casts that keep every value.

use ti_codec::field_type::type_code as t;
use ti_codec::SparkType;
use ti_proto::plan;

use super::{arguments, not_for};
use crate::plan::expr::pb::Class;
use crate::plan::expr::sig;
use crate::plan::expr::value::{integral_range, is_integral, spark_type, Scalar, Value};
use crate::plan::expr::{Binder, Bound, Node, Null, Pushed, Reason};

pub fn cast(binder: &Binder<'_>, call: &plan::Call) -> Pushed<Bound> {
    let [argument] = arguments(call)?;
    let target = call.r#type.ok_or_else(|| Reason::new("a CAST has no target"))?;
    let target = spark_type(&target)?;
    let bound = binder.bind(argument)?;
    if bound.spark() == target {
        return Ok(bound);
    }
    let no = Reason::new(format!(
        "CAST of {} to {} is not known to keep every value",
        bound.spark().sql(),
        target.sql()
    ));
    match bound {
        Bound::Value(value) => constant(value, target).map(Bound::Value).ok_or(no),
        Bound::Node(node) => column(binder, call, node, target)?.map(Bound::Node).ok_or(no),
    }
}

/// A constant of another type of exact numbers.
fn constant(value: Value, target: SparkType) -> Option<Value> {
    let scalar = match (value.spark, target) {
        (_, SparkType::Decimal { precision, scale }) => {
            let scale = u8::try_from(scale).ok()?;
            let unscaled = value.decimal()?.unscaled(scale)?;
            let fits = unscaled.unsigned_abs() < ti_codec::mysql::decimal::power_of_ten(precision);
            fits.then_some(Scalar::Decimal(unscaled, scale))?
        }
        (from, _) if is_integral(from) && is_integral(target) => {
            let whole = value.whole()?;
            let (least, greatest) = integral_range(target)?;
            (whole >= least && whole <= greatest).then_some(value.scalar.clone())?
        }
        _ => return None,
    };
    Some(Value { spark: target, scalar })
}

fn column(binder: &Binder<'_>, call: &plan::Call, node: Node, target: SparkType) -> Pushed<Option<Node>> {
    let from = node.spark;
    let retyped = |node: Node| Ok(Some(Node { spark: target, ..node }));
    match (from, target) {
        (SparkType::Boolean, _) if is_integral(target) => {
            let node = super::logic::exact(node)?;
            retyped(node)
        }
        (_, _) if is_integral(from) && is_integral(target) => {
            let (least, greatest) = integral_range(target).unwrap_or((0, 0));
            if node.bounds.0 >= least && node.bounds.1 <= greatest {
                retyped(node)
            } else {
                Ok(None)
            }
        }
        (_, SparkType::Boolean) if is_integral(from) => {
            let zero = binder.constant(&Value {
                spark: from,
                scalar: Scalar::Int(0),
            })?;
            Ok(Some(binder.function(sig::NE, "ne", vec![node, zero], Null::Strict)))
        }
        // The integer stands for the decimal.
        (_, SparkType::Decimal { precision, scale }) if is_integral(from) => {
            let digits = precision.saturating_sub(u8::try_from(scale).unwrap_or(0));
            let limit = ti_codec::mysql::decimal::power_of_ten(digits);
            let fits = node.bounds.0.unsigned_abs() < limit && node.bounds.1.unsigned_abs() < limit;
            if fits {
                retyped(node)
            } else {
                Ok(None)
            }
        }
        (
            SparkType::Decimal {
                precision: p1,
                scale: s1,
            },
            SparkType::Decimal {
                precision: p2,
                scale: s2,
            },
        ) if s2 >= s1 && i16::from(p2) - i16::from(s2) >= i16::from(p1) - i16::from(s1) => retyped(node),
        (SparkType::Float, SparkType::Double) => retyped(node),
        (_, SparkType::Double) if is_integral(from) => Ok(Some(to_double(binder, sig::CAST_INT_AS_REAL, node))),
        (SparkType::Decimal { .. }, SparkType::Double) => {
            let decimal = binder.as_decimal(node);
            Ok(Some(to_double(binder, sig::CAST_DECIMAL_AS_REAL, decimal)))
        }
        // A DATE compares with a DATETIME as its midnight.
        (SparkType::Date, SparkType::TimestampNtz) if node.type_code() == t::DATE => retyped(node),
        (SparkType::TimestampNtz, SparkType::Date) if node.class == Class::Time => {
            binder.rules.allow(&["date"])?;
            let ty = binder.pb.time_type(t::DATE);
            let date = binder.typed(sig::DATE, "date", vec![node], Null::Strict, target, Class::Time, ty);
            Ok(Some(date))
        }
        _ => Err(not_for(call, &[&Bound::Node(node)])),
    }
}

fn to_double(binder: &Binder<'_>, sig: i32, node: Node) -> Node {
    let ty = binder.pb.double();
    binder.typed(
        sig,
        "cast",
        vec![node],
        Null::Strict,
        SparkType::Double,
        Class::Real,
        ty,
    )
}
