//! DECIMAL: up to 81 digits in words of nine, and MySQL's binary form of them.
//!
//! ```text
//! words   [leading int digits % 9, right aligned][9 int digits]...[9 fraction digits]...[trailing fraction digits, left aligned]
//! binary  precision u8, fraction digits u8, then the words big-endian; a part word of n digits takes DIGITS_TO_BYTES[n] bytes and is not
//!         padded with digits; the first bit is flipped, and for negative numbers all others too
//! ```
//! Sources: MySQL `strings/decimal.c`, TiDB `types/mydecimal.go`.

use crate::bytes::Reader;
use crate::error::CodecError;

/// Digits of one word.
pub const DIGITS_PER_WORD: usize = 9;
/// Words of a value at most.
pub const MAX_WORDS: usize = 9;
/// Bytes of a value in a chunk.
pub const CHUNK_SIZE: usize = 40;

pub(super) const WORD_BASE: u32 = 1_000_000_000;
const DIGITS_TO_BYTES: [usize; 10] = [0, 1, 1, 2, 2, 3, 3, 4, 4, 4];
pub(super) const POWERS: [u32; 10] = [
    1,
    10,
    100,
    1_000,
    10_000,
    100_000,
    1_000_000,
    10_000_000,
    100_000_000,
    WORD_BASE,
];

/// 10^n for n <= 38.
#[must_use]
pub const fn power_of_ten(n: u8) -> u128 {
    let mut power = 1u128;
    let mut i = 0;
    while i < n && i < 38 {
        power *= 10;
        i += 1;
    }
    power
}

/// A decimal number. Its scale is kept: 1.50 is not 1.5 when printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Decimal {
    pub(super) negative: bool,
    pub(super) int_digits: u8,
    pub(super) frac_digits: u8,
    pub(super) words: [u32; MAX_WORDS],
}

fn words_of(digits: u8) -> usize {
    usize::from(digits).div_ceil(DIGITS_PER_WORD)
}

fn corrupt(reason: impl Into<String>) -> CodecError {
    CodecError::corrupt("decimal", reason)
}

impl Decimal {
    /// Reads the form of chunks: int digits u8, fraction digits u8, result fraction digits u8, negative u8, nine i32 LE words.
    ///
    /// # Errors
    /// [`CodecError::Corrupt`]: more than nine words, or a word over 999999999. Words after the counted ones are not looked at.
    pub fn from_chunk(cell: &[u8; CHUNK_SIZE]) -> Result<Self, CodecError> {
        let [int_digits, frac_digits, _, negative, raw @ ..] = cell;
        let mut decimal = Self {
            negative: *negative != 0,
            int_digits: *int_digits,
            frac_digits: *frac_digits,
            words: [0; MAX_WORDS],
        };
        let counted = decimal.word_count()?;
        let (raw, _) = raw.as_chunks::<4>();
        for (word, bytes) in decimal.words.iter_mut().zip(raw).take(counted) {
            *word = u32::from_le_bytes(*bytes);
            if *word >= WORD_BASE {
                return Err(corrupt(format!("a word is {word}")));
            }
        }
        Ok(decimal)
    }

    pub(super) fn word_count(&self) -> Result<usize, CodecError> {
        let counted = words_of(self.int_digits) + words_of(self.frac_digits);
        if counted > MAX_WORDS {
            return Err(corrupt(format!(
                "it has {} + {} digits",
                self.int_digits, self.frac_digits
            )));
        }
        Ok(counted)
    }

    pub(super) fn int_words(&self) -> &[u32] {
        self.words.get(..words_of(self.int_digits)).unwrap_or_default()
    }

    pub(super) fn frac_words(&self) -> &[u32] {
        let start = words_of(self.int_digits);
        self.words
            .get(start..start + words_of(self.frac_digits))
            .unwrap_or_default()
    }

    /// Bytes of the binary form without its two leading ones.
    ///
    /// # Errors
    /// [`CodecError::Corrupt`] for a precision over 81 or digits that need more than nine words.
    pub fn binary_size(precision: u8, frac: u8) -> Result<usize, CodecError> {
        let int = precision
            .checked_sub(frac)
            .ok_or_else(|| corrupt(format!("precision {precision}, scale {frac}")))?;
        if precision == 0 || words_of(int) + words_of(frac) > MAX_WORDS {
            return Err(corrupt(format!("precision {precision}, scale {frac}")));
        }
        let part = |digits: u8| {
            let digits = usize::from(digits);
            digits / DIGITS_PER_WORD * 4 + DIGITS_TO_BYTES.get(digits % DIGITS_PER_WORD).copied().unwrap_or(0)
        };
        Ok(part(int) + part(frac))
    }

    /// Reads precision, fraction digits and the binary form, as in datums.
    ///
    /// # Errors
    /// [`CodecError`] when it is cut short or its digits are out of range.
    pub fn from_binary(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        let precision = reader.u8("decimal")?;
        let frac = reader.u8("decimal")?;
        let data = reader.take(Self::binary_size(precision, frac)?, "decimal")?;
        let negative = data.first().is_some_and(|b| b & 0x80 == 0);
        // The bytes of the number: the first bit flipped back, all of a negative number complemented.
        let mut plain = [0u8; CHUNK_SIZE];
        for (to, from) in plain.iter_mut().zip(data) {
            *to = if negative { !from } else { *from };
        }
        plain[0] ^= 0x80;
        let mut digits = Reader::new(&plain);
        let int_digits = precision - frac;
        let mut words = [0u32; MAX_WORDS];
        let mut slots = words.iter_mut();
        for count in int_parts(int_digits).chain(frac_parts(frac)) {
            let mut word = 0u32;
            for byte in digits.take(DIGITS_TO_BYTES.get(count).copied().unwrap_or(0), "decimal")? {
                word = word << 8 | u32::from(*byte);
            }
            if word >= POWERS.get(count).copied().unwrap_or(1) {
                return Err(corrupt(format!("{count} digits are {word}")));
            }
            if let Some(slot) = slots.next() {
                *slot = word;
            }
        }
        let mut decimal = Self {
            negative,
            int_digits,
            frac_digits: frac,
            words,
        };
        decimal.left_align_last(usize::from(frac));
        decimal.drop_zero_sign();
        Ok(decimal)
    }

    /// The last fraction word holds its digits on the left.
    pub(super) fn left_align_last(&mut self, frac: usize) {
        let start = words_of(self.int_digits);
        let last = words_of(self.frac_digits);
        let part = frac % DIGITS_PER_WORD;
        if part > 0 && last > 0 {
            if let Some(word) = self.words.get_mut(start + last - 1) {
                *word = word.wrapping_mul(POWERS.get(DIGITS_PER_WORD - part).copied().unwrap_or(1));
            }
        }
    }

    pub(super) fn drop_zero_sign(&mut self) {
        if self.words.iter().all(|w| *w == 0) {
            self.negative = false;
        }
    }

    /// Appends precision, fraction digits and the binary form, as in datums. Fraction digits after `frac` must be zero.
    ///
    /// # Errors
    /// [`CodecError::Unrepresentable`] when the number does not fit the precision and scale.
    pub fn to_binary(&self, out: &mut Vec<u8>, precision: u8, frac: u8) -> Result<(), CodecError> {
        let size = Self::binary_size(precision, frac)?;
        out.reserve(size + 2);
        let start = out.len();
        out.extend_from_slice(&[precision, frac]);
        if self.append_parts(out, precision - frac, frac).is_none() {
            out.truncate(start);
            return Err(CodecError::Unrepresentable(format!(
                "{self} does not fit DECIMAL({precision},{frac})"
            )));
        }
        if let Some(first) = out.get_mut(start + 2) {
            *first ^= 0x80;
        }
        Ok(())
    }

    /// The words of `to_binary` without the flipped first bit; `None` when the number does not fit.
    fn append_parts(&self, out: &mut Vec<u8>, int_digits: u8, frac: u8) -> Option<()> {
        let mask = if self.negative && self.words.iter().any(|w| *w != 0) {
            u32::MAX
        } else {
            0
        };
        let given = self.int_words();
        let wanted = words_of(int_digits);
        let (above, given) = given.split_at_checked(given.len().saturating_sub(wanted))?;
        if above.iter().any(|w| *w != 0) {
            return None;
        }
        let leading_zeros = std::iter::repeat_n(&0, wanted - given.len());
        for (word, count) in leading_zeros.chain(given).zip(int_parts(int_digits)) {
            append_part(out, *word, count, mask)?;
        }
        let given = self.frac_words();
        let (given, below) = given.split_at_checked(words_of(frac)).unwrap_or((given, &[]));
        if below.iter().any(|w| *w != 0) {
            return None;
        }
        for (word, count) in given.iter().chain(std::iter::repeat(&0)).zip(frac_parts(frac)) {
            let divisor = POWERS.get(DIGITS_PER_WORD - count)?;
            if word % divisor != 0 {
                return None;
            }
            append_part(out, word / divisor, count, mask)?;
        }
        Some(())
    }

    /// The number `unscaled` / 10^`scale`, for a scale of up to 38.
    ///
    /// # Errors
    /// [`CodecError::Corrupt`] for a greater scale.
    pub fn from_unscaled(unscaled: i128, scale: u8) -> Result<Self, CodecError> {
        if scale > 38 {
            return Err(corrupt(format!("its scale is {scale}")));
        }
        let size = unscaled.unsigned_abs();
        // Nearly all numbers fit 64 bits, whose division is much cheaper.
        let (int, frac) = match (u64::try_from(size), u64::try_from(power_of_ten(scale))) {
            (Ok(size), Ok(power)) => (u128::from(size / power), u128::from(size % power)),
            _ => (size / power_of_ten(scale), size % power_of_ten(scale)),
        };
        let mut words = [0u32; MAX_WORDS];
        let int_words = int_word_count(int);
        split_words(int, words.get_mut(..int_words).unwrap_or_default());
        let int_digits = match words.first() {
            Some(first) if int_words > 0 => (int_words - 1) * DIGITS_PER_WORD + first.ilog10() as usize + 1,
            _ => 0,
        };
        // The last fraction word may be short, and is left aligned: what is above it are full words.
        let part = scale % 9;
        let (above, last) = if part == 0 {
            (frac, None)
        } else {
            let power = power_of_ten(part);
            (frac / power, Some((frac % power) as u32))
        };
        let full = usize::from(scale / 9);
        split_words(above, words.get_mut(int_words..int_words + full).unwrap_or_default());
        if let (Some(last), Some(slot)) = (last, words.get_mut(int_words + full)) {
            *slot = last * POWERS.get(DIGITS_PER_WORD - usize::from(part)).copied().unwrap_or(1);
        }
        Ok(Self {
            negative: unscaled < 0,
            int_digits: u8::try_from(int_digits).unwrap_or(u8::MAX),
            frac_digits: scale,
            words,
        })
    }

    /// Less than zero.
    #[must_use]
    pub fn is_negative(&self) -> bool {
        self.negative
    }

    /// The smallest precision that holds the number with its scale, and the scale.
    #[must_use]
    pub fn precision_and_scale(&self) -> (u8, u8) {
        let mut int_digits = 0usize;
        for word in self.int_words() {
            if int_digits > 0 {
                int_digits += DIGITS_PER_WORD;
            } else if *word > 0 {
                int_digits = word.ilog10() as usize + 1;
            }
        }
        let int_digits = u8::try_from(int_digits).unwrap_or(81);
        ((int_digits + self.frac_digits).max(1), self.frac_digits)
    }

    /// The number times 10^scale, when it is a whole number of less than 39 digits.
    #[must_use]
    pub fn unscaled(&self, scale: u8) -> Option<i128> {
        let mut value = 0u128;
        for word in self.int_words() {
            value = value
                .checked_mul(u128::from(WORD_BASE))?
                .checked_add(u128::from(*word))?;
        }
        let mut left = usize::from(scale);
        for word in self.frac_words() {
            let digits = left.min(DIGITS_PER_WORD);
            let divisor = *POWERS.get(DIGITS_PER_WORD - digits)?;
            if word % divisor != 0 {
                return None;
            }
            value = value
                .checked_mul(u128::from(*POWERS.get(digits)?))?
                .checked_add(u128::from(word / divisor))?;
            left -= digits;
        }
        if left > 38 && value > 0 {
            return None;
        }
        value = value.checked_mul(power_of_ten(u8::try_from(left).ok()?))?;
        if value >= power_of_ten(38) {
            return None;
        }
        let value = i128::try_from(value).ok()?;
        Some(if self.negative { -value } else { value })
    }
}

/// One part word of `count` digits; `None` when it has more.
#[inline]
fn append_part(out: &mut Vec<u8>, word: u32, count: usize, mask: u32) -> Option<()> {
    if word >= *POWERS.get(count)? {
        return None;
    }
    let bytes = (word ^ mask).to_be_bytes();
    out.extend_from_slice(bytes.get(4 - DIGITS_TO_BYTES.get(count)?..)?);
    Some(())
}

/// Words of nine digits that a number has.
fn int_word_count(mut int: u128) -> usize {
    let mut count = 0;
    while int > 0 {
        count += 1;
        int = match u64::try_from(int) {
            Ok(small) => u128::from(small / u64::from(WORD_BASE)),
            Err(_) => int / u128::from(WORD_BASE),
        };
    }
    count
}

/// Fills the words with the digits of a number, the last word with the last nine.
fn split_words(mut number: u128, words: &mut [u32]) {
    for word in words.iter_mut().rev() {
        (number, *word) = match u64::try_from(number) {
            Ok(small) => (
                u128::from(small / u64::from(WORD_BASE)),
                (small % u64::from(WORD_BASE)) as u32,
            ),
            Err(_) => (number / u128::from(WORD_BASE), (number % u128::from(WORD_BASE)) as u32),
        };
    }
}

/// Digits of each int word: the first may be short.
pub(super) fn int_parts(digits: u8) -> impl Iterator<Item = usize> {
    let digits = usize::from(digits);
    let leading = digits % DIGITS_PER_WORD;
    std::iter::once(leading)
        .filter(|n| *n > 0)
        .chain(std::iter::repeat_n(DIGITS_PER_WORD, digits / DIGITS_PER_WORD))
}

/// Digits of each fraction word: the last may be short.
pub(super) fn frac_parts(digits: u8) -> impl Iterator<Item = usize> {
    let digits = usize::from(digits);
    let trailing = digits % DIGITS_PER_WORD;
    std::iter::repeat_n(DIGITS_PER_WORD, digits / DIGITS_PER_WORD).chain(std::iter::once(trailing).filter(|n| *n > 0))
}
