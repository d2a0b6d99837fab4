"""Faults, restarts and splits during a scan; cancelled queries; memory over many scans. They disturb the cluster."""
import os
import threading
import time

import pytest

from support.compare import assert_rows
from support.oracle import Oracle
from support.sparks import CATALOG, own_jvm, settings
from support.values import spark_rows

pytestmark = pytest.mark.faults
ROWS = 8000


def record_key(table_id: int, handle: int) -> bytes:
    """Raw key of a row."""
    return b"t" + (table_id ^ 1 << 63).to_bytes(8, "big") + b"_r" + (handle ^ 1 << 63).to_bytes(8, "big")


@pytest.fixture(scope="module")
def victim(oracle, database) -> int:
    """A table in two dozens of regions, whatever the store has split by size yet; its id."""
    oracle.execute("CREATE TABLE victim (id INT PRIMARY KEY, v BIGINT, s VARCHAR(300))")
    oracle.execute(f"SPLIT TABLE {database}.victim BY {', '.join(f'({handle})' for handle in range(0, ROWS, 333))}")
    oracle.insert("victim", [(n, n * n, f"{n:0>200}") for n in range(ROWS)])
    return oracle.table_id(database, "victim")


@pytest.fixture(scope="module")
def expected(oracle, database, victim) -> list[tuple]:
    """TiDB's rows of the victim, read before any fault is set: a fault would hit TiDB's own requests as well."""
    return [(int(row[0]), int(row[1]), row[2]) for row in oracle.rows(f"SELECT * FROM {database}.victim")]


@pytest.fixture
def same(expected, table):
    """Reads the victim through Spark, compares every row, and returns their number."""
    def read() -> int:
        frame = table("victim")
        assert_rows(spark_rows(frame), expected, frame.columns)
        return len(expected)

    return read


@pytest.fixture
def small_partitions(spark):
    """A region or two per Spark partition: many tasks and many requests."""
    with settings(spark, tispark__scan__partition__size="128k"):
        yield


@pytest.mark.parametrize("kind", ["not_leader", "not_leader_hint", "region_not_found", "key_not_in_region", "epoch_not_match", "server_is_busy",
                                  "stale_command", "store_not_match", "max_ts_not_synced", "read_index_not_ready", "proposal_in_merging_mode",
                                  "data_is_not_ready", "region_not_initialized", "recovery_in_progress", "unavailable", "drop_reply"])
def test_faults_are_survived(faults, victim, same, kind):
    faults.set_faults({"method": "Coprocessor", "kind": kind, "count": 5, "skip": 2, "ms": 20, "table_id": victim})
    assert same() == ROWS
    assert faults.faults()[0]["hits"] == 5


def test_a_mixture(faults, victim, same):
    kinds = ("server_is_busy", "epoch_not_match", "unavailable", "not_leader", "drop_reply", "region_not_found")
    faults.set_faults(*[{"method": "Coprocessor", "kind": kind, "count": 3, "skip": 3 * n, "ms": 5, "table_id": victim}
                        for n, kind in enumerate(kinds)])
    assert same() == ROWS


def test_a_fault_that_does_not_end(faults, spark, victim, table):
    """The deadline ends it, with the reason."""
    faults.set_faults({"method": "Coprocessor", "kind": "server_is_busy", "count": -1, "ms": 50, "table_id": victim})
    begin = time.monotonic()
    with settings(spark, tispark__deadline__read="3s"):
        with pytest.raises(Exception, match="(?i)busy"):
            table("victim").collect()
    assert time.monotonic() - begin < 30


def test_requests_that_hang(faults, spark, victim, same):
    """An answer that never comes ends with the time-out of the request, and the request is sent again."""
    faults.set_faults({"method": "Coprocessor", "kind": "hang", "count": 2, "skip": 1, "table_id": victim})
    begin = time.monotonic()
    with settings(spark, tispark__request__timeout="2s"):
        assert same() == ROWS
    assert 1.9 < time.monotonic() - begin < 20
    assert faults.faults()[0]["hits"] == 2


def test_regions_split_during_a_scan(faults, cluster, victim, same, small_partitions):
    """The plan knows regions that are gone when its tasks run."""
    faults.set_faults({"method": "Coprocessor", "kind": "delay", "ms": 100, "count": -1, "table_id": victim})
    errors = []

    def split():
        try:
            time.sleep(0.3)
            faults.split(*[record_key(victim, handle) for handle in range(50, ROWS, 400)])
        except Exception as error:  # reported by the test's own thread
            errors.append(error)

    thread = threading.Thread(target=split)
    thread.start()
    assert same() == ROWS
    thread.join()
    assert not errors
    faults.clear_faults()
    assert same() == ROWS


@pytest.mark.parametrize("role, verb", [("store", "restart"), ("pd", "restart"), ("store", "pause")])
def test_servers_that_go_away_during_a_scan(faults, cluster, victim, same, small_partitions, role, verb):
    if verb != "restart":
        begin = time.monotonic()
        cluster.server("pause", role)
        timer = threading.Timer(2, lambda: cluster.server("resume", role))
        timer.start()
        try:
            assert same() == ROWS
        finally:
            timer.join()
        assert time.monotonic() - begin > 1.5
        return
    faults.set_faults({"method": "Coprocessor", "kind": "delay", "ms": 60, "count": -1, "table_id": victim})
    thread = threading.Timer(0.5, lambda: cluster.server("restart", role))
    thread.start()
    try:
        assert same() == ROWS
    finally:
        thread.join()
    cluster.wait_until(lambda: _answers(cluster), 60, 0.5)


def _answers(cluster) -> bool:
    try:
        Oracle(cluster.status).close()
        return True
    except Exception:
        return False


def test_locks_of_a_crashed_writer(control, cluster, oracle, database, table, victim, same):
    """Locks that nobody will release: resolved when their time is over, and the old values are read."""
    keys = [record_key(victim, handle).hex() for handle in range(10, 60)]
    control.lock(keys=keys, primary=keys[0], op="del", ttl_ms=1500)
    assert same() == ROWS


def test_a_long_transaction_does_not_block(cluster, oracle, database, table, victim, same):
    """A live writer holds locks (pessimistic ones here) and has not committed: readers see the rows before it."""
    writer = Oracle(cluster.status, database)
    try:
        writer.execute("BEGIN PESSIMISTIC", "UPDATE victim SET v = v + 1 WHERE id < 500")
        begin = time.monotonic()
        assert same() == ROWS
        assert time.monotonic() - begin < 20
    finally:
        writer.execute("ROLLBACK")
        writer.close()


# ---------------------------------------------------------------- cancel

def test_a_cancelled_query_stops_its_requests(faults, cluster, spark, table, victim, small_partitions):
    faults.set_faults({"method": "Coprocessor", "kind": "delay", "ms": 30_000, "count": -1, "table_id": victim})
    context = spark.sparkContext
    failed = []

    def run():
        context.setJobGroup("to-be-cancelled", "scan", interruptOnCancel=True)
        try:
            table("victim").collect()
        except Exception as error:
            failed.append(str(error))

    from pyspark import InheritableThread

    thread = InheritableThread(target=run)
    thread.start()
    # Not any request in flight: TiDB has some of its own.
    cluster.wait_until(lambda: faults.faults()[0]["hits"] > 0, 20)
    context.cancelJobGroup("to-be-cancelled")
    waited = cluster.wait_until(lambda: cluster.in_flight() == 0, 3)
    thread.join(20)
    assert not thread.is_alive() and failed and "cancel" in failed[0].lower()
    assert waited < 1.5, f"requests went on for {waited:.1f} s"


@pytest.mark.needs_faults
def test_a_limit_stops_the_rest(cluster, spark, table, victim):
    """LIMIT takes what it needs; nothing goes on behind it."""
    assert len(table("victim").limit(5).collect()) == 5
    cluster.wait_until(lambda: cluster.in_flight() == 0, 2)


# ---------------------------------------------------------------- memory

COLLECT_GARBAGE = "SELECT java_method('java.lang.System', 'gc')"


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="needs Linux's /proc")
def test_memory_is_flat_over_a_thousand_scans(base_conf, control, oracle, database):
    """170 queries of 6 regions, a Spark partition each: resident memory and open files of a JVM do not grow.

    The heap is touched whole at the start, so that what grows is native. Spark alone grows by some 70 MiB meanwhile, compiled code mostly
    (measured with a query on `range`); the queries read 340 MiB.
    """
    oracle.execute("CREATE TABLE small_ (id INT PRIMARY KEY, s VARCHAR(4000))")
    oracle.insert("small_", [(number, "x" * 4000) for number in range(500)])
    control.split(*[record_key(oracle.table_id(database, "small_"), handle) for handle in (0, 100, 200, 300, 400)])
    query = f"SELECT sum(length(s)) FROM {CATALOG}.{database}.small_"
    partitions = f"SELECT count(DISTINCT p) FROM (SELECT spark_partition_id() AS p FROM {CATALOG}.{database}.small_)"
    # Code cache, class metadata and thread pools fill first.
    statements = [query] * 60 + [partitions, COLLECT_GARBAGE] + [query] * 170 + [COLLECT_GARBAGE]
    conf = {**base_conf, "spark.driver.memory": "1g", "spark.tispark.scan.partition.size": "1", "spark.sql.shuffle.partitions": "1"}
    answers = own_jvm(conf, statements, java_options="-Xms1g -XX:+AlwaysPreTouch", timeout=900).answers
    assert all(answer.get("rows") == [[2_000_000]] for statement, answer in zip(statements, answers) if statement == query)
    assert answers[60]["rows"][0][0] >= 5
    before, after = answers[61], answers[-1]
    print(f"resident: {before['resident_kib']} KiB, after 170 queries {after['resident_kib']} KiB")
    assert after["resident_kib"] - before["resident_kib"] < 128 * 1024, f"{before['resident_kib']} -> {after['resident_kib']} KiB"
    assert after["files"] <= before["files"] + 10


def test_no_handle_is_left_open(base_conf, oracle, database, victim):
    """The cleaner logs a handle that nobody closed: whole scans, limits, failures and counts in a JVM that then collects its garbage."""
    name = f"{CATALOG}.{database}.victim"
    statements = [f"SELECT * FROM {name} LIMIT 5", f"SELECT count(*) FROM {name}", f"SELECT max(s) FROM {name}",
                  f"SELECT raise_error('stop') FROM {name}", f"SELECT * FROM {name} a JOIN {name} b USING (id) LIMIT 3"] * 5
    conf = {**base_conf, "spark.tispark.scan.partition.size": "128k", "spark.tispark.scan.batch.rows": "100"}
    result = own_jvm(conf, [*statements, COLLECT_GARBAGE, COLLECT_GARBAGE, "SELECT 1"])
    assert sum("error" in answer for answer in result.answers[:25]) == 5
    assert result.answers[-1]["rows"] == [[1]]
    assert "was not closed" not in result.log, result.log[-3000:]


def _metric(frame, name: str) -> int:
    """Sum over tasks of a metric of the scan, after the data frame was collected."""
    leaves = frame._jdf.queryExecution().executedPlan().collectLeaves()
    return leaves.apply(0).metrics().apply(name).value()


@pytest.mark.parametrize("limit", [2, 64])
def test_native_memory_of_a_task(spark, database, victim, table, limit):
    """Tasks stay below their limit, however much they read."""
    with settings(spark, tispark__scan__memory__limit=f"{limit}m", tispark__scan__partition__size="1g"):
        frame = table("victim")
        assert len(frame.collect()) == ROWS
        assert _metric(frame, "tidbRows") == ROWS
        # The sum over the tasks.
        assert 0 < _metric(frame, "tidbPeakMemory") <= (limit << 20) * table("victim").rdd.getNumPartitions()
