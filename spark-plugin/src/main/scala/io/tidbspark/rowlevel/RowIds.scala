package io.tidbspark.rowlevel

import org.apache.spark.sql.connector.catalog.MetadataColumn
import org.apache.spark.sql.types.{DataType, LongType, StructField, StructType}

import io.tidbspark.compat.Converters._
import io.tidbspark.proto.TableSchema
import io.tidbspark.types.SparkTypes

/** Which columns say which row it is: the clustered primary key, else TiDB's hidden number. */
object RowIds {

  /** TiDB's name of the hidden number of a row. */
  val Hidden = "_tidb_rowid"

  /** `TableSchema.handle_kind` of tables whose rows have it. */
  private val HiddenKind = "rowid"

  /** The hidden number as a metadata column: to be had by its name, and no part of `*`. */
  final case class HiddenColumn() extends MetadataColumn {
    override def name(): String = Hidden
    override def dataType(): DataType = LongType
    override def isNullable: Boolean = false
    override def comment(): String = "TiDB's number of a row without a clustered primary key"
  }

  /** Rows of the table have a hidden number. */
  def isHidden(table: TableSchema): Boolean = table.getHandleKind == HiddenKind

  /** The columns of the row's key, in its order. */
  def of(table: TableSchema): StructType =
    if (isHidden(table)) StructType(Seq(StructField(Hidden, LongType, nullable = false)))
    else {
      val columns = SparkTypes.toSpark(table)
      StructType(table.getPrimaryKeyList.asScala.toSeq.flatMap(name => columns.find(_.name.equalsIgnoreCase(name))))
    }

  /** Columns of which TiDB makes the value when a row brings none, or 0. */
  def generated(table: TableSchema): Set[String] =
    table.getColumnsList.asScala.iterator.filter(c => c.getAutoIncrement || c.getAutoRandom).map(_.getName).toSet

  /** Columns that TiDB computes: nobody writes them. */
  def computed(table: TableSchema): Set[String] =
    table.getColumnsList.asScala.iterator.filterNot(_.getGenerated.isEmpty).map(_.getName).toSet
}
