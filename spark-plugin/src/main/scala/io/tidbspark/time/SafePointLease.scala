package io.tidbspark.time

import java.lang.ref.Cleaner

import io.tidbspark.TiSessions
import io.tidbspark.errors.TiErrors
import io.tidbspark.jni.NativeSafePoint
import io.tidbspark.proto.SessionConfig

/**
 * Keeps the versions of one snapshot in the cluster for as long as somebody reads it: a service safe point of PD below the
 * snapshot, which the native library renews.
 *
 * It is held by executions of Spark SQL and given back when the last of them has ended. A scan that is planned outside of an
 * execution (`df.rdd`) holds it until Spark forgets the plan and its partitions.
 */
final private[tidbspark] class SafePointLease(session: SessionConfig, tso: Long) {
  private val state = SafePointLease.register(this)

  /**
   * Takes the lease for the execution of this thread.
   *
   * @throws org.apache.spark.SparkException when the snapshot is older than what the cluster keeps
   */
  def hold(): Unit = {
    val execution = Executions.current()
    val holder = execution.map(_.id)
    // Local, so that the listener keeps the state alive and not the lease.
    val held = state
    if (held.take(holder, NativeSafePoint.open(TiSessions.get(session), tso))) {
      execution.foreach(Executions.onEnd(_)(held.release(holder)))
    }
  }
}

private[tidbspark] object SafePointLease {
  private val Cleaning = Cleaner.create()

  /** A state that is given back when the lease is garbage. Nothing here may refer to the lease. */
  private def register(lease: SafePointLease): State = {
    val state = new State
    Cleaning.register(lease, () => state.releaseAll())
    state
  }

  /** Who holds it, and the native guard while anybody does. */
  final private class State {
    private var guard: Option[NativeSafePoint] = None

    /** Execution ids; None for everything outside of executions. */
    private var holders = Set.empty[Option[Long]]

    /** Whether the holder is a new one. */
    def take(holder: Option[Long], open: => NativeSafePoint): Boolean = synchronized {
      if (guard.isEmpty) guard = Some(TiErrors.translating(open))
      val added = !holders(holder)
      holders += holder
      added
    }

    def release(holder: Option[Long]): Unit = synchronized {
      holders -= holder
      if (holders.isEmpty) close()
    }

    def releaseAll(): Unit = synchronized {
      holders = Set.empty
      close()
    }

    private def close(): Unit = {
      guard.foreach(_.close())
      guard = None
    }
  }
}
