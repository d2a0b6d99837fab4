use super::super::test_support::*;
use super::*;
use crate::catalog::table_info::flag;
use ti_codec::handle::Handle;
use ti_codec::index::{HandleLayout, IndexColumn, IndexEncoder};
use ti_codec::options::TinyInt1;

fn key_column(column: &ColumnDescriptor, prefix: Option<u32>) -> KeyColumn {
    KeyColumn::new(column, prefix, &TypeOptions::default(), true).unwrap()
}

fn spans(column: &KeyColumn, table: &TableDescriptor, filter: &plan::Expr) -> Option<Vec<Span>> {
    let types = TypeOptions::default();
    let conditions = super::super::predicate::Conditions::new(table, [filter], &types);
    if conditions.never {
        return Some(Vec::new());
    }
    column.all_of(conditions.of(column.id))
}

/// The form that an index keeps of a value.
fn indexed(column: &ColumnDescriptor, prefix: Option<u32>, value: &Datum<'_>) -> Vec<u8> {
    let part = IndexColumn {
        name: column.name.clone(),
        offset: 0,
        column_id: column.id,
        field_type: column.field_type(),
        prefix,
    };
    let encoder = IndexEncoder::new(1, true, vec![part], HandleLayout::Int).unwrap();
    let mut key = Vec::new();
    let row = [value.borrowed()];
    let distinct = encoder.key(1, &row, &Handle::Int(1), &mut key).unwrap();
    let end = if distinct { key.len() } else { key.len() - 9 };
    key[ti_codec::key::INDEX_PREFIX_LENGTH..end].to_vec()
}

const COMPARISONS: [&str; 5] = ["=", "<", "<=", ">", ">="];

#[test]
fn texts_that_pass_are_inside() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let rng = &mut fastrand::Rng::with_seed(seed);
    let pieces = ["a", "b", "A", " ", "\t", "é", "\u{1}", "中"];
    let random = |rng: &mut fastrand::Rng| -> String { (0..rng.usize(..5)).map(|_| pieces[rng.usize(..8)]).collect() };
    let mut outside = 0;
    for collate in [
        "utf8mb4_bin",
        "utf8mb4_0900_bin",
        "utf8mb4_general_ci",
        "utf8mb4_unicode_ci",
        "binary",
    ] {
        for prefix in [None, Some(1), Some(2)] {
            let column = column(1, "a", t::VARCHAR, 0, 20, -1, collate);
            let table = TableDescriptor::of_columns(vec![column.clone()]);
            let key_column = key_column(&column, prefix);
            for _ in 0..3_000 {
                let (value, constant) = (random(rng), text(&random(rng)));
                let function = [COMPARISONS.as_slice(), &["STARTS_WITH"]].concat()[rng.usize(..6)];
                let value = Datum::Bytes(value.as_bytes().into());
                let Some(spans) = spans(&key_column, &table, &call(function, vec![col("a"), constant.clone()])) else {
                    assert!(collate.ends_with("_ci") && function != "=", "{collate} {function}");
                    continue;
                };
                let key = indexed(&column, prefix, &value);
                let inside = spans.iter().any(|s| s.contains(&key));
                let passes = spark(function, &value, &constant) == Some(true);
                assert!(
                    inside || !passes,
                    "{collate} {prefix:?}: {value:?} {function} {constant:?}: {spans:?}"
                );
                if prefix.is_none() && matches!(collate, "binary" | "utf8mb4_0900_bin") {
                    assert_eq!(inside, passes, "{value:?} {function} {constant:?}");
                }
                outside += u32::from(!inside);
            }
        }
    }
    assert!(outside > 1_000, "the spans are not everything");
}

#[test]
fn integers_are_inside_exactly_when_they_pass() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let rng = &mut fastrand::Rng::with_seed(seed);
    for unsigned in [false, true] {
        let flags = if unsigned { flag::UNSIGNED } else { 0 };
        let column = column(1, "a", t::LONG, flags, 11, 0, "binary");
        let table = TableDescriptor::of_columns(vec![column.clone()]);
        let key_column = key_column(&column, None);
        for _ in 0..2_000 {
            let n = rng.i64(if unsigned { 0..9 } else { -4..5 });
            let value = if unsigned { Datum::Uint(n as u64) } else { Datum::Int(n) };
            let constant = rng.i64(-6..10);
            let real = !unsigned && rng.bool();
            let constant = if real {
                lit(Kind::Double, Some(Value::Real(constant as f64 / 2.0)))
            } else {
                long(constant)
            };
            let function = COMPARISONS[rng.usize(..5)];
            let column_side = if real {
                cast(col("a"), data_type(Kind::Double))
            } else {
                col("a")
            };
            let spans = spans(
                &key_column,
                &table,
                &call(function, vec![column_side, constant.clone()]),
            )
            .unwrap();
            let inside = spans.iter().any(|s| s.contains(&indexed(&column, None, &value)));
            assert_eq!(
                inside,
                spark(function, &value, &constant) == Some(true),
                "{value:?} {function} {constant:?}"
            );
        }
    }
}

#[test]
fn null_is_where_it_is_asked_for() {
    let column = column(1, "a", t::LONG, 0, 11, 0, "binary");
    let table_of = TableDescriptor::of_columns(vec![column.clone()]);
    let key = key_column(&column, None);
    let null = indexed(&column, None, &Datum::Null);
    let inside = |filter: &plan::Expr| {
        spans(&key, &table_of, filter)
            .unwrap()
            .iter()
            .any(|s| s.contains(&null))
    };
    assert!(inside(&call("IS_NULL", vec![col("a")])));
    assert!(inside(&call("<=>", vec![col("a"), lit(Kind::Long, None)])));
    assert!(!inside(&call("IS_NOT_NULL", vec![col("a")])));
    assert!(!inside(&call("<", vec![col("a"), long(5)])));
    assert!(!inside(&call("=", vec![col("a"), lit(Kind::Long, None)])));
    let dates = super::super::test_support::column(1, "a", t::DATE, 0, 10, 0, "binary");
    let key = key_column(&dates, None);
    let dates = TableDescriptor::of_columns(vec![dates]);
    assert_eq!(
        spans(&key, &dates, &call("IS_NULL", vec![col("a")])),
        None,
        "Spark reads a zero date as NULL"
    );
}

#[test]
fn bounds_of_decimals_and_moments_are_rounded_the_right_way() {
    let decimals = column(1, "a", t::NEW_DECIMAL, 0, 5, 2, "binary");
    let table_of = TableDescriptor::of_columns(vec![decimals.clone()]);
    let key = key_column(&decimals, None);
    let at = |unscaled| {
        let value = Decimal::from_unscaled(unscaled, 2).unwrap();
        indexed(
            &decimals,
            None,
            &Datum::Decimal {
                value,
                precision: 5,
                scale: 2,
            },
        )
    };
    let inside = |function: &str, constant: &str, value| {
        let constant = lit(Kind::Decimal, Some(Value::Decimal(constant.into())));
        let spans = spans(&key, &table_of, &call(function, vec![col("a"), constant])).unwrap();
        spans.iter().any(|s| s.contains(&at(value)))
    };
    assert!(inside("<", "1.234", 123) && !inside("<", "1.234", 124));
    assert!(inside(">", "1.234", 124) && !inside(">=", "1.234", 123));
    assert!(inside("<", "-1.234", -124) && !inside("<=", "-1.234", -123));
    assert!(!inside("=", "1.234", 123) && inside("=", "1.2300", 123));
    assert!(inside("<", "1000", 99_999) && !inside(">", "1000", 99_999) && inside(">", "-1000", -99_999));

    let times = column(1, "a", t::DATETIME, 0, 19, 0, "binary");
    let table_of = TableDescriptor::of_columns(vec![times.clone()]);
    let key = key_column(&times, None);
    let second = |s: i64| Datum::Uint(MysqlTime::from_wall_micros(s * 1_000_000).unwrap().to_packed());
    let inside = |function: &str, micros: i64, value: i64| {
        let constant = lit(Kind::TimestampNtz, Some(Value::Integer(micros)));
        let spans = spans(&key, &table_of, &call(function, vec![col("a"), constant])).unwrap();
        spans.iter().any(|s| s.contains(&indexed(&times, None, &second(value))))
    };
    assert!(inside("<", 1_500_000, 1) && !inside("<", 1_500_000, 2));
    assert!(inside(">=", 1_500_000, 2) && !inside(">=", 1_500_000, 1) && !inside("=", 1_500_000, 1));
    assert!(inside("<", i64::MAX, 5) && !inside(">", i64::MAX, 5) && inside(">", i64::MIN, -5));
}

#[test]
fn enums_and_booleans_know_equality_only() {
    let members = column(1, "a", t::ENUM, 0, 1, 0, "utf8mb4_bin");
    let table_of = TableDescriptor::of_columns(vec![members.clone()]);
    let key = key_column(&members, None);
    let y = spans(&key, &table_of, &call("=", vec![col("a"), text("y")])).unwrap();
    assert_eq!(y, [Span::point(indexed(&members, None, &Datum::Uint(2)))]);
    assert_eq!(
        spans(&key, &table_of, &call("=", vec![col("a"), text("Y")])).unwrap(),
        []
    );
    assert_eq!(spans(&key, &table_of, &call("<", vec![col("a"), text("y")])), None);

    let flags = column(1, "a", t::TINY, 0, 1, 0, "binary");
    let table_of = TableDescriptor::of_columns(vec![flags.clone()]);
    let key = key_column(&flags, None);
    let inside = |value: bool, stored: i64| {
        let constant = lit(Kind::Boolean, Some(Value::Boolean(value)));
        let spans = spans(&key, &table_of, &call("=", vec![col("a"), constant])).unwrap();
        spans
            .iter()
            .any(|s| s.contains(&indexed(&flags, None, &Datum::Int(stored))))
    };
    assert!(inside(true, 1) && inside(true, 7) && inside(true, -1) && !inside(true, 0));
    assert!(inside(false, 0) && !inside(false, 2));
    let plain = TypeOptions {
        tinyint1: TinyInt1::TinyInt,
        ..TypeOptions::default()
    };
    assert_eq!(KeyColumn::new(&flags, None, &plain, true).unwrap().form, Form::Int);
}
