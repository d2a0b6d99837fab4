package io.tidbspark.pushdown

import org.apache.spark.sql.types.{StructField, StructType}

import io.tidbspark.compat.Converters._
import io.tidbspark.proto
import io.tidbspark.types.SparkTypes

/**
 * What the stores do of a query besides reading rows. Immutable, and equal when the same is pushed.
 *
 * @param filters all of them hold for every row that is answered; an inexact one lets more rows through, and Spark checks again
 * @param order with a limit only
 */
final case class Pushed(
    filters: Vector[Pushed.Filter] = Vector.empty,
    aggregation: Option[Pushed.Aggregation] = None,
    order: Seq[proto.SortOrder] = Nil,
    limit: Option[Long] = None
) {

  /** Adds all of it to a question or a plan. */
  def fill(spec: proto.ScanSpec.Builder): proto.ScanSpec.Builder = {
    spec.addAllFilters(filters.map(_.expression).asJava).addAllOrder(order.asJava)
    aggregation.foreach(a => spec.setAggregation(a.expression))
    limit.foreach(spec.setLimit)
    spec
  }

  /** `PushedFilters: [...] ...` for EXPLAIN; empty when nothing is pushed. */
  def summary: String = Seq(
    if (filters.isEmpty) None else Some(filters.map(_.text).mkString("PushedFilters: [", ", ", "]")),
    aggregation.map(a => Text.aggregates(a.expression).mkString("PushedAggregates: [", ", ", "]")),
    aggregation
      .filter(_.expression.getGroupByCount > 0)
      .map(a => Text.groups(a.expression).mkString("PushedGroupBy: [", ", ", "]")),
    if (order.isEmpty) None
    else Some(order.map(Text.order).mkString("PushedTopN: ORDER BY [", ", ", s"] LIMIT ${limit.getOrElse(0)}")),
    if (order.isEmpty) limit.map(n => s"PushedLimit: $n") else None
  ).flatten.mkString(" ")
}

object Pushed {

  /** @param exact whether Spark need not check again */
  final case class Filter(expression: proto.Expr, exact: Boolean) {

    /** For EXPLAIN: an inexact one says so. */
    def text: String = Text.expression(expression) + (if (exact) "" else " (rechecked)")
  }

  /**
   * @param output columns that the scan answers: groups, then aggregates
   * @param complete one row a group; else one a group and task of the stores, and Spark merges them
   */
  final case class Aggregation(expression: proto.Aggregation, output: StructType, complete: Boolean)

  object Aggregation {
    def apply(expression: proto.Aggregation, answer: proto.ScanSupport): Aggregation = Aggregation(
      expression,
      StructType(
        answer.getOutputList.asScala.map(f => StructField(f.getName, SparkTypes.toSpark(f.getType), f.getNullable)).toArray
      ),
      complete = answer.getAggregation.getSupport == proto.Support.FULL
    )
  }
}
