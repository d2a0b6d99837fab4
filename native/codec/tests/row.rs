//! Rows: what RowEncoder writes, RowView reads; rows of version 1; bytes that are no rows.

use crate::common::{charset, field, random, sized, unhex, unsigned};
use proptest::collection::{btree_map, vec};
use proptest::option::of;
use proptest::prelude::*;
use ti_codec::bytes::Reader;
use ti_codec::datum::Datum;
use ti_codec::field_type::type_code as t;
use ti_codec::mysql::decimal::Decimal;
use ti_codec::mysql::json_encode;
use ti_codec::row::{RowEncoder, RowView};
use ti_codec::FieldType;

/// A type, and a value of it.
fn value() -> impl Strategy<Value = (FieldType, Datum<'static>)> {
    let ints = prop_oneof![
        any::<i64>(),
        (0u32..64).prop_map(|s| i64::MIN >> s),
        (0u32..64).prop_map(|s| i64::MAX >> s)
    ];
    let bytes = prop_oneof![vec(any::<u8>(), 0..30), vec(any::<u8>(), 0..3000)];
    prop_oneof![
        ints.clone().prop_map(|v| (field(t::LONG_LONG), Datum::Int(v))),
        ints.clone()
            .prop_map(|v| (unsigned(t::LONG_LONG), Datum::Uint(v as u64))),
        (0..2156i64).prop_map(|v| (unsigned(t::YEAR), Datum::Int(v))),
        ints.clone().prop_map(|v| (field(t::DATETIME), Datum::Uint(v as u64))),
        ints.clone().prop_map(|v| (sized(t::BIT, 64, 0), Datum::Uint(v as u64))),
        ints.prop_map(|v| (field(t::DURATION), Datum::Duration(v))),
        any::<f64>()
            .prop_filter("-0 is stored as 0", |v| v.to_bits() != 1 << 63)
            .prop_map(|v| (field(t::DOUBLE), Datum::Float(v))),
        (any::<i64>(), 0..10usize).prop_map(|(v, scale)| {
            let digits = format!("{:020}", v.unsigned_abs());
            let (int, frac) = digits.split_at(20 - scale);
            let text = format!("{}{int}.{frac}", if v < 0 { "-" } else { "" });
            let value = Decimal::parse(&text).unwrap();
            (
                sized(t::NEW_DECIMAL, 30, scale as i32),
                Datum::Decimal {
                    value,
                    precision: 30,
                    scale: scale as u8,
                },
            )
        }),
        bytes.prop_map(|v| (charset(t::VARCHAR, "binary"), Datum::Bytes(v.into()))),
        vec(any::<i32>(), 0..5).prop_map(|v| (
            field(t::JSON),
            Datum::Json(json_encode::encode_text(&format!("{v:?}")).unwrap().into())
        )),
        vec(any::<f32>(), 0..5).prop_map(|v| {
            let mut bytes = (v.len() as u32).to_le_bytes().to_vec();
            v.iter().for_each(|f| bytes.extend(f.to_le_bytes()));
            (field(t::VECTOR_FLOAT32), Datum::Vector(bytes.into()))
        }),
    ]
}

/// Decimals differ in how many leading zero digits they carry, so they are compared as text; NaN is compared by its bits.
fn shown(datum: &Datum<'_>) -> String {
    match datum {
        Datum::Decimal {
            value,
            precision,
            scale,
        } => format!("{value} {precision} {scale}"),
        Datum::Float(v) => format!("{:x}", v.to_bits()),
        other => format!("{other:?}"),
    }
}

fn columns(
    ids: std::ops::Range<i64>,
    count: usize,
) -> impl Strategy<Value = Vec<(i64, (FieldType, Option<Datum<'static>>))>> {
    let column = (value(), of(Just(()))).prop_map(|((ft, datum), there)| (ft, there.map(|()| datum)));
    btree_map(ids, column, 0..count)
        .prop_map(|map| map.into_iter().collect::<Vec<_>>())
        .prop_shuffle()
}

fn round_trip(columns: &[(i64, (FieldType, Option<Datum<'static>>))]) -> Vec<u8> {
    let mut encoder = RowEncoder::new();
    for (id, (ft, datum)) in columns {
        encoder.push(*id, ft, datum.as_ref().unwrap_or(&Datum::Null)).unwrap();
    }
    let mut row = b"before".to_vec();
    encoder.finish(&mut row).unwrap();
    let row = row.strip_prefix(b"before").unwrap().to_vec();
    let view = RowView::parse(&row).unwrap();
    for (id, (ft, datum)) in columns {
        let read = view.get(*id, ft).unwrap().unwrap();
        assert_eq!(shown(&read), shown(datum.as_ref().unwrap_or(&Datum::Null)));
    }
    for id in (-1..300).filter(|id| columns.iter().all(|(other, _)| other != id)) {
        assert_eq!(view.get(id, &field(t::LONG)), Ok(None));
    }
    // The encoder starts afresh.
    let mut empty = Vec::new();
    encoder.finish(&mut empty).unwrap();
    assert_eq!(empty, [128, 0, 0, 0, 0, 0]);
    row
}

proptest! {
    #![proptest_config(random(300))]

    #[test]
    fn small_rows(columns in columns(1..256, 12)) {
        let row = round_trip(&columns);
        let sizes = columns.iter().filter_map(|(_, (_, d))| match d { Some(Datum::Bytes(b)) => Some(b.len()), _ => None }).sum::<usize>();
        prop_assert!(row[1] == 0 || sizes > 60_000);
    }

    #[test]
    fn large_rows(columns in columns(1..5000, 40)) {
        let row = round_trip(&columns);
        prop_assert_eq!(row[1] == 1, columns.iter().any(|(id, _)| *id > 255) || row.len() > 65_535);
    }

    #[test]
    fn rows_by_their_length(length in 65_500..65_570usize, first in any::<bool>()) {
        let long = (charset(t::VARCHAR, "binary"), Some(Datum::Bytes(vec![7; length].into())));
        let short = (charset(t::VARCHAR, "binary"), Some(Datum::Bytes(vec![8; 10].into())));
        let columns = if first { [(1, long), (2, short)] } else { [(1, short), (2, long)] };
        let row = round_trip(&columns);
        prop_assert_eq!(row[1] == 1, length + 10 > 65_535);
    }

    #[test]
    fn bytes_that_are_no_rows(
        columns in columns(1..300, 8), noise in vec(any::<u8>(), 0..80), changes in vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in of(any::<prop::sample::Index>()), version in prop_oneof![Just(128u8), Just(8), Just(3), any::<u8>()],
    ) {
        let mut row = round_trip(&columns);
        for (at, byte) in &changes {
            let at = at.index(row.len());
            row[at] = *byte;
        }
        if let Some(cut) = cut {
            row.truncate(cut.index(row.len() + 1));
        }
        let noise = [&[version][..], &noise].concat();
        for bytes in [&row, &noise] {
            let Ok(view) = RowView::parse(bytes) else { continue };
            for ft in types() {
                for id in (0..300).chain([-1, i64::from(u32::MAX), i64::MAX]) {
                    if let Ok(Some(Datum::Bytes(value))) = view.get(id, &ft) {
                        prop_assert!(value.len() <= bytes.len());
                    }
                }
            }
        }
    }
}

fn types() -> Vec<FieldType> {
    let codes = [
        t::TINY,
        t::LONG_LONG,
        t::YEAR,
        t::FLOAT,
        t::NEW_DECIMAL,
        t::VARCHAR,
        t::BIT,
        t::ENUM,
        t::JSON,
        t::DATE,
        t::DURATION,
        t::VECTOR_FLOAT32,
        t::GEOMETRY,
    ];
    codes.iter().map(|tp| field(*tp)).chain([unsigned(t::LONG)]).collect()
}

#[test]
fn what_is_pushed_is_checked() {
    let mut encoder = RowEncoder::new();
    for (id, ft, datum) in [
        (0, field(t::LONG), Datum::Int(1)),
        (-1, field(t::LONG), Datum::Int(1)),
        (1 << 32, field(t::LONG), Datum::Int(1)),
        (1, field(t::LONG), Datum::Uint(1)),
        (1, unsigned(t::LONG), Datum::Int(1)),
        (1, field(t::VARCHAR), Datum::Int(1)),
        (1, field(t::DATE), Datum::Duration(1)),
        (1, field(t::LONG), Datum::Max),
        (
            1,
            sized(t::NEW_DECIMAL, 3, 1),
            Datum::Decimal {
                value: Decimal::parse("100.0").unwrap(),
                precision: 3,
                scale: 1,
            },
        ),
    ] {
        assert!(encoder.push(id, &ft, &datum).is_err(), "{id} {datum:?}");
    }
    let mut out = vec![];
    encoder.finish(&mut out).unwrap();
    assert_eq!(out, [128, 0, 0, 0, 0, 0]);
    for second in [Datum::Int(2), Datum::Null] {
        for first in [Datum::Int(1), Datum::Null] {
            encoder.push(7, &field(t::LONG), &first).unwrap();
            encoder.push(8, &field(t::LONG), &Datum::Int(0)).unwrap();
            encoder.push(7, &field(t::LONG), &second).unwrap();
            let mut out = vec![];
            let error = encoder.finish(&mut out).unwrap_err().to_string();
            assert!(error.contains("column 7 was given twice") && out.is_empty(), "{error}");
        }
    }
}

proptest! {
    #![proptest_config(random(2000))]

    #[test]
    fn decimals_from_unscaled(value in any::<i128>(), shift in 0..127u32, scale in 0..39u8) {
        let value = (value >> shift) % 10i128.pow(38);
        let digits = format!("{:039}", value.unsigned_abs());
        let (int, frac) = digits.split_at(39 - usize::from(scale));
        let text = format!("{}{int}.{frac}", if value < 0 { "-" } else { "" });
        let expected = Decimal::parse(&text).unwrap();
        let decimal = Decimal::from_unscaled(value, scale).unwrap();
        prop_assert_eq!(decimal, expected);
        prop_assert_eq!(decimal.unscaled(scale), Some(value));
        let mut out = vec![];
        prop_assert!(decimal.to_binary(&mut out, 38, scale).is_ok());
        let read = Decimal::from_binary(&mut Reader::new(&out)).unwrap();
        prop_assert_eq!(read.to_string(), expected.to_string());
        let (precision, frac) = decimal.precision_and_scale();
        prop_assert!(precision == frac || precision == 1 || decimal.to_binary(&mut vec![], precision - 1, frac).is_err());
    }
}

#[test]
fn a_checksum_is_skipped() {
    // One INT column with value 5, then header, CRC32, and a second CRC32.
    let row = [128, 2, 1, 0, 0, 0, 9, 1, 0, 5, 8, 1, 2, 3, 4, 5, 6, 7, 8];
    let view = RowView::parse(&row).unwrap();
    assert_eq!(view.get(9, &field(t::LONG)), Ok(Some(Datum::Int(5))));
}

/// Rows of version 1 are the ids and values of `golden/values.txt` ("rows"), which TiDB's own packages made.
#[test]
fn rows_of_version_1_are_read() {
    let (mut name, mut seen) = ("", 0);
    for line in include_str!("golden/values.txt").lines() {
        let (kind, rest) = line.split_once(' ').unwrap_or((line, ""));
        match kind {
            "=" => name = rest,
            "rows" => {
                let Some(ft) = type_of(name) else { continue };
                let values = unhex(rest);
                let mut reader = Reader::new(&values);
                let mut row = Vec::new();
                let mut expected = Vec::new();
                while !reader.is_empty() {
                    let before = reader.rest();
                    let datum = Datum::decode(&mut reader).unwrap();
                    Datum::Int(expected.len() as i64 + 1).encode_value(&mut row).unwrap();
                    row.extend_from_slice(&before[..before.len() - reader.rest().len()]);
                    expected.push(match datum {
                        Datum::Int(nanos) if ft.tp == t::DURATION => Datum::Duration(nanos),
                        other => other,
                    });
                }
                let view = RowView::parse(&row).unwrap();
                for (i, datum) in expected.iter().enumerate() {
                    assert_eq!(view.get(i as i64 + 1, &ft), Ok(Some(datum.clone())), "{name} {i}");
                    // The same value in a row of version 2.
                    let mut encoder = RowEncoder::new();
                    encoder.push(1, &ft, datum).unwrap();
                    let mut row = vec![];
                    encoder.finish(&mut row).unwrap();
                    assert_eq!(
                        RowView::parse(&row).unwrap().get(1, &ft),
                        Ok(Some(datum.clone())),
                        "{name} {i}"
                    );
                    seen += 1;
                }
                assert_eq!(view.get(expected.len() as i64 + 1, &ft), Ok(None));
                assert!(expected.is_empty() || view.get(1, &field(t::GEOMETRY)).is_err() || expected[0] == Datum::Null);
            }
            _ => {}
        }
    }
    assert!(seen > 200, "only {seen} values");
    for empty in [&[][..], &[0]] {
        assert_eq!(RowView::parse(empty).unwrap().get(1, &field(t::LONG)), Ok(None));
    }
}

fn type_of(name: &str) -> Option<FieldType> {
    let mut words = name.split(' ');
    let first = words.next()?;
    let unsigned_int = name.ends_with("unsigned");
    let tp = match first {
        "tinyint" => t::TINY,
        "smallint" => t::SHORT,
        "mediumint" => t::INT24,
        "int" => t::LONG,
        "bigint" => t::LONG_LONG,
        "year" => t::YEAR,
        "float" => t::FLOAT,
        "double" => t::DOUBLE,
        "decimal" => t::NEW_DECIMAL,
        "varchar" | "varbinary" => t::VARCHAR,
        "bit" => t::BIT,
        "enum" => t::ENUM,
        "set" => t::SET,
        "json" => t::JSON,
        "date" => t::DATE,
        "datetime" => t::DATETIME,
        "timestamp" => t::TIMESTAMP,
        "time" => t::DURATION,
        "vector" => t::VECTOR_FLOAT32,
        _ => return None,
    };
    Some(if unsigned_int { unsigned(tp) } else { field(tp) })
}
