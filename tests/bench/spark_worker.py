"""One Spark version of the benchmark: reads requests as lines of JSON from standard input, answers each with a line on standard output.

    python -m bench.spark_worker '{"flavour", "conf", "jdbc": {"address", "bounds"}}'

The first line says {"ready", "versions"}. A request has `do` and the words of that method of `Worker`; `memory` asks for a collection of
garbage first, so that the peak is that of this work. An answer has `seconds`, `cpu` and `peak_mib` of the JVM (and of this Python), and
what the work itself tells; or `error`. `flavour` is `connector` or `tispark`: both are reached as `tidb_catalog`.
"""
from __future__ import annotations

import functools
import json
import os
import re
import sys
import time

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from .answers import canonical, mebibytes
from .measure import Meter

CATALOG = "tidb_catalog"
ROWS_A_FETCH = 10_000
ROWS_A_BATCH = 1_000
WRITERS = 4
"""Partitions of JDBC's writer."""


class Worker:
    """A Spark session and what it can be asked to do. `source` is `connector` (or TiSpark), `jdbc` or `jdbc-catalog`."""

    def __init__(self, options: dict):
        self.flavour, self.jdbc = options["flavour"], options["jdbc"]
        builder = SparkSession.builder.master(f"local[{os.cpu_count()}]").appName("bench")
        for key, value in options["conf"].items():
            builder = builder.config(key, value)
        self.spark = builder.getOrCreate()
        self.spark.sparkContext.setLogLevel("ERROR")
        self.jvm = self.spark.sparkContext._jvm
        # By its name: asked for a process, py4j would look for methods of a class that is not public.
        self.pid = int(self.jvm.java.lang.management.ManagementFactory.getRuntimeMXBean().getName().split("@")[0])
        self.frame = None

    def versions(self) -> dict:
        """Of Spark, Scala's JVM and Python."""
        return {"spark": self.spark.version, "java": self.jvm.java.lang.System.getProperty("java.version"), "python": sys.version.split()[0]}

    # ---- sources ----------------------------------------------------------------------------------

    def _url(self, database: str, words: str) -> dict:
        return {"url": f"jdbc:mysql://{self.jdbc['address']}/{database}?useSSL=false&allowPublicKeyRetrieval=true&{words}",
                "user": "root", "password": "", "driver": "com.mysql.cj.jdbc.Driver"}

    @functools.lru_cache(maxsize=None)
    def _jdbc_frame(self, database: str, table: str):
        """A table through Spark's JDBC source as its documentation advises for large tables: partitions by key, cursor, large fetches."""
        options = {**self._url(database, "useCursorFetch=true&useServerPrepStmts=true"), "dbtable": table, "fetchsize": str(ROWS_A_FETCH)}
        column, upper = self.jdbc["bounds"].get(table, (None, None))
        if column:
            options.update(partitionColumn=column, lowerBound="0", upperBound=str(upper), numPartitions=str(2 * os.cpu_count()))
        return self.spark.read.format("jdbc").options(**options).load()

    @functools.lru_cache(maxsize=None)
    def _prefix(self, source: str, database: str, tables: tuple) -> str:
        """What stands before the name of a table in a query."""
        if source == "jdbc":
            for table in tables:
                self._jdbc_frame(database, table).createOrReplaceGlobalTempView(table)
            return "global_temp"
        if source == "jdbc-catalog":
            settings = {"": "org.apache.spark.sql.execution.datasources.v2.jdbc.JDBCTableCatalog", "pushDownAggregate": "true", "pushDownLimit": "true",
                        **self._url("", "useCursorFetch=true"), "fetchsize": str(ROWS_A_FETCH)}
            for key, value in settings.items():
                self.spark.conf.set("spark.sql.catalog.jdbc_catalog" + (key and "." + key), value)
            return f"jdbc_catalog.{database}"
        return f"{CATALOG}.{database}"

    def _table(self, source: str, database: str, table: str):
        return self._jdbc_frame(database, table) if source == "jdbc" else self.spark.table(f"{CATALOG}.{database}.{table}")

    # ---- measuring --------------------------------------------------------------------------------

    def _measured(self, memory: bool, action, metrics: bool = True) -> tuple:
        """The answer to a request, and what the action gave."""
        if memory:
            self.jvm.java.lang.System.gc()
        meter = Meter([self.pid, os.getpid()]).start()
        result = action()
        answer = meter.stop()
        if metrics:
            answer["metrics"] = self._metrics()
        return answer, result

    def _metrics(self) -> dict:
        """The metrics of the last statement's plan as the SQL tab shows them; of several nodes with one name the largest size."""
        try:
            self.spark.sparkContext._jsc.sc().listenerBus().waitUntilEmpty()
            store = self.spark._jsparkSession.sharedState().statusStore()
            last = store.executionsList().last()
            values, shown, found = store.executionMetrics(last.executionId()), last.metrics(), {}
            for number in range(shown.size()):
                metric = shown.apply(number)
                value = values.get(metric.accumulatorId())
                if value.isDefined():
                    text = re.sub(r"\s+", " ", value.get())
                    if mebibytes(text) >= mebibytes(found.get(metric.name(), "")):
                        found[metric.name()] = text
            return {name: text for name, text in found.items() if not re.match(r"0( |$|\.0)|total \(min, med, max\S*\) 0", text)}
        except Exception as error:  # of another Spark version: figures beside the point must not end the work
            return {"not available": str(error).splitlines()[0]}

    # ---- requests ---------------------------------------------------------------------------------

    def scan(self, source, database, table, columns, memory=False, where="", tasks=0, copies=1, options=None) -> dict:
        """Rows into the sink that drops them; `copies` reads the table so many times in one job."""
        if options:
            frame = self.spark.read.options(**options).table(f"{CATALOG}.{database}.{table}")
        else:
            frame = self._table(source, database, table)
        frame = frame.where(where) if where else frame
        frame = frame.select(*columns) if columns else frame
        frame = functools.reduce(lambda one, other: one.union(other), [frame] * copies)
        frame = frame.coalesce(tasks) if tasks else frame
        return self._measured(memory, lambda: frame.write.format("noop").mode("overwrite").save(), source == "connector")[0]

    def query(self, source, databases, sql, memory=False) -> dict:
        """The rows of a query, parsing and planning included; `{0}`, `{1}` stand for the databases. `answer` is the digest of the rows."""
        text = sql.format(*(self._prefix(source, database, tuple(tables)) for database, tables in databases))
        answer, rows = self._measured(memory, lambda: self.spark.sql(text).collect(), source == "connector")
        return {**answer, "answer": canonical(rows), "rows": len(rows)}

    def statement(self, sql, memory=False) -> dict:
        """A statement that changes rows; `{0}` stands for the catalog."""
        return self._measured(memory, lambda: self.spark.sql(sql.format(CATALOG)).collect())[0]

    def load(self, database, table, where="") -> dict:
        """Takes rows into Spark's memory, for writes."""
        if self.frame is not None:
            self.frame.unpersist(blocking=True)
        frame = self.spark.table(f"{CATALOG}.{database}.{table}")
        self.frame = (frame.where(where) if where else frame).persist()
        return {"rows": self.frame.count()}

    def unload(self) -> dict:
        """Lets go of these rows."""
        if self.frame is not None:
            self.frame.unpersist(blocking=True)
            self.frame = None
        return {}

    def write(self, source, database, table, memory=False, options=None, add=None) -> dict:
        """Writes the rows of `load`; `add` = [column, number] changes a column first."""
        frame = self.frame
        if add:
            frame = frame.withColumn(add[0], (F.col(add[0]) + F.lit(add[1])).cast(frame.schema[add[0]].dataType))
        kind = self.flavour if source == "connector" else source
        return self._measured(memory, lambda: getattr(self, "_write_" + kind)(frame, database, table, options or {}), kind == "connector")[0]

    def _write_connector(self, frame, database, table, options):
        writer = frame.writeTo(f"{CATALOG}.{database}.{table}")
        for key, value in options.items():
            writer = writer.option(key, value)
        writer.append()

    def _write_tispark(self, frame, database, table, options):
        host, port = self.jdbc["address"].split(":")
        (frame.write.format("tidb").options(database=database, table=table, **options)
         .option("tidb.addr", host).option("tidb.port", port).option("tidb.user", "root").option("tidb.password", "").mode("append").save())

    def _write_jdbc(self, frame, database, table, _options):
        """As its documentation advises for TiDB: a transaction per partition, not atomic as a whole."""
        (frame.repartition(WRITERS).write.format("jdbc").mode("append")
         .options(**self._url(database, "rewriteBatchedStatements=true"), dbtable=table, batchsize=str(ROWS_A_BATCH), isolationLevel="READ_COMMITTED")
         .save())


def main() -> None:
    """Answers until standard input ends."""
    begin = time.monotonic()
    # What Spark and libraries print must not come between the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    worker = Worker(json.loads(sys.argv[1]))
    print(json.dumps({"ready": time.monotonic() - begin, "versions": worker.versions()}), file=answers, flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = getattr(worker, request.pop("do"))(**request)
        except Exception as error:  # the driver of the benchmark decides what a failure means
            answer = {"error": f"{type(error).__name__}: {str(error)[:600]}"}
        print(json.dumps(answer), file=answers, flush=True)
    worker.spark.stop()


if __name__ == "__main__":
    main()
