"""Runs SQL in a JVM of its own: settings of a JVM (time zone, native library) cannot be changed in a running one.

stdin: {"conf": {...}, "statements": [...]}; the last line of stdout: one object per statement, see `sparks.own_jvm`.
"""
import json
import sys
import time

from . import sparks
from .values import spark_rows


def _portable(value):
    return {"hex": value.hex()} if isinstance(value, bytes) else value


def main() -> None:
    """Entry point."""
    request = json.load(sys.stdin)
    spark = sparks.session(request["conf"], log_level="WARN")
    answers = []
    for statement in request["statements"]:
        begin = time.monotonic()
        try:
            rows = [[_portable(value) for value in row] for row in spark_rows(spark.sql(statement))]
            answer = {"rows": rows}
        except Exception as error:  # whatever a user would see
            answer = {"error": str(error), "kind": type(error).__name__}
        answers.append({**answer, "seconds": time.monotonic() - begin})
    spark.stop()
    print(json.dumps(answers))


if __name__ == "__main__":
    main()
