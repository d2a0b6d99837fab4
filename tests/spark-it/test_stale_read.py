"""Reading the past: the six scenes of TiSpark's design, by their names there, and what goes beyond them."""
import datetime
import threading
import time
import zoneinfo

import pytest
from pyspark.sql import functions

from support import history
from support.pd import Pd, tso_of
from support.sparks import CATALOG, settings


def _stale(spark, millis):
    return settings(spark, tispark__stale_read=str(millis))


def _rows(frame) -> list[tuple]:
    return sorted(tuple(row) for row in frame.collect())


def _error(action) -> str:
    with pytest.raises(Exception) as caught:
        action()
    return str(caught.value)


@pytest.fixture(scope="module")
def account(oracle, database):
    """A table with three states: {moment in ms: rows}; the last is the present."""
    oracle.execute("CREATE TABLE account (id INT PRIMARY KEY, v INT)", "INSERT INTO account VALUES (1, 10)")
    first = history.moment(oracle)
    oracle.execute("INSERT INTO account VALUES (2, 20)")
    second = history.moment(oracle)
    oracle.execute("UPDATE account SET v = 11 WHERE id = 1", "DELETE FROM account WHERE id = 2")
    third = history.moment(oracle)
    return {first: [(1, 10)], second: [(1, 10), (2, 20)], third: [(1, 11)]}


@pytest.fixture
def name(database, account) -> str:
    return f"{CATALOG}.{database}.account"


# ---------------------------------------------------------------- the six scenes


@pytest.mark.parametrize("value, said", [
    ("yesterday", "yesterday"), ("1.5", "1.5"), ("-5", "-5"), ("0", "0"), (str(1 << 46), str(1 << 46)), ("99999999999999999999", "99999999999999999999")])
def test_invalid_timestamp(spark, name, value, said):
    """Text, negative, too large for the 46 bits of a TSO: the value is named."""
    with _stale(spark, value):
        text = _error(lambda: spark.table(name).collect())
    assert said in text and "stale_read" in text, text


def test_invalid_timestamp_in_the_future(spark, name):
    future = int((time.time() + 3600) * 1000)
    with _stale(spark, future):
        text = _error(lambda: spark.table(name).collect())
    assert str(future) in text and "future" in text, text


def test_invalid_timestamp_before_the_first_schema(spark, name):
    with _stale(spark, 1000):
        _error(lambda: spark.table(name).collect())


def test_valid_timestamp(spark, name, account):
    for millis, rows in account.items():
        with _stale(spark, millis):
            assert _rows(spark.table(name)) == rows
            assert _rows(spark.sql(f"SELECT * FROM {name}")) == rows
            assert spark.table(name).count() == len(rows)


def test_session_level(shared_session, spark, name, account):
    other = shared_session.newSession()
    first, _, last = account
    with _stale(spark, first):
        assert _rows(spark.table(name)) == account[first]
        assert _rows(other.table(name)) == account[last]
        with _stale(other, sorted(account)[1]):
            assert _rows(other.table(name)) == account[sorted(account)[1]]
            assert _rows(spark.table(name)) == account[first]


def test_dynamic_configuration(spark, name, account):
    """Each statement takes the setting of the moment when it is analysed; a data frame keeps its own."""
    key, frames = "spark.tispark.stale_read", []
    for millis, rows in account.items():
        spark.sql(f"SET {key}={millis}")
        frames.append((spark.table(name), rows))
    spark.conf.set(key, "")
    assert _rows(spark.table(name)) == list(account.values())[-1]
    for frame, rows in frames:
        assert _rows(frame) == rows
        assert _rows(frame.where("id > 0")) == rows
    spark.conf.set(key, str(min(account)))
    spark.conf.unset(key)
    assert _rows(spark.table(name)) == list(account.values())[-1]


CHANGES = {
    "added column": (["ALTER TABLE t ADD COLUMN w INT DEFAULT 7"], "t"),
    "dropped column": (["ALTER TABLE t DROP COLUMN v"], "t"),
    "renamed column": (["ALTER TABLE t RENAME COLUMN v TO vee"], "t"),
    "retyped column": (["ALTER TABLE t MODIFY COLUMN v BIGINT"], "t"),
    "renamed table": (["RENAME TABLE t TO t2"], "t2"),
    "dropped table": (["DROP TABLE t"], None),
    "truncated table": (["TRUNCATE TABLE t"], "t"),
    "dropped database": (["DROP DATABASE {db}"], None),
}


@pytest.mark.parametrize("change", list(CHANGES), ids=lambda change: change.replace(" ", "_"))
def test_schema_change(spark, oracle, database, change):
    """Names, columns and rows are those of the moment."""
    statements, later = CHANGES[change]
    db = f"{database}_{change.replace(' ', '_')}"
    oracle.execute(f"CREATE DATABASE {db}", f"USE {db}")
    try:
        oracle.execute("CREATE TABLE t (id INT PRIMARY KEY, v INT)", "INSERT INTO t VALUES (1, 10), (2, 20)")
        millis = history.moment(oracle)
        oracle.execute(*[statement.format(db=db) for statement in statements])
        old = spark.sql(f"SELECT * FROM {CATALOG}.{db}.t TIMESTAMP AS OF '{history.text_of(millis)}'")
        assert (old.dtypes, _rows(old)) == ([("id", "int"), ("v", "int")], [(1, 10), (2, 20)])
        with _stale(spark, millis):
            stale = spark.table(f"{CATALOG}.{db}.t")
            assert (stale.dtypes, _rows(stale)) == ([("id", "int"), ("v", "int")], [(1, 10), (2, 20)])
            assert [row["tableName"] for row in spark.sql(f"SHOW TABLES IN {CATALOG}.{db}").collect()] == ["t"]
            described = {row[0]: row[1] for row in spark.sql(f"DESCRIBE EXTENDED {CATALOG}.{db}.t").collect()}
            assert (described["id"], described["v"]) == ("int", "int") and "w" not in described
        if later is None:
            _error(lambda: spark.table(f"{CATALOG}.{db}.t").collect())
        else:
            oracle.execute(f"USE {db}")
            expected = sorted(tuple(int(value) for value in row) for row in oracle.rows(f"SELECT * FROM {later}"))
            assert _rows(spark.table(f"{CATALOG}.{db}.{later}")) == expected
    finally:
        oracle.execute(f"DROP DATABASE IF EXISTS {db}", f"USE {database}")


def test_datasource_api(spark, cluster, database, name, account):
    """`format("tidb")` reads the present, whatever the session's setting."""
    with _stale(spark, min(account)):
        source = spark.read.format("tidb").option("pd.addresses", cluster.pd).option("database", database).option("table", "account")
        assert _rows(source.load()) == account[max(account)]


# ---------------------------------------------------------------- Spark's own syntax


def test_every_form_of_the_syntax(spark, name, account):
    for millis, rows in account.items():
        text, tso = history.text_of(millis), tso_of(millis)
        for clause in (f"TIMESTAMP AS OF '{text}'", f"FOR TIMESTAMP AS OF '{text}'", f"FOR SYSTEM_TIME AS OF '{text}'",
                       f"VERSION AS OF {tso}", f"VERSION AS OF '{tso}'", f"FOR VERSION AS OF {tso}", f"FOR SYSTEM_VERSION AS OF {tso}"):
            assert _rows(spark.sql(f"SELECT * FROM {name} {clause}")) == rows, clause


def test_a_moment_per_table(spark, name, account):
    """In one query, against the session's setting, and beside the present."""
    first, second, last = account
    query = (f"SELECT a.v, b.v, c.v FROM {name} TIMESTAMP AS OF '{history.text_of(first)}' a JOIN {name} VERSION AS OF {tso_of(second)} b "
             f"ON a.id = b.id JOIN {name} c ON a.id = c.id")
    assert _rows(spark.sql(query)) == [(10, 10, 11)]
    with _stale(spark, second):
        assert _rows(spark.sql(query)) == [(10, 10, 10)]


def test_options(spark, cluster, database, name, account):
    """Of a table of a catalog and of the source; before the session's setting."""
    source = spark.read.format("tidb").option("pd.addresses", cluster.pd).option("database", database).option("table", "account")
    for millis, rows in account.items():
        with _stale(spark, max(account)):
            assert _rows(spark.read.option("versionAsOf", str(tso_of(millis))).table(name)) == rows
            assert _rows(spark.read.option("timestampAsOf", history.text_of(millis)).table(name)) == rows
    for millis, rows in account.items():
        assert _rows(source.option("versionAsOf", str(tso_of(millis))).load()) == rows
    both = source.option("timestampAsOf", "2024-01-01 00:00:00")
    assert "not both" in _error(both.load)


def test_options_never_read_another_schema(spark, oracle, database):
    """Spark 4 resolves the options itself; Spark 3.5 has settled the schema before we see them, and another one is refused."""
    oracle.execute("CREATE TABLE opted (id INT PRIMARY KEY)", "INSERT INTO opted VALUES (1)")
    millis = history.moment(oracle)
    oracle.execute("ALTER TABLE opted ADD COLUMN late INT DEFAULT 5")
    reader = spark.read.option("versionAsOf", str(tso_of(millis)))
    if spark.version.startswith("3."):
        text = _error(lambda: reader.table(f"{CATALOG}.{database}.opted").collect())
        assert "TIMESTAMP AS OF" in text and "opted" in text, text
    else:
        frame = reader.table(f"{CATALOG}.{database}.opted")
        assert (frame.columns, _rows(frame)) == (["id"], [(1,)])


@pytest.mark.parametrize("clause", ["VERSION AS OF 'v1'", "VERSION AS OF 0", "TIMESTAMP AS OF '1969-12-31 00:00:00'", "TIMESTAMP AS OF 'yesterday'"])
def test_moments_that_cannot_be(spark, name, clause):
    text = _error(lambda: spark.sql(f"SELECT * FROM {name} {clause}").collect())
    assert "AS OF" in text or "timestamp" in text.lower(), text


def test_milliseconds_and_counters(spark, oracle, database):
    """A commit is seen from its own timestamp on, to the last bit; TIMESTAMP AS OF is the first timestamp of its millisecond."""
    oracle.execute("CREATE TABLE edge (id INT PRIMARY KEY)")
    history.moment(oracle)  # the table is older than the millisecond of its first row
    name = f"{CATALOG}.{database}.edge"
    for number in range(3):
        oracle.execute("BEGIN", f"INSERT INTO edge VALUES ({number})", "COMMIT")
        commit = int(oracle.one("SELECT json_extract(@@tidb_last_txn_info, '$.commit_ts')"))
        count = lambda at: spark.sql(f"SELECT count(*) FROM {name} {at}").head()[0]  # noqa: E731
        assert count(f"VERSION AS OF {commit}") == number + 1
        assert count(f"VERSION AS OF {commit - 1}") == number
        millis = commit >> 18
        assert count(f"TIMESTAMP AS OF '{history.text_of(millis)}'") == number + (commit == millis << 18)
        with _stale(spark, millis):
            assert spark.table(name).count() == number + (commit == millis << 18)
        while history.now(oracle) >> 18 <= millis + 1:
            time.sleep(0.002)
        assert count(f"TIMESTAMP AS OF '{history.text_of(millis + 1)}'") == number + 1


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/Berlin", "Asia/Kolkata", "Pacific/Auckland", "UTC"])
def test_literals_are_of_the_sessions_zone(spark, name, account, zone):
    """Whatever the clocks of the zone did today, the literal and its moment are what Spark says they are."""
    with settings(spark, sql__session__timeZone=zone):
        for millis, rows in account.items():
            local = spark.sql(f"SELECT cast(timestamp_millis({millis}) AS STRING)").head()[0]
            assert _rows(spark.sql(f"SELECT * FROM {name} TIMESTAMP AS OF '{local}'")) == rows, local
            assert _rows(spark.read.option("timestampAsOf", local).table(name)) == rows, local


# Wall clocks around changes of the clocks, in years that are the future for a while: the error tells how they were understood.
CLOCKS = [
    ("America/New_York", "2035-03-11 01:59:59.999"), ("America/New_York", "2035-03-11 03:00:00"), ("America/New_York", "2035-11-04 00:59:59"),
    ("America/New_York", "2035-11-04 02:00:00"), ("Europe/Berlin", "2035-03-25 01:59:59"), ("Europe/Berlin", "2035-03-25 03:00:00.001"),
    ("Europe/Berlin", "2035-10-28 03:00:00"), ("Australia/Lord_Howe", "2035-04-01 02:00:00"), ("Asia/Kathmandu", "2035-01-01 00:00:00"),
]


@pytest.mark.parametrize("zone, local", CLOCKS)
def test_daylight_saving_time(spark, name, zone, local):
    """A literal is the moment that the zone's rules give it, in SQL and as an option, to the millisecond."""
    wall = datetime.datetime.fromisoformat(local)
    millis = round(wall.replace(tzinfo=zoneinfo.ZoneInfo(zone)).timestamp() * 1000)
    with settings(spark, sql__session__timeZone=zone):
        for read in (lambda: spark.sql(f"SELECT * FROM {name} TIMESTAMP AS OF '{local}'").collect(),
                     lambda: spark.sql(f"SELECT * FROM {name} TIMESTAMP AS OF TIMESTAMP '{local}'").collect(),
                     lambda: spark.read.option("timestampAsOf", local).table(name).collect()):
            text = _error(read)
            assert f"({millis} ms) is in the future" in text, text
        # Both halves of the hour that comes twice can be said with an offset.
        text = _error(lambda: spark.sql(f"SELECT * FROM {name} TIMESTAMP AS OF '2035-11-04 01:30:00-05:00'").collect())
        assert "(2077770600000 ms) is in the future" in text, text


def test_describe_of_the_past(spark, oracle, database):
    """The nearest that Spark's grammar has to DESCRIBE EXTENDED t TIMESTAMP AS OF ...: DESCRIBE of a query, and the setting."""
    oracle.execute("CREATE TABLE described (id INT PRIMARY KEY, old VARCHAR(5))")
    millis = history.moment(oracle)
    oracle.execute("ALTER TABLE described DROP COLUMN old, ADD COLUMN new INT")
    name = f"{CATALOG}.{database}.described"
    rows = spark.sql(f"DESCRIBE QUERY SELECT * FROM {name} TIMESTAMP AS OF '{history.text_of(millis)}'").collect()
    assert [row[0] for row in rows] == ["id", "old"]
    with _stale(spark, millis):
        rows = spark.sql(f"DESCRIBE EXTENDED {name}").collect()
        assert [row[0] for row in rows][:2] == ["id", "old"]
        assert str(tso_of(millis)) in "\n".join(str(row) for row in rows)


# ---------------------------------------------------------------- writing

CHANGED = {
    "insert": lambda spark, name: spark.sql(f"INSERT INTO {name} VALUES (9, 9)"),
    "insert of a query": lambda spark, name: spark.sql(f"INSERT INTO {name} SELECT 9, 9"),
    "insert overwrite": lambda spark, name: spark.sql(f"INSERT OVERWRITE {name} VALUES (9, 9)"),
    "update": lambda spark, name: spark.sql(f"UPDATE {name} SET v = 9"),
    "delete": lambda spark, name: spark.sql(f"DELETE FROM {name} WHERE id = 1"),
    "merge": lambda spark, name: spark.sql(f"MERGE INTO {name} t USING (SELECT 9 id, 9 v) s ON t.id = s.id WHEN NOT MATCHED THEN INSERT *"),
    "writeTo append": lambda spark, name: _nine(spark).writeTo(name).append(),
    "writeTo overwrite": lambda spark, name: _nine(spark).writeTo(name).overwrite(functions.col("id") > 0),
    "writeTo overwritePartitions": lambda spark, name: _nine(spark).writeTo(name).overwritePartitions(),
    "insertInto": lambda spark, name: _nine(spark).write.insertInto(name),
    "saveAsTable": lambda spark, name: _nine(spark).write.mode("append").saveAsTable(name),
}


def _nine(spark):
    return spark.sql("SELECT 9 id, 9 v")


@pytest.mark.parametrize("change", list(CHANGED), ids=lambda change: change.replace(" ", "_"))
def test_the_past_is_not_written(spark, oracle, database, name, account, change):
    """Every way to write a table of the catalog, while the session is in the past."""
    with _stale(spark, min(account)):
        text = _error(lambda: CHANGED[change](spark, name))
    # Spark refuses row-level statements before it asks for a writer, with words of its own.
    if change not in ("update", "delete", "merge"):
        assert "stale_read" in text and "only the present can be written" in text, text
    assert oracle.one(f"SELECT count(*) FROM {database}.account") == "1"


def test_a_version_of_the_source_is_not_written(spark, cluster, database, name, account, oracle):
    """The option of a read on a write."""
    writer = (_nine(spark).write.format("tidb").option("pd.addresses", cluster.pd).option("database", database).option("table", "account")
              .option("versionAsOf", str(tso_of(min(account)))).mode("append"))
    assert "only the present can be written" in _error(writer.save)
    assert "versionasof" in _error(lambda: _nine(spark).writeTo(name).option("versionAsOf", str(tso_of(min(account)))).append()).lower()
    assert oracle.one(f"SELECT count(*) FROM {database}.account") == "1"


def test_a_source_of_the_past(spark, oracle, database, name, account):
    """The present is written from the past, of another table and of the same."""
    oracle.execute("CREATE TABLE restored (id INT PRIMARY KEY, v INT)")
    first, second, _ = account
    restored = f"{CATALOG}.{database}.restored"
    spark.sql(f"INSERT INTO {restored} SELECT * FROM {name} TIMESTAMP AS OF '{history.text_of(second)}'")
    assert _rows(spark.table(restored)) == account[second]
    millis = history.moment(oracle)
    oracle.execute("DELETE FROM restored")
    spark.sql(f"INSERT INTO {restored} SELECT * FROM {restored} VERSION AS OF {tso_of(millis)} WHERE id = 2")
    assert _rows(spark.table(restored)) == [(2, 20)]
    with _stale(spark, first):
        frame = spark.table(name)
    frame.selectExpr("id + 100 AS id", "v").writeTo(restored).append()
    assert _rows(spark.table(restored)) == [(2, 20), (101, 10)]


# ---------------------------------------------------------------- functions


def test_functions(spark, oracle):
    call = f"{CATALOG}.system"
    tso = 449999999999999999
    with settings(spark, sql__session__timeZone="America/New_York"):
        millis = spark.sql(f"SELECT unix_millis({call}.tso_to_timestamp({tso}))").head()[0]
        assert millis == tso >> 18
        assert spark.sql(f"SELECT {call}.timestamp_to_tso(timestamp_millis({millis}))").head()[0] == millis << 18
        rows = spark.sql(f"SELECT id, {call}.tso_to_timestamp(shiftleft(id, 18)), {call}.timestamp_to_tso(timestamp_millis(id)) FROM range(1000)").collect()
        assert all(row[2] == row[0] << 18 for row in rows)
    assert spark.sql(f"SELECT {call}.tso_to_timestamp(cast(NULL AS BIGINT)), {call}.timestamp_to_tso(NULL)").head()[:] == (None, None)
    assert "-1" in _error(lambda: spark.sql(f"SELECT {call}.tso_to_timestamp(id) FROM range(-1, 0)").collect())
    before = history.now(oracle)
    row = spark.sql(f"SELECT {call}.current_tso(), {call}.current_tso(), max({call}.current_tso()) FROM range(5)").head()
    assert row[0] == row[1] == row[2] and before < row[0] < history.now(oracle)
    assert spark.sql(f"SELECT {call}.current_tso()").head()[0] > row[0]
    for wrong in (f"{call}.current_tso(1)", f"{call}.tso_to_timestamp()", f"{call}.nothing()", f"{CATALOG}.mysql.current_tso()"):
        _error(lambda wrong=wrong: spark.sql(f"SELECT {wrong}").collect())


def test_a_tso_of_now_names_a_snapshot(spark, oracle, database):
    oracle.execute("CREATE TABLE snap (id INT)", "INSERT INTO snap VALUES (1)")
    tso = spark.sql(f"SELECT {CATALOG}.system.current_tso()").head()[0]
    oracle.execute("INSERT INTO snap VALUES (2)")
    assert spark.sql(f"SELECT * FROM {CATALOG}.{database}.snap VERSION AS OF {tso}").count() == 1


# ---------------------------------------------------------------- sessions and threads


def test_two_sessions_at_once(shared_session, request, name, account):
    """Two threads, two sessions, settings that change all the time: nobody ever sees the other's moment."""
    seconds = request.config.getoption("--snapshot-seconds")
    deadline, wrong, done = time.monotonic() + seconds, [], []

    def read(offset: int):
        session, count = shared_session.newSession(), 0
        moments = sorted(account)
        try:
            while time.monotonic() < deadline:
                millis = moments[(count + offset) % len(moments)]
                session.conf.set("spark.tispark.stale_read", str(millis))
                frame = session.table(name)
                session.conf.set("spark.tispark.stale_read", str(moments[offset]))
                rows = _rows(frame)
                if rows != account[millis]:
                    wrong.append((millis, rows))
                count += 1
        except Exception as error:  # a thread's exception would be lost
            wrong.append(error)
        done.append(count)

    threads = [threading.Thread(target=read, args=(offset,)) for offset in (0, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong, wrong[:3]
    assert min(done) >= 3, done


# ---------------------------------------------------------------- last: nothing older can be read after it


@pytest.mark.faults
def test_invalid_timestamp_before_garbage_collection(spark, cluster, oracle, database):
    """Refused before it is read, with the value and what to do about it."""
    oracle.execute("CREATE TABLE collected (id INT PRIMARY KEY)", "INSERT INTO collected VALUES (1)")
    name = f"{CATALOG}.{database}.collected"
    millis = history.moment(oracle)
    Pd(cluster.status).collect_garbage(history.now(oracle))
    reads = [lambda: spark.sql(f"SELECT * FROM {name} VERSION AS OF {tso_of(millis)}").collect(),
             lambda: spark.sql(f"SELECT * FROM {name} TIMESTAMP AS OF '{history.text_of(millis)}'").collect(),
             lambda: spark.read.option("versionAsOf", str(tso_of(millis))).table(name).collect()]
    texts = [_error(read) for read in reads]
    with _stale(spark, millis):
        texts += [_error(lambda: spark.table(name).collect()), _error(lambda: spark.sql(f"DESCRIBE {name}").collect())]
    for text in texts:
        assert str(millis) in text and "GC life time" in text and "tidb_gc_life_time" in text, text
    assert spark.table(name).count() == 1
