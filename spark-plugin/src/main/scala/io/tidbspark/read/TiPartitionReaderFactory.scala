package io.tidbspark.read

import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.connector.read.{InputPartition, PartitionReader, PartitionReaderFactory}
import org.apache.spark.sql.types.StructType
import org.apache.spark.sql.vectorized.ColumnarBatch

import io.tidbspark.config.ScanConf

/**
 * Sent to executors once per stage.
 *
 * @param session `plan.SessionConfig`: addresses and paths of certificates, no secrets
 * @param common `plan.ScanPlan.common`
 */
final class TiPartitionReaderFactory(session: Array[Byte], common: Array[Byte], columns: StructType, conf: ScanConf)
    extends PartitionReaderFactory {

  override def supportColumnarReads(partition: InputPartition): Boolean = conf.columnar

  override def createColumnarReader(partition: InputPartition): PartitionReader[ColumnarBatch] = partition match {
    case tidb: TiInputPartition => TiColumnarReader.open(session, common, tidb, columns, conf)
    case other => throw new IllegalArgumentException(s"Not a partition of TiDB: $other")
  }

  override def createReader(partition: InputPartition): PartitionReader[InternalRow] = new TiRowReader(
    createColumnarReader(partition)
  )
}
