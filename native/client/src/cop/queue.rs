//! Regions that no worker has taken yet, in key order.
//!
//! The order is what keeps a stream alive whose memory is used up. A worker takes the first ranges in key order that nobody has, so when all
//! pages before one have been read, that one is some worker's or the next to be taken; and a worker that the reader waits for
//! runs in any case. Were a later region ahead of an earlier one (two regions were split, and the parts came back as the splits were met), all
//! workers could hold later pages, wait for memory that pages before the reader's next one hold, and never get to it.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::region::route::RegionRanges;

/// Tasks by the key at which they begin.
#[derive(Default)]
pub(super) struct Queue {
    tasks: BTreeMap<Bytes, RegionRanges>,
}

impl Queue {
    /// Adds regions, or what a split has left of one to others. Ranges of tasks never overlap, and one without ranges is nothing to do.
    pub(super) fn extend(&mut self, tasks: impl IntoIterator<Item = RegionRanges>) {
        for (region, ranges) in tasks {
            if let Some(first) = ranges.first() {
                self.tasks.insert(first.start.clone(), (region, ranges));
            }
        }
    }

    /// The first task in key order.
    pub(super) fn take(&mut self) -> Option<RegionRanges> {
        self.tasks.pop_first().map(|(_, task)| task)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;
