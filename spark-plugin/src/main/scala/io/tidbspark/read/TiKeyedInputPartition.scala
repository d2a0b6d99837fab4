package io.tidbspark.read

import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.connector.read.HasPartitionKey

/**
 * What one task reads of one partition of the table; see [[TablePartitioning]].
 *
 * @param position of the table's partition, from 0
 */
final class TiKeyedInputPartition(tasks: Array[Byte], hosts: Array[String], regions: Int, snapshot: AnyRef, position: Int)
    extends TiInputPartition(tasks, hosts, regions, snapshot)
    with HasPartitionKey {
  override def partitionKey(): InternalRow = InternalRow(position)
}
