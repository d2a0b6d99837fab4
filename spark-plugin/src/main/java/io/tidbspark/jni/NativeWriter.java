package io.tidbspark.jni;

/**
 * One attempt of one task that writes. One thread calls {@link #write} and {@link #finish}; any thread may cancel or close.
 *
 * <p>Closing frees memory only: what was prewritten stays, because another attempt of the task may have written the same.
 */
public final class NativeWriter extends NativeHandle {
    private NativeWriter(long address) {
        super("native writer", address, NativeWriter::close);
    }

    /** @param writerOpen {@code plan.WriterOpen} */
    public static NativeWriter start(NativeSession session, byte[] writerOpen) {
        return session.call(address -> new NativeWriter(open(address, writerOpen)));
    }

    /**
     * Takes a batch; blocks while the buffers are full. Both C structs are released by the library, whatever the outcome.
     *
     * @param arrowArrayAddress C struct ArrowArray: one struct array with a child per column of {@code WriteSpec.columns}
     * @param arrowSchemaAddress C struct ArrowSchema of it
     */
    public void write(long arrowArrayAddress, long arrowSchemaAddress) {
        use(
            address -> {
                write(address, arrowArrayAddress, arrowSchemaAddress);
                return null;
            });
    }

    /**
     * Sends what is left and waits until all of it is prewritten.
     *
     * @return {@code plan.CommitMessage}
     */
    public byte[] finish() {
        return use(NativeWriter::finish);
    }

    /** {@code plan.WriteMetrics} so far. */
    public byte[] metrics() {
        return use(NativeWriter::metrics);
    }

    /** Stops all requests; a {@link #write} or {@link #finish} that is running fails with {@link ErrorKind#Cancelled}. */
    public void cancel() {
        use(
            address -> {
                cancel(address);
                return null;
            });
    }

    private static native long open(long session, byte[] writerOpen);

    private static native void write(long writer, long arrowArrayAddress, long arrowSchemaAddress);

    private static native byte[] finish(long writer);

    private static native byte[] metrics(long writer);

    private static native void cancel(long writer);

    private static native void close(long writer);
}
