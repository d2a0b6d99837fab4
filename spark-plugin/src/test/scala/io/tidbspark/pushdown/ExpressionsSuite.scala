package io.tidbspark.pushdown

import org.apache.spark.sql.connector.expressions.filter._
import org.apache.spark.sql.connector.expressions.{
  Cast,
  Expression,
  Expressions => V2,
  Extract,
  GeneralScalarExpression,
  Literal,
  UserDefinedScalarFunc
}
import org.apache.spark.sql.types._
import org.apache.spark.unsafe.types.UTF8String
import org.scalatest.funsuite.AnyFunSuite

import io.tidbspark.compat.Converters._
import io.tidbspark.proto
import io.tidbspark.proto.DataType.Kind

class ExpressionsSuite extends AnyFunSuite {
  private val a = V2.column("a")

  private def constant(of: Any, as: DataType): Literal[Any] = new Literal[Any] {
    override def value(): Any = of
    override def dataType(): DataType = as
  }

  private def predicate(name: String, children: Expression*) = new Predicate(name, children.toArray)

  private def equal(number: Int) = predicate("=", a, constant(number, IntegerType))

  private def literal(value: Any, dataType: DataType): proto.Literal =
    Expressions.translate(constant(value, dataType)).get.getLiteral

  private def text(expression: Expression): String = Expressions.translate(expression).fold("none")(Text.expression)

  /** Levels of expressions. */
  private def depth(expression: proto.Expr): Int =
    1 + expression.getCall.getArgumentsList.asScala.map(depth).foldLeft(0)(math.max)

  test("constants keep every digit, byte and microsecond") {
    assert(literal(true, BooleanType).getBoolean)
    assert(literal(Byte.MinValue, ByteType).getInteger == -128 && literal(Short.MaxValue, ShortType).getInteger == 32767)
    assert(literal(-7, IntegerType).getInteger == -7 && literal(Long.MinValue, LongType).getInteger == Long.MinValue)
    assert(literal(0.1f, FloatType).getReal == 0.1f.toDouble && literal(-0.0, DoubleType).getReal.equals(-0.0))
    val wide = Decimal(new java.math.BigDecimal("-1234567890123456789012345678.0123456789"))
    val decimal = literal(wide, DecimalType(38, 10))
    assert(decimal.getDecimal == "-1234567890123456789012345678.0123456789")
    assert(decimal.getType.getKind == Kind.DECIMAL && decimal.getType.getPrecision == 38 && decimal.getType.getScale == 10)
    assert(literal(Decimal("0.0000000001"), DecimalType(10, 10)).getDecimal == "0.0000000001")
    assert(literal(UTF8String.fromString("é😀 \u0000"), StringType).getText == "é😀 \u0000")
    assert(literal(Array[Byte](0, -1), BinaryType).getBinary.toByteArray.toSeq == Seq[Byte](0, -1))
    assert(literal(-719162, DateType).getInteger == -719162 && Expressions.translate(constant(1L, DateType)).isEmpty)
    assert(literal(1234567890123456L, TimestampType).getType.getKind == Kind.TIMESTAMP)
    assert(literal(-1L, TimestampNTZType).getInteger == -1 && literal(5L, DayTimeIntervalType(0, 0)).getInteger == 5)
    val unknown = literal(null, LongType)
    assert(unknown.getValueCase == proto.Literal.ValueCase.VALUE_NOT_SET && unknown.getType.getKind == Kind.LONG)
  }

  test("every constant comes back as it was") {
    Seq[(Any, DataType)](
      (false, BooleanType),
      (5.toByte, ByteType),
      (5.toShort, ShortType),
      (5, IntegerType),
      (5, DateType),
      (5L, LongType),
      (1.5f, FloatType),
      (Double.MinPositiveValue, DoubleType),
      (Decimal("12.50"), DecimalType(4, 2)),
      (UTF8String.fromString("x"), StringType),
      (5L, TimestampType)
    ).foreach { case (value, dataType) => assert(Literals.value(literal(value, dataType)).contains(value), dataType) }
    assert(Literals.value(literal(null, LongType)).isEmpty)
    assert(Literals.value(proto.Literal.newBuilder().setInteger(1).build()).isEmpty)
  }

  test("what has no form is not translated") {
    Seq(
      constant(null, NullType),
      constant(UTF8String.fromBytes(Array[Byte](-1, -2)), StringType),
      constant(Array(1), ArrayType(IntegerType)),
      V2.column("a.b"),
      new UserDefinedScalarFunc("f", "c.f", Array[Expression](a)),
      predicate("=", a, new UserDefinedScalarFunc("f", "c.f", Array.empty[Expression])),
      new And(equal(1), predicate("IN", a, constant(null, NullType)))
    ).foreach(expression => assert(Expressions.translate(expression).isEmpty, expression))
  }

  test("names, order of arguments, EXTRACT and CAST") {
    val sum = new GeneralScalarExpression("+", Array[Expression](a, constant(1, IntegerType)))
    val call = Expressions.translate(predicate("<", sum, constant(7L, LongType))).get.getCall
    assert(
      call.getFunction == "<" && call.getArguments(0).getCall.getFunction == "+" && call
        .getArguments(1)
        .getLiteral
        .getInteger == 7
    )
    assert(Expressions.translate(new Extract("YEAR", a)).get.getCall.getFunction == "EXTRACT_YEAR")
    assert(text(V2.column("`odd.name`")) == "odd.name")
    assert(text(predicate("IN", a, constant(1, IntegerType), constant(null, IntegerType))) == "a IN (1, NULL)")
    assert(text(new Not(predicate("IS_NULL", a))) == "NOT a IS NULL")
    assert(text(new AlwaysTrue) == "true" && text(new AlwaysFalse) == "false")
    assert(Expressions.columns(Expressions.translate(new Or(equal(1), predicate("=", V2.column("b"), a))).get) == Set("a", "b"))
  }

  test("long chains of AND and OR become shallow and keep their order") {
    val chain = (2 to 2000).foldLeft[Predicate](equal(1))((left, n) => new Or(left, equal(n)))
    val translated = Expressions.translate(chain).get
    assert(depth(translated) <= 14)
    val shown = Text.expression(translated)
    assert("= (\\d+)".r.findAllMatchIn(shown).map(_.group(1).toInt).toSeq == (1 to 2000))
    assert(
      text(new And(new And(equal(1), equal(2)), new Or(equal(3), equal(4)))) == "((a = 1) AND ((a = 2) AND ((a = 3) OR (a = 4))))"
    )
    // The native library's messages may nest 100 deep.
    assert(proto.Expr.parseFrom(translated.toByteArray) == translated)
  }

  test("deep expressions are left to Spark") {
    def nested(levels: Int): Expression =
      (1 to levels).foldLeft[Expression](a)((inner, _) => new GeneralScalarExpression("ABS", Array(inner)))
    assert(Expressions.translate(nested(30)).nonEmpty && Expressions.translate(nested(60)).isEmpty)
    val spec = proto.ScanSpec
      .newBuilder()
      .setAggregation(
        proto.Aggregation
          .newBuilder()
          .addAggregates(proto.Aggregate.newBuilder().addArguments(Expressions.translate(nested(39)).get))
      )
      .build()
    assert(proto.ScanSpec.parseFrom(spec.toByteArray) == spec)
  }

  test("text for EXPLAIN is short") {
    val many = predicate("IN", a +: (1 to 500).map(constant(_, IntegerType)): _*)
    assert(text(many) == "a IN (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, ... 490 more)")
    assert(text(constant(UTF8String.fromString("x" * 100), StringType)) == s"'${"x" * 40}...'")
    assert(text(constant(0, DateType)) == "1970-01-01")
    assert(text(constant(1500000L, TimestampType)) == "1970-01-01T00:00:01.500Z")
    assert(text(constant(1500000L, TimestampNTZType)) == "1970-01-01T00:00:01.500")
    assert(text(constant(Array[Byte](10, -1), BinaryType)) == "x'0aff'")
  }

  test("a cast keeps its target") {
    // Spark 3.5 and 4.2 have different constructors.
    val cast = classOf[Cast].getConstructors
      .minBy(_.getParameterCount)
      .newInstance(a, DecimalType(10, 2))
      .asInstanceOf[Cast]
    val call = Expressions.translate(cast).get.getCall
    assert(call.getFunction == "CAST" && call.getType.getPrecision == 10 && call.getType.getScale == 2)
  }
}
