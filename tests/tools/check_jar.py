#!/usr/bin/env python3
"""Checks what is inside a packaged jar.

    check_jar.py [--native linux-x86_64] [--build-id ID] dist/tidb-spark-runtime-*.jar

The jar must hold the native libraries and nothing that belongs to Spark: no class of Spark but our named doors, nothing of Arrow but
the C data interface, and no protobuf under its own name.
"""
import argparse
import re
import sys
import zipfile

OUR_SPARK_CLASSES = (
    r"org/apache/spark/sql/catalyst/catalog/TiCatalog(\$.*)?\.class",
    # The name that TiSpark users have in spark.sql.extensions.
    r"org/apache/spark/sql/TiExtensions\.class",
    r"org/apache/spark/sql/tidb/.*\.class",
)
ALLOWED = (
    r"io/tidbspark/.*",
    *OUR_SPARK_CLASSES,
    r"org/apache/arrow/c/.*",
    # Two classes of arrow-c-data 12 that stand in the package of another module.
    r"org/apache/arrow/vector/StructVector(Loader|Unloader)\.class",
    # arrow-c-data's own JNI libraries, in a folder per architecture since 15, at the root in 12.
    r"(arrow_cdata_jni/)?(x86_64/|aarch_64/)?(lib)?arrow_cdata_jni\.(so|dylib|dll)",
    r"META-INF/MANIFEST\.MF",
    r"META-INF/(LICENSE|NOTICE)(\.txt)?",
    r"META-INF/services/org\.apache\.spark\.sql\.sources\.DataSourceRegister",
    r"META-INF/services/org\.apache\.spark\.sql\.SparkSessionExtensionsProvider",
    r"tidb-spark-build\.properties",
)
NEEDED = (
    "io/tidbspark/TiCatalog.class",
    "io/tidbspark/jni/NativeLibrary.class",
    "org/apache/spark/sql/catalyst/catalog/TiCatalog.class",
    "META-INF/services/org.apache.spark.sql.sources.DataSourceRegister",
    "META-INF/services/org.apache.spark.sql.SparkSessionExtensionsProvider",
    "META-INF/LICENSE",
    "META-INF/NOTICE",
    "tidb-spark-build.properties",
)


def problems(jar: str, native: str | None, build_id: str | None) -> list[str]:
    """What is wrong with the jar, a sentence each."""
    found = []
    with zipfile.ZipFile(jar) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
        allowed = re.compile("|".join(f"(?:{pattern})" for pattern in ALLOWED))
        found += [f"{name} does not belong into the jar" for name in names if not allowed.fullmatch(name)]
        found += [f"{name} is there more than once" for name in sorted({n for n in names if names.count(n) > 1})]
        needed = list(NEEDED)
        if native:
            suffix = "dylib" if native.startswith("macos") else "so"
            needed.append(f"io/tidbspark/native/{native}/libtidb_spark.{suffix}")
        found += [f"{name} is missing" for name in needed if name not in names]
        if not any(name.startswith("io/tidbspark/shaded/com/google/protobuf/") for name in names):
            found.append("the relocated protobuf is missing")
        if not any(name.startswith("org/apache/arrow/c/") for name in names):
            found.append("arrow-c-data is missing")
        # Nothing may refer to protobuf under its own name: Spark has another version of it.
        for name in names:
            if name.startswith("io/tidbspark/proto/") and b"Lcom/google/protobuf/" in archive.read(name):
                found.append(f"{name} refers to com.google.protobuf, which is not in the jar")
        if build_id and "tidb-spark-build.properties" in names:
            text = archive.read("tidb-spark-build.properties").decode()
            if f"build.id={build_id}" not in text.replace(" ", ""):
                found.append(f"the build id is not {build_id}:\n{text}")
        if build_id and native:
            library = next((n for n in names if n.startswith(f"io/tidbspark/native/{native}/")), None)
            if library and build_id.encode() not in archive.read(library):
                found.append(f"{library} is not of build {build_id}")
    return found


def main() -> int:
    """Exit code 1 when the jar is not as it should be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--native", help="platform whose library must be inside")
    parser.add_argument("--build-id")
    parser.add_argument("jar")
    args = parser.parse_args()
    found = problems(args.jar, args.native, args.build_id)
    for problem in found[:20]:
        print(f"{args.jar}: {problem}", file=sys.stderr)
    if len(found) > 20:
        print(f"{args.jar}: and {len(found) - 20} more", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
