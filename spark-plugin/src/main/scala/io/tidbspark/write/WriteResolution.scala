package io.tidbspark.write

import org.apache.spark.sql.catalyst.analysis.TableOutputResolver
import org.apache.spark.sql.catalyst.expressions.Attribute
import org.apache.spark.sql.catalyst.plans.logical.{LogicalPlan, MergeIntoTable, UpdateTable, V2WriteCommand}
import org.apache.spark.sql.catalyst.rules.Rule
import org.apache.spark.sql.execution.datasources.v2.DataSourceV2Relation

import io.tidbspark.TiTable
import io.tidbspark.compat.Sessions
import io.tidbspark.rowlevel.{RowIds, RowLevelResolution}

/**
 * Matches the columns of a query with those of the table that it is written to, as Spark does it (names or positions, casts by the store
 * assignment policy, checks for NULL), but for two points:
 *
 *   - by name, columns may be left out: TiDB's defaults are put in where rows are encoded, not by Spark, which knows no AUTO_INCREMENT
 *     and no TIMESTAMP DEFAULT CURRENT_TIMESTAMP
 *   - NULL is left to where rows are encoded, which names the column and the table: for AUTO_INCREMENT and AUTO_RANDOM it stands for the next value, and of
 *     others Spark 3.5 says "bug in Spark" when a constant is NULL
 *
 * The same words are said of what UPDATE and MERGE assign ([[NotNullValue]]).
 *
 * Spark leaves the match to us because tables say ACCEPT_ANY_SCHEMA; they say so only in sessions that have this rule
 * ([[io.tidbspark.TiExtensions]]). Without it Spark wants every column.
 */
object WriteResolution extends Rule[LogicalPlan] {

  /** Whether the session of this thread has the rule. */
  def isActive: Boolean = Sessions.activeAnalyzer.exists(_.postHocResolutionRules.contains(this))

  override def apply(plan: LogicalPlan): LogicalPlan = plan.resolveOperatorsDown {
    case update: UpdateTable if update.resolved => withOurChecks(update, update.table)
    case merge: MergeIntoTable if merge.resolved => withOurChecks(merge, merge.targetTable)
    case write: V2WriteCommand if write.query.resolved =>
      write.table match {
        case relation: DataSourceV2Relation if relation.skipSchemaResolution =>
          relation.table match {
            case table: TiTable if table.isWritable => resolve(write, relation)
            case _ => write
          }
        case _ => write
      }
  }

  private def resolve(write: V2WriteCommand, relation: DataSourceV2Relation): LogicalPlan = {
    val columns = relation.output.filterNot(_.name == RowIds.Hidden).map(_.withNullability(true))
    val expected = if (write.isByName) columns.filter(named(write.query)) else columns
    val query = TableOutputResolver.resolveOutputColumns(relation.name, expected, write.query, write.isByName, conf)
    if (query.fastEquals(write.query)) write else write.withNewQuery(query)
  }

  /** A command whose assignments Spark has matched with the columns, and not turned into a write yet. */
  private def withOurChecks(command: LogicalPlan, target: LogicalPlan): LogicalPlan =
    RowLevelResolution.relationOf(target).fold(command) { case (relation, _) =>
      command.transformExpressions { case expression => NotNullValue.instead(expression, relation.name) }
    }

  private def named(query: LogicalPlan)(column: Attribute): Boolean =
    query.output.exists(out => conf.resolver(out.name, column.name))
}
