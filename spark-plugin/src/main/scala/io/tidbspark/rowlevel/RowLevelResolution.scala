package io.tidbspark.rowlevel

import org.apache.spark.sql.catalyst.analysis.{AssignmentUtils, EliminateSubqueryAliases}
import org.apache.spark.sql.catalyst.expressions.objects.AssertNotNull
import org.apache.spark.sql.catalyst.expressions.{Alias, Attribute, AttributeReference, Cast, Expression, Literal}
import org.apache.spark.sql.catalyst.plans.logical.{
  Assignment,
  InsertAction,
  LogicalPlan,
  MergeAction,
  MergeIntoTable,
  UpdateAction,
  UpdateTable
}
import org.apache.spark.sql.catalyst.rules.Rule
import org.apache.spark.sql.execution.datasources.v2.DataSourceV2Relation
import org.apache.spark.sql.internal.SQLConf.StoreAssignmentPolicy
import org.apache.spark.sql.tidb.TiAnalysisException
import org.apache.spark.sql.types.{LongType, Metadata}

import io.tidbspark.TiTable
import io.tidbspark.compat.Assignments

/**
 * Matches the assignments of UPDATE and MERGE with the columns of the table, as Spark does it (casts by the store assignment policy, checks for
 * NULL), but for what only we know of TiDB's tables:
 *
 *   - columns that TiDB computes are no part of a new row; to assign one is an error that names it
 *   - the hidden row id, where a condition mentions it, says which row it is and cannot be assigned either
 *   - a default that may be NULL for Spark is checked when it is evaluated
 *
 * Spark leaves the match to us because tables say ACCEPT_ANY_SCHEMA; see [[io.tidbspark.write.WriteResolution]]. Spark rewrites the commands
 * afterwards, in some versions within the same batch of rules, which is why this is no post-hoc rule.
 */
object RowLevelResolution extends Rule[LogicalPlan] {

  override def apply(plan: LogicalPlan): LogicalPlan = plan.resolveOperatorsDown {
    case update: UpdateTable if update.resolved && !update.aligned =>
      target(update.table).fold[LogicalPlan](update)(resolve(update, _))
    case merge: MergeIntoTable if merge.resolved && merge.duplicateResolved && !merge.aligned =>
      target(merge.targetTable).fold[LogicalPlan](merge)(resolve(merge, _))
  }

  /** The table of a command, as far as the command is ours to resolve. */
  private def target(plan: LogicalPlan): Option[Target] = EliminateSubqueryAliases(plan) match {
    case relation: DataSourceV2Relation if relation.skipSchemaResolution =>
      relation.table match {
        case table: TiTable if table.isWritable => Some(new Target(relation, table))
        case _ => None
      }
    case _ => None
  }

  private def resolve(update: UpdateTable, target: Target): LogicalPlan = {
    requireStrictCasts(target)
    target.refuseComputed(update.assignments.map(_.value) ++ update.condition)
    update.copy(table = target.reduce(update.table), assignments = target.update(update.assignments))
  }

  private def resolve(merge: MergeIntoTable, target: Target): LogicalPlan = {
    requireStrictCasts(target)
    val actions = merge.matchedActions ++ merge.notMatchedActions ++ merge.notMatchedBySourceActions
    target.refuseComputed(merge.mergeCondition +: actions.flatMap { action =>
      action.condition.toSeq ++ assignments(action).map(_.value)
    })
    merge.copy(
      targetTable = target.reduce(merge.targetTable),
      matchedActions = merge.matchedActions.map(target.action),
      notMatchedActions = merge.notMatchedActions.map(target.action),
      notMatchedBySourceActions = merge.notMatchedBySourceActions.map(target.action)
    )
  }

  private def assignments(action: MergeAction): Seq[Assignment] = action match {
    case update: UpdateAction => update.assignments
    case insert: InsertAction => insert.assignments
    case _ => Nil
  }

  /** As Spark asks of every other table of its second API. */
  private def requireStrictCasts(target: Target): Unit = if (conf.storeAssignmentPolicy == StoreAssignmentPolicy.LEGACY) {
    throw new TiAnalysisException(
      s"${target.name}: spark.sql.storeAssignmentPolicy=LEGACY casts without checks, which tables of this kind do not take; use ANSI or STRICT"
    )
  }

  /** The table that a command changes. */
  final private class Target(relation: DataSourceV2Relation, table: TiTable) {
    private val computed = RowIds.computed(table.context.schema)

    /** Of a new row, and the hidden row id if the command mentions it: as a column like others, because Spark drops metadata from rows. */
    private val columns: Seq[AttributeReference] = relation.output.filterNot(column => computed(column.name)).map {
      case column if column.name == RowIds.Hidden => column.withMetadata(Metadata.empty)
      case column => column
    }

    def name: String = table.name()

    /** The plan of the table with these columns alone. */
    def reduce(plan: LogicalPlan): LogicalPlan = plan.transform {
      case found: DataSourceV2Relation if found.table == relation.table => found.copy(output = columns)
    }

    /** What TiDB computes when it is read cannot be read here. */
    def refuseComputed(expressions: Seq[Expression]): Unit =
      expressions.flatMap(_.references).find(used => computed(used.name) && relation.outputSet.contains(used)).foreach { used =>
        throw new TiAnalysisException(
          s"$name: the column ${used.name} is generated, TiDB computes it; it cannot be read by this statement"
        )
      }

    def action(action: MergeAction): MergeAction = action match {
      case update: UpdateAction => update.copy(assignments = this.update(update.assignments))
      case insert: InsertAction => insert.copy(assignments = this.insert(insert.assignments))
      case other => other
    }

    def update(assignments: Seq[Assignment]): Seq[Assignment] = {
      refuseAssignments(assignments)
      Assignments.alignUpdate(columns, assignments)
    }

    private def insert(assignments: Seq[Assignment]): Seq[Assignment] = {
      refuseAssignments(assignments)
      // Nobody reads the row id of a new row.
      val rowId = columns
        .filter(column => column.name == RowIds.Hidden && !assignments.exists(_.key.semanticEquals(column)))
        .map(Assignment(_, Literal(0L, LongType)))
      AssignmentUtils.alignInsertAssignments(columns, assignments ++ rowId).zip(columns).map { case (assignment, column) =>
        assignment.copy(value = checked(column, unnamed(assignment.value)))
      }
    }

    private def refuseAssignments(assignments: Seq[Assignment]): Unit = assignments.foreach { assignment =>
      assignment.key.references.find(key => computed(key.name)).foreach { key =>
        throw new TiAnalysisException(s"$name: the column ${key.name} is generated, TiDB computes it; it cannot be assigned")
      }
      assignment.key.references.find(_.name == RowIds.Hidden).filterNot(_ => isOurs(assignment)).foreach { key =>
        throw new TiAnalysisException(s"$name: ${key.name} says which row it is; it cannot be assigned")
      }
    }

    /** What this rule has made of the row id before, in an earlier round of the analyser. */
    private def isOurs(assignment: Assignment): Boolean = assignment.value match {
      case Literal(0L, LongType) => true
      case value => value.semanticEquals(assignment.key)
    }

    private def unnamed(value: Expression): Expression = value match {
      case alias: Alias => alias.child
      case other => other
    }

    /** Defaults come as they are; what is assigned was checked by Spark. */
    private def checked(column: Attribute, value: Expression): Expression =
      if (column.nullable || !value.nullable) value
      else if (isNull(value)) {
        throw new TiAnalysisException(s"$name: no value for ${column.name}, which is NOT NULL and has no default")
      } else {
        AssertNotNull(value, Seq(column.name))
      }

    private def isNull(value: Expression): Boolean = value match {
      case Literal(null, _) => true
      case cast: Cast => isNull(cast.child)
      case _ => false
    }
  }
}
