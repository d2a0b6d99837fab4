//! How a table's regions are shared out: small neighbours are read together, large regions are cut.
//!
//! ```text
//! located regions, sizes of PD -> Share::new (the size a task should have) -> to_cut -> first and last keys, from the stores
//!                                                            Share::pieces <- cut::cut <-+
//!                                                                 +-> groups of adjacent pieces, one for each Spark partition
//! ```
//!
//! A task should have `partition_bytes`, or less where the table would not keep all slots of the job busy until the end: a few tasks for
//! each slot even out what the stores, the rows and PD's rough sizes make uneven. Sizes are hints; none of this decides what is read.

use std::collections::HashMap;

use bytes::Bytes;
use ti_client::{KeyEdges, KeyRange, LocatedRanges};

use super::cut::cut;

/// What a region counts as whose size is not known: TiKV's default size (`coprocessor.region-split-size`), bytes.
pub const REGION_BYTES: u64 = 96 << 20;
/// Tasks that a job should have for each that it can run at once.
const TASKS_PER_SLOT: u64 = 4;
/// A task is not made smaller than this for the sake of parallelism: its own cost would show.
const TASK_MIN: u64 = 8 << 20;
/// PD tells sizes in MiB, so that smaller pieces would be guesses.
const PIECE_MIN: u64 = 1 << 20;
/// Regions that are cut at most. A table with more large regions has tasks enough.
const CUT_REGIONS_MAX: usize = 256;

/// A range of one region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece<'a> {
    /// Keys.
    pub range: KeyRange,
    /// Host of the region's leader, may be empty.
    pub host: &'a str,
    /// About so many bytes.
    pub bytes: u64,
    /// The region begins here: of its pieces this is the first.
    pub begins_region: bool,
    /// Keys at which another request of the task begins.
    pub cuts: Vec<Bytes>,
    /// A part of a region that was cut: it is a task of its own.
    alone: bool,
}

/// What became of the regions, for EXPLAIN.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Distinct regions.
    pub regions: usize,
    /// Sum of the sizes that PD told.
    pub known_bytes: u64,
    /// Regions whose size PD did not tell.
    pub unknown: usize,
    /// Regions that were cut.
    pub cut: usize,
    /// Regions that should be cut, and whose stores did not tell where their keys are.
    pub uncut: usize,
}

/// A table's pieces, to be grouped.
#[derive(Debug)]
pub struct Share<'a> {
    pieces: Vec<Piece<'a>>,
    /// Bytes of a task.
    target: u64,
    /// Pieces of regions whose size is known.
    known: Vec<usize>,
    /// Tasks are smaller than they might be, so that all slots have some.
    few: bool,
    /// Index of a piece that is to be cut -> into how many.
    cuts: Vec<(usize, u64)>,
    summary: Summary,
}

impl<'a> Share<'a> {
    /// Decides on the size of a task. `located` is in key order; `sizes` are those of PD by region id, as far as it knows them.
    pub fn new(
        located: &'a [LocatedRanges],
        sizes: &HashMap<u64, u64>,
        partition_bytes: u64,
        parallelism: u32,
    ) -> Self {
        let mut share = Share {
            pieces: Vec::with_capacity(located.len()),
            target: 0,
            known: Vec::new(),
            few: false,
            cuts: Vec::new(),
            summary: Summary::default(),
        };
        for region in located.chunk_by(|a, b| a.region_id == b.region_id) {
            let Some(first) = region.first() else { continue };
            let known = sizes.get(&first.region_id).copied();
            share.summary.regions += 1;
            match known {
                Some(bytes) => share.summary.known_bytes += bytes,
                None => share.summary.unknown += 1,
            }
            let ranges = region.iter().flat_map(|part| &part.ranges);
            // Of several ranges in one region none is known to be larger than the others.
            let bytes = known.unwrap_or(REGION_BYTES) / (ranges.clone().count().max(1) as u64);
            for (number, range) in ranges.enumerate() {
                if known.is_some() {
                    share.known.push(share.pieces.len());
                }
                share.pieces.push(Piece {
                    range: range.clone(),
                    host: &first.host,
                    bytes,
                    begins_region: number == 0,
                    cuts: Vec::new(),
                    alone: false,
                });
            }
        }
        let total: u64 = share.pieces.iter().map(|piece| piece.bytes).sum();
        // One slot is busy until the end whatever its tasks are.
        let tasks = match parallelism {
            0 | 1 => 1,
            slots => u64::from(slots) * TASKS_PER_SLOT,
        };
        let busy = total.div_ceil(tasks);
        share.target = busy.max(TASK_MIN).min(partition_bytes.max(1));
        share.few = share.target < partition_bytes;
        share
    }

    /// The ranges to be cut, whose first and last keys [`Self::cut`] wants.
    ///
    /// A region is cut into as many pieces as come closest to a task, unless its size is a guess. Where there are few tasks and they answer `rows`,
    /// which Spark works on, pieces are rather too small than too large: the largest says how long the other slots are idle at the end. Of
    /// aggregates the stores have all the work, and several requests of the last task keep them busy.
    pub fn to_cut(&mut self, rows: bool) -> Vec<KeyRange> {
        let size = self.target.max(PIECE_MIN);
        let up = if self.few && rows { size - size / 8 } else { size / 2 };
        let bytes = |at: usize| self.pieces.get(at).map_or(0, |piece| piece.bytes);
        let mut cuts: Vec<(usize, u64)> = self
            .known
            .iter()
            .map(|at| (*at, bytes(*at).saturating_add(up) / size))
            .filter(|(_, into)| *into > 1)
            .collect();
        cuts.sort_by_key(|(at, into)| (std::cmp::Reverse(*into), *at));
        cuts.truncate(CUT_REGIONS_MAX);
        cuts.sort_unstable();
        self.cuts = cuts;
        let piece = |(at, _): &(usize, u64)| self.pieces.get(*at).map(|piece| piece.range.clone());
        self.cuts.iter().filter_map(piece).collect()
    }

    /// Cuts. `edges` are the answers for [`Self::to_cut`], in its order; `int_handle` as in [`cut`]. Each task reads its piece by so many
    /// requests: a single one leaves the store idle while its answer is decoded, and the task while the store is at work.
    pub fn cut(&mut self, edges: &[KeyEdges], int_handle: bool, requests: u64) {
        let mut pieces = Vec::with_capacity(self.pieces.len());
        let mut cuts = self.cuts.drain(..).zip(edges).peekable();
        for (at, piece) in self.pieces.drain(..).enumerate() {
            let Some(((_, into), edges)) = cuts.next_if(|((wanted, _), _)| *wanted == at) else {
                pieces.push(piece);
                continue;
            };
            match edges {
                KeyEdges::Unknown => {
                    self.summary.uncut += 1;
                    pieces.push(piece);
                }
                // All of the region is other tables', or not visible.
                KeyEdges::Empty => pieces.push(Piece { bytes: 0, ..piece }),
                KeyEdges::Keys(first, last) => {
                    let ranges = cut(&piece.range, first, last, into * requests, int_handle);
                    let tasks = evenly(&ranges, into);
                    let parts = tasks.len() as u64;
                    self.summary.cut += usize::from(parts > 1);
                    pieces.extend(tasks.iter().enumerate().map(|(number, ranges)| Piece {
                        range: joined(ranges),
                        bytes: piece.bytes / parts.max(1),
                        begins_region: piece.begins_region && number == 0,
                        cuts: ranges.iter().skip(1).map(|range| range.start().clone()).collect(),
                        alone: parts > 1,
                        ..piece
                    }));
                }
            }
        }
        self.pieces = pieces;
    }

    /// Groups of adjacent pieces, one for each task.
    pub fn groups(self) -> (Vec<Vec<Piece<'a>>>, Summary) {
        let mut groups = Vec::new();
        let mut run = Vec::new();
        for piece in self.pieces {
            if piece.alone {
                merge(std::mem::take(&mut run), self.target, &mut groups);
                groups.push(vec![piece]);
            } else {
                run.push(piece);
            }
        }
        merge(run, self.target, &mut groups);
        (groups, self.summary)
    }
}

/// So many runs of neighbours, or as many as there are ranges.
fn evenly(ranges: &[KeyRange], runs: u64) -> Vec<&[KeyRange]> {
    let runs = usize::try_from(runs).unwrap_or(usize::MAX).min(ranges.len());
    let bound = |run: usize| ranges.len() * run / runs.max(1);
    (0..runs)
        .filter_map(|run| ranges.get(bound(run)..bound(run + 1)))
        .collect()
}

/// The range of adjacent ones.
fn joined(ranges: &[KeyRange]) -> KeyRange {
    let start = ranges.first().map(|range| range.start().clone());
    let end = ranges.last().map(|range| range.end().clone());
    KeyRange::interval(start.unwrap_or_default(), end.unwrap_or_default())
}

/// Shares out a run of adjacent pieces evenly: each goes where its middle lies on the line of all bytes.
fn merge<'a>(run: Vec<Piece<'a>>, target: u64, groups: &mut Vec<Vec<Piece<'a>>>) {
    let total: u128 = run.iter().map(|piece| u128::from(piece.bytes)).sum();
    let tasks = total.div_ceil(u128::from(target.max(1))).max(1);
    let mut before: u128 = 0;
    let mut current = None;
    for piece in run {
        let middle = 2 * before + u128::from(piece.bytes);
        let task = middle * tasks / (2 * total).max(1);
        before += u128::from(piece.bytes);
        match groups.last_mut().filter(|_| current == Some(task)) {
            Some(group) => group.push(piece),
            None => groups.push(vec![piece]),
        }
        current = Some(task);
    }
}

#[cfg(test)]
#[path = "share_tests.rs"]
mod tests;
