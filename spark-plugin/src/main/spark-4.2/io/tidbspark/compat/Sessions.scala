package io.tidbspark.compat

import org.apache.spark.SparkContext
import org.apache.spark.sql.catalyst.analysis.Analyzer
import org.apache.spark.sql.classic.SparkSession
import org.apache.spark.sql.connector.catalog.CatalogPlugin
import org.apache.spark.sql.tidb.SparkInternals

/** The session of this thread, as Spark's own code sees it. */
object Sessions {

  /**
   * Adds to metrics of a query that this thread's session runs, by their names, as the driver's part of them. Spark asks a write's tasks only
   * before their last rows, and in some versions not its driver.
   */
  def addMetrics(context: SparkContext, execution: Long, values: Seq[(String, Long)]): Unit =
    SparkSession.getActiveSession.flatMap(_.sharedState.statusStore.execution(execution)).foreach { query =>
      val known = query.metrics.map(metric => metric.name -> metric.accumulatorId).toMap
      val updates = values.flatMap { case (name, value) => known.get(name).map(_ -> value) }
      if (updates.nonEmpty) SparkInternals.postMetrics(context, execution, updates)
    }

  /**
   * A catalog of this thread's session by its name.
   *
   * @throws org.apache.spark.SparkException when there is no session or no such catalog
   */
  def catalog(name: String): CatalogPlugin = SparkSession.active.sessionState.catalogManager.catalog(name)

  def activeAnalyzer: Option[Analyzer] = SparkSession.getActiveSession.map(_.sessionState.analyzer)
}
