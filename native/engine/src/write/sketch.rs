//! Which keys were written twice, found without a list of keys.
//!
//! Every key falls by its hash into one cell: half of all keys into the cells of level 0, a quarter into those of level 1, and so on. A cell has the
//! number of its keys and the sum of their hashes modulo 2^128. Where what the tasks report exceeds what is locked by one key, however often it was
//! written, the excess of the sums is a multiple of that key's hash, and one more pass over the locks finds it. With one duplicate that is certain;
//! with many, some level has so few of them that a cell with a single one is there almost always. Nothing of it decides whether a write is right: that do the sums
//! over all keys ([`super::tally::Sums`]); this only gives the error a name.

use super::wire::WireCell;

/// Cells of one level.
const SLICES: usize = 4;
const SLICE_BITS: u32 = SLICES.trailing_zeros();
/// With 2^32 keys the last level still has few.
const LEVELS: usize = 32;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Cell {
    count: u64,
    keys: u128,
}

/// Counts of keys by cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sketch {
    cells: Vec<Cell>,
}

impl Default for Sketch {
    fn default() -> Self {
        Self {
            cells: vec![Cell::default(); SLICES * LEVELS],
        }
    }
}

fn position(hash: u128) -> usize {
    // Any bits are as good as others.
    let bits = (hash >> 64) as u64;
    let level = ((bits >> SLICE_BITS).trailing_zeros() as usize).min(LEVELS - 1);
    level * SLICES + (bits as usize) % SLICES
}

impl Sketch {
    /// Counts a key by its hash.
    pub fn add(&mut self, hash: u128) {
        if let Some(cell) = self.cells.get_mut(position(hash)) {
            cell.count = cell.count.saturating_add(1);
            cell.keys = cell.keys.wrapping_add(hash);
        }
    }

    /// Adds another one.
    pub fn merge(&mut self, other: &Sketch) {
        for (cell, more) in self.cells.iter_mut().zip(&other.cells) {
            cell.count = cell.count.saturating_add(more.count);
            cell.keys = cell.keys.wrapping_add(more.keys);
        }
    }

    /// For the wire: the cells that have keys.
    pub fn to_wire(&self) -> Vec<WireCell> {
        let cells = (0u32..).zip(&self.cells).filter(|(_, cell)| cell.count > 0);
        cells
            .map(|(position, cell)| WireCell {
                position,
                count: cell.count,
                keys: cell.keys.to_be_bytes().to_vec(),
            })
            .collect()
    }

    /// Adds cells of the wire; what is not of this shape is left out.
    pub fn merge_wire(&mut self, cells: &[WireCell]) {
        for more in cells {
            let keys = <[u8; 16]>::try_from(more.keys.as_slice()).map(u128::from_be_bytes);
            if let (Some(cell), Ok(keys)) = (self.cells.get_mut(more.position as usize), keys) {
                cell.count = cell.count.saturating_add(more.count);
                cell.keys = cell.keys.wrapping_add(keys);
            }
        }
    }

    /// What `self`, the reported keys, has beyond `locked`.
    pub fn excess(&self, locked: &Sketch) -> Excess {
        let cells = self.cells.iter().zip(&locked.cells).map(|(reported, locked)| Cell {
            count: reported.count.saturating_sub(locked.count),
            keys: reported.keys.wrapping_sub(locked.keys),
        });
        Excess { cells: cells.collect() }
    }
}

/// By how much the reported keys exceed the locked ones, cell by cell.
#[derive(Debug, Clone)]
pub struct Excess {
    cells: Vec<Cell>,
}

impl Excess {
    /// Is this key, by its hash, the only one of its cell that was written more than once?
    pub fn is(&self, hash: u128) -> bool {
        self.cells
            .get(position(hash))
            .is_some_and(|cell| cell.count > 0 && hash.wrapping_mul(u128::from(cell.count)) == cell.keys)
    }
}

#[cfg(test)]
#[path = "sketch_tests.rs"]
mod tests;
