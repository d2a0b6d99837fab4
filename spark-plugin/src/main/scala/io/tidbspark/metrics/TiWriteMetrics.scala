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
final class WriteBackoffMetric extends TiTime("tidbWriteBackoff", "time of back-off")
final class EncodeTimeMetric extends TiTime("tidbEncodeTime", "time of encoding")
final class PrewriteTimeMetric extends TiTime("tidbPrewriteTime", "time of prewriting")
final class WritePeakMemoryMetric extends TiPeak("tidbWritePeakMemory", "peak native memory of a task")

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

  /** @param driver whether Spark asks the driver too; else its metrics would be shown as zero */
  def all(driver: Boolean): Array[CustomMetric] = (if (driver) Task ++ Driver else Task).map(_._1).toArray

  def ofTask(metrics: WriteMetrics): Array[CustomTaskMetric] = values(Task, metrics)

  /** Of the transaction, known when it has ended. */
  def ofDriver(metrics: WriteMetrics): Array[CustomTaskMetric] = values(Driver, metrics)

  private def values(of: Seq[(TiMetric, WriteMetrics => Long)], metrics: WriteMetrics): Array[CustomTaskMetric] =
    of.map { case (metric, value) => TiMetricValue(metric.name, value(metrics)) }.toArray
}
