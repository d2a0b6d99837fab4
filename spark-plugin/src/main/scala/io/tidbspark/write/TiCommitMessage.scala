package io.tidbspark.write

import java.util

import org.apache.spark.sql.connector.write.WriterCommitMessage

import io.tidbspark.proto.CommitMessage

/**
 * What an accepted task tells the driver.
 *
 * @param bytes `plan.CommitMessage`; bytes, because Spark may serialise with Java or Kryo
 * @param rows for the log
 * @param untold [[io.tidbspark.metrics.TiWriteMetric.untold]]
 */
final case class TiCommitMessage(bytes: Array[Byte], rows: Long, untold: Array[Long] = Array.empty) extends WriterCommitMessage {
  def toProto: CommitMessage = CommitMessage.parseFrom(bytes)

  override def equals(other: Any): Boolean = other match {
    case that: TiCommitMessage =>
      rows == that.rows && util.Arrays.equals(bytes, that.bytes) && util.Arrays.equals(untold, that.untold)
    case _ => false
  }

  override def hashCode(): Int = util.Arrays.hashCode(bytes)
}
