"""Who does the work. Each method runs it once and gives a `Sample`.

`SparkSide` is a Spark version in a process of its own, `Floor` one of the Rust programs that do the least that could do, `TidbSide` is TiDB
itself with this process as its client.
"""
from __future__ import annotations

import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
from typing import NamedTuple

from . import REPO
from .answers import canonical
from .measure import Meter, cpu_seconds
from .place import Failure, Tidb

CONNECTIONS = 4
"""Of LOAD DATA."""


DEAD = ("ConnectionRefusedError", "Py4JNetworkError", "SparkContext was shut down", "stopped SparkContext")
"""Words of errors after which a Spark is of no use any more: the next request starts another one."""


class Sample(NamedTuple):
    """What one run took."""

    seconds: float
    cpu: float | None = None
    """Processor seconds of the client: the JVM with its Python, the Rust program, or the Python that asks TiDB."""
    peak_mib: float | None = None
    """Greatest resident memory of the client."""
    servers: float | None = None
    """Processor seconds of PD, the store and TiDB meanwhile."""
    answer: str | None = None
    """Digest of the rows."""
    metrics: dict = {}
    """What the contender tells of itself."""


class Servers:
    """Processor time of the cluster around a run."""

    def __init__(self, pids: list[int]):
        self._pids = pids

    def around(self, action) -> tuple[float | None, object]:
        """What the cluster used while the action ran, and what that gave."""
        before = cpu_seconds(self._pids) if self._pids else None
        result = action()
        after = cpu_seconds(self._pids) if self._pids else None
        return (None if None in (before, after) else after - before), result


class SparkSide:
    """A Spark version, started when it is first asked, and again when it has died."""

    def __init__(self, name: str, command: list, environment: dict, options: dict, servers: Servers):
        self.name, self._command, self._environment, self._options, self._servers = name, command, environment, options, servers
        self._process = None
        self.versions: dict = {}

    def _start(self) -> None:
        command = [*map(str, self._command), "-m", "bench.spark_worker", json.dumps(self._options)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=REPO,
                                         env={**os.environ, "PYTHONPATH": str(REPO / "tests"), **self._environment})
        ready = self._read()
        self.versions = ready["versions"]
        print(f"{self.name}: Spark {self.versions['spark']}, Java {self.versions['java']}, ready in {ready['ready']:.1f} s", flush=True)

    def _read(self) -> dict:
        line = self._process.stdout.readline()
        if not line:
            code = self._process.wait()
            self._process = None
            raise Failure(f"{self.name} ended with {code}; its messages are above")
        return json.loads(line)

    @property
    def running(self) -> bool:
        """Whether there is a process that holds something."""
        return self._process is not None

    def ask(self, do: str, **words) -> dict:
        """One request (spark_worker.py) and its answer."""
        if self._process is None:
            self._start()
        self._process.stdin.write(json.dumps({"do": do, **words}) + "\n")
        self._process.stdin.flush()
        answer = self._read()
        if "error" in answer:
            if any(word in answer["error"] for word in DEAD):
                self.stop()
            raise Failure(f"{self.name}: {answer['error']}")
        return answer

    def run(self, do: str, **words) -> Sample:
        """A request that is measured."""
        if self._process is None:
            self._start()
        servers, answer = self._servers.around(lambda: self.ask(do, **words))
        return Sample(answer["seconds"], answer["cpu"], answer["peak_mib"], servers, answer.get("answer"), answer.get("metrics", {}))

    def stop(self) -> None:
        """Ends the process."""
        if self._process is not None:
            self._process.stdin.close()
            try:
                self._process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None


class Floor:
    """A Rust program of native/*/examples that gets ready, waits for a line, works, and prints one line of what it did."""

    def __init__(self, program: str, servers: Servers):
        self._binary = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", REPO / "target")) / "release" / "examples" / program
        self._servers = servers

    def run(self, words: list, pattern: str) -> tuple[Sample, re.Match]:
        """Runs it; `pattern` finds the seconds in its first group, and whatever else in others."""
        process = subprocess.Popen([str(word) for word in (self._binary, *words, "--wait")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            self._until(process, "ready$")
            meter = Meter([process.pid])

            def work():
                meter.start()
                process.stdin.write("\n")
                process.stdin.flush()
                return self._until(process, pattern), meter.stop()

            servers, (found, cost) = self._servers.around(work)
            return Sample(float(found[1]), cost["cpu"], cost["peak_mib"], servers), found
        finally:
            process.stdin.close()
            process.stdout.read()
            process.stdout.close()
            process.wait()

    def _until(self, process: subprocess.Popen, pattern: str) -> re.Match:
        printed = ""
        for line in process.stdout:
            printed += line
            if found := re.search(pattern, line):
                return found
        raise Failure(f"{self._binary.name} ended with {process.wait()} and without the line that was expected:\n{printed}")


class TidbSide:
    """TiDB itself."""

    def __init__(self, tidb: Tidb, servers: Servers):
        self._tidb, self._servers = tidb, servers

    def _measured(self, action) -> tuple[Sample, object]:
        meter = Meter([os.getpid()])

        def work():
            meter.start()
            return action(), meter.stop()

        servers, (result, cost) = self._servers.around(work)
        return Sample(cost["seconds"], cost["cpu"], cost["peak_mib"], servers), result

    def query(self, sql: str) -> Sample:
        """The rows of a query."""
        sample, rows = self._measured(lambda: self._tidb.rows(sql))
        return sample._replace(answer=canonical(rows))

    def statement(self, sql: str) -> Sample:
        """A statement that changes rows, in one transaction."""
        return self._measured(lambda: self._tidb.execute(sql))[0]

    def load_data(self, database: str, table: str, files: list[pathlib.Path]) -> Sample:
        """LOAD DATA of the files over some connections, a transaction for each file."""
        def load():
            with concurrent.futures.ThreadPoolExecutor(CONNECTIONS) as pool:
                list(pool.map(lambda file: self._tidb.load_file(database, table, file), files))

        return self._measured(load)[0]
