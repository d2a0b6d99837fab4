package io.tidbspark.rowlevel

import scala.collection.mutable

import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.catalyst.expressions.GenericInternalRow
import org.apache.spark.sql.connector.write.RowLevelOperation.Command
import org.apache.spark.sql.connector.write.{DataWriter, WriterCommitMessage}
import org.apache.spark.sql.types._
import org.apache.spark.unsafe.types.UTF8String
import org.scalatest.funsuite.AnyFunSuite

import io.tidbspark.proto.WriteSpec
import io.tidbspark.write.WriteFixtures

class TiDeltaWriterSuite extends AnyFunSuite {
  import WriteFixtures._

  private val id: StructType = new StructType().add("id", LongType, nullable = false)
  private val delta = intent(ab, rowIds = id)

  /** Rows as they arrive, as text. */
  final private class Rows extends DataWriter[InternalRow] {
    val seen: mutable.Buffer[Seq[Any]] = mutable.Buffer.empty
    override def write(row: InternalRow): Unit = seen += row.toSeq(delta.batch).map {
      case text: UTF8String => text.toString
      case other => other
    }
    override def commit(): WriterCommitMessage = null
    override def abort(): Unit = ()
    override def close(): Unit = ()
  }

  private def row(values: Any*): InternalRow = new GenericInternalRow(values.map {
    case text: String => UTF8String.fromString(text)
    case other => other
  }.toArray)

  test("the operation, the row id, the new row") {
    val rows = new Rows
    val writer = new TiDeltaWriter(rows, DeltaLayout(delta, ab))
    writer.delete(null, row(7L))
    writer.update(null, row(8L), row(1, "x"))
    writer.insert(row(2, null))
    writer.write(row(3, "y"))
    assert(
      rows.seen == Seq(Seq(0, 7L, null, null), Seq(1, 8L, 1, "x"), Seq(2, null, 2, null), Seq(2, null, 3, "y"))
    )
  }

  test("a row id that a condition has mentioned is no part of the new row") {
    val rows = new Rows
    val wide = new StructType().add("a", IntegerType).add(RowIds.Hidden, LongType).add("b", StringType)
    val writer = new TiDeltaWriter(rows, DeltaLayout(delta, wide))
    writer.update(null, row(8L), row(1, 8L, "x"))
    assert(rows.seen == Seq(Seq(1, 8L, 1, "x")))
  }

  test("the request") {
    val spec = delta.spec
    assert(spec.getMode == WriteSpec.Mode.DELTA && spec.getRowIdColumnsList.toArray.toSeq == Seq("id"))
    assert(spec.getColumnsList.toArray.toSeq == Seq("a", "b"))
    assert(delta.batch.map(_.dataType) == Seq(IntegerType, LongType, IntegerType, StringType))
    assert(intent(ab).batch == ab && intent(ab).spec.getMode == WriteSpec.Mode.APPEND)
  }

  test("changes are told apart by the row id; rows whose id TiDB makes by all columns") {
    assert(TiDeltaWrite.key(Command.DELETE, delta) == Seq("id"))
    assert(TiDeltaWrite.key(Command.UPDATE, delta) == Seq("id"))
    // The key of the fixtures' table is AUTO_INCREMENT.
    assert(TiDeltaWrite.key(Command.MERGE, delta) == Seq("id", "a", "b"))
    val key: StructType = new StructType().add("a", IntegerType, nullable = false)
    assert(TiDeltaWrite.key(Command.MERGE, intent(ab, rowIds = key)) == Seq("a"))
  }
}
