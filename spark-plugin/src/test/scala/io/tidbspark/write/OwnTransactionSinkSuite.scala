package io.tidbspark.write

import org.scalatest.funsuite.AnyFunSuite

import io.tidbspark.proto.{WriteInfo, WriteSpec, WriterOpen}

class OwnTransactionSinkSuite extends AnyFunSuite {
  private class Case(failing: String*) {
    val calls: WriteFixtures.Calls = WriteFixtures.calls
    val engine: WriteEngine = new WriteEngine {
      override def check(spec: WriteSpec): WriteInfo = throw new UnsupportedOperationException
      override def begin(spec: WriteSpec): WriteTransaction = {
        calls += "begin"
        new WriteFixtures.Transaction(calls, failing.toSet)
      }
    }
    var opened: Option[WriterOpen] = None
    def sink(): OwnTransactionSink = {
      val request = WriterOpen.newBuilder().setPartition(5).setAttemptNumber(2).setStageAttemptNumber(1).setTaskId(9).build()
      new OwnTransactionSink(
        engine,
        WriteSpec.getDefaultInstance,
        request,
        asked => {
          opened = Some(asked)
          if (failing.contains("open")) throw new IllegalStateException("open fails")
          new WriteFixtures.Sink(calls)
        }
      )
    }
  }

  test("begin, rows, commit, close: the first attempt of the only task of its transaction") {
    val c = new Case
    val sink = c.sink()
    sink.finish()
    sink.close()
    sink.close()
    assert(
      c.opened.exists(o => o.getPartition == 0 && o.getAttemptNumber == 0 && o.getStageAttemptNumber == 0 && o.getTaskId == 9)
    )
    assert(c.calls == Seq("begin", "startTasks 1", "finish", "commit 1", "close", "close", "close"))
  }

  test("closed without a commit it is rolled back, once") {
    val c = new Case
    val sink = c.sink()
    sink.cancel()
    sink.close()
    sink.close()
    assert(c.calls == Seq("begin", "startTasks 1", "cancel", "close", "abort 0", "close", "close"))
  }

  test("a commit that fails is thrown; the transaction decides what there is to roll back") {
    val c = new Case("commit")
    val sink = c.sink()
    assert(intercept[IllegalStateException](sink.finish()).getMessage == "commit 1 fails")
    sink.close()
    assert(c.calls.count(_ == "abort 0") == 1)
  }

  test("a sink that cannot be opened leaves no transaction") {
    val c = new Case("open", "abort")
    val error = intercept[IllegalStateException](c.sink())
    assert(error.getMessage == "open fails" && error.getSuppressed.map(_.getMessage).toSeq == Seq("abort 0 fails"))
    assert(c.calls == Seq("begin", "startTasks 1", "abort 0", "close"))
  }
}
