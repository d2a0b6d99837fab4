"""The command line of tests/cluster/cluster."""
import argparse
import json
import subprocess
import sys

from . import venv
from .build import build
from .cluster import Cluster
from .paths import CLUSTER_SOURCE, Failure, bin_dir
from .roles import KINDS


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--name", default="default", help="name of the cluster (default: default)")
    parser = argparse.ArgumentParser(prog="cluster", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    def command(name: str, text: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, parents=[common], help=text, description=text)

    command("build", "build pd-server, tidb-server, the test store and the control service")
    up = command("up", "start a cluster and wait until TiDB answers SQL")
    up.add_argument("--mode", choices=("throwaway", "keep"), default="throwaway")
    up.add_argument("--region-size", type=int, help="bytes; a region above 3/2 of this is split")
    up.add_argument("--store", choices=KINDS, help="the test store (default) or a real TiKV, whose binary TIKV_SERVER names")
    up.add_argument("--stores", type=int, help="number of stores (default 1); the one process of the test store plays all of them")
    up.add_argument("--pds", type=int, help="members of PD: 1 (default), 3 or 5")
    up.add_argument("--tls", action="store_true", default=None, help="mutual TLS between the servers, with certificates made for this cluster")
    up.add_argument("--json", action="store_true", help="print the status as JSON")
    down = command("down", "stop it; a throw-away cluster is removed")
    down.add_argument("--remove", action="store_true", help="remove a kept cluster's data too")
    command("status", "print the status as JSON")
    for verb, text in (("start", "start one stopped server"), ("restart", "stop one server and start it again"),
                       ("kill", "SIGKILL one server"), ("pause", "freeze one server"),
                       ("resume", "let a frozen server go on")):
        command(verb, text).add_argument("role", help="pd, store, tidb, control; pd-2, store-2, .. where there are several")
    command("pd-leader", "print the role of the PD that leads")
    logs = command("logs", "print the end of the logs")
    logs.add_argument("role", nargs="?")
    logs.add_argument("--lines", type=int, default=40)
    faults = command("faults", "list, set or clear the fault rules of the store")
    faults.add_argument("rules", nargs="?", help="JSON of a rule or a list of rules, or `clear`")
    command("stats", "print the store's counters")
    command("regions", "print the regions")
    command("locks", "print the live locks")
    split = command("split", "split regions at raw keys")
    split.add_argument("keys", nargs="+", help="hex")
    leader = command("transfer-leader", "move the leader of a region to a store")
    leader.add_argument("region", type=int)
    leader.add_argument("store", type=int)
    merge = command("merge", "join a region with its neighbour (TiKV)")
    merge.add_argument("region", type=int)
    merge.add_argument("target", type=int)
    command("schedule", "hand an operator to PD (TiKV)").add_argument("operator", help="JSON with name and its fields")
    lock = command("lock", "leave locks as a dead writer would")
    lock.add_argument("request", help="JSON of POST /lock")
    sql = command("sql", "run SQL statements through TiDB")
    sql.add_argument("statement")
    sql.add_argument("--database")
    sql.add_argument("--json", action="store_true")
    tpch = command("load-tpch", "make and load TPC-H data")
    tpch.add_argument("--scale", default="0.01")
    tpch.add_argument("--database", default="tpch")
    existing = command("existing", "use a cluster that others run")
    existing.add_argument("--pd", required=True, help="host:port, several by commas")
    existing.add_argument("--tidb", required=True, help="host:port")
    command("venv", "make the virtual environment of the tests and print its python")
    return parser


def _show(value) -> None:
    print(json.dumps(value, indent=2))


def _in_venv(module: str, cluster: Cluster, *args: str, stdin: str | None = None) -> int:
    tidb = cluster.status()["tidb"]
    command = [str(venv.ensure()), "-m", module, tidb["host"], str(tidb["port"]), tidb["user"], *args]
    return subprocess.run(command, cwd=CLUSTER_SOURCE, input=stdin, text=True, check=False).returncode


def _run(args: argparse.Namespace) -> int:
    cluster = Cluster(args.name)
    name = args.command
    if name == "build":
        build()
        print(bin_dir())
    elif name == "up":
        status = cluster.up(args.mode, args.region_size, args.stores, kind=args.store, pds=args.pds, tls=args.tls)
        if args.json:
            _show(status)
        else:
            print(f"PD {','.join(status['pd']['addresses'])}  TiDB {status['tidb']['host']}:{status['tidb']['port']}")
    elif name == "down":
        cluster.down(args.remove)
    elif name == "status":
        _show(cluster.status())
    elif name in ("start", "restart", "kill", "pause", "resume"):
        getattr(cluster, name)(args.role)
    elif name == "pd-leader":
        print(cluster.pd_leader())
    elif name == "logs":
        for role in [args.role] if args.role else cluster.roles():
            print(f"--- {role}: {cluster.log_file(role)}")
            print(cluster.tail(role, args.lines))
    elif name == "faults":
        if args.rules is None:
            _show(cluster.control().faults())
        elif args.rules == "clear":
            _show(cluster.control().clear_faults())
        else:
            rules = json.loads(args.rules)
            _show(cluster.control().set_faults(*(rules if isinstance(rules, list) else [rules])))
    elif name in ("stats", "regions", "locks"):
        _show(getattr(cluster.control(), name)())
    elif name == "split":
        print(cluster.control().split(*(bytes.fromhex(key) for key in args.keys)))
    elif name == "transfer-leader":
        cluster.control().transfer_leader(args.region, args.store)
    elif name == "merge":
        cluster.control().merge(args.region, args.target)
    elif name == "schedule":
        cluster.control().schedule(**json.loads(args.operator))
    elif name == "lock":
        _show(cluster.control().lock(**json.loads(args.request)))
    elif name == "sql":
        extra = (["--database", args.database] if args.database else []) + (["--json"] if args.json else [])
        return _in_venv("harness.sql", cluster, *extra, stdin=args.statement)
    elif name == "load-tpch":
        return _in_venv("harness.tpch", cluster, "--scale", args.scale, "--database", args.database)
    elif name == "existing":
        _show(cluster.register_existing(args.pd, args.tidb))
    elif name == "venv":
        print(venv.ensure())
    return 0


def main() -> int:
    """Entry point; the exit code."""
    args = _parser().parse_args()
    try:
        return _run(args)
    except Failure as failure:
        print(f"cluster: {failure}", file=sys.stderr)
        return 1
    except json.JSONDecodeError as error:
        print(f"cluster: not JSON: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        return 0
