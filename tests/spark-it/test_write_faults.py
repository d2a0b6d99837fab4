"""Faults of stores, PD and other writers during a write: all rows or none, and the write says which."""
import itertools
import statistics
import threading
import time
import urllib.request

import pytest

from support.oracle import Oracle
from support.sparks import settings
from support.victim import Background, Victim
from support.writing import eventually, named

pytestmark = [pytest.mark.faults, pytest.mark.usefixtures("plain_reorganisation")]
ROWS = 1500
numbers = itertools.count()


@pytest.fixture
def victim(faults, cluster, oracle, database) -> Victim:
    """An empty table of a test's own, in four regions."""
    return Victim(cluster, oracle, database, f"victim_{next(numbers)}", ROWS, splits=3)


@pytest.fixture
def other(cluster, database):
    """A second connection to TiDB."""
    made = Oracle(cluster.status, database)
    yield made
    made.close()


# ---------------------------------------------------------------- answers of stores

SURVIVED = ["not_leader", "not_leader_hint", "epoch_not_match", "region_not_found", "server_is_busy", "stale_command", "unavailable", "drop_reply"]


@pytest.mark.parametrize("kind", SURVIVED)
def test_prewrite_survives(spark, faults, victim, kind):
    faults.set_faults(victim.rule("KvPrewrite", kind, count=6, skip=4, ms=20))
    victim.write(spark)
    assert faults.faults()[0]["hits"] == 6
    victim.assert_all()


@pytest.mark.parametrize("kind", SURVIVED)
def test_commit_survives(spark, faults, victim, kind):
    """The primary's commit is the first one. Without a reply it is done (drop_reply) or not (unavailable): the write finds out."""
    faults.set_faults(victim.rule("KvCommit", kind, count=3, ms=20))
    victim.write(spark)
    assert faults.faults()[0]["hits"] >= 1
    victim.assert_all()


@pytest.mark.parametrize("kind", ["epoch_not_match", "server_is_busy", "unavailable", "drop_reply"])
def test_resolve_survives(spark, faults, victim, kind):
    """What is left after the primary."""
    faults.set_faults({"method": "KvResolveLock", "kind": kind, "count": 3, "ms": 20, "request_source": "spark"},
                      victim.rule("KvCommit", kind, count=3, skip=1, ms=20))
    victim.write(spark)
    victim.assert_all()


def test_a_late_copy_of_a_prewrite(spark, faults, cluster, oracle, database):
    """A request that the network held back is executed when the transaction has long been committed: nothing changes."""
    for late in (6, 20, 60):
        victim = Victim(cluster, oracle, database, f"victim_{next(numbers)}", ROWS, splits=3)
        faults.set_faults(victim.rule("KvPrewrite", "late", count=5, skip=6, ms=late * 1000))
        begin = time.monotonic()
        victim.write(spark)
        in_time = time.monotonic() - begin < late
        victim.assert_all()
        time.sleep(max(0.0, late + 0.5 - (time.monotonic() - begin)))
        victim.assert_all()
        if in_time:
            return
    pytest.fail("a write of 1,500 rows took a minute: too slow to show anything")


def test_a_late_copy_after_an_abort(spark, faults, victim):
    """The same when the transaction was rolled back: what is locked late is nobody's, and goes when its time is over."""
    faults.set_faults(victim.rule("KvPrewrite", "late", count=3, skip=6, ms=4000), victim.rule("KvPrewrite", "flashback_in_progress", skip=10, count=-1))
    write = Background(lambda: victim.write(spark))
    write.failed()
    faults.clear_faults()
    victim.assert_none()
    time.sleep(4.5)
    victim.assert_none_at_last(75)


def test_a_fault_that_does_not_end(spark, faults, victim):
    """The deadline ends the write with the reason, and the locks go as soon as the stores answer."""
    faults.set_faults(victim.rule("KvPrewrite", "server_is_busy", skip=5, count=-1, ms=50))
    with settings(spark, tispark__deadline__prewrite="3s"):
        write = Background(lambda: victim.write(spark))
        named(write.failed(60), "busy")
    faults.clear_faults()
    victim.assert_none()


# ---------------------------------------------------------------- commit without an answer

def test_the_outcome_stays_unknown(spark, faults, victim):
    """Committed, but no store says so: the error says that it is not known, with start_ts and primary, and nothing is rolled back."""
    faults.set_faults(victim.rule("KvCommit", "drop_reply", count=-1), victim.rule("KvCheckTxnStatus", "unavailable", count=-1),
                      victim.rule("KvTxnHeartBeat", "unavailable", count=-1))
    with settings(spark, tispark__deadline__commit="3s"):
        write = Background(lambda: victim.write(spark))
        text = write.failed(90)
    named(text, "CommitUnknown", "not known", "transaction", "primary")
    faults.clear_faults()
    # A reader finds out, and resolves what is left.
    victim.assert_all_at_last(40)


def test_the_outcome_stays_unknown_and_it_was_not_committed(spark, faults, victim):
    faults.set_faults(victim.rule("KvCommit", "unavailable", count=-1), victim.rule("KvCheckTxnStatus", "unavailable", count=-1),
                      victim.rule("KvTxnHeartBeat", "unavailable", count=-1))
    with settings(spark, tispark__deadline__commit="3s"):
        write = Background(lambda: victim.write(spark))
        text = write.failed(90)
    named(text, "CommitUnknown", "not known", "transaction", "primary")
    faults.clear_faults()
    assert victim.checksum() == (0, 0)
    victim.assert_none_at_last(90)


def test_a_failure_before_the_commit_rolls_back(spark, faults, victim):
    """PD gives no commit_ts... the tasks fail instead: abort leaves no lock."""
    faults.set_faults(victim.rule("KvPrewrite", "flashback_in_progress", skip=8, count=-1))
    write = Background(lambda: victim.write(spark))
    named(write.failed(), "flashback")
    faults.clear_faults()
    victim.assert_none()


def test_a_cancelled_write(spark, faults, victim, cluster):
    """Soon over, and nothing left."""
    context = spark.sparkContext

    def run():
        context.setJobGroup("cancelled-write", "write", interruptOnCancel=True)
        victim.write(spark)

    from pyspark import InheritableThread

    errors = []

    def guarded():
        try:
            run()
        except Exception as error:
            errors.append(str(error))

    with victim.held("KvPrewrite", skip=5) as reached:
        thread = InheritableThread(target=guarded)
        thread.start()
        reached()
        context.cancelJobGroup("cancelled-write")
        thread.join(30)
        assert not thread.is_alive() and errors and "cancel" in errors[0].lower(), errors
        cluster.wait_until(lambda: cluster.in_flight("KvPrewrite") == 0, 5)
    victim.assert_none()


# ---------------------------------------------------------------- other writers

def test_a_row_that_tidb_takes_meanwhile(spark, victim, other):
    """Committed after our start_ts: the write cannot win."""
    with victim.held("KvPrewrite", skip=1) as reached:
        write = Background(lambda: victim.write(spark))
        reached()
        other.execute(f"INSERT INTO {victim.name} VALUES (777, 77777777, 'TiDB was first')")
    text = write.failed()
    assert "conflict" in text.lower() or "777" in text, text
    victim.assert_none(others="u = 77777777")


def test_a_unique_key_that_tidb_takes_meanwhile(spark, victim, other):
    with victim.held("KvPrewrite", skip=1) as reached:
        write = Background(lambda: victim.write(spark))
        reached()
        other.execute(f"INSERT INTO {victim.name} SELECT 9999999, {777 * 1_000_003}, 'TiDB was first'")
    text = write.failed()
    assert "conflict" in text.lower() or "once" in text, text
    victim.assert_none(others="id = 9999999")


@pytest.mark.parametrize("end", ["COMMIT", "ROLLBACK"])
def test_a_pessimistic_transaction_holds_a_key(spark, victim, other, end):
    """The write waits for it, and then fails or goes on."""
    other.execute("BEGIN PESSIMISTIC", f"INSERT INTO {victim.name} VALUES (777, 77777777, 'TiDB was first')")
    write = Background(lambda: victim.write(spark))
    time.sleep(3)
    assert write.running(), write.outcome()
    other.execute(end)
    if end == "COMMIT":
        text = write.failed()
        assert "conflict" in text.lower() or "777" in text, text
        victim.assert_none(others="u = 77777777")
    else:
        write.succeeded()
        victim.assert_all()


def test_an_optimistic_transaction_comes_later(spark, victim, other):
    """TiDB's transaction began before our commit: it must not overwrite ours."""
    other.execute("SET tidb_disable_txn_auto_retry = 1", "BEGIN OPTIMISTIC", f"REPLACE INTO {victim.name} VALUES (777, 77777777, 'TiDB')")
    victim.write(spark)
    with pytest.raises(Exception, match="(?i)conflict|duplicate"):
        other.execute("COMMIT")
    victim.assert_all()


def test_two_spark_writes_of_the_same_rows(spark, victim):
    """One of them wins, whole."""
    with victim.held("KvCommit") as reached:
        first = Background(lambda: victim.write(spark))
        reached()
        second = Background(lambda: victim.write(spark))
        time.sleep(1)
    outcomes = sorted(write.outcome()["event"] for write in (first, second))
    assert outcomes == ["done", "failed"]
    victim.assert_all()


# ---------------------------------------------------------------- DDL

UNCHANGED = "schema"
DDL = {
    "ADD INDEX": "ALTER TABLE {t} ADD INDEX added (u, s)",
    "ADD UNIQUE INDEX": "ALTER TABLE {t} ADD UNIQUE INDEX added (s, u)",
    "DROP INDEX": "ALTER TABLE {t} DROP INDEX plain",
    "ADD COLUMN": "ALTER TABLE {t} ADD COLUMN added INT NOT NULL DEFAULT 5",
    "DROP COLUMN": "ALTER TABLE {t} DROP INDEX plain, DROP COLUMN s",
    "MODIFY COLUMN": "ALTER TABLE {t} MODIFY COLUMN s VARCHAR(200)",
    "TRUNCATE": "TRUNCATE TABLE {t}",
    "DROP": "DROP TABLE {t}",
    "RENAME": "RENAME TABLE {t} TO {t}_moved",
}


@pytest.mark.parametrize("change", DDL)
@pytest.mark.parametrize("phase", ["first", pytest.param("last", marks=pytest.mark.slow)])
def test_ddl_during_a_write(spark, oracle, victim, other, change, phase):
    """The table is another one at commit_ts: the write fails and says so, or (a change that touches no row) is right all the same."""
    with victim.held("KvPrewrite", skip=3 if phase == "first" else 60) as reached:
        write = Background(lambda: victim.write(spark))
        reached()
        altering = Background(lambda: other.execute(DDL[change].format(t=victim.name)))
        altering._thread.join(8)
    outcome = write.outcome()
    altering.succeeded()
    if outcome["event"] == "failed":
        named(outcome["text"], "schema")
    if change == "DROP":
        assert outcome["event"] == "failed"
        return
    if change == "RENAME":
        oracle.execute(f"RENAME TABLE {victim.name}_moved TO {victim.name}")
    oracle.execute(f"ADMIN CHECK TABLE {victim.name}")
    count = int(oracle.one(f"SELECT count(*) FROM {victim.name}"))
    assert count == (ROWS if outcome["event"] == "done" else 0), outcome
    if change in ("TRUNCATE", "ADD UNIQUE INDEX", "ADD INDEX", "DROP COLUMN"):
        assert outcome["event"] == "failed", f"{change} must be seen"


def test_ddl_of_another_table(spark, oracle, database, victim, other):
    """Only the table's own definition counts."""
    with victim.held("KvPrewrite", skip=3) as reached:
        write = Background(lambda: victim.write(spark))
        reached()
        other.execute(f"CREATE TABLE other_{victim.name} (a INT)", f"ALTER TABLE other_{victim.name} ADD COLUMN b INT")
    write.succeeded()
    victim.assert_all()


# ---------------------------------------------------------------- servers and regions

def test_regions_split_during_prewrite(spark, faults, victim):
    from support.raw_pairs import record_key

    faults.set_faults(victim.rule("KvPrewrite", "delay", ms=50, count=-1))
    write = Background(lambda: victim.write(spark))
    for wave in range(4):
        time.sleep(0.2)
        faults.split(*[record_key(victim.id, handle) for handle in range(37 + wave * 11, ROWS, 200)])
    faults.clear_faults()
    write.succeeded()
    victim.assert_all()


def test_regions_split_during_resolve(spark, faults, victim):
    from support.raw_pairs import record_key

    faults.set_faults({"method": "KvResolveLock", "kind": "delay", "ms": 400, "count": -1, "request_source": "spark"},
                      victim.rule("KvCommit", "delay", skip=1, ms=400, count=-1))
    write = Background(lambda: victim.write(spark))
    for wave in range(6):
        time.sleep(0.3)
        faults.split(*[record_key(victim.id, handle) for handle in range(41 + wave * 13, ROWS, 300)])
    faults.clear_faults()
    write.succeeded()
    victim.assert_all()


@pytest.mark.parametrize("role, verb", [("store", "restart"), pytest.param("store", "pause", marks=pytest.mark.slow),
                                        pytest.param("pd", "restart", marks=pytest.mark.slow), pytest.param("pd", "pause", marks=pytest.mark.slow)])
@pytest.mark.parametrize("phase", ["prewrite", "resolve"])
def test_servers_that_go_away(spark, faults, cluster, victim, role, verb, phase):
    method = "KvPrewrite" if phase == "prewrite" else "KvCommit"
    faults.set_faults(victim.rule(method, "delay", ms=150, count=-1, skip=3 if phase == "prewrite" else 1))
    write = Background(lambda: victim.write(spark))
    cluster.wait_until(lambda: faults.faults()[0]["hits"] > 0 or not write.running(), 60, 0.05)
    cluster.server(verb, role)
    if verb == "pause":
        time.sleep(4)
        cluster.server("resume", role)
    write.succeeded(180)
    cluster.wait_until(lambda: _answers(cluster), 60, 0.5)
    faults.clear_faults()
    victim.assert_all_at_last(30)


def _answers(cluster) -> bool:
    try:
        Oracle(cluster.status).close()
        return True
    except Exception:
        return False


# ---------------------------------------------------------------- the rest of the world goes on

def test_tidb_works_on_while_a_write_runs(spark, faults, cluster, database, victim):
    """Point reads and writes of other rows stay fast; every reader sees all rows or none, at every moment."""
    faults.set_faults(victim.rule("KvPrewrite", "delay", ms=40, count=-1),
                      victim.rule("KvCommit", "delay", ms=40, count=-1, skip=1))
    done = threading.Event()
    problems, latencies, counts = [], [], []

    def work(number: int) -> None:
        connection = Oracle(cluster.status, database)
        try:
            while not done.is_set():
                begin = time.monotonic()
                connection.execute(f"INSERT INTO {victim.name} VALUES ({10_000_000 + number}, {900_000_000_000 + number}, 'TiDB')")
                connection.rows(f"SELECT * FROM {victim.name} WHERE id = {10_000_000 + number}")
                connection.rows(f"SELECT * FROM {victim.name} WHERE id = {number % ROWS}")
                connection.execute(f"UPDATE {victim.name} SET s = 'TiDB again' WHERE id = {10_000_000 + number}")
                latencies.append(time.monotonic() - begin)
                number += 2
        except Exception as error:
            problems.append(error)
        finally:
            connection.close()

    def count() -> None:
        connection = Oracle(cluster.status, database)
        try:
            while not done.is_set():
                counts.append(int(connection.one(f"SELECT count(*) FROM {victim.name} WHERE id < 10000000")))
                counts.append(int(connection.one(f"SELECT count(*) FROM {victim.name} USE INDEX (once) WHERE u < 900000000000")))
                time.sleep(0.02)
        except Exception as error:
            problems.append(error)
        finally:
            connection.close()

    def count_by_spark() -> None:
        try:
            while not done.is_set():
                counts.append(spark.table(victim.table).where("id < 10000000").count())
        except Exception as error:
            problems.append(error)

    threads = [threading.Thread(target=work, args=(start,)) for start in (0, 1)]
    threads += [threading.Thread(target=count), threading.Thread(target=count_by_spark)]
    for thread in threads:
        thread.start()
    try:
        write = Background(lambda: victim.write(spark, write__resolve="background"))
        write.succeeded()
        time.sleep(0.5)
    finally:
        done.set()
        for thread in threads:
            thread.join(60)
    assert not problems, problems
    assert set(counts) == {0, ROWS}, sorted(set(counts))
    print(f"{len(latencies)} rounds of TiDB, median {statistics.median(latencies):.3f} s, slowest {max(latencies):.3f} s; {len(counts)} counts")
    assert len(latencies) > 10 and statistics.median(latencies) < 1
    faults.clear_faults()
    victim.assert_all(wait=20, others="id >= 10000000")


def _service_safe_points(cluster) -> list[dict]:
    import json

    address = f"http://{cluster.status['pd']['addresses'][0]}/pd/api/v1/gc/safepoint"
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(address, timeout=10) as answer:
        return json.load(answer).get("service_gc_safe_points") or []


def test_gc_waits_for_a_write(spark, cluster, victim):
    """A service safe point holds garbage collection back while the transaction lives, and is gone afterwards."""
    before = {point["service_id"] for point in _service_safe_points(cluster)}
    with victim.held("KvPrewrite", skip=3) as reached:
        write = Background(lambda: victim.write(spark))
        reached()
        start = victim.cluster.control.locks(0)
        mine = [point for point in _service_safe_points(cluster) if point["service_id"] not in before]
        starts = {lock["start_ts"] for lock in start}
        assert any(point["safe_point"] + 1 in starts for point in mine), (mine, starts)
    write.succeeded()
    eventually(lambda: _gone(cluster, mine), 10)
    victim.assert_all()


def _gone(cluster, points: list[dict]) -> None:
    left = {point["service_id"] for point in _service_safe_points(cluster)} & {point["service_id"] for point in points}
    assert not left, left


@pytest.mark.slow
def test_a_write_longer_than_the_locks_live(spark, faults, victim, other):
    """Heartbeats keep the primary: readers that meet the locks for half a minute cannot roll them back."""
    with victim.held("KvPrewrite", skip=20) as reached:
        write = Background(lambda: victim.write(spark))
        reached()
        end = time.monotonic() + 32
        while time.monotonic() < end:
            assert victim.checksum() == (0, 0)
            time.sleep(1)
        assert write.running()
    write.succeeded()
    victim.assert_all()
