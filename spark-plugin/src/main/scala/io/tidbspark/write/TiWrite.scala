package io.tidbspark.write

import org.apache.spark.sql.connector.distributions.Distribution
import org.apache.spark.sql.connector.expressions.SortOrder
import org.apache.spark.sql.connector.metric.CustomMetric
import org.apache.spark.sql.connector.write.{BatchWrite, RequiresDistributionAndOrdering}

import io.tidbspark.compat.Converters._
import io.tidbspark.metrics.TiWriteMetric
import io.tidbspark.proto.{WriteInfo, WriteSpec}

/** One write to a table, logically: checked, and nothing begun. */
final class TiWrite(val intent: WriteIntent, val info: WriteInfo, engine: WriteEngine) extends RequiresDistributionAndOrdering {
  private val layout = WriteLayout(intent.conf.distribution, TiWrite.handle(intent, info), intent.columns)

  override def requiredDistribution(): Distribution = layout.distribution

  override def requiredOrdering(): Array[SortOrder] = layout.ordering

  override def description(): String = {
    val explain = info.getExplain.split('\n').map(_.trim).filter(_.nonEmpty).mkString(" <- ")
    if (explain.isEmpty) intent.summary else explain
  }

  /**
   * Begins the transaction. Before the input is read, so that an overwrite of a table by what is read from it cannot lose a change that
   * comes in between: such a change is a write conflict.
   */
  override def toBatch: BatchWrite = {
    val session = intent.table.session.toByteArray
    def factory(common: Array[Byte], own: Option[Array[Byte]]) =
      new TiDataWriterFactory(intent.table.displayName, session, common, intent.columns, intent.conf.memoryBytes, own)
    if (intent.conf.ownTransactions) {
      val own = factory(Array.empty, Some(intent.spec.toByteArray))
      new PartitionedBatchWrite(intent.summary, own, metrics => TiWrite.end(QueryEnd.listen(() => ()), metrics))
    } else {
      val transaction = engine.begin(intent.spec)
      // The two know each other: the end of the query ends the write, the end of the write stops listening.
      lazy val write: TiBatchWrite =
        new TiBatchWrite(intent.summary, transaction, factory(_, None), metrics => TiWrite.end(queryEnd, metrics))
      lazy val queryEnd: Option[QueryEnd] = QueryEnd.listen(() => write.abandon())
      queryEnd
      write
    }
  }

  override def supportedCustomMetrics(): Array[CustomMetric] = TiWriteMetric.all

  override def toString: String = description()
}

object TiWrite {

  /** @param metrics what the driver adds to those of tasks */
  private def end(query: Option[QueryEnd], metrics: Seq[(String, Long)]): Unit = query.foreach { listening =>
    listening.addMetrics(metrics)
    listening.close()
  }

  /** Removes all rows, in a transaction without a query. */
  def truncate(table: WriteIntent, engine: WriteEngine): Unit = {
    val intent = table.copy(overwrite = WriteSpec.Overwrite.OVERWRITE_ALL, conf = table.conf.copy(mode = WriteSpec.Mode.APPEND))
    engine.check(intent.spec)
    val write = new TiBatchWrite(
      s"truncation of ${intent.table.displayName}",
      engine.begin(intent.spec),
      _ => throw new IllegalStateException("a truncation has no tasks"),
      _ => ()
    )
    try write.commit(Array.empty)
    catch {
      case e: Throwable =>
        try write.abort(Array.empty)
        catch { case left: Exception => e.addSuppressed(left) }
        throw e
    }
  }

  /** The handle's columns if the rows bring all of them; one that is left out has the same default in every row. */
  private[write] def handle(intent: WriteIntent, info: WriteInfo): Seq[String] = {
    val brought = intent.columns.fieldNames.toSet
    info.getHandleColumnsList.asScala.filter(brought).toSeq
  }
}
