//! Bytes that no honest store sends: every decoder answers, with a value or an error, and allocates in proportion to what it was given.

use crate::common::{builder, charset, field, random, sized, unsigned};
use proptest::collection::vec;
use proptest::prelude::*;
use ti_codec::bytes::Reader;
use ti_codec::datum::Datum;
use ti_codec::field_type::type_code as t;
use ti_codec::mysql::decimal::Decimal;
use ti_codec::mysql::time::MysqlTime;
use ti_codec::mysql::{bit, duration, enum_set, json, json_encode, vector};
use ti_codec::{default_value, key, BitAs, DatetimeAs, DecimalOverflow, FieldType, TimeZone, TypeOptions};

fn all_types() -> Vec<FieldType> {
    vec![
        field(t::TINY),
        sized(t::TINY, 1, 0),
        unsigned(t::TINY),
        field(t::SHORT),
        field(t::LONG),
        unsigned(t::LONG),
        field(t::LONG_LONG),
        unsigned(t::LONG_LONG),
        field(t::YEAR),
        field(t::FLOAT),
        field(t::DOUBLE),
        sized(t::NEW_DECIMAL, 15, 2),
        sized(t::NEW_DECIMAL, 38, 30),
        sized(t::NEW_DECIMAL, 65, 30),
        charset(t::VARCHAR, "utf8mb4"),
        charset(t::VARCHAR, "binary"),
        sized(t::BIT, 1, 0),
        sized(t::BIT, 20, 0),
        FieldType {
            elems: vec!["a".into(), "b".into()],
            ..field(t::ENUM)
        },
        FieldType {
            elems: vec!["a".into(), "b".into()],
            ..field(t::SET)
        },
        field(t::JSON),
        field(t::DATE),
        field(t::DATETIME),
        field(t::TIMESTAMP),
        field(t::DURATION),
        field(t::VECTOR_FLOAT32),
    ]
}

fn options() -> [TypeOptions; 2] {
    let opts = TypeOptions {
        decimal_overflow: DecimalOverflow::String,
        ..TypeOptions::default()
    };
    let other = TypeOptions {
        decimal_overflow: DecimalOverflow::Narrow,
        bit: BitAs::BigInt,
        datetime: DatetimeAs::Timestamp,
        time_zone: TimeZone::parse("Europe/Berlin").unwrap(),
        ..opts.clone()
    };
    [opts, other]
}

/// Feeds `data` to both decoders of a column of this type, after good rows, which must survive.
fn feed(ft: &FieldType, opts: &TypeOptions, data: &[u8]) {
    let mut builder = builder(std::slice::from_ref(ft), opts);
    assert_eq!(builder.append_rows(&[0, 0, 0]), Ok(3));
    for by_rows in [false, true] {
        let before = builder.rows();
        let appended = if by_rows {
            builder.append_rows(data)
        } else {
            builder.append_chunk(data)
        };
        assert_eq!(builder.rows(), before + appended.unwrap_or(0));
        assert!(
            builder.memory_size() <= 64 * data.len() + 16_384,
            "{} bytes for {}",
            builder.memory_size(),
            data.len()
        );
    }
    let rows = builder.rows();
    if let Ok(batch) = builder.finish() {
        assert_eq!(batch.num_rows(), rows);
        assert!(batch.column(0).is_null(2));
    }
    assert_eq!(builder.rows(), 0);
}

fn samples() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for line in include_str!("golden/values.txt").lines() {
        if let Some(("chunk" | "rows" | "flat" | "key", hex)) = line.split_once(' ') {
            all.push(crate::common::unhex(hex));
        }
    }
    all
}

fn mutate(data: &mut Vec<u8>, changes: &[(prop::sample::Index, u8)], cut: Option<prop::sample::Index>) {
    for (at, byte) in changes {
        let at = at.index(data.len().max(1));
        if let Some(slot) = data.get_mut(at) {
            *slot = *byte;
        }
    }
    if let Some(cut) = cut {
        data.truncate(cut.index(data.len() + 1));
    }
}

proptest! {
    #![proptest_config(random(400))]

    #[test]
    fn random_bytes(data in vec(any::<u8>(), 0..200), small in vec(0..12u8, 0..200)) {
        for opts in options() {
            for ft in all_types() {
                feed(&ft, &opts, &data);
                feed(&ft, &opts, &small);
            }
        }
        for bytes in [&data, &small] {
            let _ = Datum::decode(&mut Reader::new(bytes));
            let _ = Decimal::from_binary(&mut Reader::new(bytes));
            let _ = json::text(bytes);
            let _ = bit::to_u64(bytes);
            let _ = enum_set::chunk_name(bytes);
            let _ = vector::elements(bytes).map(Iterator::count);
            let _ = key::decode_record_key_int(bytes);
            let _ = key::decode_meta_hash_field(bytes);
            let _ = ti_codec::bytes::decode_bytes(&mut Reader::new(bytes));
            for ft in all_types() {
                let _ = default_value::encode(&ft, Some(bytes));
            }
        }
    }

    #[test]
    fn chunks_of_random_cells(rows in 0..20u32, nulls in 0..3u32, body in vec(any::<u8>(), 0..900)) {
        let data = [&rows.to_le_bytes()[..], &nulls.to_le_bytes()[..], &body].concat();
        for opts in options() {
            for ft in all_types() {
                feed(&ft, &opts, &data);
            }
        }
    }

    /// The right length, so that values themselves are reached.
    #[test]
    fn fixed_cells(cells in vec(any::<[u8; 40]>(), 0..10), narrow in vec(any::<u64>(), 0..20)) {
        let wide: Vec<_> = cells.iter().map(|c| Some(c.to_vec())).collect();
        let little: Vec<_> = cells.iter().map(|c| { let mut c = c.to_vec(); c[0] %= 40; c[1] %= 40; for i in (7..40).step_by(4) { c[i] %= 0x3c; } Some(c) }).collect();
        let eight: Vec<_> = narrow.iter().map(|c| Some(c.to_le_bytes().to_vec())).collect();
        let dates: Vec<_> = narrow.iter().map(|c| Some((c & 0x03ff_ffff_ffff_ffff | 2000 << 50).to_le_bytes().to_vec())).collect();
        for opts in options() {
            for ft in all_types() {
                feed(&ft, &opts, &crate::common::chunk_column(&wide, 40));
                feed(&ft, &opts, &crate::common::chunk_column(&little, 40));
                feed(&ft, &opts, &crate::common::chunk_column(&eight, 8));
                feed(&ft, &opts, &crate::common::chunk_column(&dates, 8));
                feed(&ft, &opts, &crate::common::chunk_column(&wide, 0));
            }
        }
        for cell in &cells {
            if let Ok(decimal) = Decimal::from_chunk(cell) {
                let _ = decimal.to_string();
                for scale in [0, 9, 30, 81, 255] {
                    let _ = (decimal.unscaled(scale), decimal.rounded(scale), decimal.to_binary(&mut vec![], 81, scale));
                }
            }
        }
        for bits in narrow {
            let _ = MysqlTime::from_chunk(bits).map(|t| t.wall_micros());
            let _ = MysqlTime::from_packed(bits).map(|t| t.wall_micros());
            let _ = (duration::micros(bits as i64), duration::text(bits as i64));
        }
    }

    #[test]
    fn damaged_answers(
        sample in prop::sample::select(samples()), changes in vec((any::<prop::sample::Index>(), any::<u8>()), 0..6), cut in proptest::option::of(any::<prop::sample::Index>()),
    ) {
        let mut data = sample;
        mutate(&mut data, &changes, cut);
        for opts in options() {
            for ft in all_types() {
                feed(&ft, &opts, &data);
            }
        }
    }

    #[test]
    fn damaged_json(
        text in prop::sample::select(vec![r#"{"a":[1,2.5,"x",{"b":null}],"c":"é","d":-1}"#, "[[[[1]]],true,{}]", r#""text""#]),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..6), cut in proptest::option::of(any::<prop::sample::Index>()),
    ) {
        let mut data = json_encode::encode_text(text).unwrap();
        mutate(&mut data, &changes, cut);
        let _ = json::text(&data);
        let _ = json::take(&mut Reader::new(&data));
    }

    #[test]
    fn texts(text in ".{0,40}", digits in "[-+0-9.eE: ]{0,40}") {
        for text in [&text, &digits] {
            let _ = (Decimal::parse(text).map(|d| d.to_string()), MysqlTime::parse(text), duration::parse(text), TimeZone::parse(text), json_encode::encode_text(text));
        }
    }
}

#[test]
fn lengths_that_lie_are_errors_without_memory() {
    let huge: [&[u8]; 6] = [
        &[0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0],
        &[0xff, 0xff, 0xff, 0xff, 1, 0, 0, 0],
        &[
            1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f,
        ],
        &[1, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0],
        &[2, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
        &[20, 0xff, 0xff, 0xff, 0xff],
    ];
    for data in huge {
        for ft in all_types() {
            feed(&ft, &options()[0], data);
            assert!(builder(std::slice::from_ref(&ft), &options()[0])
                .append_chunk(data)
                .is_err());
        }
    }
}

#[test]
fn json_that_points_at_itself_ends() {
    // Arrays of many elements that are all the array after them, and one that contains itself.
    let mut own = vec![3, 4, 0, 0, 0, 28, 0, 0, 0];
    for _ in 0..4 {
        own.extend([3, 0, 0, 0, 0]);
    }
    assert!(json::text(&own).is_err());
    let (count, levels) = (200u32, 60u32);
    let size = 8 + 5 * count;
    let mut bomb = vec![3];
    for level in 0..levels {
        bomb.extend(count.to_le_bytes());
        bomb.extend((size * (levels - level)).to_le_bytes());
        for _ in 0..count {
            bomb.push(if level + 1 == levels { 4 } else { 3 });
            bomb.extend(if level + 1 == levels { 0 } else { size }.to_le_bytes());
        }
    }
    let error = json::text(&bomb).unwrap_err().to_string();
    assert!(error.contains("overlap"), "{error}");
    let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
    assert_eq!(json::text(&json_encode::encode_text(&deep).unwrap()).unwrap(), deep);
}
