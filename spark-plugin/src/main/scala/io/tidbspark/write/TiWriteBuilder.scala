package io.tidbspark.write

import org.apache.spark.sql.connector.expressions.filter.Predicate
import org.apache.spark.sql.connector.write.{SupportsDynamicOverwrite, SupportsOverwriteV2, Write, WriteBuilder}
import org.apache.spark.sql.tidb.TiAnalysisException

import io.tidbspark.compat.Converters._
import io.tidbspark.config.Entries
import io.tidbspark.proto.WriteSpec
import io.tidbspark.types.SparkTypes

/** Collects what Spark asks of a write, and has it checked before anything is begun. */
final class TiWriteBuilder(append: WriteIntent, engine: WriteEngine)
    extends WriteBuilder
    with SupportsOverwriteV2
    with SupportsDynamicOverwrite {
  private var intent = append
  private val tableColumns = SparkTypes.toSpark(append.table.schema)

  override def truncate(): WriteBuilder = {
    intent = append.copy(overwrite = WriteSpec.Overwrite.OVERWRITE_ALL)
    this
  }

  override def canOverwrite(predicates: Array[Predicate]): Boolean =
    RowFilters.translate(predicates.toSeq, tableColumns).isDefined

  override def overwrite(predicates: Array[Predicate]): WriteBuilder = {
    val filters = RowFilters.require(predicates, tableColumns, s"${append.table.displayName}: cannot overwrite")
    intent = append.copy(overwrite = WriteSpec.Overwrite.OVERWRITE_ALL, filters = filters)
    this
  }

  override def overwriteDynamicPartitions(): WriteBuilder = {
    intent = append.copy(overwrite = WriteSpec.Overwrite.OVERWRITE_PARTITIONS)
    this
  }

  /** @throws org.apache.spark.sql.AnalysisException when the table cannot be written, or not in this way */
  override def build(): Write = {
    if (intent.conf.ownTransactions && intent.overwrite != WriteSpec.Overwrite.OVERWRITE_NONE) {
      throw new TiAnalysisException(
        s"${intent.table.displayName}: an overwrite is one transaction; it cannot have ${Entries.WriteAtomicity.name}=partition"
      )
    }
    val info = engine.check(intent.spec)
    if (!info.getMissingList.isEmpty) {
      val missing = info.getMissingList.asScala.mkString(", ")
      throw new TiAnalysisException(
        s"${intent.table.displayName}: no value for $missing, which is NOT NULL and has no default. Name it in the columns of the write."
      )
    }
    new TiWrite(intent, info, engine)
  }
}
