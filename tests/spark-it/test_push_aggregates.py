"""Aggregates: pushed = not pushed = TiDB, over many regions, groups of every kind, and numbers at their limits."""
import pytest

from support.pushed import AGGREGATES, described, three_ways
from support.sparks import CATALOG, settings

ROWS = 6_000


@pytest.fixture(scope="module")
def things(oracle, database) -> str:
    """A table in many regions; its name in Spark."""
    oracle.execute("CREATE TABLE things (id INT PRIMARY KEY, g INT, h VARCHAR(20), i INT, b BIGINT, u BIGINT UNSIGNED, d DECIMAL(12,3), r DOUBLE, yes BOOL, "
                   "s VARCHAR(80), day DATE, ts TIMESTAMP(3) NULL, e ENUM('x', 'y', 'Z'), y YEAR)")
    oracle.insert("things", [(n, None, *(None,) * 12) if n % 101 == 0 else
                             (n, n % 7, f"{'aAé'[n % 3]}{n % 5}", n * 7919 % 2003 - 1000, (n - 3000) * 10**12, n * 10**15, f"{n * 31 % 997 - 300}.{n % 1000:03}",
                              (n * 37 % 701 - 350) / 16, n % 2, f"{'xyz'[n % 3] * (n % 50)}", f"20{n % 60 + 10}-0{n % 9 + 1}-1{n % 9}",
                              f"2024-0{n % 9 + 1}-10 10:00:00.{n % 1000:03}", "xyZ"[n % 3], 1990 + n % 20) for n in range(ROWS)])
    return f"{CATALOG}.{database}.things"


QUERIES = {
    "count": "SELECT count(*) FROM {}",
    "counts": "SELECT count(*), count(i), count(s), count(1), count(yes) FROM {}",
    "sums": "SELECT sum(i), sum(b), sum(d) FROM {}",
    "extremes": "SELECT min(i), max(i), min(b), max(u), min(d), max(d), min(r), max(r), min(s), max(s), min(day), max(day), min(ts), max(ts) FROM {}",
    "extremes_of_others": "SELECT min(y), max(y), min(yes), max(yes) FROM {}",
    "filtered": "SELECT count(*), sum(i), max(s) FROM {} WHERE i > 100 AND g IN (1, 2)",
    "nothing": "SELECT count(*), count(i), sum(i), sum(d), min(s), max(day) FROM {} WHERE i > 1000000",
    "by_int": "SELECT g, count(*), sum(i), min(d), max(s) FROM {} GROUP BY g",
    "by_text": "SELECT h, count(*), max(b) FROM {} GROUP BY h",
    "by_two": "SELECT g, h, count(i), sum(d) FROM {} GROUP BY g, h",
    "by_day": "SELECT day, count(*), min(ts) FROM {} GROUP BY day",
    "by_enum": "SELECT e, count(*), sum(i) FROM {} GROUP BY e",
    "by_unsigned": "SELECT u, count(*) FROM {} WHERE id < 500 GROUP BY u",
    "groups": "SELECT DISTINCT g, h FROM {}",
    "distinct": "SELECT count(DISTINCT g), count(DISTINCT h) FROM {}",
    "distinct_by": "SELECT g, count(DISTINCT i) FROM {} GROUP BY g",
    "having": "SELECT g, sum(i) AS n FROM {} GROUP BY g HAVING sum(i) > 0",
    "twice": "SELECT g, sum(d), sum(d) + 1, count(*) FROM {} GROUP BY g",
    "join": "SELECT x.g, count(*) FROM (SELECT g, max(i) AS m FROM {0} GROUP BY g) x JOIN {0} y ON x.m = y.i GROUP BY x.g",
}
# Of rows that have no partner a count is 0 and everything else is NULL.
QUERIES |= {f"correlated_{name}": f"SELECT x.id, (SELECT {what} FROM {{0}} y WHERE y.i = x.id AND y.g > 3) FROM {{0}} x WHERE x.id < 400" for name, what in {
    "count": "count(*)", "count_of": "count(y.s) + 1", "sum": "sum(y.b)", "max": "max(y.s)", "both": "coalesce(sum(y.g), 0) + count(y.d)"}.items()}
QUERIES["correlated_condition"] = "SELECT x.id FROM {0} x WHERE (SELECT count(*) FROM {0} y WHERE y.i = x.id AND y.g > 3) = 0"
PUSHED = {"count", "counts", "filtered", "nothing", "by_int", "by_text", "by_two", "by_day", "groups", "extremes"}


@pytest.mark.parametrize("ansi", ["false", "true"])
@pytest.mark.parametrize("name", QUERIES)
def test_queries(spark, oracle, database, things, name, ansi):
    query = QUERIES[name]
    with settings(spark, sql__ansi__enabled=ansi):
        frame = three_ways(spark, oracle, query.format(things), query.format(f"{database}.things"), AGGREGATES)
        if name in PUSHED:
            text, = described(frame)
            assert "PushedAggregates: [" in text, text
            assert ("PushedGroupBy: [" in text) == ("GROUP BY" in query or "DISTINCT" in query), text


@pytest.mark.parametrize("query", [
    "SELECT avg(i), avg(d) FROM {}", "SELECT g, avg(i) FROM {} GROUP BY g", "SELECT sum(r), avg(r) FROM {} WHERE id < 0", "SELECT sum(i + 1), max(i - id) FROM {}",
    "SELECT i % 5, count(*) FROM {} GROUP BY i % 5", "SELECT year(day), count(*) FROM {} GROUP BY year(day)", "SELECT stddev(i), var_pop(i) FROM {} WHERE id < 100",
    "SELECT sum(CASE WHEN i > 0 THEN d ELSE 0 END) FROM {}", "SELECT count(*) FILTER (WHERE i > 0) FROM {}", "SELECT g, h, count(*) FROM {} GROUP BY ROLLUP (g, h)",
    "SELECT x.id, (SELECT avg(y.d) FROM {0} y WHERE y.i = x.id AND y.g > 3) FROM {0} x WHERE x.id < 400",
    "SELECT upper(h), count(*) FROM {} GROUP BY upper(h)", "SELECT max(struct(i, id)).id FROM {}", "SELECT first_value(g) FROM (SELECT g FROM {} GROUP BY g ORDER BY g)",
])
@pytest.mark.parametrize("ansi", ["false", "true"])
def test_of_spark(spark, oracle, things, query, ansi):
    """What TiDB computes with other scales, or does not know: as without push-down."""
    with settings(spark, sql__ansi__enabled=ansi):
        three_ways(spark, oracle, query.format(things), None, AGGREGATES)


WITHOUT_RULE = {**AGGREGATES, "sql__optimizer__excludedRules": "io.tidbspark.pushdown.DistinctAggregates"}
OF_GROUPS = {
    "one": "SELECT count(DISTINCT h) FROM {}",
    "by": "SELECT g, count(DISTINCT i), sum(DISTINCT i) FROM {} GROUP BY g",
    "of_the_group": "SELECT g, count(DISTINCT g), sum(DISTINCT g) FROM {} GROUP BY g",
    "two_columns": "SELECT yes, count(DISTINCT g, h) FROM {} GROUP BY yes",
    "decimals": "SELECT count(DISTINCT d), sum(DISTINCT d) FROM {}",
    "filtered": "SELECT g, count(DISTINCT day) FROM {} WHERE i > 0 GROUP BY g",
    "nothing": "SELECT count(DISTINCT i), sum(DISTINCT i) FROM {} WHERE i > 1000000",
    "having": "SELECT h, count(DISTINCT g) + 1 AS n FROM {} GROUP BY h HAVING count(DISTINCT g) > 3",
}


@pytest.mark.parametrize("ansi", ["false", "true"])
@pytest.mark.parametrize("name", OF_GROUPS)
def test_distinct_values_are_groups(spark, oracle, database, things, name, ansi):
    query = OF_GROUPS[name]
    with settings(spark, sql__ansi__enabled=ansi):
        frame = three_ways(spark, oracle, query.format(things), query.format(f"{database}.things"), WITHOUT_RULE)
    assert any("PushedGroupBy: [" in text for text in described(frame)), described(frame)


@pytest.mark.parametrize("query", [
    "SELECT count(DISTINCT id) FROM {}", "SELECT g, count(DISTINCT id), count(DISTINCT i) FROM {} GROUP BY g", "SELECT count(DISTINCT g), count(*) FROM {}",
    "SELECT count(DISTINCT g), count(DISTINCT h) FROM {}", "SELECT sum(DISTINCT i + 1) FROM {}",
    "SELECT x.id, (SELECT count(DISTINCT y.e) FROM {0} y WHERE y.i = x.id AND y.g > 3) FROM {0} x WHERE x.id < 400"])
def test_other_distinct_values_are_sparks(spark, oracle, database, things, query):
    """A group for each row is no gain; other aggregates need all rows; a correlated sub-query is a join when its turn comes."""
    frame = three_ways(spark, oracle, query.format(things), query.format(f"{database}.things"), WITHOUT_RULE)
    assert "PushedGroupBy" not in str(described(frame))


def test_averages_of_distinct_values(spark, oracle, things):
    """TiDB has other scales: as without push-down."""
    frame = three_ways(spark, oracle, f"SELECT g, avg(DISTINCT i), avg(DISTINCT d) FROM {things} GROUP BY g", None, WITHOUT_RULE)
    assert "PushedGroupBy" not in str(described(frame))
    frame = three_ways(spark, oracle, f"SELECT avg(DISTINCT i), count(DISTINCT i) FROM {things}", None, WITHOUT_RULE)
    assert "PushedGroupBy" in str(described(frame))


def test_counting_reads_no_rows(spark, things):
    frame = spark.sql(f"SELECT count(*) FROM {things}")
    assert frame.first()[0] == ROWS
    with settings(spark, **AGGREGATES):
        assert "PushedAggregates" not in described(spark.sql(f"SELECT count(*) FROM {things}"))[0]


LIMITS = {
    "big": ("BIGINT", ["9223372036854775807", "9223372036854775807", "-9223372036854775808", "-1", "NULL"]),
    "int_": ("INT", ["2147483647", "2147483647", "2147483647", "-2147483648"]),
    "unsigned": ("BIGINT UNSIGNED", ["18446744073709551615", "18446744073709551615", "0", "9223372036854775808"]),
    "dec_38": ("DECIMAL(38,0)", ["9" * 38, "9" * 38, "-" + "9" * 38, "1", "NULL"]),
    "dec_38_30": ("DECIMAL(38,30)", ["99999999." + "9" * 30, "99999999." + "9" * 30, "-0." + "0" * 29 + "1"]),
    "dec_18": ("DECIMAL(18,0)", ["9" * 18] * 20),
    "dec_4": ("DECIMAL(4,2)", ["99.99"] * 30 + ["-99.99", "NULL"]),
    "dec_1": ("DECIMAL(1,0)", ["9"] * 40 + ["-9"] * 3),
    "double_": ("DOUBLE", ["1.7976931348623157e308", "1.7976931348623157e308", "-1.7976931348623157e308", "4.9e-324", "-0e0"]),
}


@pytest.mark.parametrize("ansi", ["false", "true"])
@pytest.mark.parametrize("name", LIMITS)
def test_limits(spark, oracle, database, name, ansi):
    """Sums that leave a type: the same answer, or the same kind of error.

    Whether a sum leaves it only on the way depends on the order of the rows; the stores then find the sum where Spark, in ANSI mode, finds an error.
    """
    mysql, values = LIMITS[name]
    oracle.execute(f"CREATE TABLE IF NOT EXISTS limits_{name} (id INT PRIMARY KEY, g INT, v {mysql})")
    if not oracle.rows(f"SELECT id FROM limits_{name} LIMIT 1"):
        oracle.execute(f"INSERT INTO limits_{name} VALUES " + ", ".join(f"({n}, {n % 2}, {value})" for n, value in enumerate(values)))
    for query in ("SELECT sum(v), count(v), min(v), max(v) FROM {}", "SELECT g, sum(v), count(*) FROM {} GROUP BY g", "SELECT avg(v) FROM {}"):
        answers = []
        for off in ({}, AGGREGATES):
            with settings(spark, sql__ansi__enabled=ansi, **off):
                try:
                    answers.append(sorted(map(str, spark.sql(query.format(f"{CATALOG}.{database}.limits_{name}")).collect())))
                except Exception as error:  # the kind is compared
                    answers.append(type(error).__name__)
        if answers[0] != answers[1]:
            assert ansi == "true" and isinstance(answers[1], str) and "GROUP" not in query, (query, *answers)
            exact = oracle.one(f"SELECT sum(v) FROM {database}.limits_{name}")
            assert f"sum(v)={exact}," in answers[0][0] or f"Decimal('{exact}')" in answers[0][0], (query, *answers, exact)


# ---------------------------------------------------------------- numbers at the ends of their types

ENDS = {
    "TINYINT": ["-128", "127"], "SMALLINT": ["-32768", "32767"], "MEDIUMINT": ["-8388608", "8388607"], "INT": ["-2147483648", "2147483647"],
    "BIGINT": ["-9223372036854775808", "9223372036854775807"], "TINYINT UNSIGNED": ["0", "255"], "INT UNSIGNED": ["0", "4294967295"],
    "BIGINT UNSIGNED": ["0", "18446744073709551615"], "YEAR": ["1901", "2155"], "DECIMAL(5,2)": ["-999.99", "999.99"],
    "DECIMAL(38,10)": ["-9999999999999999999999999999.9999999999", "9999999999999999999999999999.9999999999"],
    "DECIMAL(38,0)": ["-99999999999999999999999999999999999999", "99999999999999999999999999999999999999"],
    "DOUBLE": ["-1e300", "1e300"], "FLOAT": ["-1e30", "1e30"],
}


@pytest.fixture(scope="module")
def ends(oracle, database) -> str:
    """A column for each type; groups of the greatest value twice and a small one, of the least, of NULL alone, of both ends."""
    columns = [f"c{at} {kind}" for at, kind in enumerate(ENDS)]
    oracle.execute(f"CREATE TABLE ends (id INT PRIMARY KEY, g INT, {', '.join(columns)})")
    small = ["1901" if kind == "YEAR" else "5" for kind in ENDS]
    least, greatest, nothing = [pair[0] for pair in ENDS.values()], [pair[1] for pair in ENDS.values()], [None] * len(ENDS)
    groups = {1: [greatest, greatest, small], 2: [least, least, small], 3: [nothing, nothing], 4: [least, greatest, nothing]}
    rows = [(g, values) for g, several in groups.items() for values in several]
    oracle.insert("ends", [(n, g, *values) for n, (g, values) in enumerate(rows)])
    return f"{CATALOG}.{database}.ends"


@pytest.fixture(scope="module")
def copy_of_ends(shared_session, ends, tmp_path_factory) -> str:
    """The same rows in one file."""
    path = str(tmp_path_factory.mktemp("ends") / "rows")
    shared_session.table(ends).coalesce(1).write.parquet(path)
    return f"parquet.`{path}`"


@pytest.mark.parametrize("kind", ENDS)
@pytest.mark.parametrize("function", ["avg({0})", "sum({0})", "avg({0}), sum({0}), count({0})"], ids=["avg", "sum", "both"])
def test_ends_of_a_type(spark, ends, copy_of_ends, kind, function):
    """As Spark adds the same rows up when they are files of its own; an overflow is its overflow."""
    what = function.format(f"c{list(ENDS).index(kind)}")

    def outcome(source: str):
        try:
            return [tuple(map(repr, row)) for row in spark.sql(query.format(source)).collect()]
        except Exception as error:
            assert "overflow" in str(error).lower() or "cannot be represented" in str(error).lower() or "OUT_OF_RANGE" in str(error), error
            return "overflow"

    for ansi in ("false", "true"):
        # Each group by itself: an error of one would hide what the others are.
        for rest in ("WHERE g = 1", "WHERE g = 2", "WHERE g = 3 GROUP BY g", "WHERE g = 4 GROUP BY g", "WHERE id < 0"):
            query = f"SELECT {what} FROM {{}} {rest}"
            with settings(spark, sql__ansi__enabled=ansi):
                assert outcome(ends) == outcome(copy_of_ends), f"ansi {ansi}: {query}"
