"""What came out, as text: a table per work, the 22 queries of TPC-H in one, the goals. Used for the terminal and for docs/performance.md.

The JSON of a run: {"date", "machine", "versions", "settings", "took", "results", "goals"}. `results` has, by the name of the work,
{"group", "title", "rows", "rounds", "warm_up", "cut_short", "load_average", "took", "contenders"} or "left_out"; and by contender
{"seconds", "cpu", "servers"} (a number per round), "peak_mib", "native_peak_mib", "answer", "same_answer", "metrics", "error".
"""
from __future__ import annotations

import json
import pathlib
import statistics
from typing import Callable, Iterator

from . import REPO
from .answers import mebibytes
from .goals import NATIVE_PEAK, Verdict, best, median

RESULTS = REPO / "tests" / "bench" / "results"
BASE = {"scans": "drain", "growth": "drain", "memory": "native", "appends": "floor"}
"""By group: what the others are compared with; elsewhere TiDB."""
Table = Callable[[list[str], list[list[str]]], Iterator[str]]


def complete(results: dict) -> None:
    """Adds what is derived: `native_peak_mib` from the metrics of a contender."""
    for result in results.values():
        for series in result["contenders"].values():
            peak = mebibytes(series["metrics"].get(NATIVE_PEAK, ""))
            if peak >= 0:
                series["native_peak_mib"] = peak


def plain(head: list[str], rows: list[list[str]]) -> Iterator[str]:
    """A table for the terminal."""
    widths = [max(len(line[n]) for line in [head, *rows]) for n in range(len(head))]
    for line in [head, *rows]:
        yield "  " + "  ".join(cell.ljust(width) if n == 0 else cell.rjust(width) for n, (cell, width) in enumerate(zip(line, widths))).rstrip()


def markdown(head: list[str], rows: list[list[str]]) -> Iterator[str]:
    """A table for a page."""
    yield "| " + " | ".join(head) + " |"
    yield "| --- |" + " ---: |" * (len(head) - 1)
    for line in rows:
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |"


def _number(values: list[float] | None, digits: int = 2) -> str:
    return f"{statistics.median(values):.{digits}f}" if values else ""


def work_rows(name: str, result: dict) -> tuple[list[str], list[list[str]]]:
    """Head and rows of a work's table."""
    base = BASE.get(result["group"], "tidb")
    base_seconds, jdbc = median({name: result}, name, base), best({name: result}, name, "jdbc")
    rows = []
    for who, series in result["contenders"].items():
        seconds = series["seconds"]
        if not seconds:
            rows.append([who, "failed" if "error" in series else "", *[""] * 8])
            continue
        middle = statistics.median(seconds)
        digits = 3 if middle < 1 else 2
        rows.append([who + ("" if series.get("same_answer", True) else " (*)"), f"{middle:.{digits}f}",
                     f"{min(seconds):.{digits}f}..{max(seconds):.{digits}f}", str(len(seconds)),
                     _number(series["cpu"]), _number(series["servers"]), f"{series['peak_mib']:.0f}" if series["peak_mib"] else "",
                     f"{series['native_peak_mib']:.1f}" if "native_peak_mib" in series else "",
                     f"{middle / base_seconds:.2f}" if base_seconds else "", f"{jdbc[1] / middle:.2f}" if jdbc else ""])
    head = ["contender", "median s", "min..max", "rounds", "client CPU s", "servers CPU s", "peak MiB", "native MiB", f"x {base}", "jdbc / it"]
    keep = [n for n in range(len(head)) if n < 4 or any(row[n] for row in rows)]
    return [head[n] for n in keep], [[row[n] for n in keep] for row in rows]


def tpch_rows(results: dict) -> tuple[list[str], list[list[str]]]:
    """Head and rows of the table of TPC-H: medians by query, and their sums."""
    works = {name: result for name, result in results.items() if result["group"] == "tpch" and result["contenders"]}
    if not works:
        return [], []
    contenders = list(next(iter(works.values()))["contenders"])
    rows, sums, counts = [], dict.fromkeys(contenders, 0.0), dict.fromkeys(contenders, 0)
    for name, result in works.items():
        cells = []
        for who in contenders:
            seconds = median(results, name, who)
            if seconds is None:
                cells.append("failed" if "error" in result["contenders"].get(who, {}) else "")
                continue
            sums[who] += seconds
            counts[who] += 1
            cells.append(f"{seconds:.2f}" + ("" if result["contenders"][who].get("same_answer", True) else " (*)"))
        rows.append([result["title"].removeprefix("TPC-H "), *cells])
    rows.append(["sum", *(f"{sums[who]:.1f}" + ("" if counts[who] == len(works) else f" of {counts[who]}") for who in contenders)])
    rounds = {who: max(len(result["contenders"].get(who, {}).get("seconds", [])) for result in works.values()) for who in contenders}
    rows.append(["rounds", *(str(rounds[who]) for who in contenders)])
    return ["query", *contenders], rows


def goal_rows(verdicts: list[Verdict]) -> tuple[list[str], list[list[str]]]:
    """Head and rows of the goals."""
    return ["work", "contender", "goal", "found", ""], [[v.work, v.contender, v.goal, v.found, "met" if v.met else "MISSED"] for v in verdicts]


def sections(run: dict, table: Table) -> Iterator[tuple[str, list[str]]]:
    """Title and lines of every part: works, TPC-H, failures, other answers, goals."""
    results = run["results"]
    for name, result in results.items():
        if result["group"] != "tpch" and "left_out" not in result:
            about = [f"{result['rounds']} rounds" + (" after a warm-up" if result["warm_up"] else ", no warm-up"),
                     *([f"{result['rows']:,} rows"] if result.get("rows") else []), *(["cut short: the time was over"] if result["cut_short"] else [])]
            yield f"{name}: {result['title']} ({', '.join(about)})", list(table(*work_rows(name, result)))
    head, rows = tpch_rows(results)
    if rows:
        yield "tpch: the 22 queries, median seconds", list(table(head, rows))
    if left := [name for name, result in results.items() if "left_out" in result]:
        yield "left out, because the time was over", ["  " + ", ".join(left)]
    if failed := [f"  {name}: {who}: {series['error'].splitlines()[0][:300]}" for name, result in results.items() for who, series in result["contenders"].items() if "error" in series]:
        yield "failed", failed
    if other := [f"{who} in {name}" for name, result in results.items() for who, series in result["contenders"].items() if series.get("same_answer") is False]:
        yield "(*) another answer than TiDB's", ["  " + ", ".join(other)]
    verdicts = [Verdict(*verdict) for verdict in run["goals"]]
    if verdicts:
        met = sum(verdict.met for verdict in verdicts)
        yield f"goals: {met} of {len(verdicts)} met", list(table(*goal_rows(verdicts)))


def write_json(run: dict, name: str) -> pathlib.Path:
    """Writes the JSON of a run; its path."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    target = RESULTS / f"{name}.json"
    target.write_text(json.dumps(run, indent=1) + "\n")
    return target


def wrong(run: dict) -> list[str]:
    """What makes the exit code 1: a contender that failed, a connector with another answer than TiDB."""
    found = []
    for name, result in run["results"].items():
        for who, series in result["contenders"].items():
            if "error" in series:
                found.append(f"{name}: {who} failed")
            elif series.get("same_answer") is False and who.startswith("connector"):
                found.append(f"{name}: {who} gave another answer than TiDB")
    return found
