package io.tidbspark.write

import java.io.ByteArrayInputStream

import org.apache.arrow.vector.ipc.ArrowStreamReader
import org.apache.spark.sql.connector.expressions.filter.{AlwaysTrue, And, Or, Predicate}
import org.apache.spark.sql.connector.expressions.{Expression, Expressions, Literal}
import org.apache.spark.sql.tidb.SparkInternals
import org.apache.spark.sql.types._
import org.apache.spark.sql.vectorized.ArrowColumnVector
import org.apache.spark.unsafe.types.UTF8String
import org.scalatest.funsuite.AnyFunSuite

import io.tidbspark.compat.Converters._
import io.tidbspark.proto.RowFilter
import io.tidbspark.proto.RowFilter.Operator

class RowFiltersSuite extends AnyFunSuite {
  private val columns = new StructType()
    .add("a", IntegerType)
    .add("s", StringType)
    .add("d", DecimalType(20, 2))
    .add("t", TimestampType)
    .add("b", BooleanType)

  private def constant(theValue: Any, theType: DataType): Literal[Any] = new Literal[Any] {
    override def value(): Any = theValue
    override def dataType(): DataType = theType
  }

  private val a = Expressions.column("a")
  private val five = constant(5, IntegerType)

  private def predicate(name: String, children: Expression*) = new Predicate(name, children.toArray)
  private def translate(predicates: Predicate*) = RowFilters.translate(predicates, columns)

  private def values[T](filter: RowFilter)(read: ArrowColumnVector => T): Seq[T] = {
    val allocator = SparkInternals.newArrowAllocator("test")
    val reader = new ArrowStreamReader(new ByteArrayInputStream(filter.getValues.toByteArray), allocator)
    try {
      assert(reader.loadNextBatch() && reader.getVectorSchemaRoot.getRowCount == 1)
      reader.getVectorSchemaRoot.getFieldVectors.asScala.map(vector => read(new ArrowColumnVector(vector))).toList
    } finally {
      reader.close()
      allocator.close()
    }
  }

  test("comparisons, either way round") {
    Seq("=" -> "=", "<=>" -> "=", "<" -> ">", "<=" -> ">=", ">" -> "<", ">=" -> "<=").foreach { case (name, mirrored) =>
      val Seq(direct) = translate(predicate(name, a, five)).get
      val Seq(reverse) = translate(predicate(mirrored, five, a)).get
      assert(direct == reverse && direct.getColumn == "a", name)
      assert(values(direct)(_.getInt(0)) == Seq(5))
    }
    assert(translate(predicate("<", a, five)).get.head.getOperator == Operator.LESS)
  }

  test("constants keep their types") {
    val text = translate(predicate("=", Expressions.column("s"), constant(UTF8String.fromString("ä'"), StringType))).get.head
    assert(values(text)(_.getUTF8String(0).toString) == Seq("ä'"))
    val decimal = translate(predicate("=", Expressions.column("d"), constant(Decimal("12.30"), DecimalType(20, 2)))).get.head
    assert(values(decimal)(_.getDecimal(0, 20, 2).toString) == Seq("12.30"))
    val time = translate(predicate(">", Expressions.column("t"), constant(1234567L, TimestampType))).get.head
    assert(values(time)(_.getLong(0)) == Seq(1234567L))
    val flag = translate(predicate("=", Expressions.column("b"), constant(true, BooleanType))).get.head
    assert(values(flag)(_.getBoolean(0)) == Seq(true))
  }

  test("lists, NULL tests, conjunctions, all rows") {
    val in = translate(predicate("IN", a, five, constant(null, IntegerType), constant(6, IntegerType))).get.head
    assert(in.getOperator == Operator.IN && values(in)(_.getInt(0)) == Seq(5, 6))
    val both = translate(new And(predicate("IS_NOT_NULL", a), predicate("IS_NULL", Expressions.column("s")))).get
    assert(both.map(f => f.getColumn -> f.getOperator) == Seq("a" -> Operator.IS_NOT_NULL, "s" -> Operator.IS_NULL))
    assert(translate(new AlwaysTrue).contains(Nil))
    assert(translate(predicate("=", a, five), predicate("IS_NULL", a)).get.length == 2)
  }

  test("what cannot be said exactly is not translated") {
    Seq(
      predicate("=", a, constant(5L, LongType)), // would need a cast
      predicate("=", a, constant(null, IntegerType)),
      predicate("IN", a, constant(null, IntegerType)),
      predicate("IN", a, a),
      predicate("=", a, a),
      predicate("<>", a, five),
      predicate("=", Expressions.column("nosuch"), five),
      predicate("=", Expressions.column("a.b"), five),
      predicate("STARTS_WITH", Expressions.column("s"), constant(UTF8String.fromString("x"), StringType)),
      new Or(predicate("=", a, five), predicate("IS_NULL", a)),
      new And(predicate("=", a, five), predicate("<>", a, five))
    ).foreach(refused => assert(translate(refused).isEmpty, refused.toString))
  }
}
