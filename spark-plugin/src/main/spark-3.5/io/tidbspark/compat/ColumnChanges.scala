package io.tidbspark.compat

import org.apache.spark.sql.connector.catalog.TableChange.UpdateColumnDefaultValue

/** Changes of columns that versions of Spark say in different ways. */
object ColumnChanges {

  /** The words of a new default; None drops it. */
  def newDefault(change: UpdateColumnDefaultValue): Option[String] = Option(change.newDefaultValue).filter(_.trim.nonEmpty)
}
