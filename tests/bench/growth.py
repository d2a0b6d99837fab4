"""Works that grow: more data, more tasks, and memory while there is ten times as much to read."""
from __future__ import annotations

from .contenders import Sample, SparkSide
from .context import Context
from .place import DATA
from .reads import drain_run, scan_run
from .runner import Run, Work

FACTORS = (1, 2, 4)
MEMORY = ("memory-1x", "memory-10x")
SMALL_HEAP = "1g"
SMALL_TASKS = {"scan.partition.size": "8m"}
"""So that there are more partitions than tasks, which then take several."""


def _data(context: Context) -> list[Work]:
    """A quarter of lineitem, a half, all of it."""
    top, count = context.tidb.rows(f"SELECT max(l_orderkey), count(*) FROM {DATA}.lineitem")[0]
    works = []
    for factor in FACTORS:
        where = f"l_orderkey <= {top * factor // FACTORS[-1]}"
        runs: dict[str, Run] = {who: scan_run(side, "connector", None, where=where) for who, side in context.connectors.items()}
        runs.update({who: scan_run(side, "jdbc", None, where=where) for who, side in context.jdbcs.items()})
        works.append(Work(f"data-{factor}", "growth", f"16 columns, {factor} of {FACTORS[-1]} quarters of lineitem", context.chosen(runs), rounds=3,
                          rows=count * factor // FACTORS[-1]))
    return works


def _tasks(context: Context) -> list[Work]:
    """All of lineitem by one task, two and four (of which as many run at once as there are cores)."""
    def spark(side: SparkSide, number: int, options: dict) -> Run:
        return scan_run(side, "connector", None, tasks=number, options=options)

    works = []
    for number in FACTORS:
        runs = {"drain": drain_run(context, "drain", None, tasks=number), "native": drain_run(context, "scan", None, tasks=number)}
        runs.update({who: spark(side, number, SMALL_TASKS if who.startswith("connector") else {}) for who, side in context.connectors.items()})
        works.append(Work(f"tasks-{number}", "growth", f"16 columns of lineitem, tasks: {number}", context.chosen(runs), rounds=3))
    return works


def growth(context: Context) -> list[Work]:
    """More data, then more tasks."""
    return [*_data(context), *_tasks(context)]


def memory(context: Context) -> list[Work]:
    """lineitem once, and so many times in one job; each in a JVM of its own with a small heap, which would otherwise grow as it likes."""
    works = []
    for name, copies in zip(MEMORY, (1, context.args.memory_copies)):
        sides = {who: context.side(who, who.partition("-")[2], SMALL_HEAP) for who in context.connectors}
        runs = {"native": drain_run(context, "scan", None, copies=copies)}
        runs.update({who: _alone(side, copies) for who, side in sides.items()})
        title = f"peak memory with a heap of {SMALL_HEAP}, lineitem read {'once' if copies == 1 else f'{copies} times'}"
        works.append(Work(name, "memory", title, context.chosen(runs), rounds=1, warm_up=False))
    return works


def _alone(side: SparkSide, copies: int) -> Run:
    """A scan in a JVM that was started for it."""
    def run(memory: bool) -> Sample:
        try:
            return scan_run(side, "connector", None, copies=copies)(memory)
        finally:
            side.stop()

    return run
