package io.tidbspark.read

import org.apache.spark.sql.connector.expressions.aggregate.{Aggregation => SparkAggregation, Avg, Count, CountStar}
import org.apache.spark.sql.connector.expressions.filter.Predicate
import org.apache.spark.sql.connector.expressions.{Expression, NamedReference, SortOrder}
import org.apache.spark.sql.connector.read._
import org.apache.spark.sql.types.{ByteType, DecimalType, IntegerType, ShortType, StructType}

import io.tidbspark.TableContext
import io.tidbspark.compat.Converters._
import io.tidbspark.compat.Subqueries
import io.tidbspark.proto
import io.tidbspark.proto.Support
import io.tidbspark.pushdown.{Aggregations, Expressions, Orders, Planner, Pushed}
import io.tidbspark.types.SparkTypes

/**
 * What a builder has pushed so far, and how it asks for more. Spark asks in an order of its own (filters, aggregates, limits,
 * columns) and may leave any of it out; each trait below looks at what is there, so that no order gives a wrong answer.
 */
private[read] trait PushDownState {
  protected def context: TableContext
  protected def rules: proto.PushDown
  protected def planner: Planner

  protected var pushed: Pushed = Pushed()

  /** Filters that Spark evaluates (again) over the answer: nothing that counts rows may be pushed below them. */
  protected var filtersAfterScan: Boolean = false

  /** Rows leave the scan as they are in the table, and all of them that pass the filters. */
  protected def answersPlainRows: Boolean = pushed.aggregation.isEmpty && pushed.limit.isEmpty

  private lazy val readable: Set[String] =
    context.schema.getColumnsList.asScala.iterator.filter(_.getUnsupported.isEmpty).map(_.getName).toSet

  /** Whether all columns can be read: what names another one is left to Spark, which then names the column as needed. */
  protected def canRead(columns: Set[String]): Boolean = columns.subsetOf(readable)

  /** What the stores can do of `candidate`. */
  protected def ask(candidate: Pushed): proto.ScanSupport = planner.check(
    candidate
      .fill(proto.ScanSpec.newBuilder())
      .setTable(context.schema.getTableDescriptor)
      .setTypes(context.types)
      .setPushDown(rules)
      .build()
  )
}

/** WHERE. */
private[read] trait FilterPushDown extends SupportsPushDownV2Filters { self: PushDownState =>
  private var accepted: Vector[Predicate] = Vector.empty

  /** @return what Spark has to evaluate over the answer */
  override def pushPredicates(predicates: Array[Predicate]): Array[Predicate] = {
    val candidates =
      if (!rules.getFilters || !answersPlainRows) Array.empty[(Predicate, proto.Expr)]
      else {
        predicates.flatMap { predicate =>
          Expressions.translate(predicate).filter(expression => canRead(Expressions.columns(expression))).map(predicate -> _)
        }
      }
    val supported: Vector[(Predicate, Pushed.Filter)] =
      if (candidates.isEmpty) Vector.empty
      else {
        // Whether the new ones can be pushed does not depend on those that are.
        val answer = ask(Pushed(filters = candidates.iterator.map(c => Pushed.Filter(c._2, exact = false)).toVector))
        candidates.iterator
          .zip(answer.getFiltersList.asScala.iterator)
          .collect {
            case ((predicate, expression), item) if item.getSupport == Support.FULL =>
              (predicate, Pushed.Filter(expression, exact = true))
            case ((predicate, expression), item) if item.getSupport == Support.PARTIAL =>
              (predicate, Pushed.Filter(expression, exact = false))
          }
          .toVector
      }
    accepted = accepted ++ supported.map(_._1)
    pushed = pushed.copy(filters = pushed.filters ++ supported.map(_._2))
    val exact = supported.collect { case (predicate, filter) if filter.exact => predicate }
    val rest = predicates.filterNot(predicate => exact.exists(_ eq predicate))
    filtersAfterScan ||= rest.nonEmpty
    rest
  }

  override def pushedPredicates(): Array[Predicate] = accepted.toArray
}

/** GROUP BY and aggregate functions. */
private[read] trait AggregatePushDown extends SupportsPushDownAggregates { self: PushDownState =>

  /** The last question: Spark asks first whether the answer would be complete and then for the push-down itself. */
  private var last: Option[(proto.Aggregation, Option[Pushed.Aggregation])] = None

  /**
   * An average was asked for whose sum Spark would not add up as it does for itself. It asks for AVG first, and then for SUM and COUNT of the same, with a sum
   * of the type that SUM has: of BIGINT that is BIGINT, which overflows, where Spark's own average adds DOUBLEs.
   */
  private var overflows = false

  override def supportCompletePushDown(aggregation: SparkAggregation): Boolean = {
    overflows ||= aggregation.aggregateExpressions().exists {
      case average: Avg => !sumsAreSafe(average.column)
      case _ => false
    }
    supported(aggregation).exists(_.complete)
  }

  /** A column of small integers or of DECIMAL. */
  private def sumsAreSafe(argument: Expression): Boolean = argument match {
    case column: NamedReference =>
      SparkTypes
        .toSpark(context.schema)
        .find(_.name == column.fieldNames.mkString("."))
        .exists(_.dataType match {
          case ByteType | ShortType | IntegerType | _: DecimalType => true
          case _ => false
        })
    case _ => false
  }

  override def pushAggregation(aggregation: SparkAggregation): Boolean = {
    val answer = if (overflows) None else supported(aggregation)
    answer.foreach(a => pushed = pushed.copy(aggregation = Some(a)))
    answer.isDefined
  }

  private def supported(aggregation: SparkAggregation): Option[Pushed.Aggregation] =
    if (!rules.getAggregates || filtersAfterScan || !answersPlainRows || staysWithSpark(aggregation)) None
    else {
      Aggregations.translate(aggregation).filter(a => canRead(Aggregations.columns(a))).flatMap { expression =>
        last match {
          case Some((`expression`, answer)) => answer
          case _ =>
            val answer = ask(pushed.copy(aggregation = Some(Pushed.Aggregation(expression, new StructType, complete = false))))
            val item = answer.getAggregation.getSupport
            val result =
              if (item == Support.FULL || item == Support.PARTIAL) Some(Pushed.Aggregation(expression, answer)) else None
            last = Some(expression -> result)
            result
        }
      }
    }

  private def staysWithSpark(aggregation: SparkAggregation): Boolean = {
    val counts = aggregation.aggregateExpressions().exists {
      case _: Count | _: CountStar | _: Avg => true
      case _ => false
    }
    // The correlation of a sub-query has become groups.
    counts && aggregation.groupByExpressions().nonEmpty && Subqueries.keepCounts()
  }
}

/** LIMIT, alone and after ORDER BY. */
private[read] trait LimitPushDown extends SupportsPushDownTopN with SupportsPushDownLimit { self: PushDownState =>

  /** The stores answer more rows than the limit: every task its own. */
  private var partial = true

  override def pushTopN(orders: Array[SortOrder], limit: Int): Boolean =
    rules.getTopN && !filtersAfterScan && answersPlainRows && Orders.translate(orders.toSeq).exists { order =>
      canRead(order.iterator.flatMap(o => Expressions.columns(o.getExpression)).toSet) &&
      push(pushed.copy(order = order, limit = Some(limit.toLong)), _.getTopN)
    }

  override def pushLimit(limit: Int): Boolean =
    rules.getLimit && !filtersAfterScan && answersPlainRows && push(pushed.copy(limit = Some(limit.toLong)), _.getLimit)

  private def push(candidate: Pushed, item: proto.ScanSupport => proto.ItemSupport): Boolean = {
    val support = item(ask(candidate)).getSupport
    val can = support == Support.FULL || support == Support.PARTIAL
    if (can) {
      partial = support != Support.FULL
      pushed = candidate
    }
    can
  }

  override def isPartiallyPushed: Boolean = partial
}
