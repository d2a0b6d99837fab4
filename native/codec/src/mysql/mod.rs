//! MySQL's value formats.

pub mod bit;
pub mod decimal;
pub(crate) mod decimal_scale;
mod decimal_text;
pub mod duration;
pub mod enum_set;
pub mod json;
pub mod json_encode;
mod json_parse;
pub mod time;
pub mod vector;
