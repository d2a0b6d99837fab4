//! Arrow values to datums: what golden/writes.txt cannot show. NULL, options, other Arrow types, messages, slices, batches that are damaged.

use std::sync::Arc;

use crate::common::{charset, field, sized, unsigned};
use arrow_array::builder::{Decimal128Builder, FixedSizeBinaryBuilder};
use arrow_array::types::Float32Type;
use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Date32Array, DurationMicrosecondArray, Float32Array, Float64Array,
    Int16Array, Int32Array, Int64Array, Int8Array, ListArray, StringArray, TimestampMicrosecondArray,
    TimestampMillisecondArray,
};
use ti_codec::datum::Datum;
use ti_codec::field_type::{flag, type_code as t};
use ti_codec::input::InputColumn;
use ti_codec::mysql::time::MysqlTime;
use ti_codec::{CodecError, DatetimeAs, FieldType, TimeAs, TimeZone, TypeOptions, ValueError};

fn one(ft: &FieldType, options: &TypeOptions, array: ArrayRef) -> Result<Datum<'static>, CodecError> {
    let column = InputColumn::new("a", ft, options, array.data_type())?;
    assert_eq!(column.name(), "a");
    let bound = column.bind(&array)?;
    bound.get(0).map(owned)
}

fn owned(datum: Datum<'_>) -> Datum<'static> {
    match datum {
        Datum::Bytes(v) => Datum::Bytes(v.into_owned().into()),
        Datum::Json(v) => Datum::Json(v.into_owned().into()),
        Datum::Vector(v) => Datum::Vector(v.into_owned().into()),
        Datum::Int(v) => Datum::Int(v),
        Datum::Uint(v) => Datum::Uint(v),
        Datum::Float(v) => Datum::Float(v),
        Datum::Duration(v) => Datum::Duration(v),
        Datum::Decimal {
            value,
            precision,
            scale,
        } => Datum::Decimal {
            value,
            precision,
            scale,
        },
        Datum::Null => Datum::Null,
        Datum::Max => Datum::Max,
    }
}

fn plain(ft: &FieldType, array: ArrayRef) -> Result<Datum<'static>, CodecError> {
    one(ft, &TypeOptions::default(), array)
}

fn not_null(ft: FieldType) -> FieldType {
    FieldType {
        flag: ft.flag | flag::NOT_NULL,
        ..ft
    }
}

fn time(year: u16, month: u8, day: u8, hour: u8, minute: u8, second: u8, micros: u32) -> Datum<'static> {
    Datum::Uint(
        MysqlTime {
            year,
            month,
            day,
            hour,
            minute,
            second,
            micros,
        }
        .to_packed(),
    )
}

#[test]
fn nulls_pass_where_the_column_has_them() {
    let array: ArrayRef = Arc::new(Int64Array::from(vec![None, Some(1)]));
    assert_eq!(plain(&field(t::LONG), Arc::clone(&array)), Ok(Datum::Null));
    let error = plain(&not_null(field(t::LONG)), Arc::clone(&array)).unwrap_err();
    assert_eq!(
        error,
        CodecError::Value(Box::new(ValueError::Null { column: "a".into() }))
    );
    assert_eq!(
        error.to_string(),
        "Column 'a' cannot be null; give every row a value, or leave the column out of the write so that it gets its default"
    );
    let column = InputColumn::new(
        "a",
        &not_null(field(t::LONG)),
        &TypeOptions::default(),
        array.data_type(),
    )
    .unwrap();
    let bound = column.bind(&array).unwrap();
    assert_eq!(
        (bound.rows(), bound.is_null(0), bound.is_null(1), bound.is_null(2)),
        (2, true, false, false)
    );
    assert_eq!(bound.get(1), Ok(Datum::Int(1)));
    assert!(bound.get(2).unwrap_err().to_string().contains("row 2"));
}

#[test]
fn messages_name_column_value_type_and_remedy() {
    let text = |s: &str| -> ArrayRef { Arc::new(StringArray::from(vec![s])) };
    let ints = |v: i64| -> ArrayRef { Arc::new(Int64Array::from(vec![v])) };
    let enumeration = FieldType {
        elems: vec!["x".into(), "Y'".into()],
        ..charset(t::ENUM, "utf8mb4")
    };
    let cases: Vec<(FieldType, ArrayRef, &str)> = vec![
        (field(t::TINY), ints(300), "Out of range value for column 'a': 300 does not fit TINYINT; correct the value, or give the column a wider type in TiDB"),
        (unsigned(t::LONG_LONG), ints(-1), "Out of range value for column 'a': -1 does not fit BIGINT UNSIGNED; "),
        (field(t::FLOAT), Arc::new(Float64Array::from(vec![f64::NAN])), "Out of range value for column 'a': NaN does not fit FLOAT; "),
        (field(t::DOUBLE), Arc::new(Float64Array::from(vec![f64::INFINITY])), "Out of range value for column 'a': inf does not fit DOUBLE; "),
        (sized(t::NEW_DECIMAL, 3, 1), ints(100), "Out of range value for column 'a': 100 does not fit DECIMAL(3,1); "),
        (sized(t::VARCHAR, 2, -1), text("äöü"), "Data too long for column 'a': 'äöü' has 3 characters, VARCHAR(2) ends at 2; shorten the value, or give the column a longer type in TiDB"),
        (FieldType { charset: "binary".into(), ..sized(t::VARCHAR, 2, -1) }, Arc::new(BinaryArray::from(vec![&[0u8, 1, 255][..]])), "Data too long for column 'a': x'0001FF' has 3 bytes, VARBINARY(2) ends at 2; "),
        (sized(t::BIT, 4, 0), ints(16), "Data too long for column 'a': 16 has 5 bits, BIT(4) ends at 4; "),
        (enumeration, text("z"), "Data truncated for column 'a': 'z' is no value of ENUM('x','Y'''); write it as the type does, or add the element in TiDB"),
        (charset(t::VARCHAR, "utf8"), text("a😀"), "Incorrect string value for column 'a': 'a😀' has \\xF0\\x9F\\x98\\x80 at byte 2, which is not utf8; repair the text, or CONVERT the column TO CHARACTER SET utf8mb4 in TiDB"),
        (field(t::JSON), text("{\"a\" 1}"), "Incorrect value for column 'a': '{\"a\" 1}' is not a JSON: `:` is missing at byte 6"),
        (field(t::DATE), Arc::new(Date32Array::from(vec![2_932_897])), "Out of range value for column 'a': a date outside of the years 0 to 9999 does not fit DATE; "),
        (field(t::TIMESTAMP), Arc::new(TimestampMicrosecondArray::from(vec![0]).with_timezone("UTC")), "Out of range value for column 'a': 1970-01-01 00:00:00.000000 UTC does not fit TIMESTAMP; "),
        (field(t::DURATION), Arc::new(DurationMicrosecondArray::from(vec![-4_000_000_000_000])), "Out of range value for column 'a': -1111:06:40.000000 does not fit TIME; "),
    ];
    for (ft, array, expected) in cases {
        let error = plain(&ft, array).unwrap_err();
        assert!(matches!(error, CodecError::Value(_)), "{error:?}");
        assert!(error.to_string().starts_with(expected), "{error}\n{expected}");
    }
    // Long values are cut.
    let error = plain(&sized(t::VARCHAR, 2, -1), text(&"ü".repeat(100)))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains(&format!("'{}...' has 100 characters", "ü".repeat(40))),
        "{error}"
    );
    let long = BinaryArray::from(vec![&[7u8; 100][..]]);
    let error = plain(
        &FieldType {
            charset: "binary".into(),
            ..sized(t::VARCHAR, 2, -1)
        },
        Arc::new(long),
    )
    .unwrap_err()
    .to_string();
    assert!(
        error.contains(&format!("x'{}...' has 100 bytes", "07".repeat(19))),
        "{error}"
    );
}

#[test]
fn narrow_numbers_are_taken_for_every_number_column() {
    let arrays: Vec<ArrayRef> = vec![
        Arc::new(BooleanArray::from(vec![true])),
        Arc::new(Int8Array::from(vec![1])),
        Arc::new(Int16Array::from(vec![1])),
        Arc::new(Int32Array::from(vec![1])),
        Arc::new(Int64Array::from(vec![1])),
        Arc::new(Float32Array::from(vec![1.0])),
        Arc::new(Float64Array::from(vec![1.0])),
        {
            let mut one = Decimal128Builder::new().with_precision_and_scale(5, 2).unwrap();
            one.append_value(100);
            Arc::new(one.finish())
        },
    ];
    for array in arrays {
        for tp in [t::TINY, t::SHORT, t::INT24, t::LONG, t::LONG_LONG] {
            assert_eq!(plain(&field(tp), Arc::clone(&array)), Ok(Datum::Int(1)));
            assert_eq!(plain(&unsigned(tp), Arc::clone(&array)), Ok(Datum::Uint(1)));
        }
        assert_eq!(plain(&unsigned(t::YEAR), Arc::clone(&array)), Ok(Datum::Int(2001)));
        assert_eq!(plain(&sized(t::BIT, 3, 0), Arc::clone(&array)), Ok(Datum::Uint(1)));
        assert_eq!(plain(&field(t::FLOAT), Arc::clone(&array)), Ok(Datum::Float(1.0)));
        assert_eq!(plain(&field(t::DOUBLE), Arc::clone(&array)), Ok(Datum::Float(1.0)));
        let Ok(Datum::Decimal {
            value,
            precision: 10,
            scale: 3,
        }) = plain(&sized(t::NEW_DECIMAL, 10, 3), array)
        else {
            panic!("no decimal")
        };
        assert_eq!(value.to_string(), "1.000");
    }
}

#[test]
fn arrow_types_that_do_not_belong_are_refused_by_name() {
    let text: ArrayRef = Arc::new(StringArray::from(vec!["1"]));
    let mut fixed = FixedSizeBinaryBuilder::new(2);
    fixed.append_value([1, 2]).unwrap();
    let fixed: ArrayRef = Arc::new(fixed.finish());
    let cases: Vec<(FieldType, ArrayRef)> = vec![
        (field(t::LONG), Arc::clone(&text)),
        (field(t::DATE), Arc::clone(&text)),
        (field(t::JSON), Arc::new(BinaryArray::from(vec![&b"1"[..]]))),
        (field(t::VARCHAR), Arc::new(Int64Array::from(vec![1]))),
        (field(t::VARCHAR), fixed),
        (field(t::DATETIME), Arc::new(TimestampMillisecondArray::from(vec![1]))),
        (field(t::DURATION), Arc::new(Int64Array::from(vec![1]))),
        (field(t::VECTOR_FLOAT32), Arc::new(Float32Array::from(vec![1.0]))),
        (field(t::GEOMETRY), Arc::clone(&text)),
        (charset(t::VARCHAR, "koi8r"), Arc::clone(&text)),
    ];
    for (ft, array) in cases {
        let error = plain(&ft, array).unwrap_err();
        assert!(matches!(error, CodecError::NotWritable { .. }), "{error:?}");
        assert!(error.to_string().starts_with("column 'a' of type "), "{error}");
    }
    let column = InputColumn::new(
        "a",
        &field(t::LONG),
        &TypeOptions::default(),
        &arrow_schema::DataType::Int64,
    )
    .unwrap();
    let error = column.bind(&text).unwrap_err().to_string();
    assert_eq!(
        error,
        "column 'a' of type INT cannot be written from Utf8: cast it to a number in Spark"
    );
}

#[test]
fn moments_and_wall_clocks_are_converted_by_the_session_time_zone() {
    let options = TypeOptions {
        time_zone: TimeZone::parse("Europe/Berlin").unwrap(),
        datetime: DatetimeAs::Timestamp,
        ..TypeOptions::default()
    };
    // 2024-07-01T12:00:00.5Z
    let micros = 1_719_835_200_500_000;
    let utc = || -> ArrayRef { Arc::new(TimestampMicrosecondArray::from(vec![micros]).with_timezone("UTC")) };
    let wall = || -> ArrayRef { Arc::new(TimestampMicrosecondArray::from(vec![micros])) };
    let with_fraction = |tp| sized(tp, -1, 1);
    assert_eq!(
        one(&with_fraction(t::DATETIME), &options, utc()),
        Ok(time(2024, 7, 1, 14, 0, 0, 500_000))
    );
    assert_eq!(
        one(&with_fraction(t::DATETIME), &options, wall()),
        Ok(time(2024, 7, 1, 12, 0, 0, 500_000))
    );
    assert_eq!(
        one(&with_fraction(t::TIMESTAMP), &options, utc()),
        Ok(time(2024, 7, 1, 12, 0, 0, 500_000))
    );
    assert_eq!(
        one(&with_fraction(t::TIMESTAMP), &options, wall()),
        Ok(time(2024, 7, 1, 10, 0, 0, 500_000))
    );
    assert_eq!(
        one(&field(t::TIMESTAMP), &options, wall()),
        Ok(time(2024, 7, 1, 10, 0, 1, 0))
    );
    for far in [i64::MIN, i64::MAX, i64::MIN / 2, i64::MAX / 2] {
        let arrays: [ArrayRef; 2] = [
            Arc::new(TimestampMicrosecondArray::from(vec![far])),
            Arc::new(TimestampMicrosecondArray::from(vec![far]).with_timezone("UTC")),
        ];
        for array in arrays {
            for ft in [field(t::DATETIME), field(t::TIMESTAMP), sized(t::DATETIME, -1, 6)] {
                assert!(matches!(
                    one(&ft, &options, Arc::clone(&array)),
                    Err(CodecError::Value(_))
                ));
            }
        }
    }
}

#[test]
fn times_come_as_intervals_or_nanoseconds() {
    let nanos = TypeOptions {
        time: TimeAs::BigInt,
        ..TypeOptions::default()
    };
    for (fsp, given, stored) in [
        (6, 1_500, 2_000),
        (6, -1_500, -2_000),
        (6, 1_499, 1_000),
        (0, 1_500_000_000, 2_000_000_000),
        (3, -1_499_999, -1_000_000),
        (6, 3_020_399_000_000_499, 3_020_399_000_000_000),
    ] {
        let array: ArrayRef = Arc::new(Int64Array::from(vec![given]));
        assert_eq!(
            one(&sized(t::DURATION, -1, fsp), &nanos, array),
            Ok(Datum::Duration(stored)),
            "{fsp} {given}"
        );
    }
    for far in [i64::MIN, i64::MAX, 3_020_399_000_000_500, -3_020_399_000_000_500] {
        let array: ArrayRef = Arc::new(Int64Array::from(vec![far]));
        assert!(
            matches!(
                one(&sized(t::DURATION, -1, 6), &nanos, array),
                Err(CodecError::Value(_))
            ),
            "{far}"
        );
        let array: ArrayRef = Arc::new(DurationMicrosecondArray::from(vec![far]));
        assert!(
            matches!(plain(&sized(t::DURATION, -1, 6), array), Err(CodecError::Value(_))),
            "{far}"
        );
    }
}

#[test]
fn vectors_are_checked() {
    let list = |items: Vec<Option<f32>>| -> ArrayRef {
        Arc::new(ListArray::from_iter_primitive::<Float32Type, _, _>([Some(items)]))
    };
    let stored = plain(&field(t::VECTOR_FLOAT32), list(vec![Some(1.0), Some(-2.0)]));
    assert_eq!(
        stored,
        Ok(Datum::Vector(vec![2, 0, 0, 0, 0, 0, 128, 63, 0, 0, 0, 192].into()))
    );
    for (items, reason) in [
        (vec![Some(1.0), None], "NULL"),
        (vec![Some(f32::NAN), Some(1.0)], "NaN"),
        (vec![Some(f32::NEG_INFINITY), Some(1.0)], "-inf"),
        (vec![Some(1.0)], "it has 1 dimensions, not 2"),
    ] {
        let error = plain(&sized(t::VECTOR_FLOAT32, 2, -1), list(items))
            .unwrap_err()
            .to_string();
        assert!(error.contains(reason), "{error}");
    }
    let error = plain(&field(t::VECTOR_FLOAT32), list(vec![Some(0.0); 16_384]))
        .unwrap_err()
        .to_string();
    assert!(error.contains("16383 dimensions"), "{error}");
}

#[test]
fn text_that_is_not_utf8_is_found_in_binary_sources_too() {
    for (bytes, at) in [(&b"ab\xff"[..], 3), (b"\xed\xa0\x80", 1), (b"a\xc3", 2)] {
        let array: ArrayRef = Arc::new(BinaryArray::from(vec![bytes]));
        let error = plain(&charset(t::VARCHAR, "utf8mb4"), array).unwrap_err().to_string();
        assert!(
            error.contains(&format!("at byte {at}, which is not utf8mb4")),
            "{error}"
        );
    }
    // latin1 is not checked, as in TiDB; bytes that are no UTF-8 count as one character each.
    let array: ArrayRef = Arc::new(BinaryArray::from(vec![&b"\xff\xc3\xa9\xe9  "[..]]));
    let latin1 = FieldType {
        flen: 3,
        ..charset(t::VARCHAR, "latin1")
    };
    assert_eq!(
        plain(&latin1, array),
        Ok(Datum::Bytes(b"\xff\xc3\xa9\xe9".to_vec().into()))
    );
}

#[test]
fn slices_of_arrays_are_read_at_their_place() {
    let text: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), None, Some("ccc"), Some("dd")]));
    let ints: ArrayRef = Arc::new(Int32Array::from(vec![Some(1), None, Some(3), Some(4)]));
    let bools: ArrayRef = Arc::new(BooleanArray::from(vec![Some(false), None, Some(true), Some(false)]));
    let rows = vec![
        Some(vec![Some(1.0)]),
        None,
        Some(vec![Some(3.0), Some(4.0)]),
        Some(vec![]),
    ];
    let lists: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Float32Type, _, _>(rows));
    let bytes = |s: &str| Datum::Bytes(s.as_bytes().to_vec().into());
    let expected = [
        (field(t::VARCHAR), text, vec![Datum::Null, bytes("ccc")]),
        (field(t::LONG), ints, vec![Datum::Null, Datum::Int(3)]),
        (field(t::TINY), bools, vec![Datum::Null, Datum::Int(1)]),
        (
            field(t::VECTOR_FLOAT32),
            lists,
            vec![
                Datum::Null,
                Datum::Vector(vec![2, 0, 0, 0, 0, 0, 64, 64, 0, 0, 128, 64].into()),
            ],
        ),
    ];
    for (ft, array, expected) in expected {
        let array = array.slice(1, 2);
        let column = InputColumn::new("a", &ft, &TypeOptions::default(), array.data_type()).unwrap();
        let bound = column.bind(&array).unwrap();
        let read: Vec<Datum<'_>> = (0..2).map(|row| bound.get(row).unwrap()).collect();
        assert_eq!(read, expected);
        assert!(bound.get(2).is_err());
    }
}
