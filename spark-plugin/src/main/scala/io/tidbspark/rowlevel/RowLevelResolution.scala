package io.tidbspark.rowlevel

import org.apache.spark.sql.catalyst.AliasIdentifier
import org.apache.spark.sql.catalyst.analysis.{EliminateSubqueryAliases, UnresolvedAttribute}
import org.apache.spark.sql.catalyst.expressions.{Alias, Attribute, AttributeReference, Cast, Expression, Literal}
import org.apache.spark.sql.catalyst.plans.logical.{
  Assignment,
  InsertAction,
  LogicalPlan,
  MergeAction,
  MergeIntoTable,
  SubqueryAlias,
  UpdateAction,
  UpdateTable
}
import org.apache.spark.sql.catalyst.rules.Rule
import org.apache.spark.sql.execution.datasources.v2.DataSourceV2Relation
import org.apache.spark.sql.tidb.TiAnalysisException
import org.apache.spark.sql.types.{LongType, Metadata}

import io.tidbspark.TiTable
import io.tidbspark.write.NotNullValue

/**
 * Prepares the target of UPDATE and MERGE for Spark's own rules, which then match assignments with columns and rewrite the commands. Spark would leave
 * the match to us because tables say ACCEPT_ANY_SCHEMA for INSERT ([[io.tidbspark.write.WriteResolution]]): the target becomes a table that does not say so,
 *
 *   - without the columns that TiDB computes, which are no part of a new row; to assign one is an error that names it
 *   - with the hidden row id, where the command mentions it, as a column like others, because Spark drops metadata columns from rows; it cannot be
 *     assigned either
 *
 * and defaults of a MERGE's INSERT that may be NULL for Spark are checked when they are evaluated. Spark matches and rewrites in the batch of its
 * resolution rules, so this is one of them.
 */
object RowLevelResolution extends Rule[LogicalPlan] {

  override def apply(plan: LogicalPlan): LogicalPlan = plan.resolveOperatorsDown {
    case update: UpdateTable => target(update.table).fold[LogicalPlan](update)(prepare(update, _))
    case merge: MergeIntoTable =>
      target(merge.targetTable)
        .fold[LogicalPlan](if (merge.resolved && !merge.aligned) check(merge) else merge)(prepare(merge, _))
  }

  /** The table of ours that a plan is, under any aliases. */
  private[tidbspark] def relationOf(plan: LogicalPlan): Option[(DataSourceV2Relation, TiTable)] = EliminateSubqueryAliases(
    plan
  ) match {
    case relation: DataSourceV2Relation =>
      relation.table match {
        case table: TiTable if table.isWritable => Some(relation -> table)
        case _ => None
      }
    case _ => None
  }

  /** The table of a command that is still to be prepared. */
  private def target(plan: LogicalPlan): Option[Target] =
    relationOf(plan).collect { case (relation, table) if relation.skipSchemaResolution => new Target(relation, table) }

  private def prepare(update: UpdateTable, target: Target): LogicalPlan = {
    target.refuse(update.assignments)
    update.copy(table = target.reduce(update.table, update.assignments ++ update.condition))
  }

  private def prepare(merge: MergeIntoTable, target: Target): LogicalPlan = {
    val actions = merge.matchedActions ++ merge.notMatchedActions ++ merge.notMatchedBySourceActions
    actions.foreach(action => target.refuse(assignments(action)))
    val reduced = target.reduce(merge.targetTable, merge.mergeCondition +: actions)
    val hidden = relationOf(reduced).exists(_._1.output.exists(_.name == RowIds.Hidden))
    merge.copy(
      targetTable = reduced,
      notMatchedActions = if (hidden) merge.notMatchedActions.map(withoutRowId) else merge.notMatchedActions
    )
  }

  private def assignments(action: MergeAction): Seq[Assignment] = action match {
    case update: UpdateAction => update.assignments
    case insert: InsertAction => insert.assignments
    case _ => Nil
  }

  /** Nobody reads the row id of a new row; Spark wants a value. */
  private def withoutRowId(action: MergeAction): MergeAction = action match {
    case insert: InsertAction =>
      insert.copy(assignments = insert.assignments :+ Assignment(UnresolvedAttribute(Seq(RowIds.Hidden)), Literal(0L, LongType)))
    case other => other
  }

  private def check(merge: MergeIntoTable): LogicalPlan = relationOf(merge.targetTable).fold[LogicalPlan](merge) {
    case (_, table) =>
      merge.copy(notMatchedActions = merge.notMatchedActions.map {
        case insert: InsertAction => insert.copy(assignments = insert.assignments.map(checked(table, _)))
        case other => other
      })
  }

  /** Defaults come as they are; what is assigned was checked by Spark. */
  private def checked(table: TiTable, assignment: Assignment): Assignment = assignment.key match {
    case column: Attribute if !column.nullable && assignment.value.nullable =>
      val value = assignment.value match {
        case alias: Alias => alias.child
        case other => other
      }
      if (isNull(value)) {
        throw new TiAnalysisException(s"${table.name()}: no value for ${column.name}, which is NOT NULL and has no default")
      }
      assignment.copy(value = NotNullValue(value, table.name(), column.name))
    case _ => assignment
  }

  private def isNull(value: Expression): Boolean = value match {
    case Literal(null, _) => true
    case cast: Cast => isNull(cast.child)
    case _ => false
  }

  /** The table that a command changes. */
  final private class Target(relation: DataSourceV2Relation, table: TiTable) {
    private val computed = RowIds.computed(table.context.schema)

    /** The plan of the table, with the columns of a new row and what the expressions say of the hidden row id. */
    def reduce(plan: LogicalPlan, expressions: Seq[Expression]): LogicalPlan = {
      val columns = relation.output.filterNot(column => computed(column.name) || column.name == RowIds.Hidden)
      replaced(plan, relation.copy(table = table.forChanges, output = columns ++ rowId(expressions)))
    }

    /**
     * The plan with another relation, and one more alias around it: tables are equal to each other whatever Spark asks of them, for its
     * cache's sake, and Spark takes a plan that is equal to the one before for unchanged.
     */
    private def replaced(plan: LogicalPlan, by: DataSourceV2Relation): LogicalPlan = plan match {
      case alias: SubqueryAlias if alias.child eq relation => alias.copy(child = SubqueryAlias(alias.identifier, by))
      case alias: SubqueryAlias => alias.copy(child = replaced(alias.child, by))
      case found if found eq relation => SubqueryAlias(AliasIdentifier(relation.name), by)
      case other => other
    }

    /** The metadata column under the identity that Spark has given it already, if it has. */
    private def rowId(expressions: Seq[Expression]): Option[AttributeReference] = {
      val known = (relation.output ++ relation.metadataOutput).find(_.name == RowIds.Hidden)
      val mentioned = expressions.exists(_.exists {
        case unresolved: UnresolvedAttribute => conf.resolver(unresolved.nameParts.last, RowIds.Hidden)
        case attribute: Attribute => known.exists(_.exprId == attribute.exprId)
        case _ => false
      })
      known.filter(_ => mentioned).map(_.withMetadata(Metadata.empty))
    }

    /** An assignment to what is no column of a new row. */
    def refuse(assignments: Seq[Assignment]): Unit = assignments.flatMap(keyName).foreach { key =>
      computed.find(conf.resolver(_, key)).foreach { column =>
        throw new TiAnalysisException(
          s"${table.name()}: the column $column is generated, TiDB computes it; it cannot be assigned"
        )
      }
      if (conf.resolver(key, RowIds.Hidden)) {
        throw new TiAnalysisException(s"${table.name()}: ${RowIds.Hidden} says which row it is; it cannot be assigned")
      }
    }

    private def keyName(assignment: Assignment): Option[String] = assignment.key match {
      case unresolved: UnresolvedAttribute => unresolved.nameParts.lastOption
      case attribute: Attribute => Some(attribute.name)
      case _ => None
    }
  }
}
