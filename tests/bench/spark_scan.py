"""The Spark half of the benchmark: reads one request a line from standard input, answers its seconds on standard output."""
import argparse
import json
import os
import sys
import time

from pyspark.sql import SparkSession

ROWS_A_FETCH = 10_000


def connector(spark, args, columns):
    """lineitem through the catalog."""
    return spark.table("tidb_catalog.tpch.lineitem").select(*columns)


def jdbc(spark, args, columns):
    """lineitem through Spark's JDBC source, as its documentation advises for large tables."""
    url = f"jdbc:mysql://{args.tidb}/tpch?useCursorFetch=true&useServerPrepStmts=true&useSSL=false&allowPublicKeyRetrieval=true"
    options = {"url": url, "user": "root", "password": "", "driver": "com.mysql.cj.jdbc.Driver"}
    if not hasattr(jdbc, "upper"):
        query = "(select max(l_orderkey) m from lineitem) t"
        jdbc.upper = spark.read.format("jdbc").options(**options, dbtable=query).load().first()[0]
    partitions = {"partitionColumn": "l_orderkey", "lowerBound": "0", "upperBound": str(jdbc.upper),
                  "numPartitions": str(2 * os.cpu_count()), "fetchsize": str(ROWS_A_FETCH)}
    return spark.read.format("jdbc").options(**options, **partitions, dbtable="lineitem").load().select(*columns)


CONTENDERS = {"connector": connector, "jdbc": jdbc}


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
             .config("spark.sql.catalog.tidb_catalog", "org.apache.spark.sql.catalyst.catalog.TiCatalog")
             .config("spark.sql.catalog.tidb_catalog.pd.addresses", args.pd)
             .getOrCreate())
    spark.sparkContext.setLogLevel("WARN")
    for line in sys.stdin:
        request = json.loads(line)
        columns = request["columns"].split(",") if request["columns"] else ["*"]
        frame = CONTENDERS[request["contender"]](spark, args, columns)
        start = time.monotonic()
        frame.write.format("noop").mode("overwrite").save()
        print(json.dumps({"seconds": time.monotonic() - start}), flush=True)


if __name__ == "__main__":
    main()
