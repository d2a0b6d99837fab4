"""The Spark half of the write benchmark: reads one request a line from standard input, answers on standard output.

{"load": table}: reads the table of `tpch` into Spark's memory. {"contender", "table", "options"}: writes it into that empty table;
answers {"seconds", "metrics"}, where metrics are those of the connector's own node in Spark's plan.
"""
import argparse
import json
import os
import re
import sys
import time

from pyspark.sql import SparkSession

BATCH = 1_000
PARTITIONS = 4


def connector(frame, args, database, table, options):
    """One transaction through the catalog."""
    writer = frame.writeTo(f"tidb_catalog.{database}.{table}")
    for key, value in options.items():
        writer = writer.option(key, value)
    writer.append()


def jdbc(frame, args, database, table, _options):
    """Spark's JDBC writer, as its documentation advises for TiDB: a transaction per batch of a partition, not atomic as a whole."""
    url = f"jdbc:mysql://{args.tidb}/{database}?rewriteBatchedStatements=true&useSSL=false&allowPublicKeyRetrieval=true"
    (frame.repartition(PARTITIONS).write.format("jdbc").mode("append")
     .options(url=url, user="root", password="", driver="com.mysql.cj.jdbc.Driver", dbtable=table, batchsize=str(BATCH),
              isolationLevel="READ_COMMITTED").save())


CONTENDERS = {"connector": connector, "jdbc": jdbc}


def metrics(spark) -> dict[str, str]:
    """The connector's metrics of the last statement, as the SQL tab shows them."""
    store = spark._jsparkSession.sharedState().statusStore()
    last = store.executionsList().last()
    values = store.executionMetrics(last.executionId())
    found, shown = {}, last.metrics()
    for number in range(shown.size()):
        metric = shown.apply(number)
        value = values.get(metric.accumulatorId())
        if value.isDefined():
            text = re.sub(r"\s+", " ", value.get())
            found[metric.name()] = text
    return found


def main() -> None:
    """Answers until standard input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--jar", "--driver", "--pd", "--tidb"):
        parser.add_argument(name, required=True)
    args = parser.parse_args()
    spark = (SparkSession.builder.master(f"local[{os.cpu_count()}]")
             .config("spark.jars", f"{args.jar},{args.driver}")
             .config("spark.driver.memory", "5g")
             .config("spark.ui.enabled", "false")
             .config("spark.ui.showConsoleProgress", "false")
             .config("spark.sql.session.timeZone", "UTC")
             .config("spark.sql.shuffle.partitions", str(PARTITIONS))
             .config("spark.sql.catalog.tidb_catalog", "org.apache.spark.sql.catalyst.catalog.TiCatalog")
             .config("spark.sql.catalog.tidb_catalog.pd.addresses", args.pd)
             .getOrCreate())
    spark.sparkContext.setLogLevel("WARN")
    frame = None
    for line in sys.stdin:
        request = json.loads(line)
        if "load" in request:
            if frame is not None:
                frame.unpersist(blocking=True)
            frame = spark.table(f"tidb_catalog.tpch.{request['load']}").persist()
            answer = {"rows": frame.count()}
        else:
            begin = time.monotonic()
            CONTENDERS[request["contender"]](frame, args, "bench", request["table"], request["options"])
            answer = {"seconds": time.monotonic() - begin}
            if request["contender"] == "connector":
                answer["metrics"] = metrics(spark)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
