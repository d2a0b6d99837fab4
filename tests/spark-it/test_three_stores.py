"""Three real TiKV stores, in a cluster of this module's own, and what happens to them under scans and writes: killed, frozen, leaders of PD and of
regions that move, splits and merges. Every scan is right, every write is there or says that it is not, and nobody waits for one store.

    make test-tikv-it ARGS="-k three_stores"      # small tables, some of the stores
    make test-tikv-it ARGS="-k three_stores --slow"    # 1,000,000 rows and as many appended, each store in turn, longer

Each test prints its figures. How long a scan may take is measured by TiDB's own queries in the same minutes.
"""
import os
import signal
import time

import pytest

from support import sparks
from support.application import Application
from support.sparks import OUR_CLASS, settings
from support.three_stores import Trio, item_answers
from support.under_load import Load

from harness.cluster import Cluster

pytestmark = [pytest.mark.needs_tikv, pytest.mark.faults]
CATALOG = "three"
KILLED = 25.0
"""Seconds until a killed store is started again: more than TiKV takes to elect other leaders."""
STORES = ["store", "store-2", "store-3"]


def _one_unless_slow(chosen: str) -> list:
    """Each store in turn in the long run, one of them in the short one."""
    return [role if role == chosen else pytest.param(role, marks=pytest.mark.slow) for role in STORES]


@pytest.fixture(scope="module")
def sizes(request) -> dict[str, float]:
    """What the two runs differ in. A server stands still for longer than TiDB waits for it and the tolerance, which is 27 s for a store and 13 s for PD:
    whoever waits until it is back must be found out."""
    slow, option = request.config.getoption("--slow"), request.config.getoption
    rows, append = option("--three-rows") or (1_000_000 if slow else 30_000), option("--three-append") or (1_000_000 if slow else 20_000)
    return {"slow": slow, "rows": rows, "append": append,
            "frozen": 70.0 if slow else 40.0, "frozen_pd": 30.0 if slow else 20.0, "moves": 30.0 if slow else 10.0}


@pytest.fixture(scope="module")
def trio(sizes):
    """The cluster with its tables. SIGTERM, the fate of a run that takes too long, must not leave servers behind."""
    def terminated(*_):
        raise KeyboardInterrupt

    before, made = signal.signal(signal.SIGTERM, terminated), Cluster(f"three-{os.getpid()}")
    try:
        running = Trio(made, made.up(region_size=1 << 20, stores=3, kind="tikv", pds=3))
        running.load(sizes["rows"])
        yield running
    finally:
        made.down()
        signal.signal(signal.SIGTERM, before)


@pytest.fixture(scope="module")
def answers(sizes) -> dict[str, tuple]:
    """Queries of `items` with the right answers."""
    return item_answers(sizes["rows"])


@pytest.fixture(scope="module")
def writer(jar, trio, tmp_path_factory):
    """A function that gives the application that writes; a new one if the last test has lost it."""
    running: list[Application] = []

    def give() -> Application:
        if running and (running[-1].running() or not running[-1].processes()):
            running.pop().__exit__()
        if not running:
            log = tmp_path_factory.mktemp("writer") / "log"
            running.append(Application(sparks.base_conf(jar, trio.pd), log, master="local[2]"))
        return running[-1]

    yield give
    for application in running:
        application.__exit__()


@pytest.fixture
def session(spark, trio):
    """A Spark session with the cluster as a catalog, and some tasks per scan."""
    spark.conf.set(f"spark.sql.catalog.{CATALOG}", OUR_CLASS)
    spark.conf.set(f"spark.sql.catalog.{CATALOG}.pd.addresses", trio.pd)
    return spark


@pytest.fixture
def load(session, trio, writer, answers, sizes):
    """Begins the load on a whole cluster in which each store leads a third, `first` also the region of the schema."""
    begun: list[Load] = []
    size = f"{max(2, sizes['rows'] >> 16)}m"

    def begin(first: str = "store") -> Load:
        trio.whole()
        application = writer()
        trio.spread(first)
        begun.append(Load(trio, session, CATALOG, application, answers, sizes["append"], slowed=not sizes["slow"]))
        begun[0].warm().write()
        return begun[0]

    with settings(session, tispark__scan__partition__size=size):
        yield begin
        for one in begun:
            one.stop()


@pytest.mark.parametrize("role", _one_unless_slow("store"))
def test_a_store_is_killed(trio, load, role):
    running = load(role)
    with trio.killed(role):
        time.sleep(KILLED)
    running.end(f"SIGKILL of {role}", timely=True)


@pytest.mark.parametrize("role", _one_unless_slow("store-2"))
def test_a_store_stands_still(trio, load, sizes, role):
    """Its connections stay open and nothing answers, which is worse than a store that is gone."""
    running = load(role)
    with trio.frozen(role):
        time.sleep(sizes["frozen"])
    running.end(f"SIGSTOP of {role}", timely=True)


def test_followers_serve_while_a_store_is_killed(session, trio, load):
    """Reads at followers: a third of them had their rows from the store that is gone."""
    with settings(session, tispark__replica_read="follower"):
        running = load("store-3")
        with trio.killed("store-3"):
            time.sleep(KILLED)
        running.end("reads at followers, SIGKILL of store-3", timely=True)


def test_the_leader_of_pd_moves(trio, load, sizes):
    """It resigns again and again."""
    running, leaders = load(), [trio.pd_leader()]
    end = time.monotonic() + sizes["moves"]
    while time.monotonic() < end:
        trio.ask_pd("/pd/api/v1/leader/resign", "POST")
        time.sleep(3)
        leaders.append(trio.pd_leader())
    changes = sum(one != other for one, other in zip(leaders, leaders[1:]))
    running.end(f"{changes} moves of PD's leader", timely=False)
    assert changes >= 2, leaders


def test_the_leader_of_pd_stands_still(trio, load, sizes):
    """Two members are left and elect another one."""
    running, role = load(), trio.pd_leader()
    assert role in trio.cluster.roles(), role
    with trio.frozen(role):
        time.sleep(sizes["frozen_pd"])
    running.end(f"SIGSTOP of the leader of PD, {role}", timely=True)


def test_regions_split_merge_and_move(trio, load, sizes):
    """Regions and leaders are never what the plan of a scan or a write believes."""
    running = load()
    with trio.churn("items", sizes["rows"]) as items, trio.churn(running.filled, sizes["append"]) as filled:
        end = time.monotonic() + sizes["moves"]
        while time.monotonic() < end or running.writer.running():
            assert time.monotonic() < end + 600, "the writes do not end"
            time.sleep(0.1)
    done = {name: items[name] + filled[name] for name in items}
    running.end(", ".join(f"{count} {name}" for name, count in done.items()), timely=False)
    assert all(done.values()), done
