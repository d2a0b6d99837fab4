package io.tidbspark.jni;

/** One Spark partition being read. One thread calls {@link #next}; any thread may cancel or close. */
public final class NativeScan extends NativeHandle {
    /** {@link #next}: there are no more rows. */
    public static final int END = -1;

    /** {@link #next}: no batch arrived within the time-out; ask again. */
    public static final int PENDING = -2;

    private NativeScan(long address) {
        super("native scan", address, NativeScan::close);
    }

    /**
     * Starts fetching.
     *
     * @param scanOpen {@code plan.ScanOpen}
     */
    public static NativeScan start(NativeSession session, byte[] scanOpen) {
        return session.call(address -> new NativeScan(open(address, scanOpen)));
    }

    /**
     * Fills the C struct ArrowSchema at {@code arrowSchemaAddress} with the struct type of this scan's batches. The caller owns
     * the struct and releases what it holds.
     *
     * @param common {@code plan.ScanPlan.common}
     */
    public static void exportSchema(byte[] common, long arrowSchemaAddress) {
        schema(common, arrowSchemaAddress);
    }

    /**
     * Waits for the next batch.
     *
     * @param arrowArrayAddress a released C struct ArrowArray; filled with one struct array when rows are returned
     * @return number of rows (0 or more), {@link #END} or {@link #PENDING}
     */
    public int next(long arrowArrayAddress, long timeoutMillis) {
        return use(address -> next(address, arrowArrayAddress, timeoutMillis));
    }

    /** {@code plan.ScanMetrics} so far. */
    public byte[] metrics() {
        return use(NativeScan::metrics);
    }

    /** Stops all requests; a waiting {@link #next} fails with {@link ErrorKind#Cancelled}. */
    public void cancel() {
        use(
            address -> {
                cancel(address);
                return null;
            });
    }

    private static native void schema(byte[] common, long arrowSchemaAddress);

    private static native long open(long session, byte[] scanOpen);

    private static native int next(long scan, long arrowArrayAddress, long timeoutMillis);

    private static native byte[] metrics(long scan);

    private static native void cancel(long scan);

    private static native void close(long scan);
}
