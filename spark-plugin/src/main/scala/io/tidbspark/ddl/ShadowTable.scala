package io.tidbspark.ddl

import scala.util.Random
import scala.util.Try

/**
 * Names of the tables that CREATE and REPLACE TABLE AS SELECT write to before anybody may see them. The name says until when the
 * statement may take, by PD's clock; what is older was left by a driver that died.
 */
private[tidbspark] object ShadowTable {
  private val Name = """_tidb_spark_([0-9a-f]{1,15})_[0-9a-f]{16}""".r

  /** @param until milliseconds since 1970 */
  def name(until: Long): String = f"_tidb_spark_$until%x_${Random.nextLong()}%016x"

  def isShadow(table: String): Boolean = Name.pattern.matcher(table).matches()

  /** Whether nobody works on it any more. */
  def isAbandoned(table: String, now: Long): Boolean = table match {
    case Name(until) => Try(java.lang.Long.parseLong(until, 16)).toOption.exists(_ < now)
    case _ => false
  }
}
