//! The operator tree of a plan, in the words of TiDB's EXPLAIN.

use super::access::path::{Access, Path};
use super::share::{Summary, REGION_BYTES};
use crate::catalog::descriptor::{IndexDescriptor, KeyPart, TableDescriptor};
use crate::timestamp::LOGICAL_BITS;

/// What the tree says.
pub struct Explain<'a> {
    /// The table.
    pub table: &'a TableDescriptor,
    /// The way by which rows are read.
    pub path: &'a Path,
    /// Positions of the partitions that are read; `None`: all.
    pub partitions: Option<&'a [usize]>,
    /// Columns that the scan reads.
    pub columns: &'a [String],
    /// They are only counted.
    pub count_only: bool,
    /// Operators over the scan, bottom up.
    pub operators: &'a [String],
    /// Operators over the entries of an index whose rows are looked up, bottom up.
    pub index_operators: &'a [String],
    /// There is little to read: sizes were not asked for.
    pub small: bool,
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
        let reader = match &self.path.access {
            Access::Table => "TableReader",
            Access::IndexOnly(_) => "IndexReader",
            Access::LookUp(_) => "IndexLookUp",
        };
        let root = format!(
            "{reader}(root) tasks:{} ({}), start_ts:{} ({} ms)",
            self.tasks,
            self.regions(),
            self.start_ts,
            self.start_ts >> LOGICAL_BITS
        );
        let (table, partitions) = (self.table_name(), self.partition_names());
        let (range, rows, columns) = (self.range(), self.rows(), self.columns());
        let full = self.path.ranges.is_none();
        match &self.path.access {
            Access::Table => {
                let name = if full { "TableFullScan" } else { "TableRangeScan" };
                let scan = format!("{name}(cop[tikv]){rows} {table}{partitions}{range}{columns}, keep order:false");
                root + &tree(self.operators, &scan, "└─", "")
            }
            Access::IndexOnly(index) => {
                let name = if full { "IndexFullScan" } else { "IndexRangeScan" };
                let index = self.index(index);
                let scan =
                    format!("{name}(cop[tikv]){rows} {table}{partitions}{index}{range}{columns}, keep order:false");
                root + &tree(self.operators, &scan, "└─", "")
            }
            Access::LookUp(index) => {
                let index = self.index(index);
                let build = format!(
                    "IndexRangeScan(Build)(cop[tikv]){rows} {table}{partitions}{index}{range}, keep order:false"
                );
                let probe = format!("TableRowIDScan(Probe)(cop[tikv]) {table}{columns}, keep order:false");
                root + &tree(self.index_operators, &build, "├─", "│ ") + &tree(self.operators, &probe, "└─", "")
            }
        }
    }

    fn table_name(&self) -> String {
        format!("table:`{}`.`{}`", self.table.database, self.table.table)
    }

    fn partition_names(&self) -> String {
        let Some(partitions) = &self.table.partitions else {
            return String::new();
        };
        let all = partitions.len();
        let names: Vec<&str> = match self.partitions {
            None => partitions.iter().map(|p| p.name.as_str()).collect(),
            Some(read) => read
                .iter()
                .filter_map(|at| partitions.get(*at))
                .map(|p| p.name.as_str())
                .collect(),
        };
        match (names.is_empty(), self.partitions) {
            (true, _) => ", partition:dual".into(),
            (false, None) => format!(", partition:{}", names.join(",")),
            (false, Some(read)) => format!(", partition:{} ({} of {all} partitions)", names.join(","), read.len()),
        }
    }

    /// E.g. `, index:k(a, b)`.
    fn index(&self, index: &IndexDescriptor) -> String {
        let name = |part: &KeyPart| {
            let column = self.table.column_of_id(part.id);
            let name = column.map_or_else(|| format!("#{}", part.id), |column| column.name.clone());
            match part.prefix {
                Some(length) => format!("{name}({length})"),
                None => name,
            }
        };
        let columns: Vec<String> = index.columns.iter().map(name).collect();
        format!(", index:{}({})", index.name, columns.join(", "))
    }

    fn range(&self) -> String {
        match &self.path.ranges {
            None => String::new(),
            Some(ranges) if ranges.ranges.is_empty() => ", range:none".into(),
            Some(ranges) => format!(", range:{}", ranges.shown),
        }
    }

    /// Of ranges, the rows that they are taken to hold.
    fn rows(&self) -> String {
        match &self.path.ranges {
            None => String::new(),
            Some(_) => format!(" estRows:{:.0}", self.path.rows.ceil()),
        }
    }

    fn columns(&self) -> String {
        if self.count_only && self.operators.is_empty() {
            return ", columns:[] (rows are counted)".into();
        }
        format!(", columns:[{}]", self.columns.join(", "))
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
        if self.small {
            return text + ", few rows";
        }
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

/// Operators over a scan, one a line: the topmost is a child of the root, the others hang below each other.
fn tree(operators: &[String], scan: &str, branch: &str, rest: &str) -> String {
    let mut text = String::new();
    for (depth, line) in operators.iter().map(String::as_str).rev().chain([scan]).enumerate() {
        text += &match depth {
            0 => format!("\n{branch}{line}"),
            depth if rest.is_empty() => format!("\n{}└─{line}", "  ".repeat(depth)),
            depth => format!("\n{rest}{}└─{line}", "  ".repeat(depth - 1)),
        };
    }
    text
}

#[cfg(test)]
#[path = "explain_tests.rs"]
mod tests;
