package io.tidbspark.jni;

/** Turns what Spark wants to read into partitions. */
public final class NativePlanner {
    private NativePlanner() {}

    /** {@code plan.ScanSpec -> plan.ScanPlan}; asks PD for a timestamp (unless given) and for regions. */
    public static byte[] plan(NativeSession session, byte[] scanSpec) {
        return session.call(address -> plan(address, scanSpec));
    }

    private static native byte[] plan(long session, byte[] scanSpec);
}
