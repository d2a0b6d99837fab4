package io.tidbspark.read

import org.apache.spark.sql.types.StructType

import io.tidbspark.compat.Converters._
import io.tidbspark.config.ScanConf
import io.tidbspark.proto.ScanSpec
import io.tidbspark.time.Snapshot
import io.tidbspark.{ReadTimestamp, TableContext}

/**
 * What one scan reads: the table fills half of it, the builder the rest, and everything after only looks. Two scans with equal
 * plans give equal rows, which lets Spark do the work once ([[equals]] decides about reuse of exchanges).
 *
 * @param snapshot the moment: that of the statement, unless the table is one of the past
 * @param columns in output order; empty when only the number of rows matters
 */
final case class ReadPlan(table: TableContext, snapshot: Snapshot, columns: StructType, conf: ScanConf) {

  /**
   * @param tso of the snapshot
   * @param parallelism tasks that the application can run at once
   */
  def spec(tso: Long, parallelism: Int): ScanSpec = ScanSpec
    .newBuilder()
    .setTable(table.schema.getTableDescriptor)
    .setReadTimestamp(ReadTimestamp.Tso(tso).toProto)
    .addAllColumns(columns.fieldNames.toSeq.asJava)
    .setTypes(table.types)
    .setPartitionBytes(conf.partitionBytes)
    .setParallelism(parallelism)
    .setSchemaTs(table.schema.getSchemaTs)
    .build()

  def summary: String =
    s"TableFullScan ${table.displayName} columns=[${columns.fieldNames.mkString(", ")}] read_ts=$snapshot"

  override def equals(other: Any): Boolean = other match {
    case that: ReadPlan => key == that.key
    case _ => false
  }

  override def hashCode(): Int = key.hashCode()

  /** Not the moment at which the schema was loaded: within a statement each mention of a table may load it anew. */
  private def key: (AnyRef, Long, Any, AnyRef, StructType, ScanConf) =
    (table.session, table.schema.getTableId, table.types, snapshot.identity, columns, conf)
}
