"""Tables that a write cannot keep right: refused before anything is written, by the name of the feature."""
import time

import pytest

from support.raw_pairs import locks
from support.sparks import CATALOG, settings
from support.writing import append, failure, name_of, named

# Feature -> (statements that make the table t, words of the message).
FEATURES = {
    "foreign key": (["CREATE TABLE parent (id INT PRIMARY KEY)", "CREATE TABLE t (id INT PRIMARY KEY, v INT, FOREIGN KEY (v) REFERENCES parent (id))"],
                    ["foreign key"]),
    "referenced by a foreign key": (["CREATE TABLE t (id INT PRIMARY KEY, v INT)", "CREATE TABLE child (id INT, FOREIGN KEY (id) REFERENCES t (id))"],
                                    ["foreign key"]),
    "check constraint": (["SET GLOBAL tidb_enable_check_constraint = ON", "CREATE TABLE t (id INT PRIMARY KEY, v INT, CONSTRAINT positive_ CHECK (v > 0))"],
                         ["check", "positive_"]),
    "expression index": (["CREATE TABLE t (id INT PRIMARY KEY, v INT, KEY twice ((v * 2)))"], ["twice"]),
    "multi-valued index": (["CREATE TABLE t (id INT PRIMARY KEY, v JSON, KEY members ((CAST(v AS UNSIGNED ARRAY))))"], ["members"]),
    "stored generated column": (["CREATE TABLE t (id INT PRIMARY KEY, v INT, g INT AS (v + 1) STORED)"], ["g", "generated"]),
    "indexed virtual column": (["CREATE TABLE t (id INT PRIMARY KEY, v INT, g INT AS (v + 1) VIRTUAL, KEY on_g (g))"], ["g", "generated"]),
    "cached table": (["CREATE TABLE t (id INT PRIMARY KEY, v INT)", "ALTER TABLE t CACHE"], ["cache"]),
    "global index": (["SET GLOBAL tidb_enable_global_index = ON",
                      "CREATE TABLE t (id INT, v INT, UNIQUE KEY over_all (id) GLOBAL) PARTITION BY HASH (v) PARTITIONS 3"], ["global", "over_all"]),
}
CLEAN = ["SET FOREIGN_KEY_CHECKS = 0", "DROP TABLE IF EXISTS child, t, parent", "SET FOREIGN_KEY_CHECKS = 1",
         "SET GLOBAL tidb_enable_check_constraint = OFF"]


@pytest.mark.parametrize("feature", FEATURES)
def test_a_feature(spark, cluster, oracle, database, feature):
    statements, words = FEATURES[feature]
    try:
        oracle.execute(*statements)
        columns = ["CAST(id AS INT) AS id", "'[1]' AS v" if "JSON" in statements[-1] else "CAST(id AS INT) AS v"]
        frame = spark.range(1, 5).selectExpr(*columns)
        try:
            append(frame, database, "t")
        except Exception:
            named(failure(lambda: append(frame, database, "t")), *words)
            assert oracle.one("SELECT count(*) FROM t") == "0"
            if cluster.control:
                assert not locks(cluster, oracle, database, "t")
        else:  # served: then it must be right
            assert oracle.one("SELECT count(*) FROM t") == "4"
            oracle.execute("ADMIN CHECK TABLE t")
            # Rows that are added to a referenced table break no reference.
            assert feature in ("global index", "stored generated column", "indexed virtual column", "referenced by a foreign key"), "no way to keep this right"
    finally:
        if feature == "cached table":
            oracle.execute("ALTER TABLE t NOCACHE")
        oracle.execute(*CLEAN)


def test_a_view(spark, oracle, database):
    oracle.execute("CREATE TABLE below (id INT PRIMARY KEY)", "CREATE VIEW shown AS SELECT * FROM below")
    text = failure(lambda: spark.sql(f"INSERT INTO {name_of(database, 'shown')} VALUES (1)"))
    named(text, "shown")
    assert "view" in text.lower() or "TABLE_OR_VIEW_NOT_FOUND" in text, text
    assert oracle.one("SELECT count(*) FROM below") == "0"


def test_a_sequence(spark, oracle, database):
    oracle.execute("CREATE SEQUENCE counting")
    failure(lambda: spark.sql(f"INSERT INTO {name_of(database, 'counting')} VALUES (1)"))


def test_a_time_travelled_table(spark, oracle, database):
    """What is read at a timestamp of the past cannot be written."""
    oracle.execute("CREATE TABLE past (id INT PRIMARY KEY)", "INSERT INTO past VALUES (1)")
    stamp = oracle.one("SELECT CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS UNSIGNED)")
    time.sleep(0.2)  # PD's clock may be a little behind TiDB's: the moment has to be past for it too
    with settings(spark, tispark__stale_read=stamp):
        named(failure(lambda: append(spark.range(5, 6).selectExpr("CAST(id AS INT) AS id"), database, "past")), "stale")
    assert oracle.one("SELECT count(*) FROM past") == "1"


def test_tables_of_memory(spark):
    """information_schema has no rows in the stores."""
    failure(lambda: spark.sql(f"INSERT INTO {CATALOG}.information_schema.tables (table_name) VALUES ('a')"))


def test_an_unknown_option(spark, oracle, database):
    oracle.execute("CREATE TABLE optioned (id BIGINT PRIMARY KEY)")
    named(failure(lambda: append(spark.range(3), database, "optioned", write__mod="upsert")), "write.mod", "write.mode")
    assert oracle.one("SELECT count(*) FROM optioned") == "0"


@pytest.mark.parametrize("key, value", [("write.mode", "replace_all"), ("write.distribution", "sorted"), ("write.batch.bytes", "0"),
                                        ("write.request.bytes", "much"), ("write.concurrency", "-1"), ("write.resolve", "never")])
def test_bad_values_of_options(spark, oracle, database, key, value):
    oracle.execute("CREATE TABLE IF NOT EXISTS valued (id BIGINT PRIMARY KEY)")
    text = failure(lambda: spark.range(3).writeTo(name_of(database, "valued")).option(key, value).append())
    named(text, key, value)
    assert oracle.one("SELECT count(*) FROM valued") == "0"


def test_columns_that_do_not_fit(spark, oracle, database):
    """By Spark's analysis: an unknown column, a missing one, a type that cannot be assigned."""
    oracle.execute("CREATE TABLE fitting (id BIGINT PRIMARY KEY, v INT NOT NULL)")
    named(failure(lambda: append(spark.range(3).selectExpr("id", "1 AS v", "2 AS w"), database, "fitting")), "w")
    named(failure(lambda: spark.sql(f"INSERT INTO {name_of(database, 'fitting')} (id, v, nothing) VALUES (1, 2, 3)")), "nothing")
    named(failure(lambda: append(spark.range(3).selectExpr("id", "current_date() AS v"), database, "fitting")), "v")
    assert oracle.one("SELECT count(*) FROM fitting") == "0"


def test_a_table_that_is_not_there(spark, database):
    named(failure(lambda: append(spark.range(3), database, "nowhere")), "nowhere")
