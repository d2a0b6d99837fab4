package io.tidbspark.errors

import org.apache.spark.SparkException
import org.apache.spark.sql.catalyst.analysis.{
  NamespaceAlreadyExistsException,
  NoSuchNamespaceException,
  NoSuchTableException,
  TableAlreadyExistsException
}
import org.apache.spark.sql.connector.catalog.Identifier
import org.apache.spark.sql.tidb.TiAnalysisException

import io.tidbspark.jni.{ErrorKind, NativeException}

/**
 * Errors of the native library as Spark's own exceptions, where one fits:
 *
 * {{{
 *   NamespaceNotFound                                    NoSuchNamespaceException
 *   NamespaceExists                                      NamespaceAlreadyExistsException
 *   TableNotFound                                        NoSuchTableException
 *   TableExists                                          TableAlreadyExistsException
 *   ColumnNotFound, UnsupportedType, UnsupportedFeature  AnalysisException
 *   Sql                                                  AnalysisException
 *   InvalidArgument, InvalidTimestamp                    IllegalArgumentException
 *   GcSafePoint, when a table is loaded                  IllegalArgumentException
 *   anything else                                        SparkException, the kind in front
 * }}}
 *
 * The message is the library's; the native exception is the cause.
 */
object TiErrors {
  private val Analysis: Set[ErrorKind] = Set(
    ErrorKind.NamespaceNotFound,
    ErrorKind.TableNotFound,
    ErrorKind.ColumnNotFound,
    ErrorKind.UnsupportedType,
    ErrorKind.UnsupportedFeature,
    ErrorKind.NamespaceExists,
    ErrorKind.TableExists,
    ErrorKind.Sql
  )

  /** Runs `body`, which is about a cluster or a scan. */
  def translating[T](body: => T): T =
    try body
    catch { case e: NativeException => throw translate(e, None) }

  /** Runs `body`, which is about one namespace or table. */
  def translatingFor[T](subject: Subject)(body: => T): T =
    try body
    catch { case e: NativeException => throw translate(e, Some(subject)) }

  /** What a call was about, to name it in exceptions that want it. */
  sealed trait Subject
  final case class Namespace(name: Array[String]) extends Subject
  final case class Table(identifier: Identifier) extends Subject

  /** One that is to be made. */
  final case class NewTable(identifier: Identifier) extends Subject

  def translate(error: NativeException, subject: Option[Subject]): Throwable = (error.kind, subject) match {
    case (ErrorKind.NamespaceNotFound, Some(Namespace(name))) => caused(new NoSuchNamespaceException(name), error)
    case (ErrorKind.NamespaceExists, Some(Namespace(name))) => caused(new NamespaceAlreadyExistsException(name), error)
    case (ErrorKind.NamespaceNotFound, Some(NewTable(identifier))) =>
      caused(new NoSuchNamespaceException(identifier.namespace), error)
    case (ErrorKind.TableExists, Some(NewTable(identifier))) => caused(new TableAlreadyExistsException(identifier), error)
    case (ErrorKind.NamespaceNotFound | ErrorKind.TableNotFound, Some(Table(identifier))) =>
      // A table of a namespace that does not exist is a missing table to Spark: `tableExists` and IF EXISTS rely on it.
      caused(new NoSuchTableException(identifier), error)
    case (kind, _) if Analysis(kind) => new TiAnalysisException(error.getMessage, Some(error))
    // While a table is being loaded the timestamp can only be the user's own.
    case (ErrorKind.GcSafePoint, Some(_: Table)) => new IllegalArgumentException(error.getMessage, error)
    case (ErrorKind.InvalidArgument | ErrorKind.InvalidTimestamp, _) => new IllegalArgumentException(error.getMessage, error)
    case _ => new SparkException(s"[${error.kindName}] ${error.getMessage}", error)
  }

  private def caused(spark: Throwable, error: NativeException): Throwable = {
    if (spark.getCause == null) {
      try spark.initCause(error)
      catch { case _: IllegalStateException => spark.addSuppressed(error) } // the constructor fixed the cause as "none"
    }
    spark
  }
}
