package io.tidbspark.compat

import org.apache.spark.sql.connector.metric.CustomTaskMetric
import org.apache.spark.sql.connector.write.Write

/** What writes can say only in later versions of Spark: this one asks for metrics of tasks only. */
trait WriteExtras extends Write {

  /** Whether Spark asks for [[driverMetrics]]. */
  protected def driverMetricsShown: Boolean = false

  protected def driverMetrics: Array[CustomTaskMetric]
}
