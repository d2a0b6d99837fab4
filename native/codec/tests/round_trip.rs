//! Random values of every type -> encoders of the tests' own -> both decoders -> the same values, in one batch made of several answers.

use crate::common::{builder, charset, chunk_column, column_text, field, random, sized, unsigned};
use chrono::{Datelike, NaiveDate};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use ti_codec::field_type::type_code as t;
use ti_codec::{BitAs, DecimalOverflow, FieldType, TimeAs, TypeOptions};

/// A value: its cell in a chunk, its datum, and how the decoded value prints.
#[derive(Debug, Clone)]
struct Encoded {
    cell: Vec<u8>,
    datum: Vec<u8>,
    shown: String,
}

fn key_int(v: i64) -> Vec<u8> {
    [vec![3], ((v as u64) ^ (1 << 63)).to_be_bytes().to_vec()].concat()
}

fn key_uint(v: u64) -> Vec<u8> {
    [vec![4], v.to_be_bytes().to_vec()].concat()
}

fn varint(mut v: u64) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        let byte = (v % 128) as u8;
        v /= 128;
        if v == 0 {
            out.push(byte);
            return out;
        }
        out.push(byte + 128);
    }
}

fn zigzag(v: i64) -> u64 {
    if v < 0 {
        (-(v + 1)) as u64 * 2 + 1
    } else {
        v as u64 * 2
    }
}

fn int(v: i64) -> Encoded {
    let short = v % 2 == 0;
    let datum = if short {
        [vec![8], varint(zigzag(v))].concat()
    } else {
        key_int(v)
    };
    Encoded {
        cell: v.to_le_bytes().to_vec(),
        datum,
        shown: v.to_string(),
    }
}

fn uint(v: u64) -> Encoded {
    let datum = if v.is_multiple_of(2) {
        [vec![9], varint(v)].concat()
    } else {
        key_uint(v)
    };
    Encoded {
        cell: v.to_le_bytes().to_vec(),
        datum,
        shown: v.to_string(),
    }
}

fn double(v: f64, cell: Vec<u8>, shown: String) -> Encoded {
    let bits = v.to_bits();
    let ordered = if v.is_sign_negative() { !bits } else { bits | 1 << 63 };
    Encoded {
        cell,
        datum: [vec![5], ordered.to_be_bytes().to_vec()].concat(),
        shown,
    }
}

fn bytes(v: &[u8], shown: String) -> Encoded {
    let datum = if v.len().is_multiple_of(2) {
        [vec![2], varint(zigzag(v.len() as i64)), v.to_vec()].concat()
    } else {
        let mut out = vec![1];
        for start in (0..=v.len()).step_by(8) {
            let group = &v[start..v.len().min(start + 8)];
            out.extend(group);
            out.extend(std::iter::repeat_n(0, 8 - group.len()));
            out.push(255 - (8 - group.len()) as u8);
        }
        out
    };
    Encoded {
        cell: v.to_vec(),
        datum,
        shown,
    }
}

/// `int` and `frac` are digits; the decimal is encoded with all of them, int digits stripped of zeros in the chunk when `strip`.
fn decimal(negative: bool, int: &str, frac: &str, strip: bool) -> Encoded {
    let zero = (int.to_owned() + frac).bytes().all(|b| b == b'0');
    let negative = negative && !zero;
    let sign = if negative { "-" } else { "" };
    let stripped = int.trim_start_matches('0');
    let whole = if stripped.is_empty() { "0" } else { stripped };
    let shown = if frac.is_empty() {
        format!("{sign}{whole}")
    } else {
        format!("{sign}{whole}.{frac}")
    };

    let chunk_int = if strip { stripped } else { int };
    let mut cell = vec![
        chunk_int.len() as u8,
        frac.len() as u8,
        frac.len() as u8,
        u8::from(negative),
    ];
    let mut words: Vec<u32> = Vec::new();
    let lead = chunk_int.len() % 9;
    let mut parts: Vec<String> = Vec::new();
    if lead > 0 {
        parts.push(chunk_int[..lead].into());
    }
    parts.extend(
        (lead..chunk_int.len())
            .step_by(9)
            .map(|i| chunk_int[i..i + 9].to_string()),
    );
    parts.extend(
        (0..frac.len())
            .step_by(9)
            .map(|i| format!("{:0<9}", &frac[i..frac.len().min(i + 9)])),
    );
    words.extend(parts.iter().map(|p| p.parse::<u32>().unwrap()));
    // The words after those that count are never initialised.
    words.resize(9, 0xdead_beef);
    words.iter().for_each(|w| cell.extend(w.to_le_bytes()));

    let size = [0, 1, 1, 2, 2, 3, 3, 4, 4, 4];
    let mut binary: Vec<u8> = Vec::new();
    let lead = int.len() % 9;
    let mut groups: Vec<&str> = Vec::new();
    if lead > 0 {
        groups.push(&int[..lead]);
    }
    groups.extend((lead..int.len()).step_by(9).map(|i| &int[i..i + 9]));
    groups.extend((0..frac.len()).step_by(9).map(|i| &frac[i..frac.len().min(i + 9)]));
    for group in groups {
        let word: u32 = group.parse().unwrap();
        let word = if negative { !word } else { word };
        binary.extend(&word.to_be_bytes()[4 - size[group.len()]..]);
    }
    binary[0] ^= 0x80;
    let datum = [vec![6, (int.len() + frac.len()) as u8, frac.len() as u8], binary].concat();
    Encoded { cell, datum, shown }
}

fn date_time(day: i32, micros: u64, kind: u64, shown: impl Fn(i64, i64) -> String) -> Encoded {
    let date = NaiveDate::from_num_days_from_ce_opt(day).unwrap();
    let (y, m, d) = (date.year() as u64, u64::from(date.month()), u64::from(date.day()));
    let (seconds, us) = (micros / 1_000_000, micros % 1_000_000);
    let (h, mi, s) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let bits = y << 50 | m << 46 | d << 41 | h << 36 | mi << 30 | s << 24 | us << 4 | kind;
    let packed = (((y * 13 + m) << 5 | d) << 17 | h << 12 | mi << 6 | s) << 24 | us;
    let days = date
        .signed_duration_since(NaiveDate::from_ymd_opt(1970, 1, 1).unwrap())
        .num_days();
    let datum = if us.is_multiple_of(2) {
        key_uint(packed)
    } else {
        [vec![9], varint(packed)].concat()
    };
    Encoded {
        cell: bits.to_le_bytes().to_vec(),
        datum,
        shown: shown(days, micros as i64),
    }
}

/// From year 0 to 9999, counted from 0001-01-01 as day 1.
fn any_day() -> impl Strategy<Value = i32> {
    prop_oneof![-365..=3_652_059i32, 700_000..740_000]
}

fn check(ft: FieldType, opts: TypeOptions, width: usize, values: Vec<Option<Encoded>>, answers: usize) {
    let expected: Vec<Option<String>> = values.iter().map(|v| v.as_ref().map(|v| v.shown.clone())).collect();
    let mut builder = builder(&[ft.clone(), field(t::LONG_LONG)], &opts);
    for by_rows in [false, true] {
        for part in values.chunks(values.len().div_ceil(answers).max(1)) {
            let appended = if by_rows {
                let mut rows = Vec::new();
                for (i, value) in part.iter().enumerate() {
                    rows.extend(value.as_ref().map_or(vec![0], |v| v.datum.clone()));
                    rows.extend(key_int(i as i64));
                }
                builder.append_rows(&rows)
            } else {
                let cells: Vec<Option<Vec<u8>>> = part.iter().map(|v| v.as_ref().map(|v| v.cell.clone())).collect();
                let numbers: Vec<_> = (0..part.len() as i64).map(|i| Some(i.to_le_bytes().to_vec())).collect();
                builder.append_chunk(&[chunk_column(&cells, width), chunk_column(&numbers, 8)].concat())
            };
            assert_eq!(appended, Ok(part.len()));
        }
        assert_eq!(builder.rows(), values.len());
        let batch = builder.finish().unwrap();
        assert_eq!(column_text(&batch, 0), expected, "{} by_rows={by_rows}", ft.sql_name());
    }
}

fn lists<T: std::fmt::Debug>(value: impl Strategy<Value = T>) -> impl Strategy<Value = (Vec<Option<T>>, usize)> {
    (vec(of(value), 0..40), 1..4usize)
}

fn encode<T>(values: Vec<Option<T>>, f: impl Fn(T) -> Encoded) -> Vec<Option<Encoded>> {
    values.into_iter().map(|v| v.map(&f)).collect()
}

proptest! {
    #![proptest_config(random(200))]

    #[test]
    fn integers(
        (tiny, n) in lists(any::<i8>()), (small, _) in lists(any::<i16>()), (long, _) in lists(any::<i32>()), (big, _) in lists(any::<i64>()),
        (utiny, _) in lists(any::<u8>()), (usmall, _) in lists(any::<u16>()), (ulong, _) in lists(any::<u32>()), (ubig, _) in lists(any::<u64>()),
    ) {
        let opts = TypeOptions::default();
        check(field(t::TINY), opts.clone(), 8, encode(tiny.clone(), |v| int(v.into())), n);
        check(sized(t::TINY, 1, 0), opts.clone(), 8, encode(tiny, |v| Encoded { shown: (v != 0).to_string(), ..int(v.into()) }), n);
        check(field(t::SHORT), opts.clone(), 8, encode(small.clone(), |v| int(v.into())), n);
        check(unsigned(t::YEAR), opts.clone(), 8, encode(small, |v| int(i64::from(v).rem_euclid(2156))), n);
        check(field(t::LONG), opts.clone(), 8, encode(long.clone(), |v| int(v.into())), n);
        check(field(t::INT24), opts.clone(), 8, encode(long, |v| int((v >> 8).into())), n);
        check(field(t::LONG_LONG), opts.clone(), 8, encode(big, int), n);
        check(unsigned(t::TINY), opts.clone(), 8, encode(utiny, |v| uint(v.into())), n);
        check(unsigned(t::SHORT), opts.clone(), 8, encode(usmall, |v| uint(v.into())), n);
        check(unsigned(t::LONG), opts.clone(), 8, encode(ulong.clone(), |v| uint(v.into())), n);
        check(unsigned(t::INT24), opts.clone(), 8, encode(ulong, |v| uint((v >> 8).into())), n);
        check(unsigned(t::LONG_LONG), opts, 8, encode(ubig, uint), n);
    }

    #[test]
    fn floats((single, n) in lists(-1e38f32..1e38), (whole, _) in lists(-1e300f64..1e300)) {
        let opts = TypeOptions::default();
        check(field(t::FLOAT), opts.clone(), 4, encode(single, |v| double(v.into(), v.to_le_bytes().to_vec(), format!("{v:?}"))), n);
        check(field(t::DOUBLE), opts, 8, encode(whole, |v| double(v, v.to_le_bytes().to_vec(), format!("{v:?}"))), n);
    }

    #[test]
    fn decimals((seeds, n) in lists((any::<bool>(), "[0-9]{65}", any::<bool>(), 0..65usize)), precision in 1..=65usize, scale in 0..=30usize) {
        let scale = scale.min(precision);
        let ft = sized(t::NEW_DECIMAL, precision as i32, scale as i32);
        let opts = TypeOptions { decimal_overflow: DecimalOverflow::String, ..TypeOptions::default() };
        let encoded = encode(seeds, |(negative, digits, strip, zeros)| {
            // Short numbers too: the first digits become zeros.
            let digits: String = digits.chars().enumerate().map(|(i, c)| if i < zeros { '0' } else { c }).collect();
            let digits = &digits[65 - precision..];
            decimal(negative, &digits[..precision - scale], &digits[precision - scale..], strip)
        });
        check(ft, opts, 40, encoded, n);
    }

    #[test]
    fn texts_and_bytes((text, n) in lists(".{0,30}"), (binary, _) in lists(vec(any::<u8>(), 0..30))) {
        let opts = TypeOptions::default();
        for tp in [t::VARCHAR, t::STRING, t::BLOB, t::LONG_BLOB] {
            check(charset(tp, "utf8mb4"), opts.clone(), 0, encode(text.clone(), |v| bytes(v.as_bytes(), v.clone())), n);
            let shown = |v: &[u8]| format!("x{}", crate::common::hex(v));
            check(charset(tp, "binary"), opts.clone(), 0, encode(binary.clone(), |v| bytes(&v, shown(&v))), n);
        }
    }

    #[test]
    fn bits((values, n) in lists(any::<u64>()), width in 1..=64u32) {
        let bytes = width.div_ceil(8) as usize;
        let ft = sized(t::BIT, width as i32, 0);
        for long in [false, true] {
            let opts = TypeOptions { bit: if long { BitAs::BigInt } else { BitAs::Binary }, ..TypeOptions::default() };
            let encoded = encode(values.clone(), |v| {
                let v = v >> (64 - width);
                let v = if long { v & i64::MAX as u64 } else { v };
                let cell = v.to_be_bytes()[8 - bytes..].to_vec();
                let shown = match (width, long) {
                    (1, _) => (v != 0).to_string(),
                    (_, true) => v.to_string(),
                    (_, false) => format!("x{}", crate::common::hex(&cell)),
                };
                Encoded { cell, shown, ..uint(v) }
            });
            check(ft.clone(), opts, 0, encoded, n);
        }
    }

    #[test]
    fn enums_and_sets((values, n) in lists(any::<u64>()), elems in vec("[^,]{0,8}", 1..=64)) {
        let count = elems.len() as u64;
        let ft = |tp| FieldType { elems: elems.clone(), ..field(tp) };
        let named = |number: u64, name: String| {
            let cell = [&number.to_le_bytes()[..], name.as_bytes()].concat();
            Encoded { cell, shown: name, ..uint(number) }
        };
        let of_enum = encode(values.clone(), |v| {
            let number = v % (count + 1);
            named(number, if number == 0 { String::new() } else { elems[number as usize - 1].clone() })
        });
        check(ft(t::ENUM), TypeOptions::default(), 0, of_enum, n);
        let of_set = encode(values, |v| {
            let bits = v >> (64 - count);
            let names: Vec<&str> = (0..count).filter(|i| bits >> i & 1 == 1).map(|i| elems[i as usize].as_str()).collect();
            named(bits, names.join(","))
        });
        check(ft(t::SET), TypeOptions::default(), 0, of_set, n);
    }

    #[test]
    fn dates_and_times((moments, n) in lists((any_day(), 0..86_400_000_000u64)), (durations, _) in lists(-3_020_399_000_000i64..=3_020_399_000_000)) {
        let opts = TypeOptions::default();
        check(field(t::DATE), opts.clone(), 8, encode(moments.clone(), |(d, _)| date_time(d, 0, 14, |days, _| days.to_string())), n);
        let wall = |(d, us)| date_time(d, us, 12, |days, us| (days * 86_400_000_000 + us).to_string());
        check(sized(t::DATETIME, -1, 6), opts.clone(), 8, encode(moments.clone(), wall), n);
        let stamp = |(d, us)| date_time(d, us, 13, |days, us| (days * 86_400_000_000 + us).to_string());
        check(sized(t::TIMESTAMP, -1, 6), opts.clone(), 8, encode(moments, stamp), n);
        for long in [false, true] {
            let opts = TypeOptions { time: if long { TimeAs::BigInt } else { TimeAs::Interval }, ..opts.clone() };
            let encoded = encode(durations.clone(), |us| {
                let nanos = int(us * 1000);
                let datum = if us % 3 == 0 { [vec![7], key_int(us * 1000)[1..].to_vec()].concat() } else { nanos.datum };
                Encoded { shown: if long { us * 1000 } else { us }.to_string(), datum, ..nanos }
            });
            check(sized(t::DURATION, -1, 6), opts, 8, encoded, n);
        }
    }

    #[test]
    fn vectors((values, n) in lists(vec(-1e30f32..1e30, 0..20))) {
        let encoded = encode(values, |v| {
            let mut cell = (v.len() as u32).to_le_bytes().to_vec();
            v.iter().for_each(|x| cell.extend(x.to_le_bytes()));
            Encoded { datum: [vec![20], cell.clone()].concat(), cell, shown: format!("{v:?}") }
        });
        check(field(t::VECTOR_FLOAT32), TypeOptions::default(), 0, encoded, n);
    }

    #[test]
    fn dates_off_the_calendar_are_null_or_an_error(
        (moments, n) in lists((any_day(), 0..86_400_000_000u64)), at in any::<prop::sample::Index>(),
        (y, m, d) in prop_oneof![Just((0u64, 0u64, 0u64)), (0..=9999u64, 0..=12u64, Just(0)), (0..=9999u64, Just(0), 0..=31u64), (0..=9999u64, Just(2), 30..=31u64)],
    ) {
        for tp in [t::DATE, t::DATETIME, t::TIMESTAMP] {
            let mut encoded = encode(moments.clone(), |(d, us)| {
                if tp == t::DATE { date_time(d, 0, 14, |days, _| days.to_string()) }
                else { date_time(d, us, 12, |days, us| (days * 86_400_000_000 + us).to_string()) }
            });
            let bits = y << 50 | m << 46 | d << 41;
            let packed = ((y * 13 + m) << 5 | d) << 41;
            let odd = Encoded { cell: bits.to_le_bytes().to_vec(), datum: key_uint(packed), shown: String::new() };
            let row = at.index(encoded.len() + 1);
            encoded.insert(row, Some(odd));
            let expected: Vec<Option<String>> =
                encoded.iter().map(|v| v.as_ref().filter(|v| !v.shown.is_empty()).map(|v| v.shown.clone())).collect();
            let cells: Vec<_> = encoded.iter().map(|v| v.as_ref().map(|v| v.cell.clone())).collect();
            let rows: Vec<u8> = encoded.iter().flat_map(|v| v.as_ref().map_or(vec![0], |v| v.datum.clone())).collect();
            let null = TypeOptions::default();
            prop_assert_eq!(crate::common::decode_chunk(&field(tp), &null, &chunk_column(&cells, 8)), Ok(expected.clone()));
            prop_assert_eq!(crate::common::decode_rows(&field(tp), &null, &rows), Ok(expected));
            let error = TypeOptions { zero_date: ti_codec::ZeroDate::Error, ..null };
            for failed in [crate::common::decode_chunk(&field(tp), &error, &chunk_column(&cells, 8)), crate::common::decode_rows(&field(tp), &error, &rows)] {
                let failed = failed.unwrap_err();
                prop_assert!(failed.contains("types.zeroDate") && failed.contains(&format!("{y:04}-{m:02}-{d:02}")), "{}", failed);
            }
            prop_assert!(n > 0);
        }
    }
}
