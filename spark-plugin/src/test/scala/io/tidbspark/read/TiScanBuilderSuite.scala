package io.tidbspark.read

import scala.collection.mutable

import org.apache.spark.sql.connector.expressions.aggregate._
import org.apache.spark.sql.connector.expressions.filter.Predicate
import org.apache.spark.sql.connector.expressions.{Expression, Expressions => V2, NullOrdering, SortDirection}
import org.apache.spark.sql.internal.SQLConf
import org.apache.spark.sql.types._
import org.apache.spark.sql.util.CaseInsensitiveStringMap
import org.scalatest.funsuite.AnyFunSuite

import io.tidbspark.compat.Converters._
import io.tidbspark.config.{ReadConf, TiConf}
import io.tidbspark.proto
import io.tidbspark.proto.DataType.Kind
import io.tidbspark.proto.Support
import io.tidbspark.pushdown.Planner
import io.tidbspark.{ReadTimestamp, TableContext}

class TiScanBuilderSuite extends AnyFunSuite {

  /** Knows of "=" exactly, of "STARTS_WITH" a superset; sums; remembers questions. */
  private class Stores(complete: Boolean = false) extends Planner {
    val questions: mutable.Buffer[proto.ScanSpec] = mutable.Buffer.empty
    var statistics: proto.TableStatistics = proto.TableStatistics.getDefaultInstance
    private val some = if (complete) Support.FULL else Support.PARTIAL

    private def item(support: Support) = proto.ItemSupport.newBuilder().setSupport(support).build()

    override def check(spec: proto.ScanSpec): proto.ScanSupport = {
      questions += spec
      val answer = proto.ScanSupport.newBuilder()
      spec.getFiltersList.asScala.foreach { filter =>
        answer.addFilters(item(filter.getCall.getFunction match {
          case "=" => Support.FULL
          case "STARTS_WITH" => Support.PARTIAL
          case _ => Support.NOT_PUSHED
        }))
      }
      if (spec.hasAggregation) {
        val averages = spec.getAggregation.getAggregatesList.asScala.exists(_.getFunction == proto.Aggregate.Function.AVG)
        answer.setAggregation(item(if (averages) Support.NOT_PUSHED else some))
        if (!averages) {
          (0 until spec.getAggregation.getGroupByCount + spec.getAggregation.getAggregatesCount).foreach { n =>
            answer.addOutput(
              proto.OutputField
                .newBuilder()
                .setName(s"o$n")
                .setType(proto.DataType.newBuilder().setKind(Kind.LONG))
                .setNullable(true)
            )
          }
        }
      }
      answer.setTopN(item(some)).setLimit(item(some)).build()
    }

    override def statistics(spec: proto.ScanSpec): proto.TableStatistics = {
      questions += spec
      statistics
    }
  }

  private def column(name: String, unsupported: String = "") = proto.Column
    .newBuilder()
    .setName(name)
    .setType(proto.DataType.newBuilder().setKind(Kind.LONG))
    .setUnsupported(unsupported)

  private val schema = proto.TableSchema
    .newBuilder()
    .setTableId(7)
    .addAllColumns(Seq("a", "b", "c d").map(column(_).build()).asJava)
    .addColumns(column("g", "no such type in Spark"))
    .addColumns(proto.Column.newBuilder().setName("i").setType(proto.DataType.newBuilder().setKind(Kind.INT)))
    .addPrimaryKey("a")
    .addIndexes(proto.Index.newBuilder().setName("i").setVisible(true).addColumns("c d"))
    .addIndexes(proto.Index.newBuilder().setName("hidden").setVisible(false).addColumns("b"))
    .build()

  private val context = TableContext(
    "c.db.t",
    proto.SessionConfig.getDefaultInstance,
    schema,
    proto.TypeOptions.getDefaultInstance,
    ReadTimestamp.Tso(9),
    new CaseInsensitiveStringMap(Map.empty[String, String].asJava),
    TiConf.Empty
  )

  private val rules =
    proto.PushDown.newBuilder().setFilters(true).setAggregates(true).setTopN(true).setLimit(true).setStatistics(true).build()

  private def builder(stores: Stores, rules: proto.PushDown = rules) =
    new TiScanBuilder(context, ReadConf.scan(new TiConf(TiConf.Empty, _ => None, TiConf.Empty), new SQLConf), rules, stores)

  private def predicate(function: String, name: String) =
    new Predicate(function, Array[Expression](V2.column(name), V2.literal(1L)))
  private val exact = predicate("=", "a")
  private val superset = predicate("STARTS_WITH", "a")
  private val unknown = predicate("SOUNDEX", "a")
  private val counts = new Aggregation(Array(new CountStar, new Max(V2.column("a"))), Array[Expression](V2.column("b")))
  private val order = Array(V2.sort(V2.column("b"), SortDirection.DESCENDING, NullOrdering.NULLS_LAST))

  private def scan(builder: TiScanBuilder, columns: String*): TiScan = {
    val all = if (columns.isEmpty) Seq("a", "b", "c d") else columns
    builder.pruneColumns(StructType(all.map(StructField(_, LongType))))
    builder.build().asInstanceOf[TiScan]
  }

  test("exact filters go, supersets go and stay, the others stay; one question for all") {
    val stores = new Stores
    val b = builder(stores)
    val nested = predicate("=", "a.b")
    val rest = b.pushPredicates(Array(exact, superset, unknown, nested))
    assert(rest.toSeq == Seq(superset, unknown, nested) && b.pushedPredicates().toSeq == Seq(exact, superset))
    assert(stores.questions.length == 1 && stores.questions.head.getFiltersCount == 3)
    assert(stores.questions.head.getPushDown == rules)
    val spec = scan(b).plan.spec(9, 2, Nil)
    assert(spec.getFiltersList.asScala.map(_.getCall.getFunction) == Seq("=", "STARTS_WITH"))
    assert(spec.getColumnsList.asScala == Seq("a", "b", "c d"))
  }

  test("a filter of a column that cannot be read stays with Spark, which then asks for the column") {
    val b = builder(new Stores)
    assert(b.pushPredicates(Array(predicate("=", "g"))).length == 1 && b.pushedPredicates().isEmpty)
    assert(!b.pushAggregation(new Aggregation(Array(new Max(V2.column("g"))), Array.empty[Expression])))
  }

  test("aggregation: the answer's columns are the native library's, groups first") {
    val stores = new Stores
    val b = builder(stores)
    assert(b.pushPredicates(Array(exact)).isEmpty)
    assert(!b.supportCompletePushDown(counts) && b.pushAggregation(counts))
    assert(stores.questions.length == 2, "asked once for both")
    val made = scan(b)
    assert(made.readSchema() == new StructType().add("o0", LongType).add("o1", LongType).add("o2", LongType))
    val spec = made.plan.spec(9, 1, Nil)
    assert(spec.getColumnsCount == 0 && spec.getAggregation.getGroupByCount == 1 && spec.getFiltersCount == 1)
    assert(made.filterAttributes().isEmpty)
    assert(builder(new Stores(complete = true)).supportCompletePushDown(counts))
  }

  test("an average of BIGINT is left to Spark, whose SUM of BIGINT overflows") {
    def sumAndCount(argument: Expression) =
      new Aggregation(Array(new Sum(argument, false), new Count(argument, false)), Array.empty[Expression])
    def average(argument: Expression) = new Aggregation(Array(new Avg(argument, false)), Array.empty[Expression])
    val b = builder(new Stores)
    assert(!b.supportCompletePushDown(average(V2.column("a"))) && !b.pushAggregation(sumAndCount(V2.column("a"))))
    assert(builder(new Stores).pushAggregation(sumAndCount(V2.column("a"))), "a sum by itself")
    val small = builder(new Stores)
    assert(!small.supportCompletePushDown(average(V2.column("i"))) && small.pushAggregation(sumAndCount(V2.column("i"))))
  }

  test("AVG is refused, Spark then asks for SUM and COUNT") {
    val b = builder(new Stores)
    assert(!b.pushAggregation(new Aggregation(Array(new Avg(V2.column("a"), false)), Array.empty[Expression])))
    assert(b.pushAggregation(counts))
  }

  test("nothing that counts rows goes below a filter that Spark evaluates") {
    Seq(superset, unknown).foreach { filter =>
      val b = builder(new Stores)
      b.pushPredicates(Array(exact, filter))
      assert(!b.supportCompletePushDown(counts) && !b.pushAggregation(counts) && !b.pushTopN(order, 5) && !b.pushLimit(5))
    }
  }

  test("limits: partial unless the stores say otherwise, and none over an aggregation") {
    val b = builder(new Stores)
    assert(b.isPartiallyPushed && b.pushTopN(order, 5) && b.isPartiallyPushed)
    val spec = scan(b).plan.spec(9, 1, Nil)
    assert(spec.getLimit == 5 && spec.getOrder(0).getDescending && spec.getOrder(0).getNullsLast)
    assert(!b.pushAggregation(counts) && !b.pushLimit(3) && b.pushPredicates(Array(exact)).length == 1)
    val all = builder(new Stores(complete = true))
    assert(all.pushLimit(5) && !all.isPartiallyPushed && scan(all).filterAttributes().isEmpty)
    val aggregated = builder(new Stores)
    assert(aggregated.pushAggregation(counts) && !aggregated.pushLimit(5) && !aggregated.pushTopN(order, 5))
    assert(!aggregated.pushAggregation(counts), "one aggregation")
  }

  test("each setting turns its construct off, and the library is not asked") {
    def without(change: proto.PushDown.Builder => Unit) = {
      val stores = new Stores
      val less = rules.toBuilder
      change(less)
      (builder(stores, less.build()), stores)
    }
    val (noFilters, silent) = without(_.setFilters(false))
    assert(
      noFilters.pushPredicates(Array(exact)).length == 1 && silent.questions.isEmpty && scan(noFilters).filterAttributes().isEmpty
    )
    assert(!without(_.setAggregates(false))._1.pushAggregation(counts))
    assert(!without(_.setTopN(false))._1.pushTopN(order, 5) && !without(_.setLimit(false))._1.pushLimit(5))
    val (noStatistics, asked) = without(_.setStatistics(false))
    assert(!scan(noStatistics).estimateStatistics().numRows().isPresent && asked.questions.isEmpty)
  }

  test("EXPLAIN tells what is pushed") {
    val b = builder(new Stores)
    b.pushPredicates(Array(exact, superset))
    assert(
      scan(b, "a").description() ==
        "TiDBScan c.db.t columns=[a] PushedFilters: [(a = 1), STARTS_WITH(a, 1) (rechecked)] read_ts=9 (TSO 9)"
    )
    val c = builder(new Stores)
    c.pushAggregation(counts)
    assert(scan(c).description().contains("PushedAggregates: [COUNT(*), MAX(a)] PushedGroupBy: [b]"))
    val d = builder(new Stores)
    d.pushTopN(order, 5)
    assert(scan(d).description().contains("PushedTopN: ORDER BY [b DESC NULLS LAST] LIMIT 5"))
    val e = builder(new Stores)
    e.pushLimit(7)
    assert(scan(e).description().contains("PushedLimit: 7"))
  }

  test("scans are equal when the same is pushed") {
    def made(steps: TiScanBuilder => Unit) = {
      val b = builder(new Stores)
      steps(b)
      scan(b)
    }
    assert(made(_.pushLimit(5)) == made(_.pushLimit(5)) && made(_.pushLimit(5)).hashCode == made(_.pushLimit(5)).hashCode)
    val different: Seq[TiScan] = Seq(
      made(_ => ()),
      made(_.pushLimit(5)),
      made(_.pushLimit(6)),
      made(_.pushTopN(order, 5)),
      made(_.pushAggregation(counts)),
      made(_.pushPredicates(Array(exact))),
      made(_.pushPredicates(Array(predicate("=", "b"))))
    )
    different.combinations(2).foreach(pair => assert(pair.head != pair(1) && pair.head.toBatch != pair(1).toBatch))
  }

  test("statistics: asked once, of the rows before they are aggregated; names as the attributes have them") {
    val stores = new Stores
    stores.statistics = proto.TableStatistics
      .newBuilder()
      .setRows(10)
      .addColumns(
        proto.ColumnStatistics
          .newBuilder()
          .setName("c d")
          .setDistinct(3)
          .setMin(proto.Literal.newBuilder().setType(proto.DataType.newBuilder().setKind(Kind.LONG)).setInteger(-4))
      )
      .build()
    val made = scan(builder(stores))
    val statistics = made.estimateStatistics()
    // Stages of adaptive execution would take the rows for a fact.
    assert(!made.estimateStatistics().numRows().isPresent && stores.questions.length == 1)
    val inOnePiece = new SQLConf
    inOnePiece.setConf(SQLConf.ADAPTIVE_EXECUTION_ENABLED, false)
    val rows = SQLConf.withExistingConf(inOnePiece)(scan(builder(stores)).estimateStatistics().numRows())
    assert(rows.getAsLong == 10)
    assert(!statistics.sizeInBytes().isPresent)
    val (name, known) = statistics.columnStats().asScala.head
    assert(name.describe() == "c d" && known.distinctCount().getAsLong == 3 && !known.nullCount().isPresent)
    assert(known.min().get == -4L && !known.max().isPresent)
    val b = builder(stores)
    b.pushAggregation(counts)
    assert(scan(b).estimateStatistics().columnStats().isEmpty)
    assert(!stores.questions.last.hasAggregation && stores.questions.last.getColumnsList.asScala.toSeq == Seq("a", "b"))
  }

  test("statistics that fail are unknown") {
    val failing = new Stores {
      override def statistics(spec: proto.ScanSpec): proto.TableStatistics = throw new IllegalStateException("no such table")
    }
    assert(!scan(builder(failing)).estimateStatistics().numRows().isPresent)
  }

  test("runtime filters: columns of keys and visible indexes, added to the plan, long lists as bounds") {
    val made = scan(builder(new Stores))
    assert(made.filterAttributes().map(_.fieldNames().toSeq).toSeq == Seq(Seq("a"), Seq("c d")))
    val before = made.hashCode
    val values = (1 to 3).map(n => V2.literal(n.toLong))
    val in = new Predicate("IN", (V2.column("a") +: values).toArray[Expression])
    made.filter(Array(in, predicate("=", "b"), unknown))
    made.filter(Array(in))
    assert(made.hashCode == before && made.description().endsWith("RuntimeFilters: [a IN (1, 2, 3), SOUNDEX(a, 1)]"))
    val filters = made.toBatch.asInstanceOf[TiBatch].filters
    assert(made.plan.spec(9, 1, filters).getRuntimeFiltersCount == 2)
    val long = new Predicate(
      "IN",
      (V2.column("a") +: (1 to RuntimeFilters.MaxValues + 1).map(n => V2.literal(n.toLong))).toArray[Expression]
    )
    val bounds = RuntimeFilters.translate(Seq(long), Set("a"))
    assert(bounds.map(io.tidbspark.pushdown.Text.expression) == Seq(s"((a >= 1) AND (a <= ${RuntimeFilters.MaxValues + 1}))"))
  }
}
