package io.tidbspark.compat

import org.apache.spark.sql.connector.catalog.{Identifier, TableCatalog, TableSummary}

import io.tidbspark.proto.{TableKind, TableListing}

/** What catalogs can say only in later versions of Spark: here the kinds of tables, without loading them. */
trait CatalogExtras extends TableCatalog {
  protected def listings(namespace: Array[String]): Seq[TableListing]

  /** Nothing is missing that the catalog would have to bring. */
  protected def registerInSession(): Unit = ()

  override def listTableSummaries(namespace: Array[String]): Array[TableSummary] =
    listings(namespace).map { listing =>
      val kind = if (listing.getKind == TableKind.VIEW) TableSummary.VIEW_TABLE_TYPE else TableSummary.FOREIGN_TABLE_TYPE
      TableSummary.of(Identifier.of(namespace, listing.getName), kind)
    }.toArray
}
