"""Moments of TiDB's history for tests that read the past."""
import time

from .oracle import Oracle


def now(oracle: Oracle) -> int:
    """TSO of TiDB's present; whatever was committed before is visible at it."""
    oracle.execute("BEGIN")
    try:
        return int(oracle.one("SELECT @@tidb_current_ts"))
    finally:
        oracle.execute("ROLLBACK")


def moment(oracle: Oracle) -> int:
    """A millisecond after everything that was committed before, and before everything that comes later."""
    before = now(oracle) >> 18
    while True:
        time.sleep(0.005)
        after = now(oracle) >> 18
        if after > before + 1:
            return before + 1


def text_of(millis: int) -> str:
    """UTC, as a literal of Spark's."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(millis // 1000)) + f".{millis % 1000:03d}"
