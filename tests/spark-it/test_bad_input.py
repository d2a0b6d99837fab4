"""One clear exception for every mistake, in seconds, with what the user needs to mend it."""
import shutil
import time
import zipfile

import pytest

from support.sparks import CATALOG, OUR_CLASS, own_jvm, settings

UNUSED = "127.0.0.1:1"
"""Nobody listens on port 1."""


def _error(action) -> str:
    with pytest.raises(Exception) as caught:
        action()
    text = str(caught.value)
    assert "panicked" not in text and "Panic" not in text, text
    return text


def _catalog(spark, name: str, **properties: str) -> None:
    spark.conf.set(f"spark.sql.catalog.{name}", OUR_CLASS)
    for key, value in properties.items():
        spark.conf.set(f"spark.sql.catalog.{name}.{key.replace('__', '.')}", value)


def test_pd_that_does_not_listen(spark):
    _catalog(spark, "nobody", pd__addresses=UNUSED)
    begin = time.monotonic()
    text = _error(lambda: spark.sql("SHOW NAMESPACES IN nobody").collect())
    assert UNUSED in text, text
    assert time.monotonic() - begin < 15


def test_pd_that_does_not_answer(spark):
    """An address whose packets are dropped (TEST-NET-1, RFC 5737), or refused by the network at once."""
    _catalog(spark, "silent", pd__addresses="192.0.2.1:2379", connect__timeout="2s")
    begin = time.monotonic()
    text = _error(lambda: spark.sql("SELECT * FROM silent.a.b").collect())
    assert "192.0.2.1:2379" in text, text
    assert time.monotonic() - begin < 15


def test_an_address_that_is_no_pd(spark, cluster):
    """TiDB's port speaks MySQL."""
    address = f"{cluster.status['tidb']['host']}:{cluster.status['tidb']['port']}"
    _catalog(spark, "mysql_port", pd__addresses=address, connect__timeout="3s")
    begin = time.monotonic()
    assert address in _error(lambda: spark.sql("SHOW NAMESPACES IN mysql_port").collect())
    assert time.monotonic() - begin < 20


def test_one_dead_pd_among_good_ones(spark, cluster):
    _catalog(spark, "half", pd__addresses=f"{UNUSED},{cluster.pd}")
    assert spark.sql("SHOW NAMESPACES IN half").count() > 0


@pytest.mark.parametrize("addresses", ["nonsense", "host:port", "127.0.0.1:99999", "http//127.0.0.1:1"])
def test_addresses_that_are_none(spark, addresses):
    _catalog(spark, "wrong", pd__addresses=addresses)
    assert addresses in _error(lambda: spark.sql("SHOW NAMESPACES IN wrong").collect())


def test_no_addresses(spark):
    _catalog(spark, "empty")
    assert "pd.addresses" in _error(lambda: spark.sql("SHOW NAMESPACES IN empty").collect())


def test_unknown_table(spark, database):
    text = _error(lambda: spark.table(f"{CATALOG}.{database}.not_there").collect())
    assert "not_there" in text and "TABLE_OR_VIEW_NOT_FOUND" in text, text


def test_unknown_namespace(spark):
    text = _error(lambda: spark.sql(f"SHOW TABLES IN {CATALOG}.no_such_database").collect())
    assert "no_such_database" in text and "SCHEMA_NOT_FOUND" in text, text
    assert "no_such_database" in _error(lambda: spark.table(f"{CATALOG}.no_such_database.t").collect())


def test_unknown_column(spark, oracle, database, table):
    oracle.execute("CREATE TABLE known (a INT)")
    assert "UNRESOLVED_COLUMN" in _error(lambda: table("known").select("b"))


def test_unknown_option(spark, cluster, oracle, database):
    oracle.execute("CREATE TABLE optioned (a INT)")
    read = spark.read.format("tidb").option("pd.addresses", cluster.pd).option("dbtable", f"{database}.optioned")
    text = _error(lambda: read.option("scan.batch.row", "5").load().collect())
    assert "scan.batch.row" in text and "scan.batch.rows" in text, text


def test_unknown_catalog_property(spark, cluster):
    _catalog(spark, "typo", pd__addresses=cluster.pd, types__tinyint="boolean")
    assert "types.tinyint" in _error(lambda: spark.sql("SHOW NAMESPACES IN typo").collect())


@pytest.mark.parametrize("key, value, allowed", [
    ("types.zeroDate", "maybe", "error"), ("scan.batch.rows", "0", "1"), ("scan.memory.limit", "much", ""), ("stale_read", "yesterday", ""),
    ("types.timestampNtz", "2", "false"), ("scan.concurrency", "-1", "")])
def test_bad_values(spark, oracle, database, table, key, value, allowed):
    oracle.execute("CREATE TABLE IF NOT EXISTS valued (a INT)")
    with settings(spark, **{f"tispark__{key}": value}):
        text = _error(lambda: table("valued").collect())
    assert key in text and value in text and allowed in text, text


def test_timestamps_that_cannot_be(spark, oracle, database, table):
    oracle.execute("CREATE TABLE timed (a INT)")
    future = str(int((time.time() + 86400) * 1000))
    for value in (future, "1", str(1 << 46), "-5"):
        with settings(spark, tispark__stale_read=value):
            _error(lambda: table("timed").collect())


def test_missing_options_of_the_source(spark, cluster):
    assert "table" in _error(lambda: spark.read.format("tidb").option("pd.addresses", cluster.pd).option("database", "x").load())
    assert "pd.addresses" in _error(lambda: spark.read.format("tidb").option("database", "x").option("table", "y").load())


def test_tls_files(spark, cluster, tmp_path):
    _catalog(spark, "tls_missing", pd__addresses=cluster.pd, tls__ca="/no/such/ca.pem")
    assert "/no/such/ca.pem" in _error(lambda: spark.sql("SHOW NAMESPACES IN tls_missing").collect())
    garbage = tmp_path / "garbage.pem"
    garbage.write_text("not a certificate")
    _catalog(spark, "tls_garbage", pd__addresses=cluster.pd, tls__ca=str(garbage))
    assert "garbage.pem" in _error(lambda: spark.sql("SHOW NAMESPACES IN tls_garbage").collect())
    _catalog(spark, "tls_half", pd__addresses=cluster.pd, tls__ca=str(garbage), tls__cert=str(garbage))
    assert "tls.key" in _error(lambda: spark.sql("SHOW NAMESPACES IN tls_half").collect())


# ---------------------------------------------------------------- the native library; each in a JVM of its own

QUERY = [f"SHOW NAMESPACES IN {CATALOG}", "SELECT 1"]


def _library_error(answers: list[dict]) -> str:
    """The first statement fails with one clear text, and the JVM lives: the second works."""
    assert "error" in answers[0], answers[0]
    assert answers[1].get("rows") == [[1]], answers[1]
    return answers[0]["error"]


def test_library_option_names_no_file(base_conf):
    text = _library_error(own_jvm({**base_conf, "spark.tispark.native.library": "/no/such/libtidb_spark.so"}, QUERY).answers)
    assert "/no/such/libtidb_spark.so" in text and "spark.tispark.native.library" in text, text


def test_library_option_names_a_file_that_is_no_library(base_conf, tmp_path):
    wrong = tmp_path / "libtidb_spark.so"
    wrong.write_text("this is text")
    assert str(wrong) in _library_error(own_jvm({**base_conf, "spark.tispark.native.library": str(wrong)}, QUERY).answers)


def _changed_jar(jar: str, target, change) -> str:
    """A copy of the jar; `change(name, data)` gives the new data, or None to leave the entry out."""
    path = str(target / "changed.jar")
    with zipfile.ZipFile(jar) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as copy:
        for entry in source.infolist():
            data = change(entry.filename, source.read(entry))
            if data is not None:
                copy.writestr(entry, data)
    return path


def test_jar_without_a_library_for_this_platform(base_conf, jar, tmp_path):
    bare = _changed_jar(jar, tmp_path, lambda name, data: None if name.startswith("io/tidbspark/native/") else data)
    text = _library_error(own_jvm({**base_conf, "spark.jars": bare}, QUERY).answers)
    assert "spark.tispark.native.library" in text and any(arch in text for arch in ("x86_64", "aarch64")), text


def test_library_of_another_build(base_conf, jar, tmp_path):
    def other(name, data):
        return b"version=0.1.0\nbuild.id=another-build\nspark.version=0\n" if name == "tidb-spark-build.properties" else data

    text = _library_error(own_jvm({**base_conf, "spark.jars": _changed_jar(jar, tmp_path, other)}, QUERY).answers)
    assert "another-build" in text, text


def test_library_from_the_option_works(base_conf, jar, tmp_path):
    with zipfile.ZipFile(jar) as archive:
        name = next(n for n in archive.namelist() if n.startswith("io/tidbspark/native/") and n.endswith((".so", ".dylib")))
        with archive.open(name) as source, (tmp_path / "lib").open("wb") as target:
            shutil.copyfileobj(source, target)
    answers = own_jvm({**base_conf, "spark.tispark.native.library": str(tmp_path / "lib")}, QUERY).answers
    assert answers[0].get("rows"), answers[0]
