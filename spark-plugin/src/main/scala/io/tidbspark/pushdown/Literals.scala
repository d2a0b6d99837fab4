package io.tidbspark.pushdown

import org.apache.spark.sql.types._
import org.apache.spark.unsafe.types.UTF8String

import io.tidbspark.proto
import io.tidbspark.types.SparkTypes

import com.google.protobuf.ByteString

/** Constants between Spark's internal values and plan.Literal, without any loss. */
object Literals {

  /**
   * @param value as Spark keeps it internally (UTF8String, Decimal, days, microseconds); null for NULL
   * @return None for a type or value that has no form: NULL without a type, text that is not UTF-8
   */
  def translate(value: Any, dataType: DataType): Option[proto.Literal] =
    SparkTypes.toProto(dataType).flatMap { kind =>
      val literal = proto.Literal.newBuilder().setType(kind)
      val filled = (value, dataType) match {
        case (null, _) => Some(literal)
        case (v: Boolean, BooleanType) => Some(literal.setBoolean(v))
        case (v: Byte, ByteType) => Some(literal.setInteger(v.toLong))
        case (v: Short, ShortType) => Some(literal.setInteger(v.toLong))
        case (v: Int, IntegerType | DateType) => Some(literal.setInteger(v.toLong))
        case (v: Long, LongType | TimestampType | TimestampNTZType) => Some(literal.setInteger(v))
        case (v: Long, _: DayTimeIntervalType) => Some(literal.setInteger(v))
        case (v: Float, FloatType) => Some(literal.setReal(v.toDouble))
        case (v: Double, DoubleType) => Some(literal.setReal(v))
        case (v: Decimal, _: DecimalType) => Some(literal.setDecimal(v.toJavaBigDecimal.toPlainString))
        case (v: UTF8String, StringType) => text(v).map(literal.setText)
        case (v: Array[Byte], BinaryType) => Some(literal.setBinary(ByteString.copyFrom(v)))
        case _ => None
      }
      filled.map(_.build())
    }

  /** Spark's strings are any bytes; protobuf's are UTF-8. */
  private def text(value: UTF8String): Option[String] = {
    val text = value.toString
    if (UTF8String.fromString(text) == value) Some(text) else None
  }

  /** The value as Spark keeps it internally, None for NULL and for what does not have the type that it says. */
  def value(literal: proto.Literal): Option[Any] = {
    import proto.DataType.Kind
    import proto.Literal.ValueCase
    (literal.getType.getKind, literal.getValueCase) match {
      case (Kind.BOOLEAN, ValueCase.BOOLEAN) => Some(literal.getBoolean)
      case (Kind.BYTE, ValueCase.INTEGER) => Some(literal.getInteger.toByte)
      case (Kind.SHORT, ValueCase.INTEGER) => Some(literal.getInteger.toShort)
      case (Kind.INT | Kind.DATE, ValueCase.INTEGER) => Some(literal.getInteger.toInt)
      case (Kind.LONG | Kind.TIMESTAMP | Kind.TIMESTAMP_NTZ | Kind.DAY_TIME_INTERVAL, ValueCase.INTEGER) =>
        Some(literal.getInteger)
      case (Kind.FLOAT, ValueCase.REAL) => Some(literal.getReal.toFloat)
      case (Kind.DOUBLE, ValueCase.REAL) => Some(literal.getReal)
      case (Kind.DECIMAL, ValueCase.DECIMAL) => Some(Decimal(new java.math.BigDecimal(literal.getDecimal)))
      case (Kind.STRING, ValueCase.TEXT) => Some(UTF8String.fromString(literal.getText))
      case (Kind.BINARY, ValueCase.BINARY) => Some(literal.getBinary.toByteArray)
      case _ => None
    }
  }
}
