"""Command lines and configuration files of PD, TiDB and the test store."""
import pathlib

from .build import STORE_VERSION
from .roles import HOST, Shape

# Short intervals make start-up and recovery quick; the leader lease stays long enough for a busy machine. PD looks for work on regions seldom, as
# there is little to do: every 10 ms, its default, costs a twentieth of two cores. It moves nothing by itself, but makes the replicas that are missing.
PD_CONFIG = """\
lease = 3
tick-interval = "100ms"
election-interval = "1s"
[log]
level = "info"
[replication]
max-replicas = {stores}
[schedule]
patrol-region-interval = "{patrol}"
merge-schedule-limit = 0
region-schedule-limit = 0
leader-schedule-limit = 0
hot-region-schedule-limit = 0
"""

TIDB_CONFIG = """\
lease = "{lease}"
socket = ""
skip-register-to-dashboard = true
tmp-storage-path = "{folder}/tidb-tmp"
temp-dir = "{folder}/tidb-ddl"
[log]
level = "info"
[status]
status-host = "127.0.0.1"
[performance]
run-auto-analyze = false
[security]
auto-tls = false
"""

# TiDB adds an index by files that the stores ingest (import_sstpb), which the test store does not know: the statement would wait for ever.
TEST_STORE_GLOBALS = ("SET GLOBAL tidb_enable_dist_task = OFF", "SET GLOBAL tidb_ddl_enable_fast_reorg = OFF")


class Servers:
    """The servers of one cluster: where they live and how they are started."""

    def __init__(self, binaries: pathlib.Path, folder: pathlib.Path, shape: Shape, ports: dict, tls: dict | None):
        self.binaries, self.folder, self.shape, self.ports, self.tls = binaries, folder, shape, ports, tls
        self.data = folder / "data"
        self.scheme = "https" if tls else "http"

    def address(self, name: str) -> str:
        """host:port of a named port."""
        return f"{HOST}:{self.ports[name]}"

    def config(self, role: str, text: str) -> pathlib.Path:
        """Writes a server's configuration file."""
        file = self.folder / f"{role}.toml"
        file.write_text(text)
        return file

    def pd_list(self) -> str:
        """The addresses of PD, separated by commas."""
        return ",".join(self.shape.pd_addresses(self.ports))

    def pd(self, role: str) -> list[str]:
        """Command of a member of PD."""
        # With TiKV the copies come when TiDB has made its tables: Readiness.replicate.
        text = PD_CONFIG.format(stores=self.shape.stores if self.shape.kind == "test" else 1, patrol="1s" if self.shape.kind == "test" else "100ms")
        if self.tls:
            text += '[security]\ncacert-path = "{ca}"\ncert-path = "{cert}"\nkey-path = "{key}"\n'.format(**self.tls)
        client, peer = f"{self.scheme}://{self.address(role)}", f"{self.scheme}://{self.address(role + '_peer')}"
        members = ",".join(f"{r}={self.scheme}://{self.address(r + '_peer')}" for r in self.shape.pd_roles())
        return [str(self.binaries / "pd-server"), f"--name={role}", f"--data-dir={self.data / role}",
                f"--client-urls={client}", f"--peer-urls={peer}", f"--initial-cluster={members}",
                f"--config={self.config(role, text)}"]

    def test_store(self, region_size: int) -> list[str]:
        """Command of the test store."""
        return [str(self.binaries / "store"), f"--pd={self.pd_list()}", f"--addr={','.join(self.shape.store_addresses(self.ports))}",
                f"--control={self.address('control')}", f"--data={self.data / 'store'}",
                f"--store-version={STORE_VERSION}", f"--region-size={region_size}"]

    def tidb(self) -> list[str]:
        """Command of TiDB."""
        # A schema that TiDB could not read again within the lease is no longer used: TiKV's elections may take longer than a second.
        text = TIDB_CONFIG.format(folder=self.data, lease="1s" if self.shape.kind == "test" else "45s")
        if self.tls:  # the last table of the file is [security]
            text += 'cluster-ssl-ca = "{ca}"\ncluster-ssl-cert = "{cert}"\ncluster-ssl-key = "{key}"\n'.format(**self.tls)
        return [str(self.binaries / "tidb-server"), "--store=tikv", f"--path={self.pd_list()}", f"--host={HOST}",
                f"--advertise-address={HOST}", f"-P={self.ports['tidb']}", f"--status={self.ports['tidb_status']}",
                f"--config={self.config('tidb', text)}"]
