"""What the tests of the cluster have in common: a throw-away cluster with a table or two.

Importing this goes on in the python that has the packages of the tests, with the same arguments.
"""
import os
import pathlib
import sys
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
for variable in ("TIDB_SPARK_CLUSTER_DIR", "TIDB_SPARK_CLUSTER"):  # never somebody else's cluster
    os.environ.pop(variable, None)

try:
    import pymysql
except ImportError:  # run again by the python that has the packages
    from harness import venv

    os.execv(venv.ensure(), [str(venv.VENV / "bin" / "python"), *sys.argv])

from harness.cluster import Cluster  # noqa: E402
from harness.sql import connect  # noqa: E402

REGION_SIZE = 16 << 10


def row_key(table_id: int, handle: int) -> bytes:
    """Record key t{table}_r{handle}: integers big-endian with the sign bit turned."""
    first, second = ((n + (1 << 63)).to_bytes(8, "big") for n in (table_id, handle))
    return b"t" + first + b"_r" + second


def wait_for(condition, seconds: float = 15.0):
    """Polls until the condition gives something true."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s")
        time.sleep(0.05)
    return value


def listening_addresses(pid: int) -> set[str]:
    """Addresses (hex, as in /proc/net/tcp) that the process listens on."""
    inodes = set()
    for link in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        try:
            inodes.add(os.readlink(link))
        except OSError:
            continue
    found = set()
    for table in ("tcp", "tcp6"):
        for line in pathlib.Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in inodes:
                found.add(fields[1].split(":")[0])
    return found


class Shared(unittest.TestCase):
    """What tests on a common cluster need."""

    STORES = 1
    SIZE = REGION_SIZE
    UP: dict = {}  # more of Cluster.up

    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(f"harness-test-{os.getpid()}")
        cls.addClassCleanup(cls.cluster.down, remove=True)
        cls.cluster.up("throwaway", cls.SIZE, cls.STORES, **cls.UP)
        cls.control = cls.cluster.control()
        cls.tables = 0

    def setUp(self):
        self.control.clear_faults()
        self.connection = self.connect()
        self.addCleanup(self.close)

    def close(self):
        self.control.clear_faults()
        try:
            self.connection.close()
        except pymysql.MySQLError:
            pass

    def connect(self):
        tidb = self.cluster.status()["tidb"]
        return connect(tidb["host"], tidb["port"], database="test")

    def sql(self, statement, *args):
        with self.connection.cursor() as cursor:
            cursor.execute(statement, args or None)
            return tuple(cursor.fetchall())

    def make_table(self, rows: int = 2) -> tuple[str, int]:
        """A table t(id, v) with v = id; its name and id."""
        type(self).tables += 1
        name = f"t{self.tables}"
        self.sql(f"CREATE TABLE {name} (id BIGINT PRIMARY KEY CLUSTERED, v BIGINT, pad VARCHAR(255))")
        if rows:
            self.sql("SET cte_max_recursion_depth = 100000")
            self.sql(f"INSERT INTO {name} WITH RECURSIVE s AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM s WHERE n < {rows}) "
                     "SELECT n, n, REPEAT('x', 200) FROM s")
        ((table_id,),) = self.sql("SELECT tidb_table_id FROM information_schema.tables WHERE table_schema = 'test' "
                                  "AND table_name = %s", name)
        return name, table_id

    def regions_of(self, table_id: int) -> list[dict]:
        first, last = row_key(table_id, -(1 << 63)).hex(), row_key(table_id, (1 << 63) - 1).hex()
        return [r for r in self.control.regions() if (not r["end_key"] or r["end_key"] > first) and r["start_key"] <= last]
