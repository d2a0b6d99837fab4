"""The Spark half of the benchmark: reads one request a line from standard input, answers its seconds on standard output.

    {"contender", "columns"}    a scan of lineitem into the noop sink
    {"contender", "query"}      the rows of a query; contender `tidb`: by TiDB itself
    {"prepare": [statement]}    statements for TiDB
"""
import argparse
import json
import os
import sys
import time

import pymysql
from pyspark.sql import SparkSession

ROWS_A_FETCH = 10_000


def connector(spark, args, table):
    """A table through the catalog."""
    return spark.table(f"tidb_catalog.tpch.{table}")


def jdbc(spark, args, table):
    """A table through Spark's JDBC source, as its documentation advises for large tables."""
    url = f"jdbc:mysql://{args.tidb}/tpch?useCursorFetch=true&useServerPrepStmts=true&useSSL=false&allowPublicKeyRetrieval=true"
    options = {"url": url, "user": "root", "password": "", "driver": "com.mysql.cj.jdbc.Driver"}
    if not hasattr(jdbc, "upper"):
        query = "(select max(l_orderkey) m from lineitem) t"
        jdbc.upper = spark.read.format("jdbc").options(**options, dbtable=query).load().first()[0]
    partitions = {"partitionColumn": f"{table[0]}_orderkey", "lowerBound": "0", "upperBound": str(jdbc.upper),
                  "numPartitions": str(2 * os.cpu_count()), "fetchsize": str(ROWS_A_FETCH)}
    return spark.read.format("jdbc").options(**options, **partitions, dbtable=table).load()


CONTENDERS = {"connector": connector, "jdbc": jdbc}


def prepare(tidb, statements: list[str]) -> None:
    """Runs statements; the faster way of filling an index needs an import service that the test store has not."""
    with tidb.cursor() as cursor:
        for statement in ("SET GLOBAL tidb_enable_dist_task = OFF", "SET GLOBAL tidb_ddl_enable_fast_reorg = OFF", *statements):
            cursor.execute(statement)


def query(spark, args, tidb, request: dict) -> float:
    """Seconds until the rows are here, parsing and planning included."""
    contender = request["contender"]
    if contender == "tidb":
        start = time.monotonic()
        with tidb.cursor() as cursor:
            cursor.execute(request["query"])
            cursor.fetchall()
        return time.monotonic() - start
    for table in ("lineitem", "orders"):
        CONTENDERS[contender](spark, args, table).createOrReplaceTempView(table)
    start = time.monotonic()
    spark.sql(request["query"]).collect()
    return time.monotonic() - start


def main() -> None:
    """Answers until standard input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--jar", "--driver", "--pd", "--tidb"):
        parser.add_argument(name, required=True)
    args = parser.parse_args()
    spark = (SparkSession.builder.master(f"local[{os.cpu_count()}]")
             .config("spark.jars", f"{args.jar},{args.driver}")
             .config("spark.driver.memory", "4g")
             .config("spark.ui.enabled", "false")
             .config("spark.sql.ansi.enabled", "true")
             .config("spark.sql.catalog.tidb_catalog", "org.apache.spark.sql.catalyst.catalog.TiCatalog")
             .config("spark.sql.catalog.tidb_catalog.pd.addresses", args.pd)
             .getOrCreate())
    spark.sparkContext.setLogLevel("WARN")
    host, port = args.tidb.split(":")
    tidb = pymysql.connect(host=host, port=int(port), user="root", database="tpch", autocommit=True)
    for line in sys.stdin:
        request = json.loads(line)
        if "prepare" in request:
            prepare(tidb, request["prepare"])
            seconds = 0.0
        elif "query" in request:
            seconds = query(spark, args, tidb, request)
        else:
            frame = CONTENDERS[request["contender"]](spark, args, "lineitem")
            frame = frame.select(*(request["columns"].split(",") if request["columns"] else ["*"]))
            start = time.monotonic()
            frame.write.format("noop").mode("overwrite").save()
            seconds = time.monotonic() - start
        print(json.dumps({"seconds": seconds}), flush=True)


if __name__ == "__main__":
    main()
