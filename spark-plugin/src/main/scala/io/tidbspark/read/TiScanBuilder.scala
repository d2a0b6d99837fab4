package io.tidbspark.read

import org.apache.spark.sql.connector.read.{Scan, ScanBuilder, SupportsPushDownRequiredColumns}
import org.apache.spark.sql.tidb.TiAnalysisException
import org.apache.spark.sql.types.StructType

import io.tidbspark.TableContext
import io.tidbspark.compat.Converters._
import io.tidbspark.config.ScanConf
import io.tidbspark.proto.PushDown
import io.tidbspark.pushdown.{NativeScanPlanner, Planner}
import io.tidbspark.time.Statement
import io.tidbspark.types.SparkTypes

/**
 * Collects what Spark pushes down: columns here, the rest in the traits.
 *
 * @param rules what may be pushed
 * @param ofTarget of a statement that changes rows
 */
final class TiScanBuilder(
    override protected val context: TableContext,
    conf: ScanConf,
    override protected val rules: PushDown,
    override protected val planner: Planner,
    ofTarget: Boolean
) extends ScanBuilder
    with SupportsPushDownRequiredColumns
    with PushDownState
    with FilterPushDown
    with AggregatePushDown
    with LimitPushDown {

  def this(context: TableContext, conf: ScanConf, rules: PushDown, ofTarget: Boolean) =
    this(context, conf, rules, new NativeScanPlanner(context.session), ofTarget)

  def this(context: TableContext, conf: ScanConf, rules: PushDown, planner: Planner) =
    this(context, conf, rules, planner, ofTarget = false)

  private var columns: StructType = SparkTypes.toSpark(context.schema)

  override def pruneColumns(required: StructType): Unit = columns = required

  /** @throws org.apache.spark.sql.AnalysisException when a needed column cannot be read */
  override def build(): Scan = {
    val output = pushed.aggregation.fold(columns)(_.output)
    val needed = if (pushed.aggregation.isDefined) Set.empty[String] else columns.fieldNames.toSet
    context.schema.getColumnsList.asScala.find(column => needed(column.getName) && !column.getUnsupported.isEmpty).foreach {
      column =>
        throw new TiAnalysisException(s"Column ${context.displayName}.${column.getName}: ${column.getUnsupported}")
    }
    val snapshot = Statement.current().snapshot(context.session, context.readTimestamp)
    new TiScan(ReadPlan(context, snapshot, output, conf, rules, pushed), planner, ofTarget)
  }
}
