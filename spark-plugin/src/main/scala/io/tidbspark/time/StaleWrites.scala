package io.tidbspark.time

import org.apache.spark.sql.tidb.TiAnalysisException

import io.tidbspark.config.{Entries, TiConf}
import io.tidbspark.{ReadTimestamp, TableContext}

/** The past can be read and not written. */
object StaleWrites {

  /**
   * To be asked before a table becomes the target of a write. Sources of the past are fine.
   *
   * @throws org.apache.spark.sql.AnalysisException when the table was loaded as of a moment of the past
   */
  def refuse(target: TableContext): Unit = target.readTimestamp match {
    case ReadTimestamp.Latest =>
    case past =>
      throw new TiAnalysisException(
        s"${target.displayName} cannot be written: it is read as of $past, and the past does not change. Unset " +
          s"${TiConf.SessionPrefix}${Entries.StaleRead.name} for this statement; to write rows of the past, name it where they are read " +
          "(SELECT ... FROM source TIMESTAMP AS OF ...)"
      )
  }
}
