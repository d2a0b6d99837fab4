package io.tidbspark.rowlevel

import org.apache.spark.sql.catalyst.QueryPlanningTracker
import org.apache.spark.sql.catalyst.expressions.Expression
import org.apache.spark.sql.catalyst.parser.CatalystSqlParser
import org.apache.spark.sql.catalyst.plans.logical.{LogicalPlan, WriteDelta}
import org.apache.spark.sql.{AnalysisException, SparkSession}
import org.scalatest.BeforeAndAfterAll
import org.scalatest.funsuite.AnyFunSuite

import io.tidbspark.compat.Sessions
import io.tidbspark.write.OneTableCatalog

/** Statements through Spark's own analyzer: t(id BIGINT AUTO_INCREMENT, a INT NOT NULL DEFAULT 5, b VARCHAR, d DATETIME DEFAULT now). */
class RowLevelResolutionSuite extends AnyFunSuite with BeforeAndAfterAll {
  private lazy val spark = SparkSession
    .builder()
    .master("local[1]")
    .appName("RowLevelResolutionSuite")
    .config("spark.ui.enabled", "false")
    .config("spark.driver.host", "127.0.0.1")
    .config("spark.sql.extensions", "io.tidbspark.TiExtensions")
    .config("spark.sql.catalog.c", classOf[OneTableCatalog].getName)
    .getOrCreate()

  override protected def beforeAll(): Unit = SparkSession.setActiveSession(spark)

  override protected def afterAll(): Unit = {
    spark.stop()
    SparkSession.clearActiveSession()
    SparkSession.clearDefaultSession()
  }

  private def analyzed(sql: String): LogicalPlan =
    Sessions.activeAnalyzer.get.executeAndCheck(CatalystSqlParser.parsePlan(sql), new QueryPlanningTracker)

  private def delta(sql: String): WriteDelta = analyzed(sql) match {
    case write: WriteDelta => write
    case other => fail(s"not a change of rows: $other")
  }

  private def columns(sql: String): Seq[String] = delta(sql).query.output.map(_.name)

  private def expressions(plan: LogicalPlan): Seq[Expression] = plan.collect { case node => node.expressions }.flatten

  test("DELETE sends the row id alone") {
    assert(columns("DELETE FROM c.db.t WHERE a + 1 = 2") == Seq("__row_operation", "id"))
  }

  test("UPDATE sends the whole row, cast, and the old key where it is assigned") {
    assert(columns("UPDATE c.db.t SET a = 3L WHERE b = 'x'") == Seq("__row_operation", "id", "a", "b", "d"))
    val moved = delta("UPDATE c.db.t SET id = id + 1")
    assert(moved.query.output.map(_.name) == Seq("__row_operation", "id", "a", "b", "d", "__original_row_id_id"))
    assert(moved.projections.rowIdProjection.schema.fieldNames.toSeq == Seq("id"))
  }

  test("MERGE inserts defaults, and the next id") {
    val merge = delta(
      "MERGE INTO c.db.t t USING (SELECT 1 AS k) s ON t.id = s.k WHEN MATCHED THEN UPDATE SET b = 'x' WHEN NOT MATCHED THEN INSERT (b) VALUES ('y')"
    )
    val text = expressions(merge.query).map(_.toString).mkString(" ")
    // The moment of the statement, as an expression or as its value.
    assert(text.contains("5") && (text.toLowerCase.contains("trunc") || "\\d{4}-\\d\\d-\\d\\d ".r.findFirstIn(text).isDefined))
  }

  test("a MERGE that only inserts is an append") {
    val plan =
      analyzed("MERGE INTO c.db.t t USING (SELECT 1 AS k) s ON t.id = s.k WHEN NOT MATCHED THEN INSERT (a, b) VALUES (1, 'y')")
    // Spark 4.2 has a node of its own for it, which appends as well.
    assert(Set("AppendData", "InsertOnlyMerge")(plan.nodeName), plan)
  }

  test("NULL and values of other types are refused") {
    assert(intercept[AnalysisException](analyzed("UPDATE c.db.t SET a = 'x'")).getMessage.contains("`a`"))
    assert(intercept[AnalysisException](analyzed("UPDATE c.db.t SET nothing = 1")).getMessage.contains("nothing"))
  }
}
