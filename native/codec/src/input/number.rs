//! Integers, YEAR, BIT, FLOAT, DOUBLE and DECIMAL.

use super::error::Refusal;
use super::rule::expected;
use super::source::{Number, Source};
use crate::datum::Datum;
use crate::field_type::{type_code as t, FieldType};
use crate::mysql::decimal::{power_of_ten, Decimal};

/// A whole number; fractions are rounded, those of decimals half away from zero, those of floating-point numbers half to even.
#[inline]
fn whole(number: Option<Number>) -> Result<i128, Refusal> {
    match expected(number)? {
        Number::Int(v) => Ok(i128::from(v)),
        Number::Float(v) => {
            let v = v.round_ties_even();
            // 2^64 and all that is greater is over the range of every column.
            if v.abs() > 18_446_744_073_709_551_616.0 || v.is_nan() {
                return Err(Refusal::Range);
            }
            Ok(v as i128)
        }
        Number::Decimal { unscaled, scale } => Ok(rescale(unscaled, scale, 0).unwrap_or(unscaled)),
    }
}

#[inline]
pub(super) fn signed<'a>(number: Option<Number>, min: i64, max: i64) -> Result<Datum<'a>, Refusal> {
    let value = match number {
        Some(Number::Int(v)) => v,
        other => i64::try_from(whole(other)?).map_err(|_| Refusal::Range)?,
    };
    if (min..=max).contains(&value) {
        Ok(Datum::Int(value))
    } else {
        Err(Refusal::Range)
    }
}

#[inline]
pub(super) fn unsigned<'a>(number: Option<Number>, max: u64) -> Result<Datum<'a>, Refusal> {
    if let Some(Number::Int(v)) = number {
        return match u64::try_from(v) {
            Ok(v) if v <= max => Ok(Datum::Uint(v)),
            _ => Err(Refusal::Range),
        };
    }
    // A negative decimal is refused even where it is rounded to zero.
    if matches!(number, Some(Number::Decimal { unscaled, .. }) if unscaled < 0) {
        return Err(Refusal::Range);
    }
    let value = u64::try_from(whole(number)?).map_err(|_| Refusal::Range)?;
    if value <= max {
        Ok(Datum::Uint(value))
    } else {
        Err(Refusal::Range)
    }
}

/// 0, or 1901 to 2155; 1 to 69 are years of this century, 70 to 99 of the last.
pub(super) fn year<'a>(number: Option<Number>) -> Result<Datum<'a>, Refusal> {
    let year = match whole(number)? {
        y @ 1..70 => y + 2000,
        y @ 70..100 => y + 1900,
        y => y,
    };
    match i64::try_from(year) {
        Ok(y @ (0 | 1901..=2155)) => Ok(Datum::Int(y)),
        _ => Err(Refusal::Range),
    }
}

/// BIT(width) from a number, whose sign is a bit as any other, or from bytes, big-endian.
pub(super) fn bit<'a>(source: &Source<'_>, row: usize, width: u8) -> Result<Datum<'a>, Refusal> {
    let too_long = |bits: usize| Refusal::TooLong {
        length: bits,
        limit: usize::from(width),
        unit: "bits",
    };
    let value = match (source.bytes(row), source.number(row)) {
        (Some(bytes), _) => {
            let zeros = bytes.iter().take_while(|b| **b == 0).count();
            let significant = bytes.get(zeros..).unwrap_or_default();
            if significant.len() > 8 {
                return Err(too_long(significant.len() * 8));
            }
            significant.iter().fold(0u64, |value, b| value << 8 | u64::from(*b))
        }
        (None, Some(Number::Int(v))) => v as u64,
        (None, number) => u64::try_from(whole(number)?).map_err(|_| Refusal::Range)?,
    };
    let bits = 64 - value.leading_zeros();
    if bits > u32::from(width) {
        return Err(too_long(bits as usize));
    }
    Ok(Datum::Uint(value))
}

/// FLOAT and DOUBLE, with (M, D) or without.
#[derive(Debug)]
pub(super) struct FloatRule {
    single: bool,
    unsigned: bool,
    /// 10^D and the greatest number of (M, D).
    digits: Option<(f64, f64)>,
}

/// 10^n, the nearest double.
fn power(n: i32) -> f64 {
    format!("1e{n}").parse().unwrap_or(f64::INFINITY)
}

impl FloatRule {
    pub(super) fn new(ft: &FieldType) -> Self {
        let digits = (ft.flen >= 0 && ft.decimal >= 0)
            .then(|| (power(ft.decimal), power(ft.flen - ft.decimal) - power(-ft.decimal)));
        Self {
            single: ft.tp == t::FLOAT,
            unsigned: ft.is_unsigned(),
            digits,
        }
    }

    pub(super) fn apply<'a>(&self, number: Option<Number>) -> Result<Datum<'a>, Refusal> {
        let mut value = match expected(number)? {
            Number::Int(v) => v as f64,
            Number::Float(v) => v,
            Number::Decimal { unscaled, scale } => to_float(unscaled, scale)?,
        };
        if !value.is_finite() {
            return Err(Refusal::Range);
        }
        if let Some((power, max)) = self.digits {
            let moved = value * power;
            if moved.is_finite() {
                value = moved.round_ties_even() / power;
            }
            if value.abs() > max {
                return Err(Refusal::Range);
            }
        }
        if (self.unsigned && value < 0.0) || (self.single && value.abs() > f64::from(f32::MAX)) {
            return Err(Refusal::Range);
        }
        // FLOAT is kept as the double of its single.
        Ok(Datum::Float(if self.single { f64::from(value as f32) } else { value }))
    }
}

/// The nearest double of a decimal.
fn to_float(unscaled: i128, scale: u8) -> Result<f64, Refusal> {
    // A quotient of two doubles that are exact is rounded once, so it is the nearest.
    if unscaled.unsigned_abs() <= 1 << 53 && scale <= 22 {
        return Ok(unscaled as f64 / power_of_ten(scale) as f64);
    }
    let text = Decimal::from_unscaled(unscaled, scale)
        .map_err(|_| Refusal::Range)?
        .to_string();
    text.parse().map_err(|_| Refusal::Range)
}

/// DECIMAL(p, s).
#[derive(Debug)]
pub(super) struct DecimalRule {
    precision: u8,
    scale: u8,
    unsigned: bool,
    /// 10^precision, when that is how the unscaled number is checked.
    limit: Option<u128>,
}

impl DecimalRule {
    pub(super) fn new(ft: &FieldType) -> Self {
        let (precision, scale) = ft.precision_and_scale();
        Self {
            precision,
            scale,
            unsigned: ft.is_unsigned(),
            limit: (precision <= 38).then(|| power_of_ten(precision)),
        }
    }

    fn datum<'a>(&self, value: Decimal) -> Datum<'a> {
        Datum::Decimal {
            value,
            precision: self.precision,
            scale: self.scale,
        }
    }

    #[inline]
    pub(super) fn number<'a>(&self, number: Option<Number>) -> Result<Datum<'a>, Refusal> {
        let (unscaled, scale) = match expected(number)? {
            Number::Int(v) => (i128::from(v), 0),
            Number::Decimal { unscaled, scale } => (unscaled, scale),
            Number::Float(v) if v.is_finite() => return self.text(format!("{v:e}").as_bytes()),
            Number::Float(_) => return Err(Refusal::Range),
        };
        let Some((rounded, limit)) = rescale(unscaled, scale, self.scale).zip(self.limit) else {
            // More than 38 digits, by the way of text.
            let value = Decimal::from_unscaled(unscaled, scale).map_err(|_| Refusal::Range)?;
            return self.rounded(&value);
        };
        if rounded.unsigned_abs() >= limit || (self.unsigned && rounded < 0) {
            return Err(Refusal::Range);
        }
        let value = Decimal::from_unscaled(rounded, self.scale).map_err(|_| Refusal::Range)?;
        Ok(self.datum(value))
    }

    /// Digits with an optional sign, point and exponent.
    pub(super) fn text<'a>(&self, text: &[u8]) -> Result<Datum<'a>, Refusal> {
        let bad = || Refusal::Incorrect("it is not a decimal number".to_owned());
        let text = std::str::from_utf8(text).map_err(|_| bad())?.trim();
        let number = match Decimal::parse(text) {
            Ok(number) => number,
            // A number that has more digits than a decimal can have, on either side of its point.
            Err(_) => match text.parse::<f64>() {
                Ok(v) if v.is_finite() => return Err(Refusal::Range),
                _ => return Err(bad()),
            },
        };
        self.rounded(&number)
    }

    fn rounded<'a>(&self, value: &Decimal) -> Result<Datum<'a>, Refusal> {
        let value = value.rounded(self.scale).map_err(|_| Refusal::Range)?;
        let (digits, _) = value.precision_and_scale();
        let zero = value
            == Decimal::parse("0")
                .and_then(|zero| zero.rounded(self.scale))
                .unwrap_or_default();
        if digits > self.precision || (self.unsigned && value.is_negative() && !zero) {
            return Err(Refusal::Range);
        }
        Ok(self.datum(value))
    }
}

/// The same number with another scale, rounded half away from zero; `None` when it has over 38 digits then.
#[inline]
fn rescale(unscaled: i128, from: u8, to: u8) -> Option<i128> {
    if from == to {
        return Some(unscaled);
    }
    if from < to {
        let power = i128::try_from(power_of_ten(to - from)).ok()?;
        return unscaled.checked_mul(power);
    }
    let power = i128::try_from(power_of_ten(from - to)).ok()?;
    let (quotient, rest) = (unscaled / power, unscaled % power);
    let up = rest.unsigned_abs() >= power.unsigned_abs().div_ceil(2);
    Some(if up { quotient + unscaled.signum() } else { quotient })
}
