package io.tidbspark.read

import scala.util.control.NonFatal

import org.apache.spark.sql.connector.expressions.filter.Predicate
import org.apache.spark.sql.connector.expressions.{Expressions, NamedReference}
import org.apache.spark.sql.connector.metric.{CustomMetric, CustomTaskMetric}
import org.apache.spark.sql.connector.read.partitioning.{KeyGroupedPartitioning, Partitioning, UnknownPartitioning}
import org.apache.spark.sql.connector.read.{
  Batch,
  Scan,
  Statistics,
  SupportsReportPartitioning,
  SupportsReportStatistics,
  SupportsRuntimeV2Filtering
}
import org.apache.spark.sql.internal.SQLConf
import org.apache.spark.sql.types.StructType
import org.slf4j.LoggerFactory

import io.tidbspark.compat.Converters._
import io.tidbspark.metrics.TiMetric
import io.tidbspark.proto.TableSchema
import io.tidbspark.pushdown.{Planner, Text}

/**
 * One scan of a table, logically.
 *
 * It reports no order of its rows: whether they come in the order of the key or of an index is decided when partitions are planned, after Spark
 * has asked. The partitioning it reports where `plan.report_partitioning` asks for it.
 *
 * @param ofTarget the scan finds the rows that a statement changes. Spark 4 would filter it by the values of `filterAttributes` in the rows
 *   that match, as if they named files: rows with NULL there would be left out
 */
final class TiScan(val plan: ReadPlan, planner: Planner, ofTarget: Boolean = false)
    extends Scan
    with SupportsReportStatistics
    with SupportsReportPartitioning
    with SupportsRuntimeV2Filtering {
  private val batch = new TiBatch(plan)

  override def readSchema(): StructType = plan.columns

  /**
   * Before partitions are planned what will be asked, afterwards the native planner's operator tree, root first, in one line.
   *
   * Spark describes a plan whenever it starts to execute it. When it executes one again it has kept the partitions, and this is the only
   * sign of it that a scan gets: the snapshot is held once more.
   */
  override def description(): String = {
    if (batch.planned.isDefined) plan.snapshot.holdAgain()
    val scan = batch.planned.map(planned => TiScan.oneLine(planned.explain)).filter(_.nonEmpty).getOrElse(plan.summary)
    val found = batch.filters
    if (found.isEmpty) scan else s"$scan RuntimeFilters: ${found.map(Text.expression).mkString("[", ", ", "]")}"
  }

  override def toBatch: Batch = batch

  /** Known without planning partitions, which Spark would otherwise do while it still optimises. */
  override def columnarSupportMode(): Scan.ColumnarSupportMode =
    if (plan.conf.columnar) Scan.ColumnarSupportMode.SUPPORTED else Scan.ColumnarSupportMode.UNSUPPORTED

  /** Asked for more than once while Spark optimises, and by no means always: loaded by the first question. */
  private lazy val statistics: Statistics =
    if (!plan.rules.getStatistics) TiStatistics.Unknown
    else {
      // Groups are not more than rows: what goes into an aggregation bounds what comes out of it.
      try {
        val ofRows = !SQLConf.get.adaptiveExecutionEnabled
        TiStatistics(planner.statistics(plan.statisticsSpec), ofColumns = plan.pushed.aggregation.isEmpty, ofRows)
      } catch {
        case NonFatal(e) =>
          TiScan.log.warn(s"${plan.table.displayName}: no statistics, Spark assumes a large table: ${e.getMessage}")
          TiStatistics.Unknown
      }
    }

  override def estimateStatistics(): Statistics = statistics

  override def outputPartitioning(): Partitioning = plan.partitioning match {
    case Some(key) => new KeyGroupedPartitioning(Array(key), plan.table.schema.getPartitioning.getPartitionsCount)
    case None => new UnknownPartitioning(0)
  }

  /** Columns by which keys and partitions can be found. After an aggregation or a limit a filter of rows would come too late. */
  override def filterAttributes(): Array[NamedReference] =
    runtimeColumns.map(TiScan.reference).toArray

  private lazy val runtimeColumns: Seq[String] =
    if (ofTarget || !plan.rules.getFilters || plan.pushed.aggregation.isDefined || plan.pushed.limit.isDefined) Nil
    else {
      val keys = TiScan.keyColumns(plan.table.schema)
      plan.columns.fieldNames.toSeq.filter(keys)
    }

  override def filter(predicates: Array[Predicate]): Unit =
    batch.filter(RuntimeFilters.translate(predicates.toSeq, runtimeColumns.toSet))

  override def supportedCustomMetrics(): Array[CustomMetric] = TiMetric.all

  override def reportDriverMetrics(): Array[CustomTaskMetric] =
    batch.planned
      .map(p => TiMetric.ofDriver(p.nanos, p.counts.regions, p.counts.partitions, p.counts.partitionsRead))
      .getOrElse(Array.empty)

  override def equals(other: Any): Boolean = other match {
    case that: TiScan => plan == that.plan
    case _ => false
  }

  override def hashCode(): Int = plan.hashCode()
}

object TiScan {
  private val log = LoggerFactory.getLogger(classOf[TiScan])

  /** Columns of the primary key, of visible indexes and of the partitioning. */
  private[read] def keyColumns(table: TableSchema): Set[String] = {
    val expression = table.getPartitioning.getExpression
    (table.getPrimaryKeyList.asScala.iterator ++
      table.getIndexesList.asScala.iterator.filter(_.getVisible).flatMap(_.getColumnsList.asScala) ++
      table.getColumnsList.asScala.iterator.map(_.getName).filter(name => expression.contains(quoted(name)))).toSet
  }

  private[read] def quoted(name: String): String = "`" + name.replace("`", "``") + "`"

  private[read] def reference(name: String): NamedReference = Expressions.column(quoted(name))

  /** The operators of a tree as EXPLAIN of TiDB draws it, without the lines between them. */
  private[read] def oneLine(explain: String): String =
    explain.split('\n').map(_.replaceFirst("^[\\s│├└─]+", "").trim).filter(_.nonEmpty).mkString(" <- ")
}
