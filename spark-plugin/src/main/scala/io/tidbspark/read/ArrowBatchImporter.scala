package io.tidbspark.read

import org.apache.arrow.c.{ArrowArray, ArrowSchema, CDataDictionaryProvider, Data}
import org.apache.arrow.memory.BufferAllocator
import org.apache.arrow.vector.types.pojo.Schema
import org.apache.arrow.vector.{DecimalVector, FieldVector, VectorSchemaRoot}
import org.apache.spark.SparkException
import org.apache.spark.sql.tidb.SparkInternals
import org.apache.spark.sql.types.StructType
import org.apache.spark.sql.vectorized.{ColumnVector, ColumnarBatch}

import io.tidbspark.compat.Converters._
import io.tidbspark.errors.TiErrors
import io.tidbspark.jni.NativeScan

/**
 * Turns struct arrays of the C Data Interface into batches of Spark's own Arrow vectors, without copying.
 *
 * @param common `plan.ScanPlan.common`
 * @param columns what Spark expects
 */
final class ArrowBatchImporter(allocator: BufferAllocator, common: Array[Byte], columns: StructType) {
  private val schema: Schema = importSchema()

  /**
   * Takes over what `array` holds.
   *
   * @param array a struct array of `rows` rows; released and closed when this returns
   */
  def importBatch(array: ArrowArray, rows: Int): ColumnarBatch =
    if (schema.getFields.isEmpty) {
      // COUNT(*): a length and no children.
      array.release()
      array.close()
      new ColumnarBatch(Array.empty, rows)
    } else {
      val root = VectorSchemaRoot.create(schema, allocator)
      try {
        Data.importIntoVectorSchemaRoot(allocator, array, root, null)
        new ColumnarBatch(root.getFieldVectors.asScala.map(wrap).toArray, rows)
      } catch {
        case e: Throwable =>
          root.close()
          throw e
      }
    }

  private def wrap(vector: FieldVector): ColumnVector = vector match {
    case decimal: DecimalVector if decimal.getPrecision <= 18 => new TiDecimalVector(decimal)
    case other => new TiArrowVector(other)
  }

  private def importSchema(): Schema = {
    val struct = ArrowSchema.allocateNew(allocator)
    try TiErrors.translating(NativeScan.exportSchema(common, struct.memoryAddress()))
    catch {
      case e: Throwable =>
        struct.close()
        throw e
    }
    val provider = new CDataDictionaryProvider
    val imported =
      try Data.importSchema(allocator, struct, provider) // releases and closes the struct
      finally provider.close()
    check(imported)
    imported
  }

  /** The decoder's types must be those that the plan was made with; anything else would be read as garbage. */
  private def check(imported: Schema): Unit = {
    val actual = SparkInternals.fromArrowSchema(imported)
    val same = actual.length == columns.length && actual.fields.zip(columns.fields).forall { case (is, expected) =>
      SparkInternals.sameType(is.dataType, expected.dataType)
    }
    if (!same) {
      throw new SparkException(
        s"The native library would send ${actual.catalogString} and Spark expects ${columns.catalogString}"
      )
    }
  }
}
