package io.tidbspark.pushdown

import org.apache.spark.sql.connector.expressions.Expression
import org.apache.spark.sql.connector.expressions.aggregate.{AggregateFunc, Aggregation, Avg, Count, CountStar, Max, Min, Sum}

import io.tidbspark.compat.Converters._
import io.tidbspark.proto
import io.tidbspark.proto.Aggregate.Function

/** Spark's V2 aggregation as plan.Aggregation. Functions of users, VARIANCE, PERCENTILE and the like are None. */
object Aggregations {

  def translate(aggregation: Aggregation): Option[proto.Aggregation] = for {
    groups <- Expressions.translateAll(aggregation.groupByExpressions.toSeq)
    functions <- aggregation.aggregateExpressions.foldLeft(Option(Vector.empty[proto.Aggregate])) { (done, next) =>
      done.flatMap(translated => translate(next).map(translated :+ _))
    }
  } yield proto.Aggregation.newBuilder().addAllGroupBy(groups.asJava).addAllAggregates(functions.asJava).build()

  private def translate(function: AggregateFunc): Option[proto.Aggregate] = function match {
    case _: CountStar => Some(proto.Aggregate.newBuilder().setFunction(Function.COUNT_STAR).build())
    case count: Count => of(Function.COUNT, count.column, count.isDistinct)
    case sum: Sum => of(Function.SUM, sum.column, sum.isDistinct)
    case min: Min => of(Function.MIN, min.column, distinct = false)
    case max: Max => of(Function.MAX, max.column, distinct = false)
    case avg: Avg => of(Function.AVG, avg.column, avg.isDistinct)
    case _ => None
  }

  private def of(function: Function, argument: Expression, distinct: Boolean): Option[proto.Aggregate] =
    Expressions
      .translate(argument)
      .map(proto.Aggregate.newBuilder().setFunction(function).setDistinct(distinct).addArguments(_).build())

  /** Names of the columns that an aggregation reads, in no order. */
  def columns(aggregation: proto.Aggregation): Set[String] =
    (aggregation.getGroupByList.asScala.iterator ++ aggregation.getAggregatesList.asScala.iterator.flatMap(
      _.getArgumentsList.asScala
    )).flatMap(Expressions.columns).toSet
}
