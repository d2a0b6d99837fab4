package io.tidbspark.ddl

import java.util

import scala.util.control.NonFatal

import org.apache.spark.sql.catalyst.analysis.{NoSuchNamespaceException, NoSuchTableException, TableAlreadyExistsException}
import org.apache.spark.sql.connector.catalog.{Column, Identifier, StagedTable, StagingTableCatalog}
import org.apache.spark.sql.connector.expressions.Transform
import org.apache.spark.sql.tidb.SparkInternals
import org.apache.spark.sql.types.StructType
import org.slf4j.LoggerFactory

import io.tidbspark.compat.Converters._
import io.tidbspark.errors.TiErrors
import io.tidbspark.jni.{ErrorKind, NativeException}
import io.tidbspark.proto
import io.tidbspark.proto.TableListing
import io.tidbspark.{ReadTimestamp, TiTable}

/**
 * CREATE and REPLACE TABLE AS SELECT, atomic for readers:
 *
 * {{{
 *   stage:  remove abandoned shadows -> CREATE TABLE shadow
 *   write:  one transaction, as any write
 *   commit: RENAME TABLE shadow TO t                     or, in one statement, t TO old, shadow TO t; then DROP TABLE old
 *   abort:  DROP TABLE shadow
 * }}}
 *
 * A driver that dies leaves a shadow at most: not listed, and removed by the next such statement in the database once its time is over.
 */
private[tidbspark] trait TiStaging extends StagingTableCatalog with TiDdl {

  /** Milliseconds since 1970, by PD's clock. */
  protected def clock(): Long

  /** Longest time of a statement, milliseconds. */
  protected def lifetime: Long

  override def stageCreate(
      identifier: Identifier,
      schema: StructType,
      partitions: Array[Transform],
      properties: util.Map[String, String]
  ): StagedTable = stageCreate(identifier, SparkInternals.columns(schema), partitions, properties)

  override def stageCreate(
      identifier: Identifier,
      columns: Array[Column],
      partitions: Array[Transform],
      properties: util.Map[String, String]
  ): StagedTable =
    stage(identifier, columns, partitions, properties, replace = false) { found =>
      if (found.isDefined) throw new TableAlreadyExistsException(identifier)
    }

  override def stageReplace(
      identifier: Identifier,
      schema: StructType,
      partitions: Array[Transform],
      properties: util.Map[String, String]
  ): StagedTable = stageReplace(identifier, SparkInternals.columns(schema), partitions, properties)

  override def stageReplace(
      identifier: Identifier,
      columns: Array[Column],
      partitions: Array[Transform],
      properties: util.Map[String, String]
  ): StagedTable =
    stage(identifier, columns, partitions, properties, replace = true) { found =>
      if (found.isEmpty) throw new NoSuchTableException(identifier)
    }

  override def stageCreateOrReplace(
      identifier: Identifier,
      schema: StructType,
      partitions: Array[Transform],
      properties: util.Map[String, String]
  ): StagedTable = stageCreateOrReplace(identifier, SparkInternals.columns(schema), partitions, properties)

  override def stageCreateOrReplace(
      identifier: Identifier,
      columns: Array[Column],
      partitions: Array[Transform],
      properties: util.Map[String, String]
  ): StagedTable = stage(identifier, columns, partitions, properties, replace = true)(_ => ())

  /** @param check looks at the table that is there; a view or a sequence is refused before */
  private def stage(
      identifier: Identifier,
      columns: Array[Column],
      partitions: Array[Transform],
      properties: util.Map[String, String],
      replace: Boolean
  )(check: Option[TableListing] => Unit): StagedTable = {
    if (!namespaceExists(identifier.namespace)) throw new NoSuchNamespaceException(identifier.namespace)
    val listings = allListings(identifier.namespace)
    check(find(identifier, listings))
    val now = clock()
    removeAbandoned(identifier.namespace, listings, now)
    val shadow = Identifier.of(identifier.namespace, ShadowTable.name(now + lifetime))
    create(identifier, shadow.name, columns, partitions, properties)
    val staged = new Staged(identifier, shadow, replace)
    val table =
      try loadStaged(identifier, shadow)
      catch { case NonFatal(e) => staged.abort(); throw e }
    new StagedTiTable(table, () => staged.commit(table.context.schema.getTableId), () => staged.abort())
  }

  /** The shadow, under the name that the statement gives it. */
  protected def loadStaged(identifier: Identifier, shadow: Identifier): TiTable

  /** @param replace whether a table may be there, which then goes away */
  final private class Staged(identifier: Identifier, shadow: Identifier, replace: Boolean) {
    private val database = TiStaging.this.database(identifier.namespace)

    /** Whether TiDB may still be at work: what it makes of the shadow must not be taken away. */
    private var uncertain = false

    def commit(tableId: Long): Unit = {
      val before = if (replace) existing(identifier).map(_.getName) else None
      val old = before.map(name => tableName(database, name) -> tableName(database, ShadowTable.name(clock())))
      val place = tableName(database, shadow.name) -> tableName(database, before.getOrElse(identifier.name))
      try rename(identifier, old.toSeq :+ place: _*)
      catch {
        case NonFatal(e) if isUncertain(e) =>
          // The answer is lost or late. The rename has happened if the new table is in its place.
          if (!happened(tableId)) {
            uncertain = true
            throw e
          }
      }
      old.foreach { case (_, hidden) => drop(identifier.namespace, hidden.getTable) }
    }

    def abort(): Unit =
      if (uncertain) {
        TiStaging.log.warn(
          "{}: TiDB may still be renaming; its hidden table {} is left to the next statement in the database",
          Array[AnyRef](identifier, shadow.name): _*
        )
      } else {
        drop(identifier.namespace, shadow.name)
      }

    private def isUncertain(error: Throwable): Boolean = Iterator
      .iterate(error)(_.getCause)
      .takeWhile(_ != null)
      .collectFirst { case native: NativeException => native.kind }
      .exists(kind => kind == ErrorKind.Timeout || kind == ErrorKind.Unavailable)

    private def happened(tableId: Long): Boolean =
      try existing(identifier).exists(_.getId == tableId)
      catch { case NonFatal(_) => false }
  }

  private def removeAbandoned(namespace: Array[String], listings: Seq[TableListing], now: Long): Unit =
    listings.map(_.getName).filter(ShadowTable.isAbandoned(_, now)).foreach { name =>
      TiStaging.log.info("{}: removing the hidden table {}, whose driver is gone", namespace.mkString("."), name: Any)
      drop(namespace, name)
    }

  /** What cannot be dropped now will be dropped later: the statement that was asked for is not to fail by that. */
  private def drop(namespace: Array[String], name: String): Unit =
    try {
      val drop = proto.DropTables.newBuilder().addTables(tableName(database(namespace), name)).setIfExists(true)
      tidb.run(s"DROP TABLE $name", Some(TiErrors.Namespace(namespace)))(_.setDropTables(drop))
    } catch {
      case NonFatal(e) => TiStaging.log.warn(s"the hidden table $name cannot be removed now: ${e.getMessage}")
    }
}

private[tidbspark] object TiStaging {
  private val log = LoggerFactory.getLogger(classOf[TiStaging])

  /** Milliseconds of a timestamp of PD. */
  def millis(tso: Long): Long = tso >>> ReadTimestamp.LogicalBits
}
