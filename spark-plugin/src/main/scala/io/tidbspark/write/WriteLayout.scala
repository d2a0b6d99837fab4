package io.tidbspark.write

import org.apache.spark.sql.catalyst.expressions.RowOrdering
import org.apache.spark.sql.connector.distributions.{Distribution, Distributions}
import org.apache.spark.sql.connector.expressions.{Expression, Expressions, NamedReference, SortDirection, SortOrder}
import org.apache.spark.sql.types.StructType

import io.tidbspark.config.WriteDistribution

/**
 * How Spark shall lay out rows before they are written, so that every attempt of a task writes the same:
 *
 * {{{
 *   hash    equal keys in one task, sorted     (a shuffle)
 *   range   an interval of keys, sorted        (the input is computed once more, to sample it)
 *   none    as they come
 * }}}
 *
 * The key is the handle where rows bring it. Where the handle is generated it comes from the position of the row in its task: then
 * the key is the whole row, whose order is total but for rows that are equal.
 */
final case class WriteLayout(distribution: Distribution, ordering: Array[SortOrder])

object WriteLayout {
  private val Unspecified = WriteLayout(Distributions.unspecified(), Array.empty)

  /** @param handle the columns that say which row it is, empty where that is generated */
  def apply(kind: WriteDistribution, handle: Seq[String], columns: StructType): WriteLayout = {
    val key = if (handle.nonEmpty) handle else orderable(columns)
    if (key.isEmpty) {
      Unspecified
    } else {
      val references: Array[NamedReference] = key.map(reference).toArray
      val order: Array[SortOrder] = references.map(Expressions.sort(_, SortDirection.ASCENDING))
      kind match {
        case WriteDistribution.Hash => WriteLayout(Distributions.clustered(references.toArray[Expression]), order)
        case WriteDistribution.Range => WriteLayout(Distributions.ordered(order), order)
        case WriteDistribution.None => Unspecified
      }
    }
  }

  /** Names of the columns by which Spark can sort. */
  private[tidbspark] def orderable(columns: StructType): Seq[String] =
    columns.filter(field => RowOrdering.isOrderable(field.dataType)).map(_.name)

  /** Spark parses the text as SQL. */
  private def reference(name: String): NamedReference = Expressions.column("`" + name.replace("`", "``") + "`")
}
