package io.tidbspark.compat

/** What this version of Spark gets wrong in sub-queries. */
object Subqueries {

  /** Whether counts must stay with Spark in what this thread plans: never, see the class of the same name for Spark 3.5. */
  def keepCounts(): Boolean = false
}
