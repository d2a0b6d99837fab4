//! Constants that are numbers, exactly.

use ti_proto::plan::data_type::Kind;
use ti_proto::plan::literal::Value;

/// `unscaled` / 10^`scale`, or a number between that and the next greater one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Number {
    unscaled: i128,
    scale: u32,
    /// It is the number itself.
    exact: bool,
}

impl Number {
    /// The number that a constant is; `None` for other constants and for what is not a number.
    pub fn of(value: &Value, kind: Kind) -> Option<Self> {
        match value {
            Value::Integer(_) if !matches!(kind, Kind::Byte | Kind::Short | Kind::Int | Kind::Long) => None,
            Value::Integer(n) => Some(Self::whole(i128::from(*n))),
            Value::Decimal(text) => Self::decimal(text),
            // Below 2^127 a double's whole part is exact.
            Value::Real(real) if real.abs() < 1e38 => Some(Self {
                exact: real.fract() == 0.0,
                ..Self::whole(real.floor() as i128)
            }),
            _ => None,
        }
    }

    fn whole(unscaled: i128) -> Self {
        Self {
            unscaled,
            scale: 0,
            exact: true,
        }
    }

    fn decimal(text: &str) -> Option<Self> {
        let text = text.trim();
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (int, frac) = digits.split_once('.').unwrap_or((digits, ""));
        let all = [int, frac].concat();
        if all.is_empty() || !all.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let size: i128 = all.parse().ok()?;
        Some(Self {
            unscaled: if negative { -size } else { size },
            scale: u32::try_from(frac.len()).ok()?,
            exact: true,
        })
    }

    /// The greatest number of `scale` fraction digits that is not above it, times 10^`scale`, and whether it is the number itself. Numbers
    /// beyond 38 digits are the greatest or least that there are.
    pub fn floor(&self, scale: u8) -> Option<(i128, bool)> {
        let scale = u32::from(scale);
        if scale >= self.scale {
            let power = 10i128.checked_pow(scale - self.scale)?;
            return Some(match self.unscaled.checked_mul(power) {
                Some(value) => (value, self.exact),
                None => (if self.unscaled < 0 { i128::MIN } else { i128::MAX }, true),
            });
        }
        let power = 10i128.checked_pow(self.scale - scale)?;
        let floor = self.unscaled.div_euclid(power);
        Some((floor, self.exact && self.unscaled.rem_euclid(power) == 0))
    }
}

#[cfg(test)]
#[path = "number_tests.rs"]
mod tests;
