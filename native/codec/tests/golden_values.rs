//! Bytes that TiDB's own packages made, decoded both ways and compared with what TiDB prints.

use crate::common::{charset, decode_chunk, decode_rows, field, sized, unhex, unsigned};
use chrono::{NaiveDate, NaiveDateTime};
use ti_codec::bytes::Reader;
use ti_codec::datum::Datum;
use ti_codec::field_type::type_code as t;
use ti_codec::{BitAs, DecimalOverflow, FieldType, TimeAs, TinyInt1, TypeOptions};

struct Golden {
    name: String,
    chunk: Vec<u8>,
    rows: Vec<u8>,
    flat: Vec<u8>,
    key: Vec<u8>,
    values: Vec<String>,
}

fn goldens() -> Vec<Golden> {
    let mut all: Vec<Golden> = Vec::new();
    for line in include_str!("golden/values.txt").lines() {
        let (kind, rest) = line.split_once(' ').unwrap_or((line, ""));
        match (kind, all.last_mut()) {
            ("=", _) => all.push(Golden {
                name: rest.into(),
                chunk: vec![],
                rows: vec![],
                flat: vec![],
                key: vec![],
                values: vec![],
            }),
            ("chunk", Some(g)) => g.chunk = unhex(rest),
            ("rows", Some(g)) => g.rows = unhex(rest),
            ("flat", Some(g)) => g.flat = unhex(rest),
            ("key", Some(g)) => g.key = unhex(rest),
            ("-", Some(g)) => g.values.push(rest.into()),
            ("#", _) => {}
            other => panic!("{:?}", other.0),
        }
    }
    all
}

fn types(name: &str) -> (FieldType, TypeOptions) {
    let opts = TypeOptions::default();
    let words: Vec<&str> = name.split(' ').collect();
    let number = |i: usize| words.get(i).and_then(|w| w.parse::<i32>().ok()).unwrap_or(-1);
    let ft = match name {
        "tinyint unsigned" => unsigned(t::TINY),
        "smallint unsigned" => unsigned(t::SHORT),
        "mediumint unsigned" => unsigned(t::INT24),
        "int unsigned" => unsigned(t::LONG),
        "bigint unsigned" => unsigned(t::LONG_LONG),
        _ => match words[0] {
            "tinyint" => field(t::TINY),
            "smallint" => field(t::SHORT),
            "mediumint" => field(t::INT24),
            "int" => field(t::LONG),
            "bigint" => field(t::LONG_LONG),
            "year" => unsigned(t::YEAR),
            "float" => field(t::FLOAT),
            "double" => field(t::DOUBLE),
            "decimal" => sized(t::NEW_DECIMAL, number(1), number(2)),
            "varchar" => charset(t::VARCHAR, "utf8mb4"),
            "varbinary" => charset(t::VARCHAR, "binary"),
            "bit" => sized(t::BIT, number(1), 0),
            "enum" => FieldType {
                elems: ["red", "Grün", "b,lue", ""].map(String::from).to_vec(),
                ..field(t::ENUM)
            },
            "set" => FieldType {
                elems: ["a", "bé", "c"].map(String::from).to_vec(),
                ..field(t::SET)
            },
            "json" => field(t::JSON),
            "date" => field(t::DATE),
            "datetime" => sized(t::DATETIME, -1, number(1)),
            "timestamp" => sized(t::TIMESTAMP, -1, number(1)),
            "time" => sized(t::DURATION, -1, number(1)),
            "vector" => field(t::VECTOR_FLOAT32),
            other => panic!("{other}"),
        },
    };
    let opts = TypeOptions {
        decimal_overflow: DecimalOverflow::String,
        tinyint1: TinyInt1::TinyInt,
        ..opts
    };
    (ft, opts)
}

/// What TiDB prints as the text of the Arrow value; a date that chrono does not know is NULL.
fn shown(name: &str, printed: &str) -> Option<String> {
    if printed == "NULL" {
        return None;
    }
    Some(match name.split(' ').next().unwrap() {
        "float" => format!("{:?}", printed.parse::<f32>().unwrap()),
        "double" => format!("{:?}", printed.parse::<f64>().unwrap()),
        "varchar" => String::from_utf8(unhex(&printed[1..])).unwrap(),
        "bit" if name == "bit 1" => (printed != "x00").to_string(),
        "date" => {
            let date = NaiveDate::parse_from_str(printed, "%Y-%m-%d").ok()?;
            date.signed_duration_since(NaiveDate::default()).num_days().to_string()
        }
        "datetime" | "timestamp" => {
            let time = NaiveDateTime::parse_from_str(printed, "%Y-%m-%d %H:%M:%S%.f").ok()?;
            time.signed_duration_since(NaiveDateTime::default())
                .num_microseconds()
                .unwrap()
                .to_string()
        }
        "time" => {
            let parts: Vec<f64> = printed
                .trim_start_matches('-')
                .split(':')
                .map(|p| p.parse::<f64>().unwrap() * 1e6)
                .collect();
            let micros = (parts[0] * 3600.0 + parts[1] * 60.0 + parts[2]).round() as i64;
            (if printed.starts_with('-') { -micros } else { micros }).to_string()
        }
        "vector" => {
            let items: Vec<f32> = printed[1..printed.len() - 1]
                .split(',')
                .filter(|v| !v.is_empty())
                .map(|v| v.parse().unwrap())
                .collect();
            format!("{items:?}")
        }
        _ => printed.into(),
    })
}

#[test]
fn every_encoding_decodes_to_what_tidb_prints() {
    let mut seen = 0;
    for golden in goldens().iter().filter(|g| g.name != "keys") {
        let (ft, opts) = types(&golden.name);
        let expected: Vec<Option<String>> = golden.values.iter().map(|v| shown(&golden.name, v)).collect();
        assert_eq!(
            decode_chunk(&ft, &opts, &golden.chunk),
            Ok(expected.clone()),
            "{} chunk",
            golden.name
        );
        for (how, bytes) in [("rows", &golden.rows), ("flat", &golden.flat), ("key", &golden.key)] {
            // Keys of text hold its sort key: without the spaces at its end.
            let sort_key = golden.name == "varchar" && how == "key";
            let trim = |v: &String| if sort_key { v.trim_end().to_owned() } else { v.clone() };
            let expected: Vec<Option<String>> = expected.iter().map(|v| v.as_ref().map(trim)).collect();
            assert_eq!(decode_rows(&ft, &opts, bytes), Ok(expected), "{} {how}", golden.name);
        }
        seen += expected.len();
    }
    assert!(seen > 200, "only {seen} values");
}

#[test]
fn datums_encode_to_the_same_bytes() {
    for golden in goldens().iter().filter(|g| g.name != "keys") {
        for (key, bytes) in [(false, &golden.flat), (true, &golden.key)] {
            let mut reader = Reader::new(bytes);
            let mut out = Vec::new();
            while !reader.is_empty() {
                let datum = Datum::decode(&mut reader).unwrap();
                if key {
                    datum.encode_key(&mut out)
                } else {
                    datum.encode_value(&mut out)
                }
                .unwrap();
            }
            assert_eq!(crate::common::hex(&out), crate::common::hex(bytes), "{}", golden.name);
        }
    }
}

#[test]
fn options_show_the_same_values_otherwise() {
    for golden in goldens().iter().filter(|g| g.name != "keys") {
        let (ft, opts) = types(&golden.name);
        let numbers = |f: fn(&str) -> i128| -> Vec<Option<String>> {
            golden
                .values
                .iter()
                .map(|v| (v != "NULL").then(|| f(v).to_string()))
                .collect()
        };
        match golden.name.as_str() {
            "bit 10" => {
                let opts = TypeOptions {
                    bit: BitAs::BigInt,
                    ..opts
                };
                let expected = numbers(|v| i128::from_str_radix(&v[1..], 16).unwrap());
                assert_eq!(decode_chunk(&ft, &opts, &golden.chunk), Ok(expected.clone()));
                assert_eq!(decode_rows(&ft, &opts, &golden.rows), Ok(expected));
            }
            "bit 64" => {
                let opts = TypeOptions {
                    bit: BitAs::BigInt,
                    ..opts
                };
                let error = decode_chunk(&ft, &opts, &golden.chunk).unwrap_err();
                assert!(error.contains("types.bit") && error.contains("`c0`"), "{error}");
                assert_eq!(decode_rows(&ft, &opts, &golden.rows), Err(error));
            }
            "time 6" => {
                let nanos = TypeOptions {
                    time: TimeAs::BigInt,
                    ..opts.clone()
                };
                let micros = decode_chunk(&ft, &opts, &golden.chunk).unwrap();
                let expected = micros
                    .iter()
                    .map(|v| v.as_ref().map(|v| (v.parse::<i64>().unwrap() * 1000).to_string()));
                let expected: Vec<_> = expected.collect();
                assert_eq!(decode_chunk(&ft, &nanos, &golden.chunk), Ok(expected.clone()));
                assert_eq!(decode_rows(&ft, &nanos, &golden.flat), Ok(expected));
            }
            "decimal 65 30" => {
                let narrow = TypeOptions {
                    decimal_overflow: DecimalOverflow::Narrow,
                    ..opts
                };
                let error = decode_chunk(&ft, &narrow, &golden.chunk).unwrap_err();
                assert!(
                    error.contains("does not fit DECIMAL(38,30)") && error.contains("types.decimalOverflow"),
                    "{error}"
                );
                assert_eq!(decode_rows(&ft, &narrow, &golden.rows), Err(error));
            }
            "tinyint" => {
                let ft = sized(t::TINY, 1, 0);
                let expected: Vec<_> = golden
                    .values
                    .iter()
                    .map(|v| (v != "NULL").then(|| (v != "0").to_string()))
                    .collect();
                assert_eq!(
                    decode_chunk(&ft, &TypeOptions::default(), &golden.chunk),
                    Ok(expected.clone())
                );
                assert_eq!(decode_rows(&ft, &TypeOptions::default(), &golden.rows), Ok(expected));
            }
            _ => {}
        }
    }
}

#[test]
fn keys_are_those_of_tidb() {
    let golden = goldens().into_iter().find(|g| g.name == "keys").unwrap();
    let ours = [
        ti_codec::key::record_key_int(42, -7),
        ti_codec::key::record_prefix(1 << 40),
        ti_codec::key::index_prefix(3, 9),
    ];
    assert_eq!(golden.values, ours.map(|k| crate::common::hex(&k)));
}
