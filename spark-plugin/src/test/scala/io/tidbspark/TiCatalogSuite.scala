package io.tidbspark

import org.apache.spark.sql.catalyst.analysis.{NoSuchNamespaceException, NoSuchTableException}
import org.apache.spark.sql.connector.catalog.Identifier
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

  test("DDL says where to run it") {
    val c = catalog(pd)
    Seq[() => Any](
      () => c.dropTable(table),
      () => c.alterTable(table),
      () => c.renameTable(table, table),
      () => c.createNamespace(Array("db"), Map.empty[String, String].asJava),
      () => c.alterNamespace(Array("db")),
      () => c.dropNamespace(Array("db"), true)
    ).foreach { statement =>
      val message = intercept[UnsupportedOperationException](statement()).getMessage
      assert(message.contains("tidb_catalog reads and writes rows. Run the statement in TiDB."))
    }
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
