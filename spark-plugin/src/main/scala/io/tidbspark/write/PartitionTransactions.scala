package io.tidbspark.write

import java.util.concurrent.atomic.AtomicLong

import org.apache.spark.sql.connector.write.{BatchWrite, DataWriterFactory, PhysicalWriteInfo, WriterCommitMessage}
import org.slf4j.LoggerFactory

import io.tidbspark.metrics.TiWriteMetric
import io.tidbspark.proto.{CommitMessage, WriteMetrics, WriteSpec, WriterOpen}

/**
 * `write.atomicity=partition`: every task is a transaction of its own, which it begins, commits and, when it fails, rolls back. The driver has
 * nothing to end: what tasks have committed stays when others fail, and a task that Spark runs again after its commit writes its rows again.
 *
 * @param onEnd as of [[TiBatchWrite]]
 */
final class PartitionedBatchWrite(label: String, factory: DataWriterFactory, onEnd: Seq[(String, Long)] => Unit)
    extends BatchWrite {
  private val rows = new AtomicLong

  override def createBatchWriterFactory(info: PhysicalWriteInfo): DataWriterFactory = factory

  /** Of two attempts of a task, one may commit. */
  override def useCommitCoordinator(): Boolean = true

  override def onDataWriterCommit(message: WriterCommitMessage): Unit = message match {
    case tidb: TiCommitMessage => rows.addAndGet(tidb.rows)
    case _ => ()
  }

  override def commit(messages: Array[WriterCommitMessage]): Unit = {
    PartitionedBatchWrite.log.info(s"$label: ${rows.get} rows in ${messages.length} transactions")
    val untold = messages.toSeq.collect { case tidb: TiCommitMessage => tidb.untold }
    onEnd(TiWriteMetric.ofDriver(WriteMetrics.getDefaultInstance, untold))
  }

  override def abort(messages: Array[WriterCommitMessage]): Unit = {
    val committed = messages.count(_ != null)
    PartitionedBatchWrite.log.warn(s"$label failed; at least $committed tasks have committed ${rows.get} rows, which stay")
    onEnd(Nil)
  }

  override def toString: String = label
}

object PartitionedBatchWrite {
  private val log = LoggerFactory.getLogger(classOf[PartitionedBatchWrite])
}

/**
 * A task's rows, in a transaction of the task's own. It is committed by [[finish]]; closed before that, it is rolled back.
 *
 * @param open makes the sink of the rows, from the request
 */
final class OwnTransactionSink(engine: WriteEngine, spec: WriteSpec, request: WriterOpen, open: WriterOpen => WriteSink)
    extends WriteSink {
  private val transaction = engine.begin(spec)
  private var ended = false
  private val sink =
    try {
      // For this transaction it is the first attempt of the only task, whatever it is for Spark.
      val plan = transaction.startTasks(1)
      open(request.toBuilder.setCommon(plan.getCommon).setPartition(0).setAttemptNumber(0).setStageAttemptNumber(0).build())
    } catch {
      case e: Throwable =>
        rollBack(e)
        throw e
    }

  override def write(arrowArrayAddress: Long, arrowSchemaAddress: Long): Unit = sink.write(arrowArrayAddress, arrowSchemaAddress)

  override def finish(): CommitMessage = {
    val message = sink.finish()
    transaction.commit(TiBatchWrite.request(Array(TiCommitMessage(message.toByteArray, message.getRows))))
    ended = true
    transaction.close()
    message
  }

  override def metrics(): WriteMetrics = sink.metrics()

  override def cancel(): Unit = sink.cancel()

  override def close(): Unit =
    try sink.close()
    finally if (!ended) rollBack(null)

  /** The transaction itself knows whether it was committed after all. A failure leaves the locks to their time. */
  private def rollBack(cause: Throwable): Unit = {
    ended = true
    try transaction.abort(TiBatchWrite.request(Array.empty))
    catch {
      case e: Exception if cause != null => cause.addSuppressed(e)
      case e: Exception => OwnTransactionSink.log.warn("A task's transaction is left to the time of its locks: {}", e.getMessage)
    } finally transaction.close()
  }
}

object OwnTransactionSink {
  private val log = LoggerFactory.getLogger(classOf[OwnTransactionSink])
}
