"""The JSON of `cluster status`, and what is remembered of a cluster that others run."""
import pathlib

from . import mysql_ping
from .paths import Failure
from .process import Process
from .roles import HOST, Shape


def existing_state(pd: str, tidb: str) -> dict:
    """State of the existing mode, checked for shape."""
    host, _, port = tidb.rpartition(":")
    if not pd or not host or not port.isdigit():
        raise Failure("existing mode needs PD addresses (host:port,...) in --pd or TIDB_SPARK_PD and TiDB's "
                      "host:port in --tidb or TIDB_SPARK_TIDB")
    return {"mode": "existing", "pd": pd, "tidb": tidb}


def existing_status(name: str, folder: pathlib.Path, state: dict) -> dict:
    """Addresses, and whether TiDB answers."""
    host, _, port = state["tidb"].rpartition(":")
    return {"name": name, "mode": "existing", "running": mysql_ping.answers(host, int(port)), "folder": str(folder),
            "pd": {"addresses": state["pd"].split(",")}, "store": None,
            "tidb": {"host": host, "port": int(port), "user": "root"}}


def own_status(folder: pathlib.Path, state: dict, processes: dict[str, Process]) -> dict:
    """All that is known of a cluster of ours."""
    ports, shape = state["ports"], Shape.of(state)
    tikv = shape.kind == "tikv"
    about = {role: {"pid": process.pid(), "state": process.state(), "log": str(process.log)} for role, process in processes.items()}
    addresses = shape.store_addresses(ports)
    stores = []
    for number, address in enumerate(addresses):
        role = shape.store_roles()[number if tikv else 0]
        stores.append({"role": role, "id": state.get("store_ids", {}).get(address), "address": address,
                       "status_address": f"{HOST}:{ports[role + '_status']}" if tikv else None, **about[role]})
    status = {
        "name": state["name"], "mode": state["mode"], "running": all(one["state"] == "running" for one in about.values()),
        "folder": str(folder), "data": str(folder / "data"), "bin": state["bin"], "tls": state["tls"],
        "pd": {"addresses": shape.pd_addresses(ports), **about["pd"],
               "members": [{"role": role, "address": f"{HOST}:{ports[role]}", **about[role]} for role in shape.pd_roles()]},
        "store": {"kind": shape.kind, "address": addresses[0], "addresses": addresses, "control": f"http://{HOST}:{ports['control']}",
                  "region_size": state["region_size"], "stores": stores, **about["store"]},
        "tidb": {"host": HOST, "port": ports["tidb"], "status_port": ports["tidb_status"], "user": "root", **about["tidb"]},
    }
    if tikv:
        status["control"] = about["control"]
    return status
