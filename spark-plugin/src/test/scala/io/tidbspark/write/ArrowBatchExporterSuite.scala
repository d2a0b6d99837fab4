package io.tidbspark.write

import scala.collection.mutable

import org.apache.arrow.c.{ArrowArray, ArrowSchema, CDataDictionaryProvider, Data}
import org.apache.arrow.memory.BufferAllocator
import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.catalyst.expressions.{GenericInternalRow, UnsafeProjection}
import org.apache.spark.sql.catalyst.util.GenericArrayData
import org.apache.spark.sql.tidb.SparkInternals
import org.apache.spark.sql.types._
import org.apache.spark.sql.vectorized.{ArrowColumnVector, ColumnVector, ColumnarBatch}
import org.apache.spark.unsafe.types.UTF8String
import org.scalatest.funsuite.AnyFunSuite

import io.tidbspark.compat.Converters._

class ArrowBatchExporterSuite extends AnyFunSuite {

  /** Every type that a table can show, and two values of it. */
  private val types: Seq[(DataType, Any, Any)] = Seq(
    (BooleanType, true, false),
    (ByteType, Byte.MinValue, Byte.MaxValue),
    (ShortType, Short.MinValue, Short.MaxValue),
    (IntegerType, Int.MinValue, Int.MaxValue),
    (LongType, Long.MinValue, Long.MaxValue),
    (FloatType, -0.0f, Float.MaxValue),
    (DoubleType, Double.MinPositiveValue, -1e300),
    (DecimalType(20, 0), Decimal("18446744073709551615"), Decimal(BigDecimal("0"), 20, 0)),
    (DecimalType(38, 30), Decimal("-12345678.123456789012345678901234567890"), Decimal(BigDecimal("1e-30"), 38, 30)),
    (StringType, UTF8String.fromString("ä€𐍈"), UTF8String.EMPTY_UTF8),
    (BinaryType, Array[Byte](0, -1, 127), Array.emptyByteArray),
    (DateType, -719162, 2932896),
    (TimestampType, -62135596800000000L, 253402300799999999L),
    (TimestampNTZType, 1L, -1L),
    (DayTimeIntervalType(), 3020399999999L, -3020399999999L),
    (
      ArrayType(FloatType, containsNull = false),
      new GenericArrayData(Array[Any](1.5f, -2.5f)),
      new GenericArrayData(Array[Any]())
    )
  )

  private val columns = StructType(types.zipWithIndex.map { case ((dataType, _, _), i) => StructField(s"c$i", dataType) })
  private val rows: Seq[InternalRow] = Seq(
    new GenericInternalRow(types.map(_._2).toArray),
    new GenericInternalRow(Array.fill[Any](types.length)(null)),
    new GenericInternalRow(types.map(_._3).toArray)
  )

  private def withAllocator[T](body: BufferAllocator => T): T = {
    val allocator = SparkInternals.newArrowAllocator("test")
    try body(allocator)
    finally allocator.close() // throws when something is still held
  }

  /** Reads a batch as the native library would: takes both structs over and releases them. */
  private def read[T](allocator: BufferAllocator, array: Long, schema: Long)(use: ColumnarBatch => T): T = {
    val provider = new CDataDictionaryProvider
    try {
      val root = Data.importVectorSchemaRoot(allocator, ArrowArray.wrap(array), ArrowSchema.wrap(schema), provider)
      try
        use(
          new ColumnarBatch(
            root.getFieldVectors.asScala.map(vector => new ArrowColumnVector(vector): ColumnVector).toArray,
            root.getRowCount
          )
        )
      finally root.close()
    } finally provider.close()
  }

  private def values(row: InternalRow): Seq[Any] = columns.fields.toSeq.zipWithIndex.map { case (field, i) =>
    if (row.isNullAt(i)) {
      null
    } else {
      row.get(i, field.dataType) match {
        case bytes: Array[Byte] => bytes.toSeq
        case text: UTF8String => text.toString
        case array: org.apache.spark.sql.catalyst.util.ArrayData => array.toFloatArray().toSeq
        case decimal: Decimal => decimal.toJavaBigDecimal
        case other => other
      }
    }
  }

  test("every type, NULL, the ends of its range") {
    withAllocator { allocator =>
      val projection = UnsafeProjection.create(columns)
      Seq(rows, rows.map(row => projection(row).copy())).foreach { input =>
        val exporter = new ArrowBatchExporter(allocator, columns, 1L << 20, 100)
        input.foreach(row => assert(!exporter.add(row)))
        var seen = Seq.empty[Seq[Any]]
        exporter.flush { (array, schema) =>
          seen = read(allocator, array, schema)(batch => batch.rowIterator().asScala.map(values).toList)
        }
        assert(seen == rows.map(values))
        assert(exporter.isEmpty)
        exporter.close()
      }
    }
  }

  test("the structs are named and typed as the native library expects") {
    withAllocator { allocator =>
      val exporter = new ArrowBatchExporter(allocator, columns, 1L << 20, 100)
      exporter.add(rows.head)
      exporter.flush { (array, schema) =>
        assert(ArrowArray.wrap(array).snapshot().n_children == columns.length)
        val provider = new CDataDictionaryProvider
        val imported =
          try Data.importSchema(allocator, ArrowSchema.wrap(schema), provider)
          finally provider.close()
        assert(imported.getFields.asScala.map(_.getName) == columns.fieldNames.toSeq)
        assert(imported.findField("c9").getType.toString == "Utf8" && imported.findField("c10").getType.toString == "Binary")
        assert(imported.findField("c12").getType.toString == "Timestamp(MICROSECOND, UTC)")
        assert(imported.findField("c13").getType.toString == "Timestamp(MICROSECOND, null)")
        assert(imported.findField("c14").getType.toString == "Duration(MICROSECOND)")
      }
      exporter.close()
    }
  }

  test("a batch is full by rows or by bytes") {
    withAllocator { allocator =>
      val text = new StructType().add("s", StringType)
      def row(size: Int): InternalRow = new GenericInternalRow(Array[Any](UTF8String.fromString("x" * size)))
      val byRows = new ArrowBatchExporter(allocator, text, 1L << 20, 3)
      assert(Seq(row(1), row(1), row(1)).map(byRows.add) == Seq(false, false, true))
      byRows.close()
      Seq[InternalRow => InternalRow](identity, r => UnsafeProjection.create(text)(r).copy()).foreach { form =>
        val byBytes = new ArrowBatchExporter(allocator, text, 1000, 1000)
        assert(Seq(row(400), row(500), row(200)).map(r => byBytes.add(form(r))) == Seq(false, false, true))
        byBytes.close()
      }
    }
  }

  test("a batch that is held does not change when the next one is filled") {
    withAllocator { allocator =>
      val one = new StructType().add("i", IntegerType)
      val exporter = new ArrowBatchExporter(allocator, one, 1L << 20, 100)
      val held = mutable.ArrayBuffer.empty[ColumnarBatch]
      (1 to 2).foreach { i =>
        exporter.add(new GenericInternalRow(Array[Any](i)))
        exporter.flush { (array, schema) =>
          val provider = new CDataDictionaryProvider
          val root = Data.importVectorSchemaRoot(allocator, ArrowArray.wrap(array), ArrowSchema.wrap(schema), provider)
          provider.close()
          held += new ColumnarBatch(root.getFieldVectors.asScala.map(v => new ArrowColumnVector(v): ColumnVector).toArray, 1)
        }
      }
      exporter.close()
      assert(held.map(_.column(0).getInt(0)) == Seq(1, 2))
      held.foreach(_.close())
    }
  }

  test("what nobody took is released, also after an error") {
    withAllocator { allocator =>
      val exporter = new ArrowBatchExporter(allocator, columns, 1L << 20, 100)
      exporter.add(rows.head)
      exporter.flush((_, _) => ())
      exporter.add(rows.head)
      intercept[IllegalStateException](exporter.flush((_, _) => throw new IllegalStateException("full")))
      assert(allocator.getAllocatedMemory == 0)
      exporter.flush((_, _) => fail("there is nothing to flush"))
      exporter.add(rows.head)
      exporter.close()
      exporter.close()
      assert(allocator.getAllocatedMemory == 0)
    }
  }
}
