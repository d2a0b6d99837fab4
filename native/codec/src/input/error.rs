//! Why a value is not written.

use thiserror::Error;

/// A value that TiDB's strict mode refuses for its column. `value` is as a message shows it: at most 40 characters, byte strings in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ValueError {
    /// NULL in a NOT NULL column.
    #[error("Column '{column}' cannot be null; give every row a value, or leave the column out of the write so that it gets its default")]
    Null {
        /// The column.
        column: String,
    },
    /// Outside of the type's range.
    #[error("Out of range value for column '{column}': {value} does not fit {sql_name}; correct the value, or give the column a wider type in TiDB")]
    OutOfRange {
        /// The column.
        column: String,
        /// The value.
        value: String,
        /// The column's type.
        sql_name: String,
    },
    /// Longer than the type allows.
    #[error(
        "Data too long for column '{column}': {value} has {length} {unit}, {sql_name} ends at {limit}; shorten the value, or give the column a \
         longer type in TiDB"
    )]
    TooLong {
        /// The column.
        column: String,
        /// The value.
        value: String,
        /// The column's type.
        sql_name: String,
        /// How long the value is.
        length: usize,
        /// How long it may be.
        limit: usize,
        /// What is counted: characters, bytes or bits.
        unit: &'static str,
    },
    /// No element of an ENUM or SET.
    #[error("Data truncated for column '{column}': {value} is no value of {sql_name}; write it as the type does, or add the element in TiDB")]
    NotAMember {
        /// The column.
        column: String,
        /// The value.
        value: String,
        /// The column's type, with its elements.
        sql_name: String,
    },
    /// Not a text of the column's character set.
    #[error("Incorrect string value for column '{column}': {value} has {bytes} at byte {at}, which is not {charset}; repair the text, or {remedy}")]
    Charset {
        /// The column.
        column: String,
        /// The value.
        value: String,
        /// The bytes that are wrong, as `\xF0\x9F`.
        bytes: String,
        /// Where they are, counted from 1.
        at: usize,
        /// The character set.
        charset: &'static str,
        /// What else helps.
        remedy: &'static str,
    },
    /// Not a value of the type at all.
    #[error("Incorrect value for column '{column}': {value} is not a {sql_name}: {reason}")]
    Incorrect {
        /// The column.
        column: String,
        /// The value.
        value: String,
        /// The column's type.
        sql_name: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// A refusal before it is known which column and value it is about.
#[derive(Debug)]
pub(super) enum Refusal {
    Null,
    Range,
    TooLong {
        length: usize,
        limit: usize,
        unit: &'static str,
    },
    NotAMember,
    Charset {
        bytes: Vec<u8>,
        at: usize,
        charset: &'static str,
        remedy: &'static str,
    },
    Incorrect(String),
}

impl Refusal {
    pub(super) fn of_value(self, column: &str, sql_name: &str, value: String) -> ValueError {
        let column = column.to_owned();
        let sql_name = sql_name.to_owned();
        match self {
            Self::Null => ValueError::Null { column },
            Self::Range => ValueError::OutOfRange {
                column,
                value,
                sql_name,
            },
            Self::TooLong { length, limit, unit } => ValueError::TooLong {
                column,
                value,
                sql_name,
                length,
                limit,
                unit,
            },
            Self::NotAMember => ValueError::NotAMember {
                column,
                value,
                sql_name,
            },
            Self::Charset {
                bytes,
                at,
                charset,
                remedy,
            } => ValueError::Charset {
                column,
                value,
                bytes: bytes.iter().take(8).map(|b| format!("\\x{b:02X}")).collect(),
                at,
                charset,
                remedy,
            },
            Self::Incorrect(reason) => ValueError::Incorrect {
                column,
                value,
                sql_name,
                reason,
            },
        }
    }
}
