//! What the tests share: encoders of their own, and values of Arrow arrays as text.
#![allow(dead_code)]

use std::time::{SystemTime, UNIX_EPOCH};

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, DurationMicrosecondType, Float32Type, Float64Type, Int16Type, Int32Type, Int64Type,
    Int8Type, TimestampMicrosecondType,
};
use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, TimeUnit};
use proptest::test_runner::{Config, RngSeed};
use ti_codec::field_type::flag;
use ti_codec::{BatchBuilder, FieldType, OutputColumn, TypeOptions};

/// Random tests print their seed; TI_CODEC_SEED repeats a run.
pub fn random(cases: u32) -> Config {
    let seed = std::env::var("TI_CODEC_SEED")
        .ok()
        .and_then(|s| s.parse().ok())
        .unwrap_or_else(|| {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
            now.as_nanos() as u64
        });
    println!("TI_CODEC_SEED={seed}");
    Config {
        cases,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(seed),
        ..Config::default()
    }
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

pub fn unhex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap())
        .collect()
}

pub fn field(tp: u8) -> FieldType {
    FieldType::new(tp)
}

pub fn unsigned(tp: u8) -> FieldType {
    FieldType {
        flag: flag::UNSIGNED,
        ..field(tp)
    }
}

pub fn sized(tp: u8, flen: i32, decimal: i32) -> FieldType {
    FieldType {
        flen,
        decimal,
        ..field(tp)
    }
}

pub fn charset(tp: u8, charset: &str) -> FieldType {
    FieldType {
        charset: charset.into(),
        ..field(tp)
    }
}

pub fn builder(types: &[FieldType], opts: &TypeOptions) -> BatchBuilder {
    let columns: Vec<OutputColumn> = types
        .iter()
        .enumerate()
        .map(|(i, field_type)| OutputColumn {
            name: format!("c{i}"),
            field_type: field_type.clone(),
        })
        .collect();
    BatchBuilder::new(&columns, opts).unwrap()
}

/// One column of a chunk. `width` 0: variable.
pub fn chunk_column(cells: &[Option<Vec<u8>>], width: usize) -> Vec<u8> {
    let nulls = cells.iter().filter(|c| c.is_none()).count();
    let mut out = Vec::new();
    out.extend((cells.len() as u32).to_le_bytes());
    out.extend((nulls as u32).to_le_bytes());
    if nulls > 0 {
        let mut bitmap = vec![0u8; cells.len().div_ceil(8)];
        for (i, cell) in cells.iter().enumerate() {
            if cell.is_some() {
                bitmap[i / 8] |= 1 << (i % 8);
            }
        }
        out.extend(bitmap);
    }
    if width == 0 {
        let mut at = 0i64;
        out.extend(at.to_le_bytes());
        for cell in cells {
            at += cell.as_ref().map_or(0, Vec::len) as i64;
            out.extend(at.to_le_bytes());
        }
        cells.iter().flatten().for_each(|c| out.extend(c));
    } else {
        // A NULL's slot holds whatever was there before, as in TiDB's own stores; at first bytes that are no value of most types.
        let mut stale = vec![0xee; width];
        for cell in cells {
            if let Some(cell) = cell {
                assert_eq!(cell.len(), width);
                stale.clone_from(cell);
            }
            out.extend(&stale);
        }
    }
    out
}

pub fn column_text(batch: &RecordBatch, column: usize) -> Vec<Option<String>> {
    let array = batch.column(column);
    (0..array.len())
        .map(|row| array.is_valid(row).then(|| text(array, row)))
        .collect()
}

fn text(array: &dyn Array, row: usize) -> String {
    match array.data_type() {
        DataType::Boolean => array.as_boolean().value(row).to_string(),
        DataType::Int8 => array.as_primitive::<Int8Type>().value(row).to_string(),
        DataType::Int16 => array.as_primitive::<Int16Type>().value(row).to_string(),
        DataType::Int32 => array.as_primitive::<Int32Type>().value(row).to_string(),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Float32 => format!("{:?}", array.as_primitive::<Float32Type>().value(row)),
        DataType::Float64 => format!("{:?}", array.as_primitive::<Float64Type>().value(row)),
        DataType::Decimal128(..) => array.as_primitive::<Decimal128Type>().value_as_string(row),
        DataType::Utf8 => array.as_string::<i32>().value(row).to_owned(),
        DataType::Binary => format!("x{}", hex(array.as_binary::<i32>().value(row))),
        DataType::Date32 => array.as_primitive::<Date32Type>().value(row).to_string(),
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            array.as_primitive::<TimestampMicrosecondType>().value(row).to_string()
        }
        DataType::Duration(TimeUnit::Microsecond) => {
            array.as_primitive::<DurationMicrosecondType>().value(row).to_string()
        }
        DataType::List(_) => {
            let items = array.as_list::<i32>().value(row);
            format!("{:?}", items.as_primitive::<Float32Type>().values().as_ref())
        }
        other => panic!("{other}"),
    }
}

/// One chunk with one column through a fresh builder.
pub fn decode_chunk(ft: &FieldType, opts: &TypeOptions, rows_data: &[u8]) -> Result<Vec<Option<String>>, String> {
    let mut builder = builder(std::slice::from_ref(ft), opts);
    let rows = builder.append_chunk(rows_data).map_err(|e| e.to_string())?;
    let batch = builder.finish().map_err(|e| e.to_string())?;
    assert_eq!(batch.num_rows(), rows);
    Ok(column_text(&batch, 0))
}

/// Rows of one column in TypeDefault through a fresh builder.
pub fn decode_rows(ft: &FieldType, opts: &TypeOptions, rows_data: &[u8]) -> Result<Vec<Option<String>>, String> {
    let mut builder = builder(std::slice::from_ref(ft), opts);
    let rows = builder.append_rows(rows_data).map_err(|e| e.to_string())?;
    let batch = builder.finish().map_err(|e| e.to_string())?;
    assert_eq!(batch.num_rows(), rows);
    Ok(column_text(&batch, 0))
}
