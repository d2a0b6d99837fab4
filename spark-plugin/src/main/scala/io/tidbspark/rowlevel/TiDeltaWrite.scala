package io.tidbspark.rowlevel

import org.apache.spark.sql.connector.distributions.Distribution
import org.apache.spark.sql.connector.expressions.SortOrder
import org.apache.spark.sql.connector.metric.CustomMetric
import org.apache.spark.sql.connector.write.RowLevelOperation.Command
import org.apache.spark.sql.connector.write._
import org.apache.spark.sql.tidb.TiAnalysisException
import org.apache.spark.sql.types.StructType

import io.tidbspark.config.Entries
import io.tidbspark.metrics.TiWriteMetric
import io.tidbspark.proto.WriteInfo
import io.tidbspark.time.Statement
import io.tidbspark.write.{TiBatchWrite, TiWrite, WriteEngine, WriteIntent, WriteLayout}

/**
 * Has the changes checked before anything is begun.
 *
 * @param rows columns of the rows that Spark gives; those of the intent are among them
 */
final class TiDeltaWriteBuilder(command: Command, intent: WriteIntent, rows: StructType, engine: WriteEngine)
    extends DeltaWriteBuilder {

  /** @throws org.apache.spark.sql.AnalysisException when rows of the table cannot be changed */
  override def build(): DeltaWrite = {
    if (intent.conf.ownTransactions) {
      throw new TiAnalysisException(
        s"${intent.table.displayName}: $command is one transaction; it cannot have ${Entries.WriteAtomicity.name}=partition"
      )
    }
    // The optimiser is at work: the statement is that of the scans.
    new TiDeltaWrite(command, intent, rows, engine.check(intent.spec), engine, Statement.current())
  }
}

/** Changes of rows of one table, logically: checked, and nothing begun. */
final class TiDeltaWrite(
    command: Command,
    val intent: WriteIntent,
    rows: StructType,
    info: WriteInfo,
    engine: WriteEngine,
    statement: Statement
) extends DeltaWrite
    with RequiresDistributionAndOrdering {
  private val layout = WriteLayout(intent.conf.distribution, TiDeltaWrite.key(command, intent), intent.columns)

  override def requiredDistribution(): Distribution = layout.distribution

  override def requiredOrdering(): Array[SortOrder] = layout.ordering

  override def description(): String = TiWrite.description(intent, info)

  /** Begins the transaction at the timestamp at which the statement's scans read, whichever of them comes first. */
  override def toBatch: DeltaBatchWrite = {
    val start = statement.begin(intent.table.session)
    new TiDeltaBatchWrite(
      TiWrite.begin(intent, engine, intent.spec.toBuilder.setStartTs(start).build()),
      DeltaLayout(intent, rows)
    )
  }

  override def supportedCustomMetrics(): Array[CustomMetric] = TiWriteMetric.all

  override def toString: String = description()
}

object TiDeltaWrite {

  /**
   * The columns by which changes are distributed and sorted, so that every attempt of a task has the same. Their names mean the new values: the
   * old ones have a name of Spark's only where they are assigned. Equal old keys need not meet, because there are none; what one row
   * gives up and another takes is settled at the driver.
   *
   * Rows that a MERGE inserts and whose key TiDB makes have no key yet: they would all meet in one task, and are told apart by all columns.
   */
  private[rowlevel] def key(command: Command, intent: WriteIntent): Seq[String] = {
    val rowIds = intent.rowIds.fieldNames.toSeq
    val made = RowIds.generated(intent.table.schema) + RowIds.Hidden
    if (command == Command.MERGE && rowIds.exists(made))
      rowIds ++ WriteLayout.orderable(intent.columns).filterNot(rowIds.contains)
    else rowIds
  }
}

/** The job of [[TiBatchWrite]], with writers that take changes. */
final class TiDeltaBatchWrite(job: TiBatchWrite, layout: DeltaLayout) extends DeltaBatchWrite {
  override def createBatchWriterFactory(physical: PhysicalWriteInfo): DeltaWriterFactory =
    new TiDeltaWriterFactory(job.createBatchWriterFactory(physical), layout)

  override def useCommitCoordinator(): Boolean = job.useCommitCoordinator()

  override def onDataWriterCommit(message: WriterCommitMessage): Unit = job.onDataWriterCommit(message)

  override def commit(messages: Array[WriterCommitMessage]): Unit = job.commit(messages)

  override def abort(messages: Array[WriterCommitMessage]): Unit = job.abort(messages)

  override def toString: String = job.toString
}
