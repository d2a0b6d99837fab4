//! The operator tree of a plan, in the words of TiDB's EXPLAIN.

use super::share::{Summary, REGION_BYTES};
use crate::catalog::descriptor::TableDescriptor;
use crate::timestamp::LOGICAL_BITS;

/// What the tree says.
pub struct Explain<'a> {
    /// The table.
    pub table: &'a TableDescriptor,
    /// Columns that the scan reads.
    pub columns: &'a [String],
    /// They are only counted.
    pub count_only: bool,
    /// Operators over the scan, bottom up.
    pub operators: &'a [String],
    /// Regions, their sizes, and which were cut.
    pub summary: &'a Summary,
    /// Why PD told no sizes.
    pub sizes_failure: Option<&'a str>,
    /// Spark partitions.
    pub tasks: usize,
    /// The snapshot.
    pub start_ts: u64,
}

impl Explain<'_> {
    /// One operator a line.
    pub fn render(&self) -> String {
        let mut scan = format!(
            "TableFullScan(cop[tikv]) table:`{}`.`{}`",
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
        if self.count_only && self.operators.is_empty() {
            scan += ", columns:[] (rows are counted)";
        } else {
            scan += &format!(", columns:[{}]", self.columns.join(", "));
        }
        scan += ", keep order:false";
        let mut text = format!(
            "TableReader(root) tasks:{} ({}), start_ts:{} ({} ms)",
            self.tasks,
            self.regions(),
            self.start_ts,
            self.start_ts >> LOGICAL_BITS
        );
        let lines = self.operators.iter().rev().chain(std::iter::once(&scan));
        for (depth, line) in lines.enumerate() {
            text += &format!("\n{}└─{line}", "  ".repeat(depth));
        }
        text
    }

    /// E.g. `3 regions, 512 MiB by PD; 3 cut`.
    fn regions(&self) -> String {
        let Summary {
            regions,
            known_bytes,
            unknown,
            cut,
            uncut,
        } = *self.summary;
        let mut text = format!("{regions} regions");
        if unknown < regions {
            text += &format!(", {} MiB by PD", known_bytes >> 20);
        }
        if unknown > 0 {
            let why = self.sizes_failure.unwrap_or("PD does not know their size yet");
            text += &format!(
                ", {unknown} taken for {} MiB each because {}",
                REGION_BYTES >> 20,
                why.replace('\n', " ")
            );
        }
        if cut > 0 {
            text += &format!("; {cut} cut");
        }
        if uncut > 0 {
            text += &format!("; {uncut} not cut because their stores did not tell at once where their keys are");
        }
        text
    }
}

#[cfg(test)]
#[path = "explain_tests.rs"]
mod tests;
