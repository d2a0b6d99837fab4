package io.tidbspark.config

import org.apache.spark.sql.util.CaseInsensitiveStringMap
import org.scalatest.funsuite.AnyFunSuite

import io.tidbspark.compat.Converters._
import io.tidbspark.proto.{TypeOptions, WriteSpec}

class TiConfSuite extends AnyFunSuite {
  private def map(entries: (String, String)*) = new CaseInsensitiveStringMap(entries.toMap.asJava)

  private def conf(
      options: Seq[(String, String)] = Nil,
      session: Seq[(String, String)] = Nil,
      catalog: Seq[(String, String)] = Nil
  ) = new TiConf(map(options: _*), session.toMap.get, map(catalog: _*))

  private val option = "scan.concurrency" -> "3"
  private val session = "spark.tispark.scan.concurrency" -> "4"
  private val catalog = "scan.concurrency" -> "5"

  test("option before session before catalog before default") {
    assert(conf(Seq(option), Seq(session), Seq(catalog))(Entries.ScanConcurrency) == 3)
    assert(conf(Nil, Seq(session), Seq(catalog))(Entries.ScanConcurrency) == 4)
    assert(conf(Nil, Nil, Seq(catalog))(Entries.ScanConcurrency) == 5)
    assert(conf()(Entries.ScanConcurrency) == 2)
  }

  test("what says which cluster is meant comes from the catalog before the session") {
    val session = Seq("spark.tispark.pd.addresses" -> "session:1", "spark.tispark.tls.ca" -> "/session")
    val catalog = Seq("pd.address" -> "catalog:1")
    assert(conf(Nil, session, catalog).get(Entries.PdAddresses).contains(Seq("catalog:1")))
    assert(conf(Nil, session, Nil).get(Entries.PdAddresses).contains(Seq("session:1")))
    assert(conf(Seq("pd.addresses" -> "option:1"), session, catalog).get(Entries.PdAddresses).contains(Seq("option:1")))
    assert(
      Entries.All.filter(_.ofCluster).map(_.name) ==
        Seq("pd.addresses", "tls.enabled", "tls.ca", "tls.cert", "tls.key", "host_mapping") ++
        Seq("tidb.addresses", "tidb.user", "tidb.password", "tidb.password.file", "tidb.password.env")
    )
  }

  test("an empty value counts as not given") {
    assert(conf(Seq("scan.concurrency" -> " "), Seq(session))(Entries.ScanConcurrency) == 4)
    assert(conf(session = Seq("spark.tispark.stale_read" -> "")).get(Entries.StaleRead).isEmpty)
  }

  test("a place that an entry does not have is not looked at") {
    assert(conf(Seq("stale_read" -> "5"), Nil, Seq("stale_read" -> "6")).get(Entries.StaleRead).isEmpty)
  }

  test("old names are served, the new name first, and their unit translated") {
    assert(conf(catalog = Seq("pd.address" -> "a:1")).get(Entries.PdAddresses).contains(Seq("a:1")))
    assert(
      conf(catalog = Seq("pd.address" -> "a:1", "pd.addresses" -> "b:2, c:3"))
        .get(Entries.PdAddresses)
        .contains(Seq("b:2", "c:3"))
    )
    assert(conf(session = Seq("spark.tispark.grpc.timeout_in_sec" -> "180"))(Entries.RequestTimeout) == 180000)
    assert(conf(session = Seq("spark.tispark.tikv.tls_enable" -> "TRUE")).get(Entries.TlsEnabled).contains(true))
  }

  test("a bad value is an error that names key, value and what is allowed") {
    val fromOption =
      intercept[IllegalArgumentException](conf(Seq("scan.concurrency" -> "many"))(Entries.ScanConcurrency)).getMessage
    assert(fromOption == "option scan.concurrency: the value 'many' is not allowed. Allowed: a whole number from 1 to 256.")
    val fromSession = intercept[IllegalArgumentException](
      conf(session = Seq("spark.tispark.stale_read" -> "yesterday")).get(Entries.StaleRead)
    ).getMessage
    assert(fromSession.startsWith("spark.tispark.stale_read: the value 'yesterday' is not allowed."))
    val fromCatalog =
      intercept[IllegalArgumentException](conf(catalog = Seq("pd.addresses" -> "pd0")).get(Entries.PdAddresses)).getMessage
    assert(
      fromCatalog.startsWith("catalog property pd.addresses: the value 'pd0' is not allowed. Allowed: host:port between commas")
    )
  }

  test("bounds of every kind of value") {
    def bad[T](entry: ConfEntry[T], text: String) = intercept[IllegalArgumentException](entry.parse("k", text))
    bad(Entries.StaleRead, "0")
    bad(Entries.StaleRead, "-1")
    bad(Entries.StaleRead, (1L << 46).toString)
    assert(Entries.StaleRead.parse("k", ((1L << 46) - 1).toString) == (1L << 46) - 1)
    assert(Entries.MemoryLimit.parse("k", "64 MiB") == 67108864L)
    assert(Entries.PartitionSize.parse("k", "100") == 100L)
    bad(Entries.MemoryLimit, "1k")
    bad(Entries.MemoryLimit, "999999999999999999g")
    bad(Entries.MemoryLimit, "64x")
    assert(Entries.RequestTimeout.parse("k", "1min") == 60000L)
    bad(Entries.RequestTimeout, "60") // which unit?
    bad(Entries.RequestTimeout, "0s")
    bad(Entries.PdAddresses, "pd0:0")
    bad(Entries.PdAddresses, "http://pd0:2379")
    bad(Entries.PdAddresses, "pd0:70000")
    bad(Entries.PdAddresses, ",")
    assert(Entries.PdAddresses.parse("k", "[::1]:2379,pd1:1") == Seq("[::1]:2379", "pd1:1"))
    assert(
      Entries.HostMapping.parse("k", "10.0.0.1:203.0.113.1; tikv0:20160=localhost:3") ==
        Map("10.0.0.1" -> "203.0.113.1", "tikv0:20160" -> "localhost:3")
    )
    bad(Entries.HostMapping, "10.0.0.1")
    bad(Entries.HostMapping, "a:1:b:2")
    assert(Entries.TinyInt1.parse("k", "TinyInt") == TypeOptions.TinyInt1.TINYINT1_TINYINT)
    bad(Entries.TinyInt1, "int")
    bad(Entries.Columnar, "yes")
  }

  test("every default is allowed, every name is used once") {
    Entries.All.foreach(entry => entry.default.filter(_.nonEmpty).foreach(entry.parse(entry.name, _)))
    val names = Entries.All.flatMap(_.names.map(_.name.toLowerCase)) ++ Unserved.All.map(_.name.toLowerCase)
    assert(names.diff(names.distinct) == Nil)
  }

  test("an unknown option or catalog property is an error with the likely name") {
    val scopes = Set[Scope](Scope.ReadOption, Scope.TableOption)
    def message(options: (String, String)*) =
      intercept[IllegalArgumentException](TiConf.checkOptions(map(options: _*), scopes)).getMessage
    assert(message("scan.concurency" -> "1") == "option scan.concurency is not known; did you mean scan.concurrency?")
    assert(message("path" -> "/x") == "option path is not known; see docs/configuration.md.")
    assert(message("stale_read" -> "1") == "option stale_read is not known here; it can be given as: session.")
    val catalog = intercept[IllegalArgumentException](TiConf.checkCatalog("c", map("pd.adresses" -> "a:1"))).getMessage
    assert(catalog == "spark.sql.catalog.c.pd.adresses is not known; did you mean pd.addresses?")
    TiConf.checkOptions(
      map("Scan.Concurrency" -> "1", "DATABASE" -> "d", "tidbRowId" -> "true", "versionAsOf" -> "1"),
      scopes,
      Set("versionasof")
    )
  }

  test("settings of TiSpark: a warning, or an error where they cannot be ignored safely") {
    TiConf.checkSession(Map("spark.tispark.replica_read.label" -> "zone=a", "spark.tispark.no.such" -> "1", "spark.sql.x" -> "1"))
    TiConf.checkOptions(map("tidb.addr" -> "h", "useTableLock" -> "true"), Set(Scope.TableOption))
    TiConf.checkSession(Map("spark.tispark.tikv.jks_enable" -> "false"))
    val refused =
      intercept[IllegalArgumentException](TiConf.checkSession(Map("spark.tispark.tikv.jks_enable" -> "true"))).getMessage
    assert(refused.startsWith("spark.tispark.tikv.jks_enable=true is not served. Give PEM files"))
  }

  test("replicas that serve reads, up to the leader") {
    def roles(text: String) =
      ReadConf.session(conf(Seq("pd.addresses" -> "h:1", "replica_read" -> text)), identity).getReplicaReadList.toArray.toSeq
    assert(ReadConf.session(conf(Seq("pd.addresses" -> "h:1")), identity).getReplicaReadCount == 0)
    assert(roles("leader") == Nil && roles("leader,follower") == Nil)
    assert(roles("Follower") == Seq("follower") && roles(" learner, follower ,leader") == Seq("learner", "follower"))
    Seq("nearest", "follower,follower", ",").foreach { text =>
      assert(intercept[IllegalArgumentException](roles(text)).getMessage.contains("leader, follower, learner"), text)
    }
  }

  test("how a write works, also in TiSpark's words") {
    def write(options: (String, String)*) = WriteConf(conf(options))
    assert(
      write().mode == WriteSpec.Mode.APPEND && write().distribution == WriteDistribution.Hash && !write().resolveInBackground
    )
    assert(write("replace" -> "True").mode == WriteSpec.Mode.UPSERT && write("replace" -> "false").mode == WriteSpec.Mode.APPEND)
    assert(write("write.mode" -> "ignore", "replace" -> "true").mode == WriteSpec.Mode.IGNORE)
    assert(write("write.distribution" -> "RANGE").distribution == WriteDistribution.Range)
    assert(write("skipCommitSecondaryKey" -> "true").resolveInBackground)
    val bySession =
      WriteConf(conf(session = Seq("spark.tispark.write.mode" -> "upsert", "spark.tispark.deadline.commit" -> "1min")))
    assert(bySession.mode == WriteSpec.Mode.UPSERT && bySession.commitDeadlineMillis == 60000)
    Seq("write.mode" -> "insert", "replace" -> "yes", "write.batch.bytes" -> "1k", "write.concurrency" -> "0").foreach { bad =>
      assert(intercept[IllegalArgumentException](write(bad)).getMessage.startsWith(s"option ${bad._1}: the value"), bad)
    }
    TiConf.checkOptions(
      map("replace" -> "true", "deduplicate" -> "true", "regionSplitNum" -> "8", "tidb.addr" -> "h", "tidb.port" -> "4000"),
      Set[Scope](Scope.WriteOption)
    )
  }

  test("the session's configuration, with TLS in full or not at all") {
    val where = (key: String) => s"<$key>"
    def session(catalog: (String, String)*) = ReadConf.session(conf(catalog = catalog), where)
    val pd = "pd.addresses" -> "a:1"
    assert(intercept[IllegalArgumentException](session()).getMessage.startsWith("<pd.addresses> is not set"))
    val plain = session(pd)
    assert(
      !plain.hasTls && plain.getReadDeadlineMs == 600000 && plain.getCommandPriority == "Low" && plain.getIsolationLevel == "SI"
    )
    assert(session(pd, "tls.ca" -> "/ca").getTls.getCaPath == "/ca")
    assert(session(pd, "tls.ca" -> "/ca", "tls.cert" -> "/c", "tls.key" -> "/k").getTls.getKeyPath == "/k")
    assert(!session(pd, "tls.ca" -> "/ca", "tls.enabled" -> "false").hasTls)
    Seq(
      Seq("tls.cert" -> "/c", "tls.key" -> "/k"),
      Seq("tls.ca" -> "/ca", "tls.cert" -> "/c"),
      Seq("tls.ca" -> "/ca", "tls.key" -> "/k"),
      Seq("tls.enabled" -> "true"),
      Seq("tikv.tls_enable" -> "true")
    ).foreach { partial =>
      val message = intercept[IllegalArgumentException](session(pd +: partial: _*)).getMessage
      assert(message.startsWith("TLS is configured in part"), partial)
    }
    assert(session(pd) == session(pd), "equal settings share a native session")
  }
}
