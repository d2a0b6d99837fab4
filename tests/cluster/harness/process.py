"""One server process: start, find again by pid file, stop, pause.

A pid file holds the pid and the command; a process counts as ours only while both agree, so that a
recycled pid is never signalled.
"""
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import time

from .paths import Failure

# Outside the range from which the kernel takes ports of outgoing connections: a server that is
# restarted must find its port free.
PORT_RANGE = (20000, 32000)


def free_ports(count: int) -> list[int]:
    """Ports that can be bound on 127.0.0.1 now. Another process may still be quicker: see Cluster.up."""
    held, ports = [], []
    try:
        for _ in range(2000):
            if len(ports) == count:
                return ports
            port = random.randrange(*PORT_RANGE)
            probe = socket.socket()
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                probe.close()
                continue
            held.append(probe)
            ports.append(port)
    finally:
        for probe in held:
            probe.close()
    raise Failure(f"no {count} free ports between {PORT_RANGE[0]} and {PORT_RANGE[1]} on 127.0.0.1")


def _command_of(pid: int) -> str:
    """The command line of a live process, words joined by spaces; empty when there is none."""
    proc = pathlib.Path(f"/proc/{pid}")
    if pathlib.Path("/proc/self").exists():
        try:
            state = (proc / "stat").read_text().rsplit(")", 1)[1].split()[0]
            if state == "Z":
                return ""
            return (proc / "cmdline").read_bytes().rstrip(b"\0").replace(b"\0", b" ").decode(errors="replace")
        except (OSError, IndexError):
            return ""
    found = subprocess.run(["ps", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return found.stdout.strip()


def _gone(pid: int) -> bool:
    """Whether all of a process has ended. Its first thread may be a zombie, and its command line empty, while others still hold locks on files."""
    tasks = pathlib.Path(f"/proc/{pid}/task")
    if not pathlib.Path("/proc/self").exists():
        return not _command_of(pid)
    try:
        states = [(task / "stat").read_text().rsplit(")", 1)[1].split()[0] for task in tasks.iterdir()]
    except (OSError, IndexError):
        return not tasks.exists()
    return all(state in "ZX" for state in states)


class Process:
    """A role (pd, store, tidb) of the cluster in `folder`."""

    def __init__(self, role: str, folder: pathlib.Path):
        self.role = role
        self.pid_file = folder / f"{role}.pid"
        self.log = folder / "logs" / f"{role}.log"
        self._child: subprocess.Popen | None = None

    def start(self, command: list[str], env: dict[str, str]) -> None:
        """Starts the command in a session of its own, so that it outlives this program."""
        if self.pid() is not None:
            raise Failure(f"{self.role} is running already (pid {self.pid()})")
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(  # noqa: S603
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env={**os.environ, **env}, cwd=self.log.parent)
        self.pid_file.write_text(json.dumps({"pid": self._child.pid, "command": " ".join(command)}))

    def pid(self) -> int | None:
        """The pid while the process lives and is ours."""
        if self._child is not None:
            # A child of this very program needs no comparison, and just after its start the kernel
            # may still show an empty command line.
            return self._child.pid if self._child.poll() is None else None
        try:
            record = json.loads(self.pid_file.read_text())
            pid, command = int(record["pid"]), str(record["command"])
        except (OSError, ValueError, KeyError):
            return None
        return pid if _command_of(pid) == command else None

    def state(self) -> str:
        """running, paused or stopped."""
        pid = self.pid()
        if pid is None:
            return "stopped"
        try:
            letter = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except (OSError, IndexError):
            return "running"
        return "paused" if letter in "Tt" else "running"

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal; a process that has gone is an error."""
        pid = self.pid()
        if pid is None:
            raise Failure(f"{self.role} is not running")
        os.kill(pid, number)

    def stop(self, graceful: bool, timeout: float = 15.0) -> None:
        """Ends the process (SIGTERM first when graceful) and removes the pid file."""
        pid = self.pid()
        if pid is not None:
            if graceful:
                os.kill(pid, signal.SIGTERM)
                os.kill(pid, signal.SIGCONT)  # a paused process would not see it
                self._wait_gone(pid, timeout)
            if not _gone(pid):
                os.kill(pid, signal.SIGKILL)
                if not self._wait_gone(pid, 10.0):
                    raise Failure(f"{self.role} (pid {pid}) does not die")
        self.pid_file.unlink(missing_ok=True)

    def _wait_gone(self, pid: int, timeout: float) -> bool:
        """Waits until a process of ours has ended, with its files and ports closed."""
        deadline = time.monotonic() + timeout
        while not (self._child.poll() is not None if self._child is not None else _gone(pid)):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    def tail(self, lines: int = 30) -> str:
        """The end of the log."""
        try:
            text = self.log.read_text(errors="replace").splitlines()
        except OSError:
            return "(no log)"
        return "\n".join(text[-lines:])
