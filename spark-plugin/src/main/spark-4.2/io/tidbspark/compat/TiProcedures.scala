package io.tidbspark.compat

import java.util

import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.connector.catalog.procedures.{BoundProcedure, ProcedureParameter, UnboundProcedure}
import org.apache.spark.sql.connector.catalog.{Identifier, ProcedureCatalog}
import org.apache.spark.sql.connector.read.{LocalScan, Scan}
import org.apache.spark.sql.tidb.TiAnalysisException
import org.apache.spark.sql.types.{StringType, StructField, StructType}
import org.apache.spark.unsafe.types.UTF8String

import io.tidbspark.compat.Converters._
import io.tidbspark.functions.TiFunctions
import io.tidbspark.proto.DdlResult

/**
 * Procedures of a catalog, in the namespace `system`:
 *
 * {{{
 *   CALL tidb_catalog.system.execute(sql => 'ADMIN SHOW DDL JOBS')     rows of TiDB's answer, as text
 *   CALL tidb_catalog.system.analyze(table => 'test.orders')           TiDB's statistics of a table, made anew
 * }}}
 */
trait TiProcedures extends ProcedureCatalog {

  /** Has TiDB run a statement of the user's. */
  private[tidbspark] def execute(sql: String): DdlResult

  /** Has TiDB look at a table's values. `table`: database.table, back-quotes as in SQL. */
  private[tidbspark] def analyze(table: String): DdlResult

  private def procedures: Map[String, UnboundProcedure] = Seq(
    new TidbProcedure("execute", "sql", "Has TiDB run a statement.", execute),
    new TidbProcedure("analyze", "table", "Has TiDB make the statistics of a table anew.", analyze)
  ).map(procedure => procedure.name -> procedure).toMap

  private def isSystem(namespace: Array[String]): Boolean =
    namespace.length == 1 && namespace.head.equalsIgnoreCase(TiFunctions.Namespace)

  override def listProcedures(namespace: Array[String]): Array[Identifier] =
    if (isSystem(namespace)) procedures.keys.toArray.sorted.map(Identifier.of(Array(TiFunctions.Namespace), _)) else Array.empty

  override def loadProcedure(identifier: Identifier): UnboundProcedure = Some(identifier)
    .filter(id => isSystem(id.namespace))
    .flatMap(id => procedures.get(id.name.toLowerCase(util.Locale.ROOT)))
    .getOrElse(
      throw new TiAnalysisException(
        s"there is no procedure $identifier; there are ${procedures.keys.toSeq.sorted.map(name => s"${TiFunctions.Namespace}.$name").mkString(", ")}"
      )
    )
}

/** A procedure with one argument, a text. */
final private class TidbProcedure(procedure: String, parameter: String, what: String, run: String => DdlResult)
    extends UnboundProcedure
    with BoundProcedure {
  override def name(): String = procedure

  override def description(): String = what

  override def bind(inputType: StructType): BoundProcedure = this

  override def parameters(): Array[ProcedureParameter] = Array(ProcedureParameter.in(parameter, StringType).build())

  override def isDeterministic: Boolean = false

  override def call(input: InternalRow): util.Iterator[Scan] = {
    if (input.isNullAt(0)) throw new TiAnalysisException(s"$procedure: $parameter is NULL")
    val answer = run(input.getUTF8String(0).toString)
    if (answer.getColumnsCount == 0) util.Collections.emptyIterator[Scan]()
    else util.Collections.singleton[Scan](new AnswerScan(answer)).iterator()
  }
}

/** TiDB's answer: all columns are text. */
final private class AnswerScan(answer: DdlResult) extends LocalScan {
  override def readSchema(): StructType = StructType(
    answer.getColumnsList.asScala.map(StructField(_, StringType, nullable = true)).toArray
  )

  override def rows(): Array[InternalRow] = answer.getRowsList.asScala.map { row =>
    InternalRow.fromSeq(row.getValuesList.asScala.map(v => if (v.hasText) UTF8String.fromString(v.getText) else null).toSeq)
  }.toArray
}
