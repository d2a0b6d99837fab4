//! Changes of rows: what DELETE, UPDATE and MERGE ask for, row by row.
//!
//! ```text
//! batch: operation, row id, columns ──row id──> the old row at start_ts, read again
//!                                   ──values──> the new row                 (update: what Spark did not change keeps its stored value)
//!        old and new mutations, index by index ──chunk──> put what is new, delete what the row has no more, leave the rest alone
//! ```
//! Uniqueness is that of the job's result: a key that a row takes and another row holds at the snapshot is fine if the other one gives it up in
//! the same job, perhaps in another task (`super::displaced`). So a chunk puts at once, and deletes at once only what nobody else can put.
//!
//! A change by somebody else after the snapshot is a write conflict at prewrite, because every row that changes gets at least one mutation of its row key.

pub mod chunk;
mod kept;
pub mod spec;

pub use kept::keep_what_was_read;

use ti_proto::plan::RowOperation;

use crate::error::{Error, ErrorKind, Result};

/// The operation of a row, by its number.
///
/// # Errors
/// `InvalidArgument` for another number.
pub fn operation(number: i32) -> Result<RowOperation> {
    RowOperation::try_from(number)
        .map_err(|_| Error::new(ErrorKind::InvalidArgument, format!("{number} is no operation on a row")))
}
