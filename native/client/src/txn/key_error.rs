//! What the key errors of a write mean. No I/O.
//!
//! Of several errors in one answer the one that says most wins: a key that exists, then a conflict or a lost transaction, then
//! assertions (which also fail as a consequence of the others); locks are only looked at when there is nothing else.

use ti_proto::kvrpcpb::{self, write_conflict, KeyError, LockInfo};

use crate::error::{ClientError, ClientErrorKind, Result};
use crate::lock::describe;

/// The locks of other transactions that a prewrite has met; an error if there is anything worse.
pub(super) fn of_prewrite(start_ts: u64, errors: Vec<KeyError>) -> Result<Vec<LockInfo>> {
    let mut worst: Option<(u8, ClientError)> = None;
    let mut locks = Vec::new();
    for error in errors {
        let (rank, error) = match error {
            KeyError { locked: Some(lock), .. } if lock.lock_version == start_ts => (
                4,
                ClientError::new(
                    ClientErrorKind::InvalidArgument,
                    format!("transaction {start_ts} meets a lock of its own that is no prewrite: something else uses its start timestamp"),
                )
                .with_key(lock.key),
            ),
            KeyError { locked: Some(lock), .. } => {
                locks.push(lock);
                continue;
            }
            other => one(start_ts, other),
        };
        if worst.as_ref().is_none_or(|(least, _)| rank < *least) {
            worst = Some((rank, error));
        }
    }
    match worst {
        Some((_, error)) => Err(error),
        None => Ok(locks),
    }
}

/// Rank (lower says more) and meaning of an error that is not a lock.
fn one(start_ts: u64, error: KeyError) -> (u8, ClientError) {
    if let Some(exists) = error.already_exist {
        return (0, key_exists(exists.key));
    }
    if let Some(conflict) = error.conflict {
        return (1, write_conflict(start_ts, conflict));
    }
    if error.txn_not_found.is_some() || error.txn_lock_not_found.is_some() || error.retryable.contains("rollback") {
        return (1, aborted(start_ts));
    }
    if let Some(failed) = error.assertion_failed {
        return (3, assertion_failed(start_ts, failed));
    }
    if error.retryable.is_empty() {
        let what = describe(&error);
        return (
            2,
            ClientError::new(
                ClientErrorKind::Protocol,
                format!("a store refuses a prewrite of transaction {start_ts}: {what}"),
            ),
        );
    }
    let text = format!("a store asks to run transaction {start_ts} again with a new start timestamp");
    (2, ClientError::new(ClientErrorKind::WriteConflict, text))
}

pub(super) fn key_exists(key: impl Into<bytes::Bytes>) -> ClientError {
    ClientError::new(ClientErrorKind::KeyExists, "a key that is inserted exists already").with_key(key)
}

fn write_conflict(start_ts: u64, conflict: kvrpcpb::WriteConflict) -> ClientError {
    let own = conflict.conflict_ts == start_ts;
    if conflict.reason() == write_conflict::Reason::SelfRolledBack || own && conflict.conflict_commit_ts <= start_ts {
        return aborted(start_ts).with_key(conflict.key);
    }
    if own {
        return committed(start_ts, conflict.conflict_commit_ts).with_key(conflict.key);
    }
    ClientError::new(
        ClientErrorKind::WriteConflict,
        format!(
            "transaction {} changed a key at {}, after transaction {start_ts} had begun: run the whole write again",
            conflict.conflict_ts, conflict.conflict_commit_ts
        ),
    )
    .with_key(conflict.key)
}

/// A transaction that is alive, has prewritten a key, and began later: if it commits there is a conflict. Waiting for it could be for
/// ever, since it may wait for us.
pub(crate) fn lock_conflict(start_ts: u64, lock: &LockInfo) -> ClientError {
    ClientError::new(
        ClientErrorKind::WriteConflict,
        format!(
            "transaction {}, which began after transaction {start_ts}, is writing the same key: run the whole write again",
            lock.lock_version
        ),
    )
    .with_key(lock.key.clone())
}

fn assertion_failed(start_ts: u64, failed: kvrpcpb::AssertionFailed) -> ClientError {
    let what = match failed.assertion() {
        kvrpcpb::Assertion::Exist => "does not exist and should",
        _ => "exists and should not",
    };
    ClientError::new(
        ClientErrorKind::AssertionFailed,
        format!(
            "transaction {start_ts} meets a key that {what} (written by transaction {} at {}): the schema has changed, or rows and index entries of the table do \
             not belong together (ADMIN CHECK TABLE tells)",
            failed.existing_start_ts, failed.existing_commit_ts
        ),
    )
    .with_key(failed.key)
}

/// The transaction is rolled back.
pub(super) fn aborted(start_ts: u64) -> ClientError {
    ClientError::new(
        ClientErrorKind::TxnAborted,
        format!(
            "transaction {start_ts} was rolled back and nothing of it is visible: its owner gave up, or its locks outlived their time because no heartbeat \
             reached the cluster. Run the whole write again."
        ),
    )
}

/// The transaction is committed.
pub(super) fn committed(start_ts: u64, commit_ts: u64) -> ClientError {
    ClientError::new(
        ClientErrorKind::TxnCommitted,
        format!("transaction {start_ts} is committed at {commit_ts} already"),
    )
}

/// Nobody knows. The only message with a key: whoever looks after it has to ask the primary.
pub(super) fn undetermined(start_ts: u64, primary: &[u8], commit_ts: u64, cause: &ClientError) -> ClientError {
    let hex: String = primary.iter().map(|byte| format!("{byte:02x}")).collect();
    ClientError::new(
        ClientErrorKind::Undetermined,
        format!(
            "whether transaction {start_ts} is committed (at {commit_ts}) is not known: its commit was sent, and the cluster gave no answer that tells. It was not rolled \
             back. Its primary {hex} knows (TiDB: GET /mvcc/hex/{hex}); do not run the write again before you know. Cause: {}",
            cause.message()
        ),
    )
}

#[cfg(test)]
#[path = "key_error_tests.rs"]
mod tests;
