use ti_codec::datum::Datum;
use ti_codec::field_type::{type_code as t, FieldType};
use ti_codec::mysql::json_encode::encode_text;
use ti_codec::mysql::time::MysqlTime;
use ti_codec::{DatetimeAs, TimeZone, TinyInt1, TypeOptions};

use super::reads_as;

fn ty(tp: u8, flen: i32) -> FieldType {
    FieldType {
        tp,
        flag: 0,
        flen,
        decimal: 0,
        charset: "binary".into(),
        collate: "binary".into(),
        elems: Vec::new(),
    }
}

fn packed(text: &str) -> Datum<'static> {
    Datum::Uint(MysqlTime::parse(text).unwrap().to_packed())
}

#[test]
fn dates_that_spark_cannot_show_are_null() {
    let types = TypeOptions::default();
    let date = ty(t::DATE, 10);
    assert!(reads_as(&Datum::Uint(0), &Datum::Null, &date, &types));
    assert!(!reads_as(&packed("2024-02-29"), &Datum::Null, &date, &types));
    assert!(!reads_as(&Datum::Null, &packed("2024-02-29"), &date, &types));
}

#[test]
fn every_true_is_the_same_boolean() {
    let types = TypeOptions {
        tinyint1: TinyInt1::Boolean,
        ..TypeOptions::default()
    };
    let (one, two) = (ty(t::TINY, 1), ty(t::TINY, 2));
    assert!(reads_as(&Datum::Int(5), &Datum::Int(1), &one, &types));
    assert!(!reads_as(&Datum::Int(5), &Datum::Int(0), &one, &types));
    assert!(!reads_as(&Datum::Int(0), &Datum::Int(1), &one, &types));
    assert!(!reads_as(&Datum::Int(5), &Datum::Int(1), &two, &types));
    let numbers = TypeOptions {
        tinyint1: TinyInt1::TinyInt,
        ..TypeOptions::default()
    };
    assert!(!reads_as(&Datum::Int(5), &Datum::Int(1), &one, &numbers));
}

#[test]
fn json_is_what_its_text_says() {
    let types = TypeOptions::default();
    let json = ty(t::JSON, -1);
    let value = |text: &str| Datum::Json(encode_text(text).unwrap().into());
    assert!(reads_as(&value(r#"{"a": 1}"#), &value(r#"{ "a":1}"#), &json, &types));
    assert!(!reads_as(&value(r#"{"a": 1}"#), &value(r#"{"a": 2}"#), &json, &types));
}

#[test]
fn a_wall_clock_time_that_the_zone_does_not_have_is_shown_later() {
    let types = TypeOptions {
        datetime: DatetimeAs::Timestamp,
        time_zone: TimeZone::parse("Europe/Berlin").unwrap(),
        ..TypeOptions::default()
    };
    let datetime = ty(t::DATETIME, 19);
    let (gap, shown) = (packed("2024-03-31 02:30:00"), packed("2024-03-31 03:30:00"));
    assert!(reads_as(&gap, &shown, &datetime, &types));
    assert!(!reads_as(&shown, &gap, &datetime, &types));
    assert!(!reads_as(&gap, &shown, &datetime, &TypeOptions::default()));
}
