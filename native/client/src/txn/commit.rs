//! Commit: the primary, which decides, and keys after it.
//!
//! ```text
//! KvCommit(primary, commit_ts) -> done                              committed
//!                              -> CommitTsExpired                   not committed, and never at this commit_ts: a newer one
//!                              -> any other key error               ask the primary
//!                              -> region error                      not executed: again
//!                              -> lost reply, undetermined result   ask the primary: committed | rolled back | locked: again, same commit_ts
//! ```

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ti_proto::kvrpcpb::{CommitRequest, CommitResponse};

use super::batch::{self, Batched, Limits, Origin};
use super::options::BatchOptions;
use super::outcome::{self, Outcome};
use super::TxnInfo;
use crate::backoff::Backoffer;
use crate::error::{ClientError, ClientErrorKind, Result};
use crate::lock::describe;
use crate::region::send::KnownLocks;

/// Bytes of keys in one request, far below the 8 MiB that a Raft entry may have.
const REQUEST_BYTES: usize = 512 << 10;

/// A commit is not tried again with less time than this left: its answer would be missed, and a transaction that is surely not committed
/// would become one of which nobody knows.
const TRY_MIN: Duration = Duration::from_millis(500);

/// What became of a commit of the primary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Primary {
    /// Done, now or before.
    Committed { commit_ts: u64 },
    /// Somebody rolled it back.
    RolledBack,
    /// A reader has pushed the commit past itself: this timestamp can never succeed.
    Expired { min_commit_ts: u64 },
}

/// A commit of the primary that ended with neither.
pub(super) struct Failure {
    pub(super) error: ClientError,
    /// Whether it may be committed all the same.
    pub(super) undetermined: bool,
}

/// Commits the primary at `commit_ts`. `unanswered`: a former request with this very `commit_ts` was never answered. Once a request was
/// not answered, only an answer of the store about the transaction settles it; region errors after it do not.
pub(super) async fn primary(
    origin: &Origin,
    bo: &mut Backoffer,
    info: &TxnInfo,
    commit_ts: u64,
    unanswered: bool,
) -> Result<Primary, Failure> {
    let mut undetermined = unanswered;
    for tries in 0u32.. {
        if tries > 0 && bo.remaining() < TRY_MIN {
            break;
        }
        if undetermined {
            match outcome::ask(origin, bo, info).await {
                Ok(Outcome::Committed(commit_ts)) => return Ok(Primary::Committed { commit_ts }),
                Ok(Outcome::RolledBack) => return Ok(Primary::RolledBack),
                // The request may still be on its way, so the same timestamp again.
                Ok(Outcome::Locked) => {}
                Err(error) => return Err(Failure { error, undetermined }),
            }
        }
        let region = match origin.regions.locate_key(bo, &info.primary).await {
            Ok(region) => region,
            Err(error) => return Err(Failure { error, undetermined }),
        };
        let request = CommitRequest {
            context: None,
            start_version: info.start_ts,
            keys: vec![info.primary.clone()],
            commit_version: commit_ts,
        };
        let before = bo.unanswered();
        let sent = origin.regions.send(bo, &region, request, &KnownLocks::default()).await;
        undetermined |= bo.unanswered() > before;
        let error = match sent {
            Err(error) => return Err(Failure { error, undetermined }),
            Ok(None) => continue,
            Ok(Some(response)) => match response.error {
                None => return Ok(Primary::Committed { commit_ts }),
                Some(error) => error,
            },
        };
        if let Some(expired) = error.commit_ts_expired {
            // min_commit_ts never falls, so former requests with this timestamp cannot succeed any more either.
            return Ok(Primary::Expired {
                min_commit_ts: expired.min_commit_ts,
            });
        }
        return match outcome::ask(origin, bo, info).await {
            Ok(Outcome::Committed(commit_ts)) => Ok(Primary::Committed { commit_ts }),
            Ok(Outcome::RolledBack) => Ok(Primary::RolledBack),
            Ok(Outcome::Locked) => Err(Failure {
                error: ClientError::new(
                    ClientErrorKind::Protocol,
                    format!(
                        "a store refuses to commit the primary of transaction {}, which is locked: {}",
                        info.start_ts,
                        describe(&error)
                    ),
                ),
                undetermined,
            }),
            Err(error) => Err(Failure { error, undetermined }),
        };
    }
    Err(Failure {
        error: bo.deadline_error(),
        undetermined,
    })
}

struct CommitKeys {
    info: TxnInfo,
    commit_ts: u64,
}

impl Batched for CommitKeys {
    type Item = Bytes;
    type Request = CommitRequest;
    type Output = usize;
    const OPERATION: &'static str = "committing keys";

    fn request(&self, items: &[Bytes]) -> CommitRequest {
        CommitRequest {
            context: None,
            start_version: self.info.start_ts,
            keys: items.to_vec(),
            commit_version: self.commit_ts,
        }
    }

    async fn answer(
        &self,
        _bo: &mut Backoffer,
        items: &[Bytes],
        _sent: KnownLocks,
        response: CommitResponse,
    ) -> Result<Option<usize>> {
        let Some(error) = response.error else {
            return Ok(Some(items.len()));
        };
        // The primary is committed, so every key that was prewritten is locked or committed. One that is not was never prewritten, or was
        // rolled back against the protocol.
        let fault = ClientError::new(
            ClientErrorKind::Lock,
            format!(
                "transaction {} is committed at {}, but a store refuses to commit a key of it: {}. Check the table with ADMIN CHECK TABLE.",
                self.info.start_ts,
                self.commit_ts,
                describe(&error)
            ),
        );
        let key = error
            .txn_lock_not_found
            .map(|missing| missing.key)
            .or_else(|| error.commit_ts_expired.map(|expired| expired.key));
        Err(match key {
            Some(key) if !key.is_empty() => fault.with_key(key),
            _ => fault,
        })
    }
}

/// Commits keys of a transaction whose primary is committed at `commit_ts`. Keys that are committed already are no error.
pub(super) async fn keys(
    origin: &Origin,
    info: &TxnInfo,
    commit_ts: u64,
    mut keys: Vec<Bytes>,
    options: &BatchOptions,
) -> Result<u64> {
    keys.sort_unstable();
    keys.dedup();
    keys.retain(|key| *key != info.primary);
    let work = CommitKeys {
        info: info.clone(),
        commit_ts,
    };
    let limits = Limits {
        bytes: REQUEST_BYTES,
        items: options.request_keys,
        concurrency: options.concurrency,
        deadline: options.deadline,
    };
    let mut done = 0;
    batch::run(origin, Arc::new(work), keys, limits, |n| done += n as u64).await?;
    Ok(done)
}
