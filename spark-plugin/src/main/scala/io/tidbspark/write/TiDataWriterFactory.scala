package io.tidbspark.write

import org.apache.spark.TaskContext
import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.connector.write.{DataWriter, DataWriterFactory}
import org.apache.spark.sql.types.StructType

import io.tidbspark.proto.{SessionConfig, WriteSpec, WriterOpen}
import io.tidbspark.read.TaskMemory

import com.google.protobuf.ByteString

/**
 * Sent to executors once per job.
 *
 * @param session `plan.SessionConfig`: addresses and paths of certificates, no secrets
 * @param common `plan.WritePlan.common`
 * @param memoryBytes of one task
 * @param ownTransaction `plan.WriteSpec` when each task is a transaction of its own; `common` is empty then
 */
final class TiDataWriterFactory(
    label: String,
    session: Array[Byte],
    common: Array[Byte],
    columns: StructType,
    memoryBytes: Long,
    ownTransaction: Option[Array[Byte]] = None
) extends DataWriterFactory {

  override def createWriter(partitionId: Int, taskId: Long): DataWriter[InternalRow] = {
    val task = Option(TaskContext.get())
    val memory = TaskMemory.acquire(task, memoryBytes)
    val batchBytes = TiDataWriter.batchBytes(memory.bytes)
    val request = WriterOpen
      .newBuilder()
      .setCommon(ByteString.copyFrom(common))
      .setPartition(partitionId)
      .setTaskId(taskId)
      .setAttemptNumber(task.fold(0)(_.attemptNumber()))
      .setStageAttemptNumber(task.fold(0)(_.stageAttemptNumber()))
      // Spark's half: the batch that is being filled and the one that is being encoded.
      .setMemoryBytes(memory.bytes - 2 * batchBytes)
      .build()
    val sink =
      try {
        val config = SessionConfig.parseFrom(session)
        ownTransaction match {
          case None => NativeWriteSink.open(config, request)
          case Some(spec) =>
            new OwnTransactionSink(
              new NativeWriteEngine(config),
              WriteSpec.parseFrom(spec),
              request,
              NativeWriteSink.open(config, _)
            )
        }
      } catch {
        case e: Throwable =>
          memory.close()
          throw e
      }
    new TiDataWriter(s"$label, partition $partitionId", sink, columns, batchBytes, memory, task)
  }
}
