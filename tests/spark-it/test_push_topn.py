"""ORDER BY with LIMIT, LIMIT, OFFSET: pushed = not pushed = TiDB."""
import pytest

from support.pushed import LIMIT, TOP_N, described, three_ways
from support.sparks import CATALOG, settings

ROWS = 5_000


@pytest.fixture(scope="module")
def things(oracle, database) -> str:
    """A table in many regions; its name in Spark."""
    oracle.execute("CREATE TABLE things (id INT PRIMARY KEY, i INT, u BIGINT UNSIGNED, d DECIMAL(20,4), r DOUBLE, s VARCHAR(60), day DATE, ts TIMESTAMP(3) NULL)")
    oracle.insert("things", [(n, *(None,) * 7) if n % 97 == 0 else
                             (n, n * 7919 % 1013 - 500, n * 104729 % 5003 * 10**15, f"{n * 31 % 997 - 300}.{n % 10000:04}", (n * 37 % 701 - 350) / 16,
                              f"{'äaZ'[n % 3]}{n * 13 % 499}{'x' * (n % 40)}", f"20{n % 90 + 10}-0{n % 9 + 1}-1{n % 9}", f"2024-0{n % 9 + 1}-10 10:00:00.{n % 1000:03}")
                             for n in range(ROWS)])
    return f"{CATALOG}.{database}.things"


ORDERS = ["i", "i DESC", "u DESC", "d", "r DESC", "s", "s DESC", "day DESC", "ts", "i, s DESC", "day, i DESC, r"]


@pytest.mark.parametrize("order", ORDERS)
def test_first_rows(spark, oracle, database, things, order):
    """NULLs come first in ascending and last in descending order, in both."""
    query = "SELECT id, i, s FROM {} ORDER BY " + order + ", id LIMIT 25"
    text, = described(three_ways(spark, oracle, query.format(things), query.format(f"{database}.things"), TOP_N, ordered=True))
    assert "PushedTopN: ORDER BY [" in text and "LIMIT 25" in text, text


@pytest.mark.parametrize("order", ["i ASC NULLS LAST, id", "i DESC NULLS FIRST, id", "s ASC NULLS LAST, id DESC", "ts DESC NULLS FIRST, id"])
def test_nulls_elsewhere(spark, oracle, things, order):
    three_ways(spark, oracle, f"SELECT id, i FROM {things} ORDER BY {order} LIMIT 60", ordered=True)


def test_with_a_filter(spark, oracle, database, things):
    query = "SELECT id, d FROM {} WHERE i > 100 AND s < 'b' ORDER BY d DESC, id LIMIT 13"
    three_ways(spark, oracle, query.format(things), query.format(f"{database}.things"), ordered=True)


def test_offset(spark, oracle, database, things):
    query = "SELECT id, i FROM {} ORDER BY i, id LIMIT 10 OFFSET 20"
    frame = three_ways(spark, oracle, query.format(things), query.format(f"{database}.things"), ordered=True)
    assert "LIMIT 30" in described(frame)[0], described(frame)
    assert "PushedLimit: 9" in described(spark.sql(f"SELECT id FROM {things} LIMIT 5 OFFSET 4"))[0]
    assert spark.sql(f"SELECT id FROM {things} LIMIT 10 OFFSET 4995").count() == 5
    assert spark.table(things).offset(4990).count() == 10


def test_limit(spark, things):
    frame = spark.sql(f"SELECT id, i FROM {things} LIMIT 7")
    assert "PushedLimit: 7" in described(frame)[0], described(frame)
    assert len(frame.collect()) == 7
    assert len(spark.sql(f"SELECT id FROM {things} LIMIT 100000").collect()) == ROWS
    assert spark.sql(f"SELECT id FROM {things} LIMIT 0").collect() == []
    rows = spark.sql(f"SELECT i FROM {things} WHERE i = 3 LIMIT 2").collect()
    assert [row.i for row in rows] == [3, 3]
    with settings(spark, **LIMIT, **TOP_N):
        assert "Pushed" not in described(spark.sql(f"SELECT id FROM {things} LIMIT 7"))[0]
        assert "Pushed" not in described(spark.sql(f"SELECT id FROM {things} ORDER BY i LIMIT 7"))[0]


def test_limit_below_what_spark_evaluates(spark, oracle, database, things):
    """A filter, an aggregate or a join above the scan must see all rows."""
    query = "SELECT s, count(*) AS n FROM {} GROUP BY s ORDER BY n DESC, s LIMIT 5"
    three_ways(spark, oracle, query.format(things), query.format(f"{database}.things"), ordered=True)
    three_ways(spark, oracle, f"SELECT id FROM {things} WHERE hash(i) % 2 = 0 ORDER BY id LIMIT 9", ordered=True)
    three_ways(spark, oracle, f"SELECT x.id FROM {things} x JOIN {things} y ON x.id = y.i ORDER BY x.id LIMIT 9", ordered=True)


def test_sample(spark, things):
    """Spark takes the sample: about so many rows, each of them once."""
    rows = [row.id for row in spark.sql(f"SELECT id FROM {things} TABLESAMPLE (20 PERCENT) REPEATABLE (7)").collect()]
    assert 800 < len(rows) < 1200 and len(set(rows)) == len(rows)
