package io.tidbspark

import org.apache.spark.sql.connector.catalog.Identifier
import org.apache.spark.sql.internal.SQLConf
import org.apache.spark.sql.util.CaseInsensitiveStringMap

import io.tidbspark.config.{Entries, ReadConf, TiConf}
import io.tidbspark.errors.TiErrors
import io.tidbspark.jni.NativeCatalog
import io.tidbspark.proto.{LoadTableRequest, SessionConfig, TableSchema}

/** Loads one table, for the catalog and for `format("tidb")` alike. */
private[tidbspark] object TableLoader {

  /**
   * @param database as TiDB names it
   * @param identifier as the user named it, for errors
   * @param asTarget of a write
   */
  def load(
      conf: TiConf,
      session: SessionConfig,
      database: String,
      identifier: Identifier,
      displayName: String,
      readTimestamp: ReadTimestamp,
      options: CaseInsensitiveStringMap,
      catalogProperties: CaseInsensitiveStringMap,
      asTarget: Boolean = false
  ): TiTable = {
    val sqlConf = SQLConf.get
    val types = ReadConf.types(conf, sqlConf.sessionLocalTimeZone)
    val request = LoadTableRequest
      .newBuilder()
      .setReadTimestamp(readTimestamp.toProto)
      .setDatabase(database)
      .setTable(identifier.name)
      .setCaseSensitive(sqlConf.caseSensitiveAnalysis)
      .setTypes(types)
      // Not a column that could be given: DELETE, UPDATE and MERGE find it as a metadata column.
      .setShowRowid(conf(Entries.ShowRowId) && !asTarget)
      .build()
    val schema = TiErrors.translatingFor(TiErrors.Table(identifier)) {
      TableSchema.parseFrom(NativeCatalog.loadTable(TiSessions.get(session), request.toByteArray))
    }
    new TiTable(TableContext(displayName, session, schema, types, readTimestamp, options, catalogProperties), asTarget)
  }
}
