package io.tidbspark.config

/**
 * A setting of TiSpark that is not served here.
 *
 * @param advice what replaces it
 * @param refuse values (lower case) that cannot be ignored safely: they are an error, anything else a warning
 */
final case class Unserved(name: String, advice: String, refuse: Set[String] = Set.empty)

/** What TiSpark had and we do not serve: answered with the replacement, never ignored silently. */
object Unserved {
  private val TiKv = "Reads go to TiKV, by way of its stores' own addresses."
  private val Roles = "Replicas are chosen by their role, see replica_read."
  private val Heartbeat = "Drop it; locks are kept alive for as long as the write runs."
  private val OldRows = "Drop it; old rows are read in write.mode=upsert and ignore only."
  private val NoSplit = "Drop it; regions are not split before a write."
  private val Dead = "Drop it; it had no effect in TiSpark either."
  private val MySql =
    "Rows need no TiDB server. For DDL set tidb.addresses, tidb.user and tidb.password of the catalog; tls.* serve for TiDB too."
  private val Pem = "Give PEM files in tls.ca, tls.cert and tls.key; key stores are not read."

  val All: Seq[Unserved] =
    rows("Drop it; answers have no fixed limit.", "grpc.framesize") ++
      rows("Drop it; retries end with deadline.read.", "grpc.retry.times") ++
      rows(
        "Drop it; a dead store is found by its first failing request.",
        "grpc.health_check_timeout_in_ms",
        "grpc.health_check_period_in_ms"
      ) ++
      rows("Use scan.concurrency (requests per task).", "table.scan_concurrency", "kv_client_concurrency") ++
      rows("Drop it; the encoding is chosen per table.", "coprocess.streaming", "coprocess.codec_format") ++
      rows("Use scan.batch.rows.", "coprocessor.chunk_batch_size") ++
      rows("Use scan.partition.size.", "partition_per_split") ++
      rows(
        Dead,
        "statistics.expire_after_access",
        "write.allow_spark_sql",
        "write.without_lock_table",
        "tikv.region_split_size_in_mb",
        "useTableLock"
      ) ++
      rows(TiKv, "isolation_read_engines", "enable_grpc_forward") ++
      rows(Roles, "replica_read.label", "replica_read.address_whitelist", "replica_read.address_blacklist") ++
      Seq(Unserved("tikv.jks_enable", Pem, refuse = Set("true"))) ++
      rows(Pem, "tikv.jks_key_path", "tikv.jks_key_password", "tikv.jks_trust_path", "tikv.jks_trust_password") ++
      rows("Drop it; files are read when a session is opened.", "tikv.tls_reload_interval", "tikv.conn_recycle_time") ++
      rows(
        MySql,
        "jdbc.tls_enable",
        "jdbc.server_cert_store",
        "jdbc.server_cert_password",
        "jdbc.client_cert_store",
        "jdbc.client_cert_password",
        "tidb.addr",
        "tidb.port",
        "user",
        "password"
      ) ++
      rows("Drop it; the collation of each column is read from the schema.", "new_collation_enable") ++
      rows("Drop it; a read ends with deadline.read.", "gc_max_wait_time") ++
      rows("Drop it; tables are loaded when they are named.", "load_tables") ++
      rows("Drop it; nothing is sent to anyone.", "telemetry.enable") ++
      Seq(
        Unserved("multiTables", "A write has one table; write the tables one after the other.", refuse = Set("true")),
        Unserved("rowFormatVersion", "Rows are written in format 2, as TiDB does.", refuse = Set("1"))
      ) ++
      rows("Two rows with one key fail the write; call dropDuplicates with the key's columns before it.", "deduplicate") ++
      rows(Heartbeat, "ttlMode", "lockTTLSeconds") ++
      rows(OldRows, "useSnapshotBatchGet", "snapshotBatchGetSize", "batchGetBackOfferMS") ++
      rows("Run ANALYZE TABLE in TiDB.", "enableUpdateTableStatistics") ++
      rows("Use deadline.prewrite.", "prewriteBackOfferMS") ++
      rows("Use deadline.commit.", "commitBackOfferMS", "commitPrimaryKeyRetryNumber") ++
      rows(
        NoSplit,
        "enableRegionSplit",
        "regionSplitNum",
        "sampleSplitFrac",
        "scatterWaitMS",
        "regionSplitKeys",
        "minRegionSplitNum",
        "maxRegionSplitNum",
        "regionSplitThreshold",
        "splitRegionBackoffMS",
        "scatterRegionBackoffMS",
        "regionSplitUsingSize",
        "bytesPerRegion"
      ) ++
      rows("Use spark.sql.shuffle.partitions.", "maxWriteTaskNumber")

  private def rows(advice: String, names: String*): Seq[Unserved] = names.map(Unserved(_, advice))
}
