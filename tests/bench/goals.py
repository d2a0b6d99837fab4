"""The goals of the project as ratios of one run, and whether they were met."""
from __future__ import annotations

import statistics
from typing import NamedTuple

SCANS = ("scan-16", "scan-4", "scan-strings", "scan-decimals", "scan-dates")
PUSHED = ("count", "q1", "q6")
NATIVE_PEAK = "peak native memory of a task"


class Verdict(NamedTuple):
    """One goal for one contender."""

    work: str
    contender: str
    goal: str
    found: str
    met: bool


def median(results: dict, work: str, contender: str) -> float | None:
    """Median seconds; None when it was not measured."""
    seconds = results.get(work, {}).get("contenders", {}).get(contender, {}).get("seconds")
    return statistics.median(seconds) if seconds else None


def best(results: dict, work: str, prefix: str) -> tuple[str, float] | None:
    """The fastest contender whose name begins so, and its median."""
    found = [(who, seconds) for who in results.get(work, {}).get("contenders", {})
             if who.split("-")[:-1] == prefix.split("-") and (seconds := median(results, work, who)) is not None]
    return min(found, key=lambda pair: pair[1]) if found else None


def _at_most(results, verdicts, work, who, other, factor, plus=0.0) -> None:
    ours, theirs = median(results, work, who), median(results, work, other)
    if ours is not None and theirs:
        goal = f"<= {factor} x {other}" + (f" + {plus} s" if plus else "")
        verdicts.append(Verdict(work, who, goal, f"{ours / theirs:.2f} x ({ours:.2f} s, {theirs:.2f} s)", ours <= factor * theirs + plus))


def _faster(results, verdicts, work, who, prefix, factor) -> None:
    ours = median(results, work, who)
    found = best(results, work, prefix) if prefix.startswith("jdbc") else (prefix, median(results, work, prefix))
    if ours and found and found[1] is not None:
        other, theirs = found
        verdicts.append(Verdict(work, who, f">= {factor} x faster than {other}", f"{theirs / ours:.2f} x ({ours:.2f} s, {theirs:.2f} s)", theirs >= factor * ours))


def _tpch(results, verdicts, who) -> None:
    names = [name for name, result in results.items() if result["group"] == "tpch"]
    pairs = {name: (median(results, name, who), best(results, name, "jdbc")) for name in names}
    pairs = {name: (ours, jdbc[1]) for name, (ours, jdbc) in pairs.items() if ours is not None and jdbc is not None}
    if not pairs:
        return
    slower = [name for name, (ours, jdbc) in pairs.items() if ours >= jdbc]
    found = f"{len(pairs) - len(slower)} of {len(pairs)}" + (f"; not {', '.join(slower)}" if slower else "")
    verdicts.append(Verdict("tpch", who, "every query faster than jdbc", found, not slower))
    ours, jdbc = (sum(pair[side] for pair in pairs.values()) for side in (0, 1))
    goal = f"the sum of {len(pairs)} queries >= 3 x faster than jdbc"
    verdicts.append(Verdict("tpch", who, goal, f"{jdbc / ours:.2f} x ({ours:.1f} s, {jdbc:.1f} s)", jdbc >= 3 * ours))


def _memory(results, verdicts, who) -> None:
    def of(work: str) -> dict:
        return results.get(work, {}).get("contenders", {}).get(who, {})

    for work in ("scan-16", "memory-1x", "memory-10x"):
        text = of(work).get("native_peak_mib")
        if text is not None:
            verdicts.append(Verdict(work, who, "native memory of a task <= 64 MiB", f"{text:.1f} MiB", text <= 64))
    once, often = of("memory-1x").get("peak_mib"), of("memory-10x").get("peak_mib")
    if once and often:
        found = f"{often / once:.2f} x ({once:.0f} MiB, {often:.0f} MiB)"
        verdicts.append(Verdict("memory-10x", who, "resident memory <= 1.25 x that of one reading", found, often <= 1.25 * once))


def judge(results: dict) -> list[Verdict]:
    """Every goal that this run can tell."""
    verdicts: list[Verdict] = []
    own = sorted({who for result in results.values() for who in result["contenders"] if who.startswith("connector") and "+" not in who}, reverse=True)
    for who in own:
        _at_most(results, verdicts, "scan-16", who, "drain", 1.5)
        _at_most(results, verdicts, "scan-4", who, "drain", 1.4)
        for work in PUSHED:
            _at_most(results, verdicts, work, who, "tidb", 1.5, 0.2)
        for work in (*SCANS, *PUSHED):
            _faster(results, verdicts, work, who, "jdbc", 4)
        _tpch(results, verdicts, who)
        for work in ("append-orders", "append-lineitem"):
            _at_most(results, verdicts, work, who, "floor", 1.6)
            _faster(results, verdicts, work, who, "jdbc", 2.5)
            _faster(results, verdicts, work, who, "load-data", 1.2)
        _memory(results, verdicts, who)
    _memory(results, verdicts, "native")
    return verdicts
