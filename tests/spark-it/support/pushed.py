"""What a plan pushes down, and the same query with push-down turned off."""
import re

from pyspark.sql import DataFrame, SparkSession

from .compare import assert_rows, assert_same
from .sparks import settings
from .values import spark_rows

FILTERS = {"tispark__plan__allow_filter_pushdown": "false"}
AGGREGATES = {"tispark__plan__allow_agg_pushdown": "false"}
TOP_N = {"tispark__plan__allow_topn_pushdown": "false"}
LIMIT = {"tispark__plan__allow_limit_pushdown": "false"}
INDEXES = {"tispark__plan__allow_index_read": "false"}
PARTITIONS = {"tispark__plan__allow_partition_pruning": "false"}
INDEX_FIRST = {"tispark__plan__use_index_scan_first": "true"}
EVERYTHING = {**FILTERS, **AGGREGATES, **TOP_N, **LIMIT, **INDEXES, **PARTITIONS}
"""Each turns its construct off."""


def plan_text(frame: DataFrame) -> str:
    """The physical plan as EXPLAIN shows it."""
    return frame._jdf.queryExecution().executedPlan().toString()


def described(frame: DataFrame) -> list[str]:
    """What each scan of TiDB says of itself before it runs."""
    return re.findall(r"TiDBScan .*", plan_text(frame))


def planned(frame: DataFrame) -> list[str]:
    """Runs the frame; the operator tree of each of its scans afterwards, in one line."""
    frame.collect()
    return [line for line in plan_text(frame).splitlines() if "BatchScan" in line and "TiDBScan" not in line]


def three_ways(spark: SparkSession, oracle, query: str, tidb: str | None = None, off: dict[str, str] | None = None,
               ordered: bool = False) -> DataFrame:
    """The answer with push-down is the one without and, where `tidb` is a query, TiDB's; the frame with push-down."""
    with settings(spark, **(EVERYTHING if off is None else off)):
        plain = spark_rows(spark.sql(query))
    frame = spark.sql(query)
    assert_rows(spark_rows(frame), plain, frame.columns, ordered)
    if tidb is not None:
        assert_same(frame, oracle, tidb, ordered)
    return frame
