//! What became of a transaction, by its primary.

use ti_proto::kvrpcpb::{CheckTxnStatusRequest, CheckTxnStatusResponse, KeyError};

use super::batch::Origin;
use super::TxnInfo;
use crate::backoff::Backoffer;
use crate::error::{ClientError, ClientErrorKind, Result};
use crate::lock::describe;
use crate::region::send::KnownLocks;

/// What became of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Its primary is locked: it may be committed or rolled back.
    Locked,
    /// It is committed at this timestamp.
    Committed(u64),
    /// It is rolled back and can never be committed.
    RolledBack,
}

/// Answer of the primary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Known(Outcome),
    /// Neither lock nor record.
    Missing,
}

/// How the primary is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Question {
    /// Changes nothing.
    Look,
    /// A primary without lock and record is rolled back, so that a prewrite that is still under way cannot lock it.
    LookAndSeal,
    /// Rolls back unless it is committed.
    RollBack,
}

/// Asks the primary, which must have been prewritten. Changes nothing that is not decided: a primary without lock and record was rolled
/// back (records of optimistic rollbacks may be dropped by later ones), which is then written down.
pub(super) async fn ask(origin: &Origin, bo: &mut Backoffer, info: &TxnInfo) -> Result<Outcome> {
    match send(origin, bo, info, Question::Look).await? {
        Answer::Known(outcome) => return Ok(outcome),
        Answer::Missing => {}
    }
    // The record of a commit may be missing only if GC has passed it. Our service safe point stands against that; it may have run out.
    let safe_point = origin.regions.pd.gc_safe_point(bo).await?;
    if safe_point > info.start_ts {
        return Err(ClientError::new(
            ClientErrorKind::GcSafePoint,
            format!(
                "garbage collection (at {safe_point}) has passed transaction {}, and its primary has no record any more",
                info.start_ts
            ),
        ));
    }
    match send(origin, bo, info, Question::LookAndSeal).await? {
        Answer::Known(outcome) => Ok(outcome),
        Answer::Missing => Err(protocol(info, "no record after one was written")),
    }
}

/// Rolls the primary back unless the transaction is committed, in one step: the store looks and decides under one latch, so this can
/// never undo a commit. (BatchRollback does the same on TiKV; this one also tells the timestamp of a commit.) Returns what is true now.
pub(super) async fn roll_back(origin: &Origin, bo: &mut Backoffer, info: &TxnInfo) -> Result<Outcome> {
    match send(origin, bo, info, Question::RollBack).await? {
        Answer::Known(Outcome::Locked) => Err(protocol(info, "its lock stays after a rollback")),
        Answer::Known(outcome) => Ok(outcome),
        Answer::Missing => Err(protocol(info, "no record after one was written")),
    }
}

async fn send(origin: &Origin, bo: &mut Backoffer, info: &TxnInfo, question: Question) -> Result<Answer> {
    let request = CheckTxnStatusRequest {
        context: None,
        primary_key: info.primary.to_vec(),
        lock_ts: info.start_ts,
        // 0: min_commit_ts is not pushed.
        caller_start_ts: 0,
        // At 0 no lock is too old, at the end of time every one is.
        current_ts: if question == Question::RollBack { u64::MAX } else { 0 },
        rollback_if_not_exist: question != Question::Look,
        force_sync_commit: false,
        resolving_pessimistic_lock: false,
        verify_is_primary: true,
    };
    let response = origin
        .regions
        .send_to_key(bo, &info.primary, request, &KnownLocks::default())
        .await?;
    interpret(info, response)
}

fn interpret(info: &TxnInfo, response: CheckTxnStatusResponse) -> Result<Answer> {
    if let Some(error) = response.error {
        return match error {
            KeyError {
                txn_not_found: Some(_), ..
            } => Ok(Answer::Missing),
            other => Err(protocol(info, &describe(&other))),
        };
    }
    let outcome = if response.commit_version > 0 {
        Outcome::Committed(response.commit_version)
    } else if response.lock_ttl > 0 || response.lock_info.is_some() {
        Outcome::Locked
    } else {
        Outcome::RolledBack
    };
    Ok(Answer::Known(outcome))
}

fn protocol(info: &TxnInfo, what: &str) -> ClientError {
    ClientError::new(
        ClientErrorKind::Protocol,
        format!("the primary of transaction {} answers: {what}", info.start_ts),
    )
}

#[cfg(test)]
#[path = "outcome_tests.rs"]
mod tests;
