package io.tidbspark.config

import io.tidbspark.proto.WriteSpec

/** How rows come to tasks. */
sealed trait WriteDistribution

object WriteDistribution {

  /** Equal keys meet in one task, sorted. */
  case object Hash extends WriteDistribution

  /** A task gets an interval of keys, sorted. */
  case object Range extends WriteDistribution

  /** As they come. */
  case object None extends WriteDistribution
}

/**
 * How one write works.
 *
 * @param ownTransactions whether each task is a transaction, instead of the whole write
 * @param batchBytes keys and values that a task collects before it sends them
 * @param requestBytes keys and values of one request
 * @param concurrency requests in flight per task
 * @param memoryBytes memory of one task
 * @param resolveInBackground whether to return before all locks are turned into rows
 */
final case class WriteConf(
    mode: WriteSpec.Mode,
    distribution: WriteDistribution,
    ownTransactions: Boolean,
    batchBytes: Long,
    requestBytes: Long,
    concurrency: Int,
    memoryBytes: Long,
    resolveInBackground: Boolean,
    prewriteDeadlineMillis: Long,
    commitDeadlineMillis: Long
)

object WriteConf {

  def apply(conf: TiConf): WriteConf = WriteConf(
    mode = conf(Entries.WriteMode),
    distribution = conf(Entries.Distribution),
    ownTransactions = conf(Entries.WriteAtomicity),
    batchBytes = conf(Entries.WriteBatchBytes),
    requestBytes = conf(Entries.WriteRequestBytes),
    concurrency = conf(Entries.WriteConcurrency),
    memoryBytes = conf(Entries.WriteMemoryLimit),
    resolveInBackground = conf(Entries.WriteResolve),
    prewriteDeadlineMillis = conf(Entries.PrewriteDeadline),
    commitDeadlineMillis = conf(Entries.CommitDeadline)
  )
}
