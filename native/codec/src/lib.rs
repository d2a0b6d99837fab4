#![forbid(unsafe_code)]
//! Bytes of TiDB and TiKV <-> values <-> Arrow. Pure: no I/O, no clock, no threads.
//!
//! ```text
//! SelectResponse chunks --TypeChunk-->   chunk ─┐
//!                       --TypeDefault--> rows  ─┴─> column (growable Arrow buffers) -> batch::BatchBuilder -> RecordBatch
//! FieldType + TypeOptions -> arrow_type (the one type table) -> schema, and which decoder a column gets
//! RecordBatch -> input (the checks of TiDB's strict mode) -> datums -> row (values of record keys, both ways)
//! key, datum, number, bytes, default_value: what requests and snapshot reads of the schema need
//! handle, index, collation: keys of rows and entries of indexes, as TiDB writes them
//! mysql::{decimal, time, duration, json, enum_set, bit}: the value formats
//! ```

pub mod arrow_type;
pub mod batch;
pub mod bytes;
mod chunk;
pub mod collation;
mod column;
pub mod datum;
pub mod default_value;
pub mod error;
pub mod field_type;
pub mod handle;
pub mod index;
pub mod input;
pub mod key;
mod key_text;
pub mod mysql;
pub mod number;
pub mod options;
pub mod row;
mod rows;
mod type_table;
mod value;
pub mod zone;

pub use arrow_type::{column_type, type_table, ColumnType, SparkType, TypeRow};
pub use batch::{BatchBuilder, OutputColumn};
pub use error::{CodecError, UnsupportedType, ValueError};
pub use field_type::FieldType;
pub use key_text::key_text;
pub use options::{BitAs, DatetimeAs, DecimalOverflow, TimeAs, TinyInt1, TypeOptions, ZeroDate};
pub use zone::TimeZone;
