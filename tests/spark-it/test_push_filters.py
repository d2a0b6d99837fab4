"""Filters: pushed = not pushed = TiDB, over columns of every kind."""
import pytest

from support.compare import assert_same
from support.pushed import FILTERS, described, three_ways
from support.sparks import CATALOG, settings

COLUMNS = """
id INT PRIMARY KEY, i INT, b BIGINT, u BIGINT UNSIGNED, t TINYINT, yes BOOL, r DOUBLE, f FLOAT, d DECIMAL(12,3), big DECIMAL(38,10),
s VARCHAR(40) COLLATE utf8mb4_bin, bytes VARBINARY(20), day DATE, dt DATETIME(6), ts TIMESTAMP(3) NULL, dur TIME(2), y YEAR,
e ENUM('x', 'y', 'Z'), j JSON"""
TEXTS = ("''", "'a'", "'A'", "'ab'", "'a%b'", "'a_b'", "'a\\\\\\\\b'", "'é'", "'漢字 😀'", "'100'", "NULL")


def _row(n: int) -> str:
    if n % 13 == 12:
        return f"({n}{', NULL' * 18})"
    i = (n * 7919) % 41 - 20
    values = [n, i, i * 10**12, n * 10**17 if n % 3 else 18446744073709551615, i % 100, n % 2, i / 8, i / 4, f"{i}.{n % 1000:03}",
              f"{i}{'1' * 20}.{n:010}", TEXTS[n % len(TEXTS)], f"x'{n % 256:02x}00'", f"'{1999 + n % 5}-{n % 12 + 1:02}-{n % 28 + 1:02}'",
              f"'{2000 + n % 3}-03-{n % 28 + 1:02} {n % 24:02}:30:00.{n * 997 % 1000000:06}'",
              f"'2024-{n % 12 + 1:02}-10 {n % 24:02}:{n % 60:02}:00.{n % 1000:03}'", f"'{'-' if n % 2 else ''}{n % 30}:00:00.25'", 1990 + n % 40,
              n % 3 + 1, f"'{{\"n\": {n}}}'"]
    return f"({', '.join(map(str, values))})"


@pytest.fixture(scope="module")
def things(oracle, database) -> str:
    """A table of 300 rows in several regions; its name in Spark."""
    oracle.execute(f"CREATE TABLE things ({COLUMNS})")
    oracle.execute("INSERT INTO things VALUES " + ", ".join(_row(n) for n in range(300)))
    return f"{CATALOG}.{database}.things"


SHARED = [
    "i = 3", "3 = i", "i <> 3", "i < 3", "i <= -3", "i > 15", "i >= 15", "i BETWEEN -2 AND 2", "i IN (1, 2, 3)", "i IN (1, NULL)", "i NOT IN (1, 2)",
    "i NOT IN (1, NULL)", "i IS NULL", "i IS NOT NULL", "i <=> 3", "i <=> NULL", "NOT (i <=> 3)", "i = NULL", "i > NULL OR i = 3", "i = id", "i < b",
    "b = 3000000000000", "b > 9223372036854775807", "b IN (1000000000000, -1000000000000)", "t = 3", "t > -5 AND t < 5",
    "u = 18446744073709551615", "u > 9223372036854775807", "u IN (100000000000000000, 200000000000000000)", "u < 0",
    "yes", "NOT yes", "yes = true", "yes <=> false", "r = 0.5", "r < -1.25", "r IN (0.125, 2.5)", "r BETWEEN -0.5 AND 0.5", "f = 0.25", "f > 1.5",
    "d = 3.004", "d < -1.5", "d BETWEEN 0 AND 5.5", "d IN (1.000, 7.077)", "d = 3.0040", "big > 0", "big < -1111111111111111111111.5",
    "s = 'a'", "s = 'A'", "s < 'a'", "s >= 'é'", "s BETWEEN 'A' AND 'a'", "s IN ('a', '100', '')", "s <> 'a'", "s <=> 'é'", "s > ''",
    "day = DATE '2001-03-03'", "day < DATE '2000-06-15'", "day BETWEEN DATE '1999-05-01' AND DATE '2000-02-29'", "day IN (DATE '2001-03-03', DATE '2002-04-04')",
    "y = 2000", "y IN (1999, 2001)", "y > 2005", "e = 'x'", "e IN ('x', 'Z')", "e <> 'y'", "e IS NULL", "s IS NULL AND i IS NULL",
    "i = 1 OR s = 'a'", "(i > 0 AND d < 5) OR (i < 0 AND yes)", "NOT (i > 0 OR d < 5)", "i > 0 AND NOT (i > 5 AND d > 1)", "true", "false", "i = 1 AND false",
    "CASE WHEN i > 0 THEN d > 3 WHEN i < 0 THEN yes ELSE s = 'a' END", "COALESCE(i, 7) = 7", "i + 0 = 3", "ABS(i) = 3", "i % 5 = 2", "i * 2 = 6", "i - id = 3",
    "IF(i > 0, 'p', 'n') = 'p'", "UPPER(s) = 'A'", "LENGTH(s) > 2 AND i > 0", "YEAR(day) = 2001", "MONTH(day) IN (2, 3)", "day IS NULL OR id < 3",
]
"""Predicates that mean the same in Spark and in TiDB."""

SPARK = [
    "s LIKE 'a%'", "s LIKE '%b'", "s LIKE '%a%'", "s LIKE 'a\\\\%%'", "s LIKE 'a\\\\_%'", "s LIKE '%\\\\\\\\%'", "s LIKE ''", "s LIKE '%😀%'", "startswith(s, 'a_')",
    "contains(s, '%')", "endswith(s, '')", "bytes = x'0100'", "bytes > x'80'", "bytes IN (x'0000', x'ff00')",
    "dt = TIMESTAMP_NTZ '2000-03-01 00:30:00'", "dt > TIMESTAMP_NTZ '2001-03-14 12:00:00.5'", "ts = TIMESTAMP '2024-01-10 00:00:00 UTC'",
    "ts > TIMESTAMP '2024-07-01 00:00:00'", "ts BETWEEN TIMESTAMP '2024-02-01' AND TIMESTAMP '2024-04-01'", "dur = INTERVAL '4:00:00.25' HOUR TO SECOND",
    "dur < INTERVAL '0' SECOND", "dur IN (INTERVAL '2:00:00.25' HOUR TO SECOND)", "CAST(i AS BIGINT) = 3", "CAST(i AS DOUBLE) / 2 > 3", "CAST(i AS STRING) = '3'",
    "CAST(d AS DECIMAL(20,5)) > 3", "CAST(day AS TIMESTAMP) > TIMESTAMP '2001-01-01'", "HOUR(dt) = 3", "MINUTE(ts) = 30", "DAY(ts) = 10", "DAYOFWEEK(day) = 3",
    "WEEKDAY(day) = 3", "DAYOFYEAR(day) > 200", "WEEKOFYEAR(day) = 9", "QUARTER(day) = 2", "DATE_ADD(day, 3) = DATE '2001-03-06'", "DATEDIFF(day, DATE '2000-01-01') > 100",
    "SUBSTRING(s, 1, 1) = 'a'", "SUBSTRING(s, -1) = 'b'", "CONCAT(s, '!') = 'a!'", "TRIM(s) = 'a'", "LOWER(s) = 'a'", "GREATEST(i, id) = 5", "LEAST(i, 0) < -19",
    "FLOOR(r) = 1", "CEIL(r) = 1", "ROUND(r) = 2", "SQRT(r) > 1", "POWER(r, 2) = 4", "i & 3 = 1", "i | 1 = 3", "i ^ 5 = 6", "~i = 3", "MD5(s) IS NULL", "j IS NOT NULL",
    "j = '{\"n\": 5}'", "i = r", "i = d", "b > d", "r = d", "f = r", "u > i", "s = i", "bit_length(s) = 8", "NULLIF(i, 3) IS NULL",
]
"""Predicates of Spark's own, or whose text TiDB reads in another way."""


@pytest.mark.parametrize("ansi", ["false", "true"])
def test_shared(spark, oracle, database, things, ansi):
    """All in one query, a branch each; the first column says which."""
    def query(table: str) -> str:
        return " UNION ALL ".join(f"SELECT {n} AS n, id FROM {table} WHERE {predicate}" for n, predicate in enumerate(SHARED))

    with settings(spark, sql__ansi__enabled=ansi):
        frame = three_ways(spark, oracle, query(things), query(f"{database}.things"), FILTERS)
        texts = described(frame)
        # Spark itself answers those that are never true.
        unpushed = [text for text in texts if "PushedFilters: [" not in text]
        assert len(texts) > len(SHARED) * 0.9 and len(unpushed) < len(SHARED) * 0.3, unpushed


@pytest.mark.parametrize("ansi", ["false", "true"])
def test_spark(spark, oracle, things, ansi):
    """All in one go: what is pushed gives what is not, or both are the same error."""
    wrong = []
    with settings(spark, sql__ansi__enabled=ansi, sql__session__timeZone="America/New_York"):
        for predicate in SPARK:
            answers = []
            for off in ({}, FILTERS):
                with settings(spark, **off):
                    try:
                        answers.append(sorted(row.id for row in spark.sql(f"SELECT id FROM {things} WHERE {predicate}").collect()))
                    except Exception as error:  # the kind is compared below
                        answers.append(type(error).__name__)
            if answers[0] != answers[1]:
                wrong.append((predicate, *answers))
    assert not wrong, wrong


@pytest.mark.parametrize("predicate, exact", [
    ("i = 3", True), ("i IN (1, 2)", True), ("i IS NULL", True), ("s = 'a'", True), ("d < 3.5", True), ("day >= DATE '2001-01-01'", True), ("b > 5 OR i < 2", True),
    ("NOT (i > 3)", True), ("r > 0.5", True)])
def test_explain_shows_filters(spark, things, predicate, exact):
    frame = spark.sql(f"SELECT id FROM {things} WHERE {predicate}")
    text, = described(frame)
    assert "PushedFilters: [" in text, text
    assert ("rechecked" in text) != exact, text
    with settings(spark, **FILTERS):
        text, = described(spark.sql(f"SELECT id FROM {things} WHERE {predicate}"))
        assert "PushedFilters" not in text, text


def test_refused_functions(spark, oracle, database, things):
    query = f"SELECT id FROM {things} WHERE i IN (1, 2, 3)"
    with settings(spark, tispark__plan__unsupported_pushdown_exprs="IN"):
        frame = spark.sql(query)
        assert not any(" IN (" in text for text in described(frame)), described(frame)
        assert_same(frame, oracle, f"SELECT id FROM {database}.things WHERE i IN (1, 2, 3)")
    assert any(" IN (" in text for text in described(spark.sql(query)))


COLLATIONS = ["binary", "utf8mb4_bin", "utf8mb4_general_ci", "utf8mb4_unicode_ci", "utf8mb4_0900_ai_ci"]
WORDS = ["a", "A", "a ", "á", "ä", "b", "B", "ss", "ß", "", " ", "aa", "Aa", "ab", "z", "Z", "é", "e", "漢", "😀", "\t", "a\t", "a%", "a_"]


@pytest.mark.parametrize("collation", COLLATIONS)
@pytest.mark.parametrize("indexed", [False, True], ids=["plain", "indexed"])
def test_collations(spark, oracle, database, collation, indexed):
    """Spark compares bytes, whatever the column's collation: equality, order, groups, extremes and the first rows."""
    name = f"words_{collation}_{int(indexed)}"
    oracle.execute(f"CREATE TABLE {name} (id INT PRIMARY KEY, w VARCHAR(20) CHARACTER SET utf8mb4 COLLATE "
                   f"{'utf8mb4_bin' if collation == 'binary' else collation}{', KEY (w)' if indexed else ''})"
                   if collation != "binary" else f"CREATE TABLE {name} (id INT PRIMARY KEY, w VARBINARY(20){', KEY (w)' if indexed else ''})")
    oracle.insert(name, [(n, word) for n, word in enumerate([*WORDS, None])])
    table = f"{CATALOG}.{database}.{name}"
    literal = "CAST('{}' AS BINARY)" if collation == "binary" else "'{}'"
    predicates = []
    for word in ("a", "A ", "ss", "e", "", "é", "b"):
        value = literal.format(word)
        predicates += [f"w {sign} {value}" for sign in ("=", "<>", "<", "<=", ">", ">=", "<=>")]
        predicates += [f"w IN ({value}, {literal.format('z')})", f"w NOT IN ({value})", f"w BETWEEN {value} AND {literal.format('z')}"]
        if collation != "binary":
            predicates += [f"w LIKE '{word}%'", f"w LIKE '%{word}'", f"w LIKE '%{word}%'"]
    query = " UNION ALL ".join(f"SELECT {n} AS n, id FROM {table} WHERE {predicate}" for n, predicate in enumerate(predicates))
    three_ways(spark, oracle, query)
    three_ways(spark, oracle, f"SELECT w, count(*) FROM {table} GROUP BY w")
    three_ways(spark, oracle, f"SELECT min(w), max(w), count(w) FROM {table}")
    for direction in ("ASC", "DESC"):
        three_ways(spark, oracle, f"SELECT w FROM {table} ORDER BY w {direction} LIMIT 7", ordered=True)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "Australia/Lord_Howe", "America/New_York", "+05:45"])
def test_zones(spark, oracle, database, zone):
    """Moments around changes of clocks; half-hour zones."""
    oracle.execute("CREATE TABLE IF NOT EXISTS moments (id INT PRIMARY KEY, ts TIMESTAMP(6) NULL, dt DATETIME(6))")
    if not oracle.rows("SELECT id FROM moments LIMIT 1"):
        moments = ["2024-03-10 06:59:59.999999", "2024-03-10 07:00:00", "2024-11-03 05:30:00", "2024-11-03 06:30:00", "2024-04-06 14:59:59", "2024-04-06 15:00:00",
                   "2024-10-05 15:30:00.5", "1970-01-01 00:00:01", "2038-01-19 03:14:07.999999", "2000-02-29 23:45:00", "1999-12-31 23:59:59.000001"]
        oracle.insert("moments", [(n, moment, moment) for n, moment in enumerate(moments)] + [(99, None, None)])
    predicates = [f"{column} {sign} {kind} '{moment}'" for column, kind in (("ts", "TIMESTAMP"), ("dt", "TIMESTAMP_NTZ"))
                  for moment in ("2024-03-10 02:30:00", "2024-11-03 01:30:00", "2024-04-07 01:45:00", "2000-02-29 23:45:00") for sign in ("=", "<", ">=")]
    predicates += [f"{function}({column}) {rest}" for column in ("ts", "dt") for function, rest in
                   (("HOUR", "< 6"), ("MINUTE", "= 30"), ("SECOND", "= 59"), ("YEAR", "= 2024"), ("MONTH", "IN (3, 4)"), ("DAY", "> 9"), ("DAYOFWEEK", "= 1"))]
    predicates += ["CAST(ts AS DATE) = DATE '2024-03-10'", "CAST(dt AS TIMESTAMP) = ts", "ts = dt", "CAST(ts AS TIMESTAMP_NTZ) < dt", "ts > DATE '2024-03-10'"]
    query = " UNION ALL ".join(f"SELECT {n} AS n, id FROM {CATALOG}.{database}.moments WHERE {p}" for n, p in enumerate(predicates))
    for ansi in ("false", "true"):
        with settings(spark, sql__session__timeZone=zone, sql__ansi__enabled=ansi):
            three_ways(spark, oracle, query)
