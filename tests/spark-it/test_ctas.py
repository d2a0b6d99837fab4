"""CREATE and REPLACE TABLE AS SELECT: equal to the source, all or nothing, nothing left."""
import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest
from pyspark.sql.functions import col, udf

from support.application import of_session, send
from support.sparks import OUR_CLASS, SUITES
from support.writing import eventually

SHADOW = re.compile(r"_tidb_spark_[0-9a-f]+_[0-9a-f]{16}")


def conf(cluster, name: str) -> dict[str, str]:
    """A catalog that knows TiDB."""
    tidb = cluster.status["tidb"]
    return {f"spark.sql.catalog.{name}": OUR_CLASS, f"spark.sql.catalog.{name}.pd.addresses": cluster.pd,
            f"spark.sql.catalog.{name}.tidb.addresses": f"{tidb['host']}:{tidb['port']}", f"spark.sql.catalog.{name}.tidb.user": tidb["user"]}


@pytest.fixture
def session(spark, cluster):
    """The session, with the catalog `ctas`."""
    for key, value in conf(cluster, "ctas").items():
        spark.conf.set(key, value)
    return spark


@pytest.fixture
def tables(oracle, database):
    """All tables of the database as TiDB knows them."""
    return lambda: set(oracle.names(f"SHOW TABLES IN {database}"))


@pytest.fixture
def source(session):
    """Rows of several types."""
    session.range(0, 2000, 1, 4).selectExpr(
        "id", "CAST(id AS DECIMAL(20, 3)) / 7 AS d", "IF(id % 3 = 0, NULL, concat('row ', id)) AS s", "CAST(id % 2 = 0 AS BOOLEAN) AS b",
        "date_add(DATE '2024-01-01', CAST(id % 400 AS INT)) AS day", "timestamp_micros(1700000000000000 + id) AS at").createOrReplaceTempView("source")
    return session.table("source")


def same(actual, expected) -> None:
    """Equal rows, in any order."""
    assert sorted(map(tuple, actual.collect()), key=repr) == sorted(map(tuple, expected.collect()), key=repr)


def no_shadow(tables) -> None:
    """No hidden table is left."""
    assert [name for name in tables() if SHADOW.fullmatch(name)] == []


def test_create_as_select(session, source, database, oracle, tables):
    session.sql(f"CREATE TABLE ctas.{database}.made COMMENT 'made' TBLPROPERTIES ('tidb.primary_key' = 'id') AS SELECT * FROM source")
    same(session.table(f"ctas.{database}.made"), source)
    text = oracle.rows(f"SHOW CREATE TABLE {database}.made")[0][1]
    assert "PRIMARY KEY (`id`)" in text and "COMMENT='made'" in text and "`id` bigint NOT NULL" in text
    assert int(oracle.one(f"SELECT count(*) FROM {database}.made")) == 2000
    oracle.execute(f"ADMIN CHECK TABLE {database}.made")
    no_shadow(tables)
    with pytest.raises(Exception, match="(?i)already exists"):
        session.sql(f"CREATE TABLE ctas.{database}.made AS SELECT * FROM source")
    session.sql(f"CREATE TABLE IF NOT EXISTS ctas.{database}.made AS SELECT 1 AS x")
    same(session.table(f"ctas.{database}.made"), source)


def test_replace_as_select(session, source, database, oracle, tables):
    with pytest.raises(Exception, match="(?i)not.?found|cannot be found|cannot replace missing"):
        session.sql(f"REPLACE TABLE ctas.{database}.again AS SELECT * FROM source")
    session.sql(f"CREATE OR REPLACE TABLE ctas.{database}.again AS SELECT id FROM source WHERE id < 10")
    first = oracle.table_id(database, "again")
    session.sql(f"CREATE OR REPLACE TABLE ctas.{database}.again AS SELECT * FROM source")
    same(session.table(f"ctas.{database}.again"), source)
    assert oracle.table_id(database, "again") != first
    # From itself.
    session.sql(f"REPLACE TABLE ctas.{database}.again AS SELECT id, s FROM ctas.{database}.again WHERE id < 5")
    same(session.table(f"ctas.{database}.again"), source.select("id", "s").where("id < 5"))
    session.sql(f"REPLACE TABLE ctas.{database}.again (x INT NOT NULL)")
    assert session.table(f"ctas.{database}.again").columns == ["x"]
    assert session.table(f"ctas.{database}.again").count() == 0
    no_shadow(tables)


def test_data_frames(session, source, database, tables, oracle):
    name = f"ctas.{database}.frame"
    source.writeTo(name).tableProperty("tidb.primary_key", "id").create()
    same(session.table(name), source)
    assert "PRIMARY KEY" in oracle.rows(f"SHOW CREATE TABLE {database}.frame")[0][1]
    with pytest.raises(Exception, match="(?i)already exists"):
        source.writeTo(name).create()
    source.select("id").writeTo(name).replace()
    same(session.table(name), source.select("id"))
    source.writeTo(name).createOrReplace()
    source.select("id", "s").writeTo(f"{name}2").createOrReplace()
    same(session.table(f"{name}2"), source.select("id", "s"))
    source.write.option("tidb.primary_key", "id").option("write.concurrency", "4").saveAsTable(f"{name}3")
    same(session.table(f"{name}3"), source)
    source.select("id", "s").write.mode("overwrite").saveAsTable(f"{name}3")
    same(session.table(f"{name}3"), source.select("id", "s"))
    source.select("id", "s").write.mode("append").saveAsTable(f"{name}3")
    assert session.table(f"{name}3").count() == 4000
    with pytest.raises(Exception, match="(?i)already exists"):
        source.write.saveAsTable(f"{name}3")
    source.write.mode("ignore").saveAsTable(f"{name}3")
    no_shadow(tables)


def test_a_failing_statement_leaves_nothing(session, source, database, tables, oracle):
    before = tables()

    def explode(number):
        if number == 1500:
            raise ValueError("on purpose")
        return number

    bad = session.range(0, 2000, 1, 4).select(udf(explode, "bigint")(col("id")).alias("id"))
    bad.createOrReplaceTempView("bad")
    for statement in (f"CREATE TABLE ctas.{database}.failed AS SELECT * FROM bad",
                      f"CREATE OR REPLACE TABLE ctas.{database}.failed AS SELECT * FROM bad"):
        with pytest.raises(Exception, match="on purpose"):
            session.sql(statement)
        assert tables() == before
    # A taken key, and a type that TiDB lacks.
    with pytest.raises(Exception, match="DuplicateKey"):
        session.sql(f"CREATE TABLE ctas.{database}.failed TBLPROPERTIES ('tidb.primary_key' = 'b') AS SELECT b FROM source")
    with pytest.raises(Exception, match="MAP<"):
        session.sql(f"CREATE TABLE ctas.{database}.failed AS SELECT map('a', 1) AS m")
    assert tables() == before
    session.sql(f"CREATE TABLE ctas.{database}.kept AS SELECT * FROM source WHERE id < 7")
    kept = oracle.table_id(database, "kept")
    with pytest.raises(Exception, match="on purpose"):
        session.sql(f"REPLACE TABLE ctas.{database}.kept AS SELECT * FROM bad")
    assert oracle.table_id(database, "kept") == kept
    same(session.table(f"ctas.{database}.kept"), source.where("id < 7"))
    assert tables() == before | {"kept"}


def test_readers_of_a_replaced_table_see_one_or_the_other(session, source, database, oracle):
    session.sql(f"CREATE OR REPLACE TABLE ctas.{database}.swap AS SELECT 0 AS n FROM source")
    for number in range(1, 4):
        session.sql(f"REPLACE TABLE ctas.{database}.swap AS SELECT {number} AS n FROM source")
        assert oracle.rows(f"SELECT n, count(*) FROM {database}.swap GROUP BY n") == [(str(number), "2000")]


PROGRAM = """
import json, sys, time
from pyspark.sql.functions import col, udf
from support import sparks
request = json.loads(sys.stdin.readline())
spark = sparks.session(request["conf"])
def slow(number):
    time.sleep(0.05)
    return number
spark.udf.register("slow", slow, "bigint")
print("@running", flush=True)
spark.sql(request["statement"])
"""


def test_a_killed_driver_leaves_nothing_to_see(session, source, cluster, database, oracle, tables, base_conf):
    session.sql(f"CREATE OR REPLACE TABLE ctas.{database}.target AS SELECT * FROM source WHERE id < 3")
    target, before = oracle.table_id(database, "target"), tables()
    statement = f"CREATE OR REPLACE TABLE ctas.{database}.target AS SELECT slow(id) AS id FROM range(0, 4000, 1, 4)"
    settings = {**base_conf, **conf(cluster, "ctas"), "spark.sql.catalog.ctas.ctas.lifetime": "60s", "spark.driver.memory": "1g"}
    process = subprocess.Popen([sys.executable, "-c", PROGRAM], cwd=SUITES, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, text=True, start_new_session=True, env=os.environ)
    try:
        process.stdin.write(json.dumps({"conf": settings, "statement": statement}) + "\n")
        process.stdin.flush()
        cluster.wait_until(lambda: tables() - before, 240, 0.1)
        time.sleep(2)
        assert process.poll() is None, "the statement has ended"
    finally:
        for pid in of_session(process.pid):
            send(pid, signal.SIGKILL)
        process.wait(30)
    (shadow,) = tables() - before
    assert SHADOW.fullmatch(shadow)
    assert shadow not in [row["tableName"] for row in session.sql(f"SHOW TABLES IN ctas.{database}").collect()]
    assert oracle.table_id(database, "target") == target
    same(session.table(f"ctas.{database}.target"), source.where("id < 3"))
    # Its time is not over: it may be alive for all that others know.
    session.sql(f"CREATE OR REPLACE TABLE ctas.{database}.next AS SELECT 1 AS a")
    assert shadow in tables()

    def gone() -> None:
        session.sql(f"CREATE OR REPLACE TABLE ctas.{database}.next AS SELECT 1 AS a")
        assert tables() == before | {"next"}

    eventually(gone, 120)
