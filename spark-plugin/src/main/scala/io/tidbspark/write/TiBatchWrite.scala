package io.tidbspark.write

import java.util.concurrent.atomic.{AtomicInteger, AtomicLong}

import org.apache.spark.sql.connector.write.{BatchWrite, DataWriterFactory, PhysicalWriteInfo, WriterCommitMessage}
import org.slf4j.LoggerFactory

import io.tidbspark.metrics.TiWriteMetric
import io.tidbspark.proto.CommitRequest

/**
 * One Spark job as one transaction, at the driver.
 *
 * {{{
 *   Open --commit--> Committed
 *     \---commit fails, abort, or the query ends without either---> Ended
 * }}}
 *
 * Spark calls [[abort]] also after a [[commit]] that threw, and calls neither when the input fails before the first task: [[abandon]] is
 * for that. The transaction itself knows whether there is something left to roll back; after a success it is not even asked.
 *
 * The output commit coordinator of Spark is not used: all attempts of a task write the same, so that it does not matter which of them
 * Spark accepts.
 *
 * @param label for the log
 * @param transaction begun; closed here
 * @param factory makes the writer factory from `plan.WritePlan.common`
 * @param onEnd called once, with what the driver adds to the metrics of tasks, by their descriptions
 */
final class TiBatchWrite(
    label: String,
    transaction: WriteTransaction,
    factory: Array[Byte] => DataWriterFactory,
    onEnd: Seq[(String, Long)] => Unit
) extends BatchWrite {
  import TiBatchWrite._

  private var state: State = Open
  private var partitions = 0
  private val started = System.nanoTime()
  private val tasksDone = new AtomicInteger
  private val rowsDone = new AtomicLong
  private val nextLog = new AtomicLong(started + LogNanos)

  override def useCommitCoordinator(): Boolean = false

  override def createBatchWriterFactory(info: PhysicalWriteInfo): DataWriterFactory = synchronized {
    require(state == Open, s"$label has ended")
    val plan =
      try transaction.startTasks(info.numPartitions)
      catch {
        case e: Throwable =>
          // Spark does not call abort here.
          rollBack(CommitRequest.getDefaultInstance, Some(e))
          throw e
      }
    partitions = info.numPartitions
    log.info(s"$label: ${info.numPartitions} tasks write with start_ts ${java.lang.Long.toUnsignedString(plan.getStartTs)}")
    factory(plan.getCommon.toByteArray)
  }

  override def onDataWriterCommit(message: WriterCommitMessage): Unit = message match {
    case tidb: TiCommitMessage =>
      val tasks = tasksDone.incrementAndGet()
      val rows = rowsDone.addAndGet(tidb.rows)
      val due = nextLog.get
      if (System.nanoTime() >= due && nextLog.compareAndSet(due, System.nanoTime() + LogNanos)) {
        log.info(s"$label: $tasks of $partitions tasks are done, $rows rows")
      }
    case _ => ()
  }

  override def commit(messages: Array[WriterCommitMessage]): Unit = synchronized {
    require(state == Open, s"$label has ended")
    // A failure leaves the state: Spark calls abort next.
    val result = transaction.commit(request(messages))
    state = Committed
    val metrics = result.getMetrics
    log.info(
      s"$label: ${metrics.getRows} rows, ${metrics.getMutations} keys committed at " +
        s"${java.lang.Long.toUnsignedString(result.getCommitTs)} after ${millis(System.nanoTime() - started)} ms " +
        s"(audit ${millis(metrics.getAuditNanos)} ms, commit ${millis(metrics.getCommitNanos)} ms, resolve ${millis(metrics.getResolveNanos)} ms)"
    )
    val untold = messages.toSeq.collect { case tidb: TiCommitMessage => tidb.untold }
    end(TiWriteMetric.ofDriver(metrics, untold))
  }

  override def abort(messages: Array[WriterCommitMessage]): Unit = synchronized {
    if (state == Open) rollBack(request(messages), None)
  }

  /** The query has ended: a transaction that was neither committed nor aborted is rolled back. */
  def abandon(): Unit = synchronized {
    if (state == Open) {
      log.info(s"$label: the query ended before it was committed")
      rollBack(CommitRequest.getDefaultInstance, None)
    }
  }

  /** @param cause to which a failure is only added, else it is thrown */
  private def rollBack(messages: CommitRequest, cause: Option[Throwable]): Unit = {
    state = Ended
    try transaction.abort(messages)
    catch {
      case e: Exception =>
        log.warn(s"$label: rolling back failed; TiDB does it when the locks expire", e)
        cause match {
          case Some(first) => first.addSuppressed(e)
          case None => throw e
        }
    } finally end(Nil)
  }

  private def end(metrics: Seq[(String, Long)]): Unit =
    try transaction.close()
    finally onEnd(metrics)

  override def toString: String = label
}

object TiBatchWrite {
  sealed private trait State
  private case object Open extends State
  private case object Committed extends State
  private case object Ended extends State

  private val LogNanos = 10L * 1000 * 1000 * 1000
  private val log = LoggerFactory.getLogger(classOf[TiBatchWrite])

  private def millis(nanos: Long): Long = nanos / 1000000

  /** Spark leaves null where a task has not been accepted. */
  private[write] def request(messages: Array[WriterCommitMessage]): CommitRequest = {
    val builder = CommitRequest.newBuilder()
    messages.foreach {
      case tidb: TiCommitMessage => builder.addMessages(tidb.toProto)
      case null => ()
      case other => throw new IllegalArgumentException(s"Not a message of a write to TiDB: $other")
    }
    builder.build()
  }
}
