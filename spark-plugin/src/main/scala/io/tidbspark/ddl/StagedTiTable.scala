package io.tidbspark.ddl

import java.util

import org.apache.spark.sql.connector.catalog.{StagedTable, SupportsWrite, TableCapability}
import org.apache.spark.sql.connector.expressions.Transform
import org.apache.spark.sql.connector.write.{LogicalWriteInfo, WriteBuilder}
import org.apache.spark.sql.types.StructType
import org.apache.spark.sql.util.CaseInsensitiveStringMap

import io.tidbspark.TiTable
import io.tidbspark.compat.Converters._

/**
 * A table that is written before anybody may see it.
 *
 * @param table the shadow
 * @param commit puts it in its place
 * @param abort removes it
 */
final private[ddl] class StagedTiTable(table: TiTable, commit: () => Unit, abort: () => Unit)
    extends StagedTable
    with SupportsWrite {
  override def name(): String = table.name()

  override def schema(): StructType = table.schema()

  override def partitioning(): Array[Transform] = table.partitioning()

  override def properties(): util.Map[String, String] = table.properties()

  /** Every column has its value in the query, so that Spark matches them by itself. */
  override def capabilities(): util.Set[TableCapability] = {
    val all = util.EnumSet.copyOf(table.capabilities())
    all.remove(TableCapability.ACCEPT_ANY_SCHEMA)
    all
  }

  override def newWriteBuilder(info: LogicalWriteInfo): WriteBuilder = table.newWriteBuilder(new LogicalWriteInfo {
    // `option("tidb.primary_key", ...)` before saveAsTable is a property of the table, and no option of the write.
    override val options: CaseInsensitiveStringMap = new CaseInsensitiveStringMap(
      info.options.asScala.filterNot(_._1.startsWith(TableProperties.Prefix)).toMap.asJava
    )
    override def queryId: String = info.queryId
    override def schema: StructType = info.schema
  })

  override def commitStagedChanges(): Unit = commit()

  override def abortStagedChanges(): Unit = abort()
}
