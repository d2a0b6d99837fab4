package io.tidbspark.jni;

import java.io.IOException;
import java.io.InputStream;
import java.util.Properties;

/** What this jar was built from ({@code tidb-spark-build.properties}). */
public final class BuildInfo {
    private static final Properties PROPERTIES = read();

    private BuildInfo() {}

    /** Version of the connector. */
    public static String version() {
        return PROPERTIES.getProperty("version");
    }

    /** Must equal the native library's. */
    public static String buildId() {
        return PROPERTIES.getProperty("build.id");
    }

    /** Version of Spark that the jar was compiled for. */
    public static String sparkVersion() {
        return PROPERTIES.getProperty("spark.version");
    }

    private static Properties read() {
        Properties properties = new Properties();
        try (InputStream in = BuildInfo.class.getResourceAsStream("/tidb-spark-build.properties")) {
            if (in == null) {
                throw new NativeException(
                    ErrorKind.LibraryLoad, "tidb-spark-build.properties is not on the class path: the jar is damaged", null);
            }
            properties.load(in);
        } catch (IOException e) {
            throw new NativeException(ErrorKind.LibraryLoad, "tidb-spark-build.properties cannot be read: " + e.getMessage(), e);
        }
        return properties;
    }
}
