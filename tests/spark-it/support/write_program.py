"""A Spark application of its own that writes what it is told to, while tests kill, freeze and disturb it (application.py steers it).

stdin: {"conf", "master"}, then one line per write: {"rows", "partitions", "source", "table", "options", "settings"}, or {"statement", "settings"}; its
end is the application's.
stdout: lines "@" + JSON: {"event": "up", "pid": JVM, "application": id}; per write {"event": "writing"}, then {"event": "done"} or
{"event": "failed", "text"}.

Sources, all of columns id BIGINT (0 ..), u BIGINT (another one for every id), s STRING:
* `range`: deterministic, computed where it is needed
* `random`: s is another text whenever a partition is computed again
* `random_keys`: id is random
"""
import json
import sys
import uuid

from pyspark.sql import SparkSession

from .writing import messages

PRIME, SPACE = 1_000_003, 1 << 40


def value(number: int) -> str:
    """s of a row of `range`."""
    return f"row {number} " + "x" * (number % 50)


def row(number: int) -> tuple[int, int, str]:
    """A row of `range`."""
    return number, number * PRIME % SPACE, value(number)


def _random(numbers):
    return ((number, number * PRIME % SPACE, str(uuid.uuid4())) for number in numbers)


def _random_keys(numbers):
    return ((uuid.uuid4().int % (1 << 62), number * PRIME % SPACE, "x") for number in numbers)


def source(spark: SparkSession, kind: str, rows: int, partitions: int):
    """The data frame of a source."""
    if kind == "range":
        return spark.range(0, rows, 1, partitions).selectExpr(
            "id", f"id * {PRIME} % {SPACE} AS u", "concat('row ', id, ' ', repeat('x', CAST(id % 50 AS INT))) AS s")
    make = {"random": _random, "random_keys": _random_keys}[kind]
    return spark.createDataFrame(spark.sparkContext.range(0, rows, 1, partitions).mapPartitions(make), "id BIGINT, u BIGINT, s STRING")


def _say(event: str, **more) -> None:
    print("@" + json.dumps({"event": event, **more}), flush=True)


def write(spark: SparkSession, request: dict) -> None:
    """One write, and what became of it."""
    for key, setting in request["settings"].items():
        spark.conf.set(key, setting)
    _say("writing")
    try:
        if "statement" in request:
            spark.sql(request["statement"])
        else:
            writer = source(spark, request["source"], request["rows"], request["partitions"]).writeTo(request["table"])
            for key, setting in request["options"].items():
                writer = writer.option(key, setting)
            writer.append()
        _say("done")
    except Exception as error:  # whatever a user would see
        _say("failed", text=messages(error))
    for key in request["settings"]:
        spark.conf.unset(key)


def main() -> None:
    """Entry point."""
    setup = json.loads(sys.stdin.readline())
    builder = SparkSession.builder.master(setup["master"]).appName("write-program")
    for key, setting in setup["conf"].items():
        builder = builder.config(key, setting)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("WARN")
    pid = spark.sparkContext._jvm.java.lang.ProcessHandle.current().pid()
    _say("up", pid=pid, application=spark.sparkContext.applicationId)
    for line in sys.stdin:
        write(spark, json.loads(line))
    spark.stop()


if __name__ == "__main__":
    main()
