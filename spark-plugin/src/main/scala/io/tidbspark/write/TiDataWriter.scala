package io.tidbspark.write

import org.apache.arrow.memory.BufferAllocator
import org.apache.spark.TaskContext
import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.connector.metric.CustomTaskMetric
import org.apache.spark.sql.connector.write.{DataWriter, WriterCommitMessage}
import org.apache.spark.sql.tidb.SparkInternals
import org.apache.spark.sql.types.StructType
import org.apache.spark.util.TaskCompletionListener
import org.slf4j.LoggerFactory

import io.tidbspark.metrics.TiWriteMetric
import io.tidbspark.proto.WriteMetrics

/**
 * Writes the rows of one attempt of a task.
 *
 * {{{
 *   row -> ArrowBatchExporter -> C structs -> WriteSink (encode, sort, prewrite)
 * }}}
 *
 * The attempt owns nothing of the transaction: when it ends, however it ends, memory is freed and what it has prewritten stays, because
 * another attempt may have written the same. A killed task is noticed by [[TaskWatch]] also while the thread is in the native library.
 *
 * @param label for the log
 * @param sink closed with the writer
 * @param batchBytes of one Arrow batch, about
 * @param memory closed with the writer
 */
final class TiDataWriter(
    label: String,
    sink: WriteSink,
    columns: StructType,
    batchBytes: Long,
    memory: AutoCloseable,
    task: Option[TaskContext]
) extends DataWriter[InternalRow] {
  private val allocator: BufferAllocator =
    SparkInternals.newArrowAllocator(s"tidb-write-${task.fold("driver")(_.taskAttemptId().toString)}")
  private val exporter = new ArrowBatchExporter(allocator, columns, batchBytes, TiDataWriter.BatchRows)
  private val watch: Option[AutoCloseable] = task.map(TaskWatch(_, () => sink.cancel()))
  private var closed = false
  private var nextLog = System.nanoTime() + TiDataWriter.LogNanos

  /** As of the last batch; asking the library for every hundred rows, as Spark does, would be a waste. */
  @volatile private var lastMetrics = WriteMetrics.getDefaultInstance

  /** As Spark was told last; it does not ask again after the commit. */
  @volatile private var toldMetrics = WriteMetrics.getDefaultInstance
  @volatile private var committed = false

  task.foreach(_.addTaskCompletionListener(new TaskCompletionListener {
    override def onTaskCompletion(context: TaskContext): Unit = close()
  }))

  override def write(row: InternalRow): Unit = if (exporter.add(row)) flush()

  override def commit(): WriterCommitMessage = {
    flush()
    val message = unlessKilled(sink.finish())
    lastMetrics = sink.metrics()
    committed = true
    TiCommitMessage(message.toByteArray, message.getRows, TiWriteMetric.untold(lastMetrics, toldMetrics))
  }

  /** Stops requests; the rest is left to [[close]], and the locks to the driver. */
  override def abort(): Unit = synchronized(if (!closed) sink.cancel())

  /** What the commit's message says must not be told twice. */
  override def currentMetricsValues(): Array[CustomTaskMetric] = {
    if (!committed) toldMetrics = lastMetrics
    TiWriteMetric.ofTask(toldMetrics)
  }

  override def close(): Unit = synchronized {
    if (!closed) {
      closed = true
      watch.foreach(_.close())
      try lastMetrics = sink.metrics()
      catch { case e: Exception => TiDataWriter.log.debug("{}: no metrics at the end", Array[AnyRef](label, e): _*) }
      // The library lets go of batches before the allocator is asked whether all came back.
      try sink.close()
      finally {
        exporter.close()
        TiDataWriter.release(allocator)
        memory.close()
      }
    }
  }

  private def flush(): Unit = if (!exporter.isEmpty) {
    unlessKilled(exporter.flush((array, schema) => sink.write(array, schema)))
    lastMetrics = sink.metrics()
    if (System.nanoTime() >= nextLog) {
      nextLog = System.nanoTime() + TiDataWriter.LogNanos
      TiDataWriter.log.info(s"$label: ${lastMetrics.getRows} rows, ${lastMetrics.getBytes} bytes of keys and values so far")
    }
  }

  /** A killed task ends with Spark's TaskKilledException, not with the "cancelled" that the kill made. */
  private def unlessKilled[T](body: => T): T = {
    task.foreach(SparkInternals.killTaskIfInterrupted)
    try body
    catch {
      case e: Exception =>
        task.foreach(SparkInternals.killTaskIfInterrupted)
        throw e
    }
  }
}

object TiDataWriter {

  /** Rows of an Arrow batch at most. */
  private val BatchRows = 16384

  /** Bytes of an Arrow batch at most; larger ones would not be encoded faster. */
  private val MaxBatchBytes = 4L << 20

  private val LogNanos = 10L * 1000 * 1000 * 1000
  private val log = LoggerFactory.getLogger(classOf[TiDataWriter])

  /** Of one Arrow batch, for a task that has `memoryBytes` in all. */
  def batchBytes(memoryBytes: Long): Long = math.max(64L << 10, math.min(MaxBatchBytes, memoryBytes / 8))

  /** Arrow complains when a batch is still held; that must not hide why the task ended. */
  private def release(allocator: BufferAllocator): Unit =
    try allocator.close()
    catch { case e: IllegalStateException => log.warn("Batches of a write to TiDB were not released: {}", e.getMessage) }
}
