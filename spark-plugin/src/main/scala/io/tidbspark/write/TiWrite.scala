package io.tidbspark.write

import org.apache.spark.sql.connector.distributions.Distribution
import org.apache.spark.sql.connector.expressions.SortOrder
import org.apache.spark.sql.connector.metric.CustomMetric
import org.apache.spark.sql.connector.write.{BatchWrite, RequiresDistributionAndOrdering}

import io.tidbspark.compat.Converters._
import io.tidbspark.metrics.TiWriteMetric
import io.tidbspark.proto.{RowFilter, WriteInfo, WriteSpec}

/** One write to a table, logically: checked, and nothing begun. */
final class TiWrite(val intent: WriteIntent, val info: WriteInfo, engine: WriteEngine) extends RequiresDistributionAndOrdering {
  private val layout = WriteLayout(intent.conf.distribution, TiWrite.handle(intent, info), intent.columns)

  override def requiredDistribution(): Distribution = layout.distribution

  override def requiredOrdering(): Array[SortOrder] = layout.ordering

  override def description(): String = TiWrite.description(intent, info)

  /**
   * Begins the transaction. Before the input is read, so that an overwrite of a table by what is read from it cannot lose a change that
   * comes in between: such a change is a write conflict.
   */
  override def toBatch: BatchWrite =
    if (intent.conf.ownTransactions) {
      val own = TiWrite.factory(intent, Array.empty, Some(intent.spec.toByteArray))
      new PartitionedBatchWrite(intent.summary, own, metrics => TiWrite.end(QueryEnd.listen(() => ()), metrics))
    } else {
      TiWrite.begin(intent, engine, intent.spec)
    }

  override def supportedCustomMetrics(): Array[CustomMetric] = TiWriteMetric.all

  override def toString: String = description()
}

object TiWrite {

  /**
   * Begins the transaction of a job.
   *
   * @param spec of the intent, with the timestamp that it shall begin at if there is one
   */
  private[tidbspark] def begin(intent: WriteIntent, engine: WriteEngine, spec: WriteSpec): TiBatchWrite = {
    val transaction = engine.begin(spec)
    // The two know each other: the end of the query ends the write, the end of the write stops listening.
    lazy val write: TiBatchWrite =
      new TiBatchWrite(intent.summary, transaction, factory(intent, _, None), metrics => end(queryEnd, metrics))
    lazy val queryEnd: Option[QueryEnd] = QueryEnd.listen(() => write.abandon())
    queryEnd
    write
  }

  private def factory(intent: WriteIntent, common: Array[Byte], own: Option[Array[Byte]]): TiDataWriterFactory =
    new TiDataWriterFactory(
      intent.table.displayName,
      intent.table.session.toByteArray,
      common,
      intent.batch,
      intent.conf.memoryBytes,
      own
    )

  /** What EXPLAIN shows: the native library's operator tree in one line. */
  private[tidbspark] def description(intent: WriteIntent, info: WriteInfo): String = {
    val explain = info.getExplain.split('\n').map(_.trim).filter(_.nonEmpty).mkString(" <- ")
    if (explain.isEmpty) intent.summary else explain
  }

  /** @param metrics what the driver adds to those of tasks */
  private def end(query: Option[QueryEnd], metrics: Seq[(String, Long)]): Unit = query.foreach { listening =>
    listening.addMetrics(metrics)
    listening.close()
  }

  /** Removes the rows for which all filters hold, all without a filter, in a transaction without a query. */
  def remove(table: WriteIntent, filters: Seq[RowFilter], engine: WriteEngine): Unit = {
    val intent = table.copy(
      overwrite = WriteSpec.Overwrite.OVERWRITE_ALL,
      filters = filters,
      conf = table.conf.copy(mode = WriteSpec.Mode.APPEND)
    )
    engine.check(intent.spec)
    val write = new TiBatchWrite(
      s"deletion from ${intent.table.displayName}",
      engine.begin(intent.spec),
      _ => throw new IllegalStateException("a deletion at the driver has no tasks"),
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
