package io.tidbspark.functions

import org.apache.spark.sql.connector.catalog.functions.{BoundFunction, ScalarFunction, UnboundFunction}
import org.apache.spark.sql.types.{DataType, LongType, StructType, TimestampType}

import io.tidbspark.ReadTimestamp

/** `tso_to_timestamp(BIGINT)`: the millisecond of a TSO; the counter within it is dropped. */
object TsoToTimestampFunction extends UnboundFunction {
  override def name(): String = "tso_to_timestamp"
  override def description(): String = "tso_to_timestamp(tso BIGINT) -> TIMESTAMP: the millisecond of a timestamp of TiDB"
  override def bind(input: StructType): BoundFunction = {
    Arguments.check(this, input, 1)
    new TsoToTimestamp
  }
}

/** See [[TsoToTimestampFunction]]. Spark calls `invoke` from generated code. */
class TsoToTimestamp extends ScalarFunction[java.lang.Long] {
  override def name(): String = TsoToTimestampFunction.name()
  override def canonicalName(): String = s"tidb.${name()}"
  override def inputTypes(): Array[DataType] = Array(LongType)
  override def resultType(): DataType = TimestampType

  /** @return microseconds since 1970 */
  def invoke(tso: Long): Long = {
    if (tso < 0) {
      throw new IllegalArgumentException(s"tso_to_timestamp($tso): a TSO is not negative")
    }
    (tso >>> ReadTimestamp.LogicalBits) * 1000L
  }
}

/** `timestamp_to_tso(TIMESTAMP)`: the first TSO of the millisecond, as `TIMESTAMP AS OF` reads it. */
object TimestampToTsoFunction extends UnboundFunction {
  override def name(): String = "timestamp_to_tso"
  override def description(): String =
    "timestamp_to_tso(timestamp TIMESTAMP) -> BIGINT: the first timestamp of TiDB in its millisecond, for VERSION AS OF"
  override def bind(input: StructType): BoundFunction = {
    Arguments.check(this, input, 1)
    new TimestampToTso
  }
}

/** See [[TimestampToTsoFunction]]. */
class TimestampToTso extends ScalarFunction[java.lang.Long] {
  override def name(): String = TimestampToTsoFunction.name()
  override def canonicalName(): String = s"tidb.${name()}"
  override def inputTypes(): Array[DataType] = Array(TimestampType)
  override def resultType(): DataType = LongType

  /** @param micros since 1970 */
  def invoke(micros: Long): Long = {
    val millis = Math.floorDiv(micros, 1000L)
    // One bit less than a TSO has: BIGINT is signed.
    if (millis < 0 || millis > (Long.MaxValue >> ReadTimestamp.LogicalBits)) {
      throw new IllegalArgumentException(s"timestamp_to_tso: $millis ms since 1970 is outside what a TSO can hold")
    }
    ReadTimestamp.Millis(millis).tso
  }
}

/**
 * `current_tso()`: a fresh timestamp of PD, taken once when a statement is analysed; every mention in a statement has the same.
 *
 * @param ask for it
 */
class CurrentTsoFunction(ask: () => Long) extends UnboundFunction {
  override def name(): String = "current_tso"
  override def description(): String = "current_tso() -> BIGINT: the timestamp of TiDB at which the statement is analysed"
  override def bind(input: StructType): BoundFunction = {
    Arguments.check(this, input, 0)
    new CurrentTso(ask())
  }
}

/** See [[CurrentTsoFunction]]. */
class CurrentTso(val tso: Long) extends ScalarFunction[java.lang.Long] {
  override def name(): String = "current_tso"

  /** Two statements have two of them. */
  override def canonicalName(): String = s"tidb.current_tso.$tso"
  override def inputTypes(): Array[DataType] = Array.empty
  override def resultType(): DataType = LongType
  override def isResultNullable: Boolean = false
  def invoke(): Long = tso

  override def equals(other: Any): Boolean = other match {
    case that: CurrentTso => tso == that.tso
    case _ => false
  }

  override def hashCode(): Int = java.lang.Long.hashCode(tso)
}

private object Arguments {

  /** Spark turns the exception into an analysis error; types are cast by Spark. */
  def check(function: UnboundFunction, input: StructType, count: Int): Unit =
    if (input.length != count) {
      throw new UnsupportedOperationException(s"${input.length} arguments; ${function.description()}")
    }
}
