"""Reads at followers, in a cluster of three stores of its own: what the stores were asked, and that the answers are the same."""
import os
import time

import pytest

from support import history
from support.cluster import REPO  # also puts the harness on the path
from support.oracle import Oracle
from support.pd import LOGICAL_BITS
from support.sparks import OUR_CLASS, settings

from harness.cluster import Cluster
from harness.control import Control

pytestmark = pytest.mark.needs_faults
ROWS = 2000
# From when on TiKV should have resolved a snapshot everywhere (native/client/src/region/replica.rs).
STALE_SECONDS = 20.2


@pytest.fixture(scope="module")
def three(cluster):
    """Status of a cluster of three stores."""
    if cluster.control is None:
        pytest.skip("an existing cluster has no control port")
    made = Cluster(f"replicas-{os.getpid()}")
    assert (REPO / "tests").is_dir()
    try:
        yield made.up(region_size=1 << 16, stores=3)
    finally:
        made.down()


@pytest.fixture(scope="module")
def past(three):
    """A moment at which the table was full, before all of it was changed; and the table's id."""
    oracle = Oracle(three)
    oracle.execute("CREATE DATABASE d", "USE d", "CREATE TABLE t (id INT PRIMARY KEY, v INT, pad VARCHAR(200))")
    oracle.insert("t", [(number, number % 7, "x" * 150) for number in range(ROWS)])
    millis = history.moment(oracle)
    oracle.execute("UPDATE t SET v = 100")
    yield millis, oracle.table_id("d", "t")
    oracle.close()


@pytest.fixture
def asked(three, past):
    """Counts requests of Spark for rows of the table: {"stale": n, "replica": n, "leader": n}; and rules that go before."""
    control, table = Control(three["store"]["control"]), {"method": "Coprocessor", "count": -1, "table_id": past[1], "request_source": "external_spark"}
    flags = {"stale": (True, False), "replica": (False, True), "leader": (False, False)}

    def begin(*more: dict):
        count = [{**table, "kind": "delay", "ms": 0, "stale_read": stale, "replica_read": replica} for stale, replica in flags.values()]
        control.set_faults(*count, *[{**table, **rule} for rule in more])
        return lambda: dict(zip([*flags, *[rule["kind"] for rule in more]], [rule["hits"] for rule in control.faults()]))

    yield begin
    control.clear_faults()


@pytest.fixture
def replicas(spark, three):
    """A session with the cluster as catalog `replicas`."""
    spark.conf.set("spark.sql.catalog.replicas", OUR_CLASS)
    spark.conf.set("spark.sql.catalog.replicas.pd.addresses", ",".join(three["pd"]["addresses"]))
    return spark


def _sums(spark, clause: str = "") -> tuple:
    return tuple(spark.sql(f"SELECT count(*), sum(v), sum(length(pad)) FROM replicas.d.t {clause}").head())


NOW, THEN = (ROWS, 100 * ROWS, 150 * ROWS), (ROWS, sum(number % 7 for number in range(ROWS)), 150 * ROWS)


def test_the_present(replicas, asked):
    """Leaders unless it is said otherwise; followers are asked for their newest rows."""
    hits = asked()
    assert _sums(replicas) == NOW
    assert hits()["leader"] > 0 and hits()["replica"] == hits()["stale"] == 0, hits()
    with settings(replicas, tispark__replica_read="follower"):
        hits = asked()
        assert _sums(replicas) == NOW
        assert hits()["replica"] > 0 and hits()["leader"] == hits()["stale"] == 0, hits()
    with settings(replicas, tispark__replica_read="learner,leader"):
        hits = asked()
        assert _sums(replicas) == NOW
        assert hits()["leader"] > 0 and hits()["replica"] == 0, hits()
    with settings(replicas, tispark__replica_read="closest"), pytest.raises(Exception, match="leader, follower, learner"):
        _sums(replicas)


def _only_stale(asked, read, tries: int = 5) -> tuple:
    """What `read` answers when all its requests were stale reads. The store splits regions that have grown, and the first read that
    meets such a region asks the leader what became of it: that read is made again, and the next one knows."""
    for _ in range(tries):
        hits = asked()
        answer, counts = read(), hits()
        assert counts["stale"] > 0 and counts["replica"] == 0, counts
        if counts["leader"] == 0:
            return answer
    pytest.fail(f"leaders were asked in {tries} reads, at last {counts}")


def test_the_past(replicas, three, past, asked):
    """Old moments are stale reads of followers, and the leaders' where a follower is behind."""
    millis, _ = past
    time.sleep(max(0.0, millis / 1000 + STALE_SECONDS - time.time()))
    for clause in (f"VERSION AS OF {millis << LOGICAL_BITS}", f"TIMESTAMP AS OF '{history.text_of(millis)}'"):
        with settings(replicas, tispark__replica_read="follower"):
            assert _only_stale(asked, lambda: _sums(replicas, clause)) == THEN
            hits = asked({"kind": "data_is_not_ready", "stale_read": True})
            assert _sums(replicas, clause) == THEN
            assert hits()["leader"] >= hits()["data_is_not_ready"] > 0, hits()
        hits = asked()
        assert _sums(replicas, clause) == THEN
        assert hits()["leader"] > 0 and hits()["stale"] == 0, hits()
    with settings(replicas, tispark__replica_read="follower", tispark__stale_read=str(millis)):
        assert _only_stale(asked, lambda: _sums(replicas)) == THEN
    assert _sums(replicas) == NOW
