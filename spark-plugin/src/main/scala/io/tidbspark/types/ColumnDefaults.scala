package io.tidbspark.types

import java.nio.charset.StandardCharsets

import org.apache.spark.sql.types._

import io.tidbspark.compat.Converters._
import io.tidbspark.proto.{Column, TableSchema}

/**
 * TiDB's column defaults as SQL of Spark, for the keyword DEFAULT in INSERT. Columns that are left out of a write do not need it: TiDB's
 * own defaults are put in where rows are encoded. A default that has no equal in Spark becomes an expression that Spark refuses, with a
 * text that says what to do; it must not become NULL.
 */
object ColumnDefaults {

  /** Adds the defaults to the columns of `table`. */
  def attach(columns: StructType, table: TableSchema): StructType = {
    val byName = table.getColumnsList.asScala.map(column => column.getName -> column).toMap
    StructType(columns.fields.map { field =>
      byName.get(field.name).flatMap(sql(_, field.dataType)).fold(field)(text => field.withCurrentDefaultValue(text))
    })
  }

  /** SQL of the default of a column that Spark sees as `dataType`; None where Spark's own, NULL or an error, is right. */
  def sql(column: Column, dataType: DataType): Option[String] =
    if (column.getAutoIncrement || column.getAutoRandom) {
      // TiDB's other word for the next value. MERGE wants a value for NOT NULL.
      Some(s"CAST(0 AS ${dataType.sql})")
    } else if (!column.getGenerated.isEmpty) {
      Some(refusal(column.getName, "is generated"))
    } else if (!column.hasDefaultValue || column.getDefaultValue == "NULL") {
      None
    } else {
      Some(constant(column, dataType).getOrElse(refusal(column.getName, s"has the default ${column.getDefaultValue}")))
    }

  private def constant(column: Column, dataType: DataType): Option[String] = column.getDefaultValue match {
    case Now(fsp) => now(Option(fsp).fold(0)(_.toInt), dataType)
    case Bits(digits) => bits(digits, column.getMysqlType, dataType)
    case Quoted(escaped) => quoted(escaped.replace("''", "'"), column, dataType)
    case _ => None
  }

  /** Cut, not rounded, to the column's digits, as TiDB does. */
  private def now(fsp: Int, dataType: DataType): Option[String] = {
    val source = dataType match {
      case TimestampType => Some("current_timestamp()")
      case TimestampNTZType => Some("localtimestamp()")
      case _ => None
    }
    val unit = fsp match {
      case 0 => Some("SECOND")
      case 3 => Some("MILLISECOND")
      case 6 => Some("MICROSECOND")
      case _ => None
    }
    for (time <- source; precision <- unit) yield s"CAST(date_trunc('$precision', $time) AS ${dataType.sql})"
  }

  private def bits(digits: String, mysqlType: String, dataType: DataType): Option[String] = {
    val value = BigInt(digits, 2)
    (dataType, mysqlType) match {
      case (BooleanType, _) => Some((value != 0).toString)
      case (LongType, _) if value.isValidLong => Some(s"CAST($value AS BIGINT)")
      case (BinaryType, BitWidth(width)) =>
        val length = (width.toInt + 7) / 8
        Some(s"X'${value.toString(16).reverse.padTo(length * 2, '0').reverse}'")
      case _ => None
    }
  }

  private def quoted(text: String, column: Column, dataType: DataType): Option[String] = dataType match {
    case StringType => Some(literal(text))
    case BooleanType => number(text).map(value => (value.signum != 0).toString)
    case ByteType | ShortType | IntegerType | LongType | _: DecimalType | FloatType | DoubleType =>
      number(text).map(_ => s"CAST(${literal(text)} AS ${dataType.sql})")
    case BinaryType if text.forall(c => c < 128) && !column.getMysqlType.startsWith("bit") =>
      Some(text.getBytes(StandardCharsets.US_ASCII).map(b => f"$b%02X").mkString("X'", "", "'"))
    case DateType if Date.pattern.matcher(text).matches() => Some(s"CAST(${literal(text)} AS DATE)")
    case TimestampNTZType if DateTime.pattern.matcher(text).matches() => Some(s"CAST(${literal(text)} AS TIMESTAMP_NTZ)")
    // TiDB keeps the defaults of TIMESTAMP in UTC; a DATETIME that Spark sees as TIMESTAMP is a wall clock of the session.
    case TimestampType if DateTime.pattern.matcher(text).matches() =>
      val zone = if (column.getMysqlType.startsWith("timestamp")) "Z" else ""
      Some(s"CAST(${literal(text + zone)} AS TIMESTAMP)")
    case _ => None
  }

  private def number(text: String): Option[BigDecimal] = scala.util.Try(BigDecimal(text.trim)).toOption

  /** Backslashes and quotes as Spark's parser reads them with its default settings. */
  private def literal(text: String): String = "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"

  /** Spark says that a default must be constant, and shows this. */
  private def refusal(name: String, why: String): String =
    s"raise_error(${literal(s"$name $why, which TiDB makes: leave $name out of the column list instead of writing DEFAULT")})"

  private val Now = """CURRENT_TIMESTAMP(?:\((\d)\))?""".r
  private val Bits = """b'([01]+)'""".r
  private val Quoted = """(?s)'(.*)'""".r
  private val BitWidth = """bit\((\d+)\)""".r
  private val Date = """(?!0000)\d{4}-(?!00)\d{2}-(?!00)\d{2}""".r
  private val DateTime = """(?!0000)\d{4}-(?!00)\d{2}-(?!00)\d{2} \d{2}:\d{2}:\d{2}(?:\.\d{1,6})?""".r
}
