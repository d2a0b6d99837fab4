//! Rows as TiKV stores them: the value of a record key.
//!
//! ```text
//! v2 (TiDB's row format since 4.0)
//!   128 | flags u8 | not-NULL columns u16 | NULL columns u16
//!   | ids of the not-NULL columns, ascending | ids of the NULL columns, ascending      u8 each, large: u32
//!   | end offsets of the not-NULL values                                               u16 each, large: u32
//!   | values | checksum, only when flags & 2
//!   flags: 1 large (an id over 255, or more than 65535 bytes of values), 2 checksum: header u8, CRC32, and one more CRC32 when header & 8
//! v1
//!   (datum of the id, datum of the value) ..., or a single NULL datum for a row without columns
//! ```
//! A value of v2 has no flag byte, its column's type says what it is:
//! ```text
//! integers, YEAR, TIME (ns)             signed, 1, 2, 4 or 8 bytes, the fewest that hold it
//! UNSIGNED integers, ENUM, SET, BIT,    unsigned, likewise
//! packed dates and times (TIMESTAMP in UTC)
//! FLOAT, DOUBLE                         8 bytes, memcomparable
//! DECIMAL                               precision u8, fraction digits u8, binary form
//! text, byte strings                    as they are
//! JSON                                  type code u8, binary form
//! VECTOR                                number of elements u32, f32 each
//! ```
//! All little-endian but FLOAT, DOUBLE and DECIMAL. Source: TiDB `util/rowcodec`, `tablecodec`.

mod decode;
mod encode;

pub use decode::RowView;
pub use encode::RowEncoder;

use crate::datum::Datum;
use crate::field_type::{type_code as t, FieldType};

const VERSION_2: u8 = 128;
const LARGE: u8 = 1;

/// Whether a column of this type holds datums of this kind. NULL is not asked.
fn matches_type(ft: &FieldType, datum: &Datum<'_>) -> bool {
    match ft.tp {
        t::TINY | t::SHORT | t::INT24 | t::LONG | t::LONG_LONG => {
            matches!(
                (datum, ft.is_unsigned()),
                (Datum::Int(_), false) | (Datum::Uint(_), true)
            )
        }
        t::YEAR => matches!(datum, Datum::Int(_)),
        t::DATE | t::NEW_DATE | t::DATETIME | t::TIMESTAMP | t::ENUM | t::SET | t::BIT => {
            matches!(datum, Datum::Uint(_))
        }
        t::DURATION => matches!(datum, Datum::Duration(_)),
        t::FLOAT | t::DOUBLE => matches!(datum, Datum::Float(_)),
        t::NEW_DECIMAL => matches!(datum, Datum::Decimal { .. }),
        t::VARCHAR | t::VAR_STRING | t::STRING | t::TINY_BLOB | t::MEDIUM_BLOB | t::LONG_BLOB | t::BLOB => {
            matches!(datum, Datum::Bytes(_))
        }
        t::JSON => matches!(datum, Datum::Json(_)),
        t::VECTOR_FLOAT32 => matches!(datum, Datum::Vector(_)),
        _ => false,
    }
}
