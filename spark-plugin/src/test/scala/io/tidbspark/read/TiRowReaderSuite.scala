package io.tidbspark.read

import org.apache.spark.sql.connector.read.PartitionReader
import org.apache.spark.sql.execution.vectorized.OnHeapColumnVector
import org.apache.spark.sql.types.IntegerType
import org.apache.spark.sql.vectorized.{ColumnVector, ColumnarBatch}
import org.scalatest.funsuite.AnyFunSuite

class TiRowReaderSuite extends AnyFunSuite {
  private def batch(values: Int*): ColumnarBatch = {
    val vector = new OnHeapColumnVector(math.max(1, values.length), IntegerType)
    values.zipWithIndex.foreach { case (value, row) => vector.putInt(row, value) }
    new ColumnarBatch(Array[ColumnVector](vector), values.length)
  }

  /** Batches of a list; notes whether it was closed. */
  private class Batches(batches: ColumnarBatch*) extends PartitionReader[ColumnarBatch] {
    private var left = batches.toList
    private var current: ColumnarBatch = _
    var closed = false
    override def next(): Boolean = left match {
      case head :: tail =>
        current = head
        left = tail
        true
      case Nil => false
    }
    override def get(): ColumnarBatch = current
    override def close(): Unit = closed = true
  }

  test("all rows of all batches in order, empty batches skipped") {
    val batches = new Batches(batch(), batch(1, 2), batch(), batch(3), batch())
    val reader = new TiRowReader(batches)
    val rows = Iterator.continually(reader.next()).takeWhile(identity).map(_ => reader.get().getInt(0)).toList
    assert(rows == List(1, 2, 3))
    assert(!reader.next())
    reader.close()
    assert(batches.closed)
  }

  test("batches without columns count") {
    val reader = new TiRowReader(
      new Batches(new ColumnarBatch(Array.empty[ColumnVector], 3), new ColumnarBatch(Array.empty[ColumnVector], 2))
    )
    assert(Iterator.continually(reader.next()).takeWhile(identity).size == 5)
  }
}
