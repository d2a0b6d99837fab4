"""Values of Spark and of TiDB in one canonical form, so that equal means equal to the last digit.

| Spark type | canonical |
| --- | --- |
| BOOLEAN, integers, STRING, BINARY | bool, int, str, bytes |
| FLOAT, DOUBLE | the bytes of the IEEE number: -0.0 is not 0.0, and NaN equals itself |
| DECIMAL | digits without an exponent; the scale counts |
| DATE | yyyy-mm-dd |
| TIMESTAMP_NTZ | yyyy-mm-dd hh:mm:ss.ffffff |
| TIMESTAMP | microseconds since 1970 UTC |
| INTERVAL DAY TO SECOND | microseconds |
| ARRAY<FLOAT> | tuple of FLOATs |

TiDB's values are taken from the text protocol, so no driver's idea of a date or a float comes in between.
"""
import datetime
import decimal
import re
import struct

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F
from pyspark.sql import types as T

_EPOCH = datetime.datetime(1970, 1, 1)
_MICRO = datetime.timedelta(microseconds=1)


def float_bytes(value: float) -> bytes:
    """FLOAT: rounds a double to the nearest single."""
    return struct.pack("<f", value)


def double_bytes(value: float) -> bytes:
    """DOUBLE."""
    return struct.pack("<d", value)


def plain(value: decimal.Decimal) -> str:
    """Digits with the value's own scale and no exponent."""
    return format(value, "f")


# ---------------------------------------------------------------- Spark

def spark_rows(frame: DataFrame) -> list[tuple]:
    """The rows of a data frame, canonical, in the order in which Spark gives them.

    Moments and decimals are turned into numbers or text inside Spark: Python would bring its own time zone and scale into them.
    """
    fields = frame.schema.fields
    columns = []
    for position, field in enumerate(fields):
        column = F.col(f"c{position}")
        if isinstance(field.dataType, T.TimestampType):
            column = F.expr(f"unix_micros(c{position})")
        elif isinstance(field.dataType, (T.TimestampNTZType, T.DateType, T.DecimalType)):
            # (PySpark's pickler gives small decimals another scale.)
            column = column.cast("string")
        columns.append(column.alias(f"c{position}"))
    named = frame.toDF(*[f"c{position}" for position in range(len(fields))])
    rows = named.select(*columns).collect() if columns else frame.collect()
    return [tuple(_of_spark(value, field.dataType) for value, field in zip(row, fields)) for row in rows]


def _of_spark(value, kind: T.DataType):
    if value is None:
        return None
    if isinstance(kind, T.FloatType):
        return float_bytes(value)
    if isinstance(kind, T.DoubleType):
        return double_bytes(value)
    if isinstance(kind, T.DecimalType):
        return plain(decimal.Decimal(value))
    if isinstance(kind, T.BinaryType):
        return bytes(value)
    if isinstance(kind, T.TimestampNTZType):
        return _six_digits(value)
    if isinstance(kind, T.DayTimeIntervalType):
        return value // _MICRO
    if isinstance(kind, T.ArrayType):
        return tuple(float_bytes(item) for item in value)
    if isinstance(value, Row):
        raise TypeError("a struct is no type of TiDB")
    return value


def _six_digits(text: str) -> str:
    whole, _, fraction = text.partition(".")
    return f"{whole}.{fraction:0<6}"


# ---------------------------------------------------------------- TiDB

class ZeroDate(Exception):
    """TiDB has a date that no calendar has, and the policy is not to show NULL for it."""


def of_tidb(value, kind: T.DataType):
    """One value of the text protocol (str, bytes or None) as the Spark type would show it.

    TIMESTAMP is expected in UTC: the oracle's connection sets `time_zone`. Dates that are in no calendar are None.
    """
    if value is None:
        return None
    if isinstance(kind, T.BooleanType):
        return (int.from_bytes(value, "big") if isinstance(value, bytes) else int(value)) != 0
    if isinstance(kind, (T.ByteType, T.ShortType, T.IntegerType, T.LongType)):
        if isinstance(value, bytes):  # BIT as BIGINT
            return int.from_bytes(value, "big")
        return time_micros(value) * 1000 if ":" in value else int(value)
    if isinstance(kind, T.FloatType):
        return float_bytes(float(value))
    if isinstance(kind, T.DoubleType):
        return double_bytes(float(value))
    if isinstance(kind, T.DecimalType):
        return plain(decimal.Decimal(value))
    if isinstance(kind, T.BinaryType):
        return value if isinstance(value, bytes) else value.encode()
    if isinstance(kind, T.DateType):
        return value if in_calendar(value) else None
    if isinstance(kind, T.TimestampNTZType):
        return _six_digits(value) if in_calendar(value) else None
    if isinstance(kind, T.TimestampType):
        return utc_micros(value) if in_calendar(value) else None
    if isinstance(kind, T.DayTimeIntervalType):
        return time_micros(value)
    if isinstance(kind, T.ArrayType):
        return tuple(float_bytes(float(item)) for item in value.strip("[]").split(",") if item)
    return value if isinstance(value, str) else value.decode()


def in_calendar(text: str) -> bool:
    """Whether the date, or the date of the moment, is one of the proleptic Gregorian calendar from year 1 on."""
    try:
        datetime.date.fromisoformat(text[:10])
    except ValueError:
        return False
    return True


def utc_micros(text: str) -> int:
    """Microseconds since 1970 of `yyyy-mm-dd hh:mm:ss[.ffffff]` in UTC."""
    return (datetime.datetime.fromisoformat(_six_digits(text)) - _EPOCH) // _MICRO


def time_micros(text: str) -> int:
    """Microseconds of MySQL's TIME, `[-]hhh:mm:ss[.ffffff]`."""
    sign, hours, minutes, seconds, fraction = re.fullmatch(r"(-?)(\d+):(\d\d):(\d\d)(?:\.(\d+))?", text).groups()
    micros = ((int(hours) * 60 + int(minutes)) * 60 + int(seconds)) * 1_000_000 + int(f"{fraction or '':0<6}")
    return -micros if sign else micros
