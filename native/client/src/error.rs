//! Errors of the client: what kind, what happened to whom, what to do.
//!
//! Messages name addresses, region and store ids and timestamps. They never hold keys, values or contents of TLS files.

use std::fmt;

/// What went wrong, for callers that decide by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClientErrorKind {
    /// The configuration contradicts itself or misses something.
    InvalidConfig,
    /// Certificates: unreadable, refused, or not trusted.
    Tls,
    /// No PD member answers.
    PdUnreachable,
    /// A store does not answer.
    StoreUnreachable,
    /// The addresses lead to different clusters, or the cluster behind them was replaced.
    ClusterMismatch,
    /// Retries took longer than the deadline of the operation.
    Deadline,
    /// A region refuses the request in a way that no retry heals.
    Region,
    /// A lock that cannot be resolved.
    Lock,
    /// The coprocessor ran the request and failed (`other_error`).
    Coprocessor,
    /// The GC safe point is past the timestamp.
    GcSafePoint,
    /// A server answered what its protocol does not allow.
    Protocol,
    /// The operation was given up by its owner.
    Cancelled,
}

impl fmt::Display for ClientErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// An error of PD, of a store, or of the way to them.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct ClientError {
    /// What went wrong.
    pub kind: ClientErrorKind,
    message: String,
    retryable: bool,
}

impl ClientError {
    /// An error that comes again when the same thing is tried again.
    pub fn new(kind: ClientErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            retryable: false,
        }
    }

    /// An error that may be gone when the same thing is tried later.
    pub fn retryable(kind: ClientErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            retryable: true,
        }
    }

    /// What happened and what to do.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Whether the same operation may succeed later.
    pub fn is_retryable(&self) -> bool {
        self.retryable
    }
}

/// Result of the client.
pub type Result<T, E = ClientError> = std::result::Result<T, E>;

/// The text of an error with all its causes, outermost first, without repetitions.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}
