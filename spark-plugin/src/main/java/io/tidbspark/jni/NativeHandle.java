package io.tidbspark.jni;

import java.lang.ref.Cleaner;
import java.util.function.LongConsumer;
import java.util.function.LongFunction;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Owner of one object of the native library, known by its address.
 *
 * <p>{@link #close()} releases the object exactly once, however often and from however many threads it is called. An address is
 * used only inside {@link #use}: a close that comes meanwhile waits for its turn, so that another thread can close a handle under
 * a call that is still running. A handle that is lost without a close is released by a cleaner, which logs the leak.
 */
public abstract class NativeHandle implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(NativeHandle.class);
    private static final Cleaner CLEANER = Cleaner.create();

    private final State state;
    private final Cleaner.Cleanable cleanable;

    /**
     * @param name what the handle is, for messages
     * @param address not 0
     * @param release the native that frees the address
     */
    protected NativeHandle(String name, long address, LongConsumer release) {
        if (address == 0) {
            throw new NativeException(ErrorKind.Internal.name(), "The native library returned no " + name, false);
        }
        this.state = new State(name, address, release);
        this.cleanable = CLEANER.register(this, state);
    }

    /** Runs {@code call} with the address, which stays valid until {@code call} returns. */
    protected final <T> T use(LongFunction<T> call) {
        long address = state.acquire();
        try {
            return call.apply(address);
        } finally {
            state.release();
            // The cleaner must not run while the address is in use.
            java.lang.ref.Reference.reachabilityFence(this);
        }
    }

    public final boolean isClosed() {
        return state.isClosed();
    }

    @Override
    public final void close() {
        state.close();
        cleanable.clean();
    }

    /** Separate from the handle, which the cleaner must be able to see dying. */
    private static final class State implements Runnable {
        private final String name;
        private final LongConsumer release;
        private long address;
        private int users;
        private boolean closed;

        State(String name, long address, LongConsumer release) {
            this.name = name;
            this.address = address;
            this.release = release;
        }

        synchronized long acquire() {
            if (closed) {
                throw new NativeException(ErrorKind.Closed.name(), "The " + name + " is closed", false);
            }
            users++;
            return address;
        }

        void release() {
            long last;
            synchronized (this) {
                users--;
                last = takeIfLast();
            }
            free(last);
        }

        void close() {
            long last;
            synchronized (this) {
                closed = true;
                last = takeIfLast();
            }
            free(last);
        }

        synchronized boolean isClosed() {
            return closed;
        }

        /** The cleaner: nothing is left to do after a close. */
        @Override
        public void run() {
            if (!isClosed()) {
                LOG.warn("A {} was not closed and is released by the garbage collector", name);
                close();
            }
        }

        private long takeIfLast() {
            if (!closed || users > 0) {
                return 0;
            }
            long last = address;
            address = 0;
            return last;
        }

        private void free(long last) {
            if (last != 0) {
                release.accept(last);
            }
        }
    }
}
