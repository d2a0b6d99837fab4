package io.tidbspark.errors

import java.nio.charset.StandardCharsets.UTF_8
import java.nio.file.{Files, Paths}

import org.apache.spark.SparkException
import org.apache.spark.sql.AnalysisException
import org.apache.spark.sql.catalyst.analysis.{
  NamespaceAlreadyExistsException,
  NoSuchNamespaceException,
  NoSuchTableException,
  TableAlreadyExistsException
}
import org.apache.spark.sql.connector.catalog.Identifier
import org.scalatest.funsuite.AnyFunSuite

import io.tidbspark.jni.{ErrorKind, NativeException}

class TiErrorsSuite extends AnyFunSuite {
  private def error(kind: String) = new NativeException(kind, s"message of $kind", false)
  private def translated(kind: ErrorKind, subject: Option[TiErrors.Subject]) = TiErrors.translate(error(kind.name), subject)

  private val table = TiErrors.Table(Identifier.of(Array("db"), "t"))
  private val namespace = TiErrors.Namespace(Array("db"))

  test("the JVM knows every kind of the engine") {
    val source = Paths.get(System.getProperty("tidbspark.repository", "..")).resolve("native/engine/src/error.rs")
    val declared =
      """(?m)^    (\w+) => """".r.findAllMatchIn(new String(Files.readAllBytes(source), UTF_8)).map(_.group(1)).toSeq
    assert(declared.length >= 20)
    val ofTheJvmOnly = Seq("LibraryMissing", "LibraryLoad", "Other")
    assert(ErrorKind.values().toSeq.map(_.name) == declared ++ ofTheJvmOnly)
  }

  test("what does not exist becomes the exception that Spark looks for") {
    assert(translated(ErrorKind.TableNotFound, Some(table)).isInstanceOf[NoSuchTableException])
    assert(translated(ErrorKind.NamespaceNotFound, Some(table)).isInstanceOf[NoSuchTableException])
    val missing = translated(ErrorKind.NamespaceNotFound, Some(namespace))
    assert(missing.isInstanceOf[NoSuchNamespaceException])
    assert(missing.getMessage.contains("db"))
    assert(Option(missing.getCause).orElse(missing.getSuppressed.headOption).exists(_.isInstanceOf[NativeException]))
  }

  test("every kind keeps its message and its cause, with and without a subject") {
    for (kind <- ErrorKind.values(); subject <- Seq(None, Some(table), Some(namespace))) {
      val spark = translated(kind, subject)
      assert(!spark.isInstanceOf[NativeException], kind)
      spark match {
        // Spark's own, with its words.
        case _: NoSuchTableException | _: NoSuchNamespaceException | _: TableAlreadyExistsException |
            _: NamespaceAlreadyExistsException =>
          ()
        case _ =>
          assert(spark.getMessage.contains(s"message of $kind"), kind)
          assert(spark.getCause.isInstanceOf[NativeException], kind)
      }
    }
  }

  test("kinds that are the user's to mend") {
    assert(translated(ErrorKind.UnsupportedType, None).isInstanceOf[AnalysisException])
    assert(translated(ErrorKind.ColumnNotFound, Some(table)).isInstanceOf[AnalysisException])
    assert(translated(ErrorKind.InvalidArgument, None).isInstanceOf[IllegalArgumentException])
    assert(translated(ErrorKind.InvalidTimestamp, Some(table)).isInstanceOf[IllegalArgumentException])
    assert(translated(ErrorKind.GcSafePoint, Some(table)).isInstanceOf[IllegalArgumentException])
    assert(translated(ErrorKind.GcSafePoint, None).isInstanceOf[SparkException])
  }

  test("a kind of a newer library keeps its name") {
    val unknown = new NativeException("Brandnew", "text", true)
    assert(unknown.kind == ErrorKind.Other && unknown.kindName == "Brandnew" && unknown.retryable)
    val spark = TiErrors.translate(unknown, None)
    assert(spark.isInstanceOf[SparkException] && spark.getMessage == "[Brandnew] text")
  }

  test("other exceptions pass") {
    intercept[ArithmeticException](TiErrors.translating[Int](throw new ArithmeticException))
    assert(TiErrors.translatingFor(table)(5) == 5)
  }
}
