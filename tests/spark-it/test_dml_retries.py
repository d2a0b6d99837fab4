"""Tasks, executors and drivers that fail in the middle of an UPDATE or a MERGE, in applications of their own.

Whatever happens to its tasks, a statement leaves the rows that TiDB leaves in a twin table by the same statement, or none of its changes.
"""
import contextlib
import itertools
import os
import signal

import pytest

from support.application import LOCAL_CLUSTER, Application, send
from support.dml import Twins
from support.raw_pairs import locks, record_key
from support.sparks import CATALOG
from support.write_program import row
from support.writing import eventually, named
from test_write_retries import FAST

pytestmark = [pytest.mark.faults, pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="needs Linux's /proc")]
ROWS = 3000
DEFINITION = "(id BIGINT PRIMARY KEY CLUSTERED, u BIGINT NOT NULL, s VARCHAR(99), UNIQUE KEY once (u), KEY plain (s))"
HIDDEN = "(id BIGINT, u BIGINT NOT NULL, s VARCHAR(99), UNIQUE KEY once (u), KEY plain (s))"
SMALL = {"spark.tispark.write.request.bytes": "1k", "spark.tispark.write.concurrency": "4", "spark.tispark.write.batch.bytes": "64k",
         "spark.sql.shuffle.partitions": "8"}
STATEMENTS = {
    "update": ("UPDATE {t} SET id = id + 100000, u = u + 1, s = concat('x', s) WHERE id % 4 <> 3",),
    "merge": ("MERGE INTO {t} t USING {s} s ON t.id = s.id WHEN MATCHED AND s.id % 3 = 0 THEN DELETE WHEN MATCHED THEN UPDATE SET u = -s.u, s = s.s "
              "WHEN NOT MATCHED THEN INSERT (id, u, s) VALUES (s.id, -s.u, s.s) WHEN NOT MATCHED BY SOURCE THEN UPDATE SET s = 'alone'",
              "UPDATE {t} t LEFT JOIN {s} s ON t.id = s.id SET t.s = 'alone' WHERE s.id IS NULL",
              "DELETE t FROM {t} t JOIN {s} s ON t.id = s.id WHERE s.id % 3 = 0",
              "UPDATE {t} t JOIN {s} s ON t.id = s.id SET t.u = -s.u, t.s = s.s",
              f"INSERT INTO {{t}} (id, u, s) SELECT id, -u, s FROM {{s}} WHERE id >= {ROWS}"),
}
# The others are of the long matrix.
ALL = ["merge", pytest.param("update", marks=pytest.mark.slow)]
numbers = itertools.count()


@pytest.fixture(scope="module")
def executors(base_conf, tmp_path_factory):
    """An application with two executors, which tests kill; Spark brings new ones."""
    with Application(base_conf, tmp_path_factory.mktemp("application") / "log", settings=FAST) as made:
        yield made


@pytest.fixture(scope="module", autouse=True)
def source(oracle, database):
    """Half of its rows are in the tables that change."""
    oracle.execute("CREATE TABLE source (id BIGINT PRIMARY KEY, u BIGINT, s VARCHAR(99))")
    oracle.insert("source", [row(number) for number in range(ROWS // 2, ROWS * 3 // 2)])


@pytest.fixture(params=[pytest.param(DEFINITION, id="clustered"), pytest.param(HIDDEN, id="hidden", marks=pytest.mark.slow)])
def twins(request, faults, cluster, oracle, database) -> Twins:
    """Twins in four regions."""
    made = Twins(None, cluster, oracle, database, f"changed_{next(numbers)}").create(request.param, [row(number) for number in range(ROWS)])
    number = oracle.table_id(database, made.name)
    cluster.control.split(*[record_key(number, ROWS * n // 4) for n in range(1, 4)])
    return made


def rule(twins: Twins, kind: str, **more) -> dict:
    """A fault of Spark's prewrites of the table."""
    return {"method": "KvPrewrite", "kind": kind, "table_id": twins.oracle.table_id(twins.database, twins.name), "request_source": "spark", **more}


def begin(application: Application, twins: Twins, statement: str, **settings: str) -> Application:
    """Begins the statement in eight tasks, more than there are cores."""
    if application.master == LOCAL_CLUSTER:
        application.executors()
    text = STATEMENTS[statement][0].format(t=twins.table, s=f"{CATALOG}.{twins.database}.source")
    return application.run(text, {**SMALL, **{f"spark.tispark.{key.replace('__', '.')}": value for key, value in settings.items()}})


def assert_done(twins: Twins, statement: str) -> None:
    """As TiDB has done it."""
    twins.in_tidb(*(STATEMENTS[statement][1:] or STATEMENTS[statement]))
    twins.assert_equal(statement)
    eventually(twins.assert_intact, 40)


def assert_undone(twins: Twins) -> None:
    """Nothing has changed."""
    twins.assert_equal("nothing")
    eventually(twins.assert_intact, 40)


@pytest.mark.parametrize("statement", ALL)
def test_tasks_fail_half_way(executors, faults, twins, statement):
    """Tasks end with an error after some of their requests, and are run again."""
    faults.set_faults(rule(twins, "flashback_in_progress", skip=40, count=1), rule(twins, "flashback_in_progress", skip=90, count=2))
    begin(executors, twins, statement).succeeded()
    assert sum(fault["hits"] for fault in faults.faults()) > 0
    faults.clear_faults()
    assert_done(twins, statement)


@pytest.mark.slow
@pytest.mark.parametrize("statement", ALL)
@pytest.mark.parametrize("distribution", ["none", "range"])
def test_other_distributions(executors, faults, twins, statement, distribution):
    """`none` promises nothing: a retry may be committed; if it is, then right."""
    faults.set_faults(rule(twins, "flashback_in_progress", skip=40, count=1))
    outcome = begin(executors, twins, statement, write__distribution=distribution).finished()
    faults.clear_faults()
    if outcome["event"] == "done":
        assert_done(twins, statement)
    else:
        assert distribution == "none", outcome["text"]
        assert_undone(twins)


@pytest.mark.parametrize("statement", ALL)
def test_a_task_that_always_fails(executors, faults, twins, statement):
    """The fourth failure is the last; nothing is left of any attempt."""
    faults.set_faults(rule(twins, "flashback_in_progress", skip=60, count=-1))
    named(begin(executors, twins, statement).failed(), "flashback")
    faults.clear_faults()
    assert_undone(twins)


@contextlib.contextmanager
def held(twins: Twins, skip: int, method: str = "KvPrewrite"):
    """Requests hang after `skip` of them, for the time of the block; gives a function that waits until one does."""
    control = twins.cluster.control
    control.set_faults({**rule(twins, "hang", skip=skip, count=-1), "method": method})
    try:
        yield lambda: twins.cluster.wait_until(lambda: control.faults()[0]["hits"] > 0, 300, 0.05)
    finally:
        control.clear_faults()


@pytest.mark.parametrize("statement", ALL)
def test_an_executor_is_killed(executors, twins, statement):
    """kill -9 in the middle of its requests: its tasks run elsewhere, and what they read is read again, through the statement's own locks."""
    with held(twins, 60) as reached:
        begin(executors, twins, statement)
        reached()
        send(executors.executors()[0], signal.SIGKILL)
    executors.succeeded()
    assert_done(twins, statement)


@pytest.mark.slow
@pytest.mark.parametrize("statement", ALL)
def test_both_executors_are_killed(executors, twins, statement):
    """All shuffle files are lost: the target is scanned again while its rows are locked."""
    with held(twins, 100) as reached:
        begin(executors, twins, statement)
        reached()
        for pid in executors.executors():
            send(pid, signal.SIGKILL)
    executors.succeeded()
    assert_done(twins, statement)


def assert_settled(twins: Twins, what: str) -> None:
    """As the twin, and unlocked but for the primary, which nobody meets."""
    twins.assert_equal(what)
    left = [lock for lock in locks(twins.cluster, twins.oracle, twins.database, twins.name) if lock["type"] != "Lock"]
    assert not left, f"{len(left)} locks are left, the first: {left[0]}"


@pytest.fixture
def lone(base_conf, tmp_path):
    """An application in one JVM."""
    with Application(base_conf, tmp_path / "log", master="local[2]") as made:
        yield made


@pytest.mark.slow
@pytest.mark.parametrize("twins", [DEFINITION], ids=["clustered"], indirect=True)
@pytest.mark.parametrize("method, skip", [("KvPrewrite", 0), ("KvPrewrite", 100), ("KvCommit", 0)], ids=["primary", "secondaries", "commit"])
def test_the_driver_is_killed_before_the_commit(lone, twins, method, skip):
    """Nobody ends the transaction: nothing of the statement is seen, and its locks go with their time, or with the one who meets them."""
    with held(twins, skip, method) as reached:
        begin(lone, twins, "merge")
        reached()
        lone.kill()
    eventually(lambda: assert_settled(twins, "nothing"), 90)


@pytest.mark.parametrize("twins", [DEFINITION], ids=["clustered"], indirect=True)
def test_the_driver_is_killed_after_the_commit(lone, faults, cluster, twins):
    """The primary is committed: all of the statement is seen, and whoever meets a lock commits it."""
    faults.set_faults({**rule(twins, "hang", skip=1, count=-1), "method": "KvCommit"},
                      {"method": "KvResolveLock", "kind": "hang", "count": -1, "request_source": "spark"})
    begin(lone, twins, "merge")
    cluster.wait_until(lambda: sum(fault["hits"] for fault in faults.faults()) > 0, 300, 0.05)
    lone.kill()
    faults.clear_faults()
    twins.in_tidb(*STATEMENTS["merge"][1:])
    eventually(lambda: assert_settled(twins, "merge"), 40)
    twins.assert_intact()
