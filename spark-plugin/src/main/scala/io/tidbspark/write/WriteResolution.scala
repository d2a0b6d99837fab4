package io.tidbspark.write

import org.apache.spark.sql.catalyst.analysis.TableOutputResolver
import org.apache.spark.sql.catalyst.expressions.Attribute
import org.apache.spark.sql.catalyst.plans.logical.{LogicalPlan, V2WriteCommand}
import org.apache.spark.sql.catalyst.rules.Rule
import org.apache.spark.sql.execution.datasources.v2.DataSourceV2Relation

import io.tidbspark.TiTable
import io.tidbspark.compat.Sessions
import io.tidbspark.rowlevel.RowIds

/**
 * Matches the columns of a query with those of the table that it is written to, as Spark does it (names or positions, casts by the store
 * assignment policy, checks for NULL), but for two points:
 *
 *   - by name, columns may be left out: TiDB's defaults are put in where rows are encoded, not by Spark, which knows no AUTO_INCREMENT
 *     and no TIMESTAMP DEFAULT CURRENT_TIMESTAMP
 *   - an AUTO_INCREMENT or AUTO_RANDOM column may be NULL, which stands for the next value
 *
 * Spark leaves the match to us because tables say ACCEPT_ANY_SCHEMA; they say so only in sessions that have this rule
 * ([[io.tidbspark.TiExtensions]]). Without it Spark wants every column.
 */
object WriteResolution extends Rule[LogicalPlan] {

  /** Whether the session of this thread has the rule. */
  def isActive: Boolean = Sessions.activeAnalyzer.exists(_.postHocResolutionRules.contains(this))

  override def apply(plan: LogicalPlan): LogicalPlan = plan.resolveOperatorsDown {
    case write: V2WriteCommand if write.query.resolved =>
      write.table match {
        case relation: DataSourceV2Relation if relation.skipSchemaResolution =>
          relation.table match {
            case table: TiTable if table.isWritable => resolve(write, relation, table)
            case _ => write
          }
        case _ => write
      }
  }

  private def resolve(write: V2WriteCommand, relation: DataSourceV2Relation, table: TiTable): LogicalPlan = {
    val generated = RowIds.generated(table.context.schema)
    val columns = relation.output
      .filterNot(_.name == RowIds.Hidden)
      .map(column => if (generated(column.name)) column.withNullability(true) else column)
    val expected = if (write.isByName) columns.filter(named(write.query)) else columns
    val query = TableOutputResolver.resolveOutputColumns(relation.name, expected, write.query, write.isByName, conf)
    if (query.fastEquals(write.query)) write else write.withNewQuery(query)
  }

  private def named(query: LogicalPlan)(column: Attribute): Boolean =
    query.output.exists(out => conf.resolver(out.name, column.name))
}
