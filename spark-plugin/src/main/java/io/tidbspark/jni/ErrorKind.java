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
    /** A setting that cannot work, such as no PD address. */
    InvalidConfig,
    /** Certificates: a file that cannot be read, or a handshake that failed. */
    Tls,
    PdUnreachable,
    StoreUnreachable,
    /** PD or a store belongs to another cluster than the one connected to. */
    ClusterMismatch,
    /** The overall deadline of the operation passed. */
    Deadline,
    /** Region errors until the back-off gave up. */
    Region,
    /** A lock that could not be resolved. */
    Lock,
    /** The store's coprocessor answered with an error of its own. */
    Coprocessor,
    /** The snapshot is older than the GC safe point. */
    GcSafePoint,
    /** An answer that breaks the protocol. */
    Protocol,
    /** The scan was cancelled by its owner. */
    Cancelled,
    NoSuchDatabase,
    NoSuchTable,
    NoSuchColumn,
    /** A type, table kind or feature that cannot be served. */
    Unsupported,
    /** A read timestamp in the future, or one that does not fit. */
    InvalidTimestamp,
    /** The schema moved since the statement was analysed. */
    SchemaChanged,
    /** The JVM sent a request that the library does not accept. */
    InvalidRequest,
    /** Bytes of the store that do not decode. */
    Codec,
    /** The scan's memory limit is too small for one answer. */
    Memory,
    /** A defect of the library, caught at the border. */
    Internal,
    /** Jar and library come from different builds. */
    BuildMismatch,
    /** The jar has no library for this platform. */
    LibraryMissing,
    /** The library is there and cannot be loaded. */
    LibraryLoad,
    /** A handle was used after it was closed. */
    Closed,
    /** A kind that this version does not know. */
    Other;

    private static final Map<String, ErrorKind> BY_NAME =
        Stream.of(values()).collect(Collectors.toUnmodifiableMap(ErrorKind::name, kind -> kind));

    /** The kind of that name, {@link #Other} for a name that is not known. */
    public static ErrorKind of(String name) {
        return BY_NAME.getOrDefault(name, Other);
    }
}
