package io.tidbspark

import org.apache.spark.sql.AnalysisException
import org.apache.spark.sql.catalyst.QueryPlanningTracker
import org.apache.spark.sql.connector.catalog.TableCapability
import org.apache.spark.sql.connector.read.{Scan, SupportsPushDownRequiredColumns}
import org.apache.spark.sql.connector.write.LogicalWriteInfo
import org.apache.spark.sql.types.{LongType, StringType, StructType}
import org.apache.spark.sql.util.CaseInsensitiveStringMap
import org.scalatest.funsuite.AnyFunSuite

import io.tidbspark.compat.Converters._
import io.tidbspark.proto.DataType.Kind

class TiTableSuite extends AnyFunSuite {
  private def map(entries: (String, String)*) = new CaseInsensitiveStringMap(entries.toMap.asJava)

  private def column(name: String) =
    proto.Column.newBuilder().setName(name).setType(proto.DataType.newBuilder().setKind(Kind.LONG)).setMysqlType("bigint(20)")

  private val schema = proto.TableSchema
    .newBuilder()
    .setDatabase("db")
    .setTable("t")
    .setTableId(104)
    .setSchemaTs(7)
    .setComment("orders")
    .setHandleKind("int")
    .addPrimaryKey("a")
    .addColumns(column("a"))
    .addColumns(column("b"))
    .addColumns(proto.Column.newBuilder().setName("g").setMysqlType("geometry").setUnsupported("no such type in Spark"))
    .addIndexes(proto.Index.newBuilder().setName("PRIMARY").setPrimary(true).setUnique(true).setVisible(true).addColumns("a"))
    .addIndexes(proto.Index.newBuilder().setName("ub").setUnique(true).addColumns("b").addColumns("a"))
    .setPartitioning(
      proto.Partitioning
        .newBuilder()
        .setMethod("RANGE")
        .setExpression("`a`")
        .addPartitions(proto.Partition.newBuilder().setName("p0").setDescription("LESS THAN (10)"))
        .addPartitions(proto.Partition.newBuilder().setName("p1").setDescription("LESS THAN (MAXVALUE)"))
    )
    .build()

  private def table(
      schema: proto.TableSchema = schema,
      at: ReadTimestamp = ReadTimestamp.Latest,
      options: CaseInsensitiveStringMap = map(),
      catalog: CaseInsensitiveStringMap = map()
  ) = new TiTable(
    TableContext(
      "c.db.t",
      proto.SessionConfig.getDefaultInstance,
      schema,
      proto.TypeOptions.getDefaultInstance,
      at,
      options,
      catalog
    )
  )

  private def scan(table: TiTable, columns: Seq[String], options: (String, String)*): Scan = {
    val builder = table.newScanBuilder(map(options: _*)).asInstanceOf[SupportsPushDownRequiredColumns]
    builder.pruneColumns(StructType(columns.map(table.schema()(_))))
    builder.build()
  }

  test("DESCRIBE EXTENDED: comment, key, indexes, partitions") {
    val properties = table().properties().asScala
    assert(properties("comment") == "orders" && properties("provider") == "tidb" && properties("tidb.table_id") == "104")
    assert(properties("tidb.primary_key") == "a" && properties("tidb.handle") == "int")
    assert(properties("tidb.index.PRIMARY") == "PRIMARY (a)" && properties("tidb.index.ub") == "UNIQUE (b, a) INVISIBLE")
    assert(properties("tidb.partition_by") == "RANGE (`a`)")
    assert(properties("tidb.partitions") == "p0 LESS THAN (10), p1 LESS THAN (MAXVALUE)")
  }

  test("a column that cannot be read is an error only for those who touch it") {
    assert(scan(table(), Seq("b", "a")).readSchema().fieldNames.toSeq == Seq("b", "a"))
    assert(scan(table(), Nil).readSchema().isEmpty)
    val error = intercept[AnalysisException](scan(table(), Seq("a", "g")))
    assert(error.getMessage.contains("c.db.t.g: no such type in Spark"))
  }

  test("views and sequences are no tables to read") {
    val view = table(schema.toBuilder.setKind(proto.TableKind.VIEW).build())
    assert(intercept[AnalysisException](scan(view, Seq("a"))).getMessage.contains("VIEW"))
  }

  test("rows or batches by option, session and catalog property") {
    assert(scan(table(), Seq("a")).columnarSupportMode() == Scan.ColumnarSupportMode.SUPPORTED)
    assert(scan(table(), Seq("a"), "scan.columnar" -> "false").columnarSupportMode() == Scan.ColumnarSupportMode.UNSUPPORTED)
    val byCatalog = table(catalog = map("scan.columnar" -> "false"))
    assert(scan(byCatalog, Seq("a")).columnarSupportMode() == Scan.ColumnarSupportMode.UNSUPPORTED)
    assert(scan(byCatalog, Seq("a"), "scan.columnar" -> "true").columnarSupportMode() == Scan.ColumnarSupportMode.SUPPORTED)
  }

  test("a read cannot change what the table was loaded with") {
    assert(intercept[IllegalArgumentException](scan(table(), Seq("a"), "types.bit" -> "bigint")).getMessage.contains("types.bit"))
    val loaded = table(options = map("types.bit" -> "bigint", "database" -> "db"))
    scan(loaded, Seq("a"), "types.bit" -> "bigint", "database" -> "db")
    assert(intercept[IllegalArgumentException](scan(table(), Seq("a"), "no.such" -> "1")).getMessage.contains("no.such"))
    // Spark 4 has loaded the table as of the version when it hands the option over.
    scan(table(at = ReadTimestamp.Tso(5)), Seq("a"), "versionAsOf" -> "5")
  }

  test("equal scans of one moment are equal, whenever the schema was loaded") {
    val reloaded = table(schema.toBuilder.setSchemaTs(8).build())
    assert(table() == reloaded && table().hashCode == reloaded.hashCode)
    QueryPlanningTracker.withTracker(new QueryPlanningTracker) {
      val a = scan(table(), Seq("a"))
      assert(a == scan(reloaded, Seq("a")) && a.toBatch == scan(reloaded, Seq("a")).toBatch)
      assert(a.hashCode == scan(reloaded, Seq("a")).hashCode && a.toBatch.hashCode == scan(reloaded, Seq("a")).toBatch.hashCode)
      assert(a != scan(table(), Seq("b")))
      assert(a.toBatch != scan(table(at = ReadTimestamp.Millis(5)), Seq("a")).toBatch)
    }
    assert(table() != table(at = ReadTimestamp.Millis(5)))
    assert(table() != table(schema.toBuilder.setTableId(105).build()))
  }

  test("scans of the present are equal within a statement, and never those of two") {
    def one() = QueryPlanningTracker.withTracker(new QueryPlanningTracker)(scan(table(), Seq("a")))
    assert(one() != one())
    def past() = QueryPlanningTracker.withTracker(new QueryPlanningTracker)(scan(table(at = ReadTimestamp.Tso(7)), Seq("a")))
    assert(past() == past() && past().hashCode == past().hashCode)
  }

  test("the description says table, columns and moment before anything was asked of the cluster") {
    val text = scan(table(at = ReadTimestamp.Tso(9)), Seq("b", "a")).description()
    assert(text == "TiDBScan c.db.t columns=[b, a] read_ts=9 (TSO 9)")
  }

  private def write(table: TiTable, columns: StructType, entries: (String, String)*): Unit = {
    val info = new LogicalWriteInfo {
      override def options(): CaseInsensitiveStringMap = map(entries: _*)
      override def queryId(): String = "q"
      override def schema(): StructType = columns
    }
    assert(table.newWriteBuilder(info) != null)
  }

  private val a = new StructType().add("a", LongType)

  test("writing: what is refused before anything is asked of the cluster") {
    write(table(), a, "write.mode" -> "upsert", "replace" -> "true", "deduplicate" -> "false")
    write(table(options = map("database" -> "db", "table" -> "t")), a, "database" -> "db", "table" -> "t")
    def refused(columns: StructType, table: TiTable, options: (String, String)*): String =
      intercept[AnalysisException](write(table, columns, options: _*)).getMessage
    val view = table(schema.toBuilder.setKind(proto.TableKind.VIEW).build())
    assert(refused(a, view).contains("c.db.t is a VIEW; only tables can be written"))
    assert(refused(a, table(at = ReadTimestamp.Tso(9))).contains("as of TSO 9, and only the present can be written"))
    assert(refused(a, table(), "write.enable" -> "false").contains("switched off by write.enable=false"))
    assert(refused(new StructType().add("a", StringType), table()).contains("the column a is BIGINT and the rows have STRING"))
    assert(refused(new StructType().add("x", LongType), table()).contains("has no column x"))
    def wrong(options: (String, String)*): String =
      intercept[IllegalArgumentException](write(table(), a, options: _*)).getMessage
    assert(wrong("write.mod" -> "x").contains("did you mean write.mode?"))
    assert(wrong("write.mode" -> "x").contains("Allowed: append, upsert, ignore"))
    assert(wrong("scan.concurrency" -> "2").contains("is not known here"))
    assert(wrong("database" -> "other").contains("cannot change it"))
    assert(wrong("multiTables" -> "true").contains("one table"))
    assert(
      intercept[IllegalArgumentException](scan(table(), Seq("a"), "write.mode" -> "upsert")).getMessage.contains("not known here")
    )
  }

  test("a table says that it can be written; columns must all be given without the session extension") {
    val all = table().capabilities()
    assert(all.contains(TableCapability.BATCH_WRITE) && all.contains(TableCapability.TRUNCATE))
    assert(all.contains(TableCapability.OVERWRITE_BY_FILTER) && all.contains(TableCapability.OVERWRITE_DYNAMIC))
    assert(!all.contains(TableCapability.ACCEPT_ANY_SCHEMA))
  }
}
