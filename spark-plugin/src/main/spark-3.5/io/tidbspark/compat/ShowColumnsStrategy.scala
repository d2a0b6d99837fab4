package io.tidbspark.compat

import org.apache.spark.sql.Strategy
import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.catalyst.analysis.ResolvedTable
import org.apache.spark.sql.catalyst.plans.logical.{LogicalPlan, ShowColumns}
import org.apache.spark.sql.execution.{LocalTableScanExec, SparkPlan}
import org.apache.spark.sql.tidb.TiAnalysisException
import org.apache.spark.unsafe.types.UTF8String

import io.tidbspark.TiTable

/** SHOW COLUMNS of our tables. Spark 3.5 has it for its own tables only; later versions for all. */
object ShowColumnsStrategy extends Strategy {
  override def apply(plan: LogicalPlan): Seq[SparkPlan] = plan match {
    case ShowColumns(ResolvedTable(_, identifier, table: TiTable, _), namespace, output) =>
      val database = identifier.namespace.last
      namespace.map(_.last).filterNot(_.equalsIgnoreCase(database)).foreach { other =>
        throw new TiAnalysisException(s"SHOW COLUMNS: ${table.name()} is not in the namespace $other")
      }
      val rows = table.schema().fieldNames.toSeq.map(name => InternalRow(UTF8String.fromString(name)))
      Seq(LocalTableScanExec(output, rows))
    case _ => Nil
  }
}
