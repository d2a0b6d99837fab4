//! Constants: `plan::Literal` -> a value with its Spark type.

use ti_codec::mysql::decimal::Decimal;
use ti_codec::mysql::time::MysqlTime;
use ti_codec::SparkType;
use ti_proto::plan;
use ti_proto::plan::data_type::Kind;
use ti_proto::plan::literal;

use super::Reason;

/// A constant.
#[derive(Debug, Clone, PartialEq)]
pub struct Value {
    /// Its Spark type.
    pub spark: SparkType,
    /// What it is.
    pub scalar: Scalar,
}

/// The value of a constant.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar {
    /// NULL.
    Null,
    /// BOOLEAN, as 0 and 1, and integers; days of DATE, microseconds of the other types of time.
    Int(i64),
    /// FLOAT and DOUBLE.
    Real(f64),
    /// DECIMAL: the number without its point, and the digits after it.
    Decimal(i128, u8),
    /// STRING.
    Text(String),
    /// BINARY.
    Bytes(Vec<u8>),
}

/// Reads a Spark type.
pub fn spark_type(ty: &plan::DataType) -> Result<SparkType, Reason> {
    Ok(match Kind::try_from(ty.kind) {
        Ok(Kind::Boolean) => SparkType::Boolean,
        Ok(Kind::Byte) => SparkType::Byte,
        Ok(Kind::Short) => SparkType::Short,
        Ok(Kind::Int) => SparkType::Int,
        Ok(Kind::Long) => SparkType::Long,
        Ok(Kind::Float) => SparkType::Float,
        Ok(Kind::Double) => SparkType::Double,
        Ok(Kind::Decimal) => match (u8::try_from(ty.precision), i8::try_from(ty.scale)) {
            (Ok(precision @ 1..=38), Ok(scale)) if scale <= precision as i8 => SparkType::Decimal { precision, scale },
            _ => {
                return Err(Reason::new(format!(
                    "DECIMAL({},{}) is not a type of Spark",
                    ty.precision, ty.scale
                )))
            }
        },
        Ok(Kind::String) => SparkType::String,
        Ok(Kind::Binary) => SparkType::Binary,
        Ok(Kind::Date) => SparkType::Date,
        Ok(Kind::Timestamp) => SparkType::Timestamp,
        Ok(Kind::TimestampNtz) => SparkType::TimestampNtz,
        Ok(Kind::DayTimeInterval) => SparkType::DayTimeInterval,
        Ok(Kind::ArrayFloat) => SparkType::ArrayFloat,
        Ok(Kind::Unspecified) | Err(_) => return Err(Reason::new("a constant has a type that is not known")),
    })
}

impl Value {
    /// Reads a literal.
    pub fn read(literal: &plan::Literal) -> Result<Self, Reason> {
        let ty = literal.r#type.ok_or_else(|| Reason::new("a constant has no type"))?;
        let spark = spark_type(&ty)?;
        let mismatch = || {
            Reason::new(format!(
                "a constant of type {} has a value of another type",
                spark.sql()
            ))
        };
        let scalar = match (&literal.value, spark) {
            (None, _) => Scalar::Null,
            (Some(literal::Value::Boolean(v)), SparkType::Boolean) => Scalar::Int(i64::from(*v)),
            (
                Some(literal::Value::Integer(v)),
                SparkType::Byte
                | SparkType::Short
                | SparkType::Int
                | SparkType::Long
                | SparkType::Date
                | SparkType::Timestamp
                | SparkType::TimestampNtz
                | SparkType::DayTimeInterval,
            ) => Scalar::Int(*v),
            (Some(literal::Value::Real(v)), SparkType::Float | SparkType::Double) => Scalar::Real(*v),
            (Some(literal::Value::Decimal(text)), SparkType::Decimal { .. }) => {
                let (unscaled, scale) = parse_decimal(text).ok_or_else(mismatch)?;
                Scalar::Decimal(unscaled, scale)
            }
            (Some(literal::Value::Text(v)), SparkType::String) => Scalar::Text(v.clone()),
            (Some(literal::Value::Binary(v)), SparkType::Binary) => Scalar::Bytes(v.clone()),
            _ => return Err(mismatch()),
        };
        Ok(Self { spark, scalar })
    }

    /// The whole number that it is, if it is one.
    pub fn whole(&self) -> Option<i128> {
        match self.scalar {
            Scalar::Int(v) if is_number(self.spark) || self.spark == SparkType::Boolean => Some(i128::from(v)),
            Scalar::Decimal(unscaled, scale) => {
                let one = i128::try_from(ti_codec::mysql::decimal::power_of_ten(scale)).ok()?;
                (unscaled % one == 0).then_some(unscaled / one)
            }
            _ => None,
        }
    }

    /// As a decimal number.
    pub fn decimal(&self) -> Option<Decimal> {
        match self.scalar {
            Scalar::Int(v) if is_number(self.spark) => Decimal::from_unscaled(i128::from(v), 0).ok(),
            Scalar::Decimal(unscaled, scale) => Decimal::from_unscaled(unscaled, scale).ok(),
            _ => None,
        }
    }

    /// As MySQL has a date or time; `None` outside of years 0 to 9999.
    pub fn time(&self) -> Option<MysqlTime> {
        match (&self.scalar, self.spark) {
            (Scalar::Int(days), SparkType::Date) => MysqlTime::from_days(*days),
            (Scalar::Int(micros), SparkType::Timestamp | SparkType::TimestampNtz) => {
                MysqlTime::from_wall_micros(*micros)
            }
            _ => None,
        }
    }

    /// As EXPLAIN prints it.
    pub fn text(&self) -> String {
        match &self.scalar {
            Scalar::Null => "NULL".into(),
            Scalar::Int(v) => match (self.time(), self.spark) {
                (Some(time), SparkType::Date) => time.date_text(),
                (Some(time), _) => time.to_string(),
                _ => v.to_string(),
            },
            Scalar::Real(v) => v.to_string(),
            Scalar::Decimal(unscaled, scale) => decimal_text(*unscaled, *scale),
            Scalar::Text(v) => format!("{v:?}"),
            Scalar::Bytes(v) => v
                .iter()
                .fold(String::from("0x"), |text, byte| text + &format!("{byte:02X}")),
        }
    }
}

/// A type that has whole numbers.
pub fn is_integral(ty: SparkType) -> bool {
    matches!(
        ty,
        SparkType::Byte | SparkType::Short | SparkType::Int | SparkType::Long
    )
}

/// A type of numbers.
pub fn is_number(ty: SparkType) -> bool {
    is_integral(ty) || matches!(ty, SparkType::Float | SparkType::Double | SparkType::Decimal { .. })
}

/// Least and greatest value of an integral type.
pub fn integral_range(ty: SparkType) -> Option<(i128, i128)> {
    let range = |bits: u32| Some((-(1i128 << (bits - 1)), (1i128 << (bits - 1)) - 1));
    match ty {
        SparkType::Byte => range(8),
        SparkType::Short => range(16),
        SparkType::Int => range(32),
        SparkType::Long => range(64),
        _ => None,
    }
}

/// `-12.50` -> (-1250, 2); also Java's `1E+3`.
fn parse_decimal(text: &str) -> Option<(i128, u8)> {
    let (digits, exponent) = match text.split_once(['e', 'E']) {
        Some((digits, exponent)) => (digits, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if fraction.bytes().any(|b| !b.is_ascii_digit()) {
        return None;
    }
    let mut unscaled: i128 = format!("{whole}{fraction}").parse().ok()?;
    let mut scale = i32::try_from(fraction.len()).ok()? - exponent;
    while scale < 0 {
        unscaled = unscaled.checked_mul(10)?;
        scale += 1;
    }
    Some((unscaled, u8::try_from(scale).ok().filter(|s| *s <= 38)?))
}

fn decimal_text(unscaled: i128, scale: u8) -> String {
    let digits = format!("{:0width$}", unscaled.unsigned_abs(), width = usize::from(scale) + 1);
    let (whole, fraction) = digits.split_at(digits.len() - usize::from(scale));
    let sign = if unscaled < 0 { "-" } else { "" };
    if fraction.is_empty() {
        format!("{sign}{whole}")
    } else {
        format!("{sign}{whole}.{fraction}")
    }
}
