package io.tidbspark.metrics

import java.util.Locale

import org.apache.spark.sql.connector.metric.{CustomMetric, CustomTaskMetric}

import io.tidbspark.proto.ScanMetrics

/** A number that tasks report and the UI sums up. Spark makes instances by class name, so each metric is a class without parameters. */
abstract class TiMetric(override val name: String, override val description: String) extends CustomMetric

/** Adds up. */
abstract class TiCount(name: String, description: String) extends TiMetric(name, description) {
  override def aggregateTaskMetrics(values: Array[Long]): String = String.format(Locale.ROOT, "%,d", Long.box(values.sum))
}

/** Bytes that add up. */
abstract class TiSize(name: String, description: String) extends TiMetric(name, description) {
  override def aggregateTaskMetrics(values: Array[Long]): String = TiMetric.bytes(values.sum)
}

/** Nanoseconds: the sum, and the spread over tasks. */
abstract class TiTime(name: String, description: String) extends TiMetric(name, description) {
  override def aggregateTaskMetrics(values: Array[Long]): String =
    if (values.isEmpty) {
      TiMetric.duration(0)
    } else {
      val sorted = values.sorted
      s"total (min, med, max)\n${TiMetric.duration(values.sum)} " +
        s"(${TiMetric.duration(sorted.head)}, ${TiMetric.duration(sorted(sorted.length / 2))}, ${TiMetric.duration(sorted.last)})"
    }
}

/** Bytes of which only the largest of all tasks matters. */
abstract class TiPeak(name: String, description: String) extends TiMetric(name, description) {
  override def aggregateTaskMetrics(values: Array[Long]): String = TiMetric.bytes(if (values.isEmpty) 0 else values.max)
}

final class RowsMetric extends TiCount("tidbRows", "rows read from TiDB")
final class BatchesMetric extends TiCount("tidbBatches", "Arrow batches")
final class BytesMetric extends TiSize("tidbBytes", "bytes of answers received")
final class RequestsMetric extends TiCount("tidbRequests", "coprocessor requests")
final class RegionErrorsMetric extends TiCount("tidbRegionErrors", "region errors")
final class LocksMetric extends TiCount("tidbLocks", "locks met")
final class BackoffMetric extends TiTime("tidbBackoff", "time of back-off")
final class RequestTimeMetric extends TiTime("tidbRequestTime", "time of requests")
final class StoreTimeMetric extends TiTime("tidbStoreTime", "time of processing in the stores")
final class DecodeTimeMetric extends TiTime("tidbDecodeTime", "time of decoding")
final class WaitTimeMetric extends TiTime("tidbWaitTime", "time waited for a batch")
final class PeakMemoryMetric extends TiPeak("tidbPeakMemory", "peak native memory of a task")

/** Of the driver. */
final class PlanningTimeMetric extends TiTime("tidbPlanningTime", "time of planning the scan")
final class RegionsMetric extends TiCount("tidbRegions", "regions to read")
final class PartitionsReadMetric extends TiCount("tidbPartitionsRead", "partitions of the table to read")
final class PartitionsPrunedMetric extends TiCount("tidbPartitionsPruned", "partitions of the table left out")

/** One value, of a task or of the driver. */
final case class TiMetricValue(override val name: String, override val value: Long) extends CustomTaskMetric

object TiMetric {

  /** What tasks report: the metric and how to find its value. */
  private val Task: Seq[(TiMetric, ScanMetrics => Long)] = Seq(
    new RowsMetric -> (_.getRows),
    new BatchesMetric -> (_.getBatches),
    new BytesMetric -> (_.getBytes),
    new RequestsMetric -> (_.getRequests),
    new RegionErrorsMetric -> (_.getRegionErrors),
    new LocksMetric -> (_.getLocksMet),
    new BackoffMetric -> (_.getBackoffNanos),
    new RequestTimeMetric -> (_.getRequestNanos),
    new StoreTimeMetric -> (_.getStoreNanos),
    new DecodeTimeMetric -> (_.getDecodeNanos),
    new WaitTimeMetric -> (_.getWaitNanos),
    new PeakMemoryMetric -> (_.getPeakMemoryBytes)
  )

  private val planningTime = new PlanningTimeMetric
  private val regionCount = new RegionsMetric
  private val partitionsRead = new PartitionsReadMetric
  private val partitionsPruned = new PartitionsPrunedMetric

  def all: Array[CustomMetric] = (Task.map(_._1) ++ Seq(planningTime, regionCount, partitionsRead, partitionsPruned)).toArray

  def ofTask(metrics: ScanMetrics): Array[CustomTaskMetric] =
    Task.map { case (metric, value) => TiMetricValue(metric.name, value(metrics)) }.toArray

  /**
   * @param planningNanos time from the first question to PD to the last partition
   * @param partitions of the table, 0 when it is not partitioned
   */
  def ofDriver(planningNanos: Long, regions: Long, partitions: Long, read: Long): Array[CustomTaskMetric] = Array(
    TiMetricValue(planningTime.name, planningNanos),
    TiMetricValue(regionCount.name, regions),
    TiMetricValue(partitionsRead.name, read),
    TiMetricValue(partitionsPruned.name, partitions - read)
  )

  private[metrics] def bytes(n: Long): String = {
    val units = Seq("TiB" -> 40, "GiB" -> 30, "MiB" -> 20, "KiB" -> 10)
    units
      .collectFirst {
        case (unit, shift) if n >= (1L << shift) =>
          String.format(Locale.ROOT, "%.1f %s", Double.box(n.toDouble / (1L << shift)), unit)
      }
      .getOrElse(s"$n B")
  }

  private[metrics] def duration(nanos: Long): String =
    if (nanos < 1000000L) {
      s"${nanos / 1000} µs"
    } else if (nanos < 1000000000L) {
      s"${nanos / 1000000} ms"
    } else {
      String.format(Locale.ROOT, "%.1f s", Double.box(nanos / 1e9))
    }
}
