//! TiDB's statistics of a table: what a scan will find, for the choice of its path and for Spark.
//!
//! ```text
//! mysql.stats_* --load--> histograms --cache, by table and version--> table: estimates of ranges; rows, bytes, columns for Spark
//!                                                        none: pseudo, the rates that TiDB assumes
//! ```

mod cache;
mod histogram;
mod load;
mod pseudo;
mod table;

pub use cache::{Cache, Source};
pub use histogram::{Bucket, Histogram};
pub use load::Histograms;
pub use pseudo::{is_unique, Pseudo};
pub use table::TableStatistics;

use super::access::range::Ranges;
use crate::catalog::descriptor::{IndexDescriptor, TableDescriptor};

/// How many rows there are.
pub trait Estimate: Sync {
    /// In the partitions that are read.
    fn table_rows(&self) -> f64;

    /// In ranges of the handle.
    fn handle_rows(&self, table: &TableDescriptor, ranges: &Ranges) -> f64;

    /// In ranges of an index.
    fn index_rows(&self, table: &TableDescriptor, index: &IndexDescriptor, ranges: &Ranges) -> f64;
}
