package io.tidbspark.read

import java.util.concurrent.atomic.AtomicBoolean

import org.apache.arrow.vector.{DecimalVector, ValueVector}
import org.apache.spark.sql.types.Decimal
import org.apache.spark.sql.vectorized.ArrowColumnVector

/**
 * Spark's view of an Arrow vector, closed once. Spark's generated code closes the vectors of a batch, and the reader closes the
 * batch again. It stays an ArrowColumnVector because Spark hands those to Python without copying.
 */
sealed class TiArrowVector(vector: ValueVector) extends ArrowColumnVector(vector) {
  private val closed = new AtomicBoolean

  override def close(): Unit = if (closed.compareAndSet(false, true)) super.close()
}

/**
 * DECIMAL of at most 18 digits: its 128 bits are the sign extension of the low 64, which are read without a BigDecimal in between
 * (31 ns a value instead of 67).
 */
final class TiDecimalVector(vector: DecimalVector) extends TiArrowVector(vector) {
  override def getDecimal(rowId: Int, precision: Int, scale: Int): Decimal =
    if (vector.isNull(rowId)) null
    else Decimal.createUnsafe(vector.getDataBuffer.getLong(rowId.toLong * DecimalVector.TYPE_WIDTH), precision, scale)
}
