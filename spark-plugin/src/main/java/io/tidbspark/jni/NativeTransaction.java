package io.tidbspark.jni;

/**
 * One TiDB transaction that a Spark job writes, held by the driver: its primary is locked and kept alive from {@link #begin} on until
 * {@link #commit}, {@link #abort} or {@link #close}.
 *
 * <pre>
 *   check -> begin -> startTasks -> (tasks: {@link NativeWriter}) -> commit | abort -> close
 * </pre>
 *
 * <p>Calls block the calling thread. One thread drives it; {@link #metrics} may be asked by any.
 */
public final class NativeTransaction extends NativeHandle {
    private NativeTransaction(long address) {
        super("native transaction", address, NativeTransaction::close);
    }

    /**
     * Says what such a write asks of Spark's plan, and refuses what cannot be written. Reads the schema, writes nothing.
     *
     * @param writeSpec {@code plan.WriteSpec}
     * @return {@code plan.WriteInfo}
     */
    public static byte[] check(NativeSession session, byte[] writeSpec) {
        return session.call(address -> check(address, writeSpec));
    }

    /**
     * Takes a timestamp and locks the primary.
     *
     * @param writeSpec {@code plan.WriteSpec}
     */
    public static NativeTransaction begin(NativeSession session, byte[] writeSpec) {
        return session.call(address -> new NativeTransaction(begin(address, writeSpec)));
    }

    /**
     * What tasks need to know; reserves the ids that they generate.
     *
     * @param partitions tasks of the job, not counting retries
     * @return {@code plan.WritePlan}
     */
    public byte[] startTasks(int partitions) {
        return use(address -> startTasks(address, partitions));
    }

    /**
     * Makes visible what the accepted tasks wrote, or fails and leaves nothing. A failure of kind {@link ErrorKind#CommitUnknown} says
     * that neither is known.
     *
     * @param commitRequest {@code plan.CommitRequest} with one message per partition
     * @return {@code plan.WriteResult}
     */
    public byte[] commit(byte[] commitRequest) {
        return use(address -> commit(address, commitRequest));
    }

    /**
     * Removes what was written, unless it is committed or its outcome is unknown; nothing happens then.
     *
     * @param commitRequest {@code plan.CommitRequest} with the messages that there are
     */
    public void abort(byte[] commitRequest) {
        use(
            address -> {
                abort(address, commitRequest);
                return null;
            });
    }

    /** {@code plan.WriteMetrics} of the driver's own work so far. */
    public byte[] metrics() {
        return use(NativeTransaction::metrics);
    }

    private static native byte[] check(long session, byte[] writeSpec);

    private static native long begin(long session, byte[] writeSpec);

    private static native byte[] startTasks(long transaction, int partitions);

    private static native byte[] commit(long transaction, byte[] commitRequest);

    private static native void abort(long transaction, byte[] commitRequest);

    private static native byte[] metrics(long transaction);

    private static native void close(long transaction);
}
