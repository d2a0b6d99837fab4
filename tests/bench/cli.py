"""Command line of the benchmark."""
from __future__ import annotations

import argparse
import os
import pathlib
import signal
import sys
import time

from . import chart, goals, growth, measure, place, reads, report, runner, writes
from .context import Context
from .place import Failure, Tidb

GROUPS = {
    "scans": (reads.scans, tuple(reads.SCANS)),
    "queries": (reads.queries, ("count", "q1", "q6")),
    "lookups": (reads.lookups, ("point", "index-few", "index-1", "index-10")),
    "joins": (reads.joins, ("join-filter",)),
    "tpch": (reads.tpch, tuple(f"tpch-{number:02}" for number in reads.QUERIES)),
    "appends": (writes.appends, tuple(f"append-{table}" for table in writes.APPENDS)),
    "changes": (writes.changes, ("upsert-10", "update-10", "delete-10")),
    "growth": (growth.growth, tuple(f"{kind}-{factor}" for kind in ("data", "tasks") for factor in growth.FACTORS)),
    "memory": (growth.memory, growth.MEMORY),
}
"""By group: what makes its works, and their names."""


def _list(text: str) -> list[str]:
    return [word for word in text.split(",") if word]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tests/bench/run", description="Measures this connector beside its peers and floors; see tests/bench/__init__.py.",
                                     epilog="Contenders: tests/bench/context.py. Groups of work: "
                                     + "; ".join(f"{group} ({', '.join(names)})" for group, (_make, names) in GROUPS.items()))
    parser.add_argument("--jar", action="append", default=[], metavar="SPARK=PATH", help="the jar for a Spark version; once for each that takes part")
    parser.add_argument("--scale", help="of TPC-H (default 0.3)")
    parser.add_argument("--rounds", type=int, help="at most, for each work (default 5; long work has fewer)")
    parser.add_argument("--only", type=_list, default=[], metavar="NAME,...", help="works, or groups of works")
    parser.add_argument("--contenders", type=_list, default=[], metavar="NAME,...", help="names, or what they begin with: connector,drain")
    parser.add_argument("--jdbc", type=_list, default=["4.2"], metavar="SPARK,...", help="Spark versions whose JDBC source takes part (default 4.2)")
    parser.add_argument("--variant", action="append", default=[], metavar="NAME:OPTION=VALUE,...", help="the connector with other options, in scans and appends")
    parser.add_argument("--quick", action="store_true", help="scale 0.01, one round, no warm-up: does all of it run? No goals are judged")
    parser.add_argument("--minutes", type=float, default=40, help="no round begins after that, and the output says what is missing")
    parser.add_argument("--memory-copies", type=int, default=10, metavar="N", help="how often memory-10x reads lineitem")
    parser.add_argument("--keep", action="store_true", help="keep the cluster's data for the next run (target/cluster/bench)")
    parser.add_argument("--output", default="bench", metavar="NAME", help="of the JSON and the SVG in tests/bench/results")
    parser.add_argument("--mysql-driver", default="9.4.0", metavar="VERSION")
    parser.add_argument("--tispark", metavar="JARS", help="TiSpark's jars, by commas: it joins as a contender")
    parser.add_argument("--spark33", type=lambda text: pathlib.Path(text).resolve(), metavar="FOLDER",
                        help="a virtual environment with PySpark 3.3, or an unpacked Spark 3.3, for TiSpark")
    parser.add_argument("--spark33-python", metavar="PYTHON", help="the Python of an unpacked Spark 3.3 (default python3)")
    return parser


def _arguments() -> argparse.Namespace:
    parser = _parser()
    args = parser.parse_args()
    args.jars = {}
    for text in args.jar:
        version, _, path = text.partition("=")
        if not pathlib.Path(path).is_file():
            parser.error(f"--jar {text}: no such file (make package SPARK={version})")
        args.jars[version] = str(pathlib.Path(path).resolve())
    if unknown := [name for name in args.only if not any(name == group or name in names for group, (_make, names) in GROUPS.items())]:
        parser.error(f"--only: no such work: {', '.join(unknown)} (--help lists them)")
    named = (text.partition(":")[::2] for text in args.variant)
    args.variants = {name: dict(pair.split("=", 1) for pair in options.split(",")) for name, options in named}
    args.scale = args.scale or ("0.01" if args.quick else "0.3")
    args.rounds = args.rounds or (1 if args.quick else 5)
    return args


def works(context: Context, only: list[str]) -> list[runner.Work]:
    """What is to be done: all, or the works and groups that are named."""
    found = []
    for group, (make, names) in GROUPS.items():
        if not only or group in only or set(names) & set(only):
            found += [work for work in make(context) if not only or group in only or work.name in only]
    return found


def _measure(args: argparse.Namespace, begin: float) -> dict:
    ours = not os.environ.get("TIDB_SPARK_CLUSTER_STATUS")
    with place.cluster(args.keep) as status:
        tidb = Tidb(status)
        place.load(tidb, status, args.scale, ours)
        context = Context(args, status, tidb)
        try:
            todo = works(context, args.only)
            limits = runner.Limits(args.rounds, not args.quick, begin + 60 * args.minutes)
            machine = measure.machine()
            results, interrupted = {}, False
            try:
                runner.run(todo, limits, results)
            except KeyboardInterrupt:
                print("bench: interrupted; the report has the work that was done", file=sys.stderr)
                interrupted = True
            settings = {key: getattr(args, key) for key in ("scale", "rounds", "only", "contenders", "variant", "jdbc", "quick", "minutes", "memory_copies")}
            settings["cluster"] = f"{status.get('mode', 'existing')}, region size {(status.get('store') or {}).get('region_size', 'as found')}"
            settings["interrupted"] = interrupted
            versions = context.versions()
        finally:
            context.stop()
            tidb.execute(f"DROP DATABASE IF EXISTS {place.OWN}")
    report.complete(results)
    return {"date": machine["date"], "machine": machine, "versions": versions, "settings": settings, "took": round(time.monotonic() - begin),
            "results": results, "goals": [] if args.quick else [list(verdict) for verdict in goals.judge(results)]}


def _terminated(_signal, _frame):
    raise KeyboardInterrupt


def main() -> int:
    """The exit code: 1 when a contender failed or the connector's answer was wrong."""
    begin = time.monotonic()
    args = _arguments()
    # SIGTERM must not leave servers behind.
    signal.signal(signal.SIGTERM, _terminated)
    try:
        run = _measure(args, begin)
    except Failure as failure:
        print(f"bench: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    for title, lines in report.sections(run, report.plain):
        print("\n" + title)
        print("\n".join(lines))
    target = report.write_json(run, args.output)
    target.with_suffix(".svg").write_text(chart.svg(run))
    print(f"\n{run['took']} s; written: {target.relative_to(place.REPO)} and .svg; tests/bench/page makes docs/performance.md of it")
    for line in report.wrong(run):
        print(f"bench: {line}", file=sys.stderr)
    return 130 if run["settings"]["interrupted"] else 1 if report.wrong(run) else 0
