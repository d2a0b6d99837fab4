package io.tidbspark.read

import java.util
import java.util.{Optional, OptionalLong}

import org.apache.spark.sql.connector.expressions.NamedReference
import org.apache.spark.sql.connector.read.Statistics
import org.apache.spark.sql.connector.read.colstats.ColumnStatistics

import io.tidbspark.compat.Converters._
import io.tidbspark.proto
import io.tidbspark.pushdown.Literals

/**
 * What TiDB's statistics say, in Spark's terms. What is not known stays unknown, and Spark assumes its own defaults.
 *
 * They are estimates, and Spark takes the number of rows for a fact wherever adaptive execution has made a stage: `LogicalQueryStage.maxRows` drops ORDER BY,
 * LIMIT, DISTINCT and aggregates that are needless for so few rows (SPARK-57956). There the rows stay untold; sizes are never taken for bounds.
 */
final class TiStatistics private (known: proto.TableStatistics, ofColumns: Boolean, ofRows: Boolean) extends Statistics {
  override def sizeInBytes(): OptionalLong = if (known.hasBytes) OptionalLong.of(known.getBytes) else OptionalLong.empty()

  override def numRows(): OptionalLong = if (ofRows && known.hasRows) OptionalLong.of(known.getRows) else OptionalLong.empty()

  override def columnStats(): util.Map[NamedReference, ColumnStatistics] =
    if (!ofColumns) util.Collections.emptyMap()
    else {
      known.getColumnsList.asScala
        .map(column => (TiStatistics.ColumnName(column.getName): NamedReference) -> TiStatistics.of(column))
        .toMap
        .asJava
    }
}

object TiStatistics {

  /** Nothing is known. */
  val Unknown: Statistics = new TiStatistics(proto.TableStatistics.getDefaultInstance, ofColumns = false, ofRows = false)

  /**
   * @param ofColumns whether the answer has the columns of the table
   * @param ofRows whether a number of rows that is only about right can do no harm
   */
  def apply(known: proto.TableStatistics, ofColumns: Boolean, ofRows: Boolean): Statistics =
    new TiStatistics(known, ofColumns, ofRows)

  /** Spark looks for the attribute whose name equals `describe`: no quotes, whatever the name has in it. */
  final private case class ColumnName(name: String) extends NamedReference {
    override def fieldNames(): Array[String] = Array(name)
    override def describe(): String = name
  }

  private def of(column: proto.ColumnStatistics): ColumnStatistics = new ColumnStatistics {
    override def distinctCount(): OptionalLong =
      if (column.hasDistinct) OptionalLong.of(column.getDistinct) else OptionalLong.empty()
    override def nullCount(): OptionalLong = if (column.hasNulls) OptionalLong.of(column.getNulls) else OptionalLong.empty()
    override def min(): Optional[AnyRef] = bound(column.hasMin, column.getMin)
    override def max(): Optional[AnyRef] = bound(column.hasMax, column.getMax)
    override def avgLen(): OptionalLong =
      if (column.hasAverageBytes) OptionalLong.of(column.getAverageBytes) else OptionalLong.empty()
  }

  private def bound(known: Boolean, literal: proto.Literal): Optional[AnyRef] =
    (if (known) Literals.value(literal) else None) match {
      case Some(value) => Optional.of(value.asInstanceOf[AnyRef])
      case None => Optional.empty()
    }
}
