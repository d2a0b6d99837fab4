package io.tidbspark.jni;

import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What went wrong below the border, as the native library names it ({@code ErrorKind} of the engine has the same names). The
 * library may learn new names before this class does: those are {@link #Other} here and keep their text in {@link
 * NativeException#kindName()}.
 */
public enum ErrorKind {
    /** An option or argument has a value that is not allowed. */
    InvalidArgument,
    /** A read timestamp is no timestamp, does not fit, or lies in the future. */
    InvalidTimestamp,
    /** The read timestamp lies below the GC safe point. */
    GcSafePoint,
    /** PD or a store cannot be reached. */
    Unavailable,
    /** The deadline of the read or of the connection passed. */
    Timeout,
    /** Certificates or the handshake are wrong. */
    Tls,
    /** PD or a store belongs to another cluster than the one connected to. */
    ClusterMismatch,
    NamespaceNotFound,
    NamespaceExists,
    TableNotFound,
    TableExists,
    ColumnNotFound,
    /** A column has a type that cannot be read. */
    UnsupportedType,
    /** The table or column uses a feature that cannot be read from storage, or not be written to it. */
    UnsupportedFeature,
    /** A stored value cannot be shown under the chosen type options, or a value to be written does not fit. */
    InvalidValue,
    /** Bytes of the cluster do not have the form they should have. */
    Decode,
    /** The coprocessor refused or failed the request. */
    Coprocessor,
    /** A key is taken, or two rows of the write have the same one. */
    DuplicateKey,
    /** Somebody else changed a row that the write touches. */
    WriteConflict,
    /** The table's schema changed while the write was running. */
    SchemaChanged,
    /** The commit was sent and no answer says whether it happened. */
    CommitUnknown,
    /** The transaction was rolled back by somebody else. */
    TransactionLost,
    /** A task that ran again wrote other rows than its first attempt. */
    NotDeterministic,
    /** TiDB refuses the user, or the user may not do this. */
    AccessDenied,
    /** TiDB refused a statement of DDL. */
    Sql,
    /** The scan or write was cancelled by its owner. */
    Cancelled,
    /** Jar and library come from different builds. */
    BuildMismatch,
    /** A handle was used after it was closed. */
    Closed,
    /** A defect of the library, caught at the border. */
    Panic,
    /** Something that should not happen. */
    Internal,

    // Only the JVM meets these.

    /** The jar has no library for this platform. */
    LibraryMissing,
    /** The library is there and cannot be loaded. */
    LibraryLoad,
    /** A kind that this version does not know. */
    Other;

    private static final Map<String, ErrorKind> BY_NAME =
        Stream.of(values()).collect(Collectors.toUnmodifiableMap(ErrorKind::name, kind -> kind));

    /** The kind of that name, {@link #Other} for a name that is not known. */
    public static ErrorKind of(String name) {
        return BY_NAME.getOrDefault(name, Other);
    }
}
