package io.tidbspark.read

import scala.util.control.NonFatal

import org.slf4j.LoggerFactory

import io.tidbspark.TableContext
import io.tidbspark.proto.{PushDown, ScanSpec}
import io.tidbspark.pushdown.NativeScanPlanner

/** How many rows a table has. */
private[tidbspark] object TableSize {
  private val log = LoggerFactory.getLogger("io.tidbspark.read.TableSize")

  /** By TiDB's statistics; None when they do not know, or cannot be read. */
  def rows(table: TableContext, rules: PushDown): Option[Long] =
    try {
      val known = new NativeScanPlanner(table.session).statistics(
        ScanSpec
          .newBuilder()
          .setTable(table.schema.getTableDescriptor)
          .setReadTimestamp(table.readTimestamp.toProto)
          .setTypes(table.types)
          .setPushDown(rules)
          .setPartitionBytes(1L << 20)
          .setParallelism(1)
          .build()
      )
      if (known.hasRows) Some(known.getRows) else None
    } catch {
      case NonFatal(e) =>
        log.warn(s"${table.displayName}: no statistics, a job deletes: ${e.getMessage}")
        None
    }
}
