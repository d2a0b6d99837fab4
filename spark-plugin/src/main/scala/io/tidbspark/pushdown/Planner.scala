package io.tidbspark.pushdown

import io.tidbspark.TiSessions
import io.tidbspark.errors.TiErrors
import io.tidbspark.jni.NativePlanner
import io.tidbspark.proto.{ScanSpec, ScanSupport, SessionConfig, TableStatistics}

/** What the native library says about scans that are not planned yet. */
trait Planner {

  /** What of it the stores can do. */
  def check(spec: ScanSpec): ScanSupport

  /** What TiDB's statistics say of what it would read. */
  def statistics(spec: ScanSpec): TableStatistics
}

/** That of one cluster. */
final class NativeScanPlanner(session: SessionConfig) extends Planner {
  override def check(spec: ScanSpec): ScanSupport =
    TiErrors.translating(ScanSupport.parseFrom(NativePlanner.check(TiSessions.get(session), spec.toByteArray)))

  override def statistics(spec: ScanSpec): TableStatistics =
    TiErrors.translating(TableStatistics.parseFrom(NativePlanner.statistics(TiSessions.get(session), spec.toByteArray)))
}
