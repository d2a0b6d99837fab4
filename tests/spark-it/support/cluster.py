"""The cluster that the suites run against: its status, the store's control port, single servers."""
import json
import os
import pathlib
import subprocess
import sys
import time

REPO = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(REPO / "tests" / "cluster"))

from harness.control import Control  # noqa: E402  (needs the path above)


class TestCluster:
    """Addresses and faults. Made by tests/tools/with_cluster.py, which leaves the status in the environment."""

    __test__ = False  # not a suite, whatever its name says

    def __init__(self):
        path = os.environ.get("TIDB_SPARK_CLUSTER_STATUS")
        if not path:
            raise RuntimeError("TIDB_SPARK_CLUSTER_STATUS is not set: run the suites with `make test-it`, or below "
                               "tests/tools/with_cluster.py")
        self.status = json.loads(pathlib.Path(path).read_text())
        self.name = os.environ.get("TIDB_SPARK_CLUSTER_NAME", self.status.get("name", "default"))
        store = self.status.get("store")
        self.control = Control(store["control"]) if store else None
        self.store = store.get("kind", "test") if store else "existing"

    @property
    def pd(self) -> str:
        """PD's endpoints, separated by commas."""
        return ",".join(self.status["pd"]["addresses"])

    def server(self, verb: str, role: str) -> None:
        """start, restart, kill, pause or resume of pd, store or tidb."""
        subprocess.run([str(REPO / "tests/cluster/cluster"), verb, role, "--name", self.name], check=True,
                       stdout=subprocess.DEVNULL)

    def in_flight(self, method: str = "Coprocessor") -> int:
        """Calls of one RPC that the store has not answered."""
        return self.control.stats()["methods"].get(method, {}).get("in_flight", 0)

    def calls(self, method: str = "Coprocessor") -> int:
        """Calls of one RPC since the store started."""
        return self.control.stats()["methods"].get(method, {}).get("total", 0)

    def wait_until(self, what, seconds: float, step: float = 0.02) -> float:
        """Waits until `what()` holds; how long that took. Fails after `seconds`."""
        begin = time.monotonic()
        while not what():
            waited = time.monotonic() - begin
            assert waited < seconds, f"not reached in {seconds} s"
            time.sleep(step)
        return time.monotonic() - begin
