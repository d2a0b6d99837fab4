//! Errors of the engine: a kind, a message that says what to do, and whether the same call may succeed later.
//!
//! [`ErrorKind`] is the list that the JVM enum of the same name mirrors, and the source of the page of errors in the documentation.

use std::fmt;

use ti_client::{ClientError, ClientErrorKind};
use ti_codec::CodecError;

macro_rules! error_kinds {
    ($($(#[doc = $what:literal])+ $name:ident => $remedy:literal,)+) => {
        /// What went wrong. The names are part of the contract with the JVM.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ErrorKind {
            $($(#[doc = $what])+ $name,)+
        }

        impl ErrorKind {
            /// Every kind, in the order of the documentation.
            pub const ALL: &'static [ErrorKind] = &[$(ErrorKind::$name,)+];

            /// The name by which the JVM knows the kind.
            pub fn name(self) -> &'static str {
                match self {
                    $(ErrorKind::$name => stringify!($name),)+
                }
            }

            /// What happened, in a sentence.
            pub fn what(self) -> &'static str {
                match self {
                    $(ErrorKind::$name => concat!($($what,)+).trim_ascii(),)+
                }
            }

            /// What a user does about it, in a sentence.
            pub fn remedy(self) -> &'static str {
                match self {
                    $(ErrorKind::$name => $remedy,)+
                }
            }
        }
    };
}

error_kinds! {
    /// An option or argument has a value that is not allowed.
    InvalidArgument => "Correct the option that the message names.",
    /// A read timestamp is not a timestamp, does not fit 46 bits of milliseconds, or lies in the future.
    InvalidTimestamp => "Give milliseconds since 1970 (UTC) or a TSO that TiDB has already handed out.",
    /// A read timestamp lies below the GC safe point: versions it needs may be gone.
    GcSafePoint => "Read at a later timestamp, or keep history longer with tidb_gc_life_time.",
    /// PD or a store cannot be reached.
    Unavailable => "Check the addresses, the network between Spark and the cluster, and that the cluster is up.",
    /// The deadline of the read or of the connection passed.
    Timeout => "Look for an overloaded or failing store; raise deadline.read or request.timeout if the work is just long.",
    /// Certificates or the handshake are wrong.
    Tls => "Check the PEM files of tls.ca, tls.cert and tls.key and that the cluster uses TLS.",
    /// The PD endpoints belong to different clusters, or the cluster changed behind an address.
    ClusterMismatch => "List the endpoints of one cluster only, and start a new Spark session after the cluster was replaced.",
    /// The database does not exist at the timestamp read.
    NamespaceNotFound => "Check the name with SHOW NAMESPACES.",
    /// A database of that name exists already.
    NamespaceExists => "Choose another name, or write IF NOT EXISTS.",
    /// The table does not exist at the timestamp read.
    TableNotFound => "Check the name with SHOW TABLES.",
    /// A table of that name exists already.
    TableExists => "Choose another name, or write IF NOT EXISTS or CREATE OR REPLACE.",
    /// The column does not exist in the table as of the timestamp read.
    ColumnNotFound => "Check the name with DESCRIBE.",
    /// A column has a type that cannot be read.
    UnsupportedType => "Leave the column out of the query, or use the option that the message names.",
    /// The table or column uses a feature of TiDB that cannot be read from storage, or not be written to it.
    UnsupportedFeature => "Leave the object out of the query, or read and write it through TiDB.",
    /// A stored value cannot be shown under the chosen type options, or a value to be written does not fit its column.
    InvalidValue => "Use another type option, or correct the value that the message names.",
    /// Bytes of the cluster do not have the form they should have.
    Decode => "Report it with the message: either data is damaged or the connector does not know this format.",
    /// The coprocessor refused or failed the request.
    Coprocessor => "Read the message of the store; report it when the same query works in TiDB.",
    /// A row's key or unique index entry is taken, or two rows of the write have the same one.
    DuplicateKey => "Remove the duplicates, or write with upsert or ignore if that is what is meant.",
    /// Somebody else changed a row that the write touches after the write had begun.
    WriteConflict => "Run the write again: nothing of it has been kept.",
    /// The table's schema changed after the statement was analysed, or while the write was running.
    SchemaChanged => "Run the statement again, with a new data frame; nothing of a write has been kept.",
    /// The commit was sent, and no answer says whether it happened.
    CommitUnknown => "Ask with the procedure system.resolve_txn and the start_ts that the message names before writing again.",
    /// The transaction was rolled back by somebody else: its locks outlived their time to live, or garbage collection passed it.
    TransactionLost => "Run the write again; look for long pauses of the driver, and keep history longer with tidb_gc_life_time.",
    /// A task that ran again wrote other rows than its first attempt.
    NotDeterministic => "Persist the DataFrame (or write it to a table) before it is written, so that every attempt sees the same rows.",
    /// TiDB refuses the user, or the user may not do this.
    AccessDenied => "Check tidb.user and the password, and the user's privileges in TiDB (SHOW GRANTS).",
    /// TiDB refused a statement of DDL.
    Sql => "Read TiDB's own words, which are in the message.",
    /// The query was cancelled.
    Cancelled => "Nothing: it was asked for.",
    /// The native library and the jar were not built together.
    BuildMismatch => "Use the native library that is inside the jar; remove spark.tispark.native.library.",
    /// A session or scan was used after it was closed, or a handle is of another kind.
    Closed => "Report it: this is a defect of the connector.",
    /// The native library met a defect of its own; the JVM is unharmed.
    Panic => "Report it with the message and the steps.",
    /// Something that should not happen.
    Internal => "Report it with the message and the steps.",
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An error of the engine.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// What went wrong.
    pub kind: ErrorKind,
    /// What happened, with names and values, and what to do.
    pub message: String,
    /// The same call may succeed when it is made again later.
    pub retryable: bool,
}

/// Result of the engine.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error that the same call meets again.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            retryable: false,
        }
    }

    /// A caught panic. The text of the panic is kept: it says where to look.
    pub fn from_panic(place: &str, payload: &(dyn std::any::Any + Send)) -> Self {
        let text = payload
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
            .unwrap_or("no text");
        Self::new(
            ErrorKind::Panic,
            format!("{place} met a defect of the native library: {text}"),
        )
    }

    /// Says where the error was met, in front of the message.
    pub fn context(mut self, place: impl fmt::Display) -> Self {
        self.message = format!("{place}: {}", self.message);
        self
    }
}

impl From<ClientError> for Error {
    fn from(error: ClientError) -> Self {
        let kind = match error.kind {
            ClientErrorKind::InvalidConfig => ErrorKind::InvalidArgument,
            ClientErrorKind::Tls => ErrorKind::Tls,
            ClientErrorKind::PdUnreachable | ClientErrorKind::StoreUnreachable => ErrorKind::Unavailable,
            ClientErrorKind::ClusterMismatch => ErrorKind::ClusterMismatch,
            ClientErrorKind::Deadline => ErrorKind::Timeout,
            ClientErrorKind::Region | ClientErrorKind::Lock => ErrorKind::Unavailable,
            ClientErrorKind::Coprocessor => ErrorKind::Coprocessor,
            ClientErrorKind::GcSafePoint => ErrorKind::GcSafePoint,
            ClientErrorKind::Protocol => ErrorKind::Decode,
            ClientErrorKind::Cancelled => ErrorKind::Cancelled,
            ClientErrorKind::InvalidArgument => ErrorKind::Internal,
            ClientErrorKind::KeyExists => ErrorKind::DuplicateKey,
            ClientErrorKind::WriteConflict | ClientErrorKind::AssertionFailed => ErrorKind::WriteConflict,
            ClientErrorKind::TxnAborted => ErrorKind::TransactionLost,
            ClientErrorKind::TxnCommitted => ErrorKind::Internal,
            ClientErrorKind::Undetermined => ErrorKind::CommitUnknown,
            ClientErrorKind::MutationTooLarge => ErrorKind::InvalidValue,
        };
        Self {
            kind,
            retryable: error.is_retryable(),
            message: error.message().to_owned(),
        }
    }
}

impl From<CodecError> for Error {
    fn from(error: CodecError) -> Self {
        fn kind(error: &CodecError) -> ErrorKind {
            match error {
                CodecError::Column { source, .. } => kind(source),
                CodecError::Unrepresentable(_) | CodecError::Value(_) => ErrorKind::InvalidValue,
                CodecError::Unsupported(_) | CodecError::NotWritable { .. } => ErrorKind::UnsupportedType,
                CodecError::UnsupportedFeature(_) => ErrorKind::UnsupportedFeature,
                CodecError::Arrow(_) => ErrorKind::Internal,
                _ => ErrorKind::Decode,
            }
        }
        Self::new(kind(&error), error.to_string())
    }
}

impl From<prost::DecodeError> for Error {
    fn from(error: prost::DecodeError) -> Self {
        Self::new(ErrorKind::Decode, format!("a message cannot be decoded: {error}"))
    }
}
