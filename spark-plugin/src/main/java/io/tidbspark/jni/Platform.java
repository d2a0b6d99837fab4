package io.tidbspark.jni;

import java.util.Locale;

/** Operating system and architecture in the names that the jar uses. Not a record: Scala 2.12 cannot read those. */
final class Platform {
    private final String os;
    private final String arch;

    /**
     * @param os linux, macos, or the JVM's own name in lower case
     * @param arch x86_64, aarch64, or the JVM's own name in lower case
     */
    Platform(String os, String arch) {
        this.os = os;
        this.arch = arch;
    }

    static Platform current() {
        return of(System.getProperty("os.name"), System.getProperty("os.arch"));
    }

    /** From the values of the system properties {@code os.name} and {@code os.arch}. */
    static Platform of(String osName, String osArch) {
        String os = osName.toLowerCase(Locale.ROOT).replace(" ", "");
        if (os.startsWith("mac") || os.startsWith("darwin")) {
            os = "macos";
        }
        String arch = osArch.toLowerCase(Locale.ROOT);
        if (arch.equals("amd64") || arch.equals("x86-64")) {
            arch = "x86_64";
        } else if (arch.equals("arm64")) {
            arch = "aarch64";
        }
        return new Platform(os, arch);
    }

    /** Folder below {@code io/tidbspark/native}. */
    String folder() {
        return os + "-" + arch;
    }

    String libraryName() {
        return os.equals("macos") ? "libtidb_spark.dylib" : "libtidb_spark.so";
    }
}
