package io.tidbspark.compat

import org.apache.spark.sql.connector.metric.CustomTaskMetric
import org.apache.spark.sql.connector.write.Write

/** What writes can say only in later versions of Spark: here the driver's own metrics. */
trait WriteExtras extends Write {

  /** Whether Spark asks for [[driverMetrics]]. */
  protected def driverMetricsShown: Boolean = true

  protected def driverMetrics: Array[CustomTaskMetric]

  override def reportDriverMetrics(): Array[CustomTaskMetric] = driverMetrics
}
