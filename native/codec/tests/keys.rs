//! Keys, numbers and byte strings: there and back, and in order.

use crate::common::random;
use proptest::collection::vec;
use proptest::prelude::*;
use ti_codec::bytes::{decode_bytes, decode_compact_bytes, encode_bytes, encode_compact_bytes, Reader};
use ti_codec::datum::Datum;
use ti_codec::mysql::decimal::Decimal;
use ti_codec::{key, mysql, number};

fn encoded(encode: impl Fn(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    encode(&mut out);
    out
}

proptest! {
    #![proptest_config(random(500))]

    #[test]
    fn numbers(a in any::<i64>(), b in any::<i64>(), u in any::<u64>(), f in any::<f64>(), g in any::<f64>()) {
        let ints = [a, b].map(|v| encoded(|o| number::encode_i64(o, v)));
        prop_assert_eq!(ints[0].cmp(&ints[1]), a.cmp(&b));
        prop_assert_eq!(number::decode_i64(&mut Reader::new(&ints[0])), Ok(a));
        for v in [a, a >> 40, a >> 57] {
            prop_assert_eq!(number::decode_var_i64(&mut Reader::new(&encoded(|o| number::encode_var_i64(o, v)))), Ok(v));
        }
        for v in [u, u >> 40, u >> 57] {
            prop_assert_eq!(number::decode_var_u64(&mut Reader::new(&encoded(|o| number::encode_var_u64(o, v)))), Ok(v));
        }
        let floats = [f, g].map(|v| encoded(|o| number::encode_f64(o, v)));
        prop_assert_eq!(Some(floats[0].cmp(&floats[1])), f.partial_cmp(&g));
        prop_assert_eq!(number::decode_f64(&mut Reader::new(&floats[0])), Ok(f));
    }

    #[test]
    fn byte_strings(a in vec(prop_oneof![Just(0u8), Just(255), any::<u8>()], 0..30), b in vec(prop_oneof![Just(0u8), Just(255), any::<u8>()], 0..30)) {
        let keys = [&a, &b].map(|v| encoded(|o| encode_bytes(o, v)));
        prop_assert_eq!(keys[0].cmp(&keys[1]), a.cmp(&b));
        let both = keys.concat();
        let mut reader = Reader::new(&both);
        prop_assert_eq!(decode_bytes(&mut reader), Ok(a.clone()));
        prop_assert_eq!(decode_bytes(&mut reader), Ok(b));
        prop_assert!(reader.is_empty());
        let compact = encoded(|o| encode_compact_bytes(o, &a));
        prop_assert_eq!(decode_compact_bytes(&mut Reader::new(&compact)), Ok(&a[..]));
    }

    #[test]
    fn keys(table in any::<i64>(), handle in any::<i64>(), hash in vec(any::<u8>(), 0..20), name in vec(any::<u8>(), 0..20)) {
        let row = key::record_key_int(table, handle);
        prop_assert_eq!(row.len(), key::INT_RECORD_KEY_LENGTH);
        prop_assert_eq!(key::decode_record_key_int(&row), Ok((table, handle)));
        let (start, end) = key::record_range(table);
        prop_assert!(start <= row && row < end);
        if let Some(next) = table.checked_add(1) {
            prop_assert!(end <= key::record_prefix(next));
        }
        let member = key::meta_hash_field_key(&hash, &name);
        prop_assert_eq!(key::decode_meta_hash_field(&member), Ok((hash.clone(), name)));
        let (start, end) = key::meta_hash_range(&hash);
        prop_assert!(start <= member && member < end);
        let string = key::meta_string_key(&hash);
        prop_assert!(key::decode_meta_hash_field(&string).is_err());
        prop_assert!(string >= end || string < start);
    }

    #[test]
    fn decimals_there_and_back(negative in any::<bool>(), int in "[0-9]{1,35}", frac in "[0-9]{0,30}", other in "[0-9]{1,35}", places in 0..=30u8) {
        let sign = if negative { "-" } else { "" };
        let text = format!("{sign}{int}.{frac}");
        let value = Decimal::parse(&text).unwrap();
        let datum = Datum::Decimal { value, precision: 65, scale: 30 };
        let bytes = encoded(|o| datum.encode_key(o).unwrap());
        let Datum::Decimal { value: back, .. } = Datum::decode(&mut Reader::new(&bytes)).unwrap() else { panic!() };
        prop_assert_eq!(back.rounded(frac.len() as u8).unwrap().to_string(), value.to_string());
        prop_assert_eq!(Decimal::parse(&value.to_string()).unwrap().to_string(), value.to_string());
        // Keys of one precision and scale compare as the numbers do.
        let bigger = Decimal::parse(&other).unwrap();
        let key = |value| encoded(|o| Datum::Decimal { value, precision: 65, scale: 30 }.encode_key(o).unwrap());
        let (a, b): (f64, f64) = (text.parse().unwrap(), other.parse().unwrap());
        if (a - b).abs() > 1e-10 * a.abs().max(b.abs()) {
            prop_assert_eq!(Some(key(value).cmp(&key(bigger))), a.partial_cmp(&b));
        }
        let rounded = value.rounded(places).unwrap();
        let error = (rounded.to_string().parse::<f64>().unwrap() - a).abs();
        prop_assert!(error <= 0.5 * 10f64.powi(-i32::from(places)) * 1.000001 + 1e-9 * a.abs(), "{} {}", rounded, text);
    }

    #[test]
    fn times_there_and_back(packed in any::<u64>()) {
        if let Ok(time) = mysql::time::MysqlTime::from_packed(packed) {
            prop_assert_eq!(time.to_packed(), packed);
            prop_assert_eq!(mysql::time::MysqlTime::from_chunk(time.to_chunk()), Ok(time));
            prop_assert_eq!(mysql::time::MysqlTime::parse(&time.to_string()), Ok(time));
        }
    }

    #[test]
    fn json_text_there_and_back(value in json_value()) {
        let text = value.to_string();
        let binary = mysql::json_encode::encode_text(&text).unwrap();
        let printed = mysql::json::text(&binary).unwrap();
        let back: serde_json::Value = serde_json::from_str(&printed).unwrap();
        prop_assert_eq!(back, value);
        let followed = [&binary[..], b"rest"].concat();
        let mut reader = Reader::new(&followed);
        prop_assert_eq!(mysql::json::take(&mut reader), Ok(&binary[..]));
        prop_assert_eq!(reader.rest(), b"rest");
    }
}

fn json_value() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::Value;
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        // A whole number prints without a point, and is read as an integer then.
        (-1e300f64..1e300).prop_map(|f| Value::from(if f.fract() == 0.0 && f.abs() < 1e21 { 0.5 } else { f })),
        ".{0,10}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::btree_map(".{0,6}", inner, 0..6).prop_map(|m| Value::Object(m.into_iter().collect()))
        ]
    })
}
