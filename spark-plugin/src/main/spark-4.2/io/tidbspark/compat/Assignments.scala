package io.tidbspark.compat

import org.apache.spark.sql.catalyst.analysis.AssignmentUtils
import org.apache.spark.sql.catalyst.expressions.Attribute
import org.apache.spark.sql.catalyst.plans.logical.Assignment

/** Spark's own matching of assignments with columns. */
object Assignments {

  /** A value for every column, in their order: the assigned one, cast, else the column's own. */
  def alignUpdate(columns: Seq[Attribute], assignments: Seq[Assignment]): Seq[Assignment] =
    AssignmentUtils.alignUpdateAssignments(columns, assignments, fromStar = false, coerceNestedTypes = false)
}
