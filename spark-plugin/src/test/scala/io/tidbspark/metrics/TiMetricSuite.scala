package io.tidbspark.metrics

import org.scalatest.funsuite.AnyFunSuite

import io.tidbspark.proto.{ScanMetrics, WriteMetrics}

class TiMetricSuite extends AnyFunSuite {
  test("Spark can make every metric by its class name, names are unique and all are declared") {
    val metrics = TiMetric.all
    metrics.foreach(metric => assert(metric.getClass.getDeclaredConstructor().newInstance().name == metric.name))
    val names = metrics.map(_.name).toSeq
    assert(names.distinct == names)
    val reported = TiMetric.ofTask(ScanMetrics.getDefaultInstance) ++ TiMetric.ofDriver(1, 1, 0, 0)
    assert(reported.map(_.name).toSet == names.toSet)
  }

  test("values of a task are those of the native library") {
    val values = TiMetric
      .ofTask(ScanMetrics.newBuilder().setRows(5).setBytes(6).setPeakMemoryBytes(7).setWaitNanos(8).build())
      .map(metric => metric.name -> metric.value)
      .toMap
    assert(values("tidbRows") == 5 && values("tidbBytes") == 6 && values("tidbPeakMemory") == 7 && values("tidbWaitTime") == 8)
    assert(values("tidbLocks") == 0)
  }

  test("as the UI shows them") {
    assert(new RowsMetric().aggregateTaskMetrics(Array(1200L, 34L)) == "1,234")
    assert(new BytesMetric().aggregateTaskMetrics(Array(1L << 20, 1L << 19)) == "1.5 MiB")
    assert(new PeakMemoryMetric().aggregateTaskMetrics(Array(10L, 2048L)) == "2.0 KiB")
    val times = new WaitTimeMetric().aggregateTaskMetrics(Array(3000000L, 1000000L, 2000000000L))
    assert(times == "total (min, med, max)\n2.0 s (1 ms, 3 ms, 2.0 s)")
    Seq(new RowsMetric, new BytesMetric, new PeakMemoryMetric, new WaitTimeMetric).foreach(_.aggregateTaskMetrics(Array()))
  }

  test("metrics of writes") {
    val metrics = TiWriteMetric.all
    metrics.foreach(metric => assert(metric.getClass.getDeclaredConstructor().newInstance().name == metric.name))
    val names = (metrics ++ TiMetric.all).map(_.name).toSeq
    assert(names.distinct == names)
    // The driver finds them by what the UI calls them.
    val descriptions = (metrics ++ TiMetric.all).map(_.description).toSeq
    assert(descriptions.distinct == descriptions)
    val written = WriteMetrics.newBuilder().setRows(5).setSkippedRows(2).build()
    val values = TiWriteMetric.ofTask(written).map(m => m.name -> m.value).toMap
    assert(values("tidbRowsWritten") == 5 && values("tidbRowsSkipped") == 2)
  }

  test("what tasks have told and what the driver tells make the whole") {
    def task(rows: Long, peak: Long) = WriteMetrics.newBuilder().setRows(rows).setPeakMemoryBytes(peak).build()
    val untold = Seq(TiWriteMetric.untold(task(10, 7), task(4, 5)), TiWriteMetric.untold(task(3, 9), task(0, 0)))
    val driver = WriteMetrics.newBuilder().setRows(13).setCommitNanos(9).build()
    val values = TiWriteMetric.ofDriver(driver, untold).toMap
    assert(values == Map("rows written to TiDB" -> 9, "peak native memory of a writing task" -> 9, "time of the commit" -> 9))
    assert(TiWriteMetric.ofDriver(WriteMetrics.getDefaultInstance, Seq(Array.empty[Long])).isEmpty)
  }
}
