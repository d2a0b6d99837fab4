package io.tidbspark.compat

import org.apache.spark.sql.connector.catalog.{Identifier, Table, TableCatalog, TableInfo, TableSummary}

import io.tidbspark.TiTable
import io.tidbspark.proto.{TableKind, TableListing}

/** What catalogs can say only in later versions of Spark: the kinds of tables without loading them, and CREATE TABLE LIKE. */
trait CatalogExtras extends TableCatalog with TiProcedures {
  protected def listings(namespace: Array[String]): Seq[TableListing]

  /** Makes a table as another one of the same cluster: columns, keys, indexes, partitions. */
  protected def copyDefinition(identifier: Identifier, source: TiTable, properties: Map[String, String]): Unit

  /** Nothing is missing that the catalog would have to bring. */
  protected def registerInSession(): Unit = ()

  override def listTableSummaries(namespace: Array[String]): Array[TableSummary] =
    listings(namespace).map { listing =>
      val kind = if (listing.getKind == TableKind.VIEW) TableSummary.VIEW_TABLE_TYPE else TableSummary.FOREIGN_TABLE_TYPE
      TableSummary.of(Identifier.of(namespace, listing.getName), kind)
    }.toArray

  /** Of a table of ours all that TiDB knows of it, of others the columns. */
  override def createTableLike(identifier: Identifier, info: TableInfo, source: Table): Table = source match {
    case table: TiTable =>
      import Converters._
      copyDefinition(identifier, table, info.properties.asScala.toMap)
      loadTable(identifier)
    case _ => createTable(identifier, info)
  }
}
