package io.tidbspark.ddl

import java.util

import org.apache.spark.sql.catalyst.analysis.{NoSuchNamespaceException, NoSuchTableException, NonEmptyNamespaceException}
import org.apache.spark.sql.connector.catalog.{
  Column,
  Identifier,
  NamespaceChange,
  SupportsNamespaces,
  Table,
  TableCatalog,
  TableCatalogCapability,
  TableChange
}
import org.apache.spark.sql.connector.expressions.Transform
import org.apache.spark.sql.tidb.{SparkInternals, TiAnalysisException}
import org.apache.spark.sql.types.StructType

import io.tidbspark.TiTable
import io.tidbspark.compat.Converters._
import io.tidbspark.errors.TiErrors
import io.tidbspark.proto
import io.tidbspark.proto.{SessionConfig, TableKind, TableListing, TableName, TypeOptions}

/**
 * CREATE, ALTER, DROP and RENAME of namespaces and tables: Spark's structures as messages, which the native library makes TiDB's SQL
 * of and has TiDB run ([[TidbSql]]). When TiDB has answered, the next look at the catalog sees the change.
 */
private[tidbspark] trait TiDdl extends TableCatalog with SupportsNamespaces {

  /** TiDB's endpoint. */
  protected def tidb: TidbSql

  /** The cluster. */
  protected def session: SessionConfig

  /** How MySQL types are shown. */
  protected def types: TypeOptions

  /** TiDB's name of a namespace; None when it cannot be one of ours. */
  protected def databaseOf(namespace: Array[String]): Option[String]

  /** Tables, views and sequences of the present, tables that nobody may see yet among them. */
  protected def allListings(namespace: Array[String]): Seq[TableListing]

  /** A table of the present. */
  protected def loadPresent(identifier: Identifier): TiTable

  // ------------------------------------------------------------------ namespaces

  override def createNamespace(namespace: Array[String], metadata: util.Map[String, String]): Unit = {
    val create = proto.CreateDatabase
      .newBuilder()
      .setDatabase(newDatabase(namespace))
      .putAllProperties(ofDatabase(metadata.asScala.toMap).asJava)
    tidb.run(s"CREATE NAMESPACE ${namespace.mkString(".")}", Some(TiErrors.Namespace(namespace)))(_.setCreateDatabase(create))
  }

  override def alterNamespace(namespace: Array[String], changes: NamespaceChange*): Unit = {
    val set = changes.map {
      case set: NamespaceChange.SetProperty => set.property -> set.value
      case remove: NamespaceChange.RemoveProperty =>
        throw new TiAnalysisException(s"${namespace.mkString(".")}: ${remove.property} cannot be removed; set another value")
    }
    val alter =
      proto.AlterDatabase.newBuilder().setDatabase(database(namespace)).putAllProperties(ofDatabase(set.toMap).asJava)
    tidb.run(s"ALTER NAMESPACE ${namespace.mkString(".")}", Some(TiErrors.Namespace(namespace)))(_.setAlterDatabase(alter))
  }

  override def dropNamespace(namespace: Array[String], cascade: Boolean): Boolean = {
    val name = databaseOf(namespace)
    if (name.isEmpty || !namespaceExists(namespace)) {
      false
    } else {
      if (!cascade && allListings(namespace).nonEmpty) throw new NonEmptyNamespaceException(namespace)
      val drop = proto.DropDatabase.newBuilder().setDatabase(name.get)
      tidb.run(s"DROP NAMESPACE ${namespace.mkString(".")}", Some(TiErrors.Namespace(namespace)))(_.setDropDatabase(drop))
      true
    }
  }

  /** What Spark adds to every namespace says nothing about it. */
  private def ofDatabase(properties: Map[String, String]): Map[String, String] = {
    Seq(SupportsNamespaces.PROP_COMMENT -> "comment", SupportsNamespaces.PROP_LOCATION -> "location").foreach {
      case (name, what) =>
        properties.get(name).filter(_.nonEmpty).foreach(_ => throw new TiAnalysisException(s"a database of TiDB has no $what"))
    }
    properties -- Seq(SupportsNamespaces.PROP_OWNER, SupportsNamespaces.PROP_COMMENT, SupportsNamespaces.PROP_LOCATION)
  }

  // ------------------------------------------------------------------ tables

  override def capabilities(): util.Set[TableCatalogCapability] =
    util.EnumSet.of(TableCatalogCapability.SUPPORT_COLUMN_DEFAULT_VALUE)

  /** NOT NULL columns of a query are NOT NULL in the table that is made of it. */
  override def useNullableQuerySchema(): Boolean = false

  override def createTable(
      identifier: Identifier,
      schema: StructType,
      partitions: Array[Transform],
      properties: util.Map[String, String]
  ): Table = createTable(identifier, SparkInternals.columns(schema), partitions, properties)

  override def createTable(
      identifier: Identifier,
      columns: Array[Column],
      partitions: Array[Transform],
      properties: util.Map[String, String]
  ): Table = {
    create(identifier, identifier.name, columns, partitions, properties)
    loadTable(identifier)
  }

  /** Makes a table as the identifier's would be, under a name of its own. */
  protected def create(
      identifier: Identifier,
      name: String,
      columns: Array[Column],
      partitions: Array[Transform],
      properties: util.Map[String, String]
  ): Unit = {
    val what = s"CREATE TABLE $identifier"
    val sorted = TableProperties.sort(what, properties.asScala.toMap)
    val create = proto.CreateTable
      .newBuilder()
      .setTable(tableName(newDatabase(identifier.namespace), name))
      .addAllColumns(columns.toSeq.map(ColumnTypes.definition).asJava)
      .setComment(sorted.comment)
      .addAllPartitioning(partitions.toSeq.map(Partitioning.translate(identifier.toString, _)).asJava)
      .putAllProperties(sorted.ofTidb.asJava)
      .setTypes(types)
    tidb.run(what, Some(TiErrors.NewTable(identifier)))(_.setCreateTable(create))
  }

  /**
   * CREATE TABLE LIKE: all of the definition but foreign keys, AUTO_INCREMENT's next value and the like, as TiDB does it.
   *
   * @throws org.apache.spark.sql.AnalysisException for a table of another cluster, and for properties beside it
   */
  protected def copyDefinition(identifier: Identifier, source: TiTable, properties: Map[String, String]): Unit = {
    val what = s"CREATE TABLE $identifier LIKE ${source.name()}"
    if (source.context.session != session) {
      throw new TiAnalysisException(
        s"$what: the tables are of different clusters. CREATE TABLE ... AS SELECT ... LIMIT 0 copies the columns."
      )
    }
    if (TableProperties.sort(what, properties).ofTidb.nonEmpty) {
      throw new TiAnalysisException(s"$what: properties beside LIKE are not served; set them with ALTER TABLE")
    }
    val like = proto.CreateTableLike
      .newBuilder()
      .setTable(tableName(newDatabase(identifier.namespace), identifier.name))
      .setLike(tableName(source.context.schema.getDatabase, source.context.schema.getTable))
    tidb.run(what, Some(TiErrors.NewTable(identifier)))(_.setCreateTableLike(like))
  }

  override def alterTable(identifier: Identifier, changes: TableChange*): Table = {
    val found = existing(identifier).getOrElse(throw new NoSuchTableException(identifier))
    val schema = loadPresent(identifier).schema()
    val alter = proto.AlterTable
      .newBuilder()
      .setTable(tableName(database(identifier.namespace), found.getName))
      .addAllChanges(changes.map(Alterations.translate(identifier.toString, schema, _)).asJava)
      .setTypes(types)
    tidb.run(s"ALTER TABLE $identifier", Some(TiErrors.Table(identifier)))(_.setAlterTable(alter))
    loadTable(identifier)
  }

  override def dropTable(identifier: Identifier): Boolean = existing(identifier).exists { found =>
    val drop = proto.DropTables.newBuilder().addTables(tableName(database(identifier.namespace), found.getName)).setIfExists(true)
    tidb.run(s"DROP TABLE $identifier", Some(TiErrors.Table(identifier)))(_.setDropTables(drop))
    true
  }

  /** TiDB keeps what was dropped until garbage collection passes it, whatever the statement says. */
  override def purgeTable(identifier: Identifier): Boolean = dropTable(identifier)

  override def renameTable(from: Identifier, to: Identifier): Unit = {
    val found = existing(from).getOrElse(throw new NoSuchTableException(from))
    // Spark takes `catalog.database.name` for a namespace of two levels.
    val target = to.namespace match {
      case Array(catalog, namespace) if catalog.equalsIgnoreCase(name()) => Identifier.of(Array(namespace), to.name)
      case _ => to
    }
    rename(target, (tableName(database(from.namespace), found.getName), tableName(newDatabase(target.namespace), target.name)))
  }

  /** Several tables at once: all of them or none. */
  protected def rename(subject: Identifier, renames: (TableName, TableName)*): Unit = {
    val all = proto.RenameTables.newBuilder()
    renames.foreach { case (from, to) => all.addRenames(proto.RenameTables.Rename.newBuilder().setFrom(from).setTo(to)) }
    tidb.run(s"RENAME TABLE $subject", Some(TiErrors.NewTable(subject)))(_.setRenameTables(all))
  }

  // ------------------------------------------------------------------ names

  /**
   * The table, by the session's rules for the case of names.
   *
   * @throws org.apache.spark.sql.AnalysisException for a view or a sequence
   */
  protected def existing(identifier: Identifier): Option[TableListing] =
    if (databaseOf(identifier.namespace).isEmpty || !namespaceExists(identifier.namespace)) {
      None
    } else {
      find(identifier, allListings(identifier.namespace))
    }

  /** The same in a list that was made before. */
  protected def find(identifier: Identifier, all: Seq[TableListing]): Option[TableListing] = {
    val same = SparkInternals.resolver
    val found = all.find(_.getName == identifier.name).orElse(all.find(listing => same(listing.getName, identifier.name)))
    found.filter(_.getKind != TableKind.BASE_TABLE).foreach { listing =>
      throw new TiAnalysisException(s"$identifier is a ${listing.getKind}: change and drop it in TiDB")
    }
    found
  }

  protected def tableName(database: String, table: String): TableName =
    TableName.newBuilder().setDatabase(database).setTable(table).build()

  /** Of a namespace that exists. */
  protected def database(namespace: Array[String]): String =
    databaseOf(namespace).getOrElse(throw new NoSuchNamespaceException(namespace))

  private def newDatabase(namespace: Array[String]): String = databaseOf(namespace).getOrElse(
    throw new TiAnalysisException(
      s"${namespace.mkString(".")} can be no namespace of ${name()}: it has one level, and begins with db_prefix where that is set"
    )
  )
}
