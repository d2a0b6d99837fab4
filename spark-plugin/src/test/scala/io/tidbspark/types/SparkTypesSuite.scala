package io.tidbspark.types

import org.apache.spark.sql.types._
import org.scalatest.funsuite.AnyFunSuite

import io.tidbspark.proto
import io.tidbspark.proto.DataType.Kind

class SparkTypesSuite extends AnyFunSuite {
  private def of(kind: Kind) = proto.DataType.newBuilder().setKind(kind).build()

  private val expected = Map(
    Kind.BOOLEAN -> BooleanType,
    Kind.BYTE -> ByteType,
    Kind.SHORT -> ShortType,
    Kind.INT -> IntegerType,
    Kind.LONG -> LongType,
    Kind.FLOAT -> FloatType,
    Kind.DOUBLE -> DoubleType,
    Kind.STRING -> StringType,
    Kind.BINARY -> BinaryType,
    Kind.DATE -> DateType,
    Kind.TIMESTAMP -> TimestampType,
    Kind.TIMESTAMP_NTZ -> TimestampNTZType,
    Kind.DAY_TIME_INTERVAL -> DayTimeIntervalType(DayTimeIntervalType.DAY, DayTimeIntervalType.SECOND),
    Kind.ARRAY_FLOAT -> ArrayType(FloatType, containsNull = false)
  )

  test("every kind of the protocol has a Spark type") {
    expected.foreach { case (kind, spark) => assert(SparkTypes.toSpark(of(kind)) == spark) }
    val decimal = proto.DataType.newBuilder().setKind(Kind.DECIMAL).setPrecision(20).setScale(3).build()
    assert(SparkTypes.toSpark(decimal) == DecimalType(20, 3))
    assert(expected.keySet + Kind.DECIMAL + Kind.UNSPECIFIED + Kind.UNRECOGNIZED == Kind.values().toSet)
  }

  test("a kind of a newer library is refused by name") {
    assert(intercept[IllegalArgumentException](SparkTypes.toSpark(of(Kind.UNSPECIFIED))).getMessage.contains("UNSPECIFIED"))
  }

  test("columns keep case, nullability and comment; one that cannot be read stays visible with the reason") {
    val table = proto.TableSchema
      .newBuilder()
      .addColumns(proto.Column.newBuilder().setName("Id").setType(of(Kind.LONG)))
      .addColumns(proto.Column.newBuilder().setName("name").setType(of(Kind.STRING)).setNullable(true).setComment("who"))
      .addColumns(
        proto.Column
          .newBuilder()
          .setName("geo")
          .setMysqlType("geometry")
          .setUnsupported("type code 255 is not known")
          .setComment("where")
      )
      .build()
    val schema = SparkTypes.toSpark(table)
    assert(schema("Id") == StructField("Id", LongType, nullable = false))
    assert(schema("name").nullable && schema("name").getComment().contains("who"))
    assert(schema("geo").dataType == BinaryType && schema("geo").nullable)
    assert(schema("geo").getComment().contains("where (unsupported: type code 255 is not known)"))
  }
}
