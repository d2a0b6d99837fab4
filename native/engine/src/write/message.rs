//! How large the message of a task may be.
//!
//! The driver holds the messages of all tasks at once, and Spark counts them against `spark.driver.maxResultSize`. So what grows with the rows or
//! with the partitions of the table is bounded for all tasks together, and each may have its share:
//!
//! ```text
//! few_keys    keys by which a small write is committed at once       else: by region
//! displaced   keys of old rows that the driver deletes               else: the task deletes at once (see super::displaced)
//! ranges      where locks are, table by table and index by index     else: neighbours become one range
//! ```
//! The rest, hashes, counters and the cells of the sketch, has at most some 3 KiB, so that 10,000 messages fit in 100 MB.

/// All tasks' keys by which a small write is committed, bytes.
const FEW_KEYS_BYTES: usize = 8 << 20;
/// All tasks' keys of old rows, bytes.
const DISPLACED_BYTES: usize = 48 << 20;
/// All tasks' ranges, bytes.
const RANGES_BYTES: usize = 16 << 20;

/// One task's share, bytes of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageLimits {
    /// Keys that were prewritten.
    pub few_keys: usize,
    /// Keys of old rows and entries.
    pub displaced: usize,
    /// First and last keys of ranges.
    pub ranges: usize,
}

impl MessageLimits {
    /// For each of so many tasks.
    pub fn new(tasks: u32) -> Self {
        let share = |all: usize, most: usize| (all / usize::try_from(tasks.max(1)).unwrap_or(usize::MAX)).min(most);
        Self {
            few_keys: share(FEW_KEYS_BYTES, 16 << 10),
            displaced: share(DISPLACED_BYTES, 512 << 10),
            ranges: share(RANGES_BYTES, 64 << 10),
        }
    }
}

#[cfg(test)]
#[path = "message_tests.rs"]
mod tests;
