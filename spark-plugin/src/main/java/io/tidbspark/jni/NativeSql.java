package io.tidbspark.jni;

/** Statements that TiDB itself runs: DDL. Needs no session; the driver's business only. */
public final class NativeSql {
    private NativeSql() {}

    /**
     * {@code plan.DdlRequest -> plan.DdlResult}; blocks until TiDB has answered.
     *
     * @param password of the request's user, UTF-8; empty for none
     */
    public static native byte[] execute(byte[] request, byte[] password);
}
