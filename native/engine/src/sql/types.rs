//! Spark types as column types of TiDB, chosen so that reading the column back gives the type that was asked for, and defaults as TiDB writes them.

use ti_codec::mysql::time::MysqlTime;
use ti_proto::plan;
use ti_proto::plan::column_default::Value as Default_;
use ti_proto::plan::data_type::Kind;
use ti_proto::plan::literal::Value;
use ti_proto::plan::type_options::{Datetime, Time, TinyInt1};

use super::text::text;
use crate::error::{Error, ErrorKind, Result};

/// TiDB's DECIMAL ends there; Spark's scale may go to 38.
const MAX_SCALE: u32 = 30;

/// The Spark type of a column, checked.
pub(super) fn kind(column: &str, ty: Option<&plan::SqlType>) -> Result<(Kind, plan::DataType)> {
    let data_type = ty
        .and_then(|ty| ty.r#type)
        .ok_or_else(|| Error::new(ErrorKind::InvalidArgument, format!("the column {column} has no type")))?;
    Ok((data_type.kind(), data_type))
}

/// Whether the column becomes a LONGTEXT or LONGBLOB: no key can hold it whole, and it has no default.
pub(super) fn is_large(ty: Option<&plan::SqlType>) -> bool {
    ty.is_some_and(|ty| match ty.r#type.map(|t| t.kind()) {
        Some(Kind::String) => ty.length == 0,
        Some(Kind::Binary) => true,
        _ => false,
    })
}

/// As TiDB writes it, e.g. `DECIMAL(20,2)`.
///
/// # Errors
/// `UnsupportedType` names the column, the type and what to do.
pub(super) fn column_type(column: &str, ty: Option<&plan::SqlType>, options: &plan::TypeOptions) -> Result<String> {
    let refuse = |what: String| {
        Err(Error::new(
            ErrorKind::UnsupportedType,
            format!("column {column}: {what}"),
        ))
    };
    let (kind, data_type) = kind(column, ty)?;
    let length = ty.map_or(0, |ty| ty.length);
    Ok(match kind {
        // A TINYINT(1) is a TINYINT to who asked for that; a BIT(1) is a BOOLEAN to everybody.
        Kind::Boolean if options.tinyint1() == TinyInt1::Tinyint1Tinyint => "BIT(1)".into(),
        Kind::Boolean => "TINYINT(1)".into(),
        Kind::Byte => "TINYINT".into(),
        Kind::Short => "SMALLINT".into(),
        Kind::Int => "INT".into(),
        Kind::Long => "BIGINT".into(),
        Kind::Float => "FLOAT".into(),
        Kind::Double => "DOUBLE".into(),
        Kind::Decimal if data_type.scale > MAX_SCALE => {
            return refuse(format!(
                "TiDB's DECIMAL has at most {MAX_SCALE} digits after the point, not {}",
                data_type.scale
            ))
        }
        Kind::Decimal => format!("DECIMAL({},{})", data_type.precision, data_type.scale),
        Kind::String if length == 0 => "LONGTEXT".into(),
        Kind::String if ty.is_some_and(|ty| ty.fixed) => format!("CHAR({length})"),
        Kind::String => format!("VARCHAR({length})"),
        Kind::Binary => "LONGBLOB".into(),
        Kind::Date => "DATE".into(),
        Kind::Timestamp => "TIMESTAMP(6)".into(),
        Kind::TimestampNtz if options.datetime() == Datetime::Timestamp => return refuse(
            "with types.timestampNtz=false a DATETIME is read as TIMESTAMP, so that no type of TiDB is a TIMESTAMP_NTZ"
                .into(),
        ),
        Kind::TimestampNtz => "DATETIME(6)".into(),
        Kind::DayTimeInterval if options.time() == Time::Bigint => {
            return refuse(
                "with types.time=bigint a TIME is read as BIGINT, so that no type of TiDB is an INTERVAL".into(),
            )
        }
        Kind::DayTimeInterval => "TIME(6)".into(),
        Kind::ArrayFloat | Kind::Unspecified => return refuse(format!("a {kind:?} has no type in TiDB")),
    })
}

/// ` DEFAULT ...` of a column, or nothing.
pub(super) fn default_clause(
    column: &str,
    ty: Option<&plan::SqlType>,
    default: Option<&plan::ColumnDefault>,
) -> Result<String> {
    match default_value(column, ty, default)? {
        Some(value) => Ok(format!(" DEFAULT {value}")),
        None => Ok(String::new()),
    }
}

/// A default as TiDB writes it. `ty` is the type of the column where it is known.
pub(super) fn default_value(
    column: &str,
    ty: Option<&plan::SqlType>,
    default: Option<&plan::ColumnDefault>,
) -> Result<Option<String>> {
    let invalid = |what: String| {
        Error::new(
            ErrorKind::InvalidArgument,
            format!("default of column {column}: {what}"),
        )
    };
    let Some(value) = default.and_then(|d| d.value.as_ref()) else {
        return Ok(None);
    };
    let literal = match value {
        Default_::CurrentTimestamp(_) => return Ok(Some("CURRENT_TIMESTAMP(6)".into())),
        Default_::Literal(literal) => literal,
    };
    let kind = literal.r#type.map(|t| t.kind()).unwrap_or_default();
    let Some(value) = &literal.value else {
        return Ok(Some("NULL".into()));
    };
    if is_large(ty) {
        return Err(Error::new(
            ErrorKind::UnsupportedFeature,
            format!(
                "column {column}: a STRING or BINARY without a length has no default in TiDB; declare it VARCHAR(n)"
            ),
        ));
    }
    let out_of_range = || invalid("it lies outside of the years 0 to 9999".into());
    Ok(Some(match (kind, value) {
        (Kind::Boolean, Value::Boolean(value)) => u8::from(*value).to_string(),
        (Kind::Date, Value::Integer(days)) => text(&MysqlTime::from_days(*days).ok_or_else(out_of_range)?.date_text()),
        (Kind::Timestamp | Kind::TimestampNtz, Value::Integer(micros)) => text(
            &MysqlTime::from_wall_micros(*micros)
                .ok_or_else(out_of_range)?
                .to_string(),
        ),
        (Kind::Byte | Kind::Short | Kind::Int | Kind::Long, Value::Integer(value)) => text(&value.to_string()),
        (Kind::Float, Value::Real(value)) if value.is_finite() => text(&(*value as f32).to_string()),
        (Kind::Double, Value::Real(value)) if value.is_finite() => text(&value.to_string()),
        (Kind::Decimal, Value::Decimal(value)) => text(value),
        (Kind::String, Value::Text(value)) => text(value),
        _ => return Err(invalid("it has no form in TiDB".into())),
    }))
}
