package io.tidbspark.write

import org.apache.spark.sql.AnalysisException
import org.apache.spark.sql.connector.distributions.ClusteredDistribution
import org.apache.spark.sql.connector.expressions.filter.{AlwaysTrue, Predicate}
import org.apache.spark.sql.connector.expressions.{Expression, Expressions}
import org.scalatest.funsuite.AnyFunSuite

import io.tidbspark.config.WriteDistribution
import io.tidbspark.proto.WriteSpec.Overwrite
import io.tidbspark.proto.{WriteInfo, WriteSpec}

class TiWriteBuilderSuite extends AnyFunSuite {
  private val plain = WriteInfo.newBuilder().addHandleColumns("a").setExplain("Insert\n  Rows").build()

  private def spec(intent: WriteIntent = WriteFixtures.intent(WriteFixtures.ab))(act: TiWriteBuilder => Any): WriteSpec = {
    val engine = new WriteFixtures.Engine(plain)
    val builder = new TiWriteBuilder(intent, engine)
    act(builder)
    builder.build()
    engine.asked.get
  }

  test("the whole specification") {
    val s = spec()(identity)
    assert(s.getDatabase == "db" && s.getTable == "t" && s.getTableId == 104 && !s.getCaseSensitive)
    assert(s.getColumnsList.toArray.toSeq == Seq("a", "b"))
    assert(s.getMode == WriteSpec.Mode.APPEND && s.getOverwrite == Overwrite.OVERWRITE_NONE && s.getFiltersCount == 0)
    assert(s.getBatchBytes == (8L << 20) && s.getRequestBytes == (64L << 10) && s.getConcurrency == 16)
    assert(s.getPrewriteDeadlineMs == 600000 && s.getCommitDeadlineMs == 600000 && !s.getResolveInBackground)
    assert(s.getClustered && !s.getSpeculation)
    val unsorted = WriteFixtures.intent(WriteFixtures.ab, WriteFixtures.conf.copy(distribution = WriteDistribution.None))
    assert(!spec(unsorted)(identity).getClustered)
  }

  test("overwrite: all rows, some rows, partitions") {
    val isNull: Predicate = new Predicate("IS_NULL", Array[Expression](Expressions.column("b")))
    assert(spec()(_.truncate()).getOverwrite == Overwrite.OVERWRITE_ALL)
    val all = spec()(_.overwrite(Array[Predicate](new AlwaysTrue)))
    assert(all.getOverwrite == Overwrite.OVERWRITE_ALL && all.getFiltersCount == 0)
    val some = spec()(_.overwrite(Array(isNull)))
    assert(some.getOverwrite == Overwrite.OVERWRITE_ALL && some.getFilters(0).getColumn == "b")
    assert(spec()(_.overwriteDynamicPartitions()).getOverwrite == Overwrite.OVERWRITE_PARTITIONS)
    val builder = new TiWriteBuilder(WriteFixtures.intent(WriteFixtures.ab), new WriteFixtures.Engine(plain))
    assert(builder.canOverwrite(Array(isNull)) && !builder.canOverwrite(Array(new Predicate("NOT", Array[Expression](isNull)))))
  }

  test("an overwrite is one transaction") {
    val own = WriteFixtures.intent(WriteFixtures.ab, WriteFixtures.conf.copy(ownTransactions = true))
    assert(spec(own)(identity).getOverwrite == Overwrite.OVERWRITE_NONE)
    assert(intercept[AnalysisException](spec(own)(_.truncate())).getMessage.contains("write.atomicity"))
  }

  test("a column that must be given is missing") {
    val engine = new WriteFixtures.Engine(WriteInfo.newBuilder().addMissing("x").addMissing("y").build())
    val message =
      intercept[AnalysisException](new TiWriteBuilder(WriteFixtures.intent(WriteFixtures.ab), engine).build()).getMessage
    assert(message.contains("c.db.t: no value for x, y, which is NOT NULL and has no default"))
  }

  test("the write tells Spark how to lay rows out, and the plan what it does") {
    val write = new TiWriteBuilder(WriteFixtures.intent(WriteFixtures.ab), new WriteFixtures.Engine(plain)).build()
    val tidb = write.asInstanceOf[TiWrite]
    assert(tidb.requiredDistribution().isInstanceOf[ClusteredDistribution] && tidb.requiredOrdering().length == 1)
    assert(tidb.description() == "Insert <- Rows" && tidb.toString == tidb.description())
    assert(tidb.supportedCustomMetrics().nonEmpty)
    assert(tidb.intent.summary == "TiDBWrite c.db.t append columns=[a, b]")
  }
}
