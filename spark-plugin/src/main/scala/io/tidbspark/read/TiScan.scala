package io.tidbspark.read

import org.apache.spark.sql.connector.metric.{CustomMetric, CustomTaskMetric}
import org.apache.spark.sql.connector.read.{Batch, Scan}
import org.apache.spark.sql.types.StructType

import io.tidbspark.metrics.TiMetric

/** One scan of a table, logically. */
final class TiScan(val plan: ReadPlan) extends Scan {
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
    batch.planned.map(planned => TiScan.oneLine(planned.explain)).filter(_.nonEmpty).getOrElse(plan.summary)
  }

  override def toBatch: Batch = batch

  /** Known without planning partitions, which Spark would otherwise do while it still optimises. */
  override def columnarSupportMode(): Scan.ColumnarSupportMode =
    if (plan.conf.columnar) Scan.ColumnarSupportMode.SUPPORTED else Scan.ColumnarSupportMode.UNSUPPORTED

  override def supportedCustomMetrics(): Array[CustomMetric] = TiMetric.all

  override def reportDriverMetrics(): Array[CustomTaskMetric] =
    batch.planned.map(planned => TiMetric.ofDriver(planned.nanos, planned.regions)).getOrElse(Array.empty)

  override def equals(other: Any): Boolean = other match {
    case that: TiScan => plan == that.plan
    case _ => false
  }

  override def hashCode(): Int = plan.hashCode()
}

object TiScan {

  /** The operators of a tree as EXPLAIN of TiDB draws it, without the lines between them. */
  private[read] def oneLine(explain: String): String =
    explain.split('\n').map(_.replaceFirst("^[\\s│├└─]+", "").trim).filter(_.nonEmpty).mkString(" <- ")
}
