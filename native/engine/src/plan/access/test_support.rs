//! Tables, filters and rows of the tests of this module.

use ti_codec::datum::Datum;
use ti_codec::field_type::FieldType;
use ti_proto::expr::literal;
pub use ti_proto::expr::{call, cast, column as col, data_type, long, text};
use ti_proto::plan;
use ti_proto::plan::data_type::Kind;
use ti_proto::plan::expr::Node;
use ti_proto::plan::literal::Value;

use crate::catalog::descriptor::{ColumnDescriptor, KeyPart};

pub fn column(id: i64, name: &str, tp: u8, flag: u32, flen: i32, decimal: i32, collate: &str) -> ColumnDescriptor {
    let ty = FieldType {
        tp,
        flag,
        flen,
        decimal,
        charset: collate.split('_').next().unwrap_or_default().into(),
        collate: collate.into(),
        elems: vec!["x".into(), "y".into()],
    };
    ColumnDescriptor::new(id, name, ty)
}

pub fn part(id: i64, prefix: Option<u32>) -> KeyPart {
    KeyPart { id, prefix }
}

pub fn lit(kind: Kind, value: Option<Value>) -> plan::Expr {
    let r#type = plan::DataType {
        kind: kind.into(),
        precision: 20,
        scale: 4,
    };
    literal(r#type, value)
}

/// What Spark says of a comparison of a datum with the literal; `None`: NULL. Integers, texts and moments only.
pub fn spark(function: &str, value: &Datum<'_>, constant: &plan::Expr) -> Option<bool> {
    let Some(Node::Literal(literal)) = &constant.node else {
        panic!("{constant:?}")
    };
    let order = match (value, literal.value.as_ref()) {
        (Datum::Null, _) | (_, None) => return None,
        (Datum::Int(v), Some(Value::Integer(n))) => v.cmp(n),
        (Datum::Uint(v), Some(Value::Integer(n))) => i128::from(*v).cmp(&i128::from(*n)),
        (Datum::Int(v), Some(Value::Real(n))) => (*v as f64).partial_cmp(n)?,
        (Datum::Bytes(v), Some(Value::Text(text))) => v.as_ref().cmp(text.as_bytes()),
        other => panic!("{other:?}"),
    };
    Some(match function {
        "=" => order.is_eq(),
        "<" => order.is_lt(),
        "<=" => order.is_le(),
        ">" => order.is_gt(),
        ">=" => order.is_ge(),
        "STARTS_WITH" => match (value, literal.value.as_ref()) {
            (Datum::Bytes(v), Some(Value::Text(text))) => v.starts_with(text.as_bytes()),
            _ => panic!("not a text"),
        },
        other => panic!("{other}"),
    })
}
