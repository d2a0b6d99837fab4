"""What a piece of work costs: wall time, processor time and the peak of resident memory of some processes, and facts of the machine.

Processor time and memory are read from /proc; where there is none (macOS) they are None. The peak of memory (`VmHWM`) is set back to
the present size before the work, so that it is the peak of this work. Spark's Python workers import this module too: no newer Python
than that of the oldest Spark is needed.
"""
from __future__ import annotations

import datetime
import os
import pathlib
import platform
import time

PROC = pathlib.Path("/proc")


def cpu_seconds(pids: list) -> float | None:
    """Processor time that processes have used, user and system; None when it cannot be told."""
    ticks = 0
    for pid in pids:
        try:
            ticks += sum(int(field) for field in (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[11:13])
        except (OSError, ValueError):
            return None
    return ticks / os.sysconf("SC_CLK_TCK")


def _resident(pid: int, field: str) -> float | None:
    """A size of a process in MiB: `VmRSS` now, `VmHWM` at most since the last reset."""
    try:
        for line in (PROC / str(pid) / "status").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1]) / 1024
    except (OSError, ValueError):
        pass
    return None


class Meter:
    """Measures a piece of work of the processes `pids`.

    Memory is that of the first process, which does the work; the others (the Python beside a JVM) only add processor time.
    """

    def __init__(self, pids: list):
        self._pids = pids
        self._memory = False
        self._cpu = None
        self._begin = 0.0

    def start(self) -> Meter:
        """The work begins now."""
        try:
            # 5: the peak becomes the present size (proc(5)).
            (PROC / str(self._pids[0]) / "clear_refs").write_text("5")
            self._memory = True
        except OSError:
            self._memory = False
        self._cpu = cpu_seconds(self._pids)
        self._begin = time.monotonic()
        return self

    def stop(self) -> dict:
        """`seconds`; `cpu` in seconds and `peak_mib`, None when they cannot be told."""
        seconds = time.monotonic() - self._begin
        cpu = cpu_seconds(self._pids)
        return {"seconds": seconds, "cpu": None if None in (cpu, self._cpu) else cpu - self._cpu,
                "peak_mib": _resident(self._pids[0], "VmHWM") if self._memory else None}


def machine() -> dict:
    """What the figures were measured on."""
    model, memory = platform.processor() or platform.machine(), None
    try:
        names = [line.partition(":")[2].strip() for line in (PROC / "cpuinfo").read_text().splitlines() if line.startswith("model name")]
        model = names[0] if names else model
        memory = int((PROC / "meminfo").read_text().split()[1]) / (1 << 20)
    except (OSError, ValueError, IndexError):
        pass
    return {"cpu": model, "cores": os.cpu_count(), "memory_gib": memory and round(memory, 1),
            "system": f"{platform.system()} {platform.release()} {platform.machine()}", "load_average_at_start": round(os.getloadavg()[0], 2),
            "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="minutes")}
