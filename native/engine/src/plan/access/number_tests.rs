use super::*;

fn floor(value: Value, kind: Kind, scale: u8) -> Option<(i128, bool)> {
    Number::of(&value, kind)?.floor(scale)
}

#[test]
fn constants_are_floored_exactly() {
    let decimal = |text: &str, scale| floor(Value::Decimal(text.into()), Kind::Decimal, scale);
    assert_eq!(decimal("2.5", 0), Some((2, false)));
    assert_eq!(decimal("-2.5", 0), Some((-3, false)));
    assert_eq!(decimal("-2.50", 1), Some((-25, true)));
    assert_eq!(decimal("7", 2), Some((700, true)));
    assert_eq!(decimal(&"9".repeat(38), 30), Some((i128::MAX, true)));
    assert_eq!(decimal("x", 0), None);
    assert_eq!(floor(Value::Real(-0.5), Kind::Double, 0), Some((-1, false)));
    assert_eq!(floor(Value::Real(3.0), Kind::Double, 0), Some((3, true)));
    assert_eq!(floor(Value::Real(f64::NAN), Kind::Double, 0), None);
    assert_eq!(floor(Value::Integer(5), Kind::Long, 0), Some((5, true)));
    assert_eq!(floor(Value::Integer(5), Kind::Date, 0), None);
}
