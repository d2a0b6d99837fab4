package io.tidbspark.write

import java.util.concurrent.atomic.AtomicBoolean
import java.util.concurrent.{ScheduledExecutorService, ScheduledThreadPoolExecutor, ThreadFactory, TimeUnit}

import org.apache.spark.TaskContext
import org.slf4j.LoggerFactory

/**
 * Notices that a task was killed while its thread is inside the native library, where Spark cannot reach it: one thread per JVM looks
 * at all watched tasks now and then.
 */
object TaskWatch {

  /** How long a killed task may go unnoticed. */
  private val PeriodMillis = 100L

  private val log = LoggerFactory.getLogger("io.tidbspark.write.TaskWatch")

  private lazy val executor: ScheduledExecutorService = {
    val threads: ThreadFactory = work => {
      val thread = new Thread(work, "tidb-task-watch")
      thread.setDaemon(true)
      thread
    }
    val pool = new ScheduledThreadPoolExecutor(1, threads)
    pool.setRemoveOnCancelPolicy(true)
    pool
  }

  /** Calls `onKill` at most once, should the task be killed before the result is closed. */
  def apply(task: TaskContext, onKill: () => Unit): AutoCloseable = {
    val done = new AtomicBoolean
    def look(): Unit = if (task.isInterrupted() && done.compareAndSet(false, true)) {
      try onKill()
      catch { case e: Exception => log.warn(s"Task ${task.taskAttemptId()} was killed and its writer cannot be cancelled", e) }
    }
    val future = executor.scheduleWithFixedDelay(() => look(), PeriodMillis, PeriodMillis, TimeUnit.MILLISECONDS)
    () => {
      done.set(true)
      future.cancel(false)
    }
  }
}
