//! TIME: signed nanoseconds, -838:59:59 to 838:59:59.

use crate::error::CodecError;
use crate::mysql::time::parse_fraction;

const NANOS_PER_MICRO: i64 = 1_000;
const MICROS_PER_SECOND: i64 = 1_000_000;

/// Whole microseconds of a TIME.
///
/// # Errors
/// [`CodecError::Corrupt`]: MySQL has no finer times.
pub fn micros(nanos: i64) -> Result<i64, CodecError> {
    if nanos % NANOS_PER_MICRO != 0 {
        return Err(CodecError::corrupt(
            "TIME",
            format!("{nanos} ns is not whole microseconds"),
        ));
    }
    Ok(nanos / NANOS_PER_MICRO)
}

/// `[-]HH:MM:SS.ffffff`, as JSON text shows it; fractions of microseconds are cut.
#[must_use]
pub fn text(nanos: i64) -> String {
    let micros = nanos.unsigned_abs() / NANOS_PER_MICRO.unsigned_abs();
    let (seconds, fraction) = (micros / 1_000_000, micros % 1_000_000);
    let sign = if nanos < 0 { "-" } else { "" };
    format!(
        "{sign}{:02}:{:02}:{:02}.{fraction:06}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

/// Reads `[-]HH:MM:SS[.ffffff]`, the form in which TiDB keeps default values, in nanoseconds.
///
/// # Errors
/// [`CodecError::BadText`].
pub fn parse(text: &str) -> Result<i64, CodecError> {
    parse_parts(text.trim()).ok_or_else(|| CodecError::bad_text("TIME", text))
}

fn parse_parts(text: &str) -> Option<i64> {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    let (clock, fraction) = rest.split_once('.').unwrap_or((rest, ""));
    let parts: Option<Vec<i64>> = clock
        .split(':')
        .map(|p| {
            if p.len() <= 3 && p.bytes().all(|b| b.is_ascii_digit()) {
                p.parse().ok()
            } else {
                None
            }
        })
        .collect();
    let [hours, minutes, seconds] = <[i64; 3]>::try_from(parts?).ok()?;
    if hours > 838 || minutes > 59 || seconds > 59 {
        return None;
    }
    let micros = (hours * 3600 + minutes * 60 + seconds) * MICROS_PER_SECOND + i64::from(parse_fraction(fraction)?);
    Some(sign * micros * NANOS_PER_MICRO)
}
