//! Texts in keys.
//!
//! Keys hold the sort key of the text, or of its first characters. Spark compares the bytes. What follows for the key of a text `v` that
//! compares with the constant `x` in some way, by collation:
//!
//! ```text
//! v = x     the key is the one of x
//! v < x     binary: the key is below x. PAD SPACE: the key is v without the spaces at its end, no greater than v, and below x
//! v > x     binary: the key is above x. PAD SPACE: it is not below the start of x that ends where a character below the space comes
//!           ("a " is greater than "a\t", and its key, "a", is less)
//! others    nothing
//! ```

use std::borrow::Cow;

use ti_codec::collation::Collation;
use ti_codec::datum::Datum;
use ti_codec::field_type::FieldType;
use ti_codec::index::cut_text;
use ti_codec::key::prefix_end;

use super::key_column::key_form;
use super::predicate::Operator;
use super::span::{self, Cut, Span};

/// A text column of a key.
pub struct TextKey<'a> {
    /// Type.
    pub field_type: &'a FieldType,
    /// Collation of the keys.
    pub collation: Collation,
    /// Characters (bytes, of byte strings) that keys hold.
    pub prefix: Option<u32>,
}

impl TextKey<'_> {
    /// Where the keys lie of the texts for which the comparison holds; `None`: anywhere.
    pub fn spans(&self, operator: Operator, text: &[u8]) -> Option<Vec<Span>> {
        if operator == Operator::Equal {
            let cut = cut_text(self.field_type, text, self.prefix);
            return Some(vec![Span::point(form(&self.collation.sort_key(cut).ok()?)?)]);
        }
        let padded = match self.collation {
            Collation::Binary | Collation::NoPadBin => false,
            Collation::PadSpaceBin => true,
            Collation::GeneralCi | Collation::UnicodeCi | Collation::Unicode0900AiCi => return None,
        };
        let cut = cut_text(self.field_type, text, self.prefix);
        // Of a prefix, what is greater or less may be equal.
        let is_cut = self.prefix.is_some();
        let low = || -> Option<Cut> {
            let key = form(if padded { lowest(cut) } else { cut })?;
            Some(if operator == Operator::Greater && !is_cut && !padded {
                Cut::after(key)
            } else {
                Cut::before(key)
            })
        };
        let high = || -> Option<Cut> {
            let key = form(cut)?;
            Some(if operator == Operator::Less && !is_cut {
                Cut::before(key)
            } else {
                Cut::after(key)
            })
        };
        let span = match operator {
            Operator::Less | Operator::LessOrEqual => Span {
                low: Cut::values(),
                high: high()?,
            },
            Operator::Greater | Operator::GreaterOrEqual => Span {
                low: low()?,
                high: Cut::end(),
            },
            _ => {
                let start = Collation::sort_key(self.collation, cut).ok()?;
                let end = prefix_end(cut);
                Span {
                    low: Cut::before(form(&start)?),
                    high: if end.is_empty() {
                        Cut::end()
                    } else {
                        Cut::before(form(&end)?)
                    },
                }
            }
        };
        Some(span::union(vec![span]))
    }
}

fn form(text: &[u8]) -> Option<Vec<u8>> {
    key_form(&Datum::Bytes(Cow::Borrowed(text)))
}

/// No text of PAD SPACE that is greater than this one has a key below.
fn lowest(text: &[u8]) -> &[u8] {
    let end = text.iter().position(|b| *b < b' ').unwrap_or(text.len());
    let text = text.get(..end).unwrap_or(text);
    let kept = text.iter().rposition(|b| *b != b' ').map_or(0, |last| last + 1);
    text.get(..kept).unwrap_or_default()
}
