package io.tidbspark.config

import io.tidbspark.config.Scope._

/** The settings of DDL: TiDB's MySQL endpoint, which only the driver talks to. */
object DdlEntries {
  private val OfDriver: Set[Scope] = Set(Session, Catalog)
  private val Day = 24L * 3600 * 1000

  val Addresses: ConfEntry[Seq[String]] = ConfEntry(
    "tidb.addresses",
    ValueType.Addresses,
    None,
    OfDriver,
    "TiDB servers, tried in turn: DDL needs one, reading and writing rows does not. Encrypted when `tls.ca` is set.",
    ofCluster = true,
    ignoredAsOption = true
  )
  val User: ConfEntry[String] = ConfEntry(
    "tidb.user",
    ValueType.Text,
    None,
    OfDriver,
    "User of TiDB whose privileges DDL has.",
    ofCluster = true,
    ignoredAsOption = true
  )
  val Password: ConfEntry[String] = ConfEntry(
    "tidb.password",
    ValueType.Text,
    None,
    OfDriver,
    "Password of `tidb.user`. Spark gives its whole configuration to executors, this setting with it; the next two stay on the driver. " +
      "None of the three: no password.",
    ofCluster = true,
    ignoredAsOption = true
  )
  val PasswordFile: ConfEntry[String] = ConfEntry(
    "tidb.password.file",
    ValueType.Text,
    None,
    OfDriver,
    "File on the driver whose first line is the password, instead of `tidb.password`. Read for every statement of DDL.",
    ofCluster = true,
    ignoredAsOption = true
  )
  val PasswordVariable: ConfEntry[String] = ConfEntry(
    "tidb.password.env",
    ValueType.Text,
    None,
    OfDriver,
    "Name of an environment variable of the driver that holds the password, instead of `tidb.password`.",
    ofCluster = true,
    ignoredAsOption = true
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
