use super::super::test_support::*;
use super::*;
use ti_codec::field_type::type_code as t;

fn two() -> TableDescriptor {
    TableDescriptor::of_columns(vec![
        column(1, "a", t::LONG, 0, 11, 0, "binary"),
        column(2, "b", t::LONG_LONG, 0, 20, 0, "binary"),
    ])
}

fn conditions(filters: &[plan::Expr]) -> String {
    let types = TypeOptions::default();
    let all = Conditions::new(&two(), filters, &types);
    let ids: Vec<String> = all
        .column_ids()
        .map(|id| format!("{id}:{}", all.of(id).len()))
        .collect();
    format!("{}{}", if all.never { "never " } else { "" }, ids.join(" "))
}

#[test]
fn conjunctions_are_taken_apart_and_alternatives_only_where_all_say_something() {
    let eq = |c: &str, n| call("=", vec![col(c), long(n)]);
    assert_eq!(
        conditions(&[call("AND", vec![eq("a", 1), eq("b", 2)]), eq("a", 3)]),
        "1:2 2:1"
    );
    assert_eq!(conditions(&[call("OR", vec![eq("a", 1), eq("b", 2)])]), "");
    let branch = |n| call("AND", vec![eq("a", n), eq("b", n)]);
    assert_eq!(conditions(&[call("OR", vec![branch(1), eq("a", 2)])]), "1:1");
    let never = || call("=", vec![col("b"), lit(Kind::Long, None)]);
    assert_eq!(conditions(&[call("OR", vec![eq("a", 1), never()])]), "1:1");
    assert_eq!(conditions(&[never()]), "never ");
    assert_eq!(conditions(&[call("NOT", vec![eq("a", 1)])]), "");
    assert_eq!(conditions(&[call("NOT", vec![call("IS_NULL", vec![col("A")])])]), "1:1");
    assert_eq!(conditions(&[call("=", vec![col("nowhere"), long(1)])]), "");
    assert_eq!(
        conditions(&[call("IN", vec![col("a"), lit(Kind::Long, None)])]),
        "never "
    );
    assert_eq!(conditions(&[call("IN", vec![col("a"), long(1), col("b")])]), "");
}

#[test]
fn casts_that_change_no_value_are_looked_through() {
    let of = |kind: Kind, precision| plan::DataType {
        precision,
        ..data_type(kind)
    };
    let by = |c: &str, kind, precision| {
        conditions(&[call(
            ">",
            vec![
                lit(Kind::Long, Some(Value::Integer(1))),
                cast(col(c), of(kind, precision)),
            ],
        )])
    };
    assert_eq!(by("a", Kind::Long, 0), "1:1");
    assert_eq!(by("a", Kind::Double, 0), "1:1");
    assert_eq!(by("b", Kind::Double, 0), "", "a BIGINT has more digits than a double");
    assert_eq!(by("b", Kind::Int, 0), "");
    assert_eq!(by("b", Kind::Decimal, 20), "2:1");
    assert_eq!(by("b", Kind::Decimal, 18), "");
    assert_eq!(by("a", Kind::String, 0), "");
}
