//! DECIMAL from text and to text.

use std::fmt;

use crate::error::CodecError;
use crate::mysql::decimal::{frac_parts, int_parts, Decimal, MAX_WORDS};

impl Decimal {
    /// Reads `[+-]digits[.digits][e[+-]digits]`.
    ///
    /// # Errors
    /// [`CodecError::BadText`] for other text, or more than 81 digits.
    pub fn parse(text: &str) -> Result<Self, CodecError> {
        Self::parse_digits(text.trim()).ok_or_else(|| CodecError::bad_text("DECIMAL", text))
    }

    fn parse_digits(text: &str) -> Option<Self> {
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok().filter(|e| e.abs() <= 81)?),
            None => (text, 0),
        };
        let (int, frac) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits: Vec<u8> = int.bytes().chain(frac.bytes()).collect();
        if digits.is_empty() || digits.len() > 400 || !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        // Where the point is in `digits`, which may be outside of it.
        let point = i32::try_from(int.len()).ok()? + exponent;
        let digit = |i: i32| {
            usize::try_from(i)
                .ok()
                .and_then(|i| digits.get(i))
                .map_or(0, |d| u32::from(d - b'0'))
        };
        let first = (0..point).find(|i| digit(*i) != 0).unwrap_or(point.max(0));
        let int_digits = u8::try_from(point - first).unwrap_or(0);
        let frac_digits = u8::try_from((i32::try_from(digits.len()).ok()? - point).max(0)).ok()?;
        let mut decimal = Self {
            negative,
            int_digits,
            frac_digits,
            words: [0; MAX_WORDS],
        };
        decimal.word_count().ok()?;
        let mut at = point - i32::from(int_digits);
        let mut slots = decimal.words.iter_mut();
        for count in int_parts(int_digits).chain(frac_parts(frac_digits)) {
            let mut word = 0;
            for _ in 0..count {
                word = word * 10 + digit(at);
                at += 1;
            }
            *slots.next()? = word;
        }
        decimal.left_align_last(usize::from(frac_digits));
        decimal.drop_zero_sign();
        Some(decimal)
    }

    /// The same number with exactly `scale` fraction digits, rounded half away from zero, as MySQL does when it stores one.
    ///
    /// # Errors
    /// [`CodecError::BadText`] when it has too many digits then.
    pub fn rounded(&self, scale: u8) -> Result<Self, CodecError> {
        let scale = usize::from(scale);
        let text = self.to_string();
        let (int, frac) = text.split_once('.').unwrap_or((&text, ""));
        if frac.len() <= scale {
            return Self::parse(&format!("{int}.{frac:0<scale$}"));
        }
        let (kept, cut) = frac.split_at_checked(scale).unwrap_or((frac, ""));
        let mut digits: Vec<u8> = int.trim_start_matches('-').bytes().chain(kept.bytes()).collect();
        let mut carry = cut.as_bytes().first().is_some_and(|d| *d >= b'5');
        for digit in digits.iter_mut().rev() {
            if !carry {
                break;
            }
            carry = *digit == b'9';
            *digit = if carry { b'0' } else { *digit + 1 };
        }
        let sign = if self.negative { "-" } else { "" };
        let lead = if carry { "1" } else { "" };
        let point = digits.len() - scale;
        let digits = String::from_utf8_lossy(&digits);
        let (int, frac) = digits.split_at_checked(point).unwrap_or((&digits, ""));
        Self::parse(&format!("{sign}{lead}{int}.{frac}"))
    }
}

impl fmt::Display for Decimal {
    /// As TiDB prints it: all fraction digits, no leading zeros but one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.negative {
            f.write_str("-")?;
        }
        let mut started = false;
        for word in self.int_words() {
            match (started, *word) {
                (true, word) => write!(f, "{word:09}")?,
                (false, 0) => {}
                (false, word) => {
                    started = true;
                    write!(f, "{word}")?;
                }
            }
        }
        if !started {
            f.write_str("0")?;
        }
        if self.frac_digits > 0 {
            f.write_str(".")?;
            for (word, count) in self.frac_words().iter().zip(frac_parts(self.frac_digits)) {
                let digits = format!("{word:09}");
                f.write_str(digits.get(..count).unwrap_or_default())?;
            }
        }
        Ok(())
    }
}
