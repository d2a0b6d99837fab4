"""Joins and groups by the column of a table's partitions: without a shuffle where Spark may know of the partitions, and with the same answers."""

import pytest

from support.compare import assert_same
from support.pushed import plan_text
from support.raw_pairs import physical_ids, record_key
from support.sparks import CATALOG, settings

pytestmark = pytest.mark.needs_control
METHODS = {
    "hash": "PARTITION BY HASH (id) PARTITIONS 8",
    "key": "PARTITION BY KEY (id) PARTITIONS 5",
    "list": "PARTITION BY LIST (id) (PARTITION p0 VALUES IN (NULL, 0, -1, 7), PARTITION p1 DEFAULT)",
    "range": "PARTITION BY RANGE COLUMNS (id) (PARTITION p0 VALUES LESS THAN (0), PARTITION p1 VALUES LESS THAN (150), PARTITION p2 VALUES LESS THAN MAXVALUE)",
}
TYPES = {"hash": "BIGINT", "key": "BIGINT UNSIGNED", "list": "SMALLINT", "range": "INT"}
JOIN = "SELECT {hint} l.id, l.v, r.v FROM {c}left_{method} l JOIN {c}right_{method} r ON l.id = r.id"
GROUPS = "SELECT id, count(*), sum(v), min(s) FROM {c}left_{method} GROUP BY id HAVING max(length(concat(s, id))) > 0"


def reported(spark, **more: str):
    """Spark knows of the partitions and may use them; it broadcasts nothing."""
    return settings(spark, tispark__plan__report_partitioning="true", sql__sources__v2__bucketing__enabled="true",
                    sql__autoBroadcastJoinThreshold="-1", **more)


@pytest.fixture(scope="module", autouse=True)
def tables(cluster, oracle, database):
    """Two tables a method with several rows of an id; a region ends inside a partition."""
    for method, clause in METHODS.items():
        first = 0 if "UNSIGNED" in TYPES[method] else -100
        for side, step in (("left", 1), ("right", 3)):
            name = f"{side}_{method}"
            oracle.execute(f"CREATE TABLE {name} (id {TYPES[method]}, v INT, s VARCHAR(20)) {clause}")
            rows = [(number, number * step, f"s{number}") for number in range(first, 300, step)]
            oracle.insert(name, [*rows, *((id_, -value, "again") for id_, value, _ in rows[::5]), (None, 1, "null"), (None, 2, "null")])
            cluster.control.split(*[record_key(number, 40) for number in physical_ids(oracle, database, name)])


def run(spark, oracle, database, query: str, method: str, hint: str = "") -> str:
    """The answer is TiDB's; the plan."""
    frame = spark.sql(query.format(c=f"{CATALOG}.{database}.", method=method, hint=hint))
    assert_same(frame, oracle, query.format(c=f"{database}.", method=method, hint=""))
    return plan_text(frame)


def shuffles(plan: str) -> int:
    return plan.count("Exchange hashpartitioning")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("query", [JOIN, GROUPS], ids=["join", "groups"])
def test_no_shuffle(spark, oracle, database, method, query):
    with reported(spark):
        plan = run(spark, oracle, database, query, method)
    assert shuffles(plan) == 0, plan
    with settings(spark, sql__sources__v2__bucketing__enabled="true", sql__autoBroadcastJoinThreshold="-1"):
        plain = run(spark, oracle, database, query, method)
    assert shuffles(plain) > 0, "nothing was asked for"


def test_other_partitions_are_shuffled(spark, oracle, database):
    """Sixteen partitions are not eight, KEY is not HASH, other bounds are others."""
    oracle.execute("CREATE TABLE right_other (id BIGINT, v INT) PARTITION BY HASH (id) PARTITIONS 16",
                   "CREATE TABLE right_keyed (id BIGINT, v INT) PARTITION BY KEY (id) PARTITIONS 8",
                   "CREATE TABLE right_bounds (id INT, v INT) PARTITION BY RANGE COLUMNS (id) "
                   "(PARTITION p0 VALUES LESS THAN (0), PARTITION p1 VALUES LESS THAN (151), PARTITION p2 VALUES LESS THAN MAXVALUE)")
    for left, right in (("hash", "other"), ("hash", "keyed"), ("range", "bounds")):
        oracle.execute(f"INSERT INTO right_{right} SELECT id, v FROM right_{left}")
        query = f"SELECT l.id, l.v, r.v FROM {{c}}left_{left} l JOIN {{c}}right_{right} r ON l.id = r.id"
        with reported(spark):
            assert shuffles(run(spark, oracle, database, query, "")) > 0


@pytest.mark.parametrize("values", ["id = 7", "id IN (1, 2, 9)", "id IS NULL", "id > 1000000"])
@pytest.mark.parametrize("pushed", ["true", "false"])
def test_pruned_partitions(spark, oracle, database, values, pushed):
    """A side that reads fewer partitions than the other, or none."""
    with reported(spark, sql__sources__v2__bucketing__pushPartValues__enabled=pushed):
        run(spark, oracle, database, JOIN + f" AND l.{values}", "hash")
        run(spark, oracle, database, JOIN.replace(" JOIN ", " LEFT JOIN ") + f" AND r.{values}", "hash")


def test_a_runtime_filter_prunes_partitions(spark, oracle, database):
    """What a broadcast side finds is a filter of the partitioned ones, which keep their partitions."""
    oracle.execute("CREATE TABLE few (id BIGINT PRIMARY KEY, wanted INT)", "INSERT INTO few VALUES (3, 1), (8, 1), (9, 0), (-11, 1)")
    query = JOIN + " JOIN {c}few f ON l.id = f.id AND f.wanted = 1"
    for fallback in ("true", "false"):
        with reported(spark, sql__optimizer__dynamicPartitionPruning__reuseBroadcastOnly=fallback):
            run(spark, oracle, database, query, "hash", hint="/*+ BROADCAST(f) */")


def test_values_that_spark_cannot_tell_apart(spark, oracle, database):
    """A TINYINT(1) of 1 and one of 2 lie in different partitions and are both true."""
    oracle.execute("CREATE TABLE flags (flag TINYINT(1), v INT) PARTITION BY HASH (flag) PARTITIONS 4",
                   "INSERT INTO flags VALUES (0, 1), (1, 2), (2, 3), (3, 4), (NULL, 5)")
    with reported(spark):
        rows = spark.sql(f"SELECT flag, sum(v) FROM {CATALOG}.{database}.flags GROUP BY flag").collect()
    assert sorted(map(tuple, rows), key=str) == sorted([(False, 1), (True, 9), (None, 5)], key=str)


def test_columns_and_aggregations_without_the_column(spark, oracle, database):
    with reported(spark):
        run(spark, oracle, database, "SELECT v, s FROM {c}left_{method}", "hash")
        run(spark, oracle, database, "SELECT count(*), sum(v) FROM {c}left_{method}", "hash")
        run(spark, oracle, database, "SELECT s, count(*) FROM {c}left_{method} GROUP BY s", "hash")


@pytest.mark.parametrize("method", METHODS)
def test_spark_may_shuffle_one_side(spark, oracle, database, method):
    """Spark would have to compute TiDB's partitions for the rows of the other side, and does not."""
    query = f"SELECT l.id, l.v, n.v FROM {{c}}left_{method} l JOIN {{c}}plain_{method} n ON l.id = n.id"
    oracle.execute(f"CREATE TABLE plain_{method} (id {TYPES[method]}, v INT)", f"INSERT INTO plain_{method} SELECT id, v FROM right_{method}")
    with reported(spark, sql__sources__v2__bucketing__shuffle__enabled="true"):
        run(spark, oracle, database, query, method)
