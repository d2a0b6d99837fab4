package io.tidbspark.write

import org.apache.spark.sql.connector.distributions.{ClusteredDistribution, OrderedDistribution, UnspecifiedDistribution}
import org.apache.spark.sql.connector.expressions.{NamedReference, SortOrder}
import org.apache.spark.sql.types._
import org.scalatest.funsuite.AnyFunSuite

import io.tidbspark.config.WriteDistribution
import io.tidbspark.proto.WriteInfo

class WriteLayoutSuite extends AnyFunSuite {
  private val columns = new StructType().add("id", LongType).add("odd `name`.x", StringType).add("v", ArrayType(FloatType))

  private def names(order: Array[SortOrder]): Seq[String] =
    order.toSeq.map(_.expression.asInstanceOf[NamedReference].fieldNames.head)

  test("hash: equal handles meet in one task, sorted") {
    val layout = WriteLayout(WriteDistribution.Hash, Seq("id"), columns)
    val clustered = layout.distribution.asInstanceOf[ClusteredDistribution]
    assert(clustered.clustering.toSeq.map(_.asInstanceOf[NamedReference].fieldNames.toSeq) == Seq(Seq("id")))
    assert(names(layout.ordering) == Seq("id"))
  }

  test("range: intervals of handles") {
    val layout = WriteLayout(WriteDistribution.Range, Seq("odd `name`.x", "id"), columns)
    assert(names(layout.distribution.asInstanceOf[OrderedDistribution].ordering) == Seq("odd `name`.x", "id"))
    assert(names(layout.ordering) == Seq("odd `name`.x", "id"))
  }

  test("a generated handle: the whole row is the key, or the order within a task would not be repeatable") {
    val layout = WriteLayout(WriteDistribution.Hash, Nil, columns)
    assert(names(layout.ordering) == Seq("id", "odd `name`.x", "v"))
    assert(layout.distribution.asInstanceOf[ClusteredDistribution].clustering.length == 3)
  }

  test("none, and nothing to sort by") {
    Seq(WriteLayout(WriteDistribution.None, Seq("id"), columns), WriteLayout(WriteDistribution.Hash, Nil, new StructType()))
      .foreach { layout =>
        assert(layout.distribution.isInstanceOf[UnspecifiedDistribution] && layout.ordering.isEmpty)
      }
  }

  test("a handle column that the rows do not bring is no part of the key") {
    val info = WriteInfo.newBuilder().addHandleColumns("b").addHandleColumns("id").build()
    assert(TiWrite.handle(WriteFixtures.intent(WriteFixtures.ab), info) == Seq("b"))
  }
}
