//! DATE, DATETIME, TIMESTAMP and TIME.

use super::error::Refusal;
use super::rule::expected;
use super::source::Source;
use crate::datum::Datum;
use crate::mysql::time::MysqlTime;
use crate::zone::TimeZone;

const NANOS_PER_MICRO: i64 = 1_000;
/// 1970-01-01 00:00:01 and 2038-01-19 03:14:07.999999 UTC, in microseconds.
const TIMESTAMPS: std::ops::RangeInclusive<i64> = 1_000_000..=2_147_483_647_999_999;
/// 838:59:59 in nanoseconds.
const MAX_TIME: i64 = (838 * 3600 + 59 * 60 + 59) * 1_000_000_000;

/// Digits of fractional seconds.
#[derive(Debug)]
pub(super) struct Fraction {
    /// The least difference of two values, in microseconds.
    unit: i64,
}

impl Fraction {
    pub(super) fn new(fsp: u8) -> Self {
        Self {
            unit: 10i64.pow(6 - u32::from(fsp.min(6))),
        }
    }

    /// Rounds a moment, half up.
    #[inline]
    fn round(&self, micros: i64) -> Option<i64> {
        if self.unit == 1 {
            return Some(micros);
        }
        micros
            .checked_add(self.unit / 2)?
            .div_euclid(self.unit)
            .checked_mul(self.unit)
    }
}

#[inline]
pub(super) fn date<'a>(source: &Source<'_>, row: usize) -> Result<Datum<'a>, Refusal> {
    let Source::Date(days) = source else {
        return expected(None);
    };
    let days = *expected(days.get(row))?;
    let date = MysqlTime::from_days(i64::from(days)).ok_or(Refusal::Range)?;
    Ok(Datum::Uint(date.to_packed()))
}

/// Microseconds, and whether they are UTC.
#[inline]
fn micros(source: &Source<'_>, row: usize) -> Result<(i64, bool), Refusal> {
    let Source::Micros { values, zoned } = source else {
        return expected(None);
    };
    Ok((*expected(values.get(row))?, *zoned))
}

#[inline]
pub(super) fn datetime<'a>(
    source: &Source<'_>,
    row: usize,
    fraction: &Fraction,
    zone: &TimeZone,
) -> Result<Datum<'a>, Refusal> {
    let (mut micros, zoned) = micros(source, row)?;
    if zoned {
        micros = zone.utc_to_local(micros);
    }
    let rounded = fraction.round(micros).ok_or(Refusal::Range)?;
    let time = MysqlTime::from_wall_micros(rounded).ok_or(Refusal::Range)?;
    Ok(Datum::Uint(time.to_packed()))
}

#[inline]
pub(super) fn timestamp<'a>(
    source: &Source<'_>,
    row: usize,
    fraction: &Fraction,
    zone: &TimeZone,
) -> Result<Datum<'a>, Refusal> {
    let (mut micros, zoned) = micros(source, row)?;
    if !zoned {
        // Years that zones are not asked about are out of range anyway.
        if MysqlTime::from_wall_micros(micros).is_none() {
            return Err(Refusal::Range);
        }
        micros = zone.local_to_utc(micros);
    }
    let rounded = fraction.round(micros).ok_or(Refusal::Range)?;
    if !TIMESTAMPS.contains(&rounded) {
        return Err(Refusal::Range);
    }
    let time = MysqlTime::from_wall_micros(rounded).ok_or(Refusal::Range)?;
    Ok(Datum::Uint(time.to_packed()))
}

/// Rounded half away from zero.
pub(super) fn time<'a>(source: &Source<'_>, row: usize, fraction: &Fraction) -> Result<Datum<'a>, Refusal> {
    let nanos = match source {
        Source::Duration(micros) => expected(micros.get(row))?
            .checked_mul(NANOS_PER_MICRO)
            .ok_or(Refusal::Range)?,
        Source::I64(nanos) => *expected(nanos.get(row))?,
        _ => return expected(None),
    };
    // A second more than the greatest TIME is refused at once, so that nothing overflows here.
    if nanos.unsigned_abs() > MAX_TIME.unsigned_abs() + 1_000_000_000 {
        return Err(Refusal::Range);
    }
    let unit = fraction.unit * NANOS_PER_MICRO;
    let half = if nanos < 0 { -unit / 2 } else { unit / 2 };
    let rounded = (nanos + half) / unit * unit;
    if rounded.unsigned_abs() > MAX_TIME.unsigned_abs() {
        return Err(Refusal::Range);
    }
    Ok(Datum::Duration(rounded))
}
