"""Where the benchmark runs: a cluster with TPC-H in the database `tpch`, and a database of its own for what it writes.

The cluster is the one of TIDB_SPARK_CLUSTER_STATUS, which is left as it was found (the database of our own is dropped again); otherwise
one is started: a throw-away cluster, or with `keep` one whose folder and data stay for the next run.
"""
import contextlib
import json
import os
import pathlib
import subprocess
import sys

import pymysql

from . import REPO

CLUSTER_SOURCE = REPO / "tests" / "cluster"
CLUSTER = CLUSTER_SOURCE / "cluster"
DATA = "tpch"
OWN = "tidb_spark_bench"
REGION_SIZE = 96 << 20
"""Of TiKV by default."""
TABLES = ("lineitem", "orders", "partsupp", "part", "customer", "supplier", "nation", "region")
KEYS = {"lineitem": "l_orderkey", "orders": "o_orderkey", "partsupp": "ps_partkey", "part": "p_partkey", "customer": "c_custkey", "supplier": "s_suppkey"}
"""The column by which JDBC's partitions are cut."""


class Failure(Exception):
    """Something the user can act on; printed without a stack trace."""


@contextlib.contextmanager
def cluster(keep: bool):
    """The status of a cluster that runs; one that was started here is stopped afterwards."""
    if file := os.environ.get("TIDB_SPARK_CLUSTER_STATUS"):
        yield json.loads(pathlib.Path(file).read_text())
        return
    name, mode = ("bench", "keep") if keep else (f"bench-{os.getpid()}", "throwaway")
    try:
        up = subprocess.run([CLUSTER, "up", "--name", name, "--mode", mode, "--region-size", str(REGION_SIZE), "--json"],
                            check=False, stdout=subprocess.PIPE, text=True)
        if up.returncode != 0:
            raise Failure("the cluster did not start; its messages are above")
        yield json.loads(up.stdout)
    finally:
        subprocess.run([CLUSTER, "down", "--name", name], check=False)


def server_pids(status: dict) -> list[int]:
    """Processes of the cluster, where they are ours to look at."""
    return [status[role]["pid"] for role in ("pd", "store", "tidb") if (status.get(role) or {}).get("pid")]


class Tidb:
    """TiDB over the MySQL protocol."""

    def __init__(self, status: dict):
        tidb = status["tidb"]
        self.address = f"{tidb['host']}:{tidb['port']}"
        self._open = lambda: pymysql.connect(host=tidb["host"], port=tidb["port"], user=tidb["user"], autocommit=True, local_infile=True, charset="utf8mb4")
        self._connection = self._open()

    def execute(self, *statements: str) -> None:
        """Runs statements."""
        with self._connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def rows(self, sql: str) -> list[tuple]:
        """All rows of an answer."""
        with self._connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())

    def one(self, sql: str):
        """The first value of an answer, None when it has no rows."""
        rows = self.rows(sql)
        return rows[0][0] if rows else None

    def table_id(self, database: str, table: str) -> int:
        """TiDB's id of a table."""
        return int(self.one(f"SELECT tidb_table_id FROM information_schema.tables WHERE table_schema = '{database}' AND table_name = '{table}'"))

    def load_file(self, database: str, table: str, file: pathlib.Path) -> None:
        """LOAD DATA of one file of TPC-H, on a connection of its own."""
        connection = self._open()
        try:
            with connection.cursor() as cursor:
                cursor.execute(f"LOAD DATA LOCAL INFILE '{file}' INTO TABLE {database}.{table} FIELDS TERMINATED BY '|' LINES TERMINATED BY '|\\n'")
        finally:
            connection.close()

    def copy(self, source: str, target: str, extras: list[str]) -> None:
        """`target` becomes a table of OWN with the rows of `source`, with ALTER TABLE's `extras`; in transactions of some 100,000 rows."""
        self.execute(f"DROP TABLE IF EXISTS {OWN}.{target}", f"CREATE TABLE {OWN}.{target} LIKE {DATA}.{source}",
                     *(f"ALTER TABLE {OWN}.{target} {extra}" for extra in extras))
        key = KEYS[source]
        count, top = self.rows(f"SELECT count(*), max({key}) FROM {DATA}.{source}")[0]
        parts = count // 100_000 + 1
        for part in range(parts):
            self.execute(f"INSERT INTO {OWN}.{target} SELECT * FROM {DATA}.{source} WHERE {key} > {top * part // parts} AND {key} <= {top * (part + 1) // parts}")
        self.execute(f"ANALYZE TABLE {OWN}.{target}")


def load(tidb: Tidb, status: dict, scale: str, ours: bool) -> None:
    """TPC-H at this scale in DATA, loaded unless it is there, and an empty OWN.

    A cluster of somebody else keeps what it has: another TPC-H in DATA is an error.
    """
    mark = f"TPC-H scale {float(scale):g}"
    found = tidb.one(f"SELECT table_comment FROM information_schema.tables WHERE table_schema = '{DATA}' AND table_name = 'lineitem'")
    if found is not None and found != mark and not ours:
        raise Failure(f"the cluster has tables of another scale in the database {DATA} ({found or 'not from tests/cluster'}): "
                      f"give --scale accordingly, or drop the database")
    address = status["tidb"]
    loaded = subprocess.run([sys.executable, "-m", "harness.tpch", address["host"], str(address["port"]), address["user"], "--scale", scale],
                            cwd=CLUSTER_SOURCE, check=False)
    if loaded.returncode != 0:
        raise Failure("TPC-H was not loaded; the messages are above")
    tidb.execute(f"DROP DATABASE IF EXISTS {OWN}", f"CREATE DATABASE {OWN}")


def bounds(tidb: Tidb) -> dict[str, tuple[str, int]]:
    """By table: the column of JDBC's partitions and its greatest value."""
    return {table: (key, int(tidb.one(f"SELECT max({key}) FROM {DATA}.{table}") or 0)) for table, key in KEYS.items()}
