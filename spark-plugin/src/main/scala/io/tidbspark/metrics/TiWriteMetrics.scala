package io.tidbspark.metrics

import org.apache.spark.sql.connector.metric.{CustomMetric, CustomTaskMetric}

import io.tidbspark.proto.WriteMetrics

final class RowsWrittenMetric extends TiCount("tidbRowsWritten", "rows written to TiDB")
final class RowsSkippedMetric extends TiCount("tidbRowsSkipped", "rows skipped, their keys are taken")
final class RowsDeletedMetric extends TiCount("tidbRowsDeleted", "rows deleted")
final class MutationsMetric extends TiCount("tidbMutations", "keys of rows and indexes")
final class BytesWrittenMetric extends TiSize("tidbBytesWritten", "bytes of keys and values")
final class WriteRequestsMetric extends TiCount("tidbWriteRequests", "requests to stores")
final class WriteRegionErrorsMetric extends TiCount("tidbWriteRegionErrors", "region errors (requests repeated)")
final class WriteLocksMetric extends TiCount("tidbWriteLocks", "locks of others met")
final class WriteBackoffMetric extends TiTime("tidbWriteBackoff", "time of back-off of the write")
final class EncodeTimeMetric extends TiTime("tidbEncodeTime", "time of encoding")
final class PrewriteTimeMetric extends TiTime("tidbPrewriteTime", "time of prewriting")
final class WritePeakMemoryMetric extends TiPeak("tidbWritePeakMemory", "peak native memory of a writing task")

/** Of the driver. */
final class AuditTimeMetric extends TiTime("tidbAuditTime", "time of auditing locks")
final class CommitTimeMetric extends TiTime("tidbCommitTime", "time of the commit")
final class ResolveTimeMetric extends TiTime("tidbResolveTime", "time of turning locks into rows")

object TiWriteMetric {

  /** What tasks report: the metric and how to find its value. */
  private val Task: Seq[(TiMetric, WriteMetrics => Long)] = Seq(
    new RowsWrittenMetric -> (_.getRows),
    new RowsSkippedMetric -> (_.getSkippedRows),
    new MutationsMetric -> (_.getMutations),
    new BytesWrittenMetric -> (_.getBytes),
    new WriteRequestsMetric -> (_.getRequests),
    new WriteRegionErrorsMetric -> (_.getRegionErrors),
    new WriteLocksMetric -> (_.getLocksMet),
    new WriteBackoffMetric -> (_.getBackoffNanos),
    new EncodeTimeMetric -> (_.getEncodeNanos),
    new PrewriteTimeMetric -> (_.getPrewriteNanos),
    new WritePeakMemoryMetric -> (_.getPeakMemoryBytes)
  )

  private val Driver: Seq[(TiMetric, WriteMetrics => Long)] = Seq(
    new RowsDeletedMetric -> (_.getDeletedRows),
    new AuditTimeMetric -> (_.getAuditNanos),
    new CommitTimeMetric -> (_.getCommitNanos),
    new ResolveTimeMetric -> (_.getResolveNanos)
  )

  val all: Array[CustomMetric] = (Task ++ Driver).map(_._1).toArray

  def ofTask(metrics: WriteMetrics): Array[CustomTaskMetric] =
    Task.map { case (metric, value) => TiMetricValue(metric.name, value(metrics)) }.toArray

  /**
   * What a task has not told Spark, because Spark asks before the task's last rows are sent: by the order of [[ofTask]].
   *
   * @param last all of it
   * @param shown what Spark was told
   */
  def untold(last: WriteMetrics, shown: WriteMetrics): Array[Long] = Task.map { case (metric, value) =>
    metric match {
      case _: TiPeak => value(last)
      case _ => value(last) - value(shown)
    }
  }.toArray

  /**
   * What the driver has to tell when a write has ended, by the descriptions of metrics: its own, and what tasks have not told.
   *
   * @param untold of each task
   */
  def ofDriver(driver: WriteMetrics, untold: Seq[Array[Long]]): Seq[(String, Long)] = {
    val ofTasks = Task.zipWithIndex.map { case ((metric, _), i) =>
      val values = untold.flatMap(_.lift(i))
      metric.description -> (metric match {
        case _: TiPeak => values.foldLeft(0L)(math.max)
        case _ => values.sum
      })
    }
    val own = Driver.map { case (metric, value) => metric.description -> value(driver) }
    (ofTasks ++ own).filter(_._2 != 0)
  }
}
