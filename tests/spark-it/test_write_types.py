"""Every type x NULL, zero, bounds and odd values: the rows that Spark writes have the very bytes that TiDB writes."""
import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from support.all_types import CASES, SET_CASE, VECTOR_CASES, TypeCase, create
from support.compare import assert_same
from support.raw_pairs import assert_equal_pairs, assert_intact, assert_no_locks, assert_nothing, pairs
from support.sparks import CATALOG, settings
from support.writing import append, failure, named

ALL = [*CASES, SET_CASE]

# Columns whose index Spark cannot keep, or TiDB does not allow.
NOT_INDEXED = ("JSON",)
NEEDS_PREFIX = ("TINYTEXT", "TEXT", "MEDIUMTEXT", "LONGTEXT", "TINYBLOB", "BLOB", "MEDIUMBLOB", "LONGBLOB")
COLLATIONS = {"varchar_ci": "utf8mb4_general_ci", "varchar_uca": "utf8mb4_unicode_ci", "varchar_gbk": "gbk_chinese_ci"}
"""Columns whose collation may be refused in an index or a key."""


def _readable(case: TypeCase) -> str:
    """SQL for the value that Spark gets to see: what has no place in its type is NULL, or what the text says."""
    name = f"`{case.name}`"
    if case.mysql.startswith(("DATE", "TIMESTAMP")):
        return f"IF(month({name}) = 0 OR dayofmonth({name}) = 0, NULL, {name})"
    if case.mysql == "JSON":
        return f"CAST(CAST({name} AS CHAR) AS JSON)"
    if case.mysql == "BOOL":
        return f"{name} <> 0"
    if case.name == "varchar_gbk":
        return f"IF(length({name}) = char_length({name}), {name}, NULL)"
    return name


def _writable(frame: DataFrame) -> DataFrame:
    """Without text that GBK writes in two bytes, which is refused (test_write_bad_rows.py)."""
    name = "varchar_gbk"
    return frame.withColumn(name, F.expr(f"IF(length({name}) = octet_length({name}), {name}, NULL)")) if name in frame.columns else frame


def _write(cluster, oracle, frame: DataFrame, database: str, target: str, case: TypeCase) -> bool:
    """Writes; whether it was served. A collation may be refused, by its name or its column's, and then nothing is there."""
    if case.name not in COLLATIONS:
        append(frame, database, target)
        return True
    try:
        append(frame, database, target)
        return True
    except Exception:
        named(failure(lambda: append(frame, database, target)), "collation", COLLATIONS[case.name])
        assert_nothing(cluster, oracle, database, target)
        return False


def _copy(oracle, source: str, target: str, cases: list[TypeCase], where: str = "TRUE") -> None:
    """TiDB's own INSERT of what Spark sees of the source."""
    names = ", ".join(f"`{case.name}`" for case in cases)
    oracle.execute(f"INSERT INTO {target} (id, {names}) SELECT id, {', '.join(map(_readable, cases))} FROM {source} WHERE {where}")


def _compare(cluster, oracle, database: str, ours: str, theirs: str) -> None:
    assert_no_locks(cluster, oracle, database, ours)
    oracle.execute(f"ADMIN CHECK TABLE {ours}")
    if cluster.control is not None:
        assert_equal_pairs(pairs(cluster, oracle, database, ours), pairs(cluster, oracle, database, theirs))


@pytest.fixture(scope="module")
def source(oracle, database) -> str:
    """A table that TiDB has filled with all types."""
    create(oracle, "source", ALL)
    return "source"


def test_all_types_in_one_row(cluster, oracle, database, source, table):
    """Rows of 70 columns and of values above 64 KiB."""
    oracle.execute("CREATE TABLE wide LIKE source", "CREATE TABLE wide_twin LIKE source")
    append(_writable(table(source)), database, "wide")
    _copy(oracle, source, "wide_twin", ALL)
    _compare(cluster, oracle, database, "wide", "wide_twin")
    assert_same(table("wide"), oracle, f"SELECT * FROM {database}.wide_twin")


def test_vectors(cluster, oracle, database, table):
    create(oracle, "vectors", VECTOR_CASES)
    oracle.execute("CREATE TABLE vectors_ours LIKE vectors")
    append(table("vectors"), database, "vectors_ours")
    _compare(cluster, oracle, database, "vectors_ours", "vectors")


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.name)
def test_a_type_with_indexes(cluster, oracle, database, source, table, case):
    """A column alone in its row, in a plain index and in a unique one."""
    name = f"`{case.name}`"
    ours, theirs = f"i_{case.name}", f"i_{case.name}_twin"
    indexes = ""
    if case.mysql not in NOT_INDEXED:
        part = f"{name}(7)" if case.mysql in NEEDS_PREFIX else name
        indexes = f", KEY plain ({part}), UNIQUE KEY once ({part}, id), KEY last (id, {part})"
    oracle.execute(f"CREATE TABLE {ours} (id INT PRIMARY KEY, {name} {case.mysql}{indexes})", f"CREATE TABLE {theirs} LIKE {ours}")
    if not _write(cluster, oracle, _writable(table(source).select("id", case.name)), database, ours, case):
        return
    _copy(oracle, source, theirs, [case])
    _compare(cluster, oracle, database, ours, theirs)
    assert_same(table(ours), oracle, f"SELECT id, {name} FROM {database}.{theirs}")


@pytest.mark.parametrize("case", [case for case in ALL if case.mysql not in NOT_INDEXED], ids=lambda case: case.name)
def test_a_type_as_clustered_key(cluster, oracle, database, source, table, case):
    """The column is part of the row's key and of every index entry."""
    name = f"`{case.name}`"
    part = f"{name}(7)" if case.mysql in NEEDS_PREFIX else name
    ours, theirs = f"k_{case.name}", f"k_{case.name}_twin"
    oracle.execute(f"CREATE TABLE {ours} (id INT, {name} {case.mysql.removesuffix(' NULL')} NOT NULL, PRIMARY KEY ({part}, id) CLUSTERED, "
                   f"KEY by_id (id), UNIQUE KEY both_ (id, {part}))", f"CREATE TABLE {theirs} LIKE {ours}")
    frame = _writable(table(source).select("id", case.name)).where(F.col(case.name).isNotNull())
    if not _write(cluster, oracle, frame, database, ours, case):
        return
    _copy(oracle, source, theirs, [case], f"{_readable(case)} IS NOT NULL")
    _compare(cluster, oracle, database, ours, theirs)
    assert_same(table(ours), oracle, f"SELECT id, {name} FROM {database}.{theirs}")


def test_tinyint1_bit_and_time_as_numbers(spark, cluster, oracle, database, source, table):
    """With the policies of the read side the same columns take numbers."""
    cases = [case for case in CASES if case.name in ("bool_", "bit_1", "bit_7", "bit_9", "time_", "time_6")]
    names = [case.name for case in cases]
    oracle.execute("CREATE TABLE numbers (id INT PRIMARY KEY, " + ", ".join(f"`{case.name}` {case.mysql}" for case in cases) + ")",
                   "CREATE TABLE numbers_twin LIKE numbers",
                   f"INSERT INTO numbers_twin SELECT id, {', '.join(names)} FROM {source}")
    with settings(spark, tispark__types__tinyint1="tinyint", tispark__types__bit="bigint", tispark__types__time="bigint"):
        append(table(source).select("id", *names), database, "numbers")
    _compare(cluster, oracle, database, "numbers", "numbers_twin")


def test_time_zones(spark, cluster, oracle, database, source, table):
    """A TIMESTAMP is a moment, a DATETIME a wall clock, whatever the zone of the session that writes."""
    cases = [case for case in CASES if case.mysql.startswith(("DATE", "TIMESTAMP"))]
    names = [case.name for case in cases]
    for zone in ("America/New_York", "Asia/Kolkata"):
        ours = f"zone_{zone.split('/')[1].lower()}"
        oracle.execute(f"CREATE TABLE {ours} (id INT PRIMARY KEY, " + ", ".join(f"`{case.name}` {case.mysql}" for case in cases) + ")",
                       f"CREATE TABLE {ours}_twin LIKE {ours}")
        with settings(spark, sql__session__timeZone=zone):
            append(table(source).select("id", *names), database, ours)
        _copy(oracle, source, f"{ours}_twin", cases)
        _compare(cluster, oracle, database, ours, f"{ours}_twin")


LITERALS = {
    "a TINYINT": ["1", "CAST(-128 AS TINYINT)"], "a BIGINT": ["1", "CAST(7 AS TINYINT)"], "a DECIMAL(9,3)": ["1", "2.5", "-123456.789", "1.50"],
    "a DOUBLE": ["1", "2.5", "1e300"], "a FLOAT": ["1", "CAST(2.5 AS FLOAT)"], "a VARCHAR(10)": ["'x'", "''", "'ü'"], "a CHAR(5)": ["'ab'", "'ab  '"],
    "a DATE": ["DATE'2024-02-29'"], "a DATETIME": ["TIMESTAMP_NTZ'2024-02-29 01:02:03'", "DATE'2024-02-29'"],
    "a DATETIME(2)": ["TIMESTAMP_NTZ'2024-02-29 01:02:03.456789'", "TIMESTAMP_NTZ'2024-02-29 23:59:59.999'"], "a TIMESTAMP": ["TIMESTAMP'2024-02-29 01:02:03'"],
    "a TIMESTAMP(3)": ["TIMESTAMP'2024-02-29 01:02:03.45678'"], "a JSON": ["'{\"b\":1,\"a\":[1.5,null]}'"], "a ENUM('x','y')": ["'y'", "'x'"],
    "a SET('x','y')": ["'y,x'", "''"], "a BIGINT UNSIGNED": ["1", "18446744073709551615"], "a VARCHAR(9) CHARACTER SET latin1": ["'é'", "'漢'"], "a YEAR": ["CAST(2024 AS SMALLINT)"],
}


@pytest.mark.parametrize("definition", LITERALS)
def test_literals_as_tidb_takes_them(spark, cluster, oracle, database, definition):
    """Spark's literals, after its own assignment cast, against TiDB's INSERT of the same ones."""
    number = list(LITERALS).index(definition)
    ours, theirs = f"literal_{number}", f"literal_{number}_twin"
    oracle.execute(f"CREATE TABLE {ours} (id INT PRIMARY KEY, {definition})", f"CREATE TABLE {theirs} LIKE {ours}")
    for row, literal in enumerate(LITERALS[definition]):
        spark.sql(f"INSERT INTO {CATALOG}.{database}.{ours} VALUES ({row}, {literal})")
        mysql = literal.replace("TIMESTAMP_NTZ", "TIMESTAMP").replace("AS TINYINT", "AS SIGNED").replace("AS SMALLINT", "AS SIGNED")
        oracle.execute(f"INSERT INTO {theirs} VALUES ({row}, {mysql})")
    _compare(cluster, oracle, database, ours, theirs)


def test_a_row_of_every_width(spark, cluster, oracle, database):
    """Column ids above 255 and rows above 64 KiB take TiDB's large form."""
    columns = ", ".join(f"c{number} INT" for number in range(300))
    oracle.execute(f"CREATE TABLE broad (id INT PRIMARY KEY, {columns}, t LONGTEXT)")
    frame = spark.range(0, 20).selectExpr(
        "CAST(id AS INT) AS id", *[f"IF(({number} + id) % 3 = 0, NULL, CAST(id * {number} AS INT)) AS c{number}" for number in range(300)],
        "repeat('0123456789', CAST(id * 600 AS INT)) AS t")
    append(frame, database, "broad")
    assert oracle.one("SELECT sum(length(t)) FROM broad") == str(sum(6000 * n for n in range(20)))
    assert oracle.one("SELECT sum(c299) FROM broad") == str(sum(n * 299 for n in range(20) if (299 + n) % 3))
    assert_intact(cluster, oracle, database, "broad")
