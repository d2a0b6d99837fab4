"""What a write left in the stores, byte by byte, against what TiDB itself writes.

The strongest check of an encoder: TiDB writes the same rows into a twin table, and both tables' keys and values are compared. Ids of tables and
partitions are the only difference, so keys are compared without them.
"""
import time
from typing import NamedTuple

from .cluster import TestCluster
from .oracle import Oracle

TABLE_PREFIX = 9
"""Bytes of `t` and the table's id."""


class Pair(NamedTuple):
    """A pair without the table's id: `_r` + handle or `_i` + index id + columns."""

    part: int
    """Position of the partition, 0 in a table without partitions."""
    key: bytes
    value: bytes

    def __str__(self) -> str:
        if self.key[:2] == b"_r":
            what = f"row {self.key[2:].hex()}"
        else:
            what = f"index {int.from_bytes(self.key[2:10], 'big') ^ 1 << 63} {self.key[10:].hex()}"
        return f"partition {self.part}: {what} = {self.value.hex()}"


def prefix(table_id: int) -> bytes:
    """`t` and the id: the first bytes of every key of a table or partition."""
    return b"t" + (table_id ^ 1 << 63).to_bytes(8, "big")


def record_key(table_id: int, handle: int) -> bytes:
    """Raw key of a row with an integer handle."""
    return prefix(table_id) + b"_r" + (handle ^ 1 << 63).to_bytes(8, "big")


def physical_ids(oracle: Oracle, database: str, table: str) -> list[int]:
    """Ids of the partitions in their order, or the id of the table."""
    found = oracle.rows("SELECT tidb_partition_id FROM information_schema.partitions WHERE partition_name IS NOT NULL AND "
                        f"table_schema = '{database}' AND table_name = '{table}' ORDER BY partition_ordinal_position")
    return [int(row[0]) for row in found] or [oracle.table_id(database, table)]


def pairs(cluster: TestCluster, oracle: Oracle, database: str, table: str) -> list[Pair]:
    """All committed pairs of a table in key order. TiDB may commit the last locks of its own a moment after it answered: waits for them."""
    out = []
    for part, number in enumerate(physical_ids(oracle, database, table)):
        start = prefix(number)
        for attempt in range(50):
            try:
                found = cluster.control.pairs(start + b"_", start + b"`")
                break
            except Exception as error:
                if attempt == 49 or "lock" not in str(error).lower():
                    raise
                time.sleep(0.1)
        out += [Pair(part, key[TABLE_PREFIX:], value) for key, value in found]
    return out


def locks(cluster: TestCluster, oracle: Oracle, database: str, table: str) -> list[dict]:
    """Live locks of a table."""
    ids = physical_ids(oracle, database, table)
    starts = tuple(prefix(number).hex() for number in {*ids, oracle.table_id(database, table)})
    return [lock for lock in cluster.control.locks(0) if lock["key"].startswith(starts)]


def assert_no_locks(cluster: TestCluster, oracle: Oracle, database: str, table: str, seconds: float = 0.0) -> None:
    """No lock is left, at the latest after `seconds`."""
    if cluster.control is None:
        return
    end = time.monotonic() + seconds
    while (left := locks(cluster, oracle, database, table)) and time.monotonic() < end:
        time.sleep(0.05)
    assert not left, f"{len(left)} locks are left in {table}, the first: {left[0]}"


def assert_equal_pairs(ours: list[Pair], theirs: list[Pair]) -> None:
    """Fails with the first pairs that differ."""
    if ours == theirs:
        return
    mine, other = dict((p[:2], p) for p in ours), dict((p[:2], p) for p in theirs)
    lines = [f"Spark wrote {len(ours)} pairs, TiDB {len(theirs)}"]
    lines += [f"only Spark's: {mine[key]}" for key in sorted(mine.keys() - other.keys())[:4]]
    lines += [f"only TiDB's:  {other[key]}" for key in sorted(other.keys() - mine.keys())[:4]]
    different = [key for key in sorted(mine.keys() & other.keys()) if mine[key] != other[key]]
    lines += [line for key in different[:4] for line in (f"Spark: {mine[key]}", f"TiDB:  {other[key]}")]
    raise AssertionError("\n".join(lines))


def twin(oracle: Oracle, database: str, table: str, name: str | None = None) -> str:
    """A table like this one into which TiDB has written the rows that it reads from this one, hidden row ids and generated ids included."""
    name = name or f"{table}__twin"
    described = oracle.rows(f"SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = '{database}' AND "
                            f"table_name = '{table}' AND extra NOT LIKE '%GENERATED%' ORDER BY ordinal_position")
    names = [f"`{column}`" for column, _ in described]
    source, target = f"`{database}`.`{table}`", f"`{database}`.`{name}`"
    oracle.execute("SET tidb_opt_write_row_id = 1, allow_auto_random_explicit_insert = 1, sql_mode = 'NO_AUTO_VALUE_ON_ZERO'",
                   f"DROP TABLE IF EXISTS {target}", f"CREATE TABLE {target} LIKE {source}")
    if has_row_id(oracle, database, table):
        # (TiDB panics when INSERT ... SELECT gives row ids.) The text of a FLOAT is rounded, that of a DOUBLE is not.
        texts = [f"CAST({column} AS DOUBLE)" if kind == "float" else column for column, (_, kind) in zip(names, described)]
        rows = oracle.rows(f"SELECT {', '.join(texts)}, _tidb_rowid FROM {source}")
        oracle.insert(target, rows, f"({', '.join(names)}, _tidb_rowid)")
    else:
        oracle.execute(f"INSERT INTO {target} ({', '.join(names)}) SELECT {', '.join(names)} FROM {source}")
    oracle.execute("SET tidb_opt_write_row_id = 0, allow_auto_random_explicit_insert = 0, sql_mode = ''")
    return name


def has_row_id(oracle: Oracle, database: str, table: str) -> bool:
    """Whether rows have a hidden row id."""
    return oracle.one(f"SELECT tidb_pk_type FROM information_schema.tables WHERE table_schema = '{database}' AND table_name = '{table}'") \
        == "NONCLUSTERED"


def assert_intact(cluster: TestCluster, oracle: Oracle, database: str, table: str, wait: float = 0.0) -> None:
    """Indexes agree with the rows; no lock is left; TiDB would have written the very bytes."""
    assert_no_locks(cluster, oracle, database, table, wait)
    oracle.execute(f"ADMIN CHECK TABLE `{database}`.`{table}`")
    if cluster.control is None:
        return
    other = twin(oracle, database, table)
    try:
        assert_equal_pairs(pairs(cluster, oracle, database, table), pairs(cluster, oracle, database, other))
    finally:
        oracle.execute(f"DROP TABLE `{database}`.`{other}`")


def assert_nothing(cluster: TestCluster, oracle: Oracle, database: str, table: str, wait: float = 0.0) -> None:
    """An empty table with no pair and no lock."""
    assert_no_locks(cluster, oracle, database, table, wait)
    assert oracle.one(f"SELECT count(*) FROM `{database}`.`{table}`") == "0"
    if cluster.control is not None:
        assert pairs(cluster, oracle, database, table) == []
