package io.tidbspark

import org.apache.spark.sql.{SparkSessionExtensions, SparkSessionExtensionsProvider}

import io.tidbspark.pushdown.DistinctAggregates
import io.tidbspark.rowlevel.RowLevelResolution
import io.tidbspark.write.WriteResolution

/**
 * What the connector adds to a Spark session besides catalogs. `spark.sql.extensions=io.tidbspark.TiExtensions` (or TiSpark's
 * `org.apache.spark.sql.TiExtensions`); sessions made by `SparkSession.builder` in Scala and Java, spark-shell and spark-sql find it by
 * themselves.
 */
class TiExtensions extends SparkSessionExtensionsProvider {
  override def apply(extensions: SparkSessionExtensions): Unit = {
    extensions.injectPostHocResolutionRule(_ => WriteResolution)
    extensions.injectResolutionRule(_ => RowLevelResolution)
    extensions.injectOptimizerRule(_ => DistinctAggregates)
  }
}
