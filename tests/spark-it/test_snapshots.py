"""One timestamp per statement, and the hold on garbage collection while it is read."""
import random
import threading
import time

import pytest

from support import history
from support.oracle import Oracle
from support.pd import Pd, tso_of
from support.sparks import CATALOG, settings

ACCOUNTS, EACH = 8, 1000


@pytest.fixture(scope="module")
def pd(cluster):
    """PD of the cluster."""
    return Pd(cluster.status)


@pytest.fixture
def bank(cluster, oracle, database, request):
    """Two tables of eight accounts; money moves between any two of them all the time, the total never changes."""
    oracle.execute("DROP TABLE IF EXISTS bank_a, bank_b")
    for table in ("bank_a", "bank_b"):
        oracle.execute(f"CREATE TABLE {table} (id INT PRIMARY KEY, money BIGINT)")
        oracle.insert(table, [(number, EACH) for number in range(ACCOUNTS)])
    seed = request.config.getoption("--seed") or random.randrange(1 << 32)
    print(f"seed {seed}")
    chance, stop, failed, moved = random.Random(seed), threading.Event(), [], []

    def transfer():
        teller = Oracle(cluster.status, database)
        try:
            while not stop.is_set():
                source, target = chance.sample([(table, number) for table in ("bank_a", "bank_b") for number in range(ACCOUNTS)], 2)
                amount = chance.randrange(1, 100)
                teller.execute("BEGIN", f"UPDATE {source[0]} SET money = money - {amount} WHERE id = {source[1]}",
                               f"UPDATE {target[0]} SET money = money + {amount} WHERE id = {target[1]}", "COMMIT")
                moved.append(amount)
                stop.wait(0.005)  # as fast as it can it would take the machine from those who read
        except Exception as error:  # a thread's exception would be lost
            failed.append(error)
        finally:
            teller.close()

    thread = threading.Thread(target=transfer)
    thread.start()
    cluster.wait_until(lambda: failed or len(moved) > 10, 60, 0.01)
    before = len(moved)
    yield f"{CATALOG}.{database}"
    cluster.wait_until(lambda: failed or len(moved) > before, 60, 0.01)
    stop.set()
    thread.join()
    assert not failed, failed


TOTAL = 2 * ACCOUNTS * EACH


def _statements(spark, bank):
    """name -> a fresh statement whose answer is the total at any single moment."""
    a, b = f"{bank}.bank_a", f"{bank}.bank_b"
    union = f"SELECT sum(money) FROM (SELECT money FROM {a} UNION ALL SELECT money FROM {b})"
    return {
        "union": lambda: spark.sql(union),
        "scalar sub-queries": lambda: spark.sql(f"SELECT (SELECT sum(money) FROM {a}) + (SELECT sum(money) FROM {b})"),
        # Every account against itself: the two sides differ when they are of two moments.
        "self-join": lambda: spark.sql(f"SELECT {TOTAL} + sum(abs(x.money - y.money)) FROM (SELECT * FROM {a} UNION ALL SELECT id + 100, money FROM {b}) x "
                                       f"JOIN (SELECT * FROM {a} UNION ALL SELECT id + 100, money FROM {b}) y ON x.id = y.id"),
        "cte": lambda: spark.sql(f"WITH t AS (SELECT sum(money) s FROM {a}), u AS (SELECT sum(money) s FROM {b}) SELECT t.s + u.s FROM t, u"),
        "two frames": lambda: (lambda x, y: x.join(y, "id").selectExpr("sum(m + n)"))(
            spark.table(a).withColumnRenamed("money", "m"), spark.table(b).withColumnRenamed("money", "n")),
        "in": lambda: spark.sql(f"SELECT {TOTAL} * count(*) FROM (SELECT 1) WHERE {TOTAL} IN ({union})"),
    }


def test_the_total_never_differs(spark, bank, request):
    """Sums over tables, sub-queries, joins and unions while money moves."""
    rounds = request.config.getoption("--snapshots")
    statements = list(_statements(spark, bank).items())
    seen = 0
    for number in range(rounds):
        what, make = statements[number % len(statements)]
        adaptive = "true" if number // len(statements) % 2 else "false"
        with settings(spark, sql__adaptive__enabled=adaptive, sql__shuffle__partitions="1"):
            total = make().head()[0]
        assert total == TOTAL, f"snapshot {number}, {what}, adaptive {adaptive}: {total}"
        seen += 1
    print(f"{seen} snapshots")


def test_the_total_of_the_past(spark, bank, oracle):
    """All tables of a statement at one moment of the past."""
    a, b = f"{bank}.bank_a", f"{bank}.bank_b"
    for _ in range(3):
        time.sleep(0.1)
        millis = history.moment(oracle)
        with settings(spark, tispark__stale_read=str(millis)):
            assert spark.sql(f"SELECT sum(money) FROM (SELECT money FROM {a} UNION ALL SELECT money FROM {b})").head()[0] == TOTAL


def test_the_source_reads_at_the_statements_timestamp(spark, cluster, database, bank):
    """`format("tidb")` beside a table of the catalog, with settings of its own: the same cluster, the same moment."""
    for _ in range(10):
        source = (spark.read.format("tidb").option("pd.addresses", cluster.pd).option("database", database).option("table", "bank_b")
                  .option("request.timeout", "59s").load())
        assert spark.table(f"{bank}.bank_a").union(source).selectExpr("sum(money)").head()[0] == TOTAL


def test_excluded_rules_do_not_matter(spark, bank):
    """The timestamp does not come from a rule of the optimiser that somebody could switch off."""
    rules = ",".join(f"org.apache.spark.sql.catalyst.optimizer.{rule}" for rule in
                     ("ConstantFolding", "MergeScalarSubqueries", "PushDownPredicates", "CollapseProject", "ColumnPruning"))
    with settings(spark, sql__optimizer__excludedRules=rules):
        for make in _statements(spark, bank).values():
            assert make().head()[0] == TOTAL


def test_a_view_of_another_session(shared_session, spark, bank):
    """A global view carries tables into a session that never made the catalog."""
    spark.table(f"{bank}.bank_a").createOrReplaceGlobalTempView("bank_a")
    spark.table(f"{bank}.bank_b").createOrReplaceGlobalTempView("bank_b")
    other = shared_session.newSession()
    for _ in range(5):
        assert other.sql("SELECT sum(money) FROM (SELECT * FROM global_temp.bank_a UNION ALL SELECT * FROM global_temp.bank_b)").head()[0] == TOTAL


# ---------------------------------------------------------------- what is a statement


@pytest.fixture
def counter(spark, oracle, database):
    """A table to which rows are added."""
    oracle.execute("DROP TABLE IF EXISTS counter_", "CREATE TABLE counter_ (id INT PRIMARY KEY)", "INSERT INTO counter_ VALUES (1)")
    return f"{CATALOG}.{database}.counter_"


def test_a_data_frame_keeps_its_snapshot_and_derived_ones_take_new_ones(spark, oracle, counter):
    frame = spark.table(counter)
    assert len(frame.collect()) == 1
    oracle.execute("INSERT INTO counter_ VALUES (2)")
    # The same query execution: the plan, and with it the snapshot, is Spark's to keep.
    assert len(frame.collect()) == 1
    # New statements.
    assert frame.count() == 2
    assert len(frame.select("id").collect()) == 2
    assert len(spark.table(counter).collect()) == 2
    assert len(frame.where("id > 0").collect()) == 2


def test_looking_at_a_plan_takes_no_snapshot(spark, oracle, counter, capsys):
    frame = spark.table(counter)
    frame.explain()
    assert "read_ts=latest" in capsys.readouterr().out
    oracle.execute("INSERT INTO counter_ VALUES (2)")
    assert len(frame.collect()) == 2


def test_cached_data_stays(spark, oracle, counter):
    frame = spark.table(counter).cache()
    try:
        assert frame.count() == 1
        oracle.execute("INSERT INTO counter_ VALUES (2)")
        assert frame.count() == 1 and spark.table(counter).count() == 1
    finally:
        frame.unpersist(blocking=True)
    assert spark.table(counter).count() == 2


def test_a_table_that_changed_after_it_was_analysed(spark, oracle, database):
    """Rows and schema are of one moment: a truncated table is empty, a dropped column is an error and not NULL."""
    oracle.execute("CREATE TABLE moving (id INT PRIMARY KEY, v INT)", "INSERT INTO moving VALUES (1, 1)")
    frame = spark.table(f"{CATALOG}.{database}.moving")
    oracle.execute("TRUNCATE TABLE moving", "INSERT INTO moving VALUES (5, 5), (6, 6)")
    assert sorted(row[0] for row in frame.select("id").collect()) == [5, 6]
    oracle.execute("ALTER TABLE moving ADD COLUMN w INT")
    assert frame.count() == 2 and len(frame.select("v").collect()) == 2
    oracle.execute("ALTER TABLE moving DROP COLUMN v")
    with pytest.raises(Exception, match="column `v`"):
        frame.selectExpr("v + 1").collect()
    assert len(frame.select("id").collect()) == 2


def test_one_timestamp_in_the_plan(spark, bank):
    """EXPLAIN shows the timestamp, the same at every table of a statement and others for others."""
    def stamps():
        plan = spark.sql(f"EXPLAIN SELECT * FROM {bank}.bank_a a JOIN {bank}.bank_b b ON a.id = b.id "
                         f"WHERE a.money > (SELECT avg(money) FROM {bank}.bank_a)").head()[0]
        found = [part.split()[0].rstrip(",)") for part in plan.split("read_ts=")[1:]]
        assert len(found) >= 3 and found[0].isdigit(), plan
        return set(found)

    first, second = stamps(), stamps()
    assert len(first) == len(second) == 1 and first != second


def test_exchanges_are_shared_within_a_statement(spark, bank):
    """Both sides of a self-join read once."""
    frame = spark.sql(f"SELECT x.id FROM (SELECT id, sum(money) m FROM {bank}.bank_a GROUP BY id) x "
                      f"JOIN (SELECT id, sum(money) m FROM {bank}.bank_a GROUP BY id) y ON x.id = y.id AND x.m = y.m")
    with settings(spark, sql__autoBroadcastJoinThreshold="-1", sql__adaptive__enabled="false"):
        assert frame.count() == ACCOUNTS
        assert "ReusedExchange" in spark.sql(
            f"EXPLAIN SELECT x.id FROM (SELECT id, sum(money) m FROM {bank}.bank_a GROUP BY id) x "
            f"JOIN (SELECT id, sum(money) m FROM {bank}.bank_a GROUP BY id) y ON x.id = y.id AND x.m = y.m").head()[0]


# ---------------------------------------------------------------- garbage collection


def _until(what, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, f"not reached in {seconds} s"
        time.sleep(0.02)


def test_safe_point_of_a_query(spark, pd, oracle, database):
    """There while a query runs, at its snapshot, and gone after its end; a failed query gives it back as well."""
    oracle.execute("CREATE TABLE held (id INT PRIMARY KEY)", "INSERT INTO held VALUES (1), (2), (3)")
    name = f"{CATALOG}.{database}.held"
    _until(lambda: not pd.reads())
    slow = f"SELECT count(*) FROM {name} WHERE java_method('java.lang.Thread', 'sleep', 500L) IS NULL"
    done = []
    begin = history.now(oracle)
    thread = threading.Thread(target=lambda: done.append(spark.sql(slow).collect()))
    thread.start()
    _until(lambda: pd.reads() or done)
    points = list(pd.reads().values())
    thread.join()
    end = history.now(oracle)
    assert len(points) == 1 and begin <= points[0] + 1 <= end, points
    _until(lambda: not pd.reads())
    with pytest.raises(Exception, match="no good"):
        spark.sql(f"SELECT raise_error('no good') FROM {name}").collect()
    _until(lambda: not pd.reads())
    spark.sql(f"EXPLAIN SELECT * FROM {name}").collect()
    assert not pd.reads()


def test_a_plan_that_runs_again_is_held_again(spark, pd, oracle, database):
    """Spark keeps partitions and tasks of a data frame that is executed twice, and our scan is not asked for them; rows cached in parts too."""
    oracle.execute("CREATE TABLE again (id INT PRIMARY KEY)", "INSERT INTO again VALUES (1), (2), (3)")
    slow = f"SELECT id, java_method('java.lang.Thread', 'sleep', 500L) FROM {CATALOG}.{database}.again"
    for adaptive in ("true", "false"):
        with settings(spark, sql__adaptive__enabled=adaptive):
            frame = spark.sql(slow)
            seen = []
            for _ in range(3):
                _until(lambda: not pd.reads())
                done = []
                thread = threading.Thread(target=lambda: done.append(frame.collect()))  # noqa: B023
                thread.start()
                _until(lambda: pd.reads() or done)  # noqa: B023
                seen.append(list(pd.reads().values()))
                thread.join()
                assert len(done[0]) == 3
            assert len(seen[0]) == 1 and seen[0] == seen[1] == seen[2], seen
    _until(lambda: not pd.reads())


def test_safe_points_of_several_moments(spark, pd, oracle, database):
    """One per moment, however many tables are read at it."""
    oracle.execute("CREATE TABLE many (id INT PRIMARY KEY)", "INSERT INTO many VALUES (1)")
    millis = history.moment(oracle)
    name = f"{CATALOG}.{database}.many"
    _until(lambda: not pd.reads())
    query = (f"SELECT a.id FROM {name} a JOIN {name} b ON a.id = b.id JOIN {name} VERSION AS OF {tso_of(millis)} c ON a.id = c.id "
             f"JOIN {name} TIMESTAMP AS OF '{history.text_of(millis)}' d ON a.id = d.id WHERE java_method('java.lang.Thread', 'sleep', 1000L) IS NULL "
             "OR a.id = 1")
    done, seen = [], {}

    def watch():
        while not done:
            seen.update(pd.reads())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        assert spark.sql(query).count() == 1
    finally:
        done.append(True)
        watcher.join()
    points = sorted(seen.values())
    assert len(points) == 2 and points[0] == tso_of(millis) - 1, seen
    _until(lambda: not pd.reads())


def test_rdds_hold_it_until_they_are_gone(spark, pd, counter):
    """Without an execution of Spark SQL the end is when the plan is forgotten."""
    _until(lambda: not pd.reads())
    frame = spark.table(counter)
    rdd = frame.rdd
    assert rdd.count() == 1 and rdd.count() == 1
    del rdd, frame

    def collected():
        import gc
        gc.collect()
        spark.sparkContext._jvm.java.lang.System.gc()
        return not pd.reads()

    _until(collected, 60)


@pytest.mark.faults
def test_garbage_collection_during_a_scan(spark, pd, oracle, database, faults):
    """A cluster that forgets the readers: the query fails rather than to return less, and says what to do."""
    oracle.execute("CREATE TABLE overtaken (id INT PRIMARY KEY)")
    oracle.insert("overtaken", [(number,) for number in range(1000)])
    name = f"{CATALOG}.{database}.overtaken"
    table_id = oracle.table_id(database, "overtaken")
    assert spark.table(name).count() == 1000
    faults.set_faults({"method": "Coprocessor", "kind": "delay", "ms": 2000, "count": -1, "table_id": table_id})
    failed = []

    def read():
        try:
            failed.append(f"it returned {len(spark.table(name).collect())} rows")
        except Exception as error:  # looked at below
            failed.append(str(error))

    thread = threading.Thread(target=read)
    thread.start()
    _until(lambda: faults.faults()[0]["hits"] > 0)
    pd.collect_garbage(history.now(oracle))
    thread.join()
    assert "GcSafePoint" in failed[0] and "tidb_gc_life_time" in failed[0], failed[0][:2000]
    faults.clear_faults()
    assert spark.table(name).count() == 1000
