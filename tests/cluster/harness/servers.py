"""Command lines and configuration files of the three servers."""
import pathlib

from .build import STORE_VERSION

HOST = "127.0.0.1"

# Short intervals make start-up and recovery quick; the leader lease stays long enough for a busy machine. PD looks for work on regions seldom, as
# there is none to do: every 10 ms, its default, costs a twentieth of two cores.
PD_CONFIG = """\
lease = 3
tick-interval = "100ms"
election-interval = "1s"
[log]
level = "info"
[replication]
max-replicas = {stores}
[schedule]
patrol-region-interval = "1s"
merge-schedule-limit = 0
region-schedule-limit = 0
leader-schedule-limit = 0
"""

TIDB_CONFIG = """\
lease = "{lease}"
socket = ""
skip-register-to-dashboard = true
tmp-storage-path = "{tmp}"
[log]
level = "{log_level}"
[status]
status-host = "127.0.0.1"
[performance]
run-auto-analyze = false
[security]
auto-tls = false
"""

# TiDB adds an index by files that the stores ingest (import_sstpb), which the test store does not know: the statement would wait for ever.
GLOBALS = ("SET GLOBAL tidb_enable_dist_task = OFF", "SET GLOBAL tidb_ddl_enable_fast_reorg = OFF")


def store_addresses(ports: dict) -> list[str]:
    """Addresses of the stores; all but the first have a number in the name of their port."""
    return [f"{HOST}:{port}" for name, port in ports.items() if name == "store" or name.startswith("store_at_")]


def pd_command(binary: pathlib.Path, folder: pathlib.Path, ports: dict) -> tuple[list[str], dict]:
    """PD: command and environment."""
    config = folder / "pd.toml"
    config.write_text(PD_CONFIG.format(stores=len(store_addresses(ports))))
    client, peer = f"http://{HOST}:{ports['pd']}", f"http://{HOST}:{ports['pd_peer']}"
    return [str(binary / "pd-server"), "--name=pd", f"--data-dir={folder / 'data' / 'pd'}",
            f"--client-urls={client}", f"--peer-urls={peer}", f"--initial-cluster=pd={peer}",
            f"--config={config}"], {"GODEBUG": "httpmuxgo121=1"}


def store_command(binary: pathlib.Path, folder: pathlib.Path, ports: dict, region_size: int) -> tuple[list[str], dict]:
    """Store: command and environment."""
    return [str(binary / "store"), f"--pd={HOST}:{ports['pd']}", f"--addr={','.join(store_addresses(ports))}",
            f"--control={HOST}:{ports['store_control']}", f"--data={folder / 'data' / 'store'}",
            f"--store-version={STORE_VERSION}", f"--region-size={region_size}"], {}


def tidb_command(binary: pathlib.Path, folder: pathlib.Path, ports: dict) -> tuple[list[str], dict]:
    """TiDB: command and environment."""
    config = folder / "tidb.toml"
    config.write_text(TIDB_CONFIG.format(lease="1s", tmp=folder / "data" / "tidb-tmp", log_level="info"))
    return [str(binary / "tidb-server"), "--store=tikv", f"--path={HOST}:{ports['pd']}", f"--host={HOST}",
            f"--advertise-address={HOST}", f"-P={ports['tidb']}", f"--status={ports['tidb_status']}",
            f"--config={config}"], {}
