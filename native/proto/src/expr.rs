//! Short ways to make the expressions of `plan.proto`, for what makes some itself: tests, pages, look-ups in system tables.

use crate::plan::data_type::Kind;
use crate::plan::expr::Node;
use crate::plan::literal::Value;
use crate::plan::{Call, DataType, Expr, Literal};

/// A type without digits.
pub fn data_type(kind: Kind) -> DataType {
    DataType {
        kind: kind.into(),
        ..DataType::default()
    }
}

/// DECIMAL(precision, scale)
pub fn decimal_type(precision: u32, scale: u32) -> DataType {
    DataType {
        kind: Kind::Decimal.into(),
        precision,
        scale,
    }
}

/// A column by its name.
pub fn column(name: &str) -> Expr {
    Expr {
        node: Some(Node::Column(name.into())),
    }
}

/// A constant; without a value: NULL.
pub fn literal(r#type: DataType, value: Option<Value>) -> Expr {
    let r#type = Some(r#type);
    Expr {
        node: Some(Node::Literal(Literal { r#type, value })),
    }
}

/// A constant of type LONG.
pub fn long(value: i64) -> Expr {
    literal(data_type(Kind::Long), Some(Value::Integer(value)))
}

/// A constant of type STRING.
pub fn text(value: &str) -> Expr {
    literal(data_type(Kind::String), Some(Value::Text(value.into())))
}

/// A function by its name in Spark's V2 expressions.
pub fn call(function: &str, arguments: Vec<Expr>) -> Expr {
    function_of(function, arguments, None)
}

/// A conversion.
pub fn cast(argument: Expr, target: DataType) -> Expr {
    function_of("CAST", vec![argument], Some(target))
}

fn function_of(function: &str, arguments: Vec<Expr>, r#type: Option<DataType>) -> Expr {
    Expr {
        node: Some(Node::Call(Call {
            function: function.into(),
            arguments,
            r#type,
        })),
    }
}
