"""Tasks, executors and drivers that fail in the middle of a write, in applications of their own with several executors.

All attempts of a task have one start_ts; a key that is prewritten again keeps its first value, and every lock is committed with the primary. So
a retry must write the very same pairs, or the write must not be committed.
"""
import itertools
import os
import pathlib
import signal
import time

import pytest

from support.application import Application, send
from support.oracle import Oracle
from support.raw_pairs import pairs
from support.victim import Victim
from support.write_program import row
from support.writing import named

pytestmark = [pytest.mark.faults, pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="needs Linux's /proc")]
ROWS = 4000
SMALL = {"write.request.bytes": "1k", "write.concurrency": "4", "write.batch.bytes": "64k"}
FAST = {"spark.network.timeout": "20s", "spark.network.timeoutInterval": "5s", "spark.executor.heartbeatInterval": "2s", "spark.task.maxFailures": "4", "spark.stage.maxConsecutiveAttempts": "8"}
DISTRIBUTIONS = ["hash", "range"]
numbers = itertools.count()


@pytest.fixture
def victim(faults, cluster, oracle, database) -> Victim:
    """An empty table of a test's own, in four regions."""
    return Victim(cluster, oracle, database, f"victim_{next(numbers)}", ROWS, splits=3)


@pytest.fixture(scope="module")
def executors(base_conf, tmp_path_factory):
    """An application with two executors, which tests kill; Spark brings new ones."""
    with Application(base_conf, tmp_path_factory.mktemp("application") / "log", settings=FAST) as made:
        yield made


def begin(application: Application, victim: Victim, source: str = "range", **options: str) -> Application:
    """Begins the write in eight tasks, more than there are cores."""
    application.executors()
    return application.write(victim.table, ROWS, partitions=8, source=source,
                             options={**SMALL, **{key.replace("__", "."): value for key, value in options.items()}})


# ---------------------------------------------------------------- tasks

@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_a_task_fails_half_way(executors, faults, victim, distribution):
    """Three tasks end with an error after some of their requests, and are run again."""
    faults.set_faults(victim.rule("KvPrewrite", "flashback_in_progress", skip=40, count=1), victim.rule("KvPrewrite", "flashback_in_progress", skip=90, count=2))
    begin(executors, victim, write__distribution=distribution).succeeded()
    assert sum(rule["hits"] for rule in faults.faults()) == 3
    victim.assert_all()


def test_a_task_that_always_fails(executors, faults, victim):
    """The fourth failure is the last; nothing is left of any attempt."""
    faults.set_faults(victim.rule("KvPrewrite", "flashback_in_progress", skip=60, count=-1))
    named(begin(executors, victim).failed(), "flashback")
    faults.clear_faults()
    victim.assert_none()


def test_a_retry_without_a_shuffle(executors, faults, victim):
    """`none` promises nothing: a retry of deterministic input may be committed, if it is, then right."""
    faults.set_faults(victim.rule("KvPrewrite", "flashback_in_progress", skip=60, count=1))
    outcome = begin(executors, victim, write__distribution="none").finished()
    faults.clear_faults()
    victim.assert_truthful(outcome)


@pytest.mark.parametrize("source", ["random", "random_keys"])
def test_other_values_at_a_retry(executors, faults, victim, source):
    """The second attempt computes other rows than those which the first has locked: never committed, and the message says what to do."""
    faults.set_faults(victim.rule("KvPrewrite", "flashback_in_progress", skip=60, count=1))
    text = begin(executors, victim, source=source, write__distribution="none").failed()
    assert faults.faults()[0]["hits"] == 1
    named(text, "persist")
    victim.assert_none()


@pytest.mark.parametrize("source", ["random", "random_keys"])
def test_other_values_before_the_shuffle(executors, faults, victim, source):
    """What the shuffle has written is read again, so the retry has the same rows."""
    faults.set_faults(victim.rule("KvPrewrite", "flashback_in_progress", skip=60, count=2))
    begin(executors, victim, source=source, write__distribution="hash").succeeded()
    assert faults.faults()[0]["hits"] == 2
    assert victim.checksum()[0] == ROWS
    victim.assert_none(others="TRUE")


# ---------------------------------------------------------------- executors

@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_an_executor_is_killed(executors, victim, distribution):
    """kill -9 in the middle of its requests: its tasks run elsewhere, its shuffle files are made again."""
    with victim.held("KvPrewrite", skip=60) as reached:
        begin(executors, victim, write__distribution=distribution)
        reached()
        send(executors.executors()[0], signal.SIGKILL)
    executors.succeeded()
    victim.assert_all()


@pytest.mark.slow
def test_both_executors_are_killed(executors, victim):
    with victim.held("KvPrewrite", skip=100) as reached:
        begin(executors, victim)
        reached()
        for pid in executors.executors():
            send(pid, signal.SIGKILL)
    outcome = executors.finished()
    victim.assert_truthful(outcome)
    assert outcome["event"] == "done", outcome["text"]


@pytest.mark.slow
def test_an_executor_is_killed_and_the_input_is_random(executors, victim):
    """Map tasks run again with other values: either no task had read the old ones, or the write is not committed."""
    with victim.held("KvPrewrite", skip=60) as reached:
        begin(executors, victim, source="random")
        reached()
        send(executors.executors()[0], signal.SIGKILL)
    outcome = executors.finished()
    count = victim.checksum()[0]
    assert count == (ROWS if outcome["event"] == "done" else 0)
    victim.assert_none(others="TRUE" if count else "FALSE")


@pytest.mark.slow
def test_an_executor_freezes_and_wakes_after_the_commit(executors, cluster, victim):
    """A zombie: it goes on with its requests when its work has long been done by another."""
    with victim.held("KvPrewrite", skip=60) as reached:
        begin(executors, victim)
        reached()
        frozen = executors.executors()[0]
        send(frozen, signal.SIGSTOP)
    try:
        executors.succeeded(180)
        before = pairs(cluster, victim.oracle, victim.database, victim.name)
        victim.assert_all()
    finally:
        send(frozen, signal.SIGCONT)
    time.sleep(5)
    assert pairs(cluster, victim.oracle, victim.database, victim.name) == before
    victim.assert_all()


@pytest.mark.slow
def test_speculation(base_conf, faults, victim, tmp_path):
    """Twins of slow tasks run beside them and write the same pairs at once."""
    settings = {**FAST, "spark.speculation": "true", "spark.speculation.interval": "100ms", "spark.speculation.multiplier": "1.1",
                "spark.speculation.quantile": "0.1", "spark.speculation.minTaskRuntime": "100ms"}
    with Application(base_conf, tmp_path / "log", settings=settings) as application:
        faults.set_faults(victim.rule("KvPrewrite", "delay", ms=3000, skip=60, count=8))
        begin(application, victim).succeeded()
        victim.assert_all()


@pytest.mark.slow
def test_speculation_with_random_input(base_conf, faults, victim, tmp_path):
    settings = {**FAST, "spark.speculation": "true", "spark.speculation.interval": "100ms", "spark.speculation.multiplier": "1.1",
                "spark.speculation.quantile": "0.1", "spark.speculation.minTaskRuntime": "100ms"}
    with Application(base_conf, tmp_path / "log", settings=settings) as application:
        faults.set_faults(victim.rule("KvPrewrite", "delay", ms=4000, skip=60, count=8))
        outcome = begin(application, victim, source="random", write__distribution="none").finished()
        count = victim.checksum()[0]
        assert count == (ROWS if outcome["event"] == "done" else 0)
        if outcome["event"] == "failed":
            named(outcome["text"], "persist")
        victim.assert_none(others="TRUE" if count else "FALSE")


# ---------------------------------------------------------------- drivers

def lone(base_conf, tmp_path: pathlib.Path) -> Application:
    """An application in one JVM."""
    return Application(base_conf, tmp_path / "log", master="local[2]")


def take_the_rows(cluster, victim: Victim) -> None:
    """TiDB writes rows with the very keys: it must wait for nobody, but for the time that a dead writer's locks live."""
    connection = Oracle(cluster.status, victim.database)
    try:
        connection.execute("SET innodb_lock_wait_timeout = 60")
        connection.insert(victim.name, [row(number) for number in range(0, ROWS, 50)])
        connection.execute(f"DELETE FROM {victim.name}")
    finally:
        connection.close()


@pytest.mark.slow
@pytest.mark.parametrize("method, skip", [("KvPrewrite", 0), ("KvPrewrite", 100), ("KvCommit", 0)], ids=["primary", "secondaries", "commit"])
def test_the_driver_is_killed_before_the_commit(base_conf, cluster, victim, tmp_path, method, skip):
    """Nobody ends the transaction: its rows are never seen, and its locks go with their time."""
    with lone(base_conf, tmp_path) as application:
        with victim.held(method, skip=skip) as reached:
            begin_alone(application, victim)
            reached()
            application.kill()
    assert victim.checksum() == (0, 0)
    take_the_rows(cluster, victim)
    victim.assert_none_at_last(75)


def begin_alone(application: Application, victim: Victim) -> None:
    """Begins the write in an application without executors."""
    application.write(victim.table, ROWS, options=SMALL)


def test_the_driver_is_killed_after_the_commit(base_conf, faults, cluster, victim, tmp_path):
    """The primary is committed: every row is seen, and whoever meets a lock commits it."""
    with lone(base_conf, tmp_path) as application:
        faults.set_faults(victim.rule("KvCommit", "hang", skip=1, count=-1),
                          {"method": "KvResolveLock", "kind": "hang", "count": -1, "request_source": "spark"})
        begin_alone(application, victim)
        cluster.wait_until(lambda: sum(rule["hits"] for rule in faults.faults()) > 0, 300, 0.05)
        application.kill()
        faults.clear_faults()
    assert victim.checksum() == victim.expected()
    victim.assert_all_at_last(30)


@pytest.mark.slow
def test_the_driver_freezes_for_longer_than_its_locks_live(base_conf, cluster, victim, tmp_path):
    """Others may have rolled it back meanwhile: then it must notice when it wakes."""
    with lone(base_conf, tmp_path) as application:
        with victim.held("KvPrewrite", skip=60) as reached:
            begin_alone(application, victim)
            reached()
            processes = application.processes()
            for pid in processes:
                send(pid, signal.SIGSTOP)
        time.sleep(50)
        take_the_rows(cluster, victim)
        for pid in processes:
            send(pid, signal.SIGCONT)
        text = application.failed()
        assert any(word in text.lower() for word in ("rolled back", "lost", "conflict", "expired")), text
    victim.assert_none_at_last(75)


def test_many_executors_many_faults(executors, faults, victim):
    """Everything at once that a bad day brings, short of a lost process."""
    kinds = ["server_is_busy", "epoch_not_match", "unavailable", "not_leader", "drop_reply", "region_not_found", "late", "stale_command"]
    faults.set_faults(*[victim.rule(method, kind, count=4, skip=10 + 25 * number, ms=30) for method in ("KvPrewrite", "KvCommit")
                        for number, kind in enumerate(kinds)])
    begin(executors, victim).succeeded()
    faults.clear_faults()
    victim.assert_all_at_last(10)

