package io.tidbspark.pushdown

import org.apache.spark.sql.connector.expressions.{NullOrdering, SortDirection, SortOrder}

import io.tidbspark.proto

/** Spark's V2 order as plan.SortOrder. */
object Orders {

  /** All or nothing: rows in a part of an order are other rows. */
  def translate(orders: Seq[SortOrder]): Option[Seq[proto.SortOrder]] =
    Expressions
      .translateAll(orders.map(_.expression))
      .map(_.zip(orders).map { case (expression, order) =>
        proto.SortOrder
          .newBuilder()
          .setExpression(expression)
          .setDescending(order.direction == SortDirection.DESCENDING)
          .setNullsLast(order.nullOrdering == NullOrdering.NULLS_LAST)
          .build()
      })
}
