"""All contenders of a run, by name, and how works find those that were asked for.

    connector-4.2, connector-3.5   this connector (the jars that were given)
    jdbc-4.2                       Spark's JDBC source, tuned; `--jdbc` names the Spark versions
    jdbc-catalog-4.2               Spark's JDBC catalog, which pushes aggregates but reads in one task
    connector-4.2+NAME             the same with other options, in scans and appends; `--variant NAME:OPTION=VALUE,...`
    tispark                        TiSpark on Spark 3.3, when its jars are given
    tidb, load-data                TiDB itself
    drain, native, floor           the Rust programs
"""
from __future__ import annotations

import argparse
import pathlib
import subprocess
import zipfile
from typing import Iterator

from . import REPO, place
from .contenders import Floor, Servers, SparkSide, TidbSide
from .place import Failure, Tidb
from .runner import Run

CLASS = "org.apache.spark.sql.catalyst.catalog.TiCatalog"
HEAP = "5g"
ORDERS_INDEXED = "orders_indexed"
EXTENSIONS = {"connector": "io.tidbspark.TiExtensions", "tispark": "org.apache.spark.sql.TiExtensions"}


def _conf(flavour: str, jars: list[str], pd: list[str], heap: str) -> dict[str, str]:
    """Settings of a Spark. ANSI mode is on (the default of Spark 4), because only in it Spark offers arithmetic to sources."""
    return {
        "spark.jars": ",".join(jars),
        "spark.driver.memory": heap,
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "4",
        "spark.sql.ansi.enabled": "true",
        "spark.sql.warehouse.dir": str(REPO / "target" / "bench" / "warehouse"),
        "spark.sql.extensions": EXTENSIONS[flavour],
        "spark.tispark.pd.addresses": ",".join(pd),
        "spark.sql.catalog.tidb_catalog": CLASS,
        "spark.sql.catalog.tidb_catalog.pd.addresses": ",".join(pd),
    }


def mysql_driver(version: str) -> pathlib.Path:
    """MySQL's JDBC driver: for this comparison only, it is not shipped."""
    folder = REPO / "target" / "bench"
    jar = folder / f"mysql-connector-j-{version}.jar"
    if not jar.exists():
        subprocess.run(["mvn", "-B", "-ntp", "-q", "dependency:copy", f"-Dartifact=com.mysql:mysql-connector-j:{version}",
                        f"-DoutputDirectory={folder}"], check=True, cwd=REPO)
    return jar


class Context:
    """What works need: contenders, TiDB, the scale."""

    def __init__(self, args: argparse.Namespace, status: dict, tidb: Tidb):
        self.args, self.tidb = args, tidb
        self.pd = status["pd"]["addresses"]
        servers = Servers(place.server_pids(status))
        self.tidb_side = TidbSide(tidb, servers)
        self.drain, self.floor = Floor("drain", servers), Floor("write_floor", servers)
        bounds = place.bounds(tidb)
        bounds[ORDERS_INDEXED] = bounds["orders"]
        self._options = {"jdbc": {"address": tidb.address, "bounds": bounds}}
        self._servers = servers
        versions = [*((f"connector-{version}", version) for version in args.jars), *([("tispark", "")] if args.tispark else [])]
        self.connectors = {name: self.side(name, version) for name, version in versions}
        self.jdbcs = {f"jdbc-{version}": self.connectors[f"connector-{version}"] for version in args.jars if version in args.jdbc}

    def side(self, name: str, version: str, heap: str = HEAP) -> SparkSide:
        """A Spark that is not started yet, with a heap of its own; TiSpark's when no version is given."""
        if version:
            python, environment = REPO / "target" / f"venv-spark-{version}" / "bin" / "python", {}
            flavour, jars = "connector", [self.args.jars[version], str(mysql_driver(self.args.mysql_driver))]
        else:
            python, environment = spark33(self.args.spark33, self.args.spark33_python)
            flavour, jars = "tispark", self.args.tispark.split(",")
        options = {"flavour": flavour, "conf": _conf(flavour, jars, self.pd, heap), **self._options}
        return SparkSide(name, [python], environment, options, self._servers)

    @property
    def own(self) -> dict[str, SparkSide]:
        """This connector without TiSpark."""
        return {name: side for name, side in self.connectors.items() if name.startswith("connector")}

    def variants(self) -> Iterator[tuple[str, SparkSide, dict[str, str]]]:
        """Connectors as they are, and with the options of `--variant`."""
        for who, side in self.connectors.items():
            yield who, side, {}
        for name, options in self.args.variants.items():
            for who, side in self.own.items():
                yield f"{who}+{name}", side, options

    def chosen(self, runs: dict[str, Run]) -> dict[str, Run]:
        """Those of `--contenders`: names, or the beginnings of names."""
        wanted = self.args.contenders
        return {who: run for who, run in runs.items() if not wanted or any(who == name or who.startswith((name + "-", name + "+")) for name in wanted)}

    def stop(self) -> None:
        """Ends all processes."""
        for side in self.connectors.values():
            side.stop()

    def versions(self) -> dict:
        """Of all that takes part."""
        def text(*command):
            return subprocess.run(command, check=False, cwd=REPO, text=True, stdout=subprocess.PIPE).stdout.strip()

        return {"commit": text("git", "rev-parse", "--short=12", "HEAD") + ("+changes" if text("git", "status", "--porcelain") else ""),
                "tidb": self.tidb.one("SELECT version()"), "rustc": text("rustc", "--version"), "mysql_driver": self.args.mysql_driver,
                **{name: {**side.versions, **_build(self.args.jars.get(name.partition("-")[2]))} for name, side in self.connectors.items() if side.versions}}


def _build(jar: str | None) -> dict[str, str]:
    """The build id of one of our jars: what was measured, whatever is checked out."""
    if jar is None:
        return {}
    with zipfile.ZipFile(jar) as archive:
        lines = archive.read("tidb-spark-build.properties").decode().splitlines()
    return {"build": value.strip() for key, _, value in (line.partition("=") for line in lines) if key.strip() == "build.id"}


def spark33(folder: pathlib.Path | None, python: str | None) -> tuple[pathlib.Path | str, dict[str, str]]:
    """The Python of TiSpark's Spark 3.3 and its environment: `folder` is a virtual environment with PySpark, or an unpacked Spark."""
    if folder is None:
        raise Failure("--tispark needs --spark33 FOLDER: a virtual environment with PySpark 3.3, or an unpacked Spark 3.3")
    if (folder / "bin" / "python").exists():
        return folder / "bin" / "python", {}
    py4j = sorted((folder / "python" / "lib").glob("py4j-*.zip"))
    if not py4j:
        raise Failure(f"{folder} is neither a virtual environment nor an unpacked Spark")
    paths = ":".join(str(path) for path in (REPO / "tests", folder / "python", py4j[0]))
    return python or "python3", {"SPARK_HOME": str(folder), "PYTHONPATH": paths}
