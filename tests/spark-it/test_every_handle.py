"""Every kind of row key and partition, empty, with one row and with many in many regions: reads by each index and all kinds of changes, as TiDB does them.

    make test-it ARGS="-k every_handle --handle-rows 200000"     # with 1 MiB regions on a real TiKV: 20 minutes

Many rows are compared by counts and checksums of all their columns, few by themselves.
"""
import re

import pytest

from support.compare import assert_same
from support.pushed import INDEX_FIRST, planned
from support.raw_pairs import assert_no_locks
from support.sparks import CATALOG, settings

COLUMNS = ("a {a} NOT NULL, b VARCHAR(30) NOT NULL, c DECIMAL(12,2) NOT NULL, d DATE NOT NULL, e VARCHAR(40) COLLATE utf8mb4_general_ci {e}, "
           "f INT NOT NULL, u BIGINT")
INT, UNSIGNED = "BIGINT", "BIGINT UNSIGNED"

# Table -> type of a, primary key, partitions, columns that unique indexes need for the partitions, whether e may be NULL.
TABLES = {
    "int_signed": (INT, "PRIMARY KEY (a) CLUSTERED", "", ""),
    "int_unsigned": (UNSIGNED, "PRIMARY KEY (a) CLUSTERED", "", ""),
    "row_id": (INT, "", "", ""),
    "row_id_with_key": (INT, "PRIMARY KEY (a) NONCLUSTERED", "", ""),
    "common_1": (INT, "PRIMARY KEY (b) CLUSTERED", "", ""),
    "common_1_prefix": (INT, "PRIMARY KEY (b(9)) CLUSTERED", "", ""),
    "common_1_decimal": (INT, "PRIMARY KEY (c) CLUSTERED", "", ""),
    "common_2": (INT, "PRIMARY KEY (d, a) CLUSTERED", "", ""),
    "common_2_prefix": (UNSIGNED, "PRIMARY KEY (b(3), a) CLUSTERED", "", ""),
    "common_3": (INT, "PRIMARY KEY (d, b, a) CLUSTERED", "", ""),
    "common_3_text": (INT, "PRIMARY KEY (e, a, d) CLUSTERED", "", ""),
    "common_4": (INT, "PRIMARY KEY (d, b, c, a) CLUSTERED", "", ""),
    "common_4_prefix": (INT, "PRIMARY KEY (d, b(3), e(2), a) CLUSTERED", "", ""),
    "hash_int": (INT, "PRIMARY KEY (a) CLUSTERED", "PARTITION BY HASH (a) PARTITIONS 4", "a"),
    "hash_unsigned": (UNSIGNED, "PRIMARY KEY (a) CLUSTERED", "PARTITION BY HASH (a) PARTITIONS 3", "a"),
    "range_int": (INT, "PRIMARY KEY (a) CLUSTERED",
                  "PARTITION BY RANGE (a) (PARTITION p0 VALUES LESS THAN (0), PARTITION p1 VALUES LESS THAN (1000), PARTITION p2 VALUES LESS THAN MAXVALUE)", "a"),
    "range_common": (INT, "PRIMARY KEY (d, a) CLUSTERED",
                     "PARTITION BY RANGE COLUMNS (d) (PARTITION p0 VALUES LESS THAN ('2020-06-01'), PARTITION p1 VALUES LESS THAN MAXVALUE)", "d"),
    "list_row_id": (INT, "", "PARTITION BY LIST (f) (PARTITION p0 VALUES IN (0, 1, 2, 3, 4, 5), PARTITION p1 VALUES IN (6, 7, 8, 9, 10, 11, 12))", "f"),
    "list_common": (INT, "PRIMARY KEY (f, b) CLUSTERED",
                    "PARTITION BY LIST COLUMNS (f) (PARTITION p0 VALUES IN (0, 1, 2, 3, 4, 5), PARTITION p1 VALUES IN (6, 7, 8, 9, 10, 11, 12))", "f"),
    "key_common": (INT, "PRIMARY KEY (b, a) CLUSTERED", "PARTITION BY KEY (a) PARTITIONS 3", "a"),
}
INDEXES = {"unique_one": "u", "unique_two": "f, u", "plain": "e", "two": "c, d", "prefix": "b(5)"}
UNIQUE = ("unique_one", "unique_two")

ROW = """
    {a}, concat(lpad(hex(n * 2654435761 % 4294967296), 8, '0'), 'x', n % 10), n / 100, date_add('2020-01-01', INTERVAL n % 400 DAY),
    {e}, n % 13, if(n % 19 = 3, NULL, n * 3)"""
A_OF = {INT: "cast(n AS SIGNED) - {half}", UNSIGNED: "if(n % 2 = 0, n, 18446744073709551615 - n)"}
E_TEXT = "concat(elt(n % 5 + 1, 'Strasse', 'ABC', 'abc', '', 'über'), n % 700)"

# What is read: columns, condition. {x} is a number somewhere in the middle.
READS = {
    "unique_one": [("u", "u = {x} * 3"), ("u, f", "u BETWEEN {x} AND {x} + 600"), ("u", "u IS NULL"), ("*", "u IN (3, {x} * 3, 999999999)")],
    "unique_two": [("f, u", "f = 4 AND u < {x}"), ("u", "f = 12"), ("*", "f = 7 AND u BETWEEN {x} AND {x} + 900"), ("c, f", "f = 3 AND u IS NULL")],
    "plain": [("e", "e = 'ABC77'"), ("*", "e = 'über{y}'"), ("count(*) AS k", "e > 's'")],
    "two": [("c, d", "c = {x} / 100"), ("*", "c BETWEEN {x} / 100 AND {x} / 100 + 2"), ("d", "c < 0.5")],
    "prefix": [("b", "b LIKE '0001%'"), ("*", "b > 'FFF0' AND b < 'FFFF'")],
}


def definition(name: str) -> str:
    """Columns, keys and partitions of a table."""
    a, key, partitions, needed = TABLES[name]
    needs_e = "NOT NULL" if re.search(r"\be\b", key) else ""
    parts = [COLUMNS.format(a=a, e=needs_e)] + ([key] if key else [])
    for index, columns in INDEXES.items():
        more = f", {needed}" if index in UNIQUE and needed and needed not in columns.split(", ") else ""
        parts.append(f"{'UNIQUE ' if index in UNIQUE else ''}KEY {index} ({columns}{more})")
    return f"({', '.join(parts)}) {partitions}"


def row(name: str, rows: int) -> str:
    """The expressions of a row of number `n`."""
    a, key, *_ = TABLES[name]
    e = E_TEXT if re.search(r"\be\b", key) else f"if(n % 17 = 0, NULL, {E_TEXT})"
    return ROW.format(a=A_OF[a].format(half=rows // 2), e=e)


CHECKSUM = "SELECT count(*) AS k, sum(crc32(concat_ws('|', a, b, c, d, coalesce(e, 'NULL'), f, coalesce(u, 'NULL')))) AS s FROM {t}"
SPARK_CHECKSUM = ("SELECT count(*) AS k, sum(crc32(encode(concat_ws('|', a, b, c, d, coalesce(e, 'NULL'), f, coalesce(cast(u AS STRING), 'NULL')), 'UTF-8'))) AS s "
                  "FROM {t}")


@pytest.fixture(scope="module")
def many(request) -> int:
    """Rows of a large table."""
    return request.config.getoption("--handle-rows")


@pytest.fixture(scope="module")
def numbers(oracle, database, many) -> str:
    """A table of the numbers 0, 1, 2, ... up to `many`."""
    oracle.execute("CREATE TABLE numbers (n BIGINT PRIMARY KEY)", "INSERT INTO numbers VALUES (0)")
    have = 1
    while have < many:
        oracle.execute(f"INSERT INTO numbers SELECT n + {have} FROM numbers WHERE n < {many - have}")
        have = min(2 * have, many)
    return f"{database}.numbers"


class Pair:
    """A table and its twin, which TiDB changes."""

    def __init__(self, spark, cluster, oracle, database: str, name: str):
        self.spark, self.cluster, self.oracle, self.database, self.name = spark, cluster, oracle, database, name
        self.ours, self.theirs = f"{CATALOG}.{database}.{name}", f"{database}.{name}_twin"

    def fill(self, rows: int, numbers: str) -> None:
        """Makes both with so many rows."""
        kind = self.name.rsplit("__", 1)[0]
        for table in (self.name, f"{self.name}_twin"):
            self.oracle.execute(f"DROP TABLE IF EXISTS {table}", f"CREATE TABLE {table} {definition(kind)}")
            for begin in range(0, rows, 50_000):
                self.oracle.execute(f"INSERT INTO {table} SELECT {row(kind, rows)} FROM {numbers} WHERE n >= {begin} AND n < {min(begin + 50_000, rows)}")

    def both(self, statement: str, tidb: str | None = None) -> None:
        """Runs a change in Spark on the table and in TiDB on the twin."""
        self.spark.sql(statement.format(t=self.ours))
        self.oracle.execute((tidb or statement).format(t=self.theirs))

    def same(self, what: str) -> None:
        """Both tables are the same; the table is in order."""
        mine, twins = (self.oracle.rows(CHECKSUM.format(t=table))[0] for table in (f"{self.database}.{self.name}", self.theirs))
        assert mine == twins, f"after {what}: {mine}, TiDB's twin {twins}"
        self.oracle.execute(f"ADMIN CHECK TABLE {self.database}.{self.name}")
        assert_no_locks(self.cluster, self.oracle, self.database, self.name, 20)


def check_reads(spark, oracle, pair: Pair, rows: int) -> None:
    """Whole scan, count, each index with and without a look-up, the first rows by several orders."""
    found = spark.sql(SPARK_CHECKSUM.format(t=pair.ours)).head()
    count, total = oracle.rows(CHECKSUM.format(t=pair.theirs))[0]
    assert (found["k"], found["s"] or 0) == (int(count), int(total or 0)), "checksum of a scan"
    assert int(count) == rows
    assert spark.sql(f"SELECT count(*) FROM {pair.ours}").head()[0] == rows
    if rows <= 3000:
        assert_same(spark.table(pair.ours), oracle, f"SELECT * FROM {pair.theirs}")
    for index, reads in READS.items():
        for columns, condition in reads:
            condition = condition.format(x=rows // 2, y=rows // 2 % 700)
            # Spark compares texts by their bytes, TiDB by the collation of e, which ignores case.
            as_bytes = re.sub(r"^e\b", "CAST(e AS BINARY)", condition)
            with settings(spark, **INDEX_FIRST):
                frame = spark.sql(f"SELECT {columns} FROM {pair.ours} WHERE {condition}")
                assert_same(frame, oracle, f"SELECT {columns} FROM {pair.theirs} WHERE {as_bytes}")
                if index in UNIQUE and rows > 1:
                    plan = planned(frame)
                    assert plan and all("Index" in scan or "TableRangeScan" in scan for scan in plan), f"{index}: {plan}"
    for order in ("a DESC", "c", "b DESC", "d, a", "f DESC, u, b"):
        # NULLs come first in both.
        assert_same(spark.sql(f"SELECT a, b FROM {pair.ours} ORDER BY {order} LIMIT 7"), oracle, f"SELECT a, b FROM {pair.theirs} ORDER BY {order} LIMIT 7",
                    ordered=True)


@pytest.mark.parametrize("size", ["empty", "one", "many"])
@pytest.mark.parametrize("name", TABLES)
def test_every_handle(spark, cluster, oracle, database, numbers, many, name, size):
    rows = {"empty": 0, "one": 1, "many": many}[size]
    pair = Pair(spark, cluster, oracle, database, f"{name}__{size}")
    pair.fill(rows, numbers)
    check_reads(spark, oracle, pair, rows)
    pair.both("UPDATE {t} SET e = concat('u', f), u = u + 1 WHERE f % 4 = 1")
    pair.same("UPDATE")
    pair.both("DELETE FROM {t} WHERE f = 2 OR c < 1.5")
    pair.same("DELETE")
    pair.both("DELETE FROM {t} WHERE u = 900")
    pair.same("DELETE of a key")
    half = f"FROM {CATALOG}.{database}.{pair.name}_twin WHERE f < 9"
    spark.sql(f"INSERT OVERWRITE {pair.ours} SELECT * {half}")
    oracle.execute(f"DELETE FROM {pair.theirs} WHERE f >= 9")
    pair.same("INSERT OVERWRITE")
    oracle.execute(f"DROP TABLE {pair.name}, {pair.name}_twin")
