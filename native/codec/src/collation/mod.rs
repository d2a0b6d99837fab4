//! Sort keys: byte strings that compare as a collation compares texts. Keys of indexes and clustered tables hold them in place of the text.
//!
//! ```text
//! binary, utf8mb4_0900_bin                         the bytes
//! ascii_bin, latin1_bin, utf8_bin, utf8mb4_bin     the bytes without the spaces (U+0020) at the end: PAD SPACE
//! utf8_general_ci, utf8mb4_general_ci              the weights of the characters, without the spaces at the end
//! utf8_unicode_ci, utf8mb4_unicode_ci              the same with other weights (UCA 4.0.0)
//! utf8mb4_0900_ai_ci                               the same with other weights (UCA 9.0.0), spaces at the end count
//! ```
//! All texts are UTF-8 here whatever the column's character set is: that is how TiDB keeps them. These are the rules of TiDB's "new collation
//! framework", the only one since 6.0 (`new_collation_enabled`). Source: TiDB `util/collate`.

mod weights;

use std::borrow::Cow;

use crate::bytes::lossy;
use crate::error::CodecError;
use weights::Weights;

/// A collation whose sort keys are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Collation {
    /// `binary`: bytes, for byte strings.
    Binary,
    /// `utf8mb4_0900_bin`: the text as it is, spaces at the end count.
    NoPadBin,
    /// `*_bin` otherwise: spaces at the end do not count.
    PadSpaceBin,
    /// `utf8_general_ci`, `utf8mb4_general_ci`.
    GeneralCi,
    /// `utf8_unicode_ci`, `utf8mb4_unicode_ci`.
    UnicodeCi,
    /// `utf8mb4_0900_ai_ci`.
    Unicode0900AiCi,
}

impl Collation {
    /// The collation of this name. An empty name is `binary`: columns without characters in very old schemas.
    ///
    /// # Errors
    /// [`CodecError::UnsupportedFeature`] for a collation whose sort keys are not known.
    pub fn of(name: &str) -> Result<Self, CodecError> {
        Ok(match name {
            "" | "binary" => Self::Binary,
            "utf8mb4_0900_bin" => Self::NoPadBin,
            "ascii_bin" | "latin1_bin" | "utf8_bin" | "utf8mb4_bin" => Self::PadSpaceBin,
            "utf8_general_ci" | "utf8mb4_general_ci" => Self::GeneralCi,
            "utf8_unicode_ci" | "utf8mb4_unicode_ci" => Self::UnicodeCi,
            "utf8mb4_0900_ai_ci" => Self::Unicode0900AiCi,
            other => {
                return Err(CodecError::UnsupportedFeature(format!(
                    "collation {other} cannot be written: its sort keys are not known to this version"
                )))
            }
        })
    }

    /// Whether the sort key is the text itself, but for spaces at its end (TiDB's `IsBinCollation`).
    #[must_use]
    pub fn is_bin(self) -> bool {
        matches!(self, Self::Binary | Self::NoPadBin | Self::PadSpaceBin)
    }

    /// The sort key of a text.
    ///
    /// # Errors
    /// Where the collation looks at characters: [`CodecError::BadText`] for text that is not UTF-8, or that has a character on which TiDB
    /// itself fails.
    pub fn sort_key<'a>(self, text: &'a [u8]) -> Result<Cow<'a, [u8]>, CodecError> {
        Ok(match self {
            Self::Binary | Self::NoPadBin => Cow::Borrowed(text),
            Self::PadSpaceBin => Cow::Borrowed(without_tail_spaces(text)),
            Self::GeneralCi => weigh(weights::general_ci()?, without_tail_spaces(text))?,
            Self::UnicodeCi => weigh(weights::unicode_ci()?, without_tail_spaces(text))?,
            Self::Unicode0900AiCi => weigh(weights::unicode_0900_ai_ci()?, text)?,
        })
    }
}

fn weigh(weights: &Weights, text: &[u8]) -> Result<Cow<'static, [u8]>, CodecError> {
    let characters = std::str::from_utf8(text).map_err(|_| CodecError::bad_text("UTF-8 text", &lossy(text)))?;
    let mut key = Vec::with_capacity(characters.len() * 2);
    for character in characters.chars() {
        if !weights.append(character, &mut key) {
            return Err(CodecError::bad_text("text for its collation", characters));
        }
    }
    Ok(Cow::Owned(key))
}

/// Appends the sort key of a text under a collation.
///
/// # Errors
/// As [`Collation::of`] and [`Collation::sort_key`].
pub fn sort_key(collation: &str, text: &[u8], out: &mut Vec<u8>) -> Result<(), CodecError> {
    out.extend_from_slice(&Collation::of(collation)?.sort_key(text)?);
    Ok(())
}

/// Whether the sort keys of a collation are known.
#[must_use]
pub fn is_supported(collation: &str) -> bool {
    Collation::of(collation).is_ok()
}

/// The text up to its last character that is not a space.
pub(crate) fn without_tail_spaces(text: &[u8]) -> &[u8] {
    let kept = text.iter().rposition(|b| *b != b' ').map_or(0, |last| last + 1);
    text.get(..kept).unwrap_or_default()
}
