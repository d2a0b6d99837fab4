"""A user's first program: databases, a schema, a join and TPC-H Q1 of TiDB in Spark SQL, with TiDB's own answers beside them.

    demo.py --jar dist/tidb-spark-runtime-3.5_2.12-0.1.0.jar

The cluster is the one of TIDB_SPARK_CLUSTER_STATUS, with TPC-H in the database `tpch` (tests/tools/with_cluster.py). The exit code is 1
when an answer of Spark differs from TiDB's.
"""
import argparse
import json
import os
import pathlib
import sys
import time
from decimal import Decimal

import pymysql
from pyspark.sql import SparkSession

CATALOG = "tidb_catalog"

JOIN = """
SELECT n_name, count(*) AS customers, sum(c_acctbal) AS balance
FROM {0}customer JOIN {0}nation ON c_nationkey = n_nationkey
WHERE n_regionkey = 3
GROUP BY n_name ORDER BY n_name"""

Q1 = """
SELECT l_returnflag, l_linestatus, sum(l_quantity) AS sum_qty, sum(l_extendedprice) AS sum_base_price,
       sum(l_extendedprice * (1 - l_discount)) AS sum_disc_price,
       sum(l_extendedprice * (1 - l_discount) * (1 + l_tax)) AS sum_charge,
       avg(l_quantity) AS avg_qty, avg(l_extendedprice) AS avg_price, avg(l_discount) AS avg_disc, count(*) AS count_order
FROM {0}lineitem
WHERE l_shipdate <= DATE '1998-09-02'
GROUP BY l_returnflag, l_linestatus ORDER BY l_returnflag, l_linestatus"""


def show(title: str, columns: list[str], rows: list[tuple], seconds: float) -> None:
    """A table of text."""
    cells = [columns, *[[str(value) for value in row] for row in rows]]
    widths = [max(len(line[n]) for line in cells) for n in range(len(columns))]
    print(f"\n{title} ({seconds:.2f} s)")
    for line in cells:
        print("  " + "  ".join(cell.rjust(width) for cell, width in zip(line, widths)))


def same(spark_rows: list[tuple], tidb_rows: list[tuple]) -> bool:
    """Equal row by row; decimals by value, because the two give sums another scale."""
    def plain(row):
        return tuple(value.normalize() if isinstance(value, Decimal) else value for value in row)

    return [plain(row) for row in spark_rows] == [plain(row) for row in tidb_rows]


class Demo:
    """Both sides, and whether they agreed so far."""

    def __init__(self, jar: str, status: dict):
        tidb = status["tidb"]
        self.tidb = pymysql.connect(host=tidb["host"], port=tidb["port"], user=tidb["user"], database="tpch")
        self.spark = (
            SparkSession.builder.master("local[2]").appName("tidb-demo")
            .config("spark.jars", jar)
            .config(f"spark.sql.catalog.{CATALOG}", "org.apache.spark.sql.catalyst.catalog.TiCatalog")
            .config(f"spark.sql.catalog.{CATALOG}.pd.addresses", ",".join(status["pd"]["addresses"]))
            .config("spark.ui.enabled", "false").config("spark.ui.showConsoleProgress", "false")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.sql.shuffle.partitions", "4")
            .getOrCreate())
        self.spark.sparkContext.setLogLevel("ERROR")
        self.agreed = True

    def ask_spark(self, sql: str) -> tuple[list[str], list[tuple], float]:
        """Columns, rows, seconds."""
        begin = time.monotonic()
        frame = self.spark.sql(sql)
        rows = [tuple(row) for row in frame.collect()]
        return frame.columns, rows, time.monotonic() - begin

    def ask_tidb(self, sql: str) -> tuple[list[tuple], float]:
        """Rows, seconds."""
        begin = time.monotonic()
        with self.tidb.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall()), time.monotonic() - begin

    def compare(self, title: str, sql: str) -> None:
        """The same statement on both sides."""
        columns, rows, seconds = self.ask_spark(sql.format(f"{CATALOG}.tpch."))
        show(f"{title}: Spark", columns, rows, seconds)
        expected, seconds = self.ask_tidb(sql.format(""))
        show(f"{title}: TiDB", columns, expected, seconds)
        equal = bool(rows) and same(rows, expected)
        print("  the answers are " + ("equal" if equal else "DIFFERENT"))
        self.agreed = self.agreed and equal

    def run(self) -> int:
        """The exit code."""
        show("SHOW NAMESPACES", *self.ask_spark(f"SHOW NAMESPACES IN {CATALOG}"))
        show("SHOW TABLES", *self.ask_spark(f"SHOW TABLES IN {CATALOG}.tpch"))
        show("DESCRIBE lineitem", *self.ask_spark(f"DESCRIBE {CATALOG}.tpch.lineitem"))
        self.compare("a join of two tables", JOIN)
        self.compare("TPC-H Q1", Q1)
        self.spark.stop()
        return 0 if self.agreed else 1


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jar", required=True)
    args = parser.parse_args()
    status = json.loads(pathlib.Path(os.environ["TIDB_SPARK_CLUSTER_STATUS"]).read_text())
    return Demo(args.jar, status).run()


if __name__ == "__main__":
    sys.exit(main())
