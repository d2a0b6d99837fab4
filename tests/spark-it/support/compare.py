"""Spark's answer against TiDB's."""
import re

from pyspark.sql import DataFrame
from pyspark.sql import types as T

from .oracle import Oracle
from .values import of_tidb, spark_rows


def _order(row: tuple) -> tuple:
    """A total order of rows with NULLs."""
    return tuple((value is not None, type(value).__name__, value if value is not None else 0) for value in row)


def _exact_floats(sql: str, frame: DataFrame) -> str:
    """TiDB's text of a FLOAT is rounded; as a DOUBLE every digit shows. `sql` selects `*` or plain columns."""
    floats = {position for position, field in enumerate(frame.schema.fields) if isinstance(field.dataType, T.FloatType)}
    if not floats:
        return sql
    chosen, rest = re.fullmatch(r"SELECT (.*?) (FROM .*)", sql, re.DOTALL).groups()
    columns = [f"`{name}`" for name in frame.columns] if chosen == "*" else chosen.split(", ")
    return "SELECT " + ", ".join(f"CAST({c} AS DOUBLE)" if n in floats else c for n, c in enumerate(columns)) + f" {rest}"


def tidb_rows(oracle: Oracle, sql: str, frame: DataFrame) -> list[tuple]:
    """TiDB's answer to `sql`, in the types of `frame`."""
    kinds = [field.dataType for field in frame.schema.fields]
    rows = oracle.rows(_exact_floats(sql, frame))
    assert not rows or len(rows[0]) == len(kinds), f"TiDB has {len(rows[0])} columns, Spark {frame.columns}"
    return [tuple(of_tidb(value, kind) for value, kind in zip(row, kinds)) for row in rows]


def assert_rows(actual: list[tuple], expected: list[tuple], columns: list[str], ordered: bool = False) -> None:
    """Fails with the first rows and columns that differ."""
    if not ordered:
        actual, expected = sorted(actual, key=_order), sorted(expected, key=_order)
    if actual == expected:
        return
    lines = [f"Spark has {len(actual)} rows, TiDB {len(expected)}"]
    if len(actual) != len(expected):
        extra = [row for row in actual if row not in expected][:3]
        missing = [row for row in expected if row not in actual][:3]
        lines += [f"only in Spark: {extra}", f"only in TiDB: {missing}"]
    else:
        different = [(number, a, e) for number, (a, e) in enumerate(zip(actual, expected)) if a != e]
        lines.append(f"{len(different)} rows differ")
        for number, a, e in different[:5]:
            lines += [f"row {number}, {name}: Spark {x!r}, TiDB {y!r}" for name, x, y in zip(columns, a, e) if x != y]
    raise AssertionError("\n".join(lines))


def assert_same(frame: DataFrame, oracle: Oracle, sql: str, ordered: bool = False) -> int:
    """The data frame has exactly the rows of TiDB's answer to `sql`; the number of rows."""
    expected = tidb_rows(oracle, sql, frame)
    assert_rows(spark_rows(frame), expected, frame.columns, ordered)
    return len(expected)
