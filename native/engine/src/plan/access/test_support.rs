//! Tables, filters and rows of the tests of this module.

use ti_codec::datum::Datum;
use ti_proto::plan;
use ti_proto::plan::data_type::Kind;
use ti_proto::plan::expr::Node;
use ti_proto::plan::literal::Value;

use crate::catalog::descriptor::{ColumnDescriptor, HandleKind, KeyPart, TableDescriptor};

pub fn column(id: i64, name: &str, tp: u8, flag: u32, flen: i32, decimal: i32, collate: &str) -> ColumnDescriptor {
    ColumnDescriptor {
        id,
        name: name.into(),
        tp,
        flag,
        flen,
        decimal,
        charset: collate.split('_').next().unwrap_or_default().into(),
        collate: collate.into(),
        elems: vec!["x".into(), "y".into()],
        origin_default: None,
        refusal: None,
    }
}

pub fn table(columns: Vec<ColumnDescriptor>) -> TableDescriptor {
    TableDescriptor {
        database: "d".into(),
        table: "t".into(),
        table_id: 7,
        refusal: None,
        handle: HandleKind::RowId,
        primary_column_ids: Vec::new(),
        primary_prefix_column_ids: Vec::new(),
        handle_columns: Vec::new(),
        columns,
        indexes: Vec::new(),
        partitions: None,
        partitioning: None,
    }
}

pub fn part(id: i64, prefix: Option<u32>) -> KeyPart {
    KeyPart { id, prefix }
}

pub fn col(name: &str) -> plan::Expr {
    plan::Expr {
        node: Some(Node::Column(name.into())),
    }
}

pub fn lit(kind: Kind, value: Option<Value>) -> plan::Expr {
    let r#type = Some(plan::DataType {
        kind: kind.into(),
        precision: 20,
        scale: 4,
    });
    plan::Expr {
        node: Some(Node::Literal(plan::Literal { r#type, value })),
    }
}

pub fn long(value: i64) -> plan::Expr {
    lit(Kind::Long, Some(Value::Integer(value)))
}

pub fn text(value: &str) -> plan::Expr {
    lit(Kind::String, Some(Value::Text(value.into())))
}

pub fn call(function: &str, arguments: Vec<plan::Expr>) -> plan::Expr {
    plan::Expr {
        node: Some(Node::Call(plan::Call {
            function: function.into(),
            arguments,
            r#type: None,
        })),
    }
}

pub fn cast(expr: plan::Expr, kind: Kind, precision: u32, scale: u32) -> plan::Expr {
    plan::Expr {
        node: Some(Node::Call(plan::Call {
            function: "CAST".into(),
            arguments: vec![expr],
            r#type: Some(plan::DataType {
                kind: kind.into(),
                precision,
                scale,
            }),
        })),
    }
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
