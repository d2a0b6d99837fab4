"""Runs SQL in a JVM of its own: settings of a JVM (time zone, native library) cannot be changed in a running one.

stdin: {"conf": {...}, "statements": [...]}; the last line of stdout: one object per statement, see `sparks.own_jvm`.
"""
import json
import pathlib
import re
import sys
import time

from . import sparks
from .values import spark_rows


def _resident_kib(spark) -> int:
    """Resident memory of the JVM; 0 where there is no /proc."""
    status = pathlib.Path(f"/proc/{spark.sparkContext._jvm.java.lang.ProcessHandle.current().pid()}/status")
    if not status.exists():
        return 0
    return int(re.search(r"VmRSS:\s+(\d+) kB", status.read_text()).group(1))


def _open_files(spark) -> int:
    """Open files of the JVM; 0 where there is no /proc."""
    folder = pathlib.Path(f"/proc/{spark.sparkContext._jvm.java.lang.ProcessHandle.current().pid()}/fd")
    return len(list(folder.iterdir())) if folder.exists() else 0


def _preferred_hosts(spark, frame) -> list[str]:
    rdd, context = frame._jdf.queryExecution().toRdd(), spark.sparkContext._jsc.sc()
    found = set()
    for partition in range(rdd.getNumPartitions()):
        locations = context.getPreferredLocs(rdd, partition)
        found |= {locations.apply(n).host() for n in range(locations.size())}
    return sorted(found)


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
            frame = spark.sql(statement)
            rows = [[_portable(value) for value in row] for row in spark_rows(frame)]
            answer = {"rows": rows, **({"hosts": _preferred_hosts(spark, frame)} if request["locations"] else {})}
        except Exception as error:  # whatever a user would see
            answer = {"error": str(error), "kind": type(error).__name__}
        seconds = time.monotonic() - begin
        answers.append({**answer, "seconds": seconds, "resident_kib": _resident_kib(spark), "files": _open_files(spark)})
    spark.stop()
    print(json.dumps(answers))


if __name__ == "__main__":
    main()
