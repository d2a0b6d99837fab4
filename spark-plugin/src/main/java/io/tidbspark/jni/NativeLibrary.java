package io.tidbspark.jni;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Loads {@code libtidb_spark} once for this class loader, and refuses one of another build.
 *
 * <pre>
 *   path given (setting or system property spark.tispark.native.library) -> that file
 *   else io/tidbspark/native/&lt;os>-&lt;arch>/ of the jar -> a private folder below spark.tispark.native.dir or java.io.tmpdir
 *   -> System.load -> build id equal? -> loaded
 * </pre>
 *
 * <p>A failure is remembered: what could not be loaded at first would not load later either, and every query gets the same answer.
 */
public final class NativeLibrary {
    /** Setting and system property: path of the library, instead of the one in the jar. */
    public static final String LIBRARY_KEY = "spark.tispark.native.library";

    /** Setting and system property: folder to unpack into, instead of {@code java.io.tmpdir}. */
    public static final String DIRECTORY_KEY = "spark.tispark.native.dir";

    private static final Logger LOG = LoggerFactory.getLogger(NativeLibrary.class);
    private static final String ROOT = "/io/tidbspark/native/";

    /** Platforms that a jar may hold, to tell the user which are there. */
    private static final List<Platform> KNOWN =
        List.of(
            new Platform("linux", "x86_64"),
            new Platform("linux", "aarch64"),
            new Platform("macos", "x86_64"),
            new Platform("macos", "aarch64"));

    private static boolean loaded;
    private static NativeException failure;

    private NativeLibrary() {}

    /**
     * Loads the library unless it is loaded. Only the first call's settings count.
     *
     * @param library value of {@link #LIBRARY_KEY} in Spark's configuration; the system property is asked when empty
     * @param directory value of {@link #DIRECTORY_KEY}, likewise
     * @throws NativeException of kind LibraryMissing, LibraryLoad or BuildMismatch
     */
    public static synchronized void load(Optional<String> library, Optional<String> directory) {
        if (loaded) {
            return;
        }
        if (failure != null) {
            // A new exception, so that the stack trace is the caller's; the first one is the cause.
            throw new NativeException(failure.kind(), failure.getMessage(), failure);
        }
        try {
            loadFrom(setting(library, LIBRARY_KEY), setting(directory, DIRECTORY_KEY), Platform.current());
            checkBuild(BuildInfo.buildId(), buildId());
            loaded = true;
        } catch (NativeException e) {
            failure = e;
            throw e;
        } catch (LinkageError e) {
            failure = new NativeException(ErrorKind.LibraryLoad, "The library that was loaded is not libtidb_spark: " + e.getMessage(), e);
            throw failure;
        }
    }

    /** Build id of the loaded library. */
    private static native String buildId();

    static void checkBuild(String jar, String library) {
        if (!jar.equals(library)) {
            throw new NativeException(
                ErrorKind.BuildMismatch,
                "The native library is of build " + library + " and the jar is of build " + jar
                    + ". Use the library inside the jar (unset " + LIBRARY_KEY + "), or take both from one build.",
                null);
        }
    }

    static void loadFrom(Optional<String> library, Optional<String> directory, Platform platform) {
        if (library.isPresent()) {
            Path path = Path.of(library.get()).toAbsolutePath();
            if (!Files.isRegularFile(path)) {
                throw new NativeException(ErrorKind.LibraryMissing, LIBRARY_KEY + ": there is no file " + path, null);
            }
            systemLoad(path);
        } else {
            loadFromJar(directory, platform);
        }
    }

    private static void loadFromJar(Optional<String> directory, Platform platform) {
        String resource = ROOT + platform.folder() + "/" + platform.libraryName();
        try (InputStream in = NativeLibrary.class.getResourceAsStream(resource)) {
            if (in == null) {
                throw new NativeException(ErrorKind.LibraryMissing, missing(platform), null);
            }
            Path base = Path.of(directory.orElseGet(() -> System.getProperty("java.io.tmpdir")));
            Path folder = privateFolder(base);
            Path file = folder.resolve(platform.libraryName());
            try {
                Files.copy(in, file);
                systemLoad(file);
            } finally {
                // The loader has mapped the file, its name is no longer needed; a killed JVM leaves nothing behind.
                Files.deleteIfExists(file);
                Files.deleteIfExists(folder);
            }
        } catch (IOException e) {
            throw new NativeException(
                ErrorKind.LibraryLoad,
                "The native library cannot be unpacked: " + e + ". Set " + DIRECTORY_KEY
                    + " to a folder that can be written and allows execution.",
                e);
        }
    }

    /** Only this user may look inside, so that nobody can replace the library between writing and loading. */
    private static Path privateFolder(Path base) throws IOException {
        Files.createDirectories(base);
        FileAttribute<?>[] attributes =
            Files.getFileStore(base).supportsFileAttributeView("posix")
                ? new FileAttribute<?>[] {
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"))
                }
                : new FileAttribute<?>[0];
        return Files.createTempDirectory(base, "tidb-spark-", attributes);
    }

    private static void systemLoad(Path path) {
        try {
            System.load(path.toString());
            LOG.info("Loaded the native library {}", path);
        } catch (UnsatisfiedLinkError e) {
            throw new NativeException(
                ErrorKind.LibraryLoad,
                "The native library " + path + " cannot be loaded: " + e.getMessage()
                    + ". If its folder is mounted noexec, set " + DIRECTORY_KEY
                    + " to one that allows execution.",
                e);
        }
    }

    private static String missing(Platform platform) {
        List<String> present =
            KNOWN.stream()
                .filter(p -> NativeLibrary.class.getResource(ROOT + p.folder() + "/" + p.libraryName()) != null)
                .map(Platform::folder)
                .toList();
        return "This jar has no native library for " + platform.folder() + " (present: "
            + (present.isEmpty() ? "none" : String.join(", ", present)) + "). Use a jar that was packaged for this platform, or set "
            + LIBRARY_KEY + " to the path of " + platform.libraryName() + " of the same build.";
    }

    private static Optional<String> setting(Optional<String> value, String key) {
        return value.filter(text -> !text.isBlank())
            .or(() -> Optional.ofNullable(System.getProperty(key)).filter(text -> !text.isBlank()));
    }
}
