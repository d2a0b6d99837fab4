package io.tidbspark.read

import org.apache.spark.TaskContext
import org.apache.spark.memory.{MemoryConsumer, TaskMemoryManager}
import org.apache.spark.sql.tidb.SparkInternals
import org.slf4j.LoggerFactory

/**
 * Native memory of one scan as a debt to Spark's task memory, so that the sum of what a task uses is what Spark thinks it is. The
 * memory itself is the native library's; Spark books it as off-heap where it manages off-heap memory, else as heap, which leaves the
 * heap that much emptier.
 *
 * @param bytes what the scan may hold
 */
final class TaskMemory private (val bytes: Long, consumer: Option[MemoryConsumer]) extends AutoCloseable {

  /** Gives the memory back; may be called more than once. */
  override def close(): Unit = synchronized(consumer.foreach(c => c.freeMemory(c.getUsed)))
}

object TaskMemory {

  /** What a scan needs to make progress at all; held even if Spark has nothing to give. */
  val Floor: Long = 8L << 20

  private val log = LoggerFactory.getLogger(classOf[TaskMemory])

  /** Up to `wanted` bytes, less when the task's memory is short, but not less than [[Floor]]. */
  def acquire(task: Option[TaskContext], wanted: Long): TaskMemory = task match {
    case None => new TaskMemory(wanted, None)
    case Some(context) =>
      val consumer = new Consumer(SparkInternals.taskMemoryManager(context))
      val granted = consumer.acquireMemory(wanted)
      if (granted < wanted) {
        log.info(s"Task ${context.taskAttemptId()} got $granted of $wanted bytes for reading TiDB")
      }
      new TaskMemory(math.max(granted, math.min(wanted, Floor)), Some(consumer))
  }

  /** Cannot spill: what it holds is on its way to Spark. */
  final private class Consumer(manager: TaskMemoryManager)
      extends MemoryConsumer(manager, manager.pageSizeBytes(), manager.getTungstenMemoryMode) {
    override def spill(size: Long, trigger: MemoryConsumer): Long = 0L
  }
}
