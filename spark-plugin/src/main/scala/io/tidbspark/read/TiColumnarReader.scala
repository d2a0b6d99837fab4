package io.tidbspark.read

import scala.annotation.tailrec

import org.apache.arrow.c.ArrowArray
import org.apache.arrow.memory.BufferAllocator
import org.apache.spark.TaskContext
import org.apache.spark.sql.connector.metric.CustomTaskMetric
import org.apache.spark.sql.connector.read.PartitionReader
import org.apache.spark.sql.tidb.SparkInternals
import org.apache.spark.sql.types.StructType
import org.apache.spark.sql.vectorized.ColumnarBatch
import org.apache.spark.util.TaskCompletionListener
import org.slf4j.LoggerFactory

import io.tidbspark.TiSessions
import io.tidbspark.config.ScanConf
import io.tidbspark.errors.TiErrors
import io.tidbspark.jni.NativeScan
import io.tidbspark.metrics.TiMetric
import io.tidbspark.proto.{ScanMetrics, ScanOpen, SessionConfig}

/**
 * Reads one partition as batches.
 *
 * {{{
 *   native scan (prefetch, decode) -> ArrowArray struct -> ArrowBatchImporter -> ColumnarBatch -> Spark
 * }}}
 *
 * A batch is valid until the next call of [[next]]; whoever took it may close it earlier, twice does no harm. The thread never
 * waits longer than [[TiColumnarReader.WaitMillis]] without looking whether its task was killed. Everything is released by
 * [[close]], at the latest when the task ends.
 */
final class TiColumnarReader private (
    scan: NativeScan,
    importer: ArrowBatchImporter,
    allocator: BufferAllocator,
    memory: TaskMemory,
    task: Option[TaskContext]
) extends PartitionReader[ColumnarBatch] {
  private var batch: Option[ColumnarBatch] = None
  private var closed = false

  /** Metrics at the end, which Spark may ask for after the close. */
  private var lastMetrics = ScanMetrics.getDefaultInstance

  override def next(): Boolean = {
    dropBatch()
    val array = ArrowArray.allocateNew(allocator)
    val rows =
      try fetch(array)
      catch {
        case e: Throwable =>
          array.close()
          throw e
      }
    if (rows == NativeScan.END) {
      array.close()
      false
    } else {
      batch = Some(importer.importBatch(array, rows))
      true
    }
  }

  /** Rows of the batch that `array` now holds, or END. */
  @tailrec private def fetch(array: ArrowArray): Int = {
    task.foreach(SparkInternals.killTaskIfInterrupted)
    val rows = TiErrors.translating(scan.next(array.memoryAddress(), TiColumnarReader.WaitMillis))
    if (rows == NativeScan.PENDING) fetch(array) else rows
  }

  override def get(): ColumnarBatch = batch.getOrElse(throw new IllegalStateException("get() without a successful next()"))

  override def currentMetricsValues(): Array[CustomTaskMetric] = {
    synchronized(if (!closed) lastMetrics = ScanMetrics.parseFrom(scan.metrics()))
    TiMetric.ofTask(lastMetrics)
  }

  override def close(): Unit = synchronized {
    if (!closed) {
      closed = true
      try lastMetrics = ScanMetrics.parseFrom(scan.metrics())
      finally {
        scan.close()
        dropBatch()
        TiColumnarReader.release(allocator)
        memory.close()
      }
    }
  }

  private def dropBatch(): Unit = {
    batch.foreach(_.close())
    batch = None
  }
}

object TiColumnarReader {

  /** How long a killed task may go unnoticed. */
  private val WaitMillis = 100L

  private val log = LoggerFactory.getLogger(classOf[TiColumnarReader])

  /**
   * Starts reading.
   *
   * @param session `plan.SessionConfig`
   * @param common `plan.ScanPlan.common`
   * @param columns what Spark expects, in order
   */
  def open(
      session: Array[Byte],
      common: Array[Byte],
      partition: TiInputPartition,
      columns: StructType,
      conf: ScanConf
  ): TiColumnarReader = {
    val task = Option(TaskContext.get())
    val native = TiSessions.get(SessionConfig.parseFrom(session))
    val memory = TaskMemory.acquire(task, conf.memoryBytes)
    val allocator = SparkInternals.newArrowAllocator(s"tidb-scan-${task.fold("driver")(_.taskAttemptId().toString)}")
    try {
      val importer = new ArrowBatchImporter(allocator, common, columns)
      val request = ScanOpen
        .newBuilder()
        .setCommon(com.google.protobuf.ByteString.copyFrom(common))
        .setTasks(com.google.protobuf.ByteString.copyFrom(partition.tasks))
        .setMemoryBytes(memory.bytes)
        .setBatchRows(conf.batchRows)
        .setConcurrency(conf.concurrency)
        .build()
      val scan = TiErrors.translating(NativeScan.start(native, request.toByteArray))
      val reader = new TiColumnarReader(scan, importer, allocator, memory, task)
      task.foreach(_.addTaskCompletionListener(new TaskCompletionListener {
        override def onTaskCompletion(context: TaskContext): Unit = reader.close()
      }))
      reader
    } catch {
      case e: Throwable =>
        release(allocator)
        memory.close()
        throw e
    }
  }

  /** Arrow complains when a consumer still holds a batch; that must not hide why the task ended. */
  private def release(allocator: BufferAllocator): Unit =
    try allocator.close()
    catch { case e: IllegalStateException => log.warn("Batches of a TiDB scan were not closed: {}", e.getMessage) }
}
