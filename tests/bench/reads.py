"""Works that read: scans, queries that the stores answer in part, look-ups, a join with a runtime filter, TPC-H."""
from __future__ import annotations

import os
import sys

from . import REPO
from .context import ORDERS_INDEXED, Context
from .contenders import Sample, SparkSide
from .goals import NATIVE_PEAK
from .place import DATA, OWN, TABLES
from .runner import Run, Work

sys.path.insert(0, str(REPO / "tests" / "spark-it"))
from support.tpch import QUERIES  # noqa: E402  (the suites' own text of the 22 queries)

SCANS = {
    "scan-16": ("full scan of lineitem, 16 columns", None),
    "scan-4": ("scan of 4 columns of lineitem", ["l_orderkey", "l_quantity", "l_extendedprice", "l_shipdate"]),
    "scan-strings": ("scan of the 5 texts of lineitem", ["l_returnflag", "l_linestatus", "l_shipinstruct", "l_shipmode", "l_comment"]),
    "scan-decimals": ("scan of the 4 decimals of lineitem", ["l_quantity", "l_extendedprice", "l_discount", "l_tax"]),
    "scan-dates": ("scan of the 3 dates of lineitem", ["l_shipdate", "l_commitdate", "l_receiptdate"]),
}
PICKED = "picked"
PICKED_KEYS = 2_000
"""Orders that the join picks; below the number of values that a runtime filter sends as they are."""
INDEXES = ["ADD INDEX by_customer (o_custkey)", "ADD INDEX by_date (o_orderdate)"]


def drain_run(context: Context, phase: str, columns: list[str] | None, tasks: int | None = None, copies: int = 1) -> Run:
    """The requests of the connector's own plan for lineitem from a Rust program: `drain` drops the answers, `scan` decodes them into Arrow."""
    words = ["--pd", ",".join(context.pd), "--database", DATA, "--table", "lineitem", "--rounds", 1, "--only", phase,
             "--parallelism", tasks or os.cpu_count(), "--copies", copies, *(["--columns", ",".join(columns)] if columns else [])]

    def run(_memory: bool) -> Sample:
        sample, found = context.drain.run(words, rf"{phase} ([\d.]+) s(?:.* peak ([\d.]+) MiB)?")
        return sample._replace(metrics={NATIVE_PEAK: f"{found[2]} MiB"} if found[2] else {})

    return run


def scan_run(side: SparkSide, source: str, columns: list[str] | None, **words) -> Run:
    """A scan of lineitem in Spark."""
    return lambda memory: side.run("scan", source=source, database=DATA, table="lineitem", columns=columns, memory=memory, **words)


def scans(context: Context) -> list[Work]:
    """All rows of lineitem, by kinds of columns."""
    rows = context.tidb.one(f"SELECT count(*) FROM {DATA}.lineitem")
    works = []
    for name, (title, columns) in SCANS.items():
        runs = {"drain": drain_run(context, "drain", columns), "native": drain_run(context, "scan", columns)}
        runs.update({who: scan_run(side, "connector", columns, options=options) for who, side, options in context.variants()})
        runs.update({who: scan_run(side, "jdbc", columns) for who, side in context.jdbcs.items()})
        works.append(Work(name, "scans", title, context.chosen(runs), rows=rows, rounds=5 if name in ("scan-16", "scan-4") else 3))
    return works


def query_runs(context: Context, databases: list[tuple[str, list[str]]], sql: str, catalog: bool = False) -> dict[str, Run]:
    """A query by TiDB, by the connector, through JDBC, and with `catalog` through Spark's JDBC catalog.

    `{0}`, `{1}` ... stand for the databases, each given with the tables that are read.
    """
    def on(side: SparkSide, source: str) -> Run:
        return lambda memory: side.run("query", source=source, databases=databases, sql=sql, memory=memory)

    text = sql.format(*(database for database, _tables in databases))
    runs: dict[str, Run] = {"tidb": lambda _memory: context.tidb_side.query(text)}
    runs.update({who: on(side, "connector") for who, side in context.connectors.items()})
    runs.update({who: on(side, "jdbc") for who, side in context.jdbcs.items()})
    if catalog:
        runs.update({who.replace("jdbc", "jdbc-catalog"): on(side, "jdbc-catalog") for who, side in context.jdbcs.items()})
    return context.chosen(runs)


def queries(context: Context) -> list[Work]:
    """COUNT, Q1 and Q6: the stores filter and aggregate."""
    texts = {"count": ("SELECT count(*) of lineitem", "SELECT count(*) FROM {0}.lineitem"),
             "q1": ("TPC-H Q1: aggregates over nearly all of lineitem", QUERIES[1]), "q6": ("TPC-H Q6: a sum over 2 % of lineitem", QUERIES[6])}
    return [Work(name, "queries", title, query_runs(context, [(DATA, ["lineitem"])], sql, catalog=True), reference="tidb") for name, (title, sql) in texts.items()]


def lookups(context: Context) -> list[Work]:
    """Few rows: by key, through an index, and 1 % and 10 % of a table by a range of an index."""
    summed = "SELECT count(*), sum(o_totalprice), sum(length(o_comment)) FROM {0}." + ORDERS_INDEXED
    # Dates of orders are spread evenly over 2,406 days.
    texts = {"point": ("one order by its primary key", f"SELECT * FROM {{0}}.{ORDERS_INDEXED} WHERE o_orderkey = 7"),
             "index-few": ("orders of one customer, through an index", f"SELECT * FROM {{0}}.{ORDERS_INDEXED} WHERE o_custkey = 7 ORDER BY o_orderkey"),
             "index-1": ("1 % of orders by a range of an index", summed + " WHERE o_orderdate >= DATE '1995-01-01' AND o_orderdate < DATE '1995-01-25'"),
             "index-10": ("10 % of orders by a range of an index", summed + " WHERE o_orderdate >= DATE '1995-01-01' AND o_orderdate < DATE '1995-08-30'")}
    return [Work(name, "lookups", title, query_runs(context, [(OWN, [ORDERS_INDEXED])], sql), reference="tidb", before=lambda: _index(context))
            for name, (title, sql) in texts.items()]


def joins(context: Context) -> list[Work]:
    """A join whose small side tells the large one which keys to read, while it runs."""
    # Spark prunes by a side only when it evaluates a filter of it itself: here one that is not pushed down.
    sql = f"SELECT count(*), sum(l_extendedprice) FROM {{0}}.lineitem JOIN {{1}}.{PICKED} ON l_orderkey = k WHERE upper(kind) = 'X'"
    runs = query_runs(context, [(DATA, ["lineitem"]), (OWN, [PICKED])], sql)
    title = f"lineitem joined with some {PICKED_KEYS:,} picked orders (runtime filter)"
    return [Work("join-filter", "joins", title, runs, reference="tidb", rounds=3, before=lambda: _pick(context))]


def _pick(context: Context) -> None:
    """A table of order keys, spread over all, half of them of each kind."""
    step = max(1, context.tidb.one(f"SELECT count(*) FROM {DATA}.orders") // (2 * PICKED_KEYS))
    context.tidb.execute(
        f"DROP TABLE IF EXISTS {OWN}.{PICKED}", f"CREATE TABLE {OWN}.{PICKED} (k BIGINT PRIMARY KEY, kind VARCHAR(4))",
        f"INSERT INTO {OWN}.{PICKED} SELECT o_orderkey, IF(r DIV {step} % 2, 'x', 'y') FROM "
        f"(SELECT o_orderkey, row_number() OVER (ORDER BY o_orderkey) AS r FROM {DATA}.orders) numbered WHERE r % {step} = 0",
        f"ANALYZE TABLE {OWN}.{PICKED}")


def tpch(context: Context) -> list[Work]:
    """The 22 queries; a group whose sum counts."""
    works = []
    for number, sql in QUERIES.items():
        runs = query_runs(context, [(DATA, list(TABLES))], sql)
        works.append(Work(f"tpch-{number:02}", "tpch", f"TPC-H Q{number}", runs, reference="tidb", rounds=2,
                          rounds_of={who: 1 for who in runs if who.startswith("jdbc")}))
    return works


def _index(context: Context) -> None:
    """The indexed copy of orders, made once in a run."""
    if context.tidb.one(f"SELECT 1 FROM information_schema.tables WHERE table_schema = '{OWN}' AND table_name = '{ORDERS_INDEXED}'") is None:
        context.tidb.copy("orders", ORDERS_INDEXED, INDEXES)
