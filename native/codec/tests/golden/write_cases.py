"""Types, and the values that are written to them; see capture_writes.py. A value is (Arrow type, text)."""


def ints(*values: int) -> list[tuple[str, str]]:
    """BIGINT values."""
    return [("i64", str(v)) for v in values]


def decimals(*values: str) -> list[tuple[str, str]]:
    """DECIMAL values with as many fraction digits as they are written with."""
    return [("decimal", v) for v in values]


def doubles(*values: str) -> list[tuple[str, str]]:
    """DOUBLE values."""
    return [("f64", v) for v in values]


def texts(*values: str) -> list[tuple[str, str]]:
    """STRING values."""
    return [("utf8", v.encode().hex()) for v in values]


def binaries(*values: bytes) -> list[tuple[str, str]]:
    """BINARY values."""
    return [("binary", v.hex()) for v in values]


def of(arrow: str, *values: str) -> list[tuple[str, str]]:
    """Values of an Arrow type."""
    return [(arrow, v) for v in values]


BOOLEANS = of("bool", "true", "false")
ROUNDED = decimals("1.4", "1.5", "2.5", "-1.5", "-0.4", "0.5", "99.499999") + doubles("1.5", "2.5", "-2.5", "0.49999999999999994", "-0.5")
EDGES = [e + d for bits in (8, 16, 24, 32, 64) for e in (-(1 << bits - 1), (1 << bits - 1) - 1, (1 << bits) - 1) for d in (-1, 0, 1)
         if -(1 << 63) <= e + d < 1 << 63]
UNSIGNED = decimals("18446744073709551615", "18446744073709551616", "9223372036854775808", "18446744073709551614.5", "18446744073709551615.4", "-0.5", "-0.4", "-1")


def strings(limit: int) -> list[tuple[str, str]]:
    """Texts around a length."""
    full = "é" * limit
    return texts("", "a", " a ", "a  ", full, full + " ", full + " \t\r\n", full + "\u00a0", full + "b", full + " b", "a" * limit + "\v",
                 " " * (limit + 2), "😀" * limit, "日本語"[:limit], "\0")


def times(fsp: int) -> list[tuple[str, str]]:
    """TIMEs."""
    return of("time", "00:00:00", "-00:00:00.5", "00:00:00.5", "838:59:59", "-838:59:59", "838:59:59.000001", "838:59:58.9999995"[:16], "-838:59:58.999999",
              "838:59:59.4", "839:00:00", "-839:00:00", "12:34:56.123456", "-12:34:56.654321", "-838:59:59.4", "-838:59:59.5", "838:59:59.5", "840:00:00", "00:00:00.000001", "-00:00:00.000049")


def moments(kind: str, fsp: int) -> list[tuple[str, str]]:
    """Dates and times."""
    return of(kind, "2024-02-29 23:59:59.999999", "2024-02-29 23:59:59.499999", "1969-12-31 23:59:59.5", "1970-01-01 00:00:00", "1970-01-01 00:00:00.4",
              "1970-01-01 00:00:00.5", "1970-01-01 00:00:00.999999", "1970-01-01 00:00:01", "2038-01-19 03:14:07", "2038-01-19 03:14:07.4", "2038-01-19 03:14:07.5",
              "2038-01-19 03:14:07.999999", "2038-01-19 03:14:08", "0000-01-01 00:00:00", "0001-01-01 00:00:00.123456", "0999-12-31 23:59:59", "9999-12-31 23:59:59",
              "9999-12-31 23:59:59.4", "9999-12-31 23:59:59.5", "9999-12-31 23:59:59.999999", "1582-10-10 12:00:00.000001", "2000-01-01 01:02:03.456789", "1900-02-28 23:59:59.9999995"[:26])


JSONS = texts(
    "null", "true", "false", "0", "-0", "-0.0", "1", "-1", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809",
    "18446744073709551615", "18446744073709551616", "1.0", "1.5e3", "1E2", "1e-400", "1e400", "-1e400", "123456789012345678901234567890", "0.1", "1e21", "2.2250738585072014e-308",
    '""', '"a"', '"\\u00e9\\n\\"\\\\\\/\\b\\f\\r\\t"', '"\\ud83d\\ude00"', '"\\ud800"', '"\\udc00x"', '"\\ud800\\u0041"', '"\\uD800\\ud800\\udc00"', '"\\u0000"', '"😀é"', "[]", "{}", "[1, 2, [3]]",
    '{"b": 1, "a": 2, "b": 3, "": null}', '{"a":{"b":[true,false,null,"x",{"c":1.5}]}}', '{"é":1,"z":2,"aa":3,"Z":4}', '{"\\u0061":1,"a":2}', ' \t\r\n[1 , 2 ]\n',
    "", " ", "{", "[1,]", "{a:1}", "{'a':1}", '{"a" 1}', '{"a":1,}', "01", "+1", ".5", "1.", "1e", "-", "nul", "truefalse", "1 2", '"\n"', '"\\x41"', '"\\u12g4"', '"abc', "[", "NaN", "// c\n1",
    "[" * 99 + "1" + "]" * 99, "[" * 100 + "1" + "]" * 100, "[" * 101 + "]" * 101, "[" * 101 + "1" + "]" * 101, "[" * 102 + "]" * 102, '{"a":' * 100 + "1" + "}" * 100, '{"a":' * 101 + "1" + "}" * 101,
    '"' + "x" * 200 + '"', '{"' + "k" * 65535 + '":1}', '{"' + "k" * 65536 + '":1}')

ENUM = "ENUM('red','Grün','b lue','','3','x')"
MEMBERS = texts("red", "Red", "red ", " red", "Grün", "GRÜN", "Grun", "b lue", "", "3", "1", "6", "7", "0", "0x2", "0b1", "0o5", "06", "-1", "+1", "1.0", "x", "y", "é")
SET = "SET('a','bé','c','10','D')"
SETS = texts("", "a", "a,c", "c,a", "a,a", "A", "bé", "BÉ", "a,,c", "a ", "a, c", "c,10", "10", "3", "31", "32", "0", "0x3", "x", "a,x", "D", "d", "D,a,c,bé,10", ",")

CASES = [
    *[(f"{name}{sign}", BOOLEANS + ints(*sorted(set(EDGES + [0, 1, -1]))) + ROUNDED + UNSIGNED) for name in ("TINYINT", "TINYINT(1)", "SMALLINT", "MEDIUMINT", "INT", "BIGINT")
      for sign in ("", " UNSIGNED")],
    ("YEAR", ints(0, 1, 69, 70, 99, 100, 1900, 1901, 1970, 2024, 2155, 2156, -1, 70000) + BOOLEANS + decimals("1999.5", "0.4") + doubles("2000.5", "2001.5")),
    *[(f"BIT({n})", BOOLEANS + ints(0, 1, 2, 255, 256, -1, 1023, 1024, 2**63 - 1) + binaries(b"", b"\0", b"\1", b"\0\0\0\0\0\0\0\0\0\1", b"\3\xff", b"\xff" * 8, b"\1" + b"\0" * 8) + decimals("1.5", "18446744073709551615"))
      for n in (1, 10, 64)],
    *[(name, doubles("0", "1.5", "-1.5", "0.1", "3.4028234663852886e38", "3.4028235e38", "3.5e38", "-3.5e38", "1e-46", "1.7976931348623157e308", "123456.789", "99999.994", "99999.995", "-99999.996", "0.005", "0.015", "1e30",
                     "1234567.5", "-0.001", "0.125", "2.675") + ints(0, -5, 2**53 + 1, 2**63 - 1) + decimals("0.1", "1.005", "12345678901234567890.123456789", "-0.000001", "99999.995", "9007199254740993") + BOOLEANS + of("f32", "0.10000000149011612", "3.4028234663852886e38"))
      for name in ("FLOAT", "FLOAT UNSIGNED", "DOUBLE", "DOUBLE UNSIGNED", "FLOAT(7,2)", "DOUBLE(7,2)", "DOUBLE(7,2) UNSIGNED", "DOUBLE(22,0)", "FLOAT(30)")],
    *[(f"DECIMAL({p},{s}){sign}", decimals("0", "1", "-1", "1.005", "1.015", "-1.005", "0.004", "0.005", "-0.004", "-0.005", "999.99", "999.994", "999.995", "-999.995", "1000", "99999999999999999999", "12345678901234567890.12345678901",
                              "0.00000000000000000000000000005", "9.9999999999999999999999999999999999999", "99999999999999999999999999999999999999", "-99999999999999999999999999999999999999", "123456789.123456789", "1000000000", "0.1000000000", "0.000000001")
       + ints(0, -7, 999, 1000, 2**63 - 1) + doubles("0.1", "1.005", "-0.005", "1e10", "1e-100", "1.5e300", "123456.789") + of("f32", "0.10000000149011612") + BOOLEANS)
      for p, s in ((5, 2), (10, 0), (20, 10), (38, 0), (38, 30), (30, 30), (38, 10), (65, 30), (65, 0), (1, 1), (18, 9), (9, 9)) for sign in ("", " UNSIGNED")],
    *[(f"DECIMAL({p},{s})", texts("1", "-1.5", " 12.5 ", "1e3", "1.5E-2", "+7", "", "abc", "1x", "1.2.3", "-", "0x10", "9" * 40, "9" * 65, "9" * 66, "1e64", "1e65", "1e-90", "-0.0", "0." + "1" * 40, "0." + "1" * 90, "1e9999", "1e-9999", "NaN", ".5", "5."))
      for p, s in ((65, 30), (65, 0), (40, 2))],
    *[(f"{name}({n}) {charset}", strings(n)) for name in ("CHAR", "VARCHAR") for n in (3, 1) for charset in ("", "CHARACTER SET utf8", "CHARACTER SET ascii", "CHARACTER SET latin1")],
    ("VARCHAR(0)", texts("", " ", "a")),
    ("CHAR(0)", texts("", " ", "a")),
    *[(f"{name}({n})", strings(n) + binaries(b"", b"a", b"\xff", b"abc", b"abcd", b"\0\0\0\0", "é".encode())) for name in ("BINARY", "VARBINARY") for n in (3, 1)],
    ("VARCHAR(5)", binaries(b"abc", b"\xff", "é".encode(), b"abc\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80")),
    ("VARCHAR(5) CHARACTER SET utf8", binaries(b"abc", b"\xff", "é".encode(), "😀".encode())),
    ("VARCHAR(5) CHARACTER SET ascii", binaries(b"abc", b"\xff", "é".encode())),
    ("VARCHAR(5) CHARACTER SET latin1", binaries(b"abc", "é".encode())),
    ("VARCHAR(5) CHARACTER SET gbk", texts("abc", "")),
    *[(name, texts("", "a ", "x" * 255, "x" * 256, "x" * 255 + " ", "é" * 127 + "x", "é" * 128, "a\0") + binaries(b"abc", b"\xc3\xa9")) for name in ("TINYTEXT", "TINYBLOB", "TEXT(100)", "BLOB(100)")],
    *[(name, texts("", "a ", "x" * 65535, "x" * 65536)) for name in ("TEXT", "BLOB")],
    *[(name, texts("", "a ", "x" * 70000)) for name in ("MEDIUMTEXT", "LONGTEXT", "LONGBLOB", "TEXT(100000)")],
    *[(f"{ENUM}{collation}", MEMBERS) for collation in ("", " COLLATE utf8mb4_general_ci", " COLLATE utf8mb4_unicode_ci", " COLLATE utf8mb4_0900_ai_ci", " COLLATE utf8mb4_0900_bin", " CHARACTER SET binary")],
    *[(f"{SET}{collation}", SETS) for collation in ("", " COLLATE utf8mb4_general_ci", " COLLATE utf8mb4_unicode_ci", " COLLATE utf8mb4_0900_ai_ci", " COLLATE utf8mb4_0900_bin", " CHARACTER SET binary")],
    ("SET(" + ",".join(f"'e{i}'" for i in range(64)) + ")", texts("e0", "e63", ",".join(f"e{i}" for i in range(64)), "18446744073709551615", "18446744073709551616")),
    ("JSON", JSONS),
    ("DATE", of("date", "2024-02-29", "1970-01-01", "1969-12-31", "0000-01-01", "0001-01-01", "9999-12-31", "1582-10-10", "1900-03-01", "2000-12-31")),
    *[(f"DATETIME({n})", moments("ntz", n)) for n in (0, 1, 3, 6)],
    *[(f"TIMESTAMP({n})", moments("utc", n)) for n in (0, 1, 3, 6)],
    *[(f"TIME({n})", times(n)) for n in (0, 1, 3, 6)],
    ("VECTOR", of("vector", "[]", "[1]", "[1.5,-2,0.1]", "[3.4028235e38]", "[1e-45]")),
    ("VECTOR(3)", of("vector", "[1,2,3]", "[1,2]", "[]", "[1,2,3,4]")),
]
