package io.tidbspark.write

import io.tidbspark.TiSessions
import io.tidbspark.errors.TiErrors
import io.tidbspark.jni.{NativeSession, NativeTransaction, NativeWriter}
import io.tidbspark.proto.WriterOpen
import io.tidbspark.proto.{
  CommitMessage,
  CommitRequest,
  SessionConfig,
  WriteInfo,
  WriteMetrics,
  WritePlan,
  WriteResult,
  WriteSpec
}

/** What the driver asks of the native library for a write. Errors come as Spark's exceptions. */
trait WriteEngine {

  /** What such a write asks of Spark's plan; refuses what cannot be written. Nothing is written. */
  def check(spec: WriteSpec): WriteInfo

  /** Takes a timestamp and locks the primary. */
  def begin(spec: WriteSpec): WriteTransaction
}

/** The transaction of one Spark job. */
trait WriteTransaction extends AutoCloseable {

  /** @param partitions tasks of the job */
  def startTasks(partitions: Int): WritePlan

  def commit(request: CommitRequest): WriteResult

  /** Removes what was written; does nothing when the transaction is committed or its outcome unknown. */
  def abort(request: CommitRequest): Unit

  /** May be called more than once. */
  override def close(): Unit
}

/** One attempt of a task. */
trait WriteSink extends AutoCloseable {

  /** Takes what the two C structs hold; may block. */
  def write(arrowArrayAddress: Long, arrowSchemaAddress: Long): Unit

  /** Sends the rest and waits until all is prewritten. */
  def finish(): CommitMessage

  def metrics(): WriteMetrics

  /** Any thread may call it: a running [[write]] or [[finish]] fails. */
  def cancel(): Unit

  /** May be called more than once. */
  override def close(): Unit
}

/** The native library's. */
final class NativeWriteEngine(config: SessionConfig) extends WriteEngine {
  override def check(spec: WriteSpec): WriteInfo =
    TiErrors.translating(WriteInfo.parseFrom(NativeTransaction.check(session, spec.toByteArray)))

  override def begin(spec: WriteSpec): WriteTransaction =
    new NativeWriteTransaction(TiErrors.translating(NativeTransaction.begin(session, spec.toByteArray)))

  private def session: NativeSession = TiSessions.get(config)
}

final private class NativeWriteTransaction(native: NativeTransaction) extends WriteTransaction {
  override def startTasks(partitions: Int): WritePlan = TiErrors.translating(WritePlan.parseFrom(native.startTasks(partitions)))

  override def commit(request: CommitRequest): WriteResult =
    TiErrors.translating(WriteResult.parseFrom(native.commit(request.toByteArray)))

  override def abort(request: CommitRequest): Unit = TiErrors.translating(native.abort(request.toByteArray))

  override def close(): Unit = native.close()
}

final class NativeWriteSink(native: NativeWriter) extends WriteSink {
  override def write(arrowArrayAddress: Long, arrowSchemaAddress: Long): Unit =
    TiErrors.translating(native.write(arrowArrayAddress, arrowSchemaAddress))

  override def finish(): CommitMessage = TiErrors.translating(CommitMessage.parseFrom(native.finish()))

  override def metrics(): WriteMetrics = TiErrors.translating(WriteMetrics.parseFrom(native.metrics()))

  override def cancel(): Unit = TiErrors.translating(native.cancel())

  override def close(): Unit = native.close()
}

object NativeWriteSink {

  /** Opens a writer; `config` as the driver has it. */
  def open(config: SessionConfig, request: WriterOpen): WriteSink =
    TiErrors.translating(new NativeWriteSink(NativeWriter.start(TiSessions.get(config), request.toByteArray)))
}
