package io.tidbspark.read

import org.apache.spark.SparkContext
import org.apache.spark.sql.tidb.SparkInternals

import io.tidbspark.config.Locality

/**
 * Which hosts of stores a task may name as preferred.
 *
 * A name without an executor is no help and may do harm: Spark waits `spark.locality.wait` before it runs a task elsewhere, and in local mode, where nothing
 * makes new offers while tasks are idle, a set of tasks of which some prefer such a host and others none stands still for ever.
 */
private[read] object PreferredHosts {

  def of(locality: Locality, context: SparkContext): String => Boolean =
    choose(locality, context.isLocal, SparkInternals.executorHosts())

  def choose(locality: Locality, isLocal: Boolean, executors: => Set[String]): String => Boolean = locality match {
    case Locality.Off => _ => false
    case _ if isLocal => _ => false
    case Locality.Always => _ => true
    case Locality.Auto => executors
  }
}
