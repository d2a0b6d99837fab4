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


def test_arithmetic_in_the_stores(spark, oracle):
    """Spark offers arithmetic to a source in ANSI mode only; then Q6 is answered by the stores' own sums."""
    with settings(spark, sql__ansi__enabled="true"):
        frame = spark.sql(QUERIES[6].format(f"{CATALOG}.tpch"))
        text, = described(frame)
        assert "PushedAggregates: [SUM((l_extendedprice * l_discount))]" in text, text
        assert_same(frame, oracle, QUERIES[6].format("tpch"), ordered=True)


@pytest.mark.parametrize("number", QUERIES)
def test_query_in_ansi_mode(spark, oracle, number):
    """The same answers with what Spark offers in that mode."""
    with settings(spark, sql__ansi__enabled="true"):
        assert_same(spark.sql(QUERIES[number].format(f"{CATALOG}.tpch")), oracle, QUERIES[number].format("tpch"), ordered=True)
