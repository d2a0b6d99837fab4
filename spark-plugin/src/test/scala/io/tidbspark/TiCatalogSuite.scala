package io.tidbspark

import org.apache.spark.sql.AnalysisException
import org.apache.spark.sql.catalyst.analysis.{NoSuchNamespaceException, NoSuchTableException}
import org.apache.spark.sql.connector.catalog.{Column, Identifier}
import org.apache.spark.sql.connector.expressions.Transform
import org.apache.spark.sql.types.IntegerType
import org.apache.spark.sql.util.CaseInsensitiveStringMap
import org.scalatest.funsuite.AnyFunSuite

import io.tidbspark.compat.Converters._

/** What a catalog answers without a cluster. */
class TiCatalogSuite extends AnyFunSuite {
  private def catalog(properties: (String, String)*): TiCatalog = {
    val catalog = new org.apache.spark.sql.catalyst.catalog.TiCatalog
    catalog.initialize("tidb_catalog", new CaseInsensitiveStringMap(properties.toMap.asJava))
    catalog
  }

  private val pd = "pd.addresses" -> "127.0.0.1:2379"
  private val table = Identifier.of(Array("db"), "t")

  test("properties are checked when the catalog is made") {
    assert(catalog(pd).name() == "tidb_catalog")
    val missing = intercept[IllegalArgumentException](catalog()).getMessage
    assert(missing.startsWith("spark.sql.catalog.tidb_catalog.pd.addresses is not set"))
    assert(
      intercept[IllegalArgumentException](catalog(pd, "pdd" -> "1")).getMessage.contains("spark.sql.catalog.tidb_catalog.pdd")
    )
  }

  test("namespaces have one level") {
    intercept[NoSuchNamespaceException](catalog(pd).listNamespaces(Array("a", "b")))
    intercept[NoSuchNamespaceException](catalog(pd).listTables(Array.empty))
    intercept[NoSuchTableException](catalog(pd).loadTable(Identifier.of(Array("a", "b"), "t")))
    intercept[NoSuchTableException](catalog(pd, "db_prefix" -> "tidb_").loadTable(table))
  }

  test("DDL says which setting it lacks") {
    val none = Map.empty[String, String].asJava
    def message(properties: (String, String)*)(run: TiCatalog => Any): String =
      intercept[IllegalArgumentException](run(catalog(pd +: properties: _*))).getMessage
    val tidb = "tidb.addresses" -> "127.0.0.1:1"
    val user = "tidb.user" -> "root"
    assert(message()(_.createNamespace(Array("db"), none)).contains("spark.sql.catalog.tidb_catalog.tidb.addresses is not set"))
    assert(message()(_.alterNamespace(Array("db"))).contains("tidb.addresses is not set"))
    assert(
      message()(_.createTable(table, Array(Column.create("a", IntegerType)), Array.empty[Transform], none))
        .contains("tidb.addresses")
    )
    assert(message(tidb)(_.createNamespace(Array("db"), none)).contains("tidb.user is not set"))
    assert(
      message(tidb, user, "tidb.password" -> "a", "tidb.password.file" -> "b")(_.createNamespace(Array("db"), none))
        .contains("tidb.password and tidb.password.file are set")
    )
    assert(
      message(tidb, user, "tidb.password.file" -> "/nowhere")(_.createNamespace(Array("db"), none)).contains("cannot be read")
    )
    assert(
      message(tidb, user, "tidb.password.env" -> "NOBODY_SET_IT")(_.createNamespace(Array("db"), none)).contains("NOBODY_SET_IT")
    )
  }

  test("a namespace outside of the prefix cannot be made") {
    val c = catalog(pd, "db_prefix" -> "tidb_", "tidb.addresses" -> "127.0.0.1:1", "tidb.user" -> "root")
    val error = intercept[AnalysisException](c.createNamespace(Array("db"), Map.empty[String, String].asJava))
    assert(error.getMessage.contains("db_prefix"))
  }

  test("moments that are none") {
    assert(intercept[IllegalArgumentException](catalog(pd).loadTable(table, "soon")).getMessage.contains("'soon'"))
    intercept[IllegalArgumentException](catalog(pd).loadTable(table, -5L))
  }

  test("format(\"tidb\") needs a table and a cluster, and no unknown option") {
    def message(options: (String, String)*) = intercept[IllegalArgumentException] {
      new TiDataSource().inferSchema(new CaseInsensitiveStringMap(options.toMap.asJava))
    }.getMessage
    assert(message(pd).contains("database and table, or dbtable"))
    assert(message(pd, "table" -> "t").contains("database and table, or dbtable"))
    assert(message(pd, "dbtable" -> "a.b.c").contains("'a.b.c' is not database.table"))
    assert(message(pd, "dbtable" -> "a b").contains("'a b' is not database.table"))
    assert(message("dbtable" -> "a.b").startsWith("option pd.addresses (or spark.tispark.pd.addresses) is not set"))
    assert(message(pd, "dbtable" -> "a.b", "partitions" -> "1").startsWith("option partitions is not known"))
  }
}
