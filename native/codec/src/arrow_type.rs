//! THE type table: which Spark and Arrow type a MySQL column is read as. The documentation's type page is rendered from [`type_table`].
//!
//! ```text
//! FieldType + TypeOptions -> column_type -> SparkType + arrow DataType   (schema of the table, and of every batch)
//!                                        -> Shape                        (what the decoders of `chunk` and `rows` do)
//! ```

use arrow_schema::{DataType, Field, TimeUnit, DECIMAL128_MAX_PRECISION};
use std::sync::Arc;

use crate::error::UnsupportedType;
use crate::field_type::{type_code as t, FieldType};
use crate::options::{BitAs, DatetimeAs, DecimalOverflow, TimeAs, TinyInt1, TypeOptions, ZeroDate};

pub use crate::type_table::{type_table, TypeRow};

/// A Spark SQL type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SparkType {
    /// BOOLEAN
    Boolean,
    /// TINYINT
    Byte,
    /// SMALLINT
    Short,
    /// INT
    Int,
    /// BIGINT
    Long,
    /// FLOAT
    Float,
    /// DOUBLE
    Double,
    /// DECIMAL(precision, scale)
    Decimal {
        /// 1..=38
        precision: u8,
        /// 0..=precision
        scale: i8,
    },
    /// STRING
    String,
    /// BINARY
    Binary,
    /// DATE
    Date,
    /// TIMESTAMP
    Timestamp,
    /// TIMESTAMP_NTZ
    TimestampNtz,
    /// INTERVAL DAY TO SECOND
    DayTimeInterval,
    /// `ARRAY<FLOAT>`
    ArrayFloat,
}

impl SparkType {
    /// The Arrow type of this Spark type at the border.
    #[must_use]
    pub fn arrow(self) -> DataType {
        match self {
            Self::Boolean => DataType::Boolean,
            Self::Byte => DataType::Int8,
            Self::Short => DataType::Int16,
            Self::Int => DataType::Int32,
            Self::Long => DataType::Int64,
            Self::Float => DataType::Float32,
            Self::Double => DataType::Float64,
            Self::Decimal { precision, scale } => DataType::Decimal128(precision, scale),
            Self::String => DataType::Utf8,
            Self::Binary => DataType::Binary,
            Self::Date => DataType::Date32,
            Self::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::TimestampNtz => DataType::Timestamp(TimeUnit::Microsecond, None),
            Self::DayTimeInterval => DataType::Duration(TimeUnit::Microsecond),
            Self::ArrayFloat => DataType::List(Arc::new(Field::new("element", DataType::Float32, false))),
        }
    }

    /// As Spark SQL writes it, e.g. "DECIMAL(20,0)".
    #[must_use]
    pub fn sql(self) -> String {
        match self {
            Self::Boolean => "BOOLEAN".into(),
            Self::Byte => "TINYINT".into(),
            Self::Short => "SMALLINT".into(),
            Self::Int => "INT".into(),
            Self::Long => "BIGINT".into(),
            Self::Float => "FLOAT".into(),
            Self::Double => "DOUBLE".into(),
            Self::Decimal { precision, scale } => format!("DECIMAL({precision},{scale})"),
            Self::String => "STRING".into(),
            Self::Binary => "BINARY".into(),
            Self::Date => "DATE".into(),
            Self::Timestamp => "TIMESTAMP".into(),
            Self::TimestampNtz => "TIMESTAMP_NTZ".into(),
            Self::DayTimeInterval => "INTERVAL DAY TO SECOND".into(),
            Self::ArrayFloat => "ARRAY<FLOAT>".into(),
        }
    }
}

/// What a column is read as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnType {
    /// In Spark.
    pub spark: SparkType,
    /// In Arrow, at the border.
    pub arrow: DataType,
    /// Whether it can hold NULL: also a NOT NULL column can where dates that are not in the calendar are read as NULL.
    pub nullable: bool,
}

/// The MySQL type family of a column: what its bytes are, and what they become. Settled once per column, so that loops over values decide nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// An integer, shown as the Spark type.
    Int {
        unsigned: bool,
    },
    Float,
    Double,
    Decimal {
        precision: u8,
        scale: u8,
    },
    DecimalText,
    /// Bytes in any of TiDB's character sets: all are stored and sent as UTF-8.
    Text,
    Bytes,
    BitBoolean,
    BitBytes {
        width: usize,
    },
    BitLong,
    Enum,
    Set,
    Json,
    Date,
    Timestamp,
    Datetime,
    /// DATETIME read in the session's time zone.
    ZonedDatetime,
    Interval,
    Nanos,
    Vector,
}

/// What a column of this type is read as.
///
/// # Errors
/// [`UnsupportedType`]: the type is unknown, refused by the user, or does not fit Spark; the text names the option that helps.
pub fn column_type(ft: &FieldType, opts: &TypeOptions) -> Result<ColumnType, UnsupportedType> {
    let (spark, shape) = resolve(ft, opts)?;
    let dates = matches!(
        shape,
        Shape::Date | Shape::Timestamp | Shape::Datetime | Shape::ZonedDatetime
    );
    let nullable = !ft.is_not_null() || (dates && opts.zero_date == ZeroDate::Null);
    Ok(ColumnType {
        spark,
        arrow: spark.arrow(),
        nullable,
    })
}

/// Spark type and decoding of a column.
pub(crate) fn resolve(ft: &FieldType, opts: &TypeOptions) -> Result<(SparkType, Shape), UnsupportedType> {
    let refuse = |reason: &str| {
        Err(UnsupportedType {
            sql_name: ft.sql_name(),
            reason: reason.to_owned(),
        })
    };
    let name = ft.type_name();
    let with_sign = if ft.is_unsigned() {
        format!("{name} unsigned")
    } else {
        name.to_owned()
    };
    if opts
        .refused_types
        .iter()
        .any(|r| r.eq_ignore_ascii_case(name) || r.eq_ignore_ascii_case(&with_sign))
    {
        return refuse("it is refused by the configuration (spark.tispark.type.unsupported_mysql_types)");
    }
    let unsigned = ft.is_unsigned();
    let int =
        |signed: SparkType, wider: SparkType| Ok((if unsigned { wider } else { signed }, Shape::Int { unsigned }));
    match ft.tp {
        t::TINY if ft.flen == 1 && opts.tinyint1 == TinyInt1::Boolean => {
            Ok((SparkType::Boolean, Shape::Int { unsigned }))
        }
        t::TINY => int(SparkType::Byte, SparkType::Short),
        t::SHORT => int(SparkType::Short, SparkType::Int),
        // MEDIUMINT UNSIGNED ends at 2^24 - 1.
        t::INT24 => int(SparkType::Int, SparkType::Int),
        t::LONG => int(SparkType::Int, SparkType::Long),
        t::LONG_LONG => int(
            SparkType::Long,
            SparkType::Decimal {
                precision: 20,
                scale: 0,
            },
        ),
        // TiDB marks YEAR as UNSIGNED; 0 and 1901..=2155 fit anyway.
        t::YEAR => Ok((SparkType::Short, Shape::Int { unsigned })),
        t::BIT if ft.bit_width() == 1 => Ok((SparkType::Boolean, Shape::BitBoolean)),
        t::BIT => Ok(match opts.bit {
            BitAs::Binary => (
                SparkType::Binary,
                Shape::BitBytes {
                    width: usize::from(ft.bit_width()).div_ceil(8),
                },
            ),
            BitAs::BigInt => (SparkType::Long, Shape::BitLong),
        }),
        t::FLOAT => Ok((SparkType::Float, Shape::Float)),
        t::DOUBLE => Ok((SparkType::Double, Shape::Double)),
        t::NEW_DECIMAL => {
            let (precision, scale) = ft.precision_and_scale();
            if precision <= DECIMAL128_MAX_PRECISION {
                return Ok(decimal(precision, scale));
            }
            match opts.decimal_overflow {
                DecimalOverflow::String => Ok((SparkType::String, Shape::DecimalText)),
                DecimalOverflow::Narrow => Ok(decimal(DECIMAL128_MAX_PRECISION, scale)),
                DecimalOverflow::Error => refuse(
                    "Spark's DECIMAL ends at 38 digits; set types.decimalOverflow to `string` (text, exact) or `narrow` (DECIMAL(38, s), \
                     a value that does not fit is an error)",
                ),
            }
        }
        t::VARCHAR | t::VAR_STRING | t::STRING | t::TINY_BLOB | t::MEDIUM_BLOB | t::LONG_BLOB | t::BLOB => {
            match ft.charset.as_str() {
                "binary" => Ok((SparkType::Binary, Shape::Bytes)),
                // TiDB keeps text of all its character sets as UTF-8 and converts only for clients.
                "" | "utf8mb4" | "utf8" | "utf8mb3" | "ascii" | "latin1" | "gbk" | "gb18030" => {
                    Ok((SparkType::String, Shape::Text))
                }
                other => refuse(&format!(
                    "the character set {other} is not known; CONVERT the column TO CHARACTER SET utf8mb4 in TiDB"
                )),
            }
        }
        t::ENUM => Ok((SparkType::String, Shape::Enum)),
        t::SET => Ok((SparkType::String, Shape::Set)),
        t::JSON => Ok((SparkType::String, Shape::Json)),
        t::DATE => Ok((SparkType::Date, Shape::Date)),
        t::DATETIME => Ok(match opts.datetime {
            DatetimeAs::TimestampNtz => (SparkType::TimestampNtz, Shape::Datetime),
            DatetimeAs::Timestamp => (SparkType::Timestamp, Shape::ZonedDatetime),
        }),
        t::TIMESTAMP => Ok((SparkType::Timestamp, Shape::Timestamp)),
        t::DURATION => Ok(match opts.time {
            TimeAs::Interval => (SparkType::DayTimeInterval, Shape::Interval),
            TimeAs::BigInt => (SparkType::Long, Shape::Nanos),
        }),
        t::VECTOR_FLOAT32 => Ok((SparkType::ArrayFloat, Shape::Vector)),
        t::GEOMETRY => refuse("TiDB stores no geometry values"),
        _ => refuse("this version does not know it; the other columns of the table can be read"),
    }
}

fn decimal(precision: u8, scale: u8) -> (SparkType, Shape) {
    let spark = SparkType::Decimal {
        precision,
        scale: i8::try_from(scale).unwrap_or(i8::MAX),
    };
    (spark, Shape::Decimal { precision, scale })
}
