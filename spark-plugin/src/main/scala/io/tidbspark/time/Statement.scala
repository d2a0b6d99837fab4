package io.tidbspark.time

import java.lang.ref.WeakReference
import java.util

import scala.collection.mutable
import scala.util.Try

import org.apache.spark.sql.catalyst.QueryPlanningTracker

import io.tidbspark.errors.TiErrors
import io.tidbspark.proto.SessionConfig
import io.tidbspark.{ReadTimestamp, TiSessions}

/**
 * What the scans of one statement share: one timestamp of each cluster for all tables that are read at the present, sub-queries,
 * CTEs and both sides of a join of two data frames included, and the safe points that keep these versions in the cluster.
 *
 * {{{
 *   optimiser of a QueryExecution (its QueryPlanningTracker) --Statement.current--> Statement <-- Snapshot <-- every scan
 *   first scan that is planned --timestamp--> PD, once per cluster
 * }}}
 *
 * A statement is a `QueryExecution` of Spark: what is optimised once. A data frame that is executed twice keeps its snapshot, a new
 * frame made from it (`count()`, `show()`, `select(...)`) is a statement of its own. Nothing is kept of a session or a thread.
 */
final class Statement {

  /** Timestamps by cluster. */
  private val present = mutable.Map.empty[Long, Long]

  /** Clusters in which a transaction has begun with the statement's timestamp. */
  private val begun = mutable.Set.empty[Long]

  /** What keeps garbage collection away, by cluster and timestamp. */
  private val leases = mutable.Map.empty[(Long, Long), SafePointLease]

  /** The moment that a scan of this statement reads at. Asks nobody. */
  def snapshot(session: SessionConfig, at: ReadTimestamp): Snapshot = Snapshot(this, session, at)

  /** The TSO to read at; the first question about the present asks PD. */
  private[time] def timestamp(session: SessionConfig, at: ReadTimestamp): Long = at match {
    case ReadTimestamp.Tso(tso) => tso
    case millis: ReadTimestamp.Millis => millis.tso
    case ReadTimestamp.Latest =>
      val native = TiSessions.get(session)
      synchronized(present.getOrElseUpdate(native.clusterId(), TiErrors.translating(native.timestamp())))
  }

  /** The present of a cluster, None before somebody asked for it. */
  private[time] def known(session: SessionConfig, at: ReadTimestamp): Option[Long] = at match {
    case ReadTimestamp.Latest =>
      synchronized(if (present.isEmpty) None else present.get(TiSessions.get(session).clusterId()))
    case _ => Some(timestamp(session, at))
  }

  /**
   * The timestamp that the scans of this statement read at, for the one transaction that writes what they have read: snapshot and start_ts are
   * then the same, so that every change by others that the scans have not seen is a write conflict.
   *
   * @throws java.lang.IllegalStateException when a transaction of this cluster has taken it before
   */
  def begin(session: SessionConfig): Long = {
    val tso = timestamp(session, ReadTimestamp.Latest)
    val cluster = TiSessions.get(session).clusterId()
    if (!synchronized(begun.add(cluster))) {
      throw new IllegalStateException(
        "A statement can change rows of one table only: its timestamp has begun a transaction already. Run the changes as statements of their own."
      )
    }
    tso
  }

  /** The lease of a timestamp, the same for all scans that read at it. */
  private[time] def lease(session: SessionConfig, tso: Long): SafePointLease = {
    val cluster = TiSessions.get(session).clusterId()
    synchronized(leases.getOrElseUpdate((cluster, tso), new SafePointLease(session, tso)))
  }
}

object Statement {

  /**
   * By tracker, of which every QueryExecution has its own. A statement lives as long as its scans: held weakly here, so that its safe
   * point goes with the last of them and not with the next use of the map.
   */
  private val statements = new util.WeakHashMap[QueryPlanningTracker, WeakReference[Statement]]

  /** What `current_tso()` has answered in a statement, by cluster. */
  private val currentTsos = new util.WeakHashMap[QueryPlanningTracker, Map[Long, Long]]

  /** The statement that this thread is optimising. What is built outside of an optimiser is a statement of its own. */
  def current(): Statement = QueryPlanningTracker.get match {
    case Some(tracker) =>
      statements.synchronized {
        Option(statements.get(tracker)).flatMap(known => Option(known.get)).getOrElse {
          val statement = new Statement
          statements.put(tracker, new WeakReference(statement))
          statement
        }
      }
    case None => new Statement
  }

  /** A timestamp of PD, the same for every mention of `current_tso()` in the statement that this thread is analysing. */
  def currentTso(session: SessionConfig): Long = {
    val native = TiSessions.get(session)
    def ask(): Long = TiErrors.translating(native.timestamp())
    QueryPlanningTracker.get.fold(ask()) { tracker =>
      val cluster = native.clusterId()
      def known() = currentTsos.synchronized(Option(currentTsos.get(tracker)).flatMap(_.get(cluster)))
      // One thread analyses a statement, and the map is not locked while PD is asked.
      known().getOrElse {
        val tso = ask()
        currentTsos.synchronized {
          currentTsos.put(tracker, Option(currentTsos.get(tracker)).getOrElse(Map.empty[Long, Long]) + (cluster -> tso))
        }
        tso
      }
    }
  }
}

/**
 * The moment that one scan reads at. Equal when the same rows are seen: the present of one statement, or the same moment of the
 * past.
 */
final case class Snapshot private[time] (statement: Statement, session: SessionConfig, at: ReadTimestamp) {

  /** The TSO; asks PD when nobody of the statement did so before. */
  def tso(): Long = statement.timestamp(session, at)

  /**
   * The TSO, safe from garbage collection until the execution that this thread works for has ended.
   *
   * @throws org.apache.spark.SparkException when the timestamp is older than what the cluster keeps
   */
  def open(): Long = {
    val tso = statement.timestamp(session, at)
    statement.lease(session, tso).hold()
    tso
  }

  /**
   * Holds a snapshot that was opened before for the execution that this thread works for, if it works for one. It may be too late for that,
   * and not matter because the rows are cached; tasks that read find out themselves.
   */
  def holdAgain(): Unit = if (Executions.current().isDefined) Try(open())

  /** What the equality of scans looks at besides the cluster. */
  def identity: AnyRef = at match {
    case ReadTimestamp.Latest => statement
    case past => past
  }

  /** For plans: the TSO where it is known or about to be used, and the user's own words. */
  override def toString: String = {
    // Plans are printed for the UI when an execution starts; a PD that is away fails the execution itself, with its own message.
    val tso = if (Executions.current().isDefined) Try(this.tso()).toOption else statement.known(session, at)
    tso.fold(at.toString)(known => s"${java.lang.Long.toUnsignedString(known)} ($at)")
  }
}
