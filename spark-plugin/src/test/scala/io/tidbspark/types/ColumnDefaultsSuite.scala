package io.tidbspark.types

import org.apache.spark.sql.types._
import org.scalatest.funsuite.AnyFunSuite

import io.tidbspark.proto.Column

class ColumnDefaultsSuite extends AnyFunSuite {
  private def default(text: String, dataType: DataType, mysqlType: String = "x"): Option[String] =
    ColumnDefaults.sql(Column.newBuilder().setName("c").setMysqlType(mysqlType).setDefaultValue(text).build(), dataType)

  test("constants, in the column's type") {
    assert(default("'5'", IntegerType).contains("CAST('5' AS INT)"))
    assert(default("'-1.50'", DecimalType(10, 2)).contains("CAST('-1.50' AS DECIMAL(10,2))"))
    assert(default("'it''s \\ a'", StringType).contains("'it\\'s \\\\ a'"))
    assert(default("''", StringType).contains("''"))
    assert(default("'1'", BooleanType).contains("true") && default("'0'", BooleanType).contains("false"))
    assert(default("'AB'", BinaryType, "varbinary(9)").contains("X'4142'"))
    assert(default("'2024-02-29'", DateType).contains("CAST('2024-02-29' AS DATE)"))
    assert(default("'2024-02-29 01:02:03.5'", TimestampNTZType, "datetime(1)").exists(_.endsWith("AS TIMESTAMP_NTZ)")))
    assert(default("'2024-02-29 01:02:03'", TimestampType, "timestamp").contains("CAST('2024-02-29 01:02:03Z' AS TIMESTAMP)"))
    assert(default("'2024-02-29 01:02:03'", TimestampType, "datetime").contains("CAST('2024-02-29 01:02:03' AS TIMESTAMP)"))
  }

  test("bits") {
    assert(default("b'101'", BinaryType, "bit(9)").contains("X'0005'"))
    assert(default("b'101'", LongType, "bit(9)").contains("CAST(5 AS BIGINT)"))
    assert(default("b'1'", BooleanType, "bit(1)").contains("true"))
  }

  test("the time of the statement, with the column's digits") {
    assert(default("CURRENT_TIMESTAMP", TimestampType).contains("CAST(date_trunc('SECOND', current_timestamp()) AS TIMESTAMP)"))
    assert(
      default("CURRENT_TIMESTAMP(6)", TimestampNTZType).contains(
        "CAST(date_trunc('MICROSECOND', localtimestamp()) AS TIMESTAMP_NTZ)"
      )
    )
  }

  test("none, NULL and the next id") {
    assert(ColumnDefaults.sql(Column.newBuilder().setName("c").build(), LongType).isEmpty)
    assert(default("NULL", LongType).isEmpty)
    val id = Column.newBuilder().setName("c").setAutoIncrement(true).build()
    assert(ColumnDefaults.sql(id, LongType).contains("CAST(0 AS BIGINT)"))
  }

  test("what Spark cannot say becomes an error, never NULL") {
    Seq(
      default("(uuid())", StringType),
      default("'0000-00-00'", DateType),
      default("'2024-00-00 00:00:00'", TimestampNTZType),
      default("CURRENT_TIMESTAMP(2)", TimestampType),
      default("'10:00:00'", DayTimeIntervalType()),
      default("'ä'", BinaryType),
      ColumnDefaults.sql(Column.newBuilder().setName("c").setGenerated("`a` + 1").build(), LongType)
    ).foreach(sql => assert(sql.exists(_.startsWith("raise_error('c ")), sql.toString))
  }

  test("the columns of a table") {
    val table = io.tidbspark.write.WriteFixtures.schema
    val columns = ColumnDefaults.attach(SparkTypes.toSpark(table), table)
    assert(columns.map(_.getCurrentDefaultValue().isDefined) == Seq(true, true, false, true))
  }
}
