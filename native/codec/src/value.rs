//! Single values to what a column holds: the slow ways of `chunk`, and all of `rows`.

use crate::error::CodecError;
use crate::mysql::decimal::{power_of_ten, Decimal};
use crate::mysql::time::MysqlTime;
use crate::options::{TypeOptions, ZeroDate};

/// What a date or time that the calendar does not have becomes: `None` is NULL.
fn off_calendar<T>(time: &MysqlTime, opts: &TypeOptions) -> Result<Option<T>, CodecError> {
    match opts.zero_date {
        ZeroDate::Null => Ok(None),
        ZeroDate::Error => Err(CodecError::Unrepresentable(format!(
            "{} is not in the calendar and cannot be shown; set types.zeroDate to `null` to read it as NULL",
            time.date_text()
        ))),
    }
}

/// Days of a DATE; `None` is NULL.
pub(crate) fn days(time: &MysqlTime, opts: &TypeOptions) -> Result<Option<i32>, CodecError> {
    match time.days() {
        Some(days) => Ok(Some(days)),
        None => off_calendar(time, opts),
    }
}

/// Microseconds of a wall clock; `None` is NULL.
pub(crate) fn wall_micros(time: &MysqlTime, opts: &TypeOptions) -> Result<Option<i64>, CodecError> {
    match time.wall_micros() {
        Some(micros) => Ok(Some(micros)),
        None => off_calendar(time, opts),
    }
}

/// The i128 of DECIMAL(precision, scale).
pub(crate) fn unscaled(decimal: &Decimal, precision: u8, scale: u8) -> Result<i128, CodecError> {
    decimal.unscaled(scale).filter(|v| v.unsigned_abs() < power_of_ten(precision)).ok_or_else(|| {
        CodecError::Unrepresentable(format!(
            "{decimal} does not fit DECIMAL({precision},{scale}); a DECIMAL of more than 38 digits is read exactly with \
             types.decimalOverflow set to `string`"
        ))
    })
}

/// A number as a narrower one.
pub(crate) fn narrow<T>(value: impl Copy + std::fmt::Display + TryInto<T>) -> Result<T, CodecError> {
    value
        .try_into()
        .map_err(|_| CodecError::corrupt("integer", format!("{value} is over the range of its column")))
}

/// BIT as BIGINT.
pub(crate) fn bit_long(value: u64) -> Result<i64, CodecError> {
    i64::try_from(value).map_err(|_| {
        CodecError::Unrepresentable(format!(
            "BIT value {value} is over the range of BIGINT; set types.bit to `binary`"
        ))
    })
}
