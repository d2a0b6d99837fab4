//! Random values through `input`: against other arithmetic, and whatever an array holds.

use std::sync::Arc;

use crate::common::{charset, field, random, sized, unsigned};
use arrow_array::types::Float32Type;
use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, DurationMicrosecondArray, Float32Array,
    Float64Array, Int16Array, Int32Array, Int64Array, Int8Array, ListArray, StringArray, TimestampMicrosecondArray,
};
use proptest::collection::vec;
use proptest::prelude::*;
use ti_codec::datum::Datum;
use ti_codec::field_type::type_code as t;
use ti_codec::input::InputColumn;
use ti_codec::mysql::time::MysqlTime;
use ti_codec::row::{RowEncoder, RowView};
use ti_codec::{CodecError, FieldType, TimeAs, TimeZone, TypeOptions};

/// The row with the array's first value, when it is stored.
fn stored(ft: &FieldType, options: &TypeOptions, array: &ArrayRef) -> Result<Vec<u8>, CodecError> {
    let column = InputColumn::new("a", ft, options, array.data_type())?;
    let bound = column.bind(array)?;
    let mut encoder = RowEncoder::new();
    encoder.push(1, ft, &bound.get(0)?)?;
    let mut row = Vec::new();
    encoder.finish(&mut row)?;
    Ok(row)
}

fn read<'a>(ft: &FieldType, row: &'a [u8]) -> Datum<'a> {
    RowView::parse(row).unwrap().get(1, ft).unwrap().unwrap()
}

fn plain(ft: &FieldType, array: ArrayRef) -> Result<Vec<u8>, CodecError> {
    stored(ft, &TypeOptions::default(), &array)
}

fn all_types() -> Vec<FieldType> {
    let elems = |tp, collate: &str| FieldType {
        elems: ["a", "B", "ü", "1"].map(String::from).to_vec(),
        collate: collate.into(),
        ..charset(tp, "utf8mb4")
    };
    let mut all = vec![
        sized(t::NEW_DECIMAL, 5, 2),
        sized(t::NEW_DECIMAL, 38, 30),
        sized(t::NEW_DECIMAL, 65, 30),
        sized(t::NEW_DECIMAL, 65, 0),
        sized(t::FLOAT, 7, 2),
        sized(t::DOUBLE, 30, 30),
        sized(t::BIT, 1, 0),
        sized(t::BIT, 64, 0),
        sized(t::VECTOR_FLOAT32, 2, -1),
        field(t::VECTOR_FLOAT32),
        elems(t::ENUM, "utf8mb4_bin"),
        elems(t::ENUM, "utf8mb4_general_ci"),
        elems(t::SET, "utf8mb4_0900_ai_ci"),
        elems(t::SET, "gbk_bin"),
    ];
    all.extend([t::YEAR, t::FLOAT, t::DOUBLE, t::NEW_DECIMAL, t::JSON, t::DATE, t::BLOB].map(field));
    for tp in [
        t::TINY,
        t::SHORT,
        t::INT24,
        t::LONG,
        t::LONG_LONG,
        t::DOUBLE,
        t::NEW_DECIMAL,
    ] {
        all.extend([field(tp), unsigned(tp)]);
    }
    for tp in [t::VARCHAR, t::STRING] {
        all.extend(
            ["utf8mb4", "utf8", "ascii", "latin1", "gbk", "binary"].map(|c| FieldType {
                flen: 3,
                ..charset(tp, c)
            }),
        );
    }
    for tp in [t::DATETIME, t::TIMESTAMP, t::DURATION] {
        all.extend([-1, 0, 3, 6].map(|fsp| sized(tp, -1, fsp)));
    }
    all
}

fn arrays(bits: u64, wide: i128, scale: u8, bytes: &[u8], text: &str) -> Vec<ArrayRef> {
    let long = bits as i64;
    let single = f32::from_bits(bits as u32);
    vec![
        Arc::new(BooleanArray::from(vec![long & 1 == 1])),
        Arc::new(Int8Array::from(vec![long as i8])),
        Arc::new(Int16Array::from(vec![long as i16])),
        Arc::new(Int32Array::from(vec![long as i32])),
        Arc::new(Int64Array::from(vec![long])),
        Arc::new(Float32Array::from(vec![single])),
        Arc::new(Float64Array::from(vec![f64::from_bits(bits)])),
        Arc::new(Decimal128Array::from(vec![wide]).with_data_type(arrow_schema::DataType::Decimal128(38, scale as i8))),
        Arc::new(StringArray::from(vec![text])),
        Arc::new(BinaryArray::from(vec![bytes])),
        Arc::new(Date32Array::from(vec![long as i32])),
        Arc::new(TimestampMicrosecondArray::from(vec![long])),
        Arc::new(TimestampMicrosecondArray::from(vec![long]).with_timezone("UTC")),
        Arc::new(DurationMicrosecondArray::from(vec![long])),
        Arc::new(ListArray::from_iter_primitive::<Float32Type, _, _>([Some(vec![
            Some(single),
            Some(1.0),
        ])])),
    ]
}

proptest! {
    #![proptest_config(random(1000))]

    /// A value is stored and can be read, or is refused with its column's name; nothing else happens. Damaged batches are among them: decimals of
    /// more digits than their type says.
    #[test]
    fn every_value_is_stored_or_refused(
        bits in prop_oneof![any::<u64>(), Just(0), Just(1 << 63), Just(u64::MAX >> 1)], shift in 0..64u32,
        wide in prop_oneof![any::<i128>(), Just(i128::MIN), Just(i128::MAX)], narrow in 0..128u32, scale in 0..39u8,
        bytes in vec(any::<u8>(), 0..9), text in prop_oneof!["\\PC{0,6}", "[-+0-9.eEx ]{0,12}", "[aAbBüÜ1, ]{0,6}", "[\\[\\]{}\",:a1 ]{0,12}"],
    ) {
        let options = TypeOptions { time: TimeAs::BigInt, time_zone: TimeZone::parse("America/New_York").unwrap(), ..TypeOptions::default() };
        for array in arrays((bits as i64 >> shift) as u64, wide.checked_shr(narrow).unwrap_or(wide), scale, &bytes, &text) {
            for ft in all_types() {
                match stored(&ft, &options, &array) {
                    Ok(row) => {
                        read(&ft, &row);
                    }
                    Err(CodecError::Value(error)) => prop_assert!(error.to_string().contains("column 'a'"), "{}", error),
                    Err(CodecError::NotWritable { .. }) => {}
                    Err(other) => prop_assert!(false, "{:?} {:?} {}", ft, array, other),
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(random(3000))]

    /// Against chrono.
    #[test]
    fn dates_are_those_of_the_calendar(days in -719_528..=2_932_896i32, micros in -62_167_219_200_000_000..=253_402_300_799_999_999i64) {
        use chrono::{DateTime, Datelike, NaiveDate, Timelike};
        let date = NaiveDate::default() + chrono::TimeDelta::days(i64::from(days));
        let expected = MysqlTime { year: date.year() as u16, month: date.month() as u8, day: date.day() as u8, ..MysqlTime::default() };
        let row = plain(&field(t::DATE), Arc::new(Date32Array::from(vec![days]))).unwrap();
        prop_assert_eq!(read(&field(t::DATE), &row), Datum::Uint(expected.to_packed()));
        prop_assert_eq!(MysqlTime::from_days(i64::from(days)).unwrap().days(), Some(days));
        let moment = DateTime::from_timestamp_micros(micros).unwrap().naive_utc();
        let read = MysqlTime::from_wall_micros(micros).unwrap();
        prop_assert_eq!(read.wall_micros(), Some(micros));
        prop_assert_eq!((read.hour, read.minute, read.second), (moment.hour() as u8, moment.minute() as u8, moment.second() as u8));
        prop_assert_eq!((i32::from(read.year), u32::from(read.month), u32::from(read.day)), (moment.year(), moment.month(), moment.day()));
    }

    /// Rounding of decimals against text arithmetic.
    #[test]
    fn decimals_are_rounded_half_away_from_zero(unscaled in any::<i128>(), shift in 0..127u32, from in 0..39u8, precision in 1..66u8, scale in 0..31u8) {
        let unscaled = (unscaled >> shift) % 10i128.pow(38);
        let scale = scale.min(precision);
        let array = Decimal128Array::from(vec![unscaled]).with_data_type(arrow_schema::DataType::Decimal128(38, from as i8));
        let decimal = ti_codec::mysql::decimal::Decimal::from_unscaled(unscaled, from).unwrap();
        let expected = decimal.rounded(scale).ok().filter(|d| d.precision_and_scale().0 <= precision).map(|d| d.to_string());
        let ft = sized(t::NEW_DECIMAL, i32::from(precision), i32::from(scale));
        let row = plain(&ft, Arc::new(array));
        let shown = row.as_ref().ok().map(|row| match read(&ft, row) {
            Datum::Decimal { value, precision: p, scale: s } if (p, s) == (precision, scale) => value.to_string(),
            other => format!("{other:?}"),
        });
        prop_assert_eq!(shown, expected, "{:?}", row);
    }

    /// Whatever the text is: stored as it is or refused, and the same again when it is written again.
    #[test]
    fn text_is_kept(text in "\\PC{0,12}[ \\t]{0,3}", flen in 0..14i32, which in 0..4usize) {
        let ft = FieldType { flen, ..charset([t::VARCHAR, t::STRING][which % 2], ["utf8mb4", "utf8"][which / 2]) };
        if let Ok(row) = plain(&ft, Arc::new(StringArray::from(vec![text.as_str()]))) {
            let Datum::Bytes(stored) = read(&ft, &row) else { panic!("no text") };
            prop_assert!(text.as_bytes().starts_with(&stored));
            let stored = String::from_utf8(stored.into_owned()).unwrap();
            prop_assert!(stored.chars().count() <= flen as usize);
            prop_assert!(text[stored.len()..].trim_matches([' ', '\t']).is_empty());
            let again = plain(&ft, Arc::new(StringArray::from(vec![stored.as_str()])));
            prop_assert_eq!(again, Ok(row));
        } else {
            let too_long = text.trim_end_matches([' ', '\t']).chars().count() > flen as usize;
            prop_assert!(too_long || text.chars().any(|c| c.len_utf8() > 3));
        }
    }
}
