//! Writing: one TiDB transaction for a whole Spark job.
//!
//! ```text
//! driver   Session::begin_write ─> WriteJob::start_tasks ─────────────────────────────> commit | abort        (job)
//!            schema, checks,          ids reserved             audit, overwrite, allocators, schema check,
//!            primary locked                                    primary committed, the other keys after it
//! task                         Session::open_writer ─> Writer::write, write, ..., finish                      (writer)
//!                                rows -> row and index entries -> sorted buffers -> prewrite
//! ```
//! * table, spec, check, refuse: what is written to which columns, and what is refused by name
//! * encode, partition, row_id: a row's key, value, index entries, partition and generated ids
//! * buffer, tally, keys, message: mutations on their way, what is remembered of them, and how much of it is told
//! * old_rows, overwrite, filter: what goes away in the same transaction
//! * audit, state: what must be true before the commit, and what may follow after what
//!
//! The rules that keep it right under Spark's retries are in docs/adr/0008-writes-point-by-point.md.

pub mod audit;
pub mod buffer;
pub mod check;
pub mod delta;
pub mod displaced;
mod duplicate;
pub mod encode;
pub mod filter;
pub mod job;
pub mod keys;
pub mod message;
pub mod metrics;
pub mod old_rows;
pub mod overwrite;
pub mod partition;
pub mod references;
pub mod refuse;
pub mod row_id;
pub mod schema;
pub mod sketch;
mod spec;
pub mod state;
pub mod table;
pub mod tally;
pub mod wire;
pub mod writer;

pub use job::WriteJob;
pub use state::JobState;
pub use writer::Writer;

use crate::catalog::listing::parse;
use crate::catalog::table_info::TableInfo;
use crate::error::Result;
use table::WriteTable;
use wire::WriteCommon;

/// The table of a write, as all its tasks see it.
fn open_table(common: &WriteCommon) -> Result<WriteTable> {
    let info: TableInfo = parse(&common.table_info, || format!("a table of `{}`", common.database))?;
    WriteTable::new(&common.database, &info, common.new_collation)
}
