//! How MySQL types without an equal in Spark are shown. The defaults are the zero values of `TypeOptions` in plan.proto.

use crate::zone::TimeZone;

/// TINYINT(1), which MySQL's BOOL is an alias of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TinyInt1 {
    /// BOOLEAN: 0 is false, every other value is true.
    #[default]
    Boolean,
    /// TINYINT: the number as it is.
    TinyInt,
}

/// Dates that are not in the calendar: `0000-00-00`, a zero month or day, or a day that the month does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ZeroDate {
    /// NULL.
    #[default]
    Null,
    /// The scan fails.
    Error,
}

/// DECIMAL of a precision over 38, which neither Spark nor Arrow's 128-bit decimals hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DecimalOverflow {
    /// The column cannot be read.
    #[default]
    Error,
    /// STRING, printed as TiDB prints it.
    String,
    /// DECIMAL(38, s); a value that does not fit fails the scan.
    Narrow,
}

/// BIT(n), n > 1. BIT(1) is always BOOLEAN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BitAs {
    /// BINARY: ceil(n / 8) bytes, big-endian, as TiDB returns it.
    #[default]
    Binary,
    /// BIGINT; a value over 2^63 - 1 fails the scan.
    BigInt,
}

/// TIME(f).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TimeAs {
    /// INTERVAL DAY TO SECOND.
    #[default]
    Interval,
    /// BIGINT nanoseconds.
    BigInt,
}

/// DATETIME(f).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DatetimeAs {
    /// TIMESTAMP_NTZ: the wall clock.
    #[default]
    TimestampNtz,
    /// TIMESTAMP: the moment when [`TypeOptions::time_zone`] shows this wall clock.
    Timestamp,
}

/// The choices for one read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TypeOptions {
    /// TINYINT(1).
    pub tinyint1: TinyInt1,
    /// Dates that are not in the calendar.
    pub zero_date: ZeroDate,
    /// DECIMAL with precision > 38.
    pub decimal_overflow: DecimalOverflow,
    /// BIT(n), n > 1.
    pub bit: BitAs,
    /// TIME(f).
    pub time: TimeAs,
    /// DATETIME(f).
    pub datetime: DatetimeAs,
    /// Spark's session time zone. Only [`DatetimeAs::Timestamp`] uses it.
    pub time_zone: TimeZone,
    /// MySQL type names in lower case ("bit", "json", "bigint unsigned") that the user refuses: their columns cannot be read.
    pub refused_types: Vec<String>,
}
