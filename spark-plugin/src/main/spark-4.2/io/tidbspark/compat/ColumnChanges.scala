package io.tidbspark.compat

import org.apache.spark.sql.connector.catalog.TableChange.UpdateColumnDefaultValue
import org.apache.spark.sql.tidb.TiAnalysisException

/** Changes of columns that versions of Spark say in different ways. */
object ColumnChanges {

  /** The words of a new default; None drops it. */
  def newDefault(change: UpdateColumnDefaultValue): Option[String] =
    Option(change.newCurrentDefault)
      .map { default =>
        Option(default.getSql).getOrElse(
          throw new TiAnalysisException(
            s"column ${change.fieldNames.mkString(".")}: a default without its SQL text is not served"
          )
        )
      }
      .filter(_.trim.nonEmpty)
}
