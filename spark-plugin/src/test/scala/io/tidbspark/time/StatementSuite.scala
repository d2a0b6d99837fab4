package io.tidbspark.time

import java.lang.ref.WeakReference

import org.apache.spark.sql.catalyst.QueryPlanningTracker
import org.scalatest.funsuite.AnyFunSuite

import io.tidbspark.ReadTimestamp
import io.tidbspark.proto.SessionConfig

class StatementSuite extends AnyFunSuite {
  private val session = SessionConfig.getDefaultInstance

  private def in[T](tracker: QueryPlanningTracker)(body: => T): T = QueryPlanningTracker.withTracker(tracker)(body)

  test("one statement for whatever one QueryExecution optimises") {
    val tracker = new QueryPlanningTracker
    val statement = in(tracker)(Statement.current())
    assert(in(tracker)(Statement.current()) eq statement)
    // A statement that runs inside another has a tracker of its own.
    in(tracker) {
      assert(in(new QueryPlanningTracker)(Statement.current()) ne statement)
      assert(Statement.current() eq statement)
    }
    assert(in(new QueryPlanningTracker)(Statement.current()) ne statement)
  }

  test("threads do not see each other's statements") {
    val tracker = new QueryPlanningTracker
    in(tracker) {
      val mine = Statement.current()
      @volatile var other: Option[Statement] = None
      val thread = new Thread(() => other = Some(in(new QueryPlanningTracker)(Statement.current())))
      thread.start()
      thread.join()
      assert(other.exists(_ ne mine) && (Statement.current() eq mine))
    }
  }

  test("outside of an optimiser every scan is a statement of its own") {
    assert(Statement.current() ne Statement.current())
  }

  test("snapshots are equal when they see the same rows") {
    val (one, two) = (new Statement, new Statement)
    assert(one.snapshot(session, ReadTimestamp.Latest).identity eq one.snapshot(session, ReadTimestamp.Latest).identity)
    assert(one.snapshot(session, ReadTimestamp.Latest).identity != two.snapshot(session, ReadTimestamp.Latest).identity)
    assert(one.snapshot(session, ReadTimestamp.Millis(5)).identity == two.snapshot(session, ReadTimestamp.Millis(5)).identity)
  }

  test("moments of the past need no cluster, and the present is not asked for to print it") {
    val statement = new Statement
    assert(statement.snapshot(session, ReadTimestamp.Millis(1)).tso() == 1L << 18)
    assert(statement.snapshot(session, ReadTimestamp.Tso(77)).tso() == 77)
    assert(statement.snapshot(session, ReadTimestamp.Latest).toString == "latest")
    assert(statement.snapshot(session, ReadTimestamp.Millis(1)).toString == "262144 (1970-01-01T00:00:00.001Z, 1 ms)")
  }

  test("a statement goes with its scans") {
    // Neither local variable survives the method that makes them.
    val tracker = new QueryPlanningTracker
    def make(): WeakReference[Statement] = new WeakReference(in(tracker)(Statement.current()))
    val gone = make()
    val deadline = System.nanoTime() + 10L * 1000 * 1000 * 1000
    while (gone.get != null && System.nanoTime() < deadline) {
      System.gc()
      Thread.sleep(10)
    }
    assert(gone.get == null)
    // The tracker outlived its scans: what is optimised with it now is new.
    in(tracker)(Statement.current())
  }
}
