//! Session time zones, and the moment when one of them shows a wall clock, with the rules of `java.time` (which Spark uses).

use chrono::{DateTime, LocalResult, NaiveDateTime, Offset, TimeZone as _};
use chrono_tz::Tz;

use crate::error::CodecError;

/// An IANA zone or a fixed offset from UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeZone {
    /// Seconds east of UTC.
    Fixed(i32),
    /// A zone with rules.
    Named(Tz),
}

impl Default for TimeZone {
    fn default() -> Self {
        Self::Fixed(0)
    }
}

const MICROS: i64 = 1_000_000;
const DAY_SECONDS: i64 = 86_400;
/// `java.time.ZoneOffset` goes from -18:00 to +18:00.
const MAX_OFFSET: i32 = 18 * 3600;
/// chrono-tz knows the transitions before this moment (2099-01-01T00:00:00 local); rules that go on for ever are repeated from here.
const LAST_TABLE_YEAR: i64 = 2098;

impl TimeZone {
    /// Reads an IANA name, `Z`, `UTC`, or an offset such as `+05:30`, `-8`, `UTC+01:00` or `GMT+8`, as `java.time.ZoneId.of` does.
    ///
    /// # Errors
    /// [`CodecError::BadText`] for anything else.
    pub fn parse(text: &str) -> Result<Self, CodecError> {
        let name = text.trim();
        if name.is_empty() || matches!(name, "Z" | "UTC" | "GMT" | "UT") {
            return Ok(Self::default());
        }
        let offset = ["UTC", "GMT", "UT"]
            .iter()
            .find_map(|p| name.strip_prefix(p))
            .unwrap_or(name);
        if offset.starts_with(['+', '-']) {
            return parse_offset(offset)
                .map(Self::Fixed)
                .ok_or_else(|| CodecError::bad_text("time zone", text));
        }
        name.parse::<Tz>()
            .map(Self::Named)
            .map_err(|_| CodecError::bad_text("time zone", text))
    }

    /// Microseconds since 1970-01-01T00:00:00Z of the moment whose wall clock is `local` microseconds since 1970-01-01T00:00:00.
    ///
    /// A wall clock that was skipped (a gap) is moved on by the length of the gap; of two moments with the same wall clock (an overlap) it is
    /// the earlier one. Both mean: the offset that was valid before the transition.
    #[must_use]
    pub fn local_to_utc(&self, local: i64) -> i64 {
        let offset = match self {
            Self::Fixed(seconds) => i64::from(*seconds),
            Self::Named(zone) => named_offset(*zone, local.div_euclid(MICROS)),
        };
        local - offset * MICROS
    }
}

impl TimeZone {
    /// The wall clock, in microseconds since 1970-01-01T00:00:00, that is shown at `utc` microseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn utc_to_local(&self, utc: i64) -> i64 {
        let offset = match self {
            Self::Fixed(seconds) => i64::from(*seconds),
            Self::Named(zone) => utc_offset(*zone, within_table(*zone, utc.div_euclid(MICROS))),
        };
        utc.saturating_add(offset * MICROS)
    }
}

/// `[+-]h[h][:mm[:ss]]` or `[+-]hhmm[ss]`, in seconds.
fn parse_offset(text: &str) -> Option<i32> {
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let parts: Vec<&str> = if digits.contains(':') {
        digits.split(':').collect()
    } else if digits.is_ascii() && (digits.len() == 4 || digits.len() == 6) {
        (0..digits.len())
            .step_by(2)
            .filter_map(|i| digits.get(i..i + 2))
            .collect()
    } else {
        vec![digits]
    };
    if parts.len() > 3 {
        return None;
    }
    let mut seconds = 0;
    for (part, unit) in parts.iter().zip([3600, 60, 1]) {
        if part.is_empty() || part.len() > 2 || !part.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let value: i32 = part.parse().ok()?;
        if unit != 3600 && value > 59 {
            return None;
        }
        seconds += value * unit;
    }
    (seconds <= MAX_OFFSET).then_some(sign * seconds)
}

/// Seconds east of UTC that are valid at the wall clock `local` (seconds since 1970-01-01T00:00:00).
fn named_offset(zone: Tz, local: i64) -> i64 {
    let local = within_table(zone, local);
    let Some(wall) = DateTime::from_timestamp(local, 0).map(|t| t.naive_utc()) else {
        return 0;
    };
    match zone.offset_from_local_datetime(&wall) {
        LocalResult::Single(offset) => i64::from(offset.fix().local_minus_utc()),
        LocalResult::Ambiguous(first, _) => i64::from(first.fix().local_minus_utc()),
        // A gap: a day earlier is before the transition in every zone, Samoa's skipped day included.
        LocalResult::None => utc_offset(zone, local - DAY_SECONDS),
    }
}

fn utc_offset(zone: Tz, utc: i64) -> i64 {
    let wall: NaiveDateTime = DateTime::from_timestamp(utc, 0).unwrap_or_default().naive_utc();
    i64::from(zone.offset_from_utc_datetime(&wall).fix().local_minus_utc())
}

/// A wall clock with the same offset inside the years chrono-tz has a table for.
///
/// The table ends in 2099, the rules (last Sunday of March, ...) do not. They depend on the weekday of 1 January and on leap years only, so a
/// year that agrees in both has the same transitions. Zones without daylight saving time at the table's end keep their last offset.
fn within_table(zone: Tz, local: i64) -> i64 {
    let year = civil_year(local);
    if year <= LAST_TABLE_YEAR {
        return local;
    }
    let summer = utc_offset(zone, year_start(LAST_TABLE_YEAR) + 181 * DAY_SECONDS);
    let winter = utc_offset(zone, year_start(LAST_TABLE_YEAR));
    if summer == winter {
        return year_start(LAST_TABLE_YEAR);
    }
    let alike = (LAST_TABLE_YEAR - 27..=LAST_TABLE_YEAR)
        .find(|y| is_leap(*y) == is_leap(year) && (year_start(*y) - year_start(year)).rem_euclid(7 * DAY_SECONDS) == 0);
    match alike {
        Some(y) => local - year_start(year) + year_start(y),
        None => local,
    }
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn year_start(year: i64) -> i64 {
    i64::from(crate::mysql::time::days_from_civil(
        i32::try_from(year).unwrap_or_default(),
        1,
        1,
    )) * DAY_SECONDS
}

fn civil_year(seconds: i64) -> i64 {
    use chrono::Datelike;
    DateTime::from_timestamp(seconds, 0).map_or(1970, |t| i64::from(t.year()))
}
