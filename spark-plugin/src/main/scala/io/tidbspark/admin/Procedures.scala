package io.tidbspark.admin

import scala.util.Try

import org.apache.spark.sql.catalyst.parser.CatalystSqlParser
import org.apache.spark.sql.connector.catalog.Identifier
import org.apache.spark.sql.internal.SQLConf
import org.apache.spark.sql.tidb.TiAnalysisException
import org.apache.spark.sql.types.{LongType, StringType}

import io.tidbspark.TiSessions
import io.tidbspark.ddl.TiDdl
import io.tidbspark.errors.TiErrors
import io.tidbspark.jni.NativeAdmin
import io.tidbspark.proto.{RegionsRequest, ResolveTransactionRequest, TableName, TextRows}

/**
 * The procedures of a catalog:
 *
 * {{{
 *   system.execute(sql)              TiDB runs a statement                 TiDB's endpoint
 *   system.analyze(table)            TiDB makes statistics anew            TiDB's endpoint
 *   system.regions(table)            where a table's rows are              PD
 *   system.resolve_txn(start_ts)     what became of a transaction          PD and the stores
 * }}}
 * Spark 4 calls them with CALL; `spark.executeCommand` does on every version.
 */
private[tidbspark] trait Procedures extends TiDdl {

  private[tidbspark] lazy val procedures: Seq[Procedure] = Seq(
    Procedure("execute", "sql", StringType, "Has TiDB run a statement.", execute),
    Procedure("analyze", "table", StringType, "Has TiDB make the statistics of a table anew.", analyze),
    Procedure("regions", "table", StringType, "Lists the regions of a table.", regions),
    Procedure(
      "resolve_txn",
      "start_ts",
      LongType,
      "Finds out what became of a transaction, and ends its locks if it is over.",
      resolveTransaction
    )
  )

  private def execute(sql: String): TextRows = tidb.run("a statement of TiDB", None)(_.setSql(sql)).getAnswer

  private def analyze(table: String): TextRows = {
    val (identifier, target) = named(table)
    tidb.run(s"ANALYZE TABLE $identifier", Some(TiErrors.Table(identifier)))(_.setAnalyzeTable(target)).getAnswer
  }

  private def regions(table: String): TextRows = {
    val (identifier, target) = named(table)
    val request = RegionsRequest.newBuilder().setTable(target).setCaseSensitive(SQLConf.get.caseSensitiveAnalysis).build()
    TiErrors.translatingFor(TiErrors.Table(identifier)) {
      TextRows.parseFrom(NativeAdmin.regions(TiSessions.get(session), request.toByteArray))
    }
  }

  private def resolveTransaction(startTs: String): TextRows = {
    val number = Try(startTs.trim.toLong).filter(_ > 0).getOrElse {
      throw new TiAnalysisException(s"start_ts '$startTs' is no timestamp: give the number that the error or the lock names")
    }
    val request = ResolveTransactionRequest.newBuilder().setStartTs(number).build()
    TiErrors.translating {
      TextRows.parseFrom(NativeAdmin.resolveTransaction(TiSessions.get(session), request.toByteArray))
    }
  }

  /** A table as SQL names it: database.table, back-quotes allowed. */
  private def named(table: String): (Identifier, TableName) = CatalystSqlParser.parseMultipartIdentifier(table) match {
    case Seq(namespace, name) =>
      val identifier = Identifier.of(Array(namespace), name)
      identifier -> tableName(database(identifier.namespace), name)
    case _ => throw new TiAnalysisException(s"'$table' is not database.table")
  }
}
