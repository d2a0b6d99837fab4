package io.tidbspark.read

import org.apache.spark.sql.connector.expressions.Transform
import org.apache.spark.sql.types.StructType

import io.tidbspark.compat.Converters._
import io.tidbspark.config.ScanConf
import io.tidbspark.proto.{Expr, PushDown, ScanSpec}
import io.tidbspark.pushdown.{Aggregations, Pushed}
import io.tidbspark.time.Snapshot
import io.tidbspark.{ReadTimestamp, TableContext}

/**
 * What one scan reads: the table fills half of it, the builder the rest, and everything after only looks. Two scans with equal
 * plans give equal rows, which lets Spark do the work once ([[equals]] decides about reuse of exchanges).
 *
 * @param snapshot the moment: that of the statement, unless the table is one of the past
 * @param columns of the answer, in order: columns of the table, or groups and aggregates; empty when only the number of rows matters
 * @param rules what may be pushed down
 * @param pushed what is pushed down
 */
final case class ReadPlan(
    table: TableContext,
    snapshot: Snapshot,
    columns: StructType,
    conf: ScanConf,
    rules: PushDown,
    pushed: Pushed
) {

  /** The partitions of the table that Spark is told of; each task reads of one of them then. An aggregation answers no rows of the table. */
  lazy val partitioning: Option[Transform] =
    if (conf.reportPartitioning && pushed.aggregation.isEmpty) TablePartitioning.transform(table.schema, columns.fieldNames.toSet)
    else None

  /**
   * @param tso of the snapshot
   * @param parallelism tasks that the application can run at once
   * @param runtimeFilters hold as well, and Spark checks them again
   */
  def spec(tso: Long, parallelism: Int, runtimeFilters: Seq[Expr]): ScanSpec = {
    val spec = pushed
      .fill(ScanSpec.newBuilder())
      .setTable(table.schema.getTableDescriptor)
      .setReadTimestamp(ReadTimestamp.Tso(tso).toProto)
      .setTypes(table.types)
      .setPartitionBytes(conf.partitionBytes)
      .setParallelism(parallelism)
      .setConcurrency(conf.concurrency)
      .setSchemaTs(table.schema.getSchemaTs)
      .setByPartition(partitioning.isDefined)
      .setPushDown(rules)
      .addAllRuntimeFilters(runtimeFilters.asJava)
    if (pushed.aggregation.isEmpty) spec.addAllColumns(columns.fieldNames.toSeq.asJava)
    spec.build()
  }

  /** The question about the rows that pass the filters, before they are aggregated. */
  def statisticsSpec: ScanSpec = {
    val read = pushed.aggregation.fold(columns.fieldNames.toSeq)(a => Aggregations.columns(a.expression).toSeq.sorted)
    Pushed(filters = pushed.filters)
      .fill(ScanSpec.newBuilder())
      .setTable(table.schema.getTableDescriptor)
      .setReadTimestamp(snapshot.at.toProto)
      .setTypes(table.types)
      .addAllColumns(read.asJava)
      .setPartitionBytes(conf.partitionBytes)
      .setParallelism(1)
      .setPushDown(rules)
      .build()
  }

  /** What the plan says before it is planned; the columns are the answer's. */
  def summary: String = Seq(
    s"TiDBScan ${table.displayName} columns=[${columns.fieldNames.mkString(", ")}]",
    pushed.summary,
    s"read_ts=$snapshot"
  ).filter(_.nonEmpty).mkString(" ")

  override def equals(other: Any): Boolean = other match {
    case that: ReadPlan => key == that.key
    case _ => false
  }

  override def hashCode(): Int = key.hashCode()

  /** Not the moment at which the schema was loaded: within a statement each mention of a table may load it anew. */
  private def key: (AnyRef, Long, Any, AnyRef, StructType, ScanConf, PushDown, Pushed) =
    (table.session, table.schema.getTableId, table.types, snapshot.identity, columns, conf, rules, pushed)
}
