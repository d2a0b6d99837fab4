"""Works that write: appends of orders and lineitem, upsert, UPDATE and DELETE of 10 % of orders. What was written is checked each time."""
from __future__ import annotations

import itertools
import os
import pathlib
import re
import subprocess
import sys
import tempfile

from .contenders import Sample, SparkSide
from .context import Context
from .place import DATA, OWN, Failure
from .runner import Run, Work

ROWS_PER_FILE = 100_000
"""Of lineitem in a file of LOAD DATA, as tests/cluster loads them."""
APPENDS = {
    "orders": ("append of orders, with an index on o_custkey", "ADD INDEX by_customer (o_custkey)",
               "count(*), sum(o_orderkey), sum(o_totalprice), sum(crc32(o_comment))"),
    "lineitem": ("append of lineitem", "COMMENT = ''", "count(*), sum(l_orderkey), sum(l_extendedprice), sum(crc32(l_comment))"),
}
"""Table -> title, what its copy has beside the columns and the primary key, a checksum of its rows."""
IN_FLIGHT = 16
"""Requests per task of the connector, by default; the floor has as many in all."""
CHANGED = "orders_changed"
TENTH = "o_orderkey % 10 = 3"
"""Rows all over the table; no range of a key finds them."""


class Append:
    """The contenders of the append of one table; each writes into an empty table of the same definition."""

    def __init__(self, context: Context, source: str):
        self.context, self.source = context, source
        self._folder: tempfile.TemporaryDirectory | None = None
        self._files: list[pathlib.Path] = []

    def _empty(self, target: str) -> None:
        self.context.tidb.execute(f"DROP TABLE IF EXISTS {OWN}.{target}", f"CREATE TABLE {OWN}.{target} LIKE {DATA}.{self.source}",
                                  f"ALTER TABLE {OWN}.{target} {APPENDS[self.source][1]}")

    def before(self) -> None:
        """Rows in Spark's memory, files, and a table with the pairs of the floor."""
        sides = [side for who, side in self.context.connectors.items() if self.context.chosen({who: None, who.replace("connector", "jdbc"): None})]
        for side in sides:
            side.ask("load", database=DATA, table=self.source)
        if self.source == "orders" and self.context.chosen({"floor": None}):
            self.context.tidb.copy(self.source, self._model[1], [APPENDS[self.source][1]])
        if self.context.chosen({"load-data": None}):
            self._folder = tempfile.TemporaryDirectory()
            tool = pathlib.Path(sys.executable).parent / "tpchgen-cli"
            parts = max(1, round(6_000_000 * float(self.context.args.scale) / ROWS_PER_FILE))
            subprocess.run([tool, "tbl", "-s", self.context.args.scale, f"--tables={self.source}", f"--output-dir={self._folder.name}",
                            *([f"--parts={parts}"] if parts > 1 else [])], check=True, stdout=subprocess.DEVNULL)
            self._files = sorted(pathlib.Path(self._folder.name).rglob("*.tbl"))

    def after(self) -> None:
        """Lets go of all that."""
        for side in self.context.connectors.values():
            if side.running:
                side.ask("unload")
        self.context.tidb.execute(f"DROP TABLE IF EXISTS {OWN}.{self.source}_model")
        if self._folder:
            self._folder.cleanup()

    @property
    def _model(self) -> tuple[str, str]:
        """Database and table whose pairs the floor writes; lineitem's copy has nothing that lineitem itself has not."""
        return (DATA, self.source) if self.source == "lineitem" else (OWN, f"{self.source}_model")

    def _checked(self, who: str, write) -> Run:
        target = re.sub(r"\W", "_", f"{self.source}_{who}")

        def run(memory: bool) -> Sample:
            self._empty(target)
            sample = write(target, memory)
            checksum = f"SELECT {APPENDS[self.source][2]} FROM "
            if self.context.tidb.rows(f"{checksum} {OWN}.{target}") != self.context.tidb.rows(f"{checksum} {DATA}.{self.source}"):
                raise Failure(f"{who} has not written the rows of {self.source}")
            self.context.tidb.execute(f"DROP TABLE {OWN}.{target}")
            return sample

        return run

    def _floor(self, target: str, _memory: bool) -> Sample:
        tidb = self.context.tidb
        words = ["--pd", ",".join(self.context.pd), "--from", tidb.table_id(*self._model), "--to", tidb.table_id(OWN, target),
                 "--concurrency", IN_FLIGHT * (os.cpu_count() or 1)]
        sample, found = self.context.floor.run(words, r"floor ([\d.]+) s: prewrite ([\d.]+) s, commit ([\d.]+) s; (\d+) pairs, (\d+) bytes")
        # Its memory is that of all pairs at once: no figure to compare with.
        return sample._replace(peak_mib=None, metrics={"prewrite": f"{found[2]} s", "commit": f"{found[3]} s", "pairs": found[4], "bytes": found[5]})

    def work(self) -> Work:
        """The work with all its contenders."""
        def spark(side: SparkSide, source: str, options: dict):
            return lambda target, memory: side.run("write", source=source, database=OWN, table=target, memory=memory, options=options)

        writes = {"floor": self._floor}
        writes.update({who: spark(side, "connector", options) for who, side, options in self.context.variants()})
        writes.update({who: spark(side, "jdbc", {}) for who, side in self.context.jdbcs.items()})
        writes["load-data"] = lambda target, _memory: self.context.tidb_side.load_data(OWN, target, self._files)
        runs = self.context.chosen({who: self._checked(who, write) for who, write in writes.items()})
        long = self.source == "lineitem"
        return Work(f"append-{self.source}", "appends", APPENDS[self.source][0], runs, rounds=2 if long else 3, warm_up=not long,
                    rounds_of={"load-data": 1, **{who: 1 for who in runs if who.startswith("jdbc")}} if long else {},
                    rows=self.context.tidb.one(f"SELECT count(*) FROM {DATA}.{self.source}"), before=self.before, after=self.after)


def appends(context: Context) -> list[Work]:
    """Bulk loads into empty tables."""
    return [Append(context, source).work() for source in APPENDS]


class Changes:
    """Upsert, UPDATE and DELETE of a tenth of a copy of orders with an index. Every run changes every row of the tenth."""

    def __init__(self, context: Context):
        self.context = context
        self._step = itertools.count(1)
        self._rows = 0
        self._sum = 0

    def before(self) -> None:
        """The copy, and the tenth in Spark's memory."""
        self.context.tidb.copy("orders", CHANGED, [APPENDS["orders"][1]])
        self._rows, self._sum = self._state(f"{DATA}.orders")
        for who, side in self.context.connectors.items():
            if self.context.chosen({who: None}):
                side.ask("load", database=DATA, table="orders", where=TENTH)

    def after(self) -> None:
        """Lets go of it."""
        for side in self.context.connectors.values():
            if side.running:
                side.ask("unload")
        self.context.tidb.execute(f"DROP TABLE IF EXISTS {OWN}.{CHANGED}")

    def _state(self, table: str = f"{OWN}.{CHANGED}") -> tuple:
        return self.context.tidb.rows(f"SELECT count(*), sum(o_totalprice) FROM {table} WHERE {TENTH}")[0]

    def _check(self, what: str, expected: tuple) -> None:
        if (found := self._state()) != expected:
            raise Failure(f"{what}: rows and sum of the changed tenth are {found} and not {expected}")

    def _upsert(self, write) -> Run:
        def run(memory: bool) -> Sample:
            step = next(self._step)
            sample = write(step, memory)
            self._check("upsert", (self._rows, self._sum + step * self._rows))
            return sample

        return run

    def _update(self, change) -> Run:
        def run(memory: bool) -> Sample:
            rows, total = self._state()
            sample = change(memory)
            self._check("UPDATE", (rows, total + rows))
            return sample

        return run

    def _delete(self, change) -> Run:
        def run(memory: bool) -> Sample:
            if self._state()[0] != self._rows:
                self.context.tidb.execute(f"INSERT IGNORE INTO {OWN}.{CHANGED} SELECT * FROM {DATA}.orders WHERE {TENTH}")
            sample = change(memory)
            self._check("DELETE", (0, None))
            return sample

        return run

    def works(self) -> list[Work]:
        """The three, each beside TiDB's own statement; Spark's JDBC source has none of them."""
        context, table = self.context, f"{OWN}.{CHANGED}"

        def in_spark(statement: str):
            def on(side: SparkSide):
                return lambda memory: side.run("statement", sql=statement.replace(table, "{0}." + table), memory=memory)

            return {who: on(side) for who, side in context.own.items()}

        def in_tidb(statement: str):
            return {"tidb": lambda _memory: context.tidb_side.statement(statement)}

        def upsert(side: SparkSide, options: dict):
            return lambda step, memory: side.run("write", source="connector", database=OWN, table=CHANGED, memory=memory, options=options,
                                                 add=["o_totalprice", step])

        source = "o_orderkey, o_custkey, o_orderstatus, o_totalprice + {step}, o_orderdate, o_orderpriority, o_clerk, o_shippriority, o_comment"
        replace = f"REPLACE INTO {table} SELECT {source} FROM {DATA}.orders WHERE {TENTH}"
        upserts = {"tidb": lambda step, _memory: context.tidb_side.statement(replace.format(step=step))}
        upserts.update({who: upsert(side, {"replace": "true"} if who == "tispark" else {"write.mode": "upsert"}) for who, side in context.connectors.items()})
        update = f"UPDATE {table} SET o_totalprice = o_totalprice + 1 WHERE {TENTH}"
        delete = f"DELETE FROM {table} WHERE {TENTH}"
        texts = [("upsert-10", "upsert of 10 % of orders (TiDB: REPLACE ... SELECT)", {who: self._upsert(write) for who, write in upserts.items()}),
                 ("update-10", "UPDATE of 10 % of orders", {who: self._update(run) for who, run in {**in_tidb(update), **in_spark(update)}.items()}),
                 ("delete-10", "DELETE of 10 % of orders", {who: self._delete(run) for who, run in {**in_tidb(delete), **in_spark(delete)}.items()})]
        rows = context.tidb.one(f"SELECT count(*) FROM {DATA}.orders WHERE {TENTH}")
        return [Work(name, "changes", title, context.chosen(runs), rounds=3, rows=rows, before=self.before, after=self.after) for name, title, runs in texts]


def changes(context: Context) -> list[Work]:
    """Changes of rows that are there."""
    return Changes(context).works()
