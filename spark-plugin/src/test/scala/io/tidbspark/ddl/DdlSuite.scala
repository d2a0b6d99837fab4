package io.tidbspark.ddl

import scala.annotation.nowarn

import org.apache.spark.sql.AnalysisException
import org.apache.spark.sql.connector.catalog.TableChange
import org.apache.spark.sql.connector.expressions.Expressions
import org.apache.spark.sql.types._
import org.scalatest.funsuite.AnyFunSuite

import io.tidbspark.compat.Converters._
import io.tidbspark.proto.DataType.Kind
import io.tidbspark.proto.Literal

/** What Spark's structures become before they cross the border. */
class DdlSuite extends AnyFunSuite {
  private val schema = StructType.fromDDL("a INT, s STRING, at TIMESTAMP")

  test("hidden tables are known by their names, and for how long they may live") {
    val name = ShadowTable.name(1700000000000L)
    assert(ShadowTable.isShadow(name) && name.length <= 64)
    assert(ShadowTable.name(1L) != ShadowTable.name(1L))
    assert(!ShadowTable.isAbandoned(name, 1700000000000L))
    assert(ShadowTable.isAbandoned(name, 1700000000001L))
    Seq("t", "_tidb_spark_x", s"x$name", s"${name}0", "_tidb_spark__0000000000000000").foreach { other =>
      assert(!ShadowTable.isShadow(other) && !ShadowTable.isAbandoned(other, Long.MaxValue), other)
    }
  }

  test("lengths and types of columns") {
    val varchar = ColumnTypes.sqlType("a", VarcharType(7))
    assert(varchar.getLength == 7 && !varchar.getFixed && varchar.getType.getKind == Kind.STRING)
    val char = ColumnTypes.sqlType("a", CharType(3))
    assert(char.getLength == 3 && char.getFixed)
    assert(ColumnTypes.sqlType("a", StringType).getLength == 0)
    Seq(MapType(StringType, IntegerType), NullType, DayTimeIntervalType(DayTimeIntervalType.DAY)).foreach { dataType =>
      assert(intercept[AnalysisException](ColumnTypes.sqlType("the_column", dataType)).getMessage.contains("the_column"))
    }
  }

  test("defaults are constants, or the moment of a TIMESTAMP") {
    def literal(dataType: DataType, sql: String, value: Any): Literal =
      ColumnTypes.default("a", dataType, sql, Some(value)).getLiteral
    assert(literal(IntegerType, "1 + 1", 2).getInteger == 2)
    assert(literal(VarcharType(9), "'now()'", org.apache.spark.unsafe.types.UTF8String.fromString("now()")).getText == "now()")
    assert(
      !literal(IntegerType, "NULL", null).hasType || literal(
        IntegerType,
        "NULL",
        null
      ).getValueCase == Literal.ValueCase.VALUE_NOT_SET
    )
    Seq("current_timestamp", "CURRENT_TIMESTAMP()", "now()").foreach { sql =>
      assert(ColumnTypes.default("a", TimestampType, sql, Some(5L)).getCurrentTimestamp, sql)
    }
    Seq(DateType -> "current_date()", TimestampNTZType -> "localtimestamp()", TimestampType -> "now() + INTERVAL 1 DAY").foreach {
      case (dataType, sql) =>
        assert(
          intercept[AnalysisException](ColumnTypes.default("a", dataType, sql, Some(1L))).getMessage
            .contains("current_timestamp()")
        )
    }
  }

  test("properties are sorted; what a table cannot have is named") {
    val sorted = TableProperties.sort(
      "CREATE TABLE t",
      Map(
        "comment" -> "c",
        "owner" -> "me",
        "provider" -> "tidb",
        "tidb.primary_key" -> "id",
        "option.tidb.primary_key" -> "id",
        "write.mode" -> "upsert",
        "option.write.mode" -> "upsert",
        "color" -> "red"
      )
    )
    assert(sorted == TableProperties("c", Map("tidb.primary_key" -> "id", "color" -> "red")))
    def refused(properties: (String, String)*) =
      intercept[Exception](TableProperties.sort("CREATE TABLE t", properties.toMap)).getMessage
    assert(refused("provider" -> "orc").contains("orc"))
    assert(refused("location" -> "/tmp").contains("LOCATION"))
    assert(refused("collation" -> "UNICODE_CI").contains("UNICODE_CI"))
    assert(refused("write.mod" -> "upsert", "option.write.mod" -> "upsert").contains("write.mod"))
  }

  test("transforms") {
    val buckets = Partitioning.translate("t", Expressions.bucket(4, "a", "b"))
    assert(buckets.getCount == 4 && buckets.getColumnsList.asScala == Seq("a", "b"))
    Seq(Expressions.identity("a") -> "bucket(16, a)", Expressions.days("a") -> "days(a)", Expressions.bucket(4, "a.b") -> "a.b")
      .foreach { case (transform, word) =>
        assert(intercept[AnalysisException](Partitioning.translate("t", transform)).getMessage.contains(word))
      }
  }

  test("changes") {
    def translate(change: TableChange) = Alterations.translate("t", schema, change)
    val added = translate(TableChange.addColumn(Array("b"), VarcharType(5), false, "c")).getAddColumn.getColumn
    assert(added.getName == "b" && added.getType.getLength == 5 && !added.getNullable && added.getComment == "c")
    val moved = translate(TableChange.updateColumnPosition(Array("a"), TableChange.ColumnPosition.after("s"))).getModifyColumn
    assert(moved.getPosition.getAfter == "s" && !moved.hasType && !moved.hasNullable && !moved.hasComment)
    // Spark 4 has another way; this one is in all versions.
    @nowarn("cat=deprecation") def withDefault(sql: String) = TableChange.updateColumnDefaultValue(Array("A"), sql)
    assert(translate(withDefault("")).getModifyColumn.getDropDefault)
    assert(translate(withDefault("40 + 2")).getModifyColumn.getDefaultValue.getLiteral.getInteger == 42)
    assert(translate(TableChange.setProperty("comment", "x")).getTableComment == "x")
    assert(translate(TableChange.deleteColumn(Array("a"), true)).getDropColumn.getIfExists)
    assert(intercept[AnalysisException](translate(TableChange.renameColumn(Array("a", "b"), "c"))).getMessage.contains("a.b"))
  }

  test("a secret is not shown") {
    assert(new Secret("open sesame").toString == "*****")
  }
}
