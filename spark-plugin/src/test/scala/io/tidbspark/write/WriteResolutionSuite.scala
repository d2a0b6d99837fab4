package io.tidbspark.write

import java.util

import org.apache.spark.sql.catalyst.expressions.codegen.GenerateMutableProjection
import org.apache.spark.sql.catalyst.expressions.objects.AssertNotNull
import org.apache.spark.sql.catalyst.expressions.{Alias, BoundReference, Literal}
import org.apache.spark.sql.catalyst.parser.CatalystSqlParser
import org.apache.spark.sql.catalyst.plans.logical.{LogicalPlan, V2WriteCommand}
import org.apache.spark.sql.catalyst.{InternalRow, QueryPlanningTracker}
import org.apache.spark.sql.connector.catalog.{Identifier, Table, TableCapability, TableCatalog, TableChange}
import org.apache.spark.sql.connector.expressions.Transform
import org.apache.spark.sql.types._
import org.apache.spark.sql.util.CaseInsensitiveStringMap
import org.apache.spark.sql.{AnalysisException, SparkSession}
import org.scalatest.BeforeAndAfterAll
import org.scalatest.funsuite.AnyFunSuite

import io.tidbspark.TiTable
import io.tidbspark.compat.Sessions
import io.tidbspark.jni.{ErrorKind, NativeException}

/** A catalog of one table, without a cluster. */
class OneTableCatalog extends TableCatalog {
  private def no: Nothing = throw new UnsupportedOperationException
  override def initialize(name: String, options: CaseInsensitiveStringMap): Unit = ()
  override def name(): String = "c"
  override def listTables(namespace: Array[String]): Array[Identifier] = no
  override def loadTable(identifier: Identifier): Table = new TiTable(WriteFixtures.context(), asTarget = true)
  override def createTable(i: Identifier, s: StructType, p: Array[Transform], m: util.Map[String, String]): Table = no
  override def alterTable(identifier: Identifier, changes: TableChange*): Table = no
  override def dropTable(identifier: Identifier): Boolean = no
  override def renameTable(from: Identifier, to: Identifier): Unit = no
}

/** Statements through Spark's own analyzer: t(id BIGINT AUTO_INCREMENT, a INT NOT NULL DEFAULT 5, b VARCHAR, d DATETIME DEFAULT now). */
class WriteResolutionSuite extends AnyFunSuite with BeforeAndAfterAll {
  private lazy val spark = SparkSession
    .builder()
    .master("local[1]")
    .appName("WriteResolutionSuite")
    .config("spark.ui.enabled", "false")
    .config("spark.driver.host", "127.0.0.1")
    .config("spark.sql.extensions", "org.apache.spark.sql.TiExtensions")
    .config("spark.sql.catalog.c", classOf[OneTableCatalog].getName)
    .getOrCreate()

  override protected def beforeAll(): Unit = SparkSession.setActiveSession(spark)

  override protected def afterAll(): Unit = {
    spark.stop()
    SparkSession.clearActiveSession()
    SparkSession.clearDefaultSession()
  }

  /** The columns that would be written. */
  private def analyzed(sql: String): LogicalPlan =
    Sessions.activeAnalyzer.get.executeAndCheck(CatalystSqlParser.parsePlan(sql), new QueryPlanningTracker) match {
      case write: V2WriteCommand => write.query
      case other => fail(s"not a write: $other")
    }

  private def columns(sql: String): Seq[(String, DataType)] = analyzed(sql).output.map(c => c.name -> c.dataType)
  private def refused(sql: String): String = intercept[AnalysisException](analyzed(sql)).getMessage

  private val all = Seq("id" -> LongType, "a" -> IntegerType, "b" -> StringType, "d" -> TimestampNTZType)

  test("the rule is there, and tables accept any schema") {
    assert(WriteResolution.isActive)
    assert(new TiTable(WriteFixtures.context()).capabilities().contains(TableCapability.ACCEPT_ANY_SCHEMA))
  }

  test("by position: every column, renamed and cast") {
    assert(columns("INSERT INTO c.db.t SELECT 1, 2L, 'x', TIMESTAMP_NTZ'2024-01-01 00:00:00'") == all)
    assert(columns("INSERT INTO c.db.t SELECT 1 AS d, 2 AS b, 'x' AS a, TIMESTAMP'2024-01-01 00:00:00' AS id") == all)
    assert(refused("INSERT INTO c.db.t SELECT 1, 2").contains("not enough data columns"))
    assert(refused("INSERT INTO c.db.t SELECT 1, 2, 'x', NULL, 5").contains("too many data columns"))
    assert(refused("INSERT INTO c.db.t SELECT 1, true, 'x', NULL").contains("`a`"))
  }

  test("a column list: the others are left to TiDB") {
    assert(columns("INSERT INTO c.db.t (b, a) VALUES ('x', 1)") == Seq("a" -> IntegerType, "b" -> StringType))
    assert(columns("INSERT INTO c.db.t (B) SELECT 'x'") == Seq("b" -> StringType))
    assert(refused("INSERT INTO c.db.t (a, a) VALUES (1, 1)").nonEmpty)
    assert(refused("INSERT INTO c.db.t (a, b) VALUES (1)").nonEmpty)
    assert(refused("INSERT INTO c.db.t (nosuch) VALUES (1)").contains("nosuch"))
  }

  test("by name") {
    assert(columns("INSERT INTO c.db.t BY NAME SELECT 'x' AS b, 5 AS id") == Seq("id" -> LongType, "b" -> StringType))
    assert(refused("INSERT INTO c.db.t BY NAME SELECT 'x' AS b, 5 AS nosuch").contains("nosuch"))
  }

  test("DEFAULT: what TiDB says, 0 for the next id, an error for what Spark cannot say") {

    /** Constants of the statement, wherever Spark has put them. */
    def constants(sql: String): Seq[Any] =
      analyzed(sql).flatMap(_.expressions).flatMap(_.collect { case literal: Literal => literal.value })
    val sql = "INSERT INTO c.db.t SELECT DEFAULT, DEFAULT, DEFAULT, NULL"
    assert(columns(sql) == all)
    assert(columns("INSERT INTO c.db.t VALUES (DEFAULT, DEFAULT, DEFAULT, DEFAULT), (1, 2, 'x', DEFAULT)") == all)
    assert(columns("INSERT INTO c.db.t (a, id) VALUES (DEFAULT, DEFAULT)") == all.take(2))
    assert(constants("INSERT INTO c.db.t (a) SELECT DEFAULT") == Seq(5))
    assert(constants("INSERT INTO c.db.t (id) SELECT DEFAULT") == Seq(0))
    assert(constants("INSERT INTO c.db.t (b) SELECT DEFAULT") == Seq(null))
    val time = constants("INSERT INTO c.db.t (d) SELECT DEFAULT")
    assert(time.length == 1 && time.head.asInstanceOf[Long] % 1000000 == 0)
  }

  test("NULL is left to where rows are encoded, which names the column") {
    val nulls = analyzed("INSERT INTO c.db.t (id, a) SELECT CAST(NULL AS BIGINT), CAST(NULL AS INT)")
    assert(!nulls.treeString.toLowerCase.contains("assertnotnull(") && nulls.output.map(_.name) == Seq("id", "a"))
    assert(nulls.output.forall(_.nullable))
  }

  test("what UPDATE and MERGE assign is checked in our words") {
    val value = Literal(null, IntegerType)
    val checked = NotNullValue.instead(Alias(AssertNotNull(value, Seq("a")), "x")(), "c.db.t")
    assert(checked.asInstanceOf[Alias].child == NotNullValue(value, "c.db.t", "a"))
    val spark = AssertNotNull(value, Seq("a", "b"))
    assert(NotNullValue.instead(spark, "c.db.t") eq spark, "not of a column")
    val error = intercept[NativeException](NotNullValue(value, "c.db.t", "a").eval(null))
    assert(error.kind == ErrorKind.InvalidValue && error.getMessage.contains("'a' cannot be null"))
    assert(NotNullValue(Literal(5), "c.db.t", "a").eval(null) == 5)
    val compiled =
      GenerateMutableProjection.generate(Seq(NotNullValue(BoundReference(0, IntegerType, nullable = true), "c.db.t", "a")))
    assert(compiled(InternalRow(7)).getInt(0) == 7)
    assert(intercept[NativeException](compiled(InternalRow(null))).getMessage == error.getMessage)
  }

  test("overwrite goes the same way") {
    assert(columns("INSERT OVERWRITE c.db.t SELECT 1, 2L, 'x', NULL") == all)
    assert(columns("INSERT OVERWRITE c.db.t (a) VALUES (1)") == Seq("a" -> IntegerType))
  }

  test("a plan that is resolved stays as it is") {
    val once = Sessions.activeAnalyzer.get.executeAndCheck(
      CatalystSqlParser.parsePlan("INSERT INTO c.db.t (b, a) VALUES ('x', 1L)"),
      new QueryPlanningTracker
    )
    assert(WriteResolution(once.clone()) == once)
  }
}
