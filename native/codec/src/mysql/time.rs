//! DATE, DATETIME and TIMESTAMP: two bit layouts and the calendar.
//!
//! ```text
//! chunk   year:14 month:4 day:5 hour:5 minute:6 second:6 micros:20 fsp and type:4      (TiDB `types/core_time.go`)
//! packed  ((year * 13 + month) << 5 | day) << 17 | hour << 12 | minute << 6 | second, then << 24 | micros      (on disk, in datums)
//! ```
//! MySQL stores dates that are not in the calendar: 0000-00-00, a zero month or day, and (ALLOW_INVALID_DATES) 2020-02-31.

use std::fmt;

use crate::error::CodecError;

const MICROS_PER_SECOND: i64 = 1_000_000;
const DAY_SECONDS: i64 = 86_400;
/// 0000-01-01 and 9999-12-31, in days since 1970-01-01.
const MIN_DAYS: i64 = -719_528;
const MAX_DAYS: i64 = 2_932_896;

/// A date and a time of day, as MySQL stores them; the date need not be in the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MysqlTime {
    /// 0..=9999
    pub year: u16,
    /// 0..=12
    pub month: u8,
    /// 0..=31
    pub day: u8,
    /// 0..=23
    pub hour: u8,
    /// 0..=59
    pub minute: u8,
    /// 0..=59
    pub second: u8,
    /// 0..=999999
    pub micros: u32,
}

impl MysqlTime {
    /// From the layout of chunks (and of JSON); the lowest four bits are not looked at.
    ///
    /// # Errors
    /// [`CodecError::Corrupt`] when a part is over its range.
    pub fn from_chunk(bits: u64) -> Result<Self, CodecError> {
        Self {
            year: (bits >> 50) as u16,
            month: (bits >> 46 & 0xf) as u8,
            day: (bits >> 41 & 0x1f) as u8,
            hour: (bits >> 36 & 0x1f) as u8,
            minute: (bits >> 30 & 0x3f) as u8,
            second: (bits >> 24 & 0x3f) as u8,
            micros: (bits >> 4 & 0xf_ffff) as u32,
        }
        .checked()
    }

    /// From the packed layout.
    ///
    /// # Errors
    /// As [`Self::from_chunk`].
    pub fn from_packed(packed: u64) -> Result<Self, CodecError> {
        let date_and_time = packed >> 24;
        let date = date_and_time >> 17;
        let year_and_month = date >> 5;
        Self {
            year: u16::try_from(year_and_month / 13).unwrap_or(u16::MAX),
            month: (year_and_month % 13) as u8,
            day: (date & 0x1f) as u8,
            hour: (date_and_time >> 12 & 0x1f) as u8,
            minute: (date_and_time >> 6 & 0x3f) as u8,
            second: (date_and_time & 0x3f) as u8,
            micros: (packed & 0xff_ffff) as u32,
        }
        .checked()
    }

    fn checked(self) -> Result<Self, CodecError> {
        let fits = self.year <= 9999
            && self.month <= 12
            && self.day <= 31
            && self.hour <= 23
            && self.minute <= 59
            && self.second <= 59
            && self.micros <= 999_999;
        if fits {
            Ok(self)
        } else {
            Err(CodecError::corrupt("date and time", format!("it says {self}")))
        }
    }

    /// The packed layout.
    #[must_use]
    pub fn to_packed(&self) -> u64 {
        let date = (u64::from(self.year) * 13 + u64::from(self.month)) << 5 | u64::from(self.day);
        let time = u64::from(self.hour) << 12 | u64::from(self.minute) << 6 | u64::from(self.second);
        (date << 17 | time) << 24 | u64::from(self.micros)
    }

    /// The layout of chunks, with zeros in the lowest four bits.
    #[must_use]
    pub fn to_chunk(&self) -> u64 {
        u64::from(self.year) << 50
            | u64::from(self.month) << 46
            | u64::from(self.day) << 41
            | u64::from(self.hour) << 36
            | u64::from(self.minute) << 30
            | u64::from(self.second) << 24
            | u64::from(self.micros) << 4
    }

    /// Whether the calendar has this date.
    #[must_use]
    pub fn in_calendar(&self) -> bool {
        self.day >= 1 && self.day <= days_in_month(self.year, self.month)
    }

    /// Days since 1970-01-01; `None` when the calendar does not have the date.
    #[must_use]
    pub fn days(&self) -> Option<i32> {
        self.in_calendar()
            .then(|| days_from_civil(i32::from(self.year), i32::from(self.month), i32::from(self.day)))
    }

    /// Microseconds since 1970-01-01T00:00:00 on the same clock; `None` when the calendar does not have the date.
    #[must_use]
    pub fn wall_micros(&self) -> Option<i64> {
        let seconds = i64::from(self.hour) * 3600 + i64::from(self.minute) * 60 + i64::from(self.second);
        self.days()
            .map(|d| (i64::from(d) * DAY_SECONDS + seconds) * MICROS_PER_SECOND + i64::from(self.micros))
    }

    /// The date of days since 1970-01-01, at midnight; `None` outside of the years 0 to 9999.
    #[inline]
    #[must_use]
    pub fn from_days(days: i64) -> Option<Self> {
        if !(MIN_DAYS..=MAX_DAYS).contains(&days) {
            return None;
        }
        // Days since 0000-03-01 of a calendar 400 years earlier, so that all is positive; years start in March as in `days_from_civil`.
        let days = (days + 719_468 + 146_097) as u32;
        let (era, day_of_era) = (days / 146_097, days % 146_097);
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * from_march + 2) / 5 + 1;
        let month = if from_march < 10 {
            from_march + 3
        } else {
            from_march - 9
        };
        let year = year_of_era + era * 400 + u32::from(month <= 2) - 400;
        Some(Self {
            year: year as u16,
            month: month as u8,
            day: day as u8,
            ..Self::default()
        })
    }

    /// The date and time of microseconds since 1970-01-01T00:00:00 on the same clock; `None` outside of the years 0 to 9999.
    #[inline]
    #[must_use]
    pub fn from_wall_micros(micros: i64) -> Option<Self> {
        let (seconds, micros) = (
            micros.div_euclid(MICROS_PER_SECOND),
            micros.rem_euclid(MICROS_PER_SECOND),
        );
        let (days, second) = (seconds.div_euclid(DAY_SECONDS), seconds.rem_euclid(DAY_SECONDS) as u32);
        Some(Self {
            hour: (second / 3600) as u8,
            minute: (second / 60 % 60) as u8,
            second: (second % 60) as u8,
            micros: micros as u32,
            ..Self::from_days(days)?
        })
    }

    /// Reads `YYYY-MM-DD[ HH:MM:SS[.ffffff]]`, the form in which TiDB keeps default values.
    ///
    /// # Errors
    /// [`CodecError::BadText`].
    pub fn parse(text: &str) -> Result<Self, CodecError> {
        Self::parse_parts(text.trim())
            .and_then(|t| t.checked().ok())
            .ok_or_else(|| CodecError::bad_text("date and time", text))
    }

    fn parse_parts(text: &str) -> Option<Self> {
        let (date, time) = text.split_once([' ', 'T']).unwrap_or((text, "00:00:00"));
        let mut date = date.split('-').map(small_number);
        let (year, month, day) = (date.next()??, date.next()??, date.next()??);
        let (time, fraction) = time.split_once('.').unwrap_or((time, ""));
        let mut time = time.split(':').map(small_number);
        let (hour, minute, second) = (time.next()??, time.next()??, time.next()??);
        if date.next().is_some() || time.next().is_some() {
            return None;
        }
        Some(Self {
            year,
            month: u8::try_from(month).ok()?,
            day: u8::try_from(day).ok()?,
            hour: u8::try_from(hour).ok()?,
            minute: u8::try_from(minute).ok()?,
            second: u8::try_from(second).ok()?,
            micros: parse_fraction(fraction)?,
        })
    }

    /// As MySQL prints a DATE.
    #[must_use]
    pub fn date_text(&self) -> String {
        format!("{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

fn small_number(text: &str) -> Option<u16> {
    text.bytes()
        .all(|b| b.is_ascii_digit())
        .then(|| text.parse().ok())
        .flatten()
}

/// Up to six fraction digits of a second, in microseconds.
pub(crate) fn parse_fraction(text: &str) -> Option<u32> {
    if text.len() > 6 || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    format!("{text:0<6}").parse().ok()
}

impl fmt::Display for MysqlTime {
    /// `YYYY-MM-DD HH:MM:SS.ffffff`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            year,
            month,
            day,
            hour,
            minute,
            second,
            micros,
        } = self;
        write!(
            f,
            "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{micros:06}"
        )
    }
}

fn days_in_month(year: u16, month: u8) -> u8 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 0,
    }
}

/// Days since 1970-01-01 of a date of the proleptic Gregorian calendar. `month` is 1..=12, `day` 1..=31; years -9999..=9999.
///
/// Years start in March here, so that the leap day is the last one.
#[must_use]
pub fn days_from_civil(year: i32, month: i32, day: i32) -> i32 {
    let shifted = if month <= 2 { year - 1 } else { year };
    let era = shifted.div_euclid(400);
    let year_of_era = shifted.rem_euclid(400);
    let month_from_march = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The days of a value in the layout of chunks, without branches on its parts; `None` when it needs a closer look (29 February, zeros, damage).
#[inline(always)]
pub(crate) fn fast_days(bits: u64) -> Option<i32> {
    let year = (bits >> 50) as u32;
    let month = (bits >> 46) as u32 & 0xf;
    let day = (bits >> 41) as u32 & 0x1f;
    // 31 days: odd months to July, even ones from August on.
    let last_day = if month == 2 {
        28
    } else {
        30 + ((month ^ (month >> 3)) & 1)
    };
    if month.wrapping_sub(1) >= 12 || day.wrapping_sub(1) >= last_day || year > 9999 {
        return None;
    }
    // As `days_from_civil`; 400 more years keep year 0's January above zero.
    let early = u32::from(month <= 2);
    let y = year.wrapping_add(400).wrapping_sub(early);
    let m = month.wrapping_add(12 * early).wrapping_sub(3);
    let century = y / 100;
    let days = (1461u32.wrapping_mul(y) / 4)
        .wrapping_sub(century)
        .wrapping_add(century / 4);
    let day_of_year = (153u32.wrapping_mul(m).wrapping_add(2) / 5).wrapping_add(day - 1);
    Some((days.wrapping_add(day_of_year) as i32).wrapping_sub(719_468 + 146_097))
}

/// The wall clock in microseconds of a value in the layout of chunks; `None` as [`fast_days`].
#[inline(always)]
pub(crate) fn fast_wall_micros(bits: u64) -> Option<i64> {
    let days = i64::from(fast_days(bits)?);
    let hour = (bits >> 36 & 0x1f) as i64;
    let minute = (bits >> 30 & 0x3f) as i64;
    let second = (bits >> 24 & 0x3f) as i64;
    let micros = (bits >> 4 & 0xf_ffff) as i64;
    if (hour > 23) | (minute > 59) | (second > 59) | (micros > 999_999) {
        return None;
    }
    let seconds = days
        .wrapping_mul(DAY_SECONDS)
        .wrapping_add(hour * 3600 + minute * 60 + second);
    Some(seconds.wrapping_mul(MICROS_PER_SECOND).wrapping_add(micros))
}
