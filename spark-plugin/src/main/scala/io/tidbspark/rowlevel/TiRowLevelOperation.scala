package io.tidbspark.rowlevel

import org.apache.spark.sql.connector.expressions.{Expressions, NamedReference}
import org.apache.spark.sql.connector.read.ScanBuilder
import org.apache.spark.sql.connector.write.RowLevelOperation.Command
import org.apache.spark.sql.connector.write.{DeltaWriteBuilder, LogicalWriteInfo, RowLevelOperation, SupportsDelta}
import org.apache.spark.sql.tidb.TiAnalysisException
import org.apache.spark.sql.types.StructType
import org.apache.spark.sql.util.CaseInsensitiveStringMap

import io.tidbspark.write.{WriteEngine, WriteIntent}

/**
 * DELETE, UPDATE or MERGE of one table by changes of single rows:
 *
 * {{{
 *   scan of the target (any condition, sub-query, join) --> operation, row id, new row --> TiDeltaWriter --> one transaction
 *        at T = Statement.timestamp                                                          start_ts = T
 * }}}
 *
 * An update is one change, not a deletion and an insertion: what it leaves alone in TiDB's indexes is not written.
 *
 * @param rowIds the columns that say which row it is
 * @param scan makes the scan builder of the target
 * @param intent of a write of such rows
 * @param matchedByUs [[RowLevelResolution]] has looked at the assignments
 */
final class TiRowLevelOperation(
    override val command: Command,
    table: String,
    rowIds: StructType,
    scan: CaseInsensitiveStringMap => ScanBuilder,
    intent: LogicalWriteInfo => WriteIntent,
    matchedByUs: Boolean,
    engine: WriteEngine
) extends RowLevelOperation
    with SupportsDelta {
  override def description(): String = s"$command of $table by ${rowIds.fieldNames.mkString("(", ", ", ")")}"

  override def newScanBuilder(options: CaseInsensitiveStringMap): ScanBuilder = scan(options)

  override def newWriteBuilder(info: LogicalWriteInfo): DeltaWriteBuilder = {
    if (!matchedByUs && info.schema.fieldNames.contains(RowIds.Hidden)) {
      throw new TiAnalysisException(
        s"$table: $command with conditions on ${RowIds.Hidden} needs the session extension: spark.sql.extensions=io.tidbspark.TiExtensions"
      )
    }
    new TiDeltaWriteBuilder(command, intent(info), info.schema, engine)
  }

  override def rowId(): Array[NamedReference] =
    rowIds.fieldNames.map(name => Expressions.column("`" + name.replace("`", "``") + "`"))

  override def representUpdateAsDeleteAndInsert(): Boolean = false
}
