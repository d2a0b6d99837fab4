package org.apache.spark.sql.tidb

import org.apache.arrow.memory.BufferAllocator
import org.apache.arrow.vector.VectorSchemaRoot
import org.apache.arrow.vector.types.pojo.Schema
import org.apache.spark.memory.TaskMemoryManager
import org.apache.spark.sql.AnalysisException
import org.apache.spark.sql.catalyst.util.ResolveDefaultColumns
import org.apache.spark.sql.connector.catalog.{CatalogV2Util, Column}
import org.apache.spark.sql.execution.arrow.ArrowWriter
import org.apache.spark.sql.execution.ui.SparkListenerDriverAccumUpdates
import org.apache.spark.sql.internal.SQLConf
import org.apache.spark.sql.types.{DataType, StructType}
import org.apache.spark.sql.util.ArrowUtils
import org.apache.spark.{SparkContext, SparkEnv, TaskContext}

/** The one door to members that Spark keeps for its own packages. */
object SparkInternals {

  /** A child of the allocator that all of Spark's Arrow code shares. */
  def newArrowAllocator(name: String): BufferAllocator = ArrowUtils.rootAllocator.newChildAllocator(name, 0, Long.MaxValue)

  def fromArrowSchema(schema: Schema): StructType = ArrowUtils.fromArrowSchema(schema)

  /** The Arrow types that Spark's own rows are written to. */
  def toArrowSchema(schema: StructType, timeZone: String): Schema =
    // Not the large forms of strings and binaries, which later versions make by default: the native library takes the small ones.
    ArrowUtils.toArrowSchema(schema, timeZone, true, false)

  /** Spark's writer of rows into Arrow vectors. */
  type RowWriter = ArrowWriter

  def newArrowWriter(root: VectorSchemaRoot): RowWriter = ArrowWriter.create(root)

  /** Equal but for nullability. */
  def sameType(a: DataType, b: DataType): Boolean = DataType.equalsIgnoreNullability(a, b)

  /** The columns that Spark would hand to a catalog for this schema, defaults included. */
  def columns(schema: StructType): Array[Column] = CatalogV2Util.structTypeToV2Columns(schema)

  /**
   * What the words of a DEFAULT clause come to, as Spark keeps values internally.
   *
   * @throws org.apache.spark.sql.AnalysisException when they are not constant or of another type
   */
  def defaultValue(column: String, dataType: DataType, sql: String): Any =
    ResolveDefaultColumns.analyze(column, dataType, sql, "ALTER TABLE").eval()

  /** Whether two names are the same to this thread's session. */
  def resolver: (String, String) => Boolean = SQLConf.get.resolver

  /** Throws Spark's TaskKilledException when the task was killed. */
  def killTaskIfInterrupted(context: TaskContext): Unit = context.killTaskIfInterrupted()

  def taskMemoryManager(context: TaskContext): TaskMemoryManager = context.taskMemoryManager()

  /** Adds the driver's part to a query's metrics, by the ids of their accumulators. */
  def postMetrics(context: SparkContext, execution: Long, updates: Seq[(Long, Long)]): Unit =
    context.listenerBus.post(SparkListenerDriverAccumUpdates(execution, updates))

  /** Hosts of the executors that have come up; on the driver. */
  def executorHosts(): Set[String] =
    SparkEnv.get.blockManager.master.getMemoryStatus.keysIterator.filterNot(_.isDriver).map(_.host).toSet

  /** A setting of the application, also on executors; None outside Spark. */
  def sparkConf(key: String): Option[String] = Option(SparkEnv.get).flatMap(_.conf.getOption(key))
}

/** An analysis error with a message of ours; Spark's own constructor wants one of Spark's error classes. */
class TiAnalysisException(message: String, cause: Option[Throwable] = None)
    extends AnalysisException(message = message, cause = cause)
