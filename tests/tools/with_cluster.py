#!/usr/bin/env python3
"""Runs a command beside a throw-away cluster and takes the cluster down afterwards.

    with_cluster.py [--store test|tikv] [--stores N] [--region-size BYTES] [--tpch SCALE] [--limit MINUTES] -- COMMAND...

The command finds the cluster by its environment:

    TIDB_SPARK_CLUSTER_STATUS   path of the JSON that `cluster status` prints
    TIDB_SPARK_CLUSTER_NAME     name for `tests/cluster/cluster --name`, to steer the servers

TIDB_SPARK_STORE is the default of --store (without it: test); a real TiKV is found by TIKV_SERVER.
A cluster named by TIDB_SPARK_CLUSTER_STATUS already is used and left alone, so that a developer can keep one.
"""
import argparse
import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys

REPO = pathlib.Path(__file__).resolve().parents[2]
CLUSTER = str(REPO / "tests" / "cluster" / "cluster")
REGION_SIZES = {"test": 64 << 10, "tikv": 1 << 20}


def _terminated(_signal, _frame):
    raise KeyboardInterrupt


def _load_tpch(name: str, scale: str) -> None:
    subprocess.run([CLUSTER, "load-tpch", "--name", name, "--scale", scale], check=True, stdout=sys.stderr)


def _run(command: list[str], limit: float | None, environment: dict[str, str]) -> int:
    """The command's exit code. With all that it started it is ended at the limit, which is the fate of a test that hangs, or when we are."""
    process = subprocess.Popen(command, env=environment, start_new_session=True)
    try:
        return process.wait(limit and limit * 60)
    except subprocess.TimeoutExpired:
        print(f"with_cluster: not done after {limit:g} minutes, so ended; what was running stands above", file=sys.stderr)
        return 124
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                pass
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def main() -> int:
    """The command's exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", choices=sorted(REGION_SIZES), default=os.environ.get("TIDB_SPARK_STORE") or "test")
    parser.add_argument("--stores", type=int, default=1)
    parser.add_argument("--region-size", type=int, help="default 64 KiB on the test store and 1 MiB on TiKV")
    parser.add_argument("--tpch", metavar="SCALE", help="load TPC-H into the database tpch first")
    parser.add_argument("--limit", type=float, metavar="MINUTES", help="end the command then: a hang must not be silent")
    parser.add_argument("command", nargs="+")
    args = parser.parse_args()
    if args.store not in REGION_SIZES:
        parser.error(f"TIDB_SPARK_STORE is {args.store!r}; there are {', '.join(REGION_SIZES)}")
    if os.environ.get("TIDB_SPARK_CLUSTER_STATUS"):
        if args.tpch:
            _load_tpch(os.environ.get("TIDB_SPARK_CLUSTER_NAME", "default"), args.tpch)
        return _run(args.command, args.limit, dict(os.environ))
    # SIGTERM must not leave servers behind.
    signal.signal(signal.SIGTERM, _terminated)
    name = f"run-{os.getpid()}"
    status_file = REPO / "target" / f"{name}.json"
    status_file.parent.mkdir(exist_ok=True)
    try:
        up = subprocess.run([CLUSTER, "up", "--name", name, "--store", args.store, "--stores", str(args.stores),
                             "--region-size", str(args.region_size or REGION_SIZES[args.store]), "--json"],
                            check=False, stdout=subprocess.PIPE, text=True)
        if up.returncode != 0:
            return up.returncode
        json.loads(up.stdout)
        status_file.write_text(up.stdout)
        if args.tpch:
            _load_tpch(name, args.tpch)
        environment = {**os.environ, "TIDB_SPARK_CLUSTER_STATUS": str(status_file), "TIDB_SPARK_CLUSTER_NAME": name}
        return _run(args.command, args.limit, environment)
    except KeyboardInterrupt:
        return 130
    finally:
        subprocess.run([CLUSTER, "down", "--name", name], check=False)
        status_file.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main())
