//! The builder: schema, counting, errors in the middle, reuse.

use crate::common::{builder, charset, chunk_column, column_text, field, sized, unsigned};
use arrow_schema::{DataType, TimeUnit};
use ti_codec::field_type::{flag, type_code as t};
use ti_codec::{
    column_type, type_table, BatchBuilder, CodecError, FieldType, OutputColumn, SparkType, TypeOptions, ZeroDate,
};

fn longs(values: &[i64]) -> Vec<u8> {
    let cells: Vec<_> = values.iter().map(|v| Some(v.to_le_bytes().to_vec())).collect();
    chunk_column(&cells, 8)
}

#[test]
fn without_columns_rows_are_counted() {
    let mut builder = builder(&[], &TypeOptions::default());
    assert_eq!(builder.append_chunk(&longs(&[1, 2, 3])), Ok(3));
    assert_eq!(builder.append_chunk(&[]), Ok(0));
    assert_eq!(builder.append_rows(&[8, 2, 0, 8, 4]), Ok(3));
    let batch = builder.finish().unwrap();
    assert_eq!((batch.num_rows(), batch.num_columns()), (6, 0));
    assert_eq!(builder.finish().unwrap().num_rows(), 0);
}

#[test]
fn a_failed_answer_leaves_the_rows_before_it() {
    let types = [field(t::LONG_LONG), charset(t::VARCHAR, "utf8mb4"), field(t::LONG)];
    let mut builder = builder(&types, &TypeOptions::default());
    let text = |values: &[&str]| {
        chunk_column(
            &values.iter().map(|v| Some(v.as_bytes().to_vec())).collect::<Vec<_>>(),
            0,
        )
    };
    let good = [longs(&[1, 2]), text(&["a", "b"]), longs(&[1, 2])].concat();
    assert_eq!(builder.append_chunk(&good), Ok(2));
    let over = [longs(&[3]), text(&["c"]), longs(&[1 << 40])].concat();
    let error = builder.append_chunk(&over).unwrap_err().to_string();
    assert!(error.contains("`c2`") && error.contains("over the range"), "{error}");
    let uneven = [longs(&[3]), text(&["c", "d"]), longs(&[1])].concat();
    assert!(builder
        .append_chunk(&uneven)
        .unwrap_err()
        .to_string()
        .contains("differ in length"));
    let longer = [good.clone(), vec![0]].concat();
    assert!(builder
        .append_chunk(&longer)
        .unwrap_err()
        .to_string()
        .contains("follow the last column"));
    assert!(builder.append_rows(&[8, 2, 2, 2, b'x', 5]).is_err());
    assert_eq!(builder.append_chunk(&good), Ok(2));
    assert!(builder.memory_size() > 0);
    let batch = builder.finish().unwrap();
    let texts: Vec<_> = ["a", "b", "a", "b"].iter().map(|s| Some(s.to_string())).collect();
    assert_eq!(column_text(&batch, 1), texts);
    assert_eq!(batch.num_rows(), 4);
}

#[test]
fn text_that_is_no_utf8_and_null_in_not_null_are_errors_and_the_builder_goes_on() {
    let not_null = FieldType {
        flag: flag::NOT_NULL,
        ..charset(t::VARCHAR, "latin1")
    };
    let mut builder = builder(&[not_null], &TypeOptions::default());
    builder
        .append_chunk(&chunk_column(&[Some(b"ok".to_vec()), Some(vec![b'x', 0xff])], 0))
        .unwrap();
    let error = builder.finish().unwrap_err().to_string();
    assert!(
        error.contains("`c0`") && error.contains("UTF-8") && error.contains('x'),
        "{error}"
    );
    // Two rows that are valid together only.
    builder
        .append_chunk(&chunk_column(&[Some(vec![0xc3]), Some(vec![0xa9])], 0))
        .unwrap();
    assert!(builder.finish().is_err());
    builder.append_rows(&[0]).unwrap();
    let error = builder.finish().unwrap_err();
    assert!(
        matches!(&error, CodecError::Column { source, .. } if **source == CodecError::UnexpectedNull),
        "{error}"
    );
    builder.append_chunk(&chunk_column(&[Some("é".into())], 0)).unwrap();
    assert_eq!(column_text(&builder.finish().unwrap(), 0), [Some("é".to_owned())]);
}

#[test]
fn the_schema_is_that_of_the_type_table() {
    let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    for (ft, spark, arrow) in [
        (
            unsigned(t::LONG_LONG),
            SparkType::Decimal {
                precision: 20,
                scale: 0,
            },
            DataType::Decimal128(20, 0),
        ),
        (
            sized(t::NEW_DECIMAL, 15, 2),
            SparkType::Decimal {
                precision: 15,
                scale: 2,
            },
            DataType::Decimal128(15, 2),
        ),
        (field(t::TIMESTAMP), SparkType::Timestamp, utc),
        (
            field(t::DATETIME),
            SparkType::TimestampNtz,
            DataType::Timestamp(TimeUnit::Microsecond, None),
        ),
        (
            field(t::DURATION),
            SparkType::DayTimeInterval,
            DataType::Duration(TimeUnit::Microsecond),
        ),
        (sized(t::TINY, 1, 0), SparkType::Boolean, DataType::Boolean),
        (unsigned(t::TINY), SparkType::Short, DataType::Int16),
        (charset(t::BLOB, "binary"), SparkType::Binary, DataType::Binary),
        (charset(t::VARCHAR, "gbk"), SparkType::String, DataType::Utf8),
    ] {
        let column = column_type(&ft, &TypeOptions::default()).unwrap();
        assert_eq!((column.spark, &column.arrow, column.nullable), (spark, &arrow, true));
        assert_eq!(
            builder(&[ft], &TypeOptions::default()).schema().field(0).data_type(),
            &arrow
        );
    }
    let date = FieldType {
        flag: flag::NOT_NULL,
        ..field(t::DATE)
    };
    assert!(column_type(&date, &TypeOptions::default()).unwrap().nullable);
    let error = TypeOptions {
        zero_date: ZeroDate::Error,
        ..TypeOptions::default()
    };
    assert!(!column_type(&date, &error).unwrap().nullable);
    assert_eq!(type_table().iter().filter(|r| r.spark == "not read").count(), 1);
}

#[test]
fn types_that_cannot_be_read_say_why() {
    let refused = TypeOptions {
        refused_types: vec!["json".into(), "bigint unsigned".into()],
        ..TypeOptions::default()
    };
    for (ft, opts, why) in [
        (
            sized(t::NEW_DECIMAL, 65, 30),
            TypeOptions::default(),
            "types.decimalOverflow",
        ),
        (field(t::GEOMETRY), TypeOptions::default(), "geometry"),
        (field(99), TypeOptions::default(), "unknown(99)"),
        (charset(t::VARCHAR, "big5"), TypeOptions::default(), "big5"),
        (field(t::JSON), refused.clone(), "unsupported_mysql_types"),
        (unsigned(t::LONG_LONG), refused.clone(), "bigint unsigned"),
    ] {
        let error = column_type(&ft, &opts).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
        let columns = [OutputColumn {
            name: "bad".into(),
            field_type: ft,
        }];
        let error = BatchBuilder::new(&columns, &opts).err().unwrap().to_string();
        assert!(error.contains("`bad`") && error.contains(why), "{error}");
    }
    assert!(column_type(&field(t::LONG_LONG), &refused).is_ok());
}
