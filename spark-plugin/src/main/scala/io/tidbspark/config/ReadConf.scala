package io.tidbspark.config

import org.apache.spark.sql.internal.SQLConf

import io.tidbspark.compat.Converters._
import io.tidbspark.proto

/** Where tasks ask to run. */
sealed trait Locality

object Locality {

  /** On the hosts of stores that have an executor. */
  case object Auto extends Locality

  /** Anywhere. */
  case object Off extends Locality

  /** On the hosts of stores. */
  case object Always extends Locality
}

/**
 * How one scan reads, as executors need it.
 *
 * @param batchRows rows of a batch, about
 * @param concurrency requests in flight per task
 * @param memoryBytes native memory per task
 * @param partitionBytes bytes per Spark partition, about
 * @param locality which preferred hosts partitions name
 * @param reportPartitioning whether Spark is told of the table's partitions
 */
final case class ScanConf(
    columnar: Boolean,
    concurrency: Int,
    batchRows: Int,
    memoryBytes: Long,
    partitionBytes: Long,
    locality: Locality,
    reportPartitioning: Boolean
)

/** Groups of settings as the values that the rest of the connector passes on. */
object ReadConf {

  /** Spark 4 can shuffle one side of a join as the partitions of the other are. It would have to compute them, which only TiDB does. */
  private val ShufflesOneSide = "spark.sql.sources.v2.bucketing.shuffle.enabled"

  def scan(conf: TiConf, spark: SQLConf): ScanConf = ScanConf(
    columnar = conf(Entries.Columnar),
    concurrency = conf(Entries.ScanConcurrency),
    batchRows = conf(Entries.BatchRows),
    memoryBytes = conf(Entries.MemoryLimit),
    partitionBytes = conf(Entries.PartitionSize),
    locality = conf(Entries.ReadLocality),
    reportPartitioning = conf(PlanEntries.ReportPartitioning) && !spark.getConfString(ShufflesOneSide, "false").trim.toBoolean
  )

  /** What may be pushed down, and the settings of Spark that say what an expression means. */
  def pushDown(conf: TiConf, spark: SQLConf): proto.PushDown = {
    val indexes = conf(PlanEntries.AllowIndexRead)
    proto.PushDown
      .newBuilder()
      .setFilters(conf(PlanEntries.AllowFilterPushDown))
      .setAggregates(conf(PlanEntries.AllowAggPushDown))
      .setTopN(conf(PlanEntries.AllowTopNPushDown))
      .setLimit(conf(PlanEntries.AllowLimitPushDown))
      .setIndexRead(indexes)
      .setIndexFirst(indexes && conf(PlanEntries.IndexFirst))
      .setPartitionPruning(conf(PlanEntries.AllowPartitionPruning))
      .addAllRefusedFunctions(conf.get(PlanEntries.RefusedFunctions).getOrElse(Nil).asJava)
      .setAnsi(spark.ansiEnabled)
      .setTimeZone(spark.sessionLocalTimeZone)
      .setDecimalPrecisionLoss(spark.decimalOperationsAllowPrecisionLoss)
      .setStatistics(conf(PlanEntries.StatisticsAutoLoad))
      .setIndexBatchRows(conf(PlanEntries.IndexBatchRows))
      .setIndexConcurrency(conf(PlanEntries.IndexConcurrency))
      .setIndexDowngradeRows(conf(PlanEntries.IndexDowngradeRows))
      .build()
  }

  /** @param timeZone Spark's session time zone */
  def types(conf: TiConf, timeZone: String): proto.TypeOptions =
    proto.TypeOptions
      .newBuilder()
      .setTinyint1(conf(Entries.TinyInt1))
      .setZeroDate(conf(Entries.ZeroDate))
      .setDecimalOverflow(conf(Entries.DecimalOverflow))
      .setBit(conf(Entries.BitType))
      .setTime(conf(Entries.TimeType))
      .setDatetime(conf(Entries.TimestampNtz))
      .setTimeZone(timeZone)
      .addAllRefusedTypes(conf.get(Entries.RefusedTypes).getOrElse(Nil).asJava)
      .build()

  /**
   * The cluster and how to reach it.
   *
   * @param where how this user would set a property of the cluster, for messages
   */
  def session(conf: TiConf, where: String => String): proto.SessionConfig = {
    val addresses = conf
      .get(Entries.PdAddresses)
      .getOrElse(
        throw new IllegalArgumentException(
          s"${where(Entries.PdAddresses.name)} is not set: it names the PD endpoints of the cluster, such as pd0:2379,pd1:2379"
        )
      )
    val builder = proto.SessionConfig
      .newBuilder()
      .addAllPdAddresses(addresses.asJava)
      .setConnectTimeoutMs(conf(Entries.ConnectTimeout))
      .setRequestTimeoutMs(conf(Entries.RequestTimeout))
      .setReadDeadlineMs(conf(Entries.ReadDeadline))
      .setCommandPriority(conf(Entries.CommandPriority))
      .setIsolationLevel(conf(Entries.IsolationLevel))
      .addAllReplicaRead(conf(Entries.ReplicaRead).takeWhile(_ != "leader").asJava)
      .putAllHostMapping(conf.get(Entries.HostMapping).getOrElse(Map.empty).asJava)
    tls(conf).foreach(builder.setTls)
    builder.build()
  }

  /** Partial settings are an error: they must never end in plain text. */
  private[tidbspark] def tls(conf: TiConf): Option[proto.Tls] = {
    val ca = conf.get(Entries.TlsCa)
    val cert = conf.get(Entries.TlsCert)
    val key = conf.get(Entries.TlsKey)
    val enabled = conf.get(Entries.TlsEnabled)
    def incomplete(what: String) = throw new IllegalArgumentException(
      s"TLS is configured in part: $what. Give tls.ca alone, or tls.ca, tls.cert and tls.key."
    )
    if (enabled.contains(false)) {
      None
    } else if (ca.isEmpty) {
      if (enabled.contains(true)) incomplete("tls.enabled is true and tls.ca is not set")
      if (cert.nonEmpty || key.nonEmpty) incomplete("tls.ca is not set")
      None
    } else {
      if (cert.nonEmpty && key.isEmpty) incomplete("tls.cert is set and tls.key is not")
      if (cert.isEmpty && key.nonEmpty) incomplete("tls.key is set and tls.cert is not")
      Some(proto.Tls.newBuilder().setCaPath(ca.get).setCertPath(cert.getOrElse("")).setKeyPath(key.getOrElse("")).build())
    }
  }
}
