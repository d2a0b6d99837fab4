package io.tidbspark.config

import io.tidbspark.config.Scope.Reading

/** The settings of push-down and planning: each construct can be turned off by itself. */
object PlanEntries {
  val AllowFilterPushDown: ConfEntry[Boolean] = ConfEntry(
    "plan.allow_filter_pushdown",
    ValueType.Bool,
    Some("true"),
    Reading,
    "The stores evaluate predicates that they evaluate as Spark does. `false` also means: no ranges of keys, no index and no pruned partition."
  )
  val AllowAggPushDown: ConfEntry[Boolean] = ConfEntry(
    "plan.allow_agg_pushdown",
    ValueType.Bool,
    Some("true"),
    Reading,
    "The stores aggregate the rows of each region, and Spark what they answer."
  )
  val AllowTopNPushDown: ConfEntry[Boolean] = ConfEntry(
    "plan.allow_topn_pushdown",
    ValueType.Bool,
    Some("true"),
    Reading,
    "The stores answer only the first rows of each region for ORDER BY with LIMIT."
  )
  val AllowLimitPushDown: ConfEntry[Boolean] = ConfEntry(
    "plan.allow_limit_pushdown",
    ValueType.Bool,
    Some("true"),
    Reading,
    "The stores answer only so many rows of each region as LIMIT asks for."
  )
  val AllowPartitionPruning: ConfEntry[Boolean] = ConfEntry(
    "plan.allow_partition_pruning",
    ValueType.Bool,
    Some("true"),
    Reading,
    "Partitions that cannot hold rows of the answer are not read."
  )
  val ReportPartitioning: ConfEntry[Boolean] = ConfEntry(
    "plan.report_partitioning",
    ValueType.Bool,
    Some("false"),
    Reading,
    "Tell Spark by which integer column a table is partitioned, so that it joins tables with equal partitions, and groups by the column, without a shuffle. " +
      "One task then reads all of a partition. Spark has to allow it: `spark.sql.sources.v2.bucketing.enabled`, without `spark.sql.sources.v2.bucketing.shuffle.enabled`."
  )
  val AllowIndexRead: ConfEntry[Boolean] = ConfEntry(
    "plan.allow_index_read",
    ValueType.Bool,
    Some("true"),
    Reading,
    "Read an index where that costs less than the ranges of the table, by TiDB's statistics."
  )
  val IndexFirst: ConfEntry[Boolean] = ConfEntry(
    "plan.use_index_scan_first",
    ValueType.Bool,
    Some("false"),
    Reading,
    "Read an index whenever one has ranges for the predicates, whatever it costs."
  )
  val RefusedFunctions: ConfEntry[Seq[String]] = ConfEntry(
    "plan.unsupported_pushdown_exprs",
    ValueType.TextList,
    None,
    Reading,
    "Functions that Spark evaluates and not the stores, by the names in docs/pushdown.md or by TiDB's; those in TiDB's `mysql.expr_pushdown_blacklist` are left out anyway."
  )
  val IndexDowngradeRows: ConfEntry[Long] = ConfEntry(
    "plan.downgrade.index_threshold",
    ValueType.long("rows", 0, Long.MaxValue),
    Some("1000000000"),
    Reading,
    "An index that is expected to find more rows than that is not used to look up rows."
  )
  val IndexBatchRows: ConfEntry[Int] = ConfEntry(
    "index.scan_batch_size",
    ValueType.int(1, 1 << 20),
    Some("20000"),
    Reading,
    "Rows that an index look-up fetches at once."
  )
  val IndexConcurrency: ConfEntry[Int] = ConfEntry(
    "index.scan_concurrency",
    ValueType.int(1, 256),
    Some("5"),
    Reading,
    "Requests for rows that one task with an index look-up keeps in flight."
  )
  val StatisticsAutoLoad: ConfEntry[Boolean] = ConfEntry(
    "statistics.auto_load",
    ValueType.Bool,
    Some("true"),
    Reading,
    "Load TiDB's statistics of a table when a query reads it: for the choice of an index, and for Spark's choice of joins."
  )

  /** In the order of the documentation. */
  private[config] def All: Seq[ConfEntry[_]] = Seq(
    AllowFilterPushDown,
    AllowAggPushDown,
    AllowTopNPushDown,
    AllowLimitPushDown,
    AllowPartitionPruning,
    ReportPartitioning,
    AllowIndexRead,
    IndexFirst,
    RefusedFunctions,
    IndexDowngradeRows,
    IndexBatchRows,
    IndexConcurrency,
    StatisticsAutoLoad
  )
}
