package io.tidbspark.write

import java.util.concurrent.atomic.AtomicBoolean

import org.apache.spark.SparkContext
import org.apache.spark.scheduler.{SparkListener, SparkListenerEvent}
import org.apache.spark.sql.execution.SQLExecution
import org.apache.spark.sql.execution.ui.SparkListenerSQLExecutionEnd

/**
 * Tells when the query of this thread has ended. Spark gives a write no other sign when its input fails before the first task writes.
 * `onEnd` runs in a thread of its own: Spark's listeners must not wait for a cluster.
 */
final class QueryEnd private (context: SparkContext, execution: Long, onEnd: () => Unit)
    extends SparkListener
    with AutoCloseable {
  private val closed = new AtomicBoolean

  override def onOtherEvent(event: SparkListenerEvent): Unit = event match {
    case end: SparkListenerSQLExecutionEnd if end.executionId == execution && !closed.get =>
      val thread = new Thread(() => onEnd(), s"tidb-query-end-$execution")
      thread.setDaemon(true)
      thread.start()
    case _ => ()
  }

  /** Stops listening; may be called more than once. */
  override def close(): Unit = if (closed.compareAndSet(false, true)) context.removeSparkListener(this)
}

object QueryEnd {

  /** None outside of a query. */
  def listen(context: SparkContext, onEnd: () => Unit): Option[QueryEnd] =
    Option(context.getLocalProperty(SQLExecution.EXECUTION_ID_KEY)).map { id =>
      val listener = new QueryEnd(context, id.toLong, onEnd)
      context.addSparkListener(listener)
      listener
    }
}
