package io.tidbspark.write

import org.apache.spark.sql.types.{IntegerType, StructField, StructType}

import io.tidbspark.TableContext
import io.tidbspark.compat.Converters._
import io.tidbspark.config.{WriteConf, WriteDistribution}
import io.tidbspark.proto.{RowFilter, WriteSpec}

/**
 * What one write shall do, complete but for the rows.
 *
 * @param columns those of the rows, in their order; a subset of the table's, under the table's names and with its types
 * @param rowIds in changes of rows that were read, the columns that say which row it is; empty in all other writes
 * @param filters which rows an overwrite removes, all of the conditions; empty: all rows
 * @param caseSensitive whether Spark tells names apart by case
 * @param speculation whether Spark may run a task twice at once
 */
final case class WriteIntent(
    table: TableContext,
    columns: StructType,
    rowIds: StructType,
    conf: WriteConf,
    overwrite: WriteSpec.Overwrite,
    filters: Seq[RowFilter],
    caseSensitive: Boolean,
    speculation: Boolean
) {

  /** Rows that were read are changed: rows say what is done with them. */
  def isDelta: Boolean = rowIds.nonEmpty

  /** Columns of the batches that the native library gets; those before the rows' own in changes of rows have names of no meaning. */
  def batch: StructType =
    if (!isDelta) columns
    else {
      val ids = rowIds.fields.map(field => StructField(s"${WriteIntent.RowIdPrefix}${field.name}", field.dataType))
      val values = columns.fields.map(field => StructField(field.name, field.dataType))
      StructType(StructField(WriteIntent.Operation, IntegerType, nullable = false) +: (ids ++ values))
    }

  def spec: WriteSpec = WriteSpec
    .newBuilder()
    .setDatabase(table.schema.getDatabase)
    .setTable(table.schema.getTable)
    .setCaseSensitive(caseSensitive)
    .setTableId(table.schema.getTableId)
    .addAllColumns(columns.fieldNames.toSeq.asJava)
    .setTypes(table.types)
    .setMode(if (isDelta) WriteSpec.Mode.DELTA else conf.mode)
    .setOverwrite(overwrite)
    .setSpeculation(speculation)
    .setClustered(conf.distribution != WriteDistribution.None)
    .setBatchBytes(conf.batchBytes)
    .setRequestBytes(conf.requestBytes)
    .setConcurrency(conf.concurrency)
    .setResolveInBackground(conf.resolveInBackground)
    .setPrewriteDeadlineMs(conf.prewriteDeadlineMillis)
    .setCommitDeadlineMs(conf.commitDeadlineMillis)
    .addAllFilters(filters.asJava)
    .addAllRowIdColumns(rowIds.fieldNames.toSeq.asJava)
    .build()

  def summary: String = {
    val kind = overwrite match {
      case WriteSpec.Overwrite.OVERWRITE_ALL if filters.isEmpty => "overwrite"
      case WriteSpec.Overwrite.OVERWRITE_ALL => s"overwrite(${filters.length} conditions)"
      case WriteSpec.Overwrite.OVERWRITE_PARTITIONS => "overwrite partitions"
      case _ if isDelta => rowIds.fieldNames.mkString("delta by (", ", ", ")")
      case _ => conf.mode.name.toLowerCase(java.util.Locale.ROOT)
    }
    s"TiDBWrite ${table.displayName} $kind columns=[${columns.fieldNames.mkString(", ")}]"
  }
}

object WriteIntent {
  private val Operation = "__operation"
  private val RowIdPrefix = "__row_id_"
}
