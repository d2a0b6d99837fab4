package io.tidbspark.compat

import java.util

import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.connector.catalog.procedures.{BoundProcedure, ProcedureParameter, UnboundProcedure}
import org.apache.spark.sql.connector.catalog.{Identifier, ProcedureCatalog}
import org.apache.spark.sql.connector.read.{LocalScan, Scan}
import org.apache.spark.sql.tidb.TiAnalysisException
import org.apache.spark.sql.types.{StringType, StructField, StructType}
import org.apache.spark.unsafe.types.UTF8String

import io.tidbspark.admin.Procedure
import io.tidbspark.compat.Converters._
import io.tidbspark.functions.TiFunctions
import io.tidbspark.proto.TextRows

/** Procedures as CALL finds them, in the namespace `system`; what they do is in [[io.tidbspark.admin.Procedures]]. */
trait TiProcedures extends ProcedureCatalog {
  private[tidbspark] def procedures: Seq[Procedure]

  private def isSystem(namespace: Array[String]): Boolean =
    namespace.length == 1 && namespace.head.equalsIgnoreCase(TiFunctions.Namespace)

  override def listProcedures(namespace: Array[String]): Array[Identifier] =
    if (isSystem(namespace)) procedures.map(_.name).sorted.map(Identifier.of(Array(TiFunctions.Namespace), _)).toArray
    else Array.empty

  override def loadProcedure(identifier: Identifier): UnboundProcedure =
    new CalledProcedure(Procedure.find(if (isSystem(identifier.namespace)) procedures else Nil, identifier.name))
}

final private class CalledProcedure(procedure: Procedure) extends UnboundProcedure with BoundProcedure {
  override def name(): String = procedure.name

  override def description(): String = procedure.description

  override def bind(inputType: StructType): BoundProcedure = this

  override def parameters(): Array[ProcedureParameter] =
    Array(ProcedureParameter.in(procedure.parameter, procedure.parameterType).build())

  override def isDeterministic: Boolean = false

  override def call(input: InternalRow): util.Iterator[Scan] = {
    if (input.isNullAt(0)) throw new TiAnalysisException(s"${procedure.name}: ${procedure.parameter} is NULL")
    val answer = procedure.run(input.get(0, procedure.parameterType).toString)
    if (answer.getColumnsCount == 0) util.Collections.emptyIterator[Scan]()
    else util.Collections.singleton[Scan](new AnswerScan(answer)).iterator()
  }
}

/** All columns are text. */
final private class AnswerScan(answer: TextRows) extends LocalScan {
  override def readSchema(): StructType = StructType(
    answer.getColumnsList.asScala.map(StructField(_, StringType, nullable = true)).toArray
  )

  override def rows(): Array[InternalRow] = answer.getRowsList.asScala.map { row =>
    InternalRow.fromSeq(row.getValuesList.asScala.map(v => if (v.hasText) UTF8String.fromString(v.getText) else null).toSeq)
  }.toArray
}
