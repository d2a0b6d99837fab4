package io.tidbspark.ddl

import org.apache.spark.sql.connector.expressions.{Literal, NamedReference, Transform}
import org.apache.spark.sql.tidb.TiAnalysisException

import io.tidbspark.compat.Converters._
import io.tidbspark.proto.Buckets

/** PARTITIONED BY and CLUSTERED BY: of Spark's transforms TiDB has the hash. */
private[ddl] object Partitioning {

  /** @throws org.apache.spark.sql.AnalysisException for other transforms, with what to write instead */
  def translate(table: String, transform: Transform): Buckets = {
    def columns = transform.references.toSeq.map { reference =>
      reference.fieldNames match {
        case Array(name) => name
        case nested =>
          throw new TiAnalysisException(s"$table: ${nested.mkString(".")} is a field inside a column, and TiDB has none")
      }
    }
    transform.name match {
      case "bucket" =>
        val count = transform.arguments.collectFirst { case literal: Literal[_] => literal.value }
        count match {
          case Some(n: Int) if n > 0 => Buckets.newBuilder().setCount(n).addAllColumns(columns.asJava).build()
          case _ => throw new TiAnalysisException(s"$table: $transform names no number of buckets")
        }
      case "identity" =>
        throw new TiAnalysisException(
          s"$table: PARTITIONED BY (${columns.mkString(", ")}) asks for a partition per value, and a table of TiDB has a fixed number of " +
            s"them: write PARTITIONED BY (bucket(16, ${columns.mkString(", ")})), or make RANGE or LIST partitions in TiDB"
        )
      case other =>
        throw new TiAnalysisException(
          s"$table: TiDB has no partitions by $other(${references(transform)}); bucket(n, column) it has"
        )
    }
  }

  private def references(transform: Transform): String =
    transform.references.map((reference: NamedReference) => reference.describe).mkString(", ")
}
