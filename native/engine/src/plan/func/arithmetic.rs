//! Arithmetic of integers and decimals, where the types rule out that a result does not fit: there Spark wraps, answers NULL, rounds or
//! fails, and TiKV fails. Floating point is left to Spark: TiKV fails where a result is infinite.

use ti_codec::SparkType;
use ti_proto::plan;

use super::{arguments, not_for};
use crate::plan::expr::pb::Class;
use crate::plan::expr::sig;
use crate::plan::expr::value::integral_range;
use crate::plan::expr::{Binder, Bound, Node, Null, Pushed, Reason};

/// MySQL's DECIMAL has no more fraction digits.
const MAX_SCALE: i32 = 30;
const MAX_PRECISION: i32 = 38;

/// Precision and scale.
type Digits = (i32, i32);

/// Least and greatest value; `None` when they exceed every type.
type Range = Option<(i128, i128)>;

struct Operation {
    name: &'static str,
    integer: i32,
    decimal: i32,
    range: fn((i128, i128), (i128, i128)) -> Range,
    /// Of the result, by those of both sides.
    decimal_type: fn(Digits, Digits) -> Digits,
}

fn sum_type((p1, s1): (i32, i32), (p2, s2): (i32, i32)) -> (i32, i32) {
    let scale = s1.max(s2);
    ((p1 - s1).max(p2 - s2) + scale + 1, scale)
}

const PLUS: Operation = Operation {
    name: "plus",
    integer: sig::PLUS_INT,
    decimal: sig::PLUS_DECIMAL,
    range: |a, b| Some((a.0.checked_add(b.0)?, a.1.checked_add(b.1)?)),
    decimal_type: sum_type,
};

const MINUS: Operation = Operation {
    name: "minus",
    integer: sig::MINUS_INT,
    decimal: sig::MINUS_DECIMAL,
    range: |a, b| Some((a.0.checked_sub(b.1)?, a.1.checked_sub(b.0)?)),
    decimal_type: sum_type,
};

const MULTIPLY: Operation = Operation {
    name: "mul",
    integer: sig::MULTIPLY_INT,
    decimal: sig::MULTIPLY_DECIMAL,
    range: |a, b| {
        let products = [(a.0, b.0), (a.0, b.1), (a.1, b.0), (a.1, b.1)];
        let products: Option<Vec<i128>> = products.iter().map(|(x, y)| x.checked_mul(*y)).collect();
        let products = products?;
        Some((*products.iter().min()?, *products.iter().max()?))
    },
    decimal_type: |(p1, s1), (p2, s2)| (p1 + p2 + 1, s1 + s2),
};

pub fn plus(binder: &Binder<'_>, call: &plan::Call) -> Pushed<Bound> {
    binary(binder, call, &PLUS)
}

pub fn minus(binder: &Binder<'_>, call: &plan::Call) -> Pushed<Bound> {
    if call.arguments.len() == 1 {
        return negate(binder, call);
    }
    binary(binder, call, &MINUS)
}

pub fn multiply(binder: &Binder<'_>, call: &plan::Call) -> Pushed<Bound> {
    binary(binder, call, &MULTIPLY)
}

/// Do all values of the range fit the type?
fn fits(ty: SparkType, range: Range) -> bool {
    match (integral_range(ty), range) {
        (Some((least, greatest)), Some((from, to))) => from >= least && to <= greatest,
        _ => false,
    }
}

fn overflow(call: &plan::Call) -> Reason {
    Reason::new(format!(
        "{} may give a value that its type does not hold",
        call.function
    ))
}

fn binary(binder: &Binder<'_>, call: &plan::Call, operation: &Operation) -> Pushed<Bound> {
    let [left, right] = arguments(call)?;
    let (left, right) = (binder.bind(left)?, binder.bind(right)?);
    let no = not_for(call, &[&left, &right]);
    let (left, right) = (binder.node(left)?, binder.node(right)?);
    match (left.spark, right.spark) {
        (
            SparkType::Decimal {
                precision: p1,
                scale: s1,
            },
            SparkType::Decimal {
                precision: p2,
                scale: s2,
            },
        ) => {
            let (precision, scale) =
                (operation.decimal_type)((i32::from(p1), i32::from(s1)), (i32::from(p2), i32::from(s2)));
            if precision > MAX_PRECISION || scale > MAX_SCALE {
                return Err(overflow(call));
            }
            let (precision, scale) = (narrow(precision), narrow(scale));
            let spark = SparkType::Decimal {
                precision,
                scale: i8::try_from(scale).unwrap_or(0),
            };
            let operands = vec![binder.as_decimal(left), binder.as_decimal(right)];
            let ty = binder.pb.decimal(precision, scale);
            Ok(Bound::Node(binder.typed(
                operation.decimal,
                operation.name,
                operands,
                Null::Strict,
                spark,
                Class::Decimal,
                ty,
            )))
        }
        (a, b) if a == b && left.class == Class::Int && right.class == Class::Int => {
            let range = (operation.range)(left.bounds, right.bounds);
            // TiKV's result would be unsigned, and fail below 0.
            if left.is_unsigned() || right.is_unsigned() {
                return Err(no);
            }
            let bounds = range.filter(|_| fits(a, range)).ok_or_else(|| overflow(call))?;
            let node = binder.typed(
                operation.integer,
                operation.name,
                vec![left, right],
                Null::Strict,
                a,
                Class::Int,
                binder.pb.long(),
            );
            Ok(Bound::Node(Node { bounds, ..node }))
        }
        _ => Err(no),
    }
}

fn narrow(digits: i32) -> u8 {
    u8::try_from(digits).unwrap_or(0)
}

fn negate(binder: &Binder<'_>, call: &plan::Call) -> Pushed<Bound> {
    let [argument] = arguments(call)?;
    let bound = binder.bind(argument)?;
    let no = not_for(call, &[&bound]);
    let node = binder.node(bound)?;
    let range = node.bounds.1.checked_neg().zip(node.bounds.0.checked_neg());
    unary(
        binder,
        call,
        node,
        "unaryminus",
        [sig::UNARY_MINUS_INT, sig::UNARY_MINUS_REAL, sig::UNARY_MINUS_DECIMAL],
        range,
        no,
    )
}

pub fn abs(binder: &Binder<'_>, call: &plan::Call) -> Pushed<Bound> {
    let [argument] = arguments(call)?;
    let bound = binder.bind(argument)?;
    let no = not_for(call, &[&bound]);
    let node = binder.node(bound)?;
    let range = node
        .bounds
        .0
        .checked_neg()
        .map(|negated| (0, negated.max(node.bounds.1)));
    unary(
        binder,
        call,
        node,
        "abs",
        [sig::ABS_INT, sig::ABS_REAL, sig::ABS_DECIMAL],
        range,
        no,
    )
}

/// `sigs`: of integers, floating point, and decimals.
fn unary(
    binder: &Binder<'_>,
    call: &plan::Call,
    node: Node,
    name: &str,
    sigs: [i32; 3],
    range: Range,
    no: Reason,
) -> Pushed<Bound> {
    let spark = node.spark;
    let [integer, real, decimal] = sigs;
    let node = match (node.class, spark) {
        (Class::Int, _) if integral_range(spark).is_some() && !node.is_unsigned() => {
            let bounds = range.filter(|_| fits(spark, range)).ok_or_else(|| overflow(call))?;
            let ty = binder.pb.long();
            let node = binder.typed(integer, name, vec![node], Null::Strict, spark, Class::Int, ty);
            Node { bounds, ..node }
        }
        (Class::Real, _) => {
            let ty = binder.pb.double();
            binder.typed(real, name, vec![node], Null::Strict, spark, Class::Real, ty)
        }
        (Class::Decimal | Class::Int, SparkType::Decimal { precision, scale }) => {
            let ty = binder.pb.decimal(precision, u8::try_from(scale).unwrap_or(0));
            let operand = binder.as_decimal(node);
            binder.typed(decimal, name, vec![operand], Null::Strict, spark, Class::Decimal, ty)
        }
        _ => return Err(no),
    };
    Ok(Bound::Node(node))
}

pub fn modulo(binder: &Binder<'_>, call: &plan::Call) -> Pushed<Bound> {
    let [left, right] = arguments(call)?;
    let (left, right) = (binder.bind(left)?, binder.bind(right)?);
    let no = not_for(call, &[&left, &right]);
    let (Bound::Node(left), Bound::Value(divisor)) = (left, right) else {
        return Err(no);
    };
    let spark = left.spark;
    let whole = divisor.whole().filter(|v| *v > 0 && divisor.spark == spark);
    let (Some(whole), true) = (whole, integral_range(spark).is_some()) else {
        return Err(no);
    };
    if left.class != Class::Int || left.is_unsigned() {
        return Err(no);
    }
    let divisor = binder.constant(&divisor)?;
    let bounds = (left.bounds.0.max(1 - whole).min(0), left.bounds.1.min(whole - 1).max(0));
    let node = binder.typed(
        sig::MOD_INT_SIGNED_SIGNED,
        "mod",
        vec![left, divisor],
        Null::Strict,
        spark,
        Class::Int,
        binder.pb.long(),
    );
    Ok(Bound::Node(Node { bounds, ..node }))
}
