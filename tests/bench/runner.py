"""Runs works: each contender once to warm up, then rounds in which all take their turn (A B C A B C ...).

A contender that fails is left out of the rest of that work and reported; the benchmark goes on.
"""
from __future__ import annotations

import dataclasses
import os
import time
from typing import Callable

from .contenders import Sample

Run = Callable[[bool], Sample]
"""One run of a contender; the argument asks for the peak of memory of this run alone, which costs a collection of garbage first."""


@dataclasses.dataclass
class Work:
    """Something that contenders do side by side."""

    name: str
    group: str
    title: str
    runs: dict[str, Run]
    """By contender, in the order of their turns."""
    rounds: int = 5
    """At most: long work is repeated less often."""
    rounds_of: dict[str, int] = dataclasses.field(default_factory=dict)
    """Of contenders that take so long that they get fewer; with one they are not warmed up either."""
    warm_up: bool = True
    reference: str | None = None
    """Contender whose answer is right."""
    rows: int | None = None
    """Rows that are read or written."""
    before: Callable[[], None] | None = None
    after: Callable[[], None] | None = None


@dataclasses.dataclass
class Limits:
    """How much is done: rounds at most, whether to warm up, and when to stop (`time.monotonic`)."""

    rounds: int
    warm_up: bool
    end: float


def run(works: list[Work], limits: Limits, results: dict) -> None:
    """Fills in results by the name of the work, in the shape that the JSON has (report.py)."""
    for number, work in enumerate(works, 1):
        if not work.runs:
            continue
        if time.monotonic() > limits.end:
            results[work.name] = {"group": work.group, "title": work.title, "left_out": "the time was over", "contenders": {}}
            print(f"[{number}/{len(works)}] {work.name}: left out, the time is over", flush=True)
            continue
        results[work.name] = _one(work, limits, f"[{number}/{len(works)}] {work.name}")


def _one(work: Work, limits: Limits, label: str) -> dict:
    begin = time.monotonic()
    rounds = min(work.rounds, limits.rounds)
    series: dict[str, dict] = {who: {"seconds": [], "cpu": [], "servers": [], "peak_mib": None, "answer": None, "metrics": {}} for who in work.runs}
    load = os.getloadavg()[0]
    cut = False
    if work.before:
        try:
            work.before()
        except Exception as error:  # nobody can do this work then; the others can still be measured
            for result in series.values():
                result["error"] = f"preparing: {type(error).__name__}: {error}"
    try:
        if limits.warm_up and work.warm_up:
            for who in work.runs:
                if work.rounds_of.get(who) != 1:
                    _turn(work, who, series[who], memory=True, count=False)
        for number in range(rounds):
            if cut := number > 0 and time.monotonic() > limits.end:
                break
            for who in work.runs:
                if number < work.rounds_of.get(who, rounds):
                    _turn(work, who, series[who], memory=series[who]["peak_mib"] is None, count=True)
            took = (f"{who} {result['seconds'][-1]:.2f} s" for who, result in series.items() if len(result["seconds"]) > number)
            print(f"{label}, round {number + 1}: " + ", ".join(took), flush=True)
    finally:
        if work.after:
            try:
                work.after()
            except Exception as error:  # what is left over is removed with the database
                print(f"{label}: cleaning up: {type(error).__name__}: {error}", flush=True)
    if work.reference in series and (right := series[work.reference]["answer"]) is not None:
        for result in series.values():
            if result["answer"] is not None:
                result["same_answer"] = result["answer"] == right
    return {"group": work.group, "title": work.title, "rows": work.rows, "rounds": rounds, "warm_up": limits.warm_up and work.warm_up,
            "cut_short": cut, "load_average": round(load, 2), "took": round(time.monotonic() - begin, 1), "contenders": series}


def _turn(work: Work, who: str, result: dict, memory: bool, count: bool) -> None:
    """One run of a contender. Peak memory is that of the first run, when nobody else's garbage is in the way."""
    if "error" in result:
        return
    try:
        sample = work.runs[who](memory)
    except Exception as error:  # whatever it is, it is this contender's result
        result["error"] = f"{type(error).__name__}: {error}"
        print(f"{work.name}: {who} FAILED: {result['error'].splitlines()[0][:300]}", flush=True)
        return
    if memory and sample.peak_mib is not None:
        result["peak_mib"] = round(sample.peak_mib, 1)
    if sample.answer is not None:
        if result["answer"] not in (None, sample.answer):
            result["error"] = "two runs gave different answers"
        result["answer"] = sample.answer
    result["metrics"] = sample.metrics or result["metrics"]
    if count:
        result["seconds"].append(round(sample.seconds, 4))
        for key, value in (("cpu", sample.cpu), ("servers", sample.servers)):
            if value is not None:
                result[key].append(round(value, 3))
