"""The table of the suites with faults: what a write must have left, whatever happened to it."""
import contextlib
import json
import threading
import urllib.request
import zlib
from collections.abc import Callable, Iterator

from pyspark.sql import DataFrame, SparkSession

from .cluster import TestCluster
from .oracle import Oracle
from .raw_pairs import assert_intact, assert_no_locks, locks, pairs, record_key
from .sparks import CATALOG
from .write_program import row, source
from .writing import append, eventually, messages

DEFINITION = "(id BIGINT PRIMARY KEY CLUSTERED, u BIGINT NOT NULL, s VARCHAR(99), UNIQUE KEY once (u), KEY plain (s))"
CHECKSUM = "SELECT count(*), coalesce(sum(crc32(concat(id, ',', u, ',', s))), 0) FROM "
SMALL_REQUESTS = {"write__request__bytes": "1k", "write__concurrency": "4", "write__batch__bytes": "64k"}
"""Many requests of a small write, so that a fault has a middle to hit."""


class Victim:
    """A table that a write of the rows 0 .. rows-1 of write_program.py's source `range` disturbs."""

    def __init__(self, cluster: TestCluster, oracle: Oracle, database: str, name: str, rows: int, splits: int = 0):
        self.cluster, self.oracle, self.database, self.name, self.rows = cluster, oracle, database, name, rows
        oracle.execute(f"DROP TABLE IF EXISTS {database}.{name}", f"CREATE TABLE {database}.{name} {DEFINITION}")
        self.id = oracle.table_id(database, name)
        self.table = f"{CATALOG}.{database}.{name}"
        if splits:
            cluster.control.split(*[record_key(self.id, rows * n // splits) for n in range(splits)])

    def frame(self, spark: SparkSession, partitions: int = 4) -> DataFrame:
        """The rows to write."""
        return source(spark, "range", self.rows, partitions)

    def write(self, spark: SparkSession, **options: str) -> None:
        """Appends the rows, in many requests."""
        append(self.frame(spark), self.database, self.name, **{**SMALL_REQUESTS, **options})

    def rule(self, method: str, kind: str, **more) -> dict:
        """A fault of Spark's requests to this table's keys; those of TiDB go on."""
        return {"method": method, "kind": kind, "table_id": self.id, "request_source": "spark", **more}

    @contextlib.contextmanager
    def held(self, method: str, skip: int = 0) -> Iterator[Callable[[float], None]]:
        """Requests to the table hang from the one after `skip` on, for the time of the block; gives a function that waits until one does."""
        control = self.cluster.control
        control.set_faults(self.rule(method, "hang", skip=skip, count=-1))

        def reached(seconds: float = 300) -> None:
            self.cluster.wait_until(lambda: control.faults()[0]["hits"] > 0, seconds, 0.05)

        try:
            yield reached
        finally:
            control.clear_faults()

    def checksum(self, where: str = "TRUE") -> tuple[int, int]:
        """Number of rows and sum of their CRC-32, as TiDB sees them now."""
        count, total = self.oracle.rows(f"{CHECKSUM} {self.database}.{self.name} WHERE {where}")[0]
        return int(count), int(total)

    def expected(self) -> tuple[int, int]:
        """The same of the source."""
        return self.rows, sum(zlib.crc32(",".join(map(str, row(number))).encode()) for number in range(self.rows))

    def assert_all(self, wait: float = 0.0, others: str = "FALSE") -> None:
        """Every row is there, all of one commit; indexes, bytes and locks are in order. `others`: rows that somebody else wrote."""
        assert self.checksum(f"NOT ({others})") == self.expected()
        assert_intact(self.cluster, self.oracle, self.database, self.name, wait)
        commit = self.commit_ts(0)
        counts = {}
        for at in (commit - 1, commit):
            self.oracle.execute(f"SET @@tidb_snapshot = '{at}'")
            try:
                counts[at] = int(self.oracle.one(f"SELECT count(*) FROM {self.database}.{self.name} WHERE NOT ({others})"))
            finally:
                self.oracle.execute("SET @@tidb_snapshot = ''")
        assert counts == {commit - 1: 0, commit: self.rows}, f"rows at and before commit_ts {commit}: {counts}"

    def assert_none(self, wait: float = 0.0, others: str = "FALSE") -> None:
        """No row is there, and neither an index entry nor, after `wait` seconds, a lock."""
        assert self.checksum(f"NOT ({others})") == (0, 0)
        self.oracle.execute(f"ADMIN CHECK TABLE {self.database}.{self.name}")
        assert_no_locks(self.cluster, self.oracle, self.database, self.name, wait)
        mine = [pair for pair in pairs(self.cluster, self.oracle, self.database, self.name)]
        rows = int(self.oracle.one(f"SELECT count(*) FROM {self.database}.{self.name}"))
        assert len(mine) == 3 * rows, f"{len(mine)} pairs of {rows} rows"

    def assert_all_at_last(self, seconds: float = 40, others: str = "FALSE") -> None:
        """`assert_all` for a write whose locks its readers have to resolve: nobody else is left to do it."""
        def check() -> None:
            self.oracle.execute(f"ADMIN CHECK TABLE {self.database}.{self.name}")
            self.assert_all(others=others)

        eventually(check, seconds)

    def assert_none_at_last(self, seconds: float = 90) -> None:
        """`assert_none` for a write that nobody has ended. The primary's lock may stay until garbage collection if nobody meets it."""
        def check() -> None:
            assert self.checksum() == (0, 0)
            self.oracle.execute(f"ADMIN CHECK TABLE {self.database}.{self.name}")
            left = [lock for lock in locks(self.cluster, self.oracle, self.database, self.name) if lock["type"] != "Lock"]
            assert not left, f"{len(left)} locks are left, the first: {left[0]}"
            assert pairs(self.cluster, self.oracle, self.database, self.name) == []

        eventually(check, seconds)

    def assert_truthful(self, outcome: dict, wait: float = 0.0) -> None:
        """What the write said of itself is what is there."""
        if outcome["event"] == "done":
            self.assert_all(wait)
        else:
            self.assert_none(wait)

    def commit_ts(self, handle: int) -> int:
        """When a row was committed, from TiDB's status port."""
        address = f"http://{self.oracle_host()}/mvcc/key/{self.database}/{self.name}/{handle}"
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(address, timeout=30) as answer:
            return max(write["commit_ts"] for write in json.load(answer)["value"]["info"]["writes"])

    def oracle_host(self) -> str:
        """Address of TiDB's status port."""
        tidb = self.cluster.status["tidb"]
        return f"{tidb['host']}:{tidb['status_port']}"


class Background:
    """An action in a thread of its own; its end is looked at afterwards."""

    def __init__(self, action: Callable[[], object]):
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(action,), daemon=True)
        self._thread.start()

    def _run(self, action: Callable[[], object]) -> None:
        try:
            action()
        except BaseException as error:  # given to whoever asks
            self.error = error

    def running(self) -> bool:
        """Whether it has not ended."""
        return self._thread.is_alive()

    def outcome(self, seconds: float = 120) -> dict:
        """{"event": "done"} or {"event": "failed", "text"}."""
        self._thread.join(seconds)
        assert not self._thread.is_alive(), f"still running after {seconds} s"
        return {"event": "failed", "text": messages(self.error)} if self.error else {"event": "done"}

    def succeeded(self, seconds: float = 120) -> None:
        """Its end must be a success."""
        outcome = self.outcome(seconds)
        assert outcome["event"] == "done", outcome["text"]

    def failed(self, seconds: float = 120) -> str:
        """Its end must be a failure; the texts."""
        outcome = self.outcome(seconds)
        assert outcome["event"] == "failed", "it succeeded"
        assert "panic" not in outcome["text"].lower(), outcome["text"]
        return outcome["text"]

