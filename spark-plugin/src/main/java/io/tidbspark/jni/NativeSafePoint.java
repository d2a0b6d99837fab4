package io.tidbspark.jni;

/** Keeps garbage collection of a cluster away from one snapshot until it is closed; renewed by the native library meanwhile. */
public final class NativeSafePoint extends NativeHandle {
    private NativeSafePoint(long address) {
        super("safe point", address, NativeSafePoint::close);
    }

    /**
     * Registers it in PD. Fails when the snapshot is in the future, or older than what the cluster keeps.
     *
     * @param tso the snapshot
     */
    public static NativeSafePoint open(NativeSession session, long tso) {
        return new NativeSafePoint(session.call(address -> open(address, tso)));
    }

    private static native long open(long session, long tso);

    /** Does not wait for PD. */
    private static native void close(long safePoint);
}
