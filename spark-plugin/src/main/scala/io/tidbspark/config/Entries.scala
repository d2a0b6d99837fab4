package io.tidbspark.config

import io.tidbspark.config.Scope._
import io.tidbspark.jni.NativeLibrary
import io.tidbspark.proto.{TypeOptions, WriteSpec}

/** Every setting, declared once. The documentation page is generated from this list. */
object Entries {
  private val Everywhere: Set[Scope] = Set(TableOption, Session, Catalog)
  private val Writing: Set[Scope] = Set(WriteOption, Session, Catalog)

  private val MaxMillis = (1L << 46) - 1
  private val Day = 24L * 3600 * 1000

  // ------------------------------------------------------------------ which table

  val Database: ConfEntry[String] =
    ConfEntry("database", ValueType.Text, None, Set(TableOption), "Database of the table.")
  val Table: ConfEntry[String] = ConfEntry("table", ValueType.Text, None, Set(TableOption), "Table to read or write.")
  val DbTable: ConfEntry[String] =
    ConfEntry(
      "dbtable",
      ValueType.Text,
      None,
      Set(TableOption),
      "`database.table`, instead of the two options; back-quotes as in SQL."
    )

  // ------------------------------------------------------------------ cluster

  val PdAddresses: ConfEntry[Seq[String]] =
    ConfEntry(
      "pd.addresses",
      ValueType.Addresses,
      None,
      Everywhere,
      "PD endpoints.",
      oldNames = Seq(OldName("pd.address")),
      ofCluster = true
    )
  val TlsEnabled: ConfEntry[Boolean] = ConfEntry(
    "tls.enabled",
    ValueType.Bool,
    None,
    Everywhere,
    "Encrypt connections to PD and stores. By default on when `tls.ca` is set.",
    oldNames = Seq(OldName("tikv.tls_enable")),
    ofCluster = true
  )
  val TlsCa: ConfEntry[String] = ConfEntry(
    "tls.ca",
    ValueType.Text,
    None,
    Everywhere,
    "PEM file with the certificates of the authorities to trust. Must exist on the driver and on all executors.",
    oldNames = Seq(OldName("tikv.trust_cert_collection")),
    ofCluster = true
  )
  val TlsCert: ConfEntry[String] = ConfEntry(
    "tls.cert",
    ValueType.Text,
    None,
    Everywhere,
    "PEM file with our own certificate chain, for mutual TLS; needs `tls.key`.",
    oldNames = Seq(OldName("tikv.key_cert_chain")),
    ofCluster = true
  )
  val TlsKey: ConfEntry[String] = ConfEntry(
    "tls.key",
    ValueType.Text,
    None,
    Everywhere,
    "PEM file with the private key of `tls.cert`.",
    oldNames = Seq(OldName("tikv.key_file")),
    ofCluster = true
  )
  val HostMapping: ConfEntry[Map[String, String]] = ConfEntry(
    "host_mapping",
    ValueType.HostMapping,
    None,
    Everywhere,
    "Addresses to dial instead of those that PD names, for stores behind NAT: `from:to;from:to`, or `from=to` where a side has a port.",
    ofCluster = true
  )
  val CommandPriority: ConfEntry[String] = ConfEntry(
    "request.command.priority",
    ValueType.choice("Low" -> "Low", "Normal" -> "Normal", "High" -> "High"),
    Some("Low"),
    Everywhere,
    "Priority of our requests at the stores."
  )
  val IsolationLevel: ConfEntry[String] = ConfEntry(
    "request.isolation.level",
    ValueType.choice("SI" -> "SI", "RC" -> "RC"),
    Some("SI"),
    Everywhere,
    "`SI` reads one consistent snapshot. `RC` ignores locks and may see half of a transaction."
  )
  val ReplicaRead: ConfEntry[Seq[String]] = ConfEntry(
    "replica_read",
    ValueType.words("leader", "follower", "learner"),
    Some("leader"),
    Everywhere,
    "Which replicas in TiKV serve reads of rows: the first of these roles that a region has a replica for, and the leader whenever that one " +
      "does not answer. What stands after `leader` is never asked."
  )
  val ConnectTimeout: ConfEntry[Long] =
    ConfEntry("connect.timeout", ValueType.duration(1, 3600000), Some("5s"), Everywhere, "First answer of PD.")
  val RequestTimeout: ConfEntry[Long] = ConfEntry(
    "request.timeout",
    ValueType.duration(1, 3600000),
    Some("60s"),
    Everywhere,
    "One request to PD or a store.",
    oldNames = Seq(OldName("grpc.timeout_in_sec", text => s"${text.trim}s"))
  )
  val ReadDeadline: ConfEntry[Long] = ConfEntry(
    "deadline.read",
    ValueType.duration(1, Day),
    Some("10min"),
    Everywhere,
    "Longest wait of one Spark partition for an answer, all retries included."
  )

  // ------------------------------------------------------------------ catalog

  val StaleRead: ConfEntry[Long] = ConfEntry(
    "stale_read",
    ValueType.long("milliseconds since 1970", 1, MaxMillis),
    None,
    Set(Session),
    "Read schemas and rows of this moment. Looked at when a statement is analysed; unset it or set it to nothing to read the present. " +
      "Serves tables of a catalog, not `spark.read.format(\"tidb\")`."
  )
  val DbPrefix: ConfEntry[String] = ConfEntry(
    "db_prefix",
    ValueType.Text,
    Some(""),
    Set(Session, Catalog),
    "Put before the name of every database, to tell them from those of other catalogs."
  )
  val SystemDatabases: ConfEntry[Boolean] = ConfEntry(
    "show_system_databases",
    ValueType.Bool,
    Some("false"),
    Set(Session, Catalog),
    "List `mysql`, `information_schema` and the like. They can be named either way."
  )
  val ShowRowId: ConfEntry[Boolean] = ConfEntry(
    "show_rowid",
    ValueType.Bool,
    Some("false"),
    Everywhere,
    "Add `_tidb_rowid` BIGINT as the last column of tables whose rows have one.",
    oldNames = Seq(OldName("tidbRowId"))
  )

  // ------------------------------------------------------------------ types

  val TinyInt1: ConfEntry[TypeOptions.TinyInt1] = ConfEntry(
    "types.tinyint1",
    ValueType.choice("boolean" -> TypeOptions.TinyInt1.TINYINT1_BOOLEAN, "tinyint" -> TypeOptions.TinyInt1.TINYINT1_TINYINT),
    Some("boolean"),
    Everywhere,
    "`TINYINT(1)` as BOOLEAN (every value but 0 is true) or as TINYINT, which keeps 2 to 127."
  )
  val ZeroDate: ConfEntry[TypeOptions.ZeroDate] = ConfEntry(
    "types.zeroDate",
    ValueType.choice("null" -> TypeOptions.ZeroDate.ZERO_DATE_NULL, "error" -> TypeOptions.ZeroDate.ZERO_DATE_ERROR),
    Some("null"),
    Everywhere,
    "Dates that Spark cannot hold, such as `0000-00-00` and `2024-02-00`."
  )
  val DecimalOverflow: ConfEntry[TypeOptions.DecimalOverflow] = ConfEntry(
    "types.decimalOverflow",
    ValueType.choice(
      "error" -> TypeOptions.DecimalOverflow.DECIMAL_OVERFLOW_ERROR,
      "string" -> TypeOptions.DecimalOverflow.DECIMAL_OVERFLOW_STRING,
      "narrow" -> TypeOptions.DecimalOverflow.DECIMAL_OVERFLOW_NARROW
    ),
    Some("error"),
    Everywhere,
    "DECIMAL of more than 38 digits: touching the column is an error, it is a STRING, or a DECIMAL(38, s) where a value that does not fit is an error."
  )
  val BitType: ConfEntry[TypeOptions.Bit] = ConfEntry(
    "types.bit",
    ValueType.choice("binary" -> TypeOptions.Bit.BIT_BINARY, "bigint" -> TypeOptions.Bit.BIT_BIGINT),
    Some("binary"),
    Everywhere,
    "`BIT(n)` with n over 1. `BIT(1)` is BOOLEAN."
  )
  val TimeType: ConfEntry[TypeOptions.Time] = ConfEntry(
    "types.time",
    ValueType.choice("interval" -> TypeOptions.Time.TIME_INTERVAL, "bigint" -> TypeOptions.Time.TIME_BIGINT),
    Some("interval"),
    Everywhere,
    "TIME as INTERVAL DAY TO SECOND, or as BIGINT nanoseconds as TiSpark had it."
  )
  val TimestampNtz: ConfEntry[TypeOptions.Datetime] = ConfEntry(
    "types.timestampNtz",
    ValueType.choice("true" -> TypeOptions.Datetime.DATETIME_TIMESTAMP_NTZ, "false" -> TypeOptions.Datetime.DATETIME_TIMESTAMP),
    Some("true"),
    Everywhere,
    "DATETIME as TIMESTAMP_NTZ; `false` reads the wall clock in Spark's session time zone and gives TIMESTAMP, as TiSpark did."
  )
  val RefusedTypes: ConfEntry[Seq[String]] = ConfEntry(
    "type.unsupported_mysql_types",
    ValueType.TextList,
    None,
    Everywhere,
    "MySQL types, in lower case, whose columns are not to be read."
  )

  // ------------------------------------------------------------------ scan

  val Columnar: ConfEntry[Boolean] = ConfEntry(
    "scan.columnar",
    ValueType.Bool,
    Some("true"),
    Reading,
    "Hand Arrow batches to Spark. `false` hands rows, for plans or plug-ins that cannot take batches."
  )
  val ScanConcurrency: ConfEntry[Int] =
    ConfEntry("scan.concurrency", ValueType.int(1, 256), Some("2"), Reading, "Requests that one task keeps in flight.")
  val BatchRows: ConfEntry[Int] =
    ConfEntry("scan.batch.rows", ValueType.int(1, 1 << 20), Some("8192"), Reading, "Rows of a batch, about.")
  val MemoryLimit: ConfEntry[Long] = ConfEntry(
    "scan.memory.limit",
    ValueType.bytes(1L << 20, 1L << 40),
    Some("64m"),
    Reading,
    "Native memory that one task may hold while it reads. Accounted to Spark's task memory; a shortage there means fewer answers in flight."
  )
  val PartitionSize: ConfEntry[Long] =
    ConfEntry(
      "scan.partition.size",
      ValueType.bytes(1, 1L << 40),
      Some("96m"),
      Reading,
      "Bytes that one Spark partition should read, about."
    )
  val ReadLocality: ConfEntry[Locality] = ConfEntry(
    "read.locality",
    ValueType.choice("auto" -> Locality.Auto, "off" -> Locality.Off, "always" -> Locality.Always),
    Some("auto"),
    Reading,
    "Ask Spark to run a task on the host of the store that leads most of its regions: `auto` where an executor lives on that host by now, `always` also where " +
      "one may still come (Spark then waits `spark.locality.wait` for it). Never in local mode.",
    oldNames = Seq(OldName.ofWords("preferred_locations", "host" -> "auto", "none" -> "off"))
  )

  // ------------------------------------------------------------------ write

  val WriteEnable: ConfEntry[Boolean] =
    ConfEntry("write.enable", ValueType.Bool, Some("true"), Writing, "`false` refuses every write.")
  val WriteMode: ConfEntry[WriteSpec.Mode] = ConfEntry(
    "write.mode",
    ValueType.choice("append" -> WriteSpec.Mode.APPEND, "upsert" -> WriteSpec.Mode.UPSERT, "ignore" -> WriteSpec.Mode.IGNORE),
    Some("append"),
    Writing,
    "A row whose primary or unique key is taken: `append` fails the whole write, `upsert` puts the new row in the place of all rows that " +
      "hold its keys (MySQL's REPLACE), `ignore` skips the new row. Two rows of one write with the same key are an error in every mode.",
    oldNames = Seq(OldName.ofWords("replace", "true" -> "upsert", "false" -> "append"))
  )
  val Distribution: ConfEntry[WriteDistribution] = ConfEntry(
    "write.distribution",
    ValueType.choice(
      "hash" -> WriteDistribution.Hash,
      "range" -> WriteDistribution.Range,
      "none" -> WriteDistribution.None
    ),
    Some("hash"),
    Writing,
    "How rows come to tasks. `hash` and `range` shuffle by the key of the row and sort, so that a task that Spark runs again writes the same " +
      "rows; `range` gives each task its own part of the table, and computes the input twice. `none` saves the shuffle; a retry of a task " +
      "then fails the write."
  )
  val WriteAtomicity: ConfEntry[Boolean] = ConfEntry(
    "write.atomicity",
    ValueType.choice("job" -> false, "partition" -> true),
    Some("job"),
    Writing,
    "`job`: the whole write is one transaction. `partition`: each task is one, so that nothing holds back TiDB's garbage collection for long; " +
      "what tasks have committed stays when the write fails, and a task that runs again meets its own rows (use `write.mode` upsert or ignore then). " +
      "Not for overwrites."
  )
  val WriteBatchBytes: ConfEntry[Long] = ConfEntry(
    "write.batch.bytes",
    ValueType.bytes(64L << 10, 1L << 30),
    Some("8m"),
    Writing,
    "Keys and values that a task collects and sorts before it sends them."
  )
  val WriteRequestBytes: ConfEntry[Long] = ConfEntry(
    "write.request.bytes",
    ValueType.bytes(1L << 10, 4L << 20),
    Some("64k"),
    Writing,
    "Keys and values of one request to a store, about."
  )
  val WriteConcurrency: ConfEntry[Int] =
    ConfEntry("write.concurrency", ValueType.int(1, 1024), Some("16"), Writing, "Requests that one task keeps in flight.")
  val WriteMemoryLimit: ConfEntry[Long] = ConfEntry(
    "write.memory.limit",
    ValueType.bytes(16L << 20, 1L << 40),
    Some("64m"),
    Writing,
    "Memory that one task may hold while it writes, besides Spark's own. Accounted to Spark's task memory; a shortage there means smaller batches."
  )
  val WriteResolve: ConfEntry[Boolean] = ConfEntry(
    "write.resolve",
    ValueType.choice("wait" -> false, "background" -> true),
    Some("wait"),
    Writing,
    "When a write returns: `wait` after every lock is turned into a committed row, `background` once the transaction is committed. Readers see " +
      "all rows from then on in either case; those that meet a lock meanwhile resolve it themselves.",
    oldNames = Seq(OldName.ofWords("skipCommitSecondaryKey", "true" -> "background", "false" -> "wait"))
  )
  val PrewriteDeadline: ConfEntry[Long] = ConfEntry(
    "deadline.prewrite",
    ValueType.duration(1, Day),
    Some("10min"),
    Writing,
    "Longest time that one batch of a task may take to be written, all retries included."
  )
  val CommitDeadline: ConfEntry[Long] = ConfEntry(
    "deadline.commit",
    ValueType.duration(1, Day),
    Some("10min"),
    Writing,
    "Longest time that the commit may take, all retries included."
  )

  // ------------------------------------------------------------------ process

  val Library: ConfEntry[String] = ConfEntry(
    NativeLibrary.LIBRARY_KEY.stripPrefix(TiConf.SessionPrefix),
    ValueType.Text,
    None,
    Set(Process),
    "Path of the native library, instead of the one inside the jar. It must be of the same build."
  )
  val LibraryDirectory: ConfEntry[String] = ConfEntry(
    NativeLibrary.DIRECTORY_KEY.stripPrefix(TiConf.SessionPrefix),
    ValueType.Text,
    None,
    Set(Process),
    "Folder to unpack the native library into, instead of `java.io.tmpdir`; it must allow execution."
  )

  /** In the order of the documentation: title of a section and its entries. */
  val Sections: Seq[(String, Seq[ConfEntry[_]])] = Seq(
    "Which table" -> Seq(Database, Table, DbTable),
    "Cluster" -> Seq(
      PdAddresses,
      TlsEnabled,
      TlsCa,
      TlsCert,
      TlsKey,
      HostMapping,
      CommandPriority,
      IsolationLevel,
      ReplicaRead,
      ConnectTimeout,
      RequestTimeout,
      ReadDeadline
    ),
    "Catalog" -> Seq(StaleRead, DbPrefix, SystemDatabases, ShowRowId),
    "Types" -> Seq(TinyInt1, ZeroDate, DecimalOverflow, BitType, TimeType, TimestampNtz, RefusedTypes),
    "Scan" -> Seq(Columnar, ScanConcurrency, BatchRows, MemoryLimit, PartitionSize, ReadLocality),
    "Push-down and planning" -> PlanEntries.All,
    "Write" -> Seq(
      WriteEnable,
      WriteMode,
      Distribution,
      WriteAtomicity,
      WriteBatchBytes,
      WriteRequestBytes,
      WriteConcurrency,
      WriteMemoryLimit,
      WriteResolve,
      PrewriteDeadline,
      CommitDeadline
    ),
    "DDL" -> DdlEntries.All,
    "Native library" -> Seq(Library, LibraryDirectory)
  )

  val All: Seq[ConfEntry[_]] = Sections.flatMap(_._2)
}
