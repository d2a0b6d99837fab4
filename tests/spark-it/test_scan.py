"""Columns, counts, batches and plans; TPC-H."""
import pytest

from support.compare import assert_same
from support.sparks import CATALOG, settings

Q1 = """
SELECT l_returnflag, l_linestatus, sum(l_quantity), sum(l_extendedprice), sum(l_extendedprice * (1 - l_discount)),
       sum(l_extendedprice * (1 - l_discount) * (1 + l_tax)), count(*)
FROM {}.lineitem WHERE l_shipdate <= DATE '1998-09-02' GROUP BY l_returnflag, l_linestatus ORDER BY l_returnflag, l_linestatus"""
Q3 = """
SELECT l_orderkey, sum(l_extendedprice * (1 - l_discount)) AS revenue, o_orderdate, o_shippriority
FROM {0}.customer, {0}.orders, {0}.lineitem
WHERE c_mktsegment = 'BUILDING' AND c_custkey = o_custkey AND l_orderkey = o_orderkey AND o_orderdate < DATE '1995-03-15'
  AND l_shipdate > DATE '1995-03-15'
GROUP BY l_orderkey, o_orderdate, o_shippriority ORDER BY revenue DESC, o_orderdate, l_orderkey LIMIT 10"""
TPCH_TABLES = ("lineitem", "orders", "partsupp", "part", "customer", "supplier", "nation", "region")


@pytest.fixture(scope="module")
def wide(oracle, database) -> int:
    """20,000 rows in many regions; the number of rows."""
    oracle.execute("CREATE TABLE wide (id INT PRIMARY KEY, a BIGINT, s VARCHAR(200), d DECIMAL(12,3), j JSON, t DATETIME(3))")
    oracle.insert("wide", [(n, n * 7919 % 1000 - 500, "é" * (n % 90), f"{n}.{n % 1000:03}", f'{{"n": {n}}}', f"2020-01-01 00:{n % 60:02}:00.{n % 1000:03}")
                           for n in range(20_000)])
    return 20_000


@pytest.mark.parametrize("columnar", ["true", "false"])
def test_many_regions(spark, oracle, database, wide, table, columnar):
    with settings(spark, tispark__scan__columnar=columnar):
        assert assert_same(table("wide"), oracle, f"SELECT * FROM {database}.wide") == wide


@pytest.mark.parametrize("columns", ["s", "t, id", "d, a, d", "id", "j"])
def test_column_pruning(spark, oracle, database, wide, table, columns):
    frame = spark.sql(f"SELECT {columns} FROM {CATALOG}.{database}.wide")
    assert_same(frame, oracle, f"SELECT {columns} FROM {database}.wide")


def test_pruning_reads_less(cluster, spark, wide, table):
    """Only the columns asked for travel: the plan names them."""
    plan = table("wide").select("a")._jdf.queryExecution().executedPlan().toString()
    assert "a#" in plan and "j#" not in plan, plan


@pytest.mark.parametrize("columnar", ["true", "false"])
def test_counts(spark, oracle, database, wide, table, columnar):
    with settings(spark, tispark__scan__columnar=columnar):
        assert table("wide").count() == wide
        assert spark.sql(f"SELECT count(*) FROM {CATALOG}.{database}.wide WHERE a > 0").first()[0] == \
            int(oracle.one(f"SELECT COUNT(*) FROM {database}.wide WHERE a > 0"))
        assert spark.sql(f"SELECT 1 FROM {CATALOG}.{database}.wide").count() == wide


def test_empty_table(spark, oracle, database, table):
    oracle.execute("CREATE TABLE empty_ (a INT, s SET('x'))")
    assert table("empty_").collect() == []
    assert table("empty_").count() == 0
    assert spark.sql(f"SELECT max(a), count(*) FROM {CATALOG}.{database}.empty_").first() == (None, 0)


@pytest.mark.parametrize("setting, value", [("scan__batch__rows", "1"), ("scan__batch__rows", "3"), ("scan__concurrency", "1"),
                                            ("scan__concurrency", "16"), ("scan__partition__size", "1"), ("scan__partition__size", "1g"),
                                            ("scan__memory__limit", "1m")])
def test_shapes_of_a_scan(spark, oracle, database, wide, setting, value):
    frame = spark.table(f"{CATALOG}.{database}.wide").where("id < 2000")
    with settings(spark, **{f"tispark__{setting}": value}):
        assert_same(frame, oracle, f"SELECT * FROM {database}.wide WHERE id < 2000")


def test_partitions_follow_the_size(spark, database, wide, table):
    with settings(spark, tispark__scan__partition__size="64k"):
        many = table("wide").rdd.getNumPartitions()
    with settings(spark, tispark__scan__partition__size="1g"):
        few = table("wide").rdd.getNumPartitions()
    assert many > few >= 1, (many, few)


def test_limit_and_order(spark, oracle, database, wide, table):
    assert len(table("wide").limit(10).collect()) == 10
    assert_same(table("wide").orderBy("a", "id").limit(100), oracle, f"SELECT * FROM {database}.wide ORDER BY a, id LIMIT 100", ordered=True)


def test_cached_and_reused(spark, oracle, database, wide, table):
    frame = table("wide").select("id", "s", "d").where("id % 7 = 0").cache()
    try:
        for _ in range(2):
            assert_same(frame, oracle, f"SELECT id, s, d FROM {database}.wide WHERE id % 7 = 0")
    finally:
        frame.unpersist()
    join = table("wide").alias("x").join(table("wide").alias("y"), "id").selectExpr("count(*)", "sum(x.a * y.a)").first()
    assert tuple(map(int, join)) == tuple(map(int, oracle.rows(f"SELECT COUNT(*), SUM(a * a) FROM {database}.wide")[0]))


def test_self_union_reads_one_snapshot(spark, database, wide, table):
    frame = table("wide")
    assert frame.union(frame).groupBy("id").count().where("count <> 2").count() == 0


@pytest.mark.parametrize("name", TPCH_TABLES)
def test_tpch_tables(spark, oracle, name):
    assert_same(spark.table(f"{CATALOG}.tpch.{name}"), oracle, f"SELECT * FROM tpch.{name}")


@pytest.mark.parametrize("columnar", ["true", "false"])
@pytest.mark.parametrize("query", [Q1, Q3], ids=["q1", "q3"])
def test_tpch_queries(spark, oracle, query, columnar):
    with settings(spark, tispark__scan__columnar=columnar):
        frame = spark.sql(query.format(f"{CATALOG}.tpch"))
        assert assert_same(frame, oracle, query.format("tpch"), ordered=True) > 0
