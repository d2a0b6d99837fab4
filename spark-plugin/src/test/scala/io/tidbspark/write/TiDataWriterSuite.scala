package io.tidbspark.write

import org.apache.arrow.c.{ArrowArray, ArrowSchema}
import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.catalyst.expressions.GenericInternalRow
import org.apache.spark.unsafe.types.UTF8String
import org.apache.spark.{SparkConf, SparkContext, SparkException, TaskContext}
import org.scalatest.funsuite.AnyFunSuite

class TiDataWriterSuite extends AnyFunSuite {
  import TiDataWriterSuite._

  test("rows, the rest of them at the commit, and one close") {
    val calls = WriteFixtures.calls
    val w = writer(calls, batchBytes = 100)
    (1 to 10).foreach(i => w.write(row(i)))
    val message = w.commit().asInstanceOf[TiCommitMessage]
    assert(message.rows == 10 && message.toProto.getPartition == 3)
    // Spark has not asked before the commit, so the message tells all.
    assert(message.untold.head == 10)
    assert(w.currentMetricsValues().find(_.name == "tidbRowsWritten").map(_.value).contains(0))
    w.close()
    w.close()
    assert(calls.count(_.startsWith("write")) > 1)
    assert(calls.filter(_.startsWith("write")).map(_.drop(6).toInt).sum == 10)
    assert(calls.takeRight(3) == Seq("finish", "close", "memory"))
    assert(w.currentMetricsValues().nonEmpty)
  }

  test("an empty task") {
    val calls = WriteFixtures.calls
    val w = writer(calls)
    assert(w.commit().asInstanceOf[TiCommitMessage].rows == 0)
    w.close()
    assert(calls == Seq("finish", "close", "memory"))
  }

  test("abort stops requests and leaves the rest to close; after close it does nothing") {
    val calls = WriteFixtures.calls
    val w = writer(calls)
    w.write(row(1))
    w.abort()
    w.close()
    w.abort()
    assert(calls == Seq("cancel", "close", "memory"))
  }

  test("an error of the library: nothing stays behind") {
    val calls = WriteFixtures.calls
    val w = new TiDataWriter(
      "test",
      new WriteFixtures.Sink(calls, (_, _) => throw new SparkException("[DuplicateKey] the key 5")),
      WriteFixtures.ab,
      10,
      () => calls += "memory",
      None
    )
    assert(intercept[SparkException](w.write(row(1))).getMessage.contains("the key 5"))
    w.abort()
    w.close()
    assert(calls == Seq("write 1", "cancel", "close", "memory"))
  }

  test("batches fit the memory of the task") {
    assert(TiDataWriter.batchBytes(64L << 20) == (4L << 20))
    assert(TiDataWriter.batchBytes(8L << 20) == (1L << 20))
    assert(TiDataWriter.batchBytes(0) == (64L << 10))
  }

  test("in a task: its end closes the writer, a kill cancels it while the thread is in the library") {
    val spark = new SparkContext(
      new SparkConf()
        .setMaster("local[1]")
        .setAppName("TiDataWriterSuite")
        .set("spark.ui.enabled", "false")
        .set("spark.driver.host", "127.0.0.1")
    )
    try {
      spark.parallelize(Seq(0), 1).foreach(_ => openAndForget())
      assert(ended == Seq("close", "memory"))

      val job = spark.parallelize(Seq(0), 1).foreachAsync(_ => block())
      def seen(what: String): Boolean = ended.synchronized(ended.contains(what))
      def await(what: String): Unit = {
        val end = System.nanoTime() + 30L * 1000 * 1000 * 1000
        while (!seen(what) && System.nanoTime() < end) Thread.sleep(10)
        assert(seen(what), ended)
      }
      await("blocked")
      job.cancel()
      await("TaskKilledException")
    } finally spark.stop()
  }
}

/** What closures of tasks use: they cannot take the suite with them. */
object TiDataWriterSuite {

  /** Where tasks of a local Spark leave what they saw. */
  @volatile var ended: WriteFixtures.Calls = WriteFixtures.calls

  def row(i: Int): InternalRow = new GenericInternalRow(Array[Any](i, UTF8String.fromString(s"row $i")))

  def release(array: ArrowArray, schema: ArrowSchema): Unit = {
    array.release()
    schema.release()
  }

  def writer(calls: WriteFixtures.Calls, task: Option[TaskContext] = None, batchBytes: Long = 1L << 20): TiDataWriter =
    new TiDataWriter(
      "test",
      new WriteFixtures.Sink(calls, release),
      WriteFixtures.ab,
      batchBytes,
      () => calls += "memory",
      task
    )

  /** A task that leaves its writer open. */
  def openAndForget(): Unit = {
    ended = WriteFixtures.calls
    writer(ended, Some(TaskContext.get())).write(row(1))
  }

  /** A task that blocks, as a prewrite without an answer does, until it is cancelled. */
  def block(): Unit = {
    val calls = WriteFixtures.calls
    ended = calls
    val sink = new WriteFixtures.Sink(
      calls,
      (array, schema) => {
        release(array, schema)
        calls.synchronized(calls += "blocked")
        while (!calls.synchronized(calls.contains("cancel"))) Thread.sleep(5)
        throw new SparkException("[Cancelled]")
      }
    )
    val w = new TiDataWriter("test", sink, WriteFixtures.ab, 10, () => (), Some(TaskContext.get()))
    try w.write(row(1))
    catch {
      case e: Throwable =>
        calls.synchronized(calls += e.getClass.getSimpleName)
        throw e
    }
  }
}
