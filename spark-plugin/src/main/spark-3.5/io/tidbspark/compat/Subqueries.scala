package io.tidbspark.compat

import org.apache.spark.sql.catalyst.optimizer.Optimizer

/** What this version of Spark gets wrong in sub-queries. */
object Subqueries {

  /**
   * Whether counts must stay with Spark in what this thread plans: it optimises a sub-query.
   *
   * Spark merges partial counts by SUM, and sees only afterwards what a correlated scalar sub-query answers for an outer row that has no
   * inner rows: NULL, as of any SUM, where a count is 0 (and the count of an average of decimals makes that an overflow in ANSI mode).
   * Spark 4 decides that before it pushes aggregates down. A source is not told what it plans for; the rule on the stack tells.
   */
  def keepCounts(): Boolean =
    StackWalker.getInstance().walk[Boolean](frames => frames.anyMatch(_.getClassName.startsWith(Rule)))

  private val Rule = classOf[Optimizer].getName + "$OptimizeSubqueries"
}
