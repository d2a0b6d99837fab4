package io.tidbspark.read

import org.apache.spark.sql.connector.read.{Scan, ScanBuilder, SupportsPushDownRequiredColumns}
import org.apache.spark.sql.tidb.TiAnalysisException
import org.apache.spark.sql.types.StructType

import io.tidbspark.TableContext
import io.tidbspark.compat.Converters._
import io.tidbspark.config.ScanConf
import io.tidbspark.time.Statement
import io.tidbspark.types.SparkTypes

/** Collects what Spark pushes down: the columns that it needs. */
final class TiScanBuilder(context: TableContext, conf: ScanConf) extends ScanBuilder with SupportsPushDownRequiredColumns {
  private var columns: StructType = SparkTypes.toSpark(context.schema)

  override def pruneColumns(required: StructType): Unit = columns = required

  /** @throws org.apache.spark.sql.AnalysisException when a needed column cannot be read */
  override def build(): Scan = {
    val needed = columns.fieldNames.toSet
    context.schema.getColumnsList.asScala.find(column => needed(column.getName) && !column.getUnsupported.isEmpty).foreach {
      column =>
        throw new TiAnalysisException(s"Column ${context.displayName}.${column.getName}: ${column.getUnsupported}")
    }
    new TiScan(ReadPlan(context, Statement.current().snapshot(context.session, context.readTimestamp), columns, conf))
  }
}
