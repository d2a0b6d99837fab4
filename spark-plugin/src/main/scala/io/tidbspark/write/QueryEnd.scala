package io.tidbspark.write

import java.util.concurrent.atomic.AtomicBoolean

import io.tidbspark.compat.Sessions
import io.tidbspark.time.Executions

/**
 * Tells when the query of this thread has ended. Spark gives a write no other sign when its input fails before the first task writes.
 * `onEnd` runs in a thread of its own: Spark's listeners must not wait for a cluster.
 */
final class QueryEnd private (execution: Executions.Execution, onEnd: () => Unit) extends AutoCloseable {
  private val closed = new AtomicBoolean

  /** Nobody wants to know any more; may be called more than once. */
  override def close(): Unit = closed.set(true)

  private def ended(): Unit = if (!closed.get) {
    val thread = new Thread(() => onEnd(), s"tidb-query-end-${execution.id}")
    thread.setDaemon(true)
    thread.start()
  }

  /** Adds to metrics of the query, by their names, as far as the UI knows them. */
  def addMetrics(values: Seq[(String, Long)]): Unit = Sessions.addMetrics(execution.context, execution.id, values)
}

object QueryEnd {

  /** None outside of a query. */
  def listen(onEnd: () => Unit): Option[QueryEnd] = Executions.current().map { execution =>
    val end = new QueryEnd(execution, onEnd)
    Executions.onEnd(execution)(end.ended())
    end
  }
}
