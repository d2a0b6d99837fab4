//! The hot loop of DECIMAL columns: cells of chunks to i128.

use crate::mysql::decimal::{power_of_ten, CHUNK_SIZE, DIGITS_PER_WORD, POWERS, WORD_BASE};

/// Turns the cells of a chunk into i128 for one scale; what it does not do itself is left to [`Decimal`].
///
/// Nearly all values have at most two int words and one fraction word; they take one multiplication by a power of ten and one by a reciprocal.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FastScale {
    power: u64,
    /// 10^(9 - scale), and floor(2^64 / it) + 1: the high half of the product with a word is the quotient, for all 32-bit words.
    divisor: u64,
    reciprocal: u64,
    limit: u128,
    /// scale <= 9
    usable: bool,
}

impl FastScale {
    pub(crate) fn new(precision: u8, scale: u8) -> Self {
        let usable = usize::from(scale) <= DIGITS_PER_WORD;
        let digits = usize::from(scale).min(DIGITS_PER_WORD);
        let power = |n: usize| u64::from(POWERS.get(n).copied().unwrap_or(1));
        let divisor = power(DIGITS_PER_WORD - digits);
        // For a divisor of 1 the reciprocal does not fit: 2^64 - 1 would be one short, `convert` handles it.
        let reciprocal = if divisor == 1 { 0 } else { u64::MAX / divisor + 1 };
        Self {
            power: power(digits),
            divisor,
            reciprocal,
            limit: power_of_ten(precision),
            usable,
        }
    }

    /// `None`: not for the fast way.
    #[inline(always)]
    pub(crate) fn convert(&self, cell: &[u8; CHUNK_SIZE]) -> Option<i128> {
        let word = |at: usize| u32::from_le_bytes([cell[at], cell[at + 1], cell[at + 2], cell[at + 3]]);
        let (int_digits, frac_digits, negative) = (cell[0], cell[1], cell[3]);
        if !self.usable || int_digits > 18 || frac_digits > 9 {
            return None;
        }
        let base = u64::from(WORD_BASE);
        let (first, second) = (word(4), word(8));
        let (int, frac, good) = if int_digits > 9 {
            let frac = if frac_digits == 0 { 0 } else { word(12) };
            (
                u64::from(first).wrapping_mul(base).wrapping_add(u64::from(second)),
                frac,
                first < WORD_BASE && second < WORD_BASE,
            )
        } else if int_digits > 0 {
            (
                u64::from(first),
                if frac_digits == 0 { 0 } else { second },
                first < WORD_BASE,
            )
        } else {
            (0, if frac_digits == 0 { 0 } else { first }, true)
        };
        let frac = u64::from(frac);
        let quotient = if self.reciprocal == 0 {
            frac
        } else {
            ((u128::from(frac) * u128::from(self.reciprocal)) >> 64) as u64
        };
        if !good || frac >= base || quotient.wrapping_mul(self.divisor) != frac {
            return None;
        }
        let value = (u128::from(int) * u128::from(self.power)).wrapping_add(u128::from(quotient));
        if value >= self.limit {
            return None;
        }
        let value = value as i128;
        Some(if negative != 0 { value.wrapping_neg() } else { value })
    }
}
