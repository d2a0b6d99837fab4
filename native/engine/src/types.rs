//! Type options of a request -> the codec's.

use ti_codec::options::{BitAs, DatetimeAs, DecimalOverflow, TimeAs, TinyInt1, ZeroDate};
use ti_codec::zone::TimeZone;
use ti_codec::{SparkType, TypeOptions};
use ti_proto::plan;
use ti_proto::plan::data_type::Kind;
use ti_proto::plan::type_options as wire;

use crate::error::{Error, ErrorKind, Result};

/// An enum's number that this build does not know: the JVM side is of another build.
fn unknown(key: &str, number: i32) -> Error {
    Error::new(
        ErrorKind::InvalidArgument,
        format!("{key}: the native library does not know the value {number}"),
    )
}

/// Reads the options; unset ones have their defaults.
pub fn type_options(options: Option<&plan::TypeOptions>) -> Result<TypeOptions> {
    let Some(o) = options else {
        return Ok(TypeOptions::default());
    };
    let time_zone = TimeZone::parse(&o.time_zone).map_err(|_| {
        Error::new(
            ErrorKind::InvalidArgument,
            format!(
                "spark.sql.session.timeZone: `{}` is neither an IANA time zone nor an offset such as +05:30",
                o.time_zone
            ),
        )
    })?;
    Ok(TypeOptions {
        tinyint1: match wire::TinyInt1::try_from(o.tinyint1) {
            Ok(wire::TinyInt1::Tinyint1Boolean) => TinyInt1::Boolean,
            Ok(wire::TinyInt1::Tinyint1Tinyint) => TinyInt1::TinyInt,
            Err(_) => return Err(unknown("types.tinyint1", o.tinyint1)),
        },
        zero_date: match wire::ZeroDate::try_from(o.zero_date) {
            Ok(wire::ZeroDate::Null) => ZeroDate::Null,
            Ok(wire::ZeroDate::Error) => ZeroDate::Error,
            Err(_) => return Err(unknown("types.zeroDate", o.zero_date)),
        },
        decimal_overflow: match wire::DecimalOverflow::try_from(o.decimal_overflow) {
            Ok(wire::DecimalOverflow::Error) => DecimalOverflow::Error,
            Ok(wire::DecimalOverflow::String) => DecimalOverflow::String,
            Ok(wire::DecimalOverflow::Narrow) => DecimalOverflow::Narrow,
            Err(_) => return Err(unknown("types.decimalOverflow", o.decimal_overflow)),
        },
        bit: match wire::Bit::try_from(o.bit) {
            Ok(wire::Bit::Binary) => BitAs::Binary,
            Ok(wire::Bit::Bigint) => BitAs::BigInt,
            Err(_) => return Err(unknown("types.bit", o.bit)),
        },
        time: match wire::Time::try_from(o.time) {
            Ok(wire::Time::Interval) => TimeAs::Interval,
            Ok(wire::Time::Bigint) => TimeAs::BigInt,
            Err(_) => return Err(unknown("types.time", o.time)),
        },
        datetime: match wire::Datetime::try_from(o.datetime) {
            Ok(wire::Datetime::TimestampNtz) => DatetimeAs::TimestampNtz,
            Ok(wire::Datetime::Timestamp) => DatetimeAs::Timestamp,
            Err(_) => return Err(unknown("types.timestampNtz", o.datetime)),
        },
        time_zone,
        refused_types: o.refused_types.clone(),
    })
}

/// A Spark type as the JVM reads it.
pub fn data_type(spark: SparkType) -> plan::DataType {
    let kind = match spark {
        SparkType::Boolean => Kind::Boolean,
        SparkType::Byte => Kind::Byte,
        SparkType::Short => Kind::Short,
        SparkType::Int => Kind::Int,
        SparkType::Long => Kind::Long,
        SparkType::Float => Kind::Float,
        SparkType::Double => Kind::Double,
        SparkType::Decimal { .. } => Kind::Decimal,
        SparkType::String => Kind::String,
        SparkType::Binary => Kind::Binary,
        SparkType::Date => Kind::Date,
        SparkType::Timestamp => Kind::Timestamp,
        SparkType::TimestampNtz => Kind::TimestampNtz,
        SparkType::DayTimeInterval => Kind::DayTimeInterval,
        SparkType::ArrayFloat => Kind::ArrayFloat,
    };
    let (precision, scale) = match spark {
        SparkType::Decimal { precision, scale } => (u32::from(precision), u32::from(scale.unsigned_abs())),
        _ => (0, 0),
    };
    plan::DataType {
        kind: kind.into(),
        precision,
        scale,
    }
}
