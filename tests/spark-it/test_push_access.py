"""Indexes, ranges and partitions that a plan chooses, runtime filters and statistics: seen in the plan, and the answer is that of a full scan."""
import pytest

from support.compare import assert_same
from support.pushed import EVERYTHING, INDEX_FIRST, INDEXES, PARTITIONS, plan_text, planned, three_ways
from support.sparks import CATALOG, settings

ROWS = 4_000
BROADCAST = {"sql__adaptive__enabled": "false", "sql__autoBroadcastJoinThreshold": "1m"}
NO_BROADCAST = {"sql__adaptive__enabled": "false", "sql__autoBroadcastJoinThreshold": "-1"}


@pytest.fixture(scope="module")
def things(oracle, database) -> str:
    """A table with indexes, in many regions, with statistics; its name in Spark."""
    oracle.execute("CREATE TABLE things (id INT PRIMARY KEY, a INT, b VARCHAR(30), c DATE, u BIGINT UNSIGNED UNIQUE, pad VARCHAR(200), w VARCHAR(20) COLLATE utf8mb4_general_ci, "
                   "KEY ab (a, b), KEY c (c), KEY p (pad(4)), KEY w (w))")
    oracle.insert("things", [(n, n % 500 if n % 50 else None, f"b{n % 11}", f"20{n % 80 + 10}-01-0{n % 9 + 1}", n * 10**15, f"{n:05}" * 30, f"{'aA'[n % 2]}{n % 300}")
                             for n in range(ROWS)])
    oracle.execute("ANALYZE TABLE things")
    return f"{CATALOG}.{database}.things"


CASES = {
    # predicate -> what the plan must say, any of them
    "id = 77": ("TableRangeScan", "Point"),
    "id IN (1, 5, 3000)": ("TableRangeScan", "Point"),
    "id BETWEEN 100 AND 120": ("TableRangeScan",),
    "a = 77": ("index:ab(",),
    "a = 77 AND b = 'b3'": ("index:ab(",),
    "a IN (3, 4) AND b >= 'b5'": ("index:ab(",),
    "a IS NULL AND b = 'b1'": ("index:ab(",),
    "c = DATE '2033-01-04'": ("index:c(",),
    "u = 5000000000000000": ("index:u(", "Point"),
    "pad LIKE '0004%'": ("index:p(",),
    "w = 'a7'": ("index:w(",),
}


@pytest.mark.parametrize("predicate", CASES)
def test_chosen(spark, oracle, database, things, predicate):
    with settings(spark, **INDEX_FIRST):
        frame = three_ways(spark, oracle, f"SELECT * FROM {things} WHERE {predicate}")
        tree, = planned(frame)
        assert any(word in tree for word in CASES[predicate]), tree
    with settings(spark, **INDEXES):
        tree, = planned(spark.sql(f"SELECT * FROM {things} WHERE {predicate}"))
        assert "IndexLookUp" not in tree and "IndexRangeScan" not in tree, tree


@pytest.mark.parametrize("query", [
    "SELECT a, b FROM {} WHERE a = 7", "SELECT count(*) FROM {} WHERE a < 10", "SELECT a, count(*) FROM {} WHERE a BETWEEN 5 AND 9 GROUP BY a",
    "SELECT max(b) FROM {} WHERE a = 12", "SELECT a, b, id FROM {} WHERE a = 12 AND b > 'b2' ORDER BY b, id LIMIT 3", "SELECT u FROM {} WHERE u > 3990000000000000",
    "SELECT id FROM {} WHERE a = 7 AND pad LIKE '%77%'", "SELECT * FROM {} WHERE a = 7 LIMIT 1000", "SELECT c, count(*) FROM {} WHERE c > DATE '2080-01-01' GROUP BY c"])
def test_index_answers(spark, oracle, database, things, query):
    with settings(spark, **INDEX_FIRST):
        three_ways(spark, oracle, query.format(things), query.format(f"{database}.things") if "c," not in query else None)


def test_choice_by_cost(spark, things):
    """A selective index is worth it, a condition that most rows meet is not."""
    few, = planned(spark.sql(f"SELECT pad FROM {things} WHERE a = 7 AND b = 'b3'"))
    assert "index:ab(" in few and "IndexLookUp" in few, few
    most, = planned(spark.sql(f"SELECT pad FROM {things} WHERE a >= 1"))
    assert "IndexLookUp" not in most, most


PARTITIONED = {
    "range_": ("PARTITION BY RANGE (k) (PARTITION p0 VALUES LESS THAN (100), PARTITION p1 VALUES LESS THAN (200), PARTITION p2 VALUES LESS THAN MAXVALUE)", "k = 150", 1),
    "columns": ("PARTITION BY RANGE COLUMNS (d) (PARTITION p0 VALUES LESS THAN ('2020-01-01'), PARTITION p1 VALUES LESS THAN ('2022-01-01'), "
                "PARTITION p2 VALUES LESS THAN (MAXVALUE))", "d >= DATE '2022-01-01'", 1),
    "list_": ("PARTITION BY LIST (l) (PARTITION p0 VALUES IN (0, 1, NULL), PARTITION p1 VALUES IN (2, 3), PARTITION p2 VALUES IN (4))", "l IN (2, 4)", 2),
    "hash_": ("PARTITION BY HASH (k) PARTITIONS 4", "k = 7", 1),
    "key_": ("PARTITION BY KEY (k) PARTITIONS 4", "k = 7", 1),
}


@pytest.mark.parametrize("name", PARTITIONED)
def test_partitions(spark, oracle, database, name):
    clause, predicate, left = PARTITIONED[name]
    oracle.execute(f"CREATE TABLE {name} (k INT, l INT, d DATE, v INT, KEY v (v)) {clause}")
    oracle.insert(name, [(n, n % 5, f"20{19 + n % 5}-03-04", n * 3) for n in range(300)] + [(None, None, None, None)])
    oracle.execute(f"ANALYZE TABLE {name}")
    table = f"{CATALOG}.{database}.{name}"
    query = f"SELECT * FROM {table} WHERE {predicate}"
    frame = three_ways(spark, oracle, query, f"SELECT * FROM {database}.{name} WHERE {predicate}")
    tree, = planned(frame)
    assert f"({left} of " in tree, tree
    with settings(spark, **PARTITIONS):
        assert_same(spark.sql(query), oracle, f"SELECT * FROM {database}.{name} WHERE {predicate}")
    for other in ("k IS NULL", "k IN (1, 150, 250)", "k > 120 AND k < 130", "v = 33", "k = 5 OR v = 33", "l = 3 AND k < 50", "d = DATE '2021-03-04'"):
        three_ways(spark, oracle, f"SELECT * FROM {table} WHERE {other}", f"SELECT * FROM {database}.{name} WHERE {other.replace('DATE ', '')}")


@pytest.fixture(scope="module")
def small(oracle, database) -> str:
    """A table to join with: a few keys of `things`."""
    oracle.execute("CREATE TABLE small (k INT PRIMARY KEY, kind VARCHAR(10), moment DATE)",
                   "INSERT INTO small VALUES (3, 'x', '2033-01-04'), (1500, 'x', '2040-01-02'), (3999, 'x', NULL), (7, 'y', NULL), (100000, 'x', NULL)", "ANALYZE TABLE small")
    return f"{CATALOG}.{database}.small"


def test_broadcast_without_hints(spark, things, small):
    """TiDB's statistics say that one side is small."""
    with settings(spark, **BROADCAST):
        frame = spark.sql(f"SELECT * FROM {things} t JOIN {small} s ON t.id = s.k")
        assert "BroadcastHashJoin" in plan_text(frame), plan_text(frame)
        assert frame.count() == 4
        with settings(spark, tispark__statistics__auto_load="false"):
            assert "BroadcastHashJoin" not in plan_text(spark.sql(f"SELECT * FROM {things} t JOIN {small} s ON t.id = s.k"))


@pytest.mark.parametrize("column", ["id", "a"])
def test_runtime_filters(spark, oracle, database, things, small, column):
    """The values of the small side become ranges of the large one while the join runs.

    Spark prunes by a side only when it evaluates a filter of it itself: here one that is not pushed.
    """
    query = f"SELECT t.id, s.k FROM {{0}}things t JOIN {{0}}small s ON t.{column} = s.k WHERE upper(s.kind) = 'X'"
    with settings(spark, **BROADCAST):
        frame = spark.sql(query.format(f"{CATALOG}.{database}."))
        assert "dynamicpruning" in plan_text(frame).lower(), plan_text(frame)
        assert_same(frame, oracle, query.format(f"{database}."))
        tree = next(line for line in planned(frame) if "things" in line)
        assert f"RuntimeFilters: [{column} IN (" in tree and "Range" in tree, tree
    with settings(spark, **BROADCAST, **EVERYTHING):
        off = spark.sql(query.format(f"{CATALOG}.{database}."))
        assert "dynamicpruning" not in plan_text(off).lower()
        assert_same(off, oracle, query.format(f"{database}."))


def test_runtime_filters_under_aggregates_and_limits(spark, oracle, database, things, small):
    """Where a filter of rows would come too late there is none, and the answer is right."""
    for query in ("SELECT s.k, x.n FROM (SELECT a, count(*) AS n FROM {0}things GROUP BY a) x JOIN {0}small s ON x.a = s.k WHERE upper(s.kind) = 'Y'",
                  "SELECT count(*) FROM (SELECT id FROM {0}things ORDER BY id LIMIT 5) x JOIN {0}small s ON x.id = s.k WHERE upper(s.kind) = 'X'"):
        for broadcast in (BROADCAST, NO_BROADCAST):
            with settings(spark, **broadcast):
                assert_same(spark.sql(query.format(f"{CATALOG}.{database}.")), oracle, query.format(f"{database}."))


def test_statistics_that_are_missing(spark, oracle, database):
    oracle.execute("CREATE TABLE fresh (id INT PRIMARY KEY, a INT, KEY a (a))", "INSERT INTO fresh VALUES (1, 2), (3, 4)")
    three_ways(spark, oracle, f"SELECT * FROM {CATALOG}.{database}.fresh WHERE a = 4", f"SELECT * FROM {database}.fresh WHERE a = 4")
