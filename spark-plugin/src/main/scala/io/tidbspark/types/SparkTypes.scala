package io.tidbspark.types

import org.apache.spark.sql.types._

import io.tidbspark.compat.Converters._
import io.tidbspark.proto
import io.tidbspark.proto.DataType.Kind

/** plan.DataType and plan.TableSchema in Spark's terms. */
object SparkTypes {

  /** CHAR and VARCHAR are STRING too: with Spark's own CHAR it would pad values and predicates. */
  def toSpark(dataType: proto.DataType): DataType = dataType.getKind match {
    case Kind.BOOLEAN => BooleanType
    case Kind.BYTE => ByteType
    case Kind.SHORT => ShortType
    case Kind.INT => IntegerType
    case Kind.LONG => LongType
    case Kind.FLOAT => FloatType
    case Kind.DOUBLE => DoubleType
    case Kind.DECIMAL => DecimalType(dataType.getPrecision, dataType.getScale)
    case Kind.STRING => StringType
    case Kind.BINARY => BinaryType
    case Kind.DATE => DateType
    case Kind.TIMESTAMP => TimestampType
    case Kind.TIMESTAMP_NTZ => TimestampNTZType
    case Kind.DAY_TIME_INTERVAL => DayTimeIntervalType()
    case Kind.ARRAY_FLOAT => ArrayType(FloatType, containsNull = false)
    case kind @ (Kind.UNSPECIFIED | Kind.UNRECOGNIZED) =>
      throw new IllegalArgumentException(s"The native library sent the type $kind, which this build does not know")
  }

  /** None for a type that plan.DataType does not have, strings with a collation of Spark's among them. */
  def toProto(dataType: DataType): Option[proto.DataType] = {
    def plain(kind: Kind) = Some(proto.DataType.newBuilder().setKind(kind).build())
    dataType match {
      case BooleanType => plain(Kind.BOOLEAN)
      case ByteType => plain(Kind.BYTE)
      case ShortType => plain(Kind.SHORT)
      case IntegerType => plain(Kind.INT)
      case LongType => plain(Kind.LONG)
      case FloatType => plain(Kind.FLOAT)
      case DoubleType => plain(Kind.DOUBLE)
      case decimal: DecimalType =>
        Some(
          proto.DataType.newBuilder().setKind(Kind.DECIMAL).setPrecision(decimal.precision).setScale(decimal.scale).build()
        )
      case StringType => plain(Kind.STRING)
      case BinaryType => plain(Kind.BINARY)
      case DateType => plain(Kind.DATE)
      case TimestampType => plain(Kind.TIMESTAMP)
      case TimestampNTZType => plain(Kind.TIMESTAMP_NTZ)
      case _: DayTimeIntervalType => plain(Kind.DAY_TIME_INTERVAL)
      case _ => None
    }
  }

  /**
   * The columns of a table. A column that cannot be read is shown as a nullable BINARY with the reason as comment, so that the
   * table stays visible; [[io.tidbspark.read.TiScanBuilder]] refuses a scan that touches it.
   */
  def toSpark(table: proto.TableSchema): StructType = StructType(table.getColumnsList.asScala.map(toSpark).toArray)

  private def toSpark(column: proto.Column): StructField = {
    val comment = Seq(column.getComment, unsupported(column)).filter(_.nonEmpty).mkString(" ")
    val field =
      if (column.getUnsupported.isEmpty) {
        StructField(column.getName, toSpark(column.getType), column.getNullable)
      } else {
        StructField(column.getName, BinaryType, nullable = true)
      }
    if (comment.isEmpty) field else field.withComment(comment)
  }

  private def unsupported(column: proto.Column): String =
    if (column.getUnsupported.isEmpty) "" else s"(unsupported: ${column.getUnsupported})"
}
