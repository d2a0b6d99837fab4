package io.tidbspark.pushdown

import scala.annotation.tailrec

import org.apache.spark.sql.catalyst.expressions.aggregate.{AggregateExpression, Average, Count, Sum}
import org.apache.spark.sql.catalyst.expressions.{Attribute, AttributeSet, Expression, NamedExpression}
import org.apache.spark.sql.catalyst.plans.logical.{Aggregate, Filter, LogicalPlan, Project}
import org.apache.spark.sql.catalyst.rules.Rule
import org.apache.spark.sql.execution.datasources.v2.DataSourceV2Relation

import io.tidbspark.TiTable
import io.tidbspark.compat.Converters._

/**
 * Aggregates over the distinct values of one table become aggregates over groups, which can be pushed down:
 *
 * {{{
 *   SELECT g, count(DISTINCT a) FROM t GROUP BY g  ->  SELECT g, count(a) FROM (SELECT g, a FROM t GROUP BY g, a) GROUP BY g
 * }}}
 *
 * Spark plans the same by itself, but later: its groups are made of rows that have left the stores. Where the groups are not pushed down, the plan is
 * Spark's own. Columns that hold a key of the table are left alone: a group for each row is no gain.
 */
object DistinctAggregates extends Rule[LogicalPlan] {

  override def apply(plan: LogicalPlan): LogicalPlan = plan.transform {
    case aggregate: Aggregate if aggregate.resolved => table(aggregate.child).flatMap(rewrite(aggregate, _)).getOrElse(aggregate)
  }

  @tailrec
  private def table(plan: LogicalPlan): Option[TiTable] = plan match {
    case Project(_, child) => table(child)
    case Filter(_, child) => table(child)
    case relation: DataSourceV2Relation => Some(relation.table).collect { case table: TiTable => table }
    case _ => None
  }

  private def rewrite(aggregate: Aggregate, table: TiTable): Option[LogicalPlan] = {
    val functions = aggregate.aggregateExpressions.flatMap(_.collect { case function: AggregateExpression => function })
    val arguments = functions.map(function => AttributeSet(function.aggregateFunction.children)).distinct
    for {
      groups <- attributes(aggregate.groupingExpressions)
      values <- arguments match {
        case Seq(_) if functions.forall(isOfValues) => attributes(functions.head.aggregateFunction.children)
        case _ => None
      }
      keys = (groups ++ values).distinct
      if !hasKey(table, keys.map(_.name).toSet)
    } yield {
      val outer = aggregate.aggregateExpressions.map(_.transform { case function: AggregateExpression =>
        function.copy(isDistinct = false)
      })
      Aggregate(aggregate.groupingExpressions, outer.map(_.asInstanceOf[NamedExpression]), Aggregate(keys, keys, aggregate.child))
    }
  }

  /** Whether a function is one of distinct columns, and of nothing else. */
  private def isOfValues(function: AggregateExpression): Boolean =
    function.isDistinct && function.filter.isEmpty && (function.aggregateFunction match {
      case _: Count | _: Sum | _: Average => attributes(function.aggregateFunction.children).isDefined
      case _ => false
    })

  private def attributes(expressions: Seq[Expression]): Option[Seq[Attribute]] = {
    val found = expressions.collect { case attribute: Attribute => attribute }
    if (found.size == expressions.size) Some(found) else None
  }

  private def hasKey(table: TiTable, columns: Set[String]): Boolean =
    table.context.schema.getIndexesList.asScala.exists(index => index.getUnique && index.getColumnsList.asScala.forall(columns))
}
