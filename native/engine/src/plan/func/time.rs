//! Parts of dates. Those of a TIMESTAMP depend on Spark's session time zone, the request's is UTC.

use ti_codec::SparkType;
use ti_proto::plan;

use super::{arguments, not_for};
use crate::plan::expr::pb::Class;
use crate::plan::expr::sig;
use crate::plan::expr::value::{Scalar, Value};
use crate::plan::expr::{Binder, Bound, Node, Null, Pushed};

pub fn year(binder: &Binder<'_>, call: &plan::Call) -> Pushed<Bound> {
    part(binder, call, sig::YEAR, "year", (0, 9999))
}

pub fn month(binder: &Binder<'_>, call: &plan::Call) -> Pushed<Bound> {
    part(binder, call, sig::MONTH, "month", (0, 12))
}

pub fn day(binder: &Binder<'_>, call: &plan::Call) -> Pushed<Bound> {
    part(binder, call, sig::DAY_OF_MONTH, "dayofmonth", (0, 31))
}

pub fn day_of_year(binder: &Binder<'_>, call: &plan::Call) -> Pushed<Bound> {
    part(binder, call, sig::DAY_OF_YEAR, "dayofyear", (0, 366))
}

fn part(binder: &Binder<'_>, call: &plan::Call, sig: i32, name: &str, bounds: (i128, i128)) -> Pushed<Bound> {
    let [argument] = arguments(call)?;
    let bound = binder.bind(argument)?;
    let no = not_for(call, &[&bound]);
    let node = binder.node(bound)?;
    if node.class != Class::Time || !matches!(node.spark, SparkType::Date | SparkType::TimestampNtz) {
        return Err(no);
    }
    let ty = binder.pb.long();
    let node = binder.typed(sig, name, vec![node], Null::Strict, SparkType::Int, Class::Int, ty);
    Ok(Bound::Node(Node { bounds, ..node }))
}

/// From 1, Monday, to 7: TiKV counts from Sunday.
pub fn day_of_week(binder: &Binder<'_>, call: &plan::Call) -> Pushed<Bound> {
    let day = binder.node(part(binder, call, sig::DAY_OF_WEEK, "dayofweek", (1, 7))?)?;
    let number = |value| {
        binder.constant(&Value {
            spark: SparkType::Int,
            scalar: Scalar::Int(value),
        })
    };
    let step = |sig, name, left, right| {
        let ty = binder.pb.long();
        binder.typed(
            sig,
            name,
            vec![left, right],
            Null::Strict,
            SparkType::Int,
            Class::Int,
            ty,
        )
    };
    let from_monday = step(sig::PLUS_INT, "plus", day, number(5)?);
    let from_monday = step(sig::MOD_INT_SIGNED_SIGNED, "mod", from_monday, number(7)?);
    let node = step(sig::PLUS_INT, "plus", from_monday, number(1)?);
    Ok(Bound::Node(Node { bounds: (1, 7), ..node }))
}

/// Days from the second date to the first.
pub fn date_diff(binder: &Binder<'_>, call: &plan::Call) -> Pushed<Bound> {
    let [end, start] = arguments(call)?;
    let (end, start) = (binder.bind(end)?, binder.bind(start)?);
    let no = not_for(call, &[&end, &start]);
    let (end, start) = (binder.node(end)?, binder.node(start)?);
    if end.spark != SparkType::Date || start.spark != SparkType::Date {
        return Err(no);
    }
    let ty = binder.pb.long();
    let node = binder.typed(
        sig::DATE_DIFF,
        "datediff",
        vec![end, start],
        Null::Strict,
        SparkType::Int,
        Class::Int,
        ty,
    );
    Ok(Bound::Node(Node {
        bounds: (-4_000_000, 4_000_000),
        ..node
    }))
}
