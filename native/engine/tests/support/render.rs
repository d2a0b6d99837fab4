//! Arrow values as TiDB prints them in the text protocol.

use arrow_array::cast::AsArray;
use arrow_array::temporal_conversions::{date32_to_datetime, timestamp_us_to_datetime};
use arrow_array::types::*;
use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, TimeUnit};

use super::Row;

/// Text, or hex digits of what is not UTF-8.
pub fn text_or_hex(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => format!("0x{}", bytes.iter().map(|b| format!("{b:02x}")).collect::<String>()),
    }
}

/// Equal as text, or as numbers and times: trailing zeros of fractions and the spelling of floats differ.
pub fn same(a: &Option<String>, b: &Option<String>) -> bool {
    let normal = |value: &Option<String>| {
        value.as_ref().map(|text| {
            if text.contains('.') && text.bytes().all(|c| c.is_ascii_digit() || b"-: .".contains(&c)) {
                text.trim_end_matches('0').trim_end_matches('.').to_owned()
            } else {
                text.clone()
            }
        })
    };
    if normal(a) == normal(b) {
        return true;
    }
    let number = |value: &Option<String>| value.as_ref().and_then(|text| text.parse::<f64>().ok());
    matches!((number(a), number(b)), (Some(x), Some(y)) if x == y)
        && [a, b]
            .iter()
            .any(|v| v.as_ref().is_some_and(|t| t.contains(['e', '.'])))
}

/// The rows of a batch.
pub fn rows(batch: &RecordBatch) -> Vec<Row> {
    (0..batch.num_rows())
        .map(|row| batch.columns().iter().map(|c| value(c.as_ref(), row)).collect())
        .collect()
}

fn value(array: &dyn Array, row: usize) -> Option<String> {
    if array.is_null(row) {
        return None;
    }
    Some(match array.data_type() {
        DataType::Boolean => u8::from(array.as_boolean().value(row)).to_string(),
        DataType::Int8 => array.as_primitive::<Int8Type>().value(row).to_string(),
        DataType::Int16 => array.as_primitive::<Int16Type>().value(row).to_string(),
        DataType::Int32 => array.as_primitive::<Int32Type>().value(row).to_string(),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Float32 => array.as_primitive::<Float32Type>().value(row).to_string(),
        DataType::Float64 => array.as_primitive::<Float64Type>().value(row).to_string(),
        DataType::Decimal128(_, _) => array.as_primitive::<Decimal128Type>().value_as_string(row),
        DataType::Utf8 => array.as_string::<i32>().value(row).to_owned(),
        DataType::Binary => text_or_hex(array.as_binary::<i32>().value(row)),
        DataType::Date32 => date32_to_datetime(array.as_primitive::<Date32Type>().value(row))
            .unwrap()
            .format("%Y-%m-%d")
            .to_string(),
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            let micros = array.as_primitive::<TimestampMicrosecondType>().value(row);
            timestamp_us_to_datetime(micros)
                .unwrap()
                .format("%Y-%m-%d %H:%M:%S%.6f")
                .to_string()
        }
        DataType::Duration(TimeUnit::Microsecond) => time(array.as_primitive::<DurationMicrosecondType>().value(row)),
        DataType::List(_) => {
            let values = array.as_list::<i32>().value(row);
            let floats: Vec<String> = values
                .as_primitive::<Float32Type>()
                .values()
                .iter()
                .map(f32::to_string)
                .collect();
            format!("[{}]", floats.join(","))
        }
        other => panic!("a column of type {other}"),
    })
}

/// TIME: hours may pass 24.
fn time(micros: i64) -> String {
    let (sign, micros) = (if micros < 0 { "-" } else { "" }, micros.unsigned_abs());
    let seconds = micros / 1_000_000;
    format!(
        "{sign}{:02}:{:02}:{:02}.{:06}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60,
        micros % 1_000_000
    )
}
