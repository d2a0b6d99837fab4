"""A cluster in a folder: up, down, status, and single servers.

Modes: `throwaway` (its folder goes away with it), `keep` (folder and ports stay; reused while the
binaries are the same), `existing` (servers of somebody else: only their addresses are known here).
"""
import contextlib
import fcntl
import json
import os
import pathlib
import shutil
import signal
import sys
import time
import urllib.request

from . import mysql_ping, servers
from .build import build
from .control import Control
from .paths import Failure, bin_dir, state_dir
from .process import Process, free_ports

ROLES = ("pd", "store", "tidb")
PORTS = ("pd", "pd_peer", "store", "store_control", "tidb", "tidb_status")
DEFAULT_REGION_SIZE = 96 << 20
START_TIMEOUT = 120.0


class Cluster:
    """The cluster called `name`; nothing is started by making this object."""

    def __init__(self, name: str = "default"):
        self.name = name
        self.folder = state_dir(name)
        self._process = {role: Process(role, self.folder) for role in ROLES}
        self._log = sys.stderr

    # ---- state ------------------------------------------------------------------------------------

    def _state_file(self) -> pathlib.Path:
        return self.folder / "state.json"

    def state(self) -> dict | None:
        """What `up` has written; environment variables of the existing mode win."""
        if os.environ.get("TIDB_SPARK_CLUSTER") == "existing":
            return existing_state(os.environ.get("TIDB_SPARK_PD", ""), os.environ.get("TIDB_SPARK_TIDB", ""))
        try:
            return json.loads(self._state_file().read_text())
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise Failure(f"{self._state_file()} is damaged ({error}); `cluster down` removes it") from error

    def _write_state(self, state: dict) -> None:
        fresh = self._state_file().with_suffix(".tmp")
        fresh.write_text(json.dumps(state, indent=1))
        fresh.replace(self._state_file())

    def _need(self) -> dict:
        state = self.state()
        if state is None:
            raise Failure(f"no cluster {self.name!r} in {self.folder}; start one with `cluster up`")
        return state

    def _own(self) -> dict:
        state = self._need()
        if state["mode"] == "existing":
            raise Failure("this cluster is an existing one: its servers and their faults are not ours to steer")
        return state

    @contextlib.contextmanager
    def _lock(self):
        """One up or down of a folder at a time. The lock file goes away with the folder."""
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        path = self.folder.parent / f".{self.folder.name}.lock"
        while True:
            with path.open("w") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                try:
                    if os.fstat(file.fileno()).st_ino != path.stat().st_ino:
                        continue
                except FileNotFoundError:
                    continue  # its owner has removed it: what we hold locks nobody else out
                try:
                    yield
                finally:
                    if not self.folder.exists():
                        path.unlink(missing_ok=True)
                return

    # ---- up, down ---------------------------------------------------------------------------------

    def up(self, mode: str = "throwaway", region_size: int | None = None, stores: int | None = None) -> dict:
        """Builds what is out of date, starts the cluster and waits until TiDB answers SQL.

        `stores` is the number of stores that the one store process plays; it is fixed at the first start.
        """
        if os.environ.get("TIDB_SPARK_CLUSTER") == "existing":
            return self.status()
        stamps = build()
        with self._lock():
            state = self.state()
            if state is not None and state["mode"] != mode:
                if state["mode"] == "keep":
                    raise Failure(f"cluster {self.name!r} is kept ({self.folder}); use --mode keep, another --name, "
                                  "or `cluster down --remove` first")
                self._down(remove=True)
                state = None
            if state is not None and mode == "throwaway":
                self._down(remove=True)  # left over from a run that was cut off
                state = None
            if state is None:
                return self._first_start(mode, region_size or DEFAULT_REGION_SIZE, stores or 1, stamps)
            if stores not in (None, len(servers.store_addresses(state["ports"]))):
                raise Failure(f"cluster {self.name!r} was made with another number of stores; `down --remove` first")
            size = region_size or state["region_size"]
            same = state["stamps"] == stamps and state["region_size"] == size and state["bin"] == str(bin_dir())
            if same and all(p.state() == "running" for p in self._process.values()):
                return self.status()
            self._down(remove=False)
            state.update(stamps=stamps, region_size=size, bin=str(bin_dir()))
            self._write_state(state)
            self._start_all(state)
            return self.status()

    def _first_start(self, mode: str, region_size: int, stores: int, stamps: dict) -> dict:
        if self.folder.exists() and any(p.name != "logs" for p in self.folder.iterdir()):
            if not (self.folder / "data").exists():
                raise Failure(f"{self.folder} exists and is not a cluster's folder; choose another one")
            self._down(remove=True)
        for attempt in range(3):
            names = [*PORTS, *(f"store_at_{n}" for n in range(2, stores + 1))]
            ports = dict(zip(names, free_ports(len(names))))
            (self.folder / "data").mkdir(parents=True, exist_ok=True)
            state = {"name": self.name, "mode": mode, "region_size": region_size, "ports": ports,
                     "stamps": stamps, "bin": str(bin_dir())}
            self._write_state(state)
            try:
                self._start_all(state)
                return self.status()
            except Failure as failure:
                taken = "address already in use" in str(failure)
                if mode == "throwaway" or taken:
                    logs = self._keep_logs()
                    self._down(remove=True)
                if not taken or attempt == 2:
                    raise Failure(f"{failure}" + (f"\nfull logs: {logs}" if mode == "throwaway" else "")) from failure
        raise AssertionError("not reached")

    def _keep_logs(self) -> pathlib.Path:
        kept = self.folder.with_name(self.folder.name + ".failed-logs")
        shutil.rmtree(kept, ignore_errors=True)
        if (self.folder / "logs").exists():
            shutil.copytree(self.folder / "logs", kept)
        return kept

    def _start_all(self, state: dict) -> None:
        begin = time.monotonic()
        for role in ROLES:
            self._start(role, state)
        for statement in servers.GLOBALS:
            try:
                mysql_ping.execute(servers.HOST, state["ports"]["tidb"], statement)
            except OSError as error:
                raise Failure(f"tidb does not take its settings: {error}") from error
        print(f"cluster: {self.name} is up in {time.monotonic() - begin:.1f} s", file=self._log, flush=True)

    def _start(self, role: str, state: dict) -> None:
        ports, binaries = state["ports"], pathlib.Path(state["bin"])
        if role == "pd":
            command, env = servers.pd_command(binaries, self.folder, ports)
        elif role == "store":
            command, env = servers.store_command(binaries, self.folder, ports, state["region_size"])
        else:
            command, env = servers.tidb_command(binaries, self.folder, ports)
        self._process[role].start(command, env)
        self._wait_ready(role, ports)

    def _wait_ready(self, role: str, ports: dict) -> None:
        process = self._process[role]
        deadline = time.monotonic() + START_TIMEOUT
        while not _ready(role, ports):
            gone = process.pid() is None
            if gone or time.monotonic() > deadline:
                what = "ended" if gone else f"was not ready in {START_TIMEOUT:.0f} s"
                tails = "\n".join(f"--- {r}: end of {self._process[r].log}\n{self._process[r].tail()}"
                                  for r in ROLES[:ROLES.index(role) + 1])
                raise Failure(f"{role} {what}\n{tails}")
            time.sleep(0.05)

    def down(self, remove: bool = False) -> None:
        """Stops all servers. A throw-away cluster loses its folder, a kept one only with `remove`."""
        with self._lock():
            if os.environ.get("TIDB_SPARK_CLUSTER") == "existing":
                return
            self._down(remove)

    def _down(self, remove: bool) -> None:
        try:
            state = self.state()
        except Failure:
            state = {"mode": "throwaway"}
        mode = (state or {}).get("mode", "throwaway")
        graceful = mode == "keep" and not remove
        for role in reversed(ROLES):
            self._process[role].stop(graceful)
        if remove or mode != "keep":
            shutil.rmtree(self.folder, ignore_errors=True)

    def register_existing(self, pd: str, tidb: str) -> dict:
        """Remembers the addresses of a cluster that others run."""
        state = existing_state(pd, tidb)
        with self._lock():
            if self.state() is not None and self.state()["mode"] != "existing":
                raise Failure(f"cluster {self.name!r} is one of ours; use another --name")
            self.folder.mkdir(parents=True, exist_ok=True)
            self._write_state({**state, "name": self.name})
        return self.status()

    # ---- status and single servers ----------------------------------------------------------------

    def status(self) -> dict:
        """The JSON of `cluster status`; README.md describes it."""
        state = self._need()
        if state["mode"] == "existing":
            pd, tidb = state["pd"], state["tidb"]
            host, _, port = tidb.rpartition(":")
            up = mysql_ping.answers(host, int(port))
            return {"name": self.name, "mode": "existing", "running": up, "folder": str(self.folder),
                    "pd": {"addresses": pd.split(",")}, "store": None,
                    "tidb": {"host": host, "port": int(port), "user": "root"}}
        ports = state["ports"]

        def about(role: str) -> dict:
            process = self._process[role]
            return {"pid": process.pid(), "state": process.state(), "log": str(process.log)}

        roles = {role: about(role) for role in ROLES}
        return {
            "name": self.name, "mode": state["mode"], "running": all(r["state"] == "running" for r in roles.values()),
            "folder": str(self.folder), "data": str(self.folder / "data"), "bin": state["bin"],
            "pd": {"addresses": [f"{servers.HOST}:{ports['pd']}"], **roles["pd"]},
            "store": {"address": f"{servers.HOST}:{ports['store']}", "addresses": servers.store_addresses(ports),
                      "control": f"http://{servers.HOST}:{ports['store_control']}",
                      "region_size": state["region_size"], **roles["store"]},
            "tidb": {"host": servers.HOST, "port": ports["tidb"], "status_port": ports["tidb_status"],
                     "user": "root", **roles["tidb"]},
        }

    def start(self, role: str) -> None:
        """Starts one stopped server and waits until it is ready."""
        state = self._own()
        self._process[role].pid_file.unlink(missing_ok=True) if self._process[role].pid() is None else None
        self._start(role, state)

    def restart(self, role: str) -> None:
        """SIGTERM (when it runs), start, wait until ready."""
        self._own()
        self._process[role].stop(graceful=True)
        self.start(role)

    def kill(self, role: str) -> None:
        """SIGKILL; `start` or `restart` brings the server back with its data."""
        self._own()
        self._process[role].stop(graceful=False)

    def pause(self, role: str) -> None:
        """SIGSTOP: connections stay open and nothing answers."""
        self._own()
        process = self._process[role]
        process.signal(signal.SIGSTOP)
        deadline = time.monotonic() + 5
        while process.state() == "running" and time.monotonic() < deadline:
            time.sleep(0.005)  # the signal takes effect a moment later

    def resume(self, role: str) -> None:
        """SIGCONT."""
        self._own()
        self._process[role].signal(signal.SIGCONT)

    def log_file(self, role: str) -> pathlib.Path:
        """The log of a server."""
        return self._process[role].log

    def tail(self, role: str, lines: int) -> str:
        """The last lines of that log."""
        return self._process[role].tail(lines)

    def control(self) -> Control:
        """Client of the store's control port."""
        return Control(f"http://{servers.HOST}:{self._own()['ports']['store_control']}")


def existing_state(pd: str, tidb: str) -> dict:
    """State of the existing mode, checked for shape."""
    host, _, port = tidb.rpartition(":")
    if not pd or not host or not port.isdigit():
        raise Failure("existing mode needs PD addresses (host:port,...) in --pd or TIDB_SPARK_PD and TiDB's "
                      "host:port in --tidb or TIDB_SPARK_TIDB")
    return {"mode": "existing", "pd": pd, "tidb": tidb}


_open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


def _get(url: str):
    try:
        with _open(url, timeout=2) as answer:
            return json.load(answer)
    except (OSError, ValueError):
        return None


def _ready(role: str, ports: dict) -> bool:
    """pd: has a leader; store: its control port answers, which it opens last; tidb: answers SQL."""
    if role == "pd":
        members = _get(f"http://{servers.HOST}:{ports['pd']}/pd/api/v1/members")
        return bool(members and members.get("leader"))
    if role == "store":
        return _get(f"http://{servers.HOST}:{ports['store_control']}/stats") is not None
    return mysql_ping.answers(servers.HOST, ports["tidb"])
