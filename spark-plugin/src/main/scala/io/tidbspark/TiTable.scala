package io.tidbspark

import java.util
import java.util.Objects

import org.apache.spark.sql.connector.catalog.{
  MetadataColumn,
  SupportsDeleteV2,
  SupportsMetadataColumns,
  SupportsRead,
  SupportsRowLevelOperations,
  SupportsWrite,
  Table,
  TableCapability,
  TableCatalog
}
import org.apache.spark.sql.connector.expressions.Transform
import org.apache.spark.sql.connector.expressions.filter.Predicate
import org.apache.spark.sql.connector.read.ScanBuilder
import org.apache.spark.sql.connector.write.RowLevelOperation.Command
import org.apache.spark.sql.connector.write.{LogicalWriteInfo, RowLevelOperationBuilder, RowLevelOperationInfo, WriteBuilder}
import org.apache.spark.sql.internal.SQLConf
import org.apache.spark.sql.tidb.{SparkInternals, TiAnalysisException}
import org.apache.spark.sql.types.StructType
import org.apache.spark.sql.util.CaseInsensitiveStringMap

import io.tidbspark.compat.Converters._
import io.tidbspark.config.{ConfEntry, Entries, ReadConf, Scope, TiConf, WriteConf}
import io.tidbspark.proto.{SessionConfig, TableKind, TableSchema, TypeOptions, WriteSpec}
import io.tidbspark.read.{TableSize, TiScanBuilder}
import io.tidbspark.rowlevel.{RowIds, TiRowLevelOperation}
import io.tidbspark.time.TimeTravel
import io.tidbspark.types.{ColumnDefaults, SparkTypes}
import io.tidbspark.write.{NativeWriteEngine, RowFilters, TiWrite, TiWriteBuilder, WriteEngine, WriteIntent, WriteResolution}

/**
 * What a table is and how to reach it: everything that is settled before a scan or a write of it is built. Immutable, and half of
 * the plan of every scan.
 *
 * @param displayName name for plans and messages
 * @param types how MySQL types were shown when the schema was loaded; the scan must decode alike
 * @param options those of `format("tidb")`; empty for tables of a catalog
 * @param catalogProperties for settings that a scan looks up later
 */
final case class TableContext(
    displayName: String,
    session: SessionConfig,
    schema: TableSchema,
    types: TypeOptions,
    readTimestamp: ReadTimestamp,
    options: CaseInsensitiveStringMap,
    catalogProperties: CaseInsensitiveStringMap
)

/**
 * A table of TiDB as of one moment.
 *
 * @param asTarget of a write: the schema then tells the columns' defaults, which would be odd in the schema of a query's result
 * @param strict as Spark's own rules want the target of UPDATE and MERGE: it does not say that it accepts any schema
 */
final class TiTable(val context: TableContext, asTarget: Boolean = false, strict: Boolean = false)
    extends Table
    with SupportsRead
    with SupportsWrite
    with SupportsDeleteV2
    with SupportsRowLevelOperations
    with SupportsMetadataColumns {
  private val sparkSchema = {
    val columns = SparkTypes.toSpark(context.schema)
    if (asTarget) ColumnDefaults.attach(columns, context.schema) else columns
  }

  /** Of the session that analyses; asked once, because Spark asks for capabilities also in threads that have no session. */
  private val matchedByUs = WriteResolution.isActive

  override def name(): String = context.displayName

  override def schema(): StructType = sparkSchema

  /** The hidden number of rows, where it is not shown as a column anyway. */
  override def metadataColumns(): Array[MetadataColumn] =
    if (isWritable && RowIds.isHidden(context.schema) && !sparkSchema.fieldNames.contains(RowIds.Hidden)) {
      Array(RowIds.HiddenColumn())
    } else {
      Array.empty
    }

  /** The table as the target of a change of rows. */
  private[tidbspark] def forChanges: TiTable = new TiTable(context, asTarget, strict = true)

  /** Not a view or a sequence. */
  private[tidbspark] def isWritable: Boolean = context.schema.getKind == TableKind.BASE_TABLE

  /** TiDB's partitions are no transforms of Spark: nothing to declare. They are among the properties. */
  override def partitioning(): Array[Transform] = Array.empty

  /** Columns may be left out of a write only where our rule, not Spark, matches the columns of a query with those of the table. */
  override def capabilities(): util.Set[TableCapability] = {
    val all = util.EnumSet.of(
      TableCapability.BATCH_READ,
      TableCapability.BATCH_WRITE,
      TableCapability.TRUNCATE,
      TableCapability.OVERWRITE_BY_FILTER,
      TableCapability.OVERWRITE_DYNAMIC
    )
    // A view's or sequence's columns are of no interest to the error that follows.
    if (matchedByUs && !strict || !isWritable) all.add(TableCapability.ACCEPT_ANY_SCHEMA)
    all
  }

  override def properties(): util.Map[String, String] = TiTable.properties(context.schema).asJava

  override def newScanBuilder(options: CaseInsensitiveStringMap): ScanBuilder = scanBuilder(options, ofTarget = false)

  private def scanBuilder(options: CaseInsensitiveStringMap, ofTarget: Boolean): ScanBuilder = {
    if (context.schema.getKind != TableKind.BASE_TABLE) {
      throw new TiAnalysisException(s"${context.displayName} is a ${context.schema.getKind}; only tables can be read")
    }
    TiConf.checkOptions(options, Set(Scope.ReadOption, Scope.TableOption), TimeTravel.Options)
    Entries.All
      .filter(entry => entry.scopes(Scope.TableOption) && !entry.scopes(Scope.ReadOption))
      .foreach(refuseChange(_, options))
    val conf = TiConf(options, context.catalogProperties)
    val spark = SQLConf.get
    new TiScanBuilder(TimeTravel.of(context, options), ReadConf.scan(conf, spark), ReadConf.pushDown(conf, spark), ofTarget)
  }

  /** `TRUNCATE TABLE`: all rows go away in one transaction, as by INSERT OVERWRITE without rows; ids are not given again. */
  override def truncateTable(): Boolean = {
    TiWrite.remove(intent(writtenColumns, CaseInsensitiveStringMap.empty), Nil, engine)
    true
  }

  /**
   * `DELETE` without a job: the driver reads the table, and deletes what the condition says. Only for tables that TiDB's statistics know to be
   * small; a job reads all others with all tasks, and may find the rows by their keys.
   */
  override def canDeleteWhere(predicates: Array[Predicate]): Boolean =
    isWritable && RowFilters.translate(predicates.toSeq, writtenColumns).exists { filters =>
      // Without a condition no row is read, whatever the table's size.
      filters.isEmpty || {
        val conf = TiConf(CaseInsensitiveStringMap.empty, context.catalogProperties)
        TableSize.rows(context, ReadConf.pushDown(conf, SQLConf.get)).exists(_ <= TiTable.DeletedByDriver)
      }
    }

  override def deleteWhere(predicates: Array[Predicate]): Unit = {
    val filters = RowFilters.require(predicates, writtenColumns, s"${context.displayName}: cannot delete")
    TiWrite.remove(intent(writtenColumns, CaseInsensitiveStringMap.empty), filters, engine)
  }

  /**
   * DELETE, UPDATE and MERGE by changes of single rows.
   *
   * @throws org.apache.spark.sql.AnalysisException when it is no table, not the present one, or has columns that this session cannot leave out
   */
  override def newRowLevelOperationBuilder(info: RowLevelOperationInfo): RowLevelOperationBuilder = {
    val rowIds = RowIds.of(context.schema)
    // Refuses now, with the statement's name, what would be refused later.
    intent(new StructType, info.options)
    if (info.command != Command.DELETE && !matchedByUs) {
      RowIds.computed(context.schema).toSeq.sorted.headOption.foreach { column =>
        throw new TiAnalysisException(
          s"${context.displayName}: ${info.command} gives whole rows, and TiDB computes the column $column. " +
            "The session extension leaves it out: spark.sql.extensions=io.tidbspark.TiExtensions."
        )
      }
    }
    () =>
      new TiRowLevelOperation(
        info.command,
        context.displayName,
        rowIds,
        scanBuilder(_, ofTarget = true),
        write => intent(StructType(write.schema.filterNot(_.name == RowIds.Hidden)), write.options, rowIds),
        matchedByUs,
        engine
      )
  }

  /** What rows of a write can have. */
  private def writtenColumns: StructType = {
    val computed = RowIds.computed(context.schema)
    StructType(sparkSchema.filterNot(field => computed(field.name) || field.name == RowIds.Hidden))
  }

  private def engine: WriteEngine = new NativeWriteEngine(context.session)

  /** @throws org.apache.spark.sql.AnalysisException when it is no table, or not the present one */
  override def newWriteBuilder(info: LogicalWriteInfo): WriteBuilder =
    new TiWriteBuilder(intent(info.schema, info.options), engine)

  private def intent(
      columns: StructType,
      options: CaseInsensitiveStringMap,
      rowIds: StructType = new StructType
  ): WriteIntent = {
    if (!isWritable) {
      throw new TiAnalysisException(s"${context.displayName} is a ${context.schema.getKind}; only tables can be written")
    }
    val conf = TiConf(options, context.catalogProperties)
    // insertInto and saveAsTable load a table outside of their session, so that it is of the present whatever the session says.
    val ofSession = if (context.options.isEmpty) conf.get(Entries.StaleRead).map(ReadTimestamp.Millis) else None
    Some(context.readTimestamp).filterNot(_ == ReadTimestamp.Latest).orElse(ofSession).foreach { moment =>
      throw new TiAnalysisException(
        s"${context.displayName} is shown as of $moment, and only the present can be written. " +
          s"Unset ${TiConf.SessionPrefix}${Entries.StaleRead.name} and leave out VERSION AS OF and TIMESTAMP AS OF."
      )
    }
    TiConf.checkOptions(options, Set(Scope.WriteOption, Scope.TableOption))
    Entries.All.filter(_.scopes(Scope.TableOption)).foreach(refuseChange(_, options))
    if (!conf(Entries.WriteEnable)) {
      throw new TiAnalysisException(s"${context.displayName}: writing is switched off by ${Entries.WriteEnable.name}=false")
    }
    TiTable.requireSame(context.displayName, columns, sparkSchema)
    val sqlConf = SQLConf.get
    WriteIntent(
      table = context,
      columns = columns,
      rowIds = rowIds,
      conf = WriteConf(conf),
      overwrite = WriteSpec.Overwrite.OVERWRITE_NONE,
      filters = Nil,
      caseSensitive = sqlConf.caseSensitiveAnalysis,
      speculation = SparkInternals.sparkConf("spark.speculation").exists(_.trim.equalsIgnoreCase("true"))
    )
  }

  /** The schema that Spark analysed was made with the table's own options; another value now would come too late. */
  private def refuseChange(entry: ConfEntry[_], options: CaseInsensitiveStringMap): Unit =
    entry.names.map(_.name).filter(options.containsKey(_)).foreach { key =>
      if (options.get(key) != context.options.get(key)) {
        throw new IllegalArgumentException(
          s"option $key: a read or write of ${context.displayName} cannot change it. Set ${TiConf.SessionPrefix}${entry.name} or the property of the catalog."
        )
      }
    }

  /** Spark's cache finds a table again by this: the same table of the same cluster at the same moment. */
  override def equals(other: Any): Boolean = other match {
    case that: TiTable => key == that.key
    case _ => false
  }

  override def hashCode(): Int = Objects.hash(key: _*)

  private def key: Seq[AnyRef] =
    Seq(context.displayName, context.session, Long.box(context.schema.getTableId), context.types, context.readTimestamp)

  override def toString: String = name()
}

object TiTable {

  /** Rows of a table from which the driver deletes without a job, at most. */
  private val DeletedByDriver = 100000L

  /** The rows' columns must be columns of the table and have their types: anything else would be written as something else. */
  private def requireSame(table: String, rows: StructType, columns: StructType): Unit = rows.foreach { field =>
    columns.find(_.name == field.name) match {
      case Some(column) if SparkInternals.sameType(column.dataType, field.dataType) => ()
      case Some(column) =>
        throw new TiAnalysisException(
          s"$table: the column ${field.name} is ${column.dataType.sql} and the rows have ${field.dataType.sql}"
        )
      case None => throw new TiAnalysisException(s"$table has no column ${field.name}")
    }
  }

  /** What DESCRIBE EXTENDED shows besides the columns. */
  def properties(schema: TableSchema): Map[String, String] = {
    def index(i: proto.Index) =
      s"tidb.index.${i.getName}" -> Seq(
        if (i.getPrimary) "PRIMARY" else if (i.getUnique) "UNIQUE" else "",
        i.getColumnsList.asScala.mkString("(", ", ", ")"),
        if (i.getVisible) "" else "INVISIBLE"
      ).filter(_.nonEmpty).mkString(" ")
    val partitions =
      if (!schema.hasPartitioning) {
        Nil
      } else {
        val partitioning = schema.getPartitioning
        Seq(
          "tidb.partition_by" -> s"${partitioning.getMethod} (${partitioning.getExpression})",
          "tidb.partitions" -> partitioning.getPartitionsList.asScala
            .map(p => s"${p.getName} ${p.getDescription}".trim)
            .mkString(", ")
        )
      }
    val all = Seq(
      TableCatalog.PROP_PROVIDER -> "tidb",
      TableCatalog.PROP_EXTERNAL -> "true", // else DESCRIBE says MANAGED, as if Spark owned it
      TableCatalog.PROP_COMMENT -> schema.getComment,
      "tidb.kind" -> schema.getKind.name,
      "tidb.table_id" -> schema.getTableId.toString,
      "tidb.handle" -> schema.getHandleKind,
      "tidb.primary_key" -> schema.getPrimaryKeyList.asScala.mkString(", "),
      "tidb.charset" -> schema.getCharset,
      "tidb.collation" -> schema.getCollation,
      "tidb.schema_ts" -> java.lang.Long.toUnsignedString(schema.getSchemaTs)
    ) ++ schema.getIndexesList.asScala.map(index) ++ partitions
    all.filter(_._2.nonEmpty).toMap
  }
}
