package io.tidbspark.read

import org.apache.spark.sql.connector.expressions.filter.Predicate

import io.tidbspark.compat.Converters._
import io.tidbspark.proto.{DataType, Expr, Literal}
import io.tidbspark.pushdown.Expressions

/** Filters that joins find while they run: values of the other side's keys. Spark checks them again, so any part of them will do. */
private[read] object RuntimeFilters {

  /** Values of a list that are sent to every region; above it only their bounds. */
  val MaxValues = 10000

  /** @param allowed columns that such a filter can serve */
  def translate(predicates: Seq[Predicate], allowed: Set[String]): Seq[Expr] =
    predicates.flatMap(Expressions.translate(_)).filter(Expressions.columns(_).subsetOf(allowed)).flatMap(shorten)

  /** The filter itself, or the least and greatest value of a list that is too long; None where these have no order that we know. */
  private def shorten(filter: Expr): Option[Expr] = {
    val call = filter.getCall
    if (call.getFunction != "IN" || call.getArgumentsCount <= MaxValues + 1) {
      Some(filter)
    } else {
      val values = call.getArgumentsList.asScala.tail.map(_.getLiteral).filter(_.getValueCase != Literal.ValueCase.VALUE_NOT_SET)
      if (values.nonEmpty && values.forall(v => v.getValueCase == Literal.ValueCase.INTEGER && Ordered(v.getType.getKind))) {
        def bound(function: String, literal: Literal) =
          Expressions.call(function, Seq(call.getArguments(0), Expr.newBuilder().setLiteral(literal).build()))
        Some(
          Expressions.call("AND", Seq(bound(">=", values.minBy(_.getInteger)), bound("<=", values.maxBy(_.getInteger))))
        )
      } else {
        None
      }
    }
  }

  private val Ordered: Set[DataType.Kind] = {
    import DataType.Kind._
    Set(BYTE, SHORT, INT, LONG, DATE, TIMESTAMP, TIMESTAMP_NTZ)
  }
}
