//! Errors of the client: what kind, what happened to whom, what to do.
//!
//! Messages name addresses, region and store ids and timestamps. They never hold keys, values or contents of TLS files, with one
//! exception: an undetermined commit names its primary, which somebody has to ask. The key that an error is about is in [`ClientError::key`].

use std::fmt;

use bytes::Bytes;

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
    /// The caller broke a rule of the interface.
    InvalidArgument,
    /// An insert met a key that has a value. Has a key.
    KeyExists,
    /// Another transaction committed, or is about to commit, a key after this one began. Has a key. The whole transaction has to be run
    /// again with a new start timestamp.
    WriteConflict,
    /// A key exists that must not, or the other way round. Has a key.
    AssertionFailed,
    /// The transaction was rolled back, by somebody else or by its owner: nothing of it will ever be visible.
    TxnAborted,
    /// The transaction is committed already: the request came too late.
    TxnCommitted,
    /// Whether the transaction is committed cannot be found out. It must not be rolled back.
    Undetermined,
    /// One mutation alone is larger than a store takes. Has a key.
    MutationTooLarge,
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
    key: Option<Bytes>,
}

impl ClientError {
    /// An error that comes again when the same thing is tried again.
    pub fn new(kind: ClientErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            retryable: false,
            key: None,
        }
    }

    /// An error that may be gone when the same thing is tried later.
    pub fn retryable(kind: ClientErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            retryable: true,
            key: None,
        }
    }

    /// The same error, about `key` (raw).
    pub fn with_key(mut self, key: impl Into<Bytes>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// The raw key that the error is about.
    pub fn key(&self) -> Option<&Bytes> {
        self.key.as_ref()
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
