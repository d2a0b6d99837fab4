package io.tidbspark.jni;

/** What an administrator asks of a cluster. Requests and answers are messages of plan.proto. */
public final class NativeAdmin {
    private NativeAdmin() {}

    /** {@code plan.RegionsRequest -> plan.TextRows}. */
    public static byte[] regions(NativeSession session, byte[] request) {
        return session.call(address -> regions(address, request));
    }

    /** {@code plan.ResolveTransactionRequest -> plan.TextRows}; asks all stores. */
    public static byte[] resolveTransaction(NativeSession session, byte[] request) {
        return session.call(address -> resolveTransaction(address, request));
    }

    private static native byte[] regions(long session, byte[] request);

    private static native byte[] resolveTransaction(long session, byte[] request);
}
