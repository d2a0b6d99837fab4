package io.tidbspark.compat

import org.apache.spark.sql.catalyst.analysis.Analyzer
import org.apache.spark.sql.classic.SparkSession

/** The session of this thread, as Spark's own code sees it. */
object Sessions {
  def activeAnalyzer: Option[Analyzer] = SparkSession.getActiveSession.map(_.sessionState.analyzer)
}
