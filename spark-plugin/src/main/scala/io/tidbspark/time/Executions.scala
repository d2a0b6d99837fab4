package io.tidbspark.time

import java.util

import scala.collection.mutable
import scala.util.Try

import org.apache.spark.SparkContext
import org.apache.spark.scheduler.{SparkListener, SparkListenerApplicationEnd, SparkListenerEvent}
import org.apache.spark.sql.SparkSession
import org.apache.spark.sql.execution.SQLExecution
import org.apache.spark.sql.execution.ui.SparkListenerSQLExecutionEnd

/** Executions of Spark SQL: which one a thread works for, and when it has ended. */
private[tidbspark] object Executions {

  /** One of them. */
  final case class Execution(context: SparkContext, id: Long)

  private val watches = new util.WeakHashMap[SparkContext, Watch]

  /** The execution that this thread of the driver works for; None outside of executions, as in `df.explain()` and `df.rdd`. */
  def current(): Option[Execution] = for {
    session <- SparkSession.getActiveSession.orElse(SparkSession.getDefaultSession)
    context = session.sparkContext
    id <- Option(context.getLocalProperty(SQLExecution.EXECUTION_ID_KEY)).flatMap(text => Try(text.toLong).toOption)
  } yield Execution(context, id)

  /** Runs `action` when the execution has ended, or its application has. */
  def onEnd(execution: Execution)(action: => Unit): Unit = watches
    .synchronized {
      watches.computeIfAbsent(
        execution.context,
        context => {
          val watch = new Watch
          context.addSparkListener(watch)
          watch
        }
      )
    }
    .add(execution.id, () => action)

  /** Hears of ends on Spark's listener thread. */
  final private class Watch extends SparkListener {
    private val actions = mutable.Map.empty[Long, List[() => Unit]]

    def add(id: Long, action: () => Unit): Unit = synchronized(actions(id) = action :: actions.getOrElse(id, Nil))

    override def onOtherEvent(event: SparkListenerEvent): Unit = event match {
      case end: SparkListenerSQLExecutionEnd => synchronized(actions.remove(end.executionId)).toList.flatten.foreach(_.apply())
      case _ =>
    }

    override def onApplicationEnd(end: SparkListenerApplicationEnd): Unit = {
      val all = synchronized {
        val all = actions.values.flatten.toList
        actions.clear()
        all
      }
      all.foreach(_.apply())
    }
  }
}
