package io.tidbspark.jni;

/** A connection to one cluster: region cache, channels and timestamps. Shared by all scans of the JVM. */
public final class NativeSession extends NativeHandle {
    private NativeSession(long address) {
        super("native session", address, NativeSession::close);
    }

    /**
     * Connects; answers within the configuration's connect time-out.
     *
     * @param sessionConfig {@code plan.SessionConfig}
     */
    public static NativeSession connect(byte[] sessionConfig) {
        return new NativeSession(open(sessionConfig));
    }

    /** A fresh timestamp of PD (TSO). */
    public long timestamp() {
        return use(NativeSession::timestamp);
    }

    /** Identity of the cluster, as PD has it; the bits of an unsigned number. Asks nobody. */
    public long clusterId() {
        return use(NativeSession::clusterId);
    }

    <T> T call(java.util.function.LongFunction<T> call) {
        return use(call);
    }

    private static native long open(byte[] sessionConfig);

    private static native long timestamp(long session);

    private static native long clusterId(long session);

    private static native void close(long session);
}
