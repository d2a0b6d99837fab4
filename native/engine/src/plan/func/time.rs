//! Parts of dates. Those of a TIMESTAMP depend on Spark's session time zone, the request's is UTC.

use ti_codec::SparkType;
use ti_proto::plan;

use super::{arguments, not_for};
use crate::plan::expr::pb::Class;
use crate::plan::expr::{Binder, Bound, Node, Null, Pushed};

pub fn year(binder: &Binder<'_>, call: &plan::Call) -> Pushed<Bound> {
    part(binder, call, 6029, "year", (0, 9999))
}

pub fn month(binder: &Binder<'_>, call: &plan::Call) -> Pushed<Bound> {
    part(binder, call, 6017, "month", (0, 12))
}

pub fn day(binder: &Binder<'_>, call: &plan::Call) -> Pushed<Bound> {
    part(binder, call, 6022, "dayofmonth", (0, 31))
}

pub fn day_of_year(binder: &Binder<'_>, call: &plan::Call) -> Pushed<Bound> {
    part(binder, call, 6024, "dayofyear", (0, 366))
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
        6003,
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
