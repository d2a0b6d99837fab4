package io.tidbspark.compat

import org.apache.spark.sql.SparkSession
import org.apache.spark.sql.catalyst.analysis.Analyzer

/** The session of this thread, as Spark's own code sees it. */
object Sessions {
  def activeAnalyzer: Option[Analyzer] = SparkSession.getActiveSession.map(_.sessionState.analyzer)
}
