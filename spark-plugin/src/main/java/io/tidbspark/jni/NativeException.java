package io.tidbspark.jni;

import java.util.Objects;

/** The one exception that crosses the border. The native library constructs it with the three-argument constructor. */
public final class NativeException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final String kindName;
    private final boolean retryable;

    /**
     * @param kindName name of an {@link ErrorKind}
     * @param message what happened and what to do about it
     * @param retryable whether the same operation may succeed when it is started again
     */
    public NativeException(String kindName, String message, boolean retryable) {
        this(kindName, message, retryable, null);
    }

    NativeException(ErrorKind kind, String message, Throwable cause) {
        this(kind.name(), message, false, cause);
    }

    private NativeException(String kindName, String message, boolean retryable, Throwable cause) {
        super(message, cause);
        this.kindName = Objects.requireNonNull(kindName, "kindName");
        this.retryable = retryable;
    }

    public ErrorKind kind() {
        return ErrorKind.of(kindName);
    }

    /** The kind as the native library spelled it, also when {@link #kind()} is {@link ErrorKind#Other}. */
    public String kindName() {
        return kindName;
    }

    public boolean retryable() {
        return retryable;
    }
}
