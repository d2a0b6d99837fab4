package io.tidbspark.read

import org.apache.spark.sql.SparkSession
import org.apache.spark.sql.connector.read.{Batch, InputPartition, PartitionReaderFactory}

import io.tidbspark.TiSessions
import io.tidbspark.compat.Converters._
import io.tidbspark.errors.TiErrors
import io.tidbspark.jni.NativePlanner
import io.tidbspark.proto.ScanPlan

/**
 * The physical side of a scan. Planning opens the statement's snapshot and asks PD for regions; it happens once, when Spark first asks for the
 * partitions, so that all partitions and repeated questions see one snapshot.
 */
final class TiBatch(plan: ReadPlan) extends Batch {
  @volatile private var result: Option[TiBatch.Planned] = None

  /** What planning gave, None before. */
  def planned: Option[TiBatch.Planned] = result

  override def planInputPartitions(): Array[InputPartition] = planOnce().partitions.toArray

  override def createReaderFactory(): PartitionReaderFactory =
    new TiPartitionReaderFactory(plan.table.session.toByteArray, planOnce().common, plan.columns, plan.conf)

  private def planOnce(): TiBatch.Planned = synchronized {
    result.getOrElse {
      val started = System.nanoTime()
      val parallelism = math.max(1, SparkSession.active.sparkContext.defaultParallelism)
      val tso = plan.snapshot.open()
      val scanPlan = TiErrors.translating {
        ScanPlan.parseFrom(NativePlanner.plan(TiSessions.get(plan.table.session), plan.spec(tso, parallelism).toByteArray))
      }
      val partitions = scanPlan.getPartitionsList.asScala.map { partition =>
        val hosts = if (plan.conf.locality) partition.getHostsList.asScala.toArray else Array.empty[String]
        TiInputPartition(partition.getTasks.toByteArray, hosts, partition.getRegions)(plan.snapshot)
      }.toVector
      val planned = TiBatch.Planned(
        scanPlan.getCommon.toByteArray,
        partitions,
        scanPlan.getExplain,
        partitions.iterator.map(_.regions.toLong).sum,
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
  final case class Planned(common: Array[Byte], partitions: Vector[TiInputPartition], explain: String, regions: Long, nanos: Long)
}
