package io.tidbspark.config

import io.tidbspark.config.Scope._

/** The settings of DDL: TiDB's MySQL endpoint, which only the driver talks to. */
object DdlEntries {
  private val OfDriver: Set[Scope] = Set(Session, Catalog)
  private val Day = 24L * 3600 * 1000

  /** Of the endpoint: belongs to a cluster, and TiSpark took it as an option of reads and writes too. */
  private def ofTidb[T](name: String, valueType: ValueType[T], doc: String): ConfEntry[T] =
    ConfEntry(name, valueType, None, OfDriver, doc, ofCluster = true, ignoredAsOption = true)

  val Addresses: ConfEntry[Seq[String]] = ofTidb(
    "tidb.addresses",
    ValueType.Addresses,
    "TiDB servers, tried in turn: DDL needs one, reading and writing rows does not. Encrypted when `tls.ca` is set."
  )
  val User: ConfEntry[String] = ofTidb(
    "tidb.user",
    ValueType.Text,
    "User of TiDB whose privileges DDL has."
  )
  val Password: ConfEntry[String] = ofTidb(
    "tidb.password",
    ValueType.Text,
    "Password of `tidb.user`. Spark gives its whole configuration to executors, this setting with it; the next two stay on the driver. " +
      "None of the three: no password."
  )
  val PasswordFile: ConfEntry[String] = ofTidb(
    "tidb.password.file",
    ValueType.Text,
    "File on the driver whose first line is the password, instead of `tidb.password`. Read for every statement of DDL."
  )
  val PasswordVariable: ConfEntry[String] = ofTidb(
    "tidb.password.env",
    ValueType.Text,
    "Name of an environment variable of the driver that holds the password, instead of `tidb.password`."
  )
  val Deadline: ConfEntry[Long] = ConfEntry(
    "deadline.ddl",
    ValueType.duration(1, 30 * Day),
    Some("1h"),
    OfDriver,
    "Longest time that one statement of DDL may take in TiDB. A new index or another type of a large table takes its time."
  )
  val ShadowLifetime: ConfEntry[Long] = ConfEntry(
    "ctas.lifetime",
    ValueType.duration(60000, 30 * Day),
    Some("24h"),
    OfDriver,
    "Longest time that CREATE or REPLACE TABLE AS SELECT may take. The hidden table of one that is older than that belongs to a driver that " +
      "died; the next such statement in the database removes it."
  )

  /** In the order of the documentation. */
  private[config] def All: Seq[ConfEntry[_]] =
    Seq(Addresses, User, Password, PasswordFile, PasswordVariable, Deadline, ShadowLifetime)
}
