"""TPC-H: all 22 queries give TiDB's answers, with push-down."""
import pytest

from support.compare import assert_same
from support.pushed import described
from support.sparks import CATALOG, settings
from support.tpch import QUERIES


@pytest.fixture(scope="module", autouse=True)
def analyzed(oracle):
    """Statistics, as any table of some size has them."""
    for table in ("lineitem", "orders", "partsupp", "part", "customer", "supplier", "nation", "region"):
        oracle.execute(f"ANALYZE TABLE tpch.{table}")


@pytest.mark.parametrize("number", QUERIES)
def test_query(spark, oracle, number):
    query = QUERIES[number]
    assert_same(spark.sql(query.format(f"{CATALOG}.tpch")), oracle, query.format("tpch"), ordered=True)


@pytest.mark.parametrize("number", [1, 6])
def test_arithmetic_in_the_stores(spark, oracle, number):
    """Spark offers arithmetic to a source in ANSI mode only; then these two are answered by the stores' own sums."""
    query = QUERIES[number]
    with settings(spark, sql__ansi__enabled="true"):
        frame = spark.sql(query.format(f"{CATALOG}.tpch"))
        text, = described(frame)
        assert "PushedAggregates: [" in text and "SUM((l_extendedprice *" in text, text
        assert_same(frame, oracle, query.format("tpch"), ordered=True)
