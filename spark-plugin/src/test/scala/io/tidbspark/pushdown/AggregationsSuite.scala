package io.tidbspark.pushdown

import org.apache.spark.sql.connector.expressions.aggregate._
import org.apache.spark.sql.connector.expressions.{
  Expression,
  Expressions => V2,
  GeneralScalarExpression,
  NullOrdering,
  SortDirection,
  UserDefinedScalarFunc
}
import org.scalatest.funsuite.AnyFunSuite

import io.tidbspark.compat.Converters._
import io.tidbspark.proto.Aggregate.Function

class AggregationsSuite extends AnyFunSuite {
  private val a = V2.column("a")
  private val b = V2.column("b")

  private def aggregation(groups: Expression*)(functions: AggregateFunc*) = new Aggregation(functions.toArray, groups.toArray)

  test("functions, their arguments and groups in order") {
    val all = aggregation(b, a)(
      new CountStar,
      new Count(a, false),
      new Count(b, true),
      new Sum(new GeneralScalarExpression("*", Array[Expression](a, b)), false),
      new Min(a),
      new Max(b),
      new Avg(a, false)
    )
    val translated = Aggregations.translate(all).get
    assert(translated.getGroupByList.asScala.map(_.getColumn) == Seq("b", "a"))
    import Function._
    assert(translated.getAggregatesList.asScala.map(_.getFunction) == Seq(COUNT_STAR, COUNT, COUNT, SUM, MIN, MAX, AVG))
    assert(translated.getAggregatesList.asScala.map(_.getDistinct) == Seq(false, false, true, false, false, false, false))
    assert(translated.getAggregates(0).getArgumentsCount == 0)
    assert(Text.aggregates(translated).mkString(" ") == "COUNT(*) COUNT(a) COUNT(DISTINCT b) SUM((a * b)) MIN(a) MAX(b) AVG(a)")
    assert(Aggregations.columns(translated) == Set("a", "b"))
  }

  test("what the stores cannot know is refused as a whole") {
    val unknown = new UserDefinedScalarFunc("f", "c.f", Array[Expression](a))
    Seq(
      aggregation()(new CountStar, new GeneralAggregateFunc("VAR_POP", false, Array[Expression](a))),
      aggregation()(new UserDefinedAggregateFunc("f", "c.f", false, Array[Expression](a))),
      aggregation()(new Sum(unknown, false)),
      aggregation(unknown)(new CountStar)
    ).foreach(refused => assert(Aggregations.translate(refused).isEmpty))
  }

  test("orders: direction and place of NULLs") {
    def sort(expression: Expression, direction: SortDirection, nulls: NullOrdering) = V2.sort(expression, direction, nulls)
    val orders = Orders
      .translate(
        Seq(
          sort(a, SortDirection.ASCENDING, NullOrdering.NULLS_LAST),
          sort(b, SortDirection.DESCENDING, NullOrdering.NULLS_FIRST)
        )
      )
      .get
    assert(orders.map(Text.order) == Seq("a ASC NULLS LAST", "b DESC NULLS FIRST"))
    assert(Orders.translate(Seq(sort(V2.column("a.b"), SortDirection.ASCENDING, NullOrdering.NULLS_LAST))).isEmpty)
  }
}
