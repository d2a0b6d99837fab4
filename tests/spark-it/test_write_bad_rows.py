"""Rows that a column cannot hold: one clear error that names column and value, and nothing of the whole write is visible."""
import pytest

from support.raw_pairs import assert_nothing
from support.sparks import CATALOG, settings
from support.writing import append, failure, named

GOOD = 50
"""Rows beside the bad one."""

# Definition of the column `bad` -> (good value, bad value: both as Spark SQL; texts of the message).
ROWS = {
    "tiny unsigned": ("TINYINT UNSIGNED", "CAST(1 AS SMALLINT)", "CAST(256 AS SMALLINT)", "256"),
    "tiny unsigned negative": ("TINYINT UNSIGNED", "CAST(1 AS SMALLINT)", "CAST(-1 AS SMALLINT)", "-1"),
    "small unsigned": ("SMALLINT UNSIGNED", "1", "65536", "65536"),
    "medium": ("MEDIUMINT", "1", "8388608", "8388608"),
    "medium low": ("MEDIUMINT", "1", "-8388609", "-8388609"),
    "medium unsigned": ("MEDIUMINT UNSIGNED", "1", "16777216", "16777216"),
    "int unsigned": ("INT UNSIGNED", "1L", "4294967296L", "4294967296"),
    "int unsigned negative": ("INT UNSIGNED", "1L", "-1L", "-1"),
    "bigint unsigned": ("BIGINT UNSIGNED", "CAST(1 AS DECIMAL(20,0))", "CAST(18446744073709551616 AS DECIMAL(20,0))", "18446744073709551616"),
    "bigint unsigned negative": ("BIGINT UNSIGNED", "CAST(1 AS DECIMAL(20,0))", "CAST(-1 AS DECIMAL(20,0))", "-1"),
    "float(7,2)": ("FLOAT(7,2)", "CAST(1 AS FLOAT)", "CAST(100000 AS FLOAT)", "100000"),
    "float NaN": ("FLOAT", "CAST(1 AS FLOAT)", "CAST('NaN' AS FLOAT)", "nan"),
    "double NaN": ("DOUBLE", "1D", "CAST('NaN' AS DOUBLE)", "nan"),
    "double infinite": ("DOUBLE", "1D", "CAST('-Infinity' AS DOUBLE)", "inf"),
    "varchar": ("VARCHAR(3)", "'abc'", "'abcd'", "abcd"),
    "varchar of wide characters": ("VARCHAR(3)", "'漢字漢'", "'漢字漢字'", "too long"),
    "char": ("CHAR(2)", "'ab'", "'abc'", "abc"),
    "tinytext": ("TINYTEXT", "repeat('é', 127)", "repeat('é', 128)", "too long"),
    "varbinary": ("VARBINARY(2)", "X'0001'", "X'000102'", "too long"),
    "binary": ("BINARY(2)", "X'0001'", "X'000102'", "too long"),
    "ascii": ("VARCHAR(9) CHARACTER SET ascii", "'abc'", "'é'", "ascii"),
    "gbk": ("VARCHAR(9) CHARACTER SET gbk", "'x'", "'😀'", "gbk"),
    "gbk of two bytes": ("VARCHAR(9) CHARACTER SET gbk", "'x'", "'漢'", "gbk"),
    "utf8mb3": ("VARCHAR(9) CHARACTER SET utf8", "'漢'", "'😀'", "utf8"),
    "enum": ("ENUM('a', 'b')", "'a'", "'zz'", "zz"),
    "enum number": ("ENUM('a', 'b')", "'a'", "'3'", "3"),
    "set": ("SET('a', 'b')", "'a,b'", "'a,zz'", "zz"),
    "json": ("JSON", "'{}'", "'{bad'", "{bad"),
    "year low": ("YEAR", "CAST(1901 AS SMALLINT)", "CAST(1900 AS SMALLINT)", "1900"),
    "year high": ("YEAR", "CAST(2155 AS SMALLINT)", "CAST(2156 AS SMALLINT)", "2156"),
    "bit": ("BIT(9)", "X'01FF'", "X'0200'", "too long"),
    "date after 9999": ("DATE", "DATE'9999-12-31'", "date_add(DATE'9999-12-31', 1)", "9999"),
    "date before the first year": ("DATE", "DATE'0001-01-01'", "date_add(DATE'0001-01-01', -367)", ""),
    "datetime after 9999": ("DATETIME", "TIMESTAMP_NTZ'9999-12-31 23:59:59'", "TIMESTAMP_NTZ'9999-12-31 23:59:59' + INTERVAL 1 SECOND", "9999"),
    "datetime rounded beyond 9999": ("DATETIME", "TIMESTAMP_NTZ'9999-12-31 23:59:59'", "TIMESTAMP_NTZ'9999-12-31 23:59:59.5'", "9999"),
    "timestamp before 1970": ("TIMESTAMP", "TIMESTAMP'1970-01-01 00:00:01'", "TIMESTAMP'1970-01-01 00:00:00'", "1970"),
    "timestamp after 2038": ("TIMESTAMP", "TIMESTAMP'2038-01-19 03:14:07'", "TIMESTAMP'2038-01-19 03:14:08'", "2038"),
    "time": ("TIME", "INTERVAL '34 22:59:59' DAY TO SECOND", "INTERVAL '34 23:00:00' DAY TO SECOND", "839"),
    "vector length": ("VECTOR(3)", "array(1F, 2F, 3F)", "array(1F, 2F)", "2"),
    "vector NaN": ("VECTOR", "array(1F)", "array(CAST('NaN' AS FLOAT))", "nan"),
    "vector NULL": ("VECTOR", "array(1F)", "array(CAST(NULL AS FLOAT))", "null"),
}


@pytest.mark.parametrize("name", ROWS)
def test_a_bad_value(spark, cluster, oracle, database, name):
    kind, good, bad, said = ROWS[name]
    target = f"bad_{list(ROWS).index(name)}"
    oracle.execute(f"CREATE TABLE {target} (id BIGINT PRIMARY KEY, bad {kind})")
    frame = spark.range(0, GOOD + 1, 1, 4).selectExpr("id", f"IF(id = 37, {bad}, {good}) AS bad")
    named(failure(lambda: append(frame, database, target)), "bad", said)
    assert_nothing(cluster, oracle, database, target)
    # The column can be written all the same.
    append(frame.where("id <> 37"), database, target)
    assert oracle.one(f"SELECT count(*) FROM {target}") == str(GOOD)


# Definition -> (good value, bad value).
SPARK_REFUSES = {
    "TINYINT": ("1", "300"), "SMALLINT": ("1", "70000"), "INT": ("1", "5000000000L"), "BIGINT": ("1", "1e30"), "DECIMAL(5,2)": ("1", "12345.6"),
    "DATE": ("DATE'2024-01-01'", "'yesterday'"), "INT NOT NULL": ("1", "NULL"),
}


@pytest.mark.parametrize("kind", SPARK_REFUSES)
def test_what_sparks_assignment_refuses(spark, cluster, oracle, database, kind):
    """Spark's own cast to the column's type fails first, at analysis or in a task; nothing is visible either way."""
    target = f"refused_{list(SPARK_REFUSES).index(kind)}"
    oracle.execute(f"CREATE TABLE {target} (id BIGINT PRIMARY KEY, bad {kind})")
    good, bad = SPARK_REFUSES[kind]
    named(failure(lambda: spark.sql(f"INSERT INTO {CATALOG}.{database}.{target} SELECT 1L AS id, {good} AS bad UNION ALL SELECT 2L, {bad}")), "bad")
    assert_nothing(cluster, oracle, database, target)


def test_null_in_not_null(spark, cluster, oracle, database):
    oracle.execute("CREATE TABLE strict_ (id BIGINT PRIMARY KEY, bad INT NOT NULL, more VARCHAR(5) NOT NULL DEFAULT 'x')")
    frame = spark.range(0, GOOD).selectExpr("id", "IF(id = 20, NULL, 1) AS bad", "'y' AS more")
    named(failure(lambda: append(frame, database, "strict_")), "bad")
    named(failure(lambda: append(frame.selectExpr("id", "1 AS bad", "CAST(NULL AS STRING) AS more"), database, "strict_")), "more")
    # A date that TiDB can hold as zero is nullable for reads: NULL is refused all the same.
    oracle.execute("CREATE TABLE strict_date (id BIGINT PRIMARY KEY, bad DATE NOT NULL)")
    frame = spark.range(0, GOOD).selectExpr("id", "IF(id = 20, NULL, DATE'2024-01-01') AS bad")
    named(failure(lambda: append(frame, database, "strict_date")), "bad", "null")
    for target in ("strict_", "strict_date"):
        assert_nothing(cluster, oracle, database, target)


def test_a_column_without_default_is_left_out(spark, cluster, oracle, database):
    """Before any row: the statement cannot work."""
    oracle.execute("CREATE TABLE needy (id BIGINT PRIMARY KEY, needed INT NOT NULL, other INT)")
    named(failure(lambda: spark.sql(f"INSERT INTO {CATALOG}.{database}.needy (id, other) VALUES (1, 2)")), "needed")
    named(failure(lambda: append(spark.range(3), database, "needy")), "needed")
    assert_nothing(cluster, oracle, database, "needy")


def test_a_bad_row_beside_much_that_is_written(spark, cluster, oracle, database):
    """The bad row comes last, when other tasks and batches have been prewritten."""
    oracle.execute("CREATE TABLE late_ (id BIGINT PRIMARY KEY, bad MEDIUMINT, s VARCHAR(200), KEY (bad))")
    frame = spark.range(0, 20_000, 1, 4).selectExpr("id", "CAST(IF(id = 19999, 99999999, id) AS INT) AS bad", "repeat('x', 200) AS s")
    with settings(spark, tispark__write__batch__bytes="64k"):
        named(failure(lambda: append(frame, database, "late_")), "bad", "99999999")
    assert_nothing(cluster, oracle, database, "late_")


# ---------------------------------------------------------------- one clear error, whatever statement brings the value

WRONG = {
    # column -> (a value that it cannot hold, what the error names)
    "n": ("CAST(NULL AS INT)", ["n", "null"]),
    "tiny": ("CAST(300 AS SMALLINT)", ["tiny", "300"]),
    "short": ("'too long'", ["short", "too long"]),
    "e": ("'zz'", ["e", "zz"]),
}
STATEMENTS = {
    "insert values": "INSERT INTO {t} (id, {c}{n}) VALUES (77, {v}{one})",
    "insert select": "INSERT INTO {t} (id, {c}{n}) SELECT id, {v}{one} FROM range(77, 78)",
    "insert select of rows": "INSERT INTO {t} (id, {c}{n}) SELECT id + 70, IF(id = 7, {v}, NULL){one} FROM range(7, 8)",
    "update": "UPDATE {t} SET {c} = {v} WHERE id = 3",
    "update of all": "UPDATE {t} SET {c} = IF(id = 3, {v}, {c})",
    "merge update": "MERGE INTO {t} t USING (SELECT 3 AS k) s ON t.id = s.k WHEN MATCHED THEN UPDATE SET {c} = {v}",
    "merge insert": "MERGE INTO {t} t USING (SELECT 77 AS k) s ON t.id = s.k WHEN NOT MATCHED THEN INSERT (id, {c}{n}) VALUES (77, {v}{one})",
}


@pytest.mark.parametrize("how", [*STATEMENTS, "writeTo", "save"])
@pytest.mark.parametrize("column", WRONG)
def test_a_wrong_value_by_every_statement(spark, cluster, oracle, database, column, how):
    value, said = WRONG[column]
    target = f"wrong_{column}_{([*STATEMENTS, 'writeTo', 'save']).index(how)}"
    oracle.execute(f"CREATE TABLE {target} (id BIGINT PRIMARY KEY, n INT NOT NULL, tiny TINYINT UNSIGNED, short VARCHAR(3), e ENUM('a', 'b'))")
    oracle.insert(target, [(n, n, n, "abc", "a") for n in range(5)])
    others = "" if column == "n" else ", n"
    frame = spark.sql(f"SELECT 77L AS id, {value} AS {column}" + (", 1 AS n" if others else ""))

    def run():
        if how == "writeTo":
            append(frame, database, target)
        elif how == "save":
            frame.write.format("tidb").option("pd.addresses", cluster.pd).option("dbtable", f"{database}.{target}").mode("append").save()
        else:
            spark.sql(STATEMENTS[how].format(t=f"{CATALOG}.{database}.{target}", c=column, v=value, n=others, one=", 1" if others else ""))

    text = named(failure(run), *said)
    assert "bug in Spark" not in text and "NullPointerException" not in text, text
    assert oracle.rows(f"SELECT count(*), sum(n), max(short), sum(tiny) FROM {database}.{target}") == [("5", "10", "abc", "10")]
