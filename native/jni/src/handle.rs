//! Handles: what a Java `long` stands for.
//!
//! A handle is a number that is checked, never an address: kind (4 bits), generation (27 bits), slot + 1 (32 bits). Use after close, a second
//! close, a handle of another class and a made-up number are all answered with `Closed`. A slot is used again with the next generation.
//! Who looks a handle up gets a share of the object, so that closing it while another thread uses it is safe.

use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use ti_engine::{Error, ErrorKind, Result, Scan, Session, SnapshotGuard, WriteJob, Writer};

const SLOT_BITS: u32 = 32;
const GENERATION_BITS: u32 = 27;
const MAX_GENERATION: u64 = (1 << GENERATION_BITS) - 1;

/// Sessions.
pub static SESSIONS: LazyLock<HandleTable<Session>> = LazyLock::new(|| HandleTable::new(1, "session"));
/// Safe points.
pub static SAFE_POINTS: LazyLock<HandleTable<SnapshotGuard>> = LazyLock::new(|| HandleTable::new(5, "safe point"));
/// Scans.
pub static SCANS: LazyLock<HandleTable<Scan>> = LazyLock::new(|| HandleTable::new(2, "scan"));
/// Transactions.
pub static TRANSACTIONS: LazyLock<HandleTable<WriteJob>> = LazyLock::new(|| HandleTable::new(3, "transaction"));
/// Writers.
pub static WRITERS: LazyLock<HandleTable<Writer>> = LazyLock::new(|| HandleTable::new(4, "writer"));

struct Slot<T> {
    generation: u64,
    object: Option<Arc<T>>,
}

struct Slots<T> {
    slots: Vec<Slot<T>>,
    free: Vec<usize>,
}

/// Objects of one kind.
pub struct HandleTable<T> {
    kind: u64,
    name: &'static str,
    slots: Mutex<Slots<T>>,
}

impl<T> HandleTable<T> {
    /// `kind` is in 1..=7, so that a handle is never negative or 0.
    pub const fn new(kind: u64, name: &'static str) -> Self {
        Self {
            kind,
            name,
            slots: Mutex::new(Slots {
                slots: Vec::new(),
                free: Vec::new(),
            }),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Slots<T>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps an object until [`HandleTable::remove`].
    pub fn insert(&self, object: Arc<T>) -> Result<i64> {
        let mut table = self.lock();
        let slot = match table.free.pop() {
            Some(slot) => slot,
            None => {
                table.slots.push(Slot {
                    generation: 0,
                    object: None,
                });
                table.slots.len() - 1
            }
        };
        let full = || Error::new(ErrorKind::Internal, format!("there are too many open {}s", self.name));
        let number = u32::try_from(slot + 1).map_err(|_| full())?;
        let entry = table.slots.get_mut(slot).ok_or_else(full)?;
        entry.object = Some(object);
        let bits = self.kind << (SLOT_BITS + GENERATION_BITS) | entry.generation << SLOT_BITS | u64::from(number);
        i64::try_from(bits).map_err(|_| full())
    }

    /// The slot and generation that a handle names, when it is one of this table.
    fn decode(&self, handle: i64) -> Option<(usize, u64)> {
        let bits = u64::try_from(handle).ok()?;
        if bits >> (SLOT_BITS + GENERATION_BITS) != self.kind {
            return None;
        }
        let slot = usize::try_from(bits & u64::from(u32::MAX)).ok()?.checked_sub(1)?;
        Some((slot, bits >> SLOT_BITS & MAX_GENERATION))
    }

    fn closed(&self, handle: i64) -> Error {
        Error::new(
            ErrorKind::Closed,
            format!("{handle} is not an open {}: it was closed, or never opened", self.name),
        )
    }

    /// A share of the object.
    pub fn get(&self, handle: i64) -> Result<Arc<T>> {
        let found = self.decode(handle).and_then(|(slot, generation)| {
            let table = self.lock();
            let entry = table.slots.get(slot).filter(|entry| entry.generation == generation)?;
            entry.object.clone()
        });
        found.ok_or_else(|| self.closed(handle))
    }

    /// Ends the handle and gives the table's share of the object away.
    pub fn remove(&self, handle: i64) -> Result<Arc<T>> {
        let found = self.decode(handle).and_then(|(slot, generation)| {
            let mut table = self.lock();
            let entry = table
                .slots
                .get_mut(slot)
                .filter(|entry| entry.generation == generation)?;
            let object = entry.object.take()?;
            // A slot whose generations are used up is left unused, so that an old handle can never come alive again.
            if entry.generation < MAX_GENERATION {
                entry.generation += 1;
                table.free.push(slot);
            }
            Some(object)
        });
        found.ok_or_else(|| self.closed(handle))
    }

    /// Open handles.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.lock().slots.iter().filter(|slot| slot.object.is_some()).count()
    }
}

#[cfg(test)]
#[path = "handle_tests.rs"]
mod tests;
