package io.tidbspark.write

import scala.collection.mutable

import org.apache.arrow.c.{ArrowArray, ArrowSchema}
import org.apache.spark.sql.types._
import org.apache.spark.sql.util.CaseInsensitiveStringMap

import io.tidbspark.config.{TiConf, WriteConf}
import io.tidbspark.proto.DataType.Kind
import io.tidbspark.proto._
import io.tidbspark.{ReadTimestamp, TableContext, proto}

/** A table and a native library that only take notes. */
object WriteFixtures {

  def column(name: String, kind: Kind, nullable: Boolean = true): proto.Column.Builder =
    proto.Column
      .newBuilder()
      .setName(name)
      .setType(proto.DataType.newBuilder().setKind(kind))
      .setNullable(nullable)
      .setMysqlType("x")

  /** t(id BIGINT NOT NULL AUTO_INCREMENT, a INT NOT NULL DEFAULT 5, b VARCHAR, d DATETIME DEFAULT CURRENT_TIMESTAMP) */
  val schema: TableSchema = TableSchema
    .newBuilder()
    .setDatabase("db")
    .setTable("t")
    .setTableId(104)
    .setHandleKind("int")
    .addPrimaryKey("id")
    .addColumns(column("id", Kind.LONG, nullable = false).setAutoIncrement(true))
    .addColumns(column("a", Kind.INT, nullable = false).setDefaultValue("'5'"))
    .addColumns(column("b", Kind.STRING).setDefaultValue("NULL"))
    .addColumns(column("d", Kind.TIMESTAMP_NTZ).setMysqlType("datetime").setDefaultValue("CURRENT_TIMESTAMP"))
    .build()

  def context(schema: TableSchema = schema, at: ReadTimestamp = ReadTimestamp.Latest): TableContext =
    TableContext(
      "c.db.t",
      SessionConfig.getDefaultInstance,
      schema,
      TypeOptions.getDefaultInstance,
      at,
      TiConf.Empty,
      TiConf.Empty
    )

  val conf: WriteConf = WriteConf(new TiConf(TiConf.Empty, _ => None, TiConf.Empty))

  def intent(columns: StructType, conf: WriteConf = conf, rowIds: StructType = new StructType): WriteIntent =
    WriteIntent(
      context(),
      columns,
      rowIds,
      conf,
      WriteSpec.Overwrite.OVERWRITE_NONE,
      Nil,
      caseSensitive = false,
      speculation = false
    )

  val ab: StructType = new StructType().add("a", IntegerType, nullable = false).add("b", StringType)

  /** What was called, in order. */
  type Calls = mutable.ArrayBuffer[String]
  def calls: Calls = mutable.ArrayBuffer.empty[String]

  final class Engine(info: WriteInfo) extends WriteEngine {
    var asked: Option[WriteSpec] = None

    override def check(spec: WriteSpec): WriteInfo = {
      asked = Some(spec)
      info
    }

    override def begin(spec: WriteSpec): WriteTransaction = throw new UnsupportedOperationException
  }

  final class Transaction(calls: Calls, fail: Set[String] = Set.empty) extends WriteTransaction {
    private def call[T](name: String, answer: => T): T = {
      calls += name
      if (fail(name.takeWhile(_ != ' '))) throw new IllegalStateException(s"$name fails")
      answer
    }

    override def startTasks(partitions: Int): WritePlan = call(s"startTasks $partitions", WritePlan.getDefaultInstance)

    override def commit(request: CommitRequest): WriteResult =
      call(s"commit ${request.getMessagesCount}", WriteResult.newBuilder().setCommitTs(7).build())

    override def abort(request: CommitRequest): Unit = call(s"abort ${request.getMessagesCount}", ())

    override def close(): Unit = call("close", ())
  }

  /** @param take what to do with a batch; it is not released by the sink when this throws */
  final class Sink(calls: Calls, take: (ArrowArray, ArrowSchema) => Unit = (_, _) => ()) extends WriteSink {
    private var rows = 0L

    override def write(arrowArrayAddress: Long, arrowSchemaAddress: Long): Unit = {
      val array = ArrowArray.wrap(arrowArrayAddress)
      calls += s"write ${array.snapshot().length}"
      rows += array.snapshot().length
      take(array, ArrowSchema.wrap(arrowSchemaAddress))
    }

    override def finish(): CommitMessage = {
      calls += "finish"
      CommitMessage.newBuilder().setPartition(3).setRows(rows).build()
    }

    override def metrics(): WriteMetrics = WriteMetrics.newBuilder().setRows(rows).build()

    override def cancel(): Unit = calls.synchronized(calls += "cancel")

    override def close(): Unit = calls += "close"
  }
}
