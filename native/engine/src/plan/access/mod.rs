//! Which keys are read, and by which way.
//!
//! ```text
//! filters --predicate--> what holds for each column --key_column, text, number--> spans of its key space
//!                                                   --range--> ranges of the handle, of each index
//! ranges, columns needed, statistics --path--> table scan, index only, index look-up --chosen, index_source--> the request's lowest executor
//! filters, rule of the partitions --prune--> the partitions to read
//! ```
//! Ranges may hold more rows than pass the filters, and never fewer: the filters stay in the request.

pub mod chosen;
pub mod index_source;
pub mod key_column;
mod number;
pub mod path;
pub mod predicate;
pub mod prune;
pub mod range;
pub mod span;
mod text;

#[cfg(test)]
mod test_support;
