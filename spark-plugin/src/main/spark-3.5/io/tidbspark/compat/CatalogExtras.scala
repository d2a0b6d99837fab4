package io.tidbspark.compat

import org.apache.spark.sql.connector.catalog.TableCatalog

import io.tidbspark.proto.TableListing

/** What catalogs can say only in later versions of Spark. */
trait CatalogExtras { self: TableCatalog =>
  protected def listings(namespace: Array[String]): Seq[TableListing]
}
