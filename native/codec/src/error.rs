//! What can go wrong between bytes and values.

use thiserror::Error;

pub use crate::input::ValueError;

/// Why bytes could not be turned into values, or values into bytes.
///
/// Bytes from a store are never trusted: every decoder of this crate answers bad bytes with an error, and reserves no more memory than a small
/// multiple of the input's length.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CodecError {
    /// The bytes end before the value does.
    #[error("the encoded {what} is cut short: {needed} bytes are needed, {left} are left")]
    Truncated {
        /// The thing being decoded.
        what: &'static str,
        /// Bytes needed from the current position.
        needed: usize,
        /// Bytes left.
        left: usize,
    },
    /// The bytes contradict the format.
    #[error("the encoded {what} is damaged: {reason}")]
    Corrupt {
        /// The thing being decoded.
        what: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A value of a column cannot be decoded or shown.
    #[error("column `{column}`: {source}")]
    Column {
        /// Name of the output column.
        column: String,
        /// The reason.
        source: Box<CodecError>,
    },
    /// A valid MySQL value that its Spark type cannot hold.
    #[error("{0}")]
    Unrepresentable(String),
    /// The type itself cannot be read.
    #[error(transparent)]
    Unsupported(#[from] UnsupportedType),
    /// A table has something that cannot be encoded.
    #[error("{0}")]
    UnsupportedFeature(String),
    /// The store sent NULL for a NOT NULL column.
    #[error("the store sent NULL for a NOT NULL column; the row may lack the column's default value")]
    UnexpectedNull,
    /// One batch cannot hold more.
    #[error("the batch is full: {0}; take the batch out before more rows are appended")]
    BatchTooLarge(String),
    /// A text (a default value, a time zone) is not of its type.
    #[error("`{text}` is not a valid {what}")]
    BadText {
        /// The expected type.
        what: &'static str,
        /// The text, shortened.
        text: String,
    },
    /// A row has a value that TiDB's strict mode refuses.
    #[error(transparent)]
    Value(#[from] Box<ValueError>),
    /// A column cannot be written from the values it is given.
    #[error("column '{column}' of type {sql_name} cannot be written from {given}: {reason}")]
    NotWritable {
        /// Its name.
        column: String,
        /// Its type, as SHOW CREATE TABLE prints it.
        sql_name: String,
        /// The Arrow type of the values.
        given: String,
        /// Why, and what helps.
        reason: String,
    },
    /// Arrow refused what was built.
    #[error("cannot build the Arrow batch: {0}")]
    Arrow(String),
}

impl CodecError {
    pub(crate) fn corrupt(what: &'static str, reason: impl Into<String>) -> Self {
        Self::Corrupt {
            what,
            reason: reason.into(),
        }
    }

    pub(crate) fn bad_text(what: &'static str, text: &str) -> Self {
        Self::BadText {
            what,
            text: text.chars().take(80).collect(),
        }
    }

    /// Names the column of the error.
    pub(crate) fn in_column(self, column: &str) -> Self {
        match self {
            Self::Column { .. } => self,
            other => Self::Column {
                column: column.to_owned(),
                source: Box::new(other),
            },
        }
    }
}

/// A column type that cannot be read, and what the user can do about it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("type {sql_name} cannot be read: {reason}")]
pub struct UnsupportedType {
    /// As SHOW CREATE TABLE prints it.
    pub sql_name: String,
    /// Why, and which option helps.
    pub reason: String,
}
