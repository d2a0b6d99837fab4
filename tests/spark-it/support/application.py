"""A Spark application in processes of its own, which write_program.py runs: started, watched, frozen and killed by tests."""
import contextlib
import json
import os
import pathlib
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time

import pyspark

from .sparks import SUITES

LOCAL_CLUSTER = "local-cluster[2,1,1024]"
"""Two executors of one core, each a process."""


def _status(pid: int) -> list[str]:
    """Fields of /proc/PID/stat after the name: state, parent, group, session, ...; empty when the process is gone."""
    with contextlib.suppress(OSError):
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return []


def _command(pid: int) -> str:
    with contextlib.suppress(OSError):
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return ""


def of_session(session: int) -> list[int]:
    """Processes of a session, whoever their parent is by now."""
    numbers = [int(folder.name) for folder in pathlib.Path("/proc").iterdir() if folder.name.isdigit()]
    found = [(number, _status(number)) for number in numbers]
    return sorted(number for number, fields in found if len(fields) > 3 and int(fields[3]) == session and fields[0] != "Z")


def send(pid: int, number: signal.Signals) -> None:
    """A signal to a process which may be gone."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


class Application:
    """A running application. Use it in a `with` block: nothing of it lives on."""

    def __init__(self, conf: dict[str, str], log: pathlib.Path, *, master: str = LOCAL_CLUSTER, settings: dict[str, str] | None = None):
        self.master = master
        self._log_path = log
        self._log = log.open("wb")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "support.write_program"], cwd=SUITES, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log,
            text=True, start_new_session=True, env={**os.environ, "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_LOCAL_HOSTNAME": "127.0.0.1"})
        conf = {**conf, "spark.driver.memory": "1g", "spark.executor.memory": "768m", "spark.executorEnv.PYTHONPATH": str(SUITES),
                "spark.sql.adaptive.enabled": "false", **(settings or {})}
        self._tell({"conf": conf, "master": master})
        self._events: queue.Queue = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        self._outcome: dict | None = None
        try:
            event = self._next("up", 300)
        except BaseException:
            self.kill()
            raise
        self.driver: int = event["pid"]
        self._id: str = event["application"]

    def _tell(self, message: dict) -> None:
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()

    def _read(self) -> None:
        for line in self._process.stdout:
            if line.startswith("@"):
                self._events.put(json.loads(line[1:]))
        self._events.put({"event": "ended"})

    def _next(self, expected: str, seconds: float) -> dict:
        try:
            event = self._events.get(timeout=seconds)
        except queue.Empty:
            raise AssertionError(f"the application said nothing for {seconds} s{self.log()}") from None
        assert event["event"] in expected, f"{event}{self.log()}"
        return event

    def log(self) -> str:
        """The end of its warnings and errors, for messages."""
        return f"; its log ends:\n{self._log_path.read_text(errors='replace')[-3000:]}"

    def write(self, table: str, rows: int, *, partitions: int = 4, source: str = "range", options: dict[str, str] | None = None,
              settings: dict[str, str] | None = None) -> "Application":
        """Begins a write; see write_program.py. The number of partitions is that of the source and of shuffles."""
        self._outcome = None
        self._tell({"table": table, "rows": rows, "partitions": partitions, "source": source, "options": options or {},
                    "settings": {"spark.sql.shuffle.partitions": str(partitions), **(settings or {})}})
        self._next("writing", 300)
        return self

    def run(self, statement: str, settings: dict[str, str]) -> "Application":
        """Begins a statement of SQL that writes."""
        self._outcome = None
        self._tell({"statement": statement, "settings": settings})
        self._next("writing", 300)
        return self

    def running(self) -> bool:
        """Whether the write has not ended."""
        return self._outcome is None and self._events.empty()

    def finished(self, seconds: float = 300) -> dict:
        """Waits for the write's end: {"event": "done"} or {"event": "failed", "text"}."""
        self._outcome = self._outcome or self._next("done failed", seconds)
        return self._outcome

    def succeeded(self, seconds: float = 300) -> None:
        """Waits for the write's end, which must be its success."""
        outcome = self.finished(seconds)
        assert outcome["event"] == "done", f"{outcome['text']}{self.log()}"

    def failed(self, seconds: float = 300) -> str:
        """Waits for the write's end, which must be a failure; its texts."""
        outcome = self.finished(seconds)
        assert outcome["event"] == "failed", "the write succeeded"
        return outcome["text"]

    def executors(self, count: int = 2, seconds: float = 180) -> list[int]:
        """Processes of the executors, once there are so many."""
        end = time.monotonic() + seconds
        while True:
            found = [pid for pid in self.processes() if "executor.CoarseGrainedExecutorBackend" in _command(pid)]
            if len(found) >= count:
                return found
            assert time.monotonic() < end, f"{len(found)} executors after {seconds} s{self.log()}"
            time.sleep(0.05)

    def processes(self) -> list[int]:
        """All its processes: the program, its JVM and executors."""
        return of_session(self._process.pid)

    def kill(self) -> None:
        """SIGKILL to all of it at once, as when a machine is lost."""
        for pid in self.processes():
            send(pid, signal.SIGKILL)
        self._process.wait(30)

    def __enter__(self) -> "Application":
        return self

    def __exit__(self, *_):
        try:
            if self._process.poll() is None and not self.running():
                with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                    self._process.stdin.close()
                    self._process.wait(20)
        finally:
            self.kill()
            self._log.close()
            # Where the worker of a local cluster puts its executors' copies of the jar.
            shutil.rmtree(pathlib.Path(pyspark.__file__).parent / "work" / self._id, ignore_errors=True)
