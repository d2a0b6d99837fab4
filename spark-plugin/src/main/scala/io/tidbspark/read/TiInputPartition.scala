package io.tidbspark.read

import org.apache.spark.sql.connector.read.InputPartition

/**
 * What one task reads.
 *
 * @param tasks `plan.ScanPartition.tasks`, opaque
 * @param hosts where the stores are that lead the regions, the one with most regions first
 * @param regions whose reading begins here
 * @param snapshot what must live on the driver as long as the partition does; executors have no use for it
 */
class TiInputPartition(val tasks: Array[Byte], hosts: Array[String], val regions: Int, @transient val snapshot: AnyRef)
    extends InputPartition {
  override def preferredLocations(): Array[String] = hosts
}
