//! MySQL's value formats.

pub mod time;
