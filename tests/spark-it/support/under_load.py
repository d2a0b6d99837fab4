"""Queries of Spark and of TiDB without a pause, and writes of another application, while somebody disturbs the cluster; and the judgement of them."""
import dataclasses
import os
import threading
import time
from collections.abc import Callable

from .application import Application
from .oracle import Oracle
from .sparks import CATALOG
from .three_stores import ACCOUNT_SUM, DATABASE, FILLED_SUM, MERGE, Trio, account_answers, filled_answers
from .writing import eventually, messages

SLACK = 5.0
"""Seconds by which the longest scan of Spark may exceed TiDB's."""
PAUSE = 0.1
"""Seconds between two queries of a reader: TiDB answers from its cache otherwise, thousands of times, and leaves no processor to anybody."""
PATIENCE, PATIENCE_WITH_WRITES = 120.0, 600.0
"""Seconds after the servers are back until the last query, and the writes, must have ended."""
SLOWED = {"write.request.bytes": "2k", "write.concurrency": "2"}
"""Many small requests: a short append has a middle that can be hit."""


@dataclasses.dataclass
class Asked:
    """One query: when, and what came back."""

    sql: str
    begin: float
    end: float
    answer: tuple | None = None
    error: str = ""

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.end - self.begin


class Reader:
    """Asks the queries in turn, again and again, in a thread of its own."""

    def __init__(self, ask: Callable[[str], tuple], queries: list[str]):
        self.records: list[Asked] = []
        self._asked_at: float | None = None
        self._ask, self._queries = ask, queries
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.is_set():
            sql = self._queries[len(self.records) % len(self._queries)]
            begin, answer, error = time.monotonic(), None, ""
            self._asked_at = begin
            try:
                answer = self._ask(sql)
            except Exception as problem:  # judged later
                error = messages(problem)
            self.records.append(Asked(sql, begin, time.monotonic(), answer, error))
            self._asked_at = None
            self._stop.wait(PAUSE)

    def answered_since(self, moment: float) -> Asked | None:
        """The first query that began after the moment and got an answer."""
        return next((one for one in list(self.records) if one.begin > moment and not one.error), None)

    def stop(self) -> None:
        """No more queries than the one that is running."""
        self._stop.set()

    def end(self, seconds: float) -> None:
        """No more queries; the last one has so long."""
        self.stop()
        self._thread.join(seconds)
        assert not self._thread.is_alive(), f"a query is still running {seconds} s after the servers were back; {len(self.records)} were answered"

    def longest(self, since: float) -> float:
        """Seconds of the longest query that ended after the moment, or has not ended."""
        running = time.monotonic() - (self._asked_at or time.monotonic())
        return max([one.seconds for one in self.records if one.end > since] + [running])


class TidbConnection:
    """A connection that is made again when it breaks."""

    def __init__(self, status: dict):
        self._status, self._oracle = status, None

    def ask(self, sql: str) -> tuple:
        """The answer's only row."""
        try:
            self._oracle = self._oracle or Oracle(self._status, DATABASE)
            return tuple(int(value) for value in self._oracle.rows(sql)[0])
        except Exception:
            self._oracle = None
            raise


class Writer:
    """An append and then a MERGE through another application; what it says of each, and the seconds."""

    def __init__(self, application: Application, rows: int, filled: str, accounts: str, slowed: bool):
        self.outcomes: dict[str, dict] = {}
        self.seconds: dict[str, float] = {}
        self.problem: BaseException | None = None
        self._work = [
            ("append", lambda: application.write(f"{CATALOG}.{DATABASE}.{filled}", rows, options=SLOWED if slowed else None)),
            ("MERGE", lambda: application.run(MERGE.format(t=f"{CATALOG}.{DATABASE}.{accounts}"), {})),
        ]
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            for name, begin in self._work:
                start = time.monotonic()
                self.outcomes[name] = begin().finished(900)
                self.seconds[name] = time.monotonic() - start
        except BaseException as problem:  # given to whoever waits
            self.problem = problem

    def running(self) -> bool:
        """Whether it has not ended."""
        return self._thread.is_alive()

    def end(self, seconds: float) -> None:
        """Waits for the end of both writes."""
        self._thread.join(seconds)
        assert not self._thread.is_alive(), f"the writes are still running {seconds} s after the servers were back; so far {self.outcomes}"
        if self.problem:
            raise self.problem

    def __str__(self) -> str:
        return ", ".join(f"{name} {outcome['event']} in {self.seconds[name]:.1f} s" for name, outcome in self.outcomes.items())


class Load:
    """All that runs while a test disturbs the cluster: `warm`, `write`, the disturbance, `end`."""

    def __init__(self, trio: Trio, session, catalog: str, application: Application, answers: dict[str, tuple], append_rows: int, slowed: bool):
        self._trio, self._application, self._append_rows, self._slowed = trio, application, append_rows, slowed
        self.filled, self.accounts = trio.fresh()
        balances = f"{ACCOUNT_SUM} FROM {{d}}.{self.accounts}"
        self._right = {**{sql: [answer] for sql, answer in answers.items()}, balances: account_answers()}

        def named(database: str) -> list[str]:
            return [sql.format(d=database) for sql in self._right]

        self._kind = {sql.format(d=database): sql for database in (f"{catalog}.{DATABASE}", DATABASE) for sql in self._right}
        self.spark = Reader(lambda sql: tuple(session.sql(sql).head()), named(f"{catalog}.{DATABASE}"))
        self.tidb = Reader(TidbConnection(trio.status).ask, named(DATABASE))
        self.writer: Writer | None = None
        self.since = self.until = 0.0

    def warm(self) -> "Load":
        """Until both have asked everything once."""
        self._wait(lambda: min(len(self.spark.records), len(self.tidb.records)) >= len(self._right), 120)
        return self

    def write(self) -> None:
        """Begins to write, and returns when rows of the append are locked; the disturbance begins now."""
        self.writer = Writer(self._application, self._append_rows, self.filled, self.accounts, self._slowed)
        self._wait(lambda: not self.writer.running() or self._trio.locks(self.filled), 120)
        self.since = time.monotonic()

    @staticmethod
    def _wait(condition: Callable[[], object], seconds: float) -> bool:
        end = time.monotonic() + seconds
        while not (held := condition()) and time.monotonic() < end:
            time.sleep(0.02)
        return bool(held)

    def end(self, what: str, timely: bool) -> None:
        """The servers are back. Waits until everybody has had another answer and the writes have ended, prints the figures, and judges: every
        scan was right, the writes are what they said, indexes and locks are in order; with `timely`, no scan took longer than TiDB's longest
        and some seconds."""
        self.until = time.monotonic()
        try:
            self._wait(lambda: self.spark.answered_since(self.until) and self.tidb.answered_since(self.until), PATIENCE)
            self.writer.end(PATIENCE_WITH_WRITES)
            for reader in (self.spark, self.tidb):
                reader.end(PATIENCE)
        finally:
            ours, theirs = self.spark.longest(self.since), self.tidb.longest(self.since)
            print(f"\n{what}: {self._figures(ours, theirs)}", flush=True)
        self._scans_are_right()
        self._writes_are_truthful()
        if timely:
            assert ours <= theirs + SLACK, f"the longest scan took {ours:.1f} s, TiDB's longest query {theirs:.1f} s"

    def stop(self) -> None:
        """No more queries; for the end of a test that failed."""
        self.spark.stop()
        self.tidb.stop()

    # ---- judgement --------------------------------------------------------------------------------

    def _figures(self, ours: float, theirs: float) -> str:
        first = self.spark.answered_since(self.since)
        progress = f"{first.end - self.since:.1f} s" if first else "never"
        failed = sum(bool(one.error) for one in self.tidb.records)
        return (f"{len(self.spark.records)} scans, longest {ours:.1f} s; {len(self.tidb.records)} queries of TiDB ({failed} failed), longest {theirs:.1f} s; "
                f"first scan after {progress}, servers were back after {self.until - self.since:.1f} s; {self.writer}; "
                f"load of the machine {os.getloadavg()[0]:.1f}")

    def _scans_are_right(self) -> None:
        for name, reader in (("Spark", self.spark), ("TiDB", self.tidb)):
            reached: dict[str, int] = {}
            for one in reader.records:
                if one.error and name == "TiDB":
                    continue  # it is the yardstick, not what is tested
                assert not one.error, f"after {one.seconds:.1f} s, {one.begin - self.since:+.1f} s from the disturbance: {one.sql}\n{one.error}"
                right = self._right[self._kind[one.sql]]
                assert one.answer in right, f"{name} answered {one.answer}, right is {right}: {one.sql}"
                at = right.index(one.answer)
                assert at >= reached.get(one.sql, 0), f"{name} saw a write and later did not: {one.sql}"
                reached[one.sql] = at

    def _writes_are_truthful(self) -> None:
        tables = {"append": (self.filled, FILLED_SUM, filled_answers(self._append_rows)), "MERGE": (self.accounts, ACCOUNT_SUM, account_answers())}
        for name, (table, checksum, (before, after)) in tables.items():
            outcome, oracle = self.writer.outcomes[name], self._trio.oracle
            found = tuple(int(value) for value in oracle.rows(f"{checksum} FROM {DATABASE}.{table}")[0])
            assert found == (after if outcome["event"] == "done" else before), f"{name} {outcome} and left {found}; before {before}, after {after}"
            oracle.execute(f"ADMIN CHECK TABLE {DATABASE}.{table}")
            eventually(lambda table=table: self._no_locks(table), 60)
        self._trio.oracle.execute(f"ADMIN CHECK TABLE {DATABASE}.items")
        self._trio.oracle.execute(f"DROP TABLE {self.filled}, {self.accounts}")

    def _no_locks(self, table: str) -> None:
        left = self._trio.locks(table)
        assert not left, f"{len(left)} locks are left in {table}, the first: {left[0]}"
