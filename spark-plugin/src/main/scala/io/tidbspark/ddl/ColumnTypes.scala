package io.tidbspark.ddl

import java.util.regex.Pattern

import org.apache.spark.sql.connector.catalog.{Column, ColumnDefaultValue}
import org.apache.spark.sql.tidb.{SparkInternals, TiAnalysisException}
import org.apache.spark.sql.types._

import io.tidbspark.proto
import io.tidbspark.pushdown.Literals
import io.tidbspark.types.SparkTypes

/** Columns of Spark's statements in the terms of plan.proto. Structure only: which of them TiDB can have is decided behind the border. */
private[ddl] object ColumnTypes {

  /** @throws org.apache.spark.sql.AnalysisException for what plan.proto has no form for, by name */
  def definition(column: Column): proto.ColumnDefinition = {
    if (column.generationExpression != null) {
      throw new TiAnalysisException(s"column ${column.name} is generated: make it in TiDB, whose expression it is")
    }
    definition(column.name, column.dataType, column.nullable, column.comment, column.defaultValue)
  }

  def definition(
      name: String,
      dataType: DataType,
      nullable: Boolean,
      comment: String,
      default: ColumnDefaultValue
  ): proto.ColumnDefinition = {
    val builder = proto.ColumnDefinition.newBuilder().setName(name).setType(sqlType(name, dataType)).setNullable(nullable)
    Option(comment).foreach(builder.setComment)
    if (default != null) {
      val value = Option(default.getValue).map(_.value)
      builder.setDefaultValue(this.default(name, dataType, default.getSql, value))
    }
    builder.build()
  }

  def sqlType(column: String, dataType: DataType): proto.SqlType = {
    val builder = proto.SqlType.newBuilder()
    dataType match {
      case varchar: VarcharType => builder.setLength(varchar.length)
      case char: CharType => builder.setLength(char.length).setFixed(true)
      case _ => ()
    }
    val kind = dataType match {
      case interval: DayTimeIntervalType if interval != DayTimeIntervalType() => None
      // A collation of Spark's, which later versions have.
      case text @ (_: VarcharType | _: CharType) if text.sql.contains(" COLLATE ") => None
      case other => SparkTypes.toProto(plain(other))
    }
    builder
      .setType(
        kind.getOrElse(
          throw new TiAnalysisException(
            s"column $column: TiDB has no type for ${dataType.sql}. Store it in another form, such as JSON text in a STRING."
          )
        )
      )
      .build()
  }

  /** CHAR and VARCHAR hold what STRING holds. */
  def plain(dataType: DataType): DataType = dataType match {
    case _: VarcharType | _: CharType => StringType
    case other => other
  }

  /**
   * @param sql the user's words; null where there are none
   * @param value what they come to in Spark; None when that is not known yet
   */
  def default(column: String, dataType: DataType, sql: String, value: Option[Any]): proto.ColumnDefault = {
    val words = Option(sql).map(text => Quoted.matcher(text).replaceAll("")).getOrElse("")
    val moment = Moments.matcher(words)
    if (moment.find()) {
      if (dataType == TimestampType && Now.matcher(words.trim).matches()) {
        proto.ColumnDefault.newBuilder().setCurrentTimestamp(true).build()
      } else {
        throw new TiAnalysisException(
          s"column $column: DEFAULT $sql. Of values that depend on the time, TiDB keeps current_timestamp() for a TIMESTAMP only."
        )
      }
    } else {
      val found = value.getOrElse(SparkInternals.defaultValue(column, plain(dataType), sql))
      val literal = Literals
        .translate(found, plain(dataType))
        .getOrElse(throw new TiAnalysisException(s"column $column: DEFAULT $sql has no form in TiDB"))
      proto.ColumnDefault.newBuilder().setLiteral(literal).build()
    }
  }

  private val Quoted = Pattern.compile("""'(\\.|[^'\\])*'|"(\\.|[^"\\])*"""")
  private val Moments = Pattern.compile(
    """(?i)\b(current_\w+|curdate|now|localtimestamp|localtime|unix_timestamp|session_user|user)\b"""
  )
  private val Now = Pattern.compile("""(?i)(current_timestamp|now)\s*(\(\s*\))?""")
}
