package io.tidbspark.compat

import org.apache.spark.sql.SparkSession
import org.apache.spark.sql.connector.catalog.TableCatalog

import io.tidbspark.proto.TableListing

/** What catalogs can say only in later versions of Spark, or have to bring themselves in this one. */
trait CatalogExtras { self: TableCatalog =>
  protected def listings(namespace: Array[String]): Seq[TableListing]

  /** Teaches the session, which makes its own catalogs, what this version of Spark lacks. */
  protected def registerInSession(): Unit = SparkSession.getActiveSession.foreach { session =>
    val experimental = session.experimental
    experimental.synchronized {
      if (!experimental.extraStrategies.contains(ShowColumnsStrategy)) {
        experimental.extraStrategies = experimental.extraStrategies :+ ShowColumnsStrategy
      }
    }
  }
}
