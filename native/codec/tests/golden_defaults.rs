//! Default values and type names of a real table, compared with what TiDB sends and prints.

use ti_codec::row::{RowEncoder, RowView};
use ti_codec::{default_value, FieldType};

#[test]
fn default_values_and_type_names_are_those_of_tidb() {
    let mut seen = 0;
    for line in include_str!("golden/defaults.txt")
        .lines()
        .filter(|l| !l.starts_with('#'))
    {
        let fields: Vec<&str> = line.split('|').collect();
        let [name, sql_name, tp, flag, flen, decimal, charset, elems, text, datum] = fields[..] else {
            panic!("{line}")
        };
        let ft = FieldType {
            tp: tp.parse().unwrap(),
            flag: flag.parse().unwrap(),
            flen: flen.parse().unwrap(),
            decimal: decimal.parse().unwrap(),
            charset: charset.into(),
            collate: String::new(),
            elems: elems
                .split(',')
                .filter_map(|e| e.strip_prefix('x'))
                .map(|e| String::from_utf8(crate::common::unhex(e)).unwrap())
                .collect(),
        };
        assert_eq!(ft.sql_name(), sql_name, "{name}");
        if let Some(text) = text.strip_prefix('x') {
            let ours = default_value::encode(&ft, Some(&crate::common::unhex(text))).unwrap();
            assert_eq!(crate::common::hex(&ours), datum, "{name}");
            // Rows take it too.
            let bytes = crate::common::unhex(text);
            let value = default_value::datum(&ft, Some(&bytes)).unwrap();
            let mut encoder = RowEncoder::new();
            encoder.push(1, &ft, &value).unwrap();
            let mut row = Vec::new();
            encoder.finish(&mut row).unwrap();
            let read = RowView::parse(&row).unwrap().get(1, &ft).unwrap().unwrap();
            let encoded = |datum: &ti_codec::datum::Datum<'_>| {
                let mut out = Vec::new();
                datum.encode_value(&mut out).map(|()| crate::common::hex(&out))
            };
            assert_eq!(encoded(&read), encoded(&value), "{name}");
            seen += 1;
        }
        assert_eq!(default_value::encode(&ft, None), Ok(vec![0]));
    }
    assert!(seen > 50, "only {seen} default values");
}

#[test]
fn texts_of_another_type_are_refused() {
    use ti_codec::field_type::type_code as t;
    for (tp, text) in [
        (t::LONG, "1.5"),
        (t::LONG, ""),
        (t::DATE, "2020-13-01"),
        (t::DATETIME, "2020-01-01 25:00:00"),
        (t::DATETIME, "now"),
        (t::DURATION, "839:00:00"),
        (t::DURATION, "12:34"),
        (t::NEW_DECIMAL, "1e999"),
        (t::NEW_DECIMAL, "abc"),
        (t::JSON, "{"),
        (t::ENUM, "no element"),
        (t::SET, "a,b"),
        (t::YEAR, "20x"),
        (t::DOUBLE, "one"),
        (t::BIT, "123456789"),
        (t::VECTOR_FLOAT32, "[1]"),
    ] {
        assert!(
            default_value::encode(&FieldType::new(tp), Some(text.as_bytes())).is_err(),
            "{tp} {text}"
        );
    }
}
