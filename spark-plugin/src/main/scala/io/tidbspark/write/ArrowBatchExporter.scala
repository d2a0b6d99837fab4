package io.tidbspark.write

import org.apache.arrow.c.{ArrowArray, ArrowSchema, Data}
import org.apache.arrow.memory.BufferAllocator
import org.apache.arrow.vector.VectorSchemaRoot
import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.catalyst.expressions.UnsafeRow
import org.apache.spark.sql.tidb.SparkInternals
import org.apache.spark.sql.types._

/**
 * Collects rows in Arrow vectors and hands them on as struct arrays of the C Data Interface, without copying. Each batch has vectors of
 * its own: whoever took the last one may still hold it.
 *
 * @param columns types and names of the rows
 * @param maxBytes of a batch, about; the row that passes it is still in
 */
final class ArrowBatchExporter(allocator: BufferAllocator, columns: StructType, maxBytes: Long, maxRows: Int)
    extends AutoCloseable {
  private val schema = SparkInternals.toArrowSchema(columns, ArrowBatchExporter.TimeZone)

  /** What a row takes whatever its values are. */
  private val fixedBytes: Long = columns.map(field => field.dataType.defaultSize.toLong.min(ArrowBatchExporter.MaxFixed)).sum + 1

  /** Columns whose size is in the value: position and how to measure. */
  private val variable: Array[(Int, InternalRow => Long)] = columns.fields.zipWithIndex.flatMap { case (field, i) =>
    ArrowBatchExporter.measure(field.dataType, i).map(i -> _)
  }
  private var batch: Option[(VectorSchemaRoot, SparkInternals.RowWriter)] = None
  private var rows = 0
  private var bytes = 0L

  /** Copies a row. @return whether the batch is full */
  def add(row: InternalRow): Boolean = {
    val (_, writer) = batch.getOrElse(open())
    writer.write(row)
    rows += 1
    bytes += size(row)
    rows >= maxRows || bytes >= maxBytes
  }

  def isEmpty: Boolean = rows == 0

  /**
   * Gives what was collected to `take`, with the addresses of an ArrowArray and its ArrowSchema, and starts anew. What `take` leaves
   * unreleased is released here.
   */
  def flush(take: (Long, Long) => Unit): Unit = batch.foreach { case (root, writer) =>
    val array = ArrowArray.allocateNew(allocator)
    try {
      val struct = ArrowSchema.allocateNew(allocator)
      try {
        writer.finish()
        Data.exportVectorSchemaRoot(allocator, root, null, array, struct)
        // The exported structs hold the buffers from now on.
        drop()
        try take(array.memoryAddress(), struct.memoryAddress())
        finally {
          if (array.snapshot().release != 0) array.release()
          if (struct.snapshot().release != 0) struct.release()
        }
      } finally struct.close()
    } finally array.close()
  }

  private def open(): (VectorSchemaRoot, SparkInternals.RowWriter) = {
    val root = VectorSchemaRoot.create(schema, allocator)
    val opened = root -> SparkInternals.newArrowWriter(root)
    batch = Some(opened)
    opened
  }

  private def size(row: InternalRow): Long = row match {
    case unsafe: UnsafeRow => unsafe.getSizeInBytes.toLong
    case _ => variable.foldLeft(fixedBytes) { case (sum, (i, measure)) => if (row.isNullAt(i)) sum else sum + measure(row) }
  }

  private def drop(): Unit = {
    batch.foreach(_._1.close())
    batch = None
    rows = 0
    bytes = 0
  }

  /** Drops rows that were not handed on. May be called more than once. */
  override def close(): Unit = drop()
}

object ArrowBatchExporter {

  /** Of TIMESTAMP columns; the values are microseconds of UTC in any case. */
  val TimeZone = "UTC"

  /** Spark counts 20 bytes for a string and 100 for a binary. */
  private val MaxFixed = 20L

  private def measure(dataType: DataType, i: Int): Option[InternalRow => Long] = dataType match {
    case StringType => Some(row => row.getUTF8String(i).numBytes.toLong)
    case BinaryType => Some(row => row.getBinary(i).length.toLong)
    case ArrayType(element, _) =>
      val width = element.defaultSize.toLong
      Some(row => row.getArray(i).numElements() * width)
    case _ => None
  }
}
