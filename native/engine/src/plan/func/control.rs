//! CASE WHEN and COALESCE. All branches are evaluated by TiKV, which no pushed function minds: none of them can fail.

use ti_codec::field_type::type_code as t;
use ti_codec::SparkType;
use ti_proto::{plan, tipb};

use super::logic::exact;
use crate::plan::expr::pb::Class;
use crate::plan::expr::value::{Scalar, Value};
use crate::plan::expr::{Binder, Bound, Node, Null, Pushed, Reason};

pub fn case_when(binder: &Binder<'_>, call: &plan::Call) -> Pushed<Bound> {
    let mut conditions = Vec::new();
    let mut values = Vec::new();
    let mut rest = call.arguments.as_slice();
    while let [condition, value, more @ ..] = rest {
        conditions.push(exact(binder.condition(condition)?)?);
        values.push(value);
        rest = more;
    }
    let has_else = !rest.is_empty();
    values.extend(rest);
    let Alike {
        nodes,
        class,
        spark,
        ty,
        bounds,
    } = alike(binder, &values)?;
    let mut children = Vec::with_capacity(call.arguments.len());
    let mut nodes = nodes.into_iter();
    for condition in conditions {
        children.push(condition);
        children.extend(nodes.next());
    }
    if has_else {
        children.extend(nodes.next());
    }
    let node = binder.typed(class.case_when(), "case", children, Null::Never, spark, class, ty);
    Ok(Bound::Node(Node { bounds, ..node }))
}

pub fn coalesce(binder: &Binder<'_>, call: &plan::Call) -> Pushed<Bound> {
    let values: Vec<&plan::Expr> = call.arguments.iter().collect();
    let Alike {
        nodes,
        class,
        spark,
        ty,
        bounds,
    } = alike(binder, &values)?;
    let node = binder.typed(class.coalesce(), "coalesce", nodes, Null::Never, spark, class, ty);
    Ok(Bound::Node(Node { bounds, ..node }))
}

/// Values of one type in one form.
struct Alike {
    nodes: Vec<Node>,
    class: Class,
    spark: SparkType,
    ty: tipb::FieldType,
    bounds: (i128, i128),
}

fn alike(binder: &Binder<'_>, values: &[&plan::Expr]) -> Pushed<Alike> {
    let bound: Vec<Bound> = values.iter().map(|value| binder.bind(value)).collect::<Pushed<_>>()?;
    let null = |b: &Bound| {
        matches!(
            b,
            Bound::Value(Value {
                scalar: Scalar::Null,
                ..
            })
        )
    };
    let typed = bound.iter().find(|b| !null(b)).or(bound.first());
    let spark = typed.ok_or_else(|| Reason::new("a function has no arguments"))?.spark();
    let mut nodes = Vec::with_capacity(bound.len());
    for mut value in bound {
        if null(&value) {
            value = Bound::Value(Value {
                spark,
                scalar: Scalar::Null,
            });
        }
        if value.spark() != spark {
            return Err(Reason::new(format!(
                "values of {} and {} stand side by side",
                spark.sql(),
                value.spark().sql()
            )));
        }
        nodes.push(exact(binder.node(value)?)?);
    }
    if matches!(spark, SparkType::Decimal { .. }) {
        nodes = nodes.into_iter().map(|node| binder.as_decimal(node)).collect();
    }
    let class = nodes.first().map_or(Class::Int, |node| node.class);
    // A TIMESTAMP's constants are DATETIMEs.
    let dates = nodes.iter().filter(|n| n.type_code() == t::DATE).count();
    let code = match spark {
        SparkType::Date => t::DATE,
        SparkType::Timestamp => t::TIMESTAMP,
        _ => t::DATETIME,
    };
    let mixed = class == Class::Time && dates != if code == t::DATE { nodes.len() } else { 0 };
    if mixed || nodes.iter().any(|n| n.class != class) {
        return Err(Reason::new("values of different forms stand side by side"));
    }
    let bounds = nodes
        .iter()
        .map(|n| n.bounds)
        .reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
        .unwrap_or((0, 0));
    let ty = match (class, spark) {
        (Class::Int, _) => binder.pb.long(),
        (Class::Real, _) => binder.pb.double(),
        (Class::Decimal, SparkType::Decimal { precision, scale }) => {
            binder.pb.decimal(precision, u8::try_from(scale).unwrap_or(0))
        }
        (Class::Bytes, SparkType::String) => binder.pb.text(),
        (Class::Bytes, _) => binder.pb.bytes(),
        (Class::Time, _) => binder.pb.time_type(code),
        _ => return Err(Reason::new(format!("values of {} are not chosen from", spark.sql()))),
    };
    Ok(Alike {
        nodes,
        class,
        spark,
        ty,
        bounds,
    })
}
