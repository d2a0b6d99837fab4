"""Columns of every type of MySQL with values that are easy to get wrong: bounds, signs, fractions, empty and padded text."""
from typing import NamedTuple


class TypeCase(NamedTuple):
    """One column: its name, MySQL type, and values as SQL literals. Every column also gets a NULL."""

    name: str
    mysql: str
    values: tuple[str, ...]


def _integers(name: str, mysql: str, bits: int) -> list[TypeCase]:
    low, high = -(1 << bits - 1), (1 << bits - 1) - 1
    return [TypeCase(name, mysql, ("0", "1", "-1", str(low), str(high), str(low + 1))),
            TypeCase(f"{name}_u", f"{mysql} UNSIGNED", ("0", "1", str(high), str(high + 1), str((1 << bits) - 1)))]


def _decimals() -> list[TypeCase]:
    cases = []
    for precision, scale in ((1, 0), (5, 5), (9, 2), (15, 2), (18, 4), (18, 0), (19, 0), (20, 10), (30, 30), (37, 9), (38, 0), (38, 30)):
        digits = "9" * precision
        most = f"{digits[:precision - scale] or '0'}.{digits[:scale]}".rstrip(".")
        least = f"0.{'0' * (scale - 1)}1" if scale else "1"
        odd = ("1234567890" * 4)[:precision]
        middle = f"{odd[:precision - scale] or '0'}.{odd[precision - scale:]}".rstrip(".")
        cases.append(TypeCase(f"dec_{precision}_{scale}", f"DECIMAL({precision},{scale})",
                              ("0", most, f"-{most}", least, f"-{least}", middle, f"-{middle}")))
    return cases


_TEXTS = ("''", "'a'", "'a  '", "'  a'", "'😀 é 漢字'", "'tab\\tnew\\nline'", "'nul\\0inside'", "'quote\\'\"\\\\'", "'" + "x" * 40 + "'")
_BYTES = ("''", "x'00'", "x'00ff00'", "x'f09f9880'", "'ascii'")
_DATES = ("'0001-01-01'", "'1000-12-31'", "'1582-10-04'", "'1582-10-10'", "'1582-10-15'", "'1899-12-31'", "'1969-12-31'",
          "'1970-01-01'", "'2000-02-29'", "'2024-02-29'", "'2038-01-20'", "'9999-12-31'")
_IMPOSSIBLE_DATES = ("'0000-00-00'", "'2024-00-00'", "'2024-02-00'")

CASES: list[TypeCase] = [
    TypeCase("bool_", "BOOL", ("0", "1", "2", "127", "-1", "-128")),
    *_integers("tiny", "TINYINT", 8),
    *_integers("small", "SMALLINT", 16),
    *_integers("medium", "MEDIUMINT", 24),
    *_integers("int_", "INT", 32),
    *_integers("big", "BIGINT", 64),
    TypeCase("int_zerofill", "INT(9) ZEROFILL", ("0", "42")),
    TypeCase("bit_1", "BIT(1)", ("b'0'", "b'1'")),
    TypeCase("bit_7", "BIT(7)", ("b'0'", "b'1111111'", "b'1000000'")),
    TypeCase("bit_9", "BIT(9)", ("b'0'", "b'111111111'", "b'100000000'")),
    TypeCase("bit_64", "BIT(64)", ("b'0'", "9223372036854775807", "18446744073709551615", "9223372036854775808")),
    TypeCase("float_", "FLOAT", ("0", "-0e0", "1.5", "0.1", "3.4028235e38", "-3.4028235e38", "1.17549435e-38", "16777217", "123456.789")),
    TypeCase("float_7_2", "FLOAT(7,2)", ("0", "12345.67", "-99999.99")),
    TypeCase("double_", "DOUBLE", ("0", "-0e0", "0.1", "1.7976931348623157e308", "-1.7976931348623157e308", "2.2250738585072014e-308",
                                   "4.9e-324", "1e22", "123456789.123456789", "9007199254740993")),
    *_decimals(),
    TypeCase("char_50", "CHAR(50)", _TEXTS),
    TypeCase("varchar_50", "VARCHAR(50)", _TEXTS),
    TypeCase("varchar_ci", "VARCHAR(50) COLLATE utf8mb4_general_ci", _TEXTS),
    TypeCase("varchar_uca", "VARCHAR(50) COLLATE utf8mb4_unicode_ci", _TEXTS),
    TypeCase("varchar_ascii", "VARCHAR(50) CHARACTER SET ascii", ("''", "'plain'")),
    TypeCase("varchar_latin1", "VARCHAR(50) CHARACTER SET latin1", ("''", "'plain'", "'é'")),
    TypeCase("varchar_gbk", "VARCHAR(50) CHARACTER SET gbk", ("''", "'plain'", "'漢字'")),
    TypeCase("tinytext_", "TINYTEXT", _TEXTS),
    TypeCase("text_", "TEXT", (*_TEXTS, "repeat('é', 20000)")),
    TypeCase("mediumtext_", "MEDIUMTEXT", (*_TEXTS, "repeat('0123456789', 30000)")),
    TypeCase("longtext_", "LONGTEXT", _TEXTS),
    TypeCase("binary_8", "BINARY(8)", _BYTES),
    TypeCase("varbinary_50", "VARBINARY(50)", _BYTES),
    TypeCase("tinyblob_", "TINYBLOB", _BYTES),
    TypeCase("blob_", "BLOB", (*_BYTES, "repeat(x'00ff', 20000)")),
    TypeCase("mediumblob_", "MEDIUMBLOB", _BYTES),
    TypeCase("longblob_", "LONGBLOB", _BYTES),
    TypeCase("enum_", "ENUM('', 'a', 'B', 'ü', 'with space')", ("''", "'a'", "'B'", "'ü'", "5")),
    TypeCase("json_", "JSON", (
        "'null'", "'true'", "'{}'", "'[]'", "'\"\"'", "'\"é 😀 \\\\u0001 \\\\\"\"'", "'[1, 2.5, -0.0, 1e100, \"x\", null, false]'",
        "'{\"b\": 1, \"a\": {\"c\": [null, true, {\"d\": \"e\"}]}, \"\": 0}'", "'18446744073709551615'", "'-9223372036854775808'",
        "'0.1'", "'1.0'", "'100000000000000000000'", "JSON_OBJECT('d', CAST('2020-01-02' AS DATE))",
        "JSON_ARRAY(CAST('2020-01-02 03:04:05.678901' AS DATETIME(6)), CAST('-10:00:00.5' AS TIME(1)))",
        "JSON_ARRAY(CAST(1.50 AS DECIMAL(5,2)))")),
    TypeCase("date_", "DATE", (*_DATES, *_IMPOSSIBLE_DATES)),
    TypeCase("datetime_", "DATETIME", ("'0001-01-01 00:00:00'", "'1582-10-10 12:34:56'", "'1969-12-31 23:59:59'", "'2024-02-29 23:59:59'",
                                       "'9999-12-31 23:59:59'", "'0000-00-00 00:00:00'", "'2024-00-00 10:00:00'")),
    TypeCase("datetime_3", "DATETIME(3)", ("'1969-12-31 23:59:59.999'", "'2024-03-10 02:30:00.001'", "'0000-00-00'")),
    TypeCase("datetime_6", "DATETIME(6)", ("'0001-01-01 00:00:00.000001'", "'1969-12-31 23:59:59.999999'", "'2024-02-29 12:00:00.123456'",
                                           "'9999-12-31 23:59:59.999999'", "'0000-00-00'")),
    TypeCase("timestamp_", "TIMESTAMP NULL", ("'1970-01-01 00:00:01'", "'2024-03-10 07:00:00'", "'2038-01-19 03:14:07'", "'0000-00-00'")),
    TypeCase("timestamp_6", "TIMESTAMP(6) NULL", ("'1970-01-01 00:00:01.000001'", "'2001-09-09 01:46:39.999999'",
                                                  "'2038-01-19 03:14:07.999999'", "'0000-00-00'")),
    TypeCase("time_", "TIME", ("'00:00:00'", "'-00:00:01'", "'23:59:59'", "'24:00:00'", "'-25:01:02'", "'838:59:59'", "'-838:59:59'")),
    TypeCase("time_6", "TIME(6)", ("'00:00:00.000001'", "'-00:00:00.000001'", "'-00:59:59.999999'", "'838:59:58.999999'",
                                   "'-838:59:58.999999'", "'100:00:00.5'")),
    TypeCase("year_", "YEAR", ("0", "1901", "1999", "2024", "2155")),
]

SET_CASE = TypeCase("set_", "SET('a', 'b', 'c d', 'é')", ("''", "'a'", "'a,b'", "'a,b,c d,é'", "'é'", "8"))
"""A column of this type makes the stores answer in rows instead of chunks (tipb's TypeDefault)."""

VECTOR_CASES = [
    TypeCase("vector_", "VECTOR", ("'[]'", "'[1]'", "'[0.1,-2.5,3e10]'")),
    TypeCase("vector_3", "VECTOR(3)", ("'[1,2,3]'", "'[0,-0.5,1e-20]'")),
]


def create(oracle, table: str, cases: list[TypeCase], options: str = "") -> int:
    """Makes the table and fills it: row n has the n-th value of every column, NULL where a column has fewer; the number of rows."""
    columns = ", ".join(f"`{case.name}` {case.mysql}" for case in cases)
    oracle.execute(f"CREATE TABLE {table} (id INT PRIMARY KEY, {columns}) {options}")
    count = max(len(case.values) for case in cases) + 1
    names = ", ".join(f"`{case.name}`" for case in cases)
    for number in range(count):
        values = ", ".join(case.values[number] if number < len(case.values) else "NULL" for case in cases)
        oracle.execute(f"INSERT INTO {table} (id, {names}) VALUES ({number}, {values})")
    return count
