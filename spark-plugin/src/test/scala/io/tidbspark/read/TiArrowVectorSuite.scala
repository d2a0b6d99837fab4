package io.tidbspark.read

import java.math.BigDecimal

import org.apache.arrow.vector.DecimalVector
import org.apache.spark.sql.tidb.SparkInternals
import org.apache.spark.sql.types.{Decimal, DecimalType}
import org.scalatest.funsuite.AnyFunSuite

class TiArrowVectorSuite extends AnyFunSuite {
  private val values =
    Seq("0.000", "0.001", "-0.001", "999999999999999.999", "-999999999999999.999", "1.500", "-42.000").map(new BigDecimal(_))

  test("decimals of 18 digits read as Spark's own accessor reads them; close is idempotent") {
    val allocator = SparkInternals.newArrowAllocator("TiArrowVectorSuite")
    val vector = new DecimalVector("d", allocator, 18, 3)
    vector.allocateNew(values.length + 1)
    values.zipWithIndex.foreach { case (value, row) => vector.setSafe(row, value) }
    vector.setNull(values.length)
    vector.setValueCount(values.length + 1)
    val column = new TiDecimalVector(vector)
    assert(column.dataType() == DecimalType(18, 3))
    values.zipWithIndex.foreach { case (value, row) =>
      assert(column.getDecimal(row, 18, 3) == Decimal(value, 18, 3), value)
      assert(column.getDecimal(row, 18, 3).toJavaBigDecimal == value)
    }
    assert(column.isNullAt(values.length) && column.getDecimal(values.length, 18, 3) == null)
    column.close()
    column.close()
    assert(allocator.getAllocatedMemory == 0)
    allocator.close()
  }
}
