package io.tidbspark.write

import org.apache.spark.sql.connector.write.{DataWriterFactory, PhysicalWriteInfo, WriterCommitMessage}
import org.scalatest.funsuite.AnyFunSuite

import io.tidbspark.proto.CommitMessage

class TiBatchWriteSuite extends AnyFunSuite {
  private val four = new PhysicalWriteInfo { override def numPartitions(): Int = 4 }
  private def message(rows: Long): WriterCommitMessage =
    TiCommitMessage(CommitMessage.newBuilder().setRows(rows).build().toByteArray, rows)

  private class Case(failing: String*) {
    val calls: WriteFixtures.Calls = WriteFixtures.calls
    val write = new TiBatchWrite(
      "test",
      new WriteFixtures.Transaction(calls, failing.toSet),
      _ => (_, _) => throw new AssertionError("no task runs here"),
      _ => calls += "end"
    )
  }

  test("tasks, commit, close; nothing is asked afterwards") {
    val c = new Case
    val factory: DataWriterFactory = c.write.createBatchWriterFactory(four)
    assert(factory != null && !c.write.useCommitCoordinator())
    c.write.onDataWriterCommit(message(5))
    c.write.commit(Array(message(5), message(6)))
    c.write.abort(Array(message(5), message(6)))
    c.write.abandon()
    assert(c.calls == Seq("startTasks 4", "commit 2", "close", "end"))
  }

  test("Spark aborts after a commit that failed: the transaction decides what there is to roll back") {
    val c = new Case("commit")
    c.write.createBatchWriterFactory(four)
    assert(intercept[IllegalStateException](c.write.commit(Array(message(1)))).getMessage == "commit 1 fails")
    c.write.abort(Array(message(1)))
    c.write.abort(Array(message(1)))
    assert(c.calls == Seq("startTasks 4", "commit 1", "abort 1", "close", "end"))
  }

  test("abort with the messages that there are") {
    val c = new Case
    c.write.createBatchWriterFactory(four)
    c.write.abort(Array(null, message(1), null, message(2)))
    assert(c.calls == Seq("startTasks 4", "abort 2", "close", "end"))
    intercept[IllegalArgumentException](c.write.commit(Array()))
  }

  test("an abort that fails says so once, and closes") {
    val c = new Case("abort")
    assert(intercept[IllegalStateException](c.write.abort(Array())).getMessage == "abort 0 fails")
    c.write.abort(Array())
    assert(c.calls == Seq("abort 0", "close", "end"))
  }

  test("no tasks can be started: rolled back here, because Spark does not call abort then") {
    val c = new Case("startTasks", "abort")
    val error = intercept[IllegalStateException](c.write.createBatchWriterFactory(four))
    assert(error.getMessage == "startTasks 4 fails" && error.getSuppressed.map(_.getMessage).toSeq == Seq("abort 0 fails"))
    assert(c.calls == Seq("startTasks 4", "abort 0", "close", "end"))
  }

  test("a query that ends before its first task") {
    val c = new Case
    c.write.abandon()
    c.write.abandon()
    assert(c.calls == Seq("abort 0", "close", "end"))
    intercept[IllegalArgumentException](c.write.createBatchWriterFactory(four))
  }

  test("a foreign message") {
    intercept[IllegalArgumentException](TiBatchWrite.request(Array(new WriterCommitMessage {})))
  }
}
