package io.tidbspark.jni;

/** TiDB's schema at a timestamp. Requests and answers are messages of plan.proto. */
public final class NativeCatalog {
    private NativeCatalog() {}

    /** {@code plan.ListNamespacesRequest -> plan.NamespaceList}. */
    public static byte[] listNamespaces(NativeSession session, byte[] request) {
        return session.call(address -> listNamespaces(address, request));
    }

    /** {@code plan.ListTablesRequest -> plan.TableList}. */
    public static byte[] listTables(NativeSession session, byte[] request) {
        return session.call(address -> listTables(address, request));
    }

    /** {@code plan.LoadTableRequest -> plan.TableSchema}. */
    public static byte[] loadTable(NativeSession session, byte[] request) {
        return session.call(address -> loadTable(address, request));
    }

    private static native byte[] listNamespaces(long session, byte[] request);

    private static native byte[] listTables(long session, byte[] request);

    private static native byte[] loadTable(long session, byte[] request);
}
