package io.tidbspark.rowlevel

import org.apache.spark.sql.catalyst.expressions.{GenericInternalRow, JoinedRow}
import org.apache.spark.sql.catalyst.{InternalRow, ProjectingInternalRow}
import org.apache.spark.sql.connector.metric.CustomTaskMetric
import org.apache.spark.sql.connector.write.{DataWriter, DataWriterFactory, DeltaWriter, DeltaWriterFactory, WriterCommitMessage}
import org.apache.spark.sql.types.StructType

import io.tidbspark.proto.RowOperation
import io.tidbspark.write.WriteIntent

/**
 * How a change is laid out as one row: the operation, the row id, the new row.
 *
 * @param rowIds number of columns of the row id
 * @param columns of a new row, as they are written
 * @param positions where they are in the rows that Spark gives
 */
final case class DeltaLayout(rowIds: Int, columns: StructType, positions: IndexedSeq[Int]) {

  /** Spark's rows have these columns and no others, in this order. */
  def isPlain(width: Int): Boolean = positions.length == width
}

object DeltaLayout {

  /** @param rows columns of the rows that Spark gives */
  def apply(intent: WriteIntent, rows: StructType): DeltaLayout =
    DeltaLayout(intent.rowIds.length, intent.columns, intent.columns.fieldNames.map(rows.fieldIndex).toIndexedSeq)
}

/** Sent to executors once per job. */
final class TiDeltaWriterFactory(rows: DataWriterFactory, layout: DeltaLayout) extends DeltaWriterFactory {
  override def createWriter(partitionId: Int, taskId: Long): DeltaWriter[InternalRow] =
    new TiDeltaWriter(rows.createWriter(partitionId, taskId), layout)
}

/**
 * Turns changes into rows of [[WriteIntent.batch]] for a writer of rows. Spark gives the same row objects again and again; the writer of rows
 * copies what is in them at once.
 */
final class TiDeltaWriter(rows: DataWriter[InternalRow], layout: DeltaLayout) extends DeltaWriter[InternalRow] {
  private val operation = new GenericInternalRow(1)
  private val noRowId = new GenericInternalRow(layout.rowIds)
  private val noColumns = new GenericInternalRow(layout.columns.length)
  private val projected = ProjectingInternalRow(layout.columns, layout.positions)
  private val head = new JoinedRow
  private val change = new JoinedRow

  override def delete(metadata: InternalRow, id: InternalRow): Unit = write(RowOperation.ROW_DELETE, id, noColumns)

  override def update(metadata: InternalRow, id: InternalRow, row: InternalRow): Unit =
    write(RowOperation.ROW_UPDATE, id, written(row))

  override def insert(row: InternalRow): Unit = write(RowOperation.ROW_INSERT, noRowId, written(row))

  /** The columns that are written: not a row id that a condition has mentioned. */
  private def written(row: InternalRow): InternalRow =
    if (layout.isPlain(row.numFields)) row
    else {
      projected.project(row)
      projected
    }

  private def write(what: RowOperation, id: InternalRow, row: InternalRow): Unit = {
    operation.setInt(0, what.getNumber)
    rows.write(change(head(operation, id), row))
  }

  override def commit(): WriterCommitMessage = rows.commit()

  override def abort(): Unit = rows.abort()

  override def currentMetricsValues(): Array[CustomTaskMetric] = rows.currentMetricsValues()

  override def close(): Unit = rows.close()
}
