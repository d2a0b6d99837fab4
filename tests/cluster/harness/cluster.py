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
import subprocess
import sys
import time

from . import mysql_ping, tikv
from .build import build
from .control import Control
from .paths import Failure, bin_dir, state_dir
from .process import Process, free_ports
from .ready import Readiness
from .roles import HOST, LAYOUT, Shape, role_called
from .servers import TEST_STORE_GLOBALS, Servers
from .status import existing_state, existing_status, own_status

DEFAULT_REGION_SIZE = 96 << 20
START_TIMEOUT = 180.0


class Cluster:
    """The cluster called `name`; nothing is started by making this object."""

    def __init__(self, name: str = "default"):
        self.name = name
        self.folder = state_dir(name)
        self._processes: dict[str, Process] = {}
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

    def roles(self) -> list[str]:
        """The servers of the cluster in the order of their start."""
        state = self._need()
        return [] if state["mode"] == "existing" else Shape.of(state).roles()

    def _process(self, role: str) -> Process:
        return self._processes.setdefault(role, Process(role, self.folder))

    def _one(self, name: str) -> Process:
        """The server called so, of a cluster of ours."""
        roles, role = Shape.of(self._own()).roles(), role_called(name)
        if role not in roles:
            raise Failure(f"no server {name!r}; this cluster has {', '.join(roles)}")
        return self._process(role)

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

    def up(self, mode: str = "throwaway", region_size: int | None = None, stores: int | None = None, *, kind: str | None = None,
           pds: int | None = None, tls: bool | None = None) -> dict:
        """Builds what is out of date, starts the cluster and waits until TiDB answers SQL.

        `kind` is `test` (the default) or `tikv`; it, `stores`, `pds` and `tls` are fixed at the first start.
        """
        if os.environ.get("TIDB_SPARK_CLUSTER") == "existing":
            return self.status()
        wanted = {"kind": kind, "stores": stores, "pds": pds, "tls": tls}
        wanted = {name: value for name, value in wanted.items() if value is not None}
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
                shape = Shape(**wanted)
                return self._first_start(mode, region_size or DEFAULT_REGION_SIZE, shape, self._binaries(shape))
            shape = Shape.of(state)
            for name, value in wanted.items():
                if value != getattr(shape, name):
                    raise Failure(f"cluster {self.name!r} was made with {name} {getattr(shape, name)}; `down --remove` first")
            fresh = {**self._binaries(shape), "region_size": region_size or state["region_size"]}
            same = all(state.get(name) == value for name, value in fresh.items())
            if same and all(self._process(role).state() == "running" for role in shape.roles()):
                return self.status()
            self._down(remove=False)
            state.update(fresh)
            self._write_state(state)
            self._start_all(state)
            return self.status()

    @staticmethod
    def _binaries(shape: Shape) -> dict:
        """What of the state says which binaries run; all are brought up to date."""
        real = shape.kind == "tikv"
        executable, stamp = tikv.binary() if real else (None, None)
        stamps = build("pd-server", "control" if real else "store", "tidb-server")
        return {"bin": str(bin_dir()), "tikv_server": str(executable) if real else None, "stamps": {**stamps, "tikv-server": stamp}}

    def _first_start(self, mode: str, region_size: int, shape: Shape, binaries: dict) -> dict:
        if self.folder.exists() and any(p.name != "logs" for p in self.folder.iterdir()):
            if not (self.folder / "data").exists():
                raise Failure(f"{self.folder} exists and is not a cluster's folder; choose another one")
            self._down(remove=True)
        for attempt in range(3):
            names = shape.port_names()
            (self.folder / "data").mkdir(parents=True, exist_ok=True)
            state = {"layout": LAYOUT, "name": self.name, "mode": mode, "region_size": region_size, "shape": vars(shape),
                     "ports": dict(zip(names, free_ports(len(names)))), "tls": None, **binaries}
            if shape.tls:
                state["tls"] = self._make_certificates()
            self._write_state(state)
            try:
                self._start_all(state)
                return self.status()
            except Failure as failure:
                taken = "address already in use" in str(failure).lower()
                if mode == "throwaway" or taken:
                    logs = self._keep_logs()
                    self._down(remove=True)
                if not taken or attempt == 2:
                    raise Failure(f"{failure}" + (f"\nfull logs: {logs}" if mode == "throwaway" else "")) from failure
        raise AssertionError("not reached")

    def _make_certificates(self) -> dict:
        folder = self.folder / "tls"
        made = subprocess.run([str(bin_dir() / "control"), f"--make-certificates={folder}"], capture_output=True, text=True, check=False)
        if made.returncode != 0:
            raise Failure(f"certificates could not be made: {made.stderr}")
        return {name: str(folder / f"{name}.pem") for name in ("ca", "cert", "key")}

    def _keep_logs(self) -> pathlib.Path:
        kept = self.folder.with_name(self.folder.name + ".failed-logs")
        shutil.rmtree(kept, ignore_errors=True)
        if (self.folder / "logs").exists():
            shutil.copytree(self.folder / "logs", kept)
        return kept

    def _servers(self, state: dict) -> Servers:
        return Servers(pathlib.Path(state["bin"]), self.folder, Shape.of(state), state["ports"], state["tls"])

    def _start_all(self, state: dict) -> None:
        begin = time.monotonic()
        shape, readiness = Shape.of(state), Readiness(self._servers(state))
        for group in (shape.pd_roles(), shape.store_roles()):  # they need each other to become ready
            for role in group:
                self._launch(role, state)
            votes = time.monotonic() + tikv.VOTELESS
            for role in group:
                self._wait(role, state, f"{role} was not ready", lambda role=role: readiness.ready(role))
        state["store_ids"] = readiness.store_ids()
        self._write_state(state)
        self._start("tidb", state)
        if shape.kind == "tikv":
            self._wait("pd", state, "PD did not take its settings", readiness.replicate)
            self._wait("store", state, f"not every region had {shape.stores} peers", readiness.replicated)
            self._start("control", state)
            if shape.stores > 1:
                time.sleep(max(0.0, votes - time.monotonic()))
        for statement in TEST_STORE_GLOBALS if shape.kind == "test" else ():
            try:
                mysql_ping.execute(HOST, state["ports"]["tidb"], statement)
            except OSError as error:
                raise Failure(f"tidb does not take its settings: {error}") from error
        print(f"cluster: {self.name} is up in {time.monotonic() - begin:.1f} s", file=self._log, flush=True)

    def _start(self, role: str, state: dict) -> None:
        self._launch(role, state)
        readiness = Readiness(self._servers(state))
        self._wait(role, state, f"{role} was not ready", lambda: readiness.ready(role))

    def _launch(self, role: str, state: dict) -> None:
        servers, env = self._servers(state), {}
        if role.startswith("pd"):
            command, env = servers.pd(role), {"GODEBUG": "httpmuxgo121=1"}
        elif role == "tidb":
            command = servers.tidb()
        elif role == "control":
            command = tikv.control_command(servers)
        elif servers.shape.kind == "test":
            command = servers.test_store(state["region_size"])
        else:
            command = tikv.store_command(servers, state["tikv_server"], role, state["region_size"])
        self._process(role).start(command, env)

    def _wait(self, role: str, state: dict, complaint: str, condition) -> None:
        """Until the condition holds; a Failure with the ends of the logs when it does not in time, or the role's server ends."""
        deadline = time.monotonic() + START_TIMEOUT
        while not condition():
            gone = self._process(role).pid() is None
            if gone or time.monotonic() > deadline:
                what = f"{role} ended" if gone else f"{complaint} in {START_TIMEOUT:.0f} s"
                roles = Shape.of(state).roles()
                tails = "\n".join(f"--- {r}: end of {self.log_file(r)}\n{self.tail(r, 30 if r == role else 8)}"
                                  for r in roles if self.log_file(r).exists())
                raise Failure(f"{what}\n{tails}")
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
            state = None
        mode = (state or {}).get("mode", "throwaway")
        graceful = mode == "keep" and not remove
        # By the files of process ids: they are there when the state is damaged or gone. Clients end before PD does.
        found = {file.stem for file in self.folder.glob("*.pid")}
        order = [lambda role: role in ("control", "tidb"), lambda role: role.startswith("store"), lambda role: True]
        for group in order:
            for role in sorted(filter(group, found)):
                self._process(role).stop(graceful)
            found = {role for role in found if not group(role)}
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
            return existing_status(self.name, self.folder, state)
        return own_status(self.folder, state, {role: self._process(role) for role in Shape.of(state).roles()})

    def start(self, role: str) -> None:
        """Starts one stopped server and waits until it is ready."""
        process = self._one(role)
        if process.pid() is None:
            process.pid_file.unlink(missing_ok=True)
        self._start(process.role, self._own())

    def restart(self, role: str) -> None:
        """SIGTERM (when it runs), start, wait until ready."""
        self._one(role).stop(graceful=True)
        self.start(role)

    def kill(self, role: str) -> None:
        """SIGKILL; `start` or `restart` brings the server back with its data."""
        self._one(role).stop(graceful=False)

    def pause(self, role: str) -> None:
        """SIGSTOP: connections stay open and nothing answers."""
        process = self._one(role)
        process.signal(signal.SIGSTOP)
        deadline = time.monotonic() + 5
        while process.state() == "running" and time.monotonic() < deadline:
            time.sleep(0.005)  # the signal takes effect a moment later

    def resume(self, role: str) -> None:
        """SIGCONT."""
        self._one(role).signal(signal.SIGCONT)

    def pd_leader(self) -> str:
        """The role of the PD that leads."""
        if (leader := Readiness(self._servers(self._own())).pd_leader()) is None:
            raise Failure("no PD says who leads")
        return leader

    def log_file(self, role: str) -> pathlib.Path:
        """The log of a server."""
        return self._process(role_called(role)).log

    def tail(self, role: str, lines: int) -> str:
        """The last lines of that log."""
        return self._process(role_called(role)).tail(lines)

    def control(self) -> Control:
        """Client of the store's control port."""
        return Control(f"http://{HOST}:{self._own()['ports']['control']}")
