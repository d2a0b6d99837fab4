//! How far a write has come, and what may follow.
//!
//! ```text
//! Open ──commit──> Committed                       commit again: the same answer; abort: nothing
//!   │  └─fails───> Failed ──abort──> Aborted       (the primary is certainly not committed)
//!   │  └─unknown─> Unknown ─commit again, abort: the primary is asked first
//!   └──abort─────> Aborted
//! ```
//! Spark calls abort also when commit has thrown, so abort must not believe that nothing happened.

use ti_client::ClientErrorKind;
use ti_proto::plan::WriteResult;

use crate::error::{Error, ErrorKind};

/// How far a write has come.
#[derive(Debug, Clone, PartialEq)]
pub enum JobState {
    /// Tasks may write.
    Open,
    /// Done: the rows are visible.
    Committed(WriteResult),
    /// The commit failed before the primary was committed: only an abort can follow.
    Failed(FailedCommit),
    /// A commit was sent, and nobody knows.
    Unknown(FailedCommit),
    /// Rolled back.
    Aborted,
}

/// Why a commit failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedCommit {
    /// Kind of the error.
    pub kind: ErrorKind,
    /// Its message.
    pub message: String,
}

impl FailedCommit {
    /// The error again.
    pub fn error(&self) -> Error {
        Error::new(self.kind, self.message.clone())
    }
}

/// What a call of commit has to do.
#[derive(Debug, Clone, PartialEq)]
pub enum CommitStep {
    /// Everything.
    Run,
    /// Ask the primary, and go on from there.
    Settle,
    /// Answer this.
    Answer(WriteResult),
}

/// What a call of abort has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AbortStep {
    /// Roll back.
    RollBack,
    /// Ask the primary first.
    Settle,
    /// Nothing.
    Nothing,
}

impl JobState {
    /// What a call of commit has to do.
    ///
    /// # Errors
    /// The reason why it cannot be committed any more.
    pub fn commit(&self) -> Result<CommitStep, Error> {
        match self {
            Self::Open => Ok(CommitStep::Run),
            Self::Unknown(_) => Ok(CommitStep::Settle),
            Self::Committed(result) => Ok(CommitStep::Answer(*result)),
            Self::Failed(failed) => Err(failed.error()),
            Self::Aborted => Err(Error::new(
                ErrorKind::TransactionLost,
                "the write was aborted: nothing of it is kept",
            )),
        }
    }

    /// What a call of abort has to do.
    pub fn abort(&self) -> AbortStep {
        match self {
            Self::Open | Self::Failed(_) => AbortStep::RollBack,
            Self::Unknown(_) => AbortStep::Settle,
            Self::Committed(_) | Self::Aborted => AbortStep::Nothing,
        }
    }

    /// The state after a commit that failed.
    pub fn after_failure(error: &Error) -> Self {
        let failed = FailedCommit {
            kind: error.kind,
            message: error.message.clone(),
        };
        match error.kind {
            ErrorKind::CommitUnknown => Self::Unknown(failed),
            _ => Self::Failed(failed),
        }
    }

    /// The state after a rollback was refused.
    pub fn after_refused_rollback(&self, kind: ClientErrorKind) -> Self {
        match kind {
            ClientErrorKind::TxnCommitted => Self::Committed(WriteResult::default()),
            _ => self.clone(),
        }
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
