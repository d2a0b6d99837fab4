package io.tidbspark

import java.util

import org.apache.spark.sql.catalyst.analysis.{NoSuchNamespaceException, NoSuchTableException}
import org.apache.spark.sql.connector.catalog.{Identifier, SupportsNamespaces, Table, TableCatalog, TableWritePrivilege}
import org.apache.spark.sql.internal.SQLConf
import org.apache.spark.sql.util.CaseInsensitiveStringMap

import io.tidbspark.admin.Procedures
import io.tidbspark.compat.CatalogExtras
import io.tidbspark.compat.Converters._
import io.tidbspark.config.{DdlEntries, Entries, ReadConf, TiConf}
import io.tidbspark.ddl.{ShadowTable, TiStaging, TidbSql}
import io.tidbspark.errors.TiErrors
import io.tidbspark.functions.TiFunctions
import io.tidbspark.jni.NativeCatalog
import io.tidbspark.proto.{
  ListNamespacesRequest,
  ListTablesRequest,
  Namespace,
  NamespaceList,
  SessionConfig,
  TableList,
  TableListing,
  TypeOptions
}

/**
 * A TiDB cluster as a catalog of Spark: databases are namespaces of one level, tables are read and written.
 *
 * {{{
 *   spark.sql.catalog.tidb_catalog               io.tidbspark.TiCatalog
 *   spark.sql.catalog.tidb_catalog.pd.addresses  pd0:2379,pd1:2379
 * }}}
 *
 * Nothing is cached and nothing is changed after [[initialize]]: every answer comes from TiDB's schema at the moment of the
 * call, or at the session's `stale_read`.
 */
class TiCatalog extends TableCatalog with SupportsNamespaces with CatalogExtras with TiFunctions with TiStaging with Procedures {
  private var catalogName: String = _
  private var properties: CaseInsensitiveStringMap = _

  /** With the password, which tables and plans never see. */
  private var withSecrets: CaseInsensitiveStringMap = _

  override def initialize(name: String, options: CaseInsensitiveStringMap): Unit = {
    TiConf.checkCatalog(name, options)
    TiConf.checkSession(SQLConf.get.getAllConfs)
    catalogName = name
    withSecrets = options
    properties = new CaseInsensitiveStringMap(
      options.asScala.filterNot(_._1.equalsIgnoreCase(DdlEntries.Password.name)).toMap.asJava
    )
    // Fails here, not in the middle of a query, when the properties cannot work.
    sessionConfig(conf)
    registerInSession()
  }

  override def name(): String = catalogName

  // ------------------------------------------------------------------ namespaces

  override def defaultNamespace(): Array[String] = Array.empty

  override def listNamespaces(): Array[Array[String]] =
    namespaces(conf(Entries.SystemDatabases)).map(ns => Array(shown(ns))).toArray

  override def listNamespaces(namespace: Array[String]): Array[Array[String]] =
    if (namespace.isEmpty) {
      listNamespaces()
    } else {
      find(namespace)
      Array.empty
    }

  override def loadNamespaceMetadata(namespace: Array[String]): util.Map[String, String] = {
    val found = find(namespace)
    Map(
      "tidb.database_id" -> found.getId.toString,
      "tidb.charset" -> found.getCharset,
      "tidb.collation" -> found.getCollation
    ).asJava
  }

  // ------------------------------------------------------------------ tables

  override def listTables(namespace: Array[String]): Array[Identifier] =
    listings(namespace).map(listing => Identifier.of(namespace, listing.getName)).toArray

  override def loadTable(identifier: Identifier): Table = load(identifier, currentTimestamp())

  override def loadTable(identifier: Identifier, version: String): Table = load(identifier, ReadTimestamp.ofVersion(version))

  override def loadTable(identifier: Identifier, timestamp: Long): Table = load(identifier, ReadTimestamp.ofMicros(timestamp))

  override def loadTable(identifier: Identifier, privileges: util.Set[TableWritePrivilege]): Table =
    load(identifier, currentTimestamp(), asTarget = true)

  private def load(
      identifier: Identifier,
      at: ReadTimestamp,
      asTarget: Boolean = false,
      shownAs: Option[Identifier] = None
  ): TiTable = {
    val database = databaseOf(identifier.namespace).getOrElse(throw new NoSuchTableException(identifier))
    val current = conf
    val display = (catalogName +: identifier.namespace :+ shownAs.getOrElse(identifier).name).mkString(".")
    TableLoader.load(current, sessionConfig(current), database, identifier, display, at, TiConf.Empty, properties, asTarget)
  }

  // ------------------------------------------------------------------ what TiDB has to do itself

  override protected def tidb: TidbSql = new TidbSql(() => TiConf(TiConf.Empty, withSecrets), key)

  override protected def session: SessionConfig = sessionConfig(conf)

  override protected def types: TypeOptions = ReadConf.types(conf, SQLConf.get.sessionLocalTimeZone)

  override protected def allListings(namespace: Array[String]): Seq[TableListing] = listings(namespace, ReadTimestamp.Latest)

  override protected def loadPresent(identifier: Identifier): TiTable = load(identifier, ReadTimestamp.Latest)

  override protected def loadStaged(identifier: Identifier, shadow: Identifier): TiTable =
    load(shadow, ReadTimestamp.Latest, asTarget = true, shownAs = Some(identifier))

  override protected def clock(): Long = TiStaging.millis(TiErrors.translating(TiSessions.get(cluster()).timestamp()))

  override protected def lifetime: Long = conf(DdlEntries.ShadowLifetime)

  // ------------------------------------------------------------------ helpers

  private def conf: TiConf = TiConf(TiConf.Empty, properties)

  private def sessionConfig(conf: TiConf): SessionConfig = ReadConf.session(conf, key)

  /** How a user sets a property of this catalog. */
  private def key(name: String): String = s"spark.sql.catalog.$catalogName.$name"

  override protected def cluster(): SessionConfig = sessionConfig(conf)

  private def currentTimestamp(): ReadTimestamp =
    conf.get(Entries.StaleRead).map(ReadTimestamp.Millis).getOrElse(ReadTimestamp.Latest)

  private def namespaces(includeSystem: Boolean): Seq[Namespace] = {
    val request =
      ListNamespacesRequest.newBuilder().setReadTimestamp(currentTimestamp().toProto).setIncludeSystem(includeSystem).build()
    TiErrors
      .translating {
        NamespaceList.parseFrom(NativeCatalog.listNamespaces(TiSessions.get(sessionConfig(conf)), request.toByteArray))
      }
      .getNamespacesList
      .asScala
      .toSeq
  }

  /** The namespace of that name, system databases included. */
  private def find(namespace: Array[String]): Namespace =
    databaseOf(namespace)
      .flatMap { database =>
        val same: String => Boolean = if (SQLConf.get.caseSensitiveAnalysis) _ == database else _.equalsIgnoreCase(database)
        namespaces(includeSystem = true).find(ns => same(ns.getName))
      }
      .getOrElse(throw new NoSuchNamespaceException(namespace))

  /** Tables, views and sequences of a namespace that everybody may see. */
  protected def listings(namespace: Array[String]): Seq[TableListing] =
    listings(namespace, currentTimestamp()).filterNot(listing => ShadowTable.isShadow(listing.getName))

  private def listings(namespace: Array[String], at: ReadTimestamp): Seq[TableListing] = {
    val database = databaseOf(namespace).getOrElse(throw new NoSuchNamespaceException(namespace))
    val request = ListTablesRequest
      .newBuilder()
      .setReadTimestamp(at.toProto)
      .setDatabase(database)
      .setCaseSensitive(SQLConf.get.caseSensitiveAnalysis)
      .build()
    TiErrors
      .translatingFor(TiErrors.Namespace(namespace)) {
        TableList.parseFrom(NativeCatalog.listTables(TiSessions.get(sessionConfig(conf)), request.toByteArray))
      }
      .getTablesList
      .asScala
      .toSeq
  }

  private def prefix: String = conf.get(Entries.DbPrefix).getOrElse("")

  private def shown(namespace: Namespace): String = prefix + namespace.getName

  /** TiDB's name of a namespace; None when it cannot be one of ours. */
  override protected def databaseOf(namespace: Array[String]): Option[String] = namespace match {
    case Array(one) if one.regionMatches(true, 0, prefix, 0, prefix.length) => Some(one.substring(prefix.length))
    case _ => None
  }
}
