"""TIMESTAMP is an instant and DATETIME a wall clock, whatever the session's, the JVM's or TiDB's time zone is."""
import pytest

from support.compare import assert_rows, assert_same, tidb_rows
from support.sparks import CATALOG, own_jvm, settings
from support.values import spark_rows

ZONES = ["UTC", "Asia/Kolkata", "Asia/Kathmandu", "America/New_York", "Australia/Lord_Howe", "America/St_Johns", "+05:30", "-03:30"]

# Both sides of New York's changes of 2024 (07:00 and 06:00 UTC), of Lord Howe's half hour, and the bounds of TIMESTAMP.
INSTANTS = ["1970-01-01 00:00:01.000001", "1999-12-31 23:59:59.999999", "2024-03-10 06:59:59.999999", "2024-03-10 07:00:00",
            "2024-03-10 07:00:00.000001", "2024-11-03 04:59:59", "2024-11-03 05:30:00.5", "2024-11-03 05:59:59.999999",
            "2024-11-03 06:00:00", "2024-11-03 06:30:00.5", "2024-04-06 14:45:00", "2024-04-06 15:15:00", "2024-10-05 15:29:59.999999",
            "2024-10-05 15:30:00", "2038-01-19 03:14:07.999999"]
WALLS = ["1883-11-18 12:00:00", "1969-12-31 23:59:59.999999", "2024-03-10 01:59:59.999999", "2024-03-10 02:00:00", "2024-03-10 02:30:00",
         "2024-03-10 03:00:00", "2024-11-03 00:59:59", "2024-11-03 01:30:00.5", "2024-11-03 02:00:00", "2024-10-06 02:15:00",
         "2024-04-07 01:45:00", "0001-01-01 00:00:00", "9999-12-31 23:59:59.999999"]


@pytest.fixture(scope="module")
def clocks(oracle, database):
    """Instants and wall clocks; the SET column makes the second table answer in rows."""
    for name, extra in (("clocks", ""), ("clocks_rows", ", s SET('x')")):
        oracle.execute(f"CREATE TABLE {name} (id INT PRIMARY KEY, ts TIMESTAMP(6) NULL, dt DATETIME(6), d DATE{extra})")
        for number in range(max(len(INSTANTS), len(WALLS))):
            ts = f"'{INSTANTS[number]}'" if number < len(INSTANTS) else "NULL"
            dt = f"'{WALLS[number]}'" if number < len(WALLS) else "NULL"
            oracle.execute(f"INSERT INTO {name} (id, ts, dt, d) VALUES ({number}, {ts}, {dt}, DATE({dt}))")


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("name", ["clocks", "clocks_rows"])
def test_instants_and_wall_clocks(spark, oracle, database, clocks, table, name, zone):
    with settings(spark, sql__session__timeZone=zone):
        assert_same(table(name).select("id", "ts", "dt", "d").orderBy("id"), oracle,
                    f"SELECT id, ts, dt, d FROM {database}.{name} ORDER BY id", ordered=True)


@pytest.mark.parametrize("zone", ZONES)
def test_text_of_instants(spark, oracle, database, clocks, zone):
    """Spark in a zone prints what TiDB prints in that zone."""
    sql = "SELECT id, date_format(ts, 'yyyy-MM-dd HH:mm:ss.SSSSSS') FROM {}.clocks WHERE ts IS NOT NULL ORDER BY id"
    with settings(spark, sql__session__timeZone=zone):
        frame = spark.sql(sql.format(f"{CATALOG}.{database}"))
        oracle.execute(f"SET time_zone = '{'+00:00' if zone == 'UTC' else zone}'")
        try:
            expected = tidb_rows(oracle, f"SELECT id, CAST(ts AS CHAR) FROM {database}.clocks WHERE ts IS NOT NULL ORDER BY id", frame)
        finally:
            oracle.execute("SET time_zone = '+00:00'")
        assert_rows(spark_rows(frame), expected, frame.columns, ordered=True)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("name", ["clocks", "clocks_rows"])
def test_datetime_as_timestamp(spark, oracle, database, clocks, name, zone):
    """types.timestampNtz=false reads the wall clock as Spark reads the same text, gaps and overlaps included."""
    texts = oracle.rows(f"SELECT id, dt FROM {database}.{name} WHERE dt IS NOT NULL ORDER BY id")
    with settings(spark, sql__session__timeZone=zone, tispark__types__timestampNtz="false"):
        frame = spark.table(f"{CATALOG}.{database}.{name}").where("dt is not null").select("id", "dt").orderBy("id")
        assert frame.schema["dt"].dataType.simpleString() == "timestamp"
        literal = spark.sql(" UNION ALL ".join(f"SELECT {number} AS id, CAST('{text}' AS TIMESTAMP) AS dt" for number, text in texts))
        assert_rows(spark_rows(frame), spark_rows(literal.orderBy("id")), frame.columns, ordered=True)


@pytest.mark.parametrize("jvm_zone, session_zone", [("Asia/Kolkata", "America/New_York"), ("America/New_York", "Asia/Kolkata")])
def test_zone_of_the_jvm_differs(base_conf, oracle, database, clocks, table, jvm_zone, session_zone):
    conf = {**base_conf, "spark.sql.session.timeZone": session_zone}
    query = f"SELECT id, ts, dt, d FROM {CATALOG}.{database}.clocks ORDER BY id"
    answer, zone, ntz, types = own_jvm(conf, [
        query, "SELECT java_method('java.util.TimeZone', 'getDefault')", "SET spark.tispark.types.timestampNtz=false",
        f"SELECT id, dt, CAST(CAST(dt AS STRING) AS TIMESTAMP) FROM {CATALOG}.{database}.clocks WHERE dt IS NOT NULL"],
        java_options=f"-Duser.timezone={jvm_zone}").answers
    assert jvm_zone in zone["rows"][0][0], "the option did not reach the JVM"
    expected = tidb_rows(oracle, f"SELECT id, ts, dt, d FROM {database}.clocks ORDER BY id",
                         table("clocks").select("id", "ts", "dt", "d"))
    assert [tuple(row) for row in answer["rows"]] == expected
    assert "error" not in ntz and types["rows"] and all(row[1] == row[2] for row in types["rows"])
