//! Transactions that many processes write: two-phase commit in the manner of Percolator, as TiKV runs it.
//!
//! ```text
//! owner         Client::begin: start_ts, service safe point, primary locked, heartbeat ..... Transaction
//! participants  Client::prewrite(TxnInfo, mutations): batch -> region -> store, in parallel
//! owner         Transaction::commit: commit_ts -> check -> primary      (state: what may follow; outcome: ask the primary)
//! anybody       Client::commit_keys, Client::resolve_ranges: the other locks
//! owner         Transaction::rollback: primary; then Client::resolve_ranges(start_ts, 0, ..)
//! anybody       Client::settle: what an owner that is gone has left
//! ```
//!
//! Four rules of the stores that all this respects:
//! 1. a key that is prewritten again with the same start_ts keeps its first value, and the answer is success;
//! 2. once the primary is committed every lock of that start_ts will be, whoever wrote it;
//! 3. a key that was rolled back can never be prewritten again with that start_ts;
//! 4. a commit without an answer is neither done nor undone until the primary has been asked.

mod batch;
mod commit;
mod heartbeat;
mod key_error;
mod locks;
mod meta;
mod mutation;
mod options;
mod outcome;
mod prewrite;
mod ranges;
mod read;
mod resolve;
mod settle;
mod state;
mod transaction;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ti_proto::kvrpcpb::LockInfo;

pub use mutation::{Assertion, Mutation, MutationOp};
pub use options::{AssertionLevel, BatchOptions, PrewriteOptions, TxnOptions};
pub use outcome::Outcome;
pub use settle::Settlement;
pub use state::TxnState;
pub use transaction::{CommitOutcome, Transaction};

use self::batch::Origin;
pub(crate) use self::key_error::lock_conflict;
use crate::client::Client;
use crate::error::{ClientError, ClientErrorKind, Result};
use crate::region::KeyRange;
use crate::stats::{CopStats, ReadStats};

/// What every participant of a transaction needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TxnInfo {
    /// Its snapshot, and its name: no other transaction of the cluster has it.
    pub start_ts: u64,
    /// Raw key whose lock decides for all.
    pub primary: Bytes,
}

impl TxnInfo {
    fn check(&self) -> Result<()> {
        if self.start_ts == 0 || self.primary.is_empty() {
            return Err(ClientError::new(
                ClientErrorKind::InvalidArgument,
                "a transaction has a start timestamp and a primary key",
            ));
        }
        Ok(())
    }
}

/// What a prewrite has cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PrewriteStats {
    /// Mutations prewritten.
    pub keys: u64,
    /// Bytes of their keys and values.
    pub bytes: u64,
    /// Requests sent to stores, retries and lock resolution included.
    pub requests: u64,
    /// Region errors answered by stores.
    pub region_errors: u64,
    /// Locks of other transactions met.
    pub locks_met: u64,
    /// Nanoseconds waited between tries, summed over the requests in flight.
    pub backoff_nanos: u64,
    /// Nanoseconds from sending a request to its answer, summed over the requests in flight.
    pub request_nanos: u64,
}

impl Client {
    /// Begins a transaction: takes a start timestamp unless the options give one, holds GC below it, locks the primary, a key without a value that `primary` makes
    /// from the start timestamp ([`ClientErrorKind::KeyExists`] if it has one, [`ClientErrorKind::WriteConflict`] if somebody is writing it:
    /// choose another), and keeps the lock alive until the transaction ends.
    pub async fn begin(
        self: &Arc<Self>,
        primary: impl FnOnce(u64) -> Bytes,
        options: TxnOptions,
    ) -> Result<Transaction> {
        Transaction::begin(self.clone(), primary, options).await
    }

    /// Prewrites mutations, sorted by key without duplicates, many requests at once. May be called by any process that knows `info`, and
    /// again with the same mutations. Errors with a key ([`ClientError::key`]): KeyExists, WriteConflict, AssertionFailed; without or
    /// with one: TxnAborted, TxnCommitted. After an error, or when the future is dropped, any part of the mutations may be prewritten.
    pub async fn prewrite(
        &self,
        info: &TxnInfo,
        mutations: Vec<Mutation>,
        options: &PrewriteOptions,
    ) -> Result<PrewriteStats> {
        info.check()?;
        let origin = self.origin();
        let (keys, bytes) = prewrite::run(&origin, self.resolver.clone(), info, mutations, options).await?;
        let CopStats {
            requests,
            region_errors,
            locks_met,
            backoff_nanos,
            request_nanos,
            ..
        } = origin.stats.snapshot();
        Ok(PrewriteStats {
            keys,
            bytes,
            requests,
            region_errors,
            locks_met,
            backoff_nanos,
            request_nanos,
        })
    }

    /// Commits keys, in any order, of a transaction whose primary is committed at `commit_ts`: never before. Keys that are committed
    /// already are no error. Returns how many keys were taken (the primary and duplicates are left out).
    pub async fn commit_keys(
        &self,
        info: &TxnInfo,
        commit_ts: u64,
        keys: Vec<Bytes>,
        options: &BatchOptions,
    ) -> Result<u64> {
        info.check()?;
        commit::keys(&self.origin(), info, commit_ts, keys, options).await
    }

    /// Ends every lock of the transaction in the regions of `ranges`: commits it at `commit_ts`, at which the primary must be committed, or
    /// rolls it back (0), which the primary must be. One request per region.
    pub async fn resolve_ranges(
        &self,
        start_ts: u64,
        commit_ts: u64,
        ranges: Vec<KeyRange>,
        options: &BatchOptions,
    ) -> Result<()> {
        resolve::run(&self.origin(), start_ts, commit_ts, ranges, options).await
    }

    /// Gives every key in `ranges` that is locked by `start_ts` to `sink`: in key order inside a page, pages in any order. Keys that are
    /// locked or unlocked meanwhile may be seen or not; each is seen once at most.
    pub async fn scan_locks(
        &self,
        start_ts: u64,
        ranges: Vec<KeyRange>,
        options: &BatchOptions,
        mut sink: impl FnMut(Vec<Bytes>),
    ) -> Result<()> {
        let keys = |page: Vec<LockInfo>| sink(page.into_iter().map(|lock| lock.key.into()).collect());
        locks::run(&self.origin(), start_ts, ranges, options, keys).await
    }

    /// Finds out what became of a transaction that has left locks in `ranges`, and ends them if it is over: they are committed or rolled
    /// back as its primary is. One whose time to live is over is rolled back by this, as by everybody who meets its locks; one that
    /// lives is left alone.
    pub async fn settle(&self, start_ts: u64, ranges: Vec<KeyRange>, options: &BatchOptions) -> Result<Settlement> {
        settle::run(&self.origin(), &self.resolver, start_ts, ranges, options).await
    }

    /// The pairs of `keys` that have a value at `ts`, in any order. What the transactions `committed_locks` have prewritten is read as if
    /// it was committed: with the own start_ts, and a fresh `ts`, a transaction reads its own locks.
    pub async fn batch_get(
        &self,
        ts: u64,
        keys: Vec<Bytes>,
        committed_locks: &[u64],
        options: &BatchOptions,
    ) -> Result<Vec<(Bytes, Bytes)>> {
        read::run(
            &self.origin(),
            self.resolver.clone(),
            ts,
            keys,
            committed_locks,
            options,
        )
        .await
    }

    /// Changes the value of one key (a field of TiDB's metadata) in a transaction of its own, again and again while others change it too.
    /// `change` gets the old value and gives the new one, or `None` to leave it; what it returned last is what was written.
    /// [`ClientErrorKind::Undetermined`]: it may have been written (ids that were taken are then simply not used).
    pub async fn increment_meta<E, F>(&self, key: Bytes, deadline: Duration, change: F) -> Result<(), E>
    where
        E: From<ClientError>,
        F: FnMut(Option<&[u8]>) -> Result<Option<Vec<u8>>, E>,
    {
        meta::update(self, key, deadline, change).await
    }

    /// Where requests of one operation come from, with counters of its own.
    fn origin(&self) -> Origin {
        Origin {
            regions: self.regions.clone(),
            runtime: self.runtime.clone(),
            stats: Arc::new(ReadStats::default()),
        }
    }
}
