package io.tidbspark.jni;

/** Turns what Spark wants to read into partitions. */
public final class NativePlanner {
    private NativePlanner() {}

    /** {@code plan.ScanSpec -> plan.ScanPlan}; asks PD for a timestamp (unless given) and for regions. */
    public static byte[] plan(NativeSession session, byte[] scanSpec) {
        return session.call(address -> plan(address, scanSpec));
    }

    /** {@code plan.ScanSpec -> plan.ScanSupport}: what of the spec the stores can do. Reads system tables of TiDB once a session. */
    public static byte[] check(NativeSession session, byte[] scanSpec) {
        return session.call(address -> check(address, scanSpec));
    }

    /** {@code plan.ScanSpec -> plan.TableStatistics}: what TiDB's statistics say of what would be read. */
    public static byte[] statistics(NativeSession session, byte[] scanSpec) {
        return session.call(address -> statistics(address, scanSpec));
    }

    private static native byte[] plan(long session, byte[] scanSpec);

    private static native byte[] check(long session, byte[] scanSpec);

    private static native byte[] statistics(long session, byte[] scanSpec);
}
