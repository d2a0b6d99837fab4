package io.tidbspark.read

import org.apache.spark.sql.SparkSession
import org.apache.spark.sql.connector.read.{Batch, InputPartition, PartitionReaderFactory}

import io.tidbspark.TiSessions
import io.tidbspark.compat.Converters._
import io.tidbspark.errors.TiErrors
import io.tidbspark.jni.NativePlanner
import io.tidbspark.proto.{Expr, ScanPlan}

/**
 * The physical side of a scan. Planning opens the statement's snapshot and asks PD for regions; it happens once, when Spark first asks for the
 * partitions, so that all partitions and repeated questions see one snapshot, and again only when a join has found filters meanwhile.
 */
final class TiBatch(plan: ReadPlan) extends Batch {
  @volatile private var result: Option[TiBatch.Planned] = None
  @volatile private var runtimeFilters: Vector[Expr] = Vector.empty

  /** What planning gave, None before. */
  def planned: Option[TiBatch.Planned] = result

  /** What joins have found so far. */
  def filters: Seq[Expr] = runtimeFilters

  /** Adds filters that hold as well; those that were there go on holding. Spark asks for the partitions after it, maybe again. */
  def filter(found: Seq[Expr]): Unit = synchronized {
    val added = found.filterNot(runtimeFilters.contains)
    if (added.nonEmpty) {
      runtimeFilters = runtimeFilters ++ added
      result = None
    }
  }

  override def planInputPartitions(): Array[InputPartition] = planOnce().partitions.toArray

  override def createReaderFactory(): PartitionReaderFactory =
    new TiPartitionReaderFactory(plan.table.session.toByteArray, planOnce().common, plan.columns, plan.conf)

  private def planOnce(): TiBatch.Planned = synchronized {
    result.getOrElse {
      val started = System.nanoTime()
      val parallelism = math.max(1, SparkSession.active.sparkContext.defaultParallelism)
      val tso = plan.snapshot.open()
      val scanPlan = TiErrors.translating {
        ScanPlan.parseFrom(
          NativePlanner.plan(TiSessions.get(plan.table.session), plan.spec(tso, parallelism, runtimeFilters).toByteArray)
        )
      }
      val isNear = PreferredHosts.of(plan.conf.locality, SparkSession.active.sparkContext)
      val partitions = scanPlan.getPartitionsList.asScala.map { partition =>
        val hosts = partition.getHostsList.asScala.filter(isNear).toArray
        val tasks = partition.getTasks.toByteArray
        if (partition.hasTablePartition) {
          new TiKeyedInputPartition(tasks, hosts, partition.getRegions, plan.snapshot, partition.getTablePartition)
        } else {
          new TiInputPartition(tasks, hosts, partition.getRegions, plan.snapshot)
        }
      }.toVector
      val planned = TiBatch.Planned(
        scanPlan.getCommon.toByteArray,
        partitions,
        scanPlan.getExplain,
        TiBatch.Counts(
          regions = partitions.iterator.map(_.regions.toLong).sum,
          partitions = scanPlan.getPartitionsTotal.toLong,
          partitionsRead = scanPlan.getPartitionsRead.toLong
        ),
        System.nanoTime() - started
      )
      result = Some(planned)
      planned
    }
  }

  override def equals(other: Any): Boolean = other match {
    case that: TiBatch => plan == that.readPlan
    case _ => false
  }

  override def hashCode(): Int = plan.hashCode()

  private def readPlan: ReadPlan = plan

  override def toString: String = plan.summary
}

object TiBatch {

  /**
   * @param common what all partitions share, opaque
   * @param explain operator tree of the native planner, one operator a line
   * @param nanos how long planning took
   */
  final case class Planned(
      common: Array[Byte],
      partitions: Vector[TiInputPartition],
      explain: String,
      counts: Counts,
      nanos: Long
  )

  /**
   * @param regions to read
   * @param partitions of the table, 0 when it is not partitioned
   * @param partitionsRead those that may hold rows of the answer
   */
  final case class Counts(regions: Long, partitions: Long, partitionsRead: Long)
}
