package io.tidbspark.jni

import java.nio.file.{Files, Path}
import java.util.Optional

import org.scalatest.funsuite.AnyFunSuite

/** Failures of loading. Success needs the library and is tested against the packaged jar. */
class NativeLibrarySuite extends AnyFunSuite {
  private val none = Optional.empty[String]()

  private def failure(library: Optional[String], directory: Optional[String], platform: Platform): NativeException =
    intercept[NativeException](NativeLibrary.loadFrom(library, directory, platform))

  test("names of platforms") {
    assert(Platform.of("Linux", "amd64").folder == "linux-x86_64")
    assert(Platform.of("Linux", "aarch64").folder == "linux-aarch64")
    assert(Platform.of("Mac OS X", "arm64").folder == "macos-aarch64")
    assert(Platform.of("Mac OS X", "x86_64").libraryName == "libtidb_spark.dylib")
    assert(Platform.of("SunOS", "sparcv9").folder == "sunos-sparcv9")
  }

  test("a jar without a library for the platform names the platform and the way out") {
    val error = failure(none, none, Platform.of("SunOS", "sparcv9"))
    assert(error.kind == ErrorKind.LibraryMissing)
    assert(error.getMessage.contains("sunos-sparcv9") && error.getMessage.contains("present: "))
    assert(error.getMessage.contains("spark.tispark.native.library"))
  }

  test("a path that is not there") {
    val error = failure(Optional.of("/no/such/libtidb_spark.so"), none, Platform.current())
    assert(error.kind == ErrorKind.LibraryMissing && error.getMessage.contains("/no/such/libtidb_spark.so"))
  }

  test("a file that is no library: the path, the reason and the hint about noexec") {
    val file: Path = Files.createTempFile("libtidb_spark", ".so")
    Files.write(file, "not a library".getBytes)
    val error = failure(Optional.of(file.toString), none, Platform.current())
    assert(error.kind == ErrorKind.LibraryLoad)
    assert(error.getMessage.contains(file.toString) && error.getMessage.contains("noexec"))
    assert(error.getMessage.contains("spark.tispark.native.dir"))
  }

  test("a library of another build: both builds are named") {
    val error = intercept[NativeException](NativeLibrary.checkBuild("0.1.0-aaaa", "0.1.0-bbbb"))
    assert(error.kind == ErrorKind.BuildMismatch)
    assert(error.getMessage.contains("0.1.0-aaaa") && error.getMessage.contains("0.1.0-bbbb"))
    NativeLibrary.checkBuild("same", "same")
  }

  test("the first failure is remembered") {
    val first = intercept[NativeException](NativeLibrary.load(Optional.of("/no/such/first.so"), none))
    val second = intercept[NativeException](NativeLibrary.load(none, none))
    assert(second.getMessage == first.getMessage && second.kind == first.kind)
  }

  test("the jar knows its build") {
    assert(BuildInfo.version.nonEmpty && BuildInfo.buildId.nonEmpty && BuildInfo.sparkVersion.matches("""\d+\.\d+\.\d+"""))
  }
}
