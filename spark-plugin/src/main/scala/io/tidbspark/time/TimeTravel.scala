package io.tidbspark.time

import java.util.Locale

import org.apache.spark.sql.catalyst.util.DateTimeUtils
import org.apache.spark.sql.connector.catalog.Identifier
import org.apache.spark.sql.internal.SQLConf
import org.apache.spark.sql.tidb.{SparkInternals, TiAnalysisException}
import org.apache.spark.sql.util.CaseInsensitiveStringMap
import org.apache.spark.unsafe.types.UTF8String

import io.tidbspark.config.TiConf
import io.tidbspark.types.SparkTypes
import io.tidbspark.{ReadTimestamp, TableContext, TableLoader}

/** The read options `timestampAsOf` and `versionAsOf`, which mean what TIMESTAMP AS OF and VERSION AS OF mean in SQL. */
object TimeTravel {
  val TimestampOption = "timestampAsOf"
  val VersionOption = "versionAsOf"

  /** Both, in lower case. */
  val Options: Set[String] = Set(TimestampOption, VersionOption).map(_.toLowerCase(Locale.ROOT))

  /**
   * The moment that the options name, None when they name none.
   *
   * @throws java.lang.IllegalArgumentException for both at once and for values that are no moment
   */
  def ofOptions(options: CaseInsensitiveStringMap): Option[ReadTimestamp] =
    (Option(options.get(TimestampOption)), Option(options.get(VersionOption))) match {
      case (None, None) => None
      case (Some(timestamp), None) => Some(ReadTimestamp.ofMicros(micros(timestamp)))
      case (None, Some(version)) => Some(ReadTimestamp.ofVersion(version))
      case (Some(_), Some(_)) =>
        throw new IllegalArgumentException(s"options $TimestampOption and $VersionOption: give one of them, not both")
    }

  /**
   * The table as of the moment that the options of one read name. Spark 4 has resolved them already, and the table is of that moment;
   * Spark 3.5 hands them over only when the schema of the plan is settled, so that a table that had other columns then cannot be
   * read this way.
   *
   * @param options of the read
   */
  def of(context: TableContext, options: CaseInsensitiveStringMap): TableContext =
    ofOptions(options).filterNot(_ == context.readTimestamp).fold(context) { at =>
      val identifier = Identifier.of(Array(context.schema.getDatabase), context.schema.getTable)
      val conf = TiConf(options, context.catalogProperties)
      val past = TableLoader
        .load(
          conf,
          context.session,
          context.schema.getDatabase,
          identifier,
          context.displayName,
          at,
          context.options,
          context.catalogProperties
        )
        .context
      val (asked, had) = (SparkTypes.toSpark(context.schema), SparkTypes.toSpark(past.schema))
      if (!SparkInternals.sameType(asked, had)) {
        throw new TiAnalysisException(
          s"${context.displayName} had other columns at $at: ${had.toDDL}. This version of Spark settles the schema before it hands " +
            s"over the options $TimestampOption and $VersionOption; use SELECT ... FROM ${context.displayName} TIMESTAMP AS OF ..."
        )
      }
      past
    }

  /** Microseconds since 1970 of a timestamp as Spark reads it, without a zone of its own in the session's. */
  private def micros(text: String): Long = {
    val zone = SQLConf.get.sessionLocalTimeZone
    DateTimeUtils
      .stringToTimestamp(UTF8String.fromString(text), DateTimeUtils.getZoneId(zone))
      .getOrElse(
        throw new IllegalArgumentException(
          s"option $TimestampOption: '$text' is not a timestamp such as 2024-03-10 02:30:00 (read in $zone) or 2024-03-10T07:30:00Z"
        )
      )
  }
}
