"""Fixtures of the suites: one cluster, one Spark session on the packaged jar, one connection to TiDB.

    make test-it SPARK=3.5 [ARGS="-k types"]
"""
import collections
import pathlib
import sys
import time
import uuid

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from support import sparks  # noqa: E402  (needs the path above)
from support.cluster import TestCluster  # noqa: E402
from support.oracle import Oracle  # noqa: E402

LACKS = {
    "existing": {"needs_faults": "a cluster that others run has no fault rules", "needs_control": "a cluster that others run has no control port",
                 "faults": "a cluster that others run is not disturbed", "needs_tikv": "what store an existing cluster has is not known"},
    "tikv": {"needs_faults": "a real TiKV has no fault rules"},
    "test": {"needs_tikv": "the test store cannot do this"},
}
"""Kind of store -> marker of the tests that it leaves out -> why."""
LEFT_OUT: collections.Counter = collections.Counter()

TIERS = {
    # What Spark's interfaces decide. Row keys, types, push-down, faults and random suites are the native half's, which all jars share.
    "line": ["test_bad_input", "test_catalog", "test_ctas", "test_ddl", "test_dml", "test_procedures", "test_push_aggregates", "test_push_tpch",
             "test_reported_partitions", "test_scan", "test_stale_read", "test_time_zones", "test_write_modes", "test_write_refused"],
    # What depends on the store most: keys and ranges of every kind, each index, writes to them.
    "tikv": ["test_every_handle", "test_handles"],
}
"""Modules of a part of the suites."""


def pytest_addoption(parser):
    """Command line of the suites."""
    parser.addoption("--jar", help="the packaged jar, dist/tidb-spark-runtime-*.jar")
    parser.addoption("--random-tables", type=int, default=30, help="tables of the random suite")
    parser.addoption("--random-writes", type=int, default=40, help="tables of the random suite of writes")
    parser.addoption("--random-predicates", type=int, default=300, help="predicates of the random suite of push-down")
    parser.addoption("--histories", type=int, default=50, help="histories of the random suite of DELETE, UPDATE and MERGE")
    parser.addoption("--handle-rows", type=int, default=2000, help="rows of the large tables of test_every_handle")
    parser.addoption("--three-rows", type=int, help="rows of the table of test_three_stores (default 30,000, with --slow 1,000,000)")
    parser.addoption("--three-append", type=int, help="rows that test_three_stores appends (default 20,000, with --slow 1,000,000)")
    parser.addoption("--seed", type=int, help="seed of the random suites (default: a new one, printed)")
    parser.addoption("--tier", choices=["full", *TIERS], default="full", help="which modules: all, what differs between Sparks, the short run on TiKV")
    parser.addoption("--slow", action="store_true", help="also the long matrix of faults")
    parser.addoption("--snapshots", type=int, default=500, help="statements of the bank suite")
    parser.addoption("--snapshot-seconds", type=float, default=60, help="time of the suite of two sessions")


def pytest_configure(config):
    """Marks."""
    config.addinivalue_line("markers", "faults: disturbs the cluster, or waits for what disturbs it")
    config.addinivalue_line("markers", "needs_control: splits regions, leaves locks or reads pairs through the control port; an existing cluster has none")
    config.addinivalue_line("markers", "needs_faults: needs the fault rules or the counters of the test store; every test with the fixture `faults` does")
    config.addinivalue_line("markers", "needs_tikv: needs what the test store has not")
    config.addinivalue_line("markers", "slow: of the long matrix (make test-faults), left out without --slow")


def pytest_report_header(config):
    """What is tested."""
    return f"jar: {config.getoption('--jar')}"


def pytest_collection_modifyitems(config, items):
    """Leaves out what this cluster cannot do, and the long matrix unless it is asked for. `pytest_terminal_summary` prints how many."""
    if (tier := TIERS.get(config.getoption("--tier"))) is not None:
        chosen = [item for item in items if item.module.__name__ in tier]
        config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
        items[:] = chosen
    if not config.getoption("--slow"):
        later = pytest.mark.skip(reason="of the long matrix: --slow (make test-faults)")
        for item in items:
            if item.get_closest_marker("slow"):
                item.add_marker(later)
    store = TestCluster().store
    for item in items:
        needs = {mark.name for mark in item.iter_markers()} | {f"needs_{name}" for name in item.fixturenames if name in ("faults", "control")}
        for need, reason in LACKS[store].items():
            if need in needs:
                item.add_marker(pytest.mark.skip(reason=f"{need}: {reason}"))
                LEFT_OUT[f"{need}: {reason}"] += 1
                break
    LEFT_OUT["all"] = len(items)


def pytest_terminal_summary(terminalreporter):
    """How many tests the kind of store has left out."""
    for reason, count in LEFT_OUT.items():
        if reason != "all":
            terminalreporter.write_line(f"left out: {count} of {LEFT_OUT['all']} tests ({100 * count / LEFT_OUT['all']:.1f} %): {reason}")


@pytest.fixture(scope="session")
def cluster() -> TestCluster:
    """The cluster."""
    return TestCluster()


@pytest.fixture(scope="session")
def jar(request) -> str:
    """Path of the packaged jar."""
    path = request.config.getoption("--jar")
    assert path and pathlib.Path(path).is_file(), f"--jar {path}: no such file (make package)"
    return str(pathlib.Path(path).resolve())


@pytest.fixture(scope="session")
def base_conf(jar, cluster) -> dict[str, str]:
    """Configuration of a session, for tests that start a JVM of their own."""
    return sparks.base_conf(jar, cluster.pd)


@pytest.fixture(scope="session")
def shared_session(base_conf):
    """The session of this process."""
    made = sparks.session(base_conf)
    yield made
    made.stop()


@pytest.fixture
def spark(shared_session):
    """A session without the settings that earlier tests made; its catalog is `tidb_catalog`."""
    made = shared_session.newSession()
    for key in ("spark.sql.session.timeZone", "spark.sql.ansi.enabled"):
        made.conf.set(key, shared_session.sparkContext.getConf().get(key))
    return made


@pytest.fixture(scope="module")
def oracle(cluster):
    """A connection to TiDB."""
    made = Oracle(cluster.status)
    yield made
    made.close()


@pytest.fixture(scope="module")
def database(oracle, request) -> str:
    """A database of the module, dropped after it; the oracle's current one."""
    name = f"it_{request.module.__name__.removeprefix('test_')}_{uuid.uuid4().hex[:6]}"
    oracle.execute(f"CREATE DATABASE {name}", f"USE {name}")
    yield name
    oracle.execute(f"DROP DATABASE {name}")


@pytest.fixture
def table(spark, database):
    """Name of a table -> data frame of it."""
    return lambda name: spark.table(f"{sparks.CATALOG}.{database}.`{name}`")


@pytest.fixture
def ddl(spark, cluster):
    """A function that runs SQL in a session whose catalog knows TiDB; `{c}` is the catalog."""
    name = f"ddl_{time.monotonic_ns()}"
    tidb = cluster.status["tidb"]
    for key, value in {"": sparks.OUR_CLASS, ".pd.addresses": cluster.pd, ".tidb.addresses": f"{tidb['host']}:{tidb['port']}",
                       ".tidb.user": tidb["user"]}.items():
        spark.conf.set(f"spark.sql.catalog.{name}{key}", value)

    def run(statement: str, **names):
        return spark.sql(statement.format(c=name, **names))

    run.catalog, run.spark = name, spark
    return run


@pytest.fixture(scope="module")
def plain_reorganisation(oracle):
    """TiDB fills indexes through its transactions where the store has no import service, which the faster way needs."""
    if TestCluster().store == "tikv":
        yield
        return
    before = {name: oracle.one(f"SELECT @@GLOBAL.{name}") for name in ("tidb_enable_dist_task", "tidb_ddl_enable_fast_reorg")}
    oracle.execute(*[f"SET GLOBAL {name} = OFF" for name in before])
    yield
    oracle.execute(*[f"SET GLOBAL {name} = {value}" for name, value in reversed(before.items())])


@pytest.fixture
def control(cluster):
    """The control port: splits, locks, pairs. Test store and TiKV have it."""
    return cluster.control


@pytest.fixture
def faults(cluster):
    """The control port of the test store with its fault rules; no fault outlives the test."""
    cluster.control.clear_faults()
    yield cluster.control
    cluster.control.clear_faults()
