//! The operator tree of a plan, in the words of TiDB's EXPLAIN.

use super::wire::WireColumn;
use crate::catalog::descriptor::TableDescriptor;
use crate::timestamp::LOGICAL_BITS;

/// What the tree says.
pub struct Explain<'a> {
    /// The table.
    pub table: &'a TableDescriptor,
    /// Columns read.
    pub columns: &'a [WireColumn],
    /// They are only counted.
    pub count_only: bool,
    /// Distinct regions.
    pub regions: usize,
    /// Spark partitions.
    pub tasks: usize,
    /// The snapshot.
    pub start_ts: u64,
}

impl Explain<'_> {
    /// One operator a line.
    pub fn render(&self) -> String {
        let mut scan = format!(
            "└─TableFullScan(cop[tikv]) table:`{}`.`{}`",
            self.table.database, self.table.table
        );
        if let Some(partitions) = &self.table.partitions {
            let names: Vec<&str> = partitions.iter().map(|p| p.name.as_str()).collect();
            scan += &format!(
                ", partition:{}",
                if names.is_empty() {
                    "dual".to_owned()
                } else {
                    names.join(",")
                }
            );
        }
        if self.count_only {
            scan += ", columns:[] (rows are counted)";
        } else {
            let names: Vec<&str> = self.columns.iter().map(|c| c.name.as_str()).collect();
            scan += &format!(", columns:[{}]", names.join(", "));
        }
        scan += ", keep order:false";
        format!(
            "TableReader(root) regions:{}, tasks:{}, start_ts:{} ({} ms)\n{scan}",
            self.regions,
            self.tasks,
            self.start_ts,
            self.start_ts >> LOGICAL_BITS
        )
    }
}
