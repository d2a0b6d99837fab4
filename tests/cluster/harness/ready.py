"""When a server is ready, and when the cluster is."""
from . import mysql_ping
from .roles import HOST
from .servers import Servers
from .web import Web


class Readiness:
    """Asks the servers of one cluster."""

    def __init__(self, servers: Servers):
        self._servers = servers
        self._web = Web(servers.tls)
        self._plain = Web()  # control ports have no certificates

    def ready(self, role: str) -> bool:
        """pd: has a leader; store: answers and is Up at PD; control: answers, which the test store's does last; tidb: answers SQL."""
        servers = self._servers
        if role.startswith("pd"):
            return self._leads(servers.address(role))
        if role == "tidb":
            return mysql_ping.answers(HOST, servers.ports["tidb"])
        if role == "control" or servers.shape.kind == "test":
            return self._plain.ask(servers.address("control"), "/stats") is not None
        if self._web.ask(servers.address(f"{role}_status"), "/status") is None:
            return False
        return self._stores().get(servers.address(role), {}).get("state_name") == "Up"

    def _leads(self, address: str) -> bool:
        members = self._web.ask(address, "/pd/api/v1/members")
        return bool(members and members.get("leader"))

    def _ask_pd(self, path: str, send: dict | None = None):
        """From the first member that answers; None when none does."""
        for address in self._servers.shape.pd_addresses(self._servers.ports):
            if (answer := self._web.ask(address, path, send)) is not None:
                return answer
        return None

    def pd_leader(self) -> str | None:
        """The role of PD's leader: members are named by their roles."""
        return ((self._ask_pd("/pd/api/v1/members") or {}).get("leader") or {}).get("name")

    def _stores(self) -> dict[str, dict]:
        """What PD knows of the stores, by address."""
        return {item["store"]["address"]: item["store"] for item in (self._ask_pd("/pd/api/v1/stores") or {}).get("stores") or []}

    def store_ids(self) -> dict[str, int]:
        """Ids of the stores by address."""
        return {address: store["id"] for address, store in self._stores().items()}

    def replicate(self) -> bool:
        """Has PD make a copy in every store, as fast as it can. Not from the start: TiDB cuts many regions at first, and one with copies
        needs votes for its leader, which stores do not give just after their start."""
        fast = self._ask_pd("/pd/api/v1/stores/limit", {"rate": 10_000})
        return fast is not None and self._ask_pd("/pd/api/v1/config", {"replication.max-replicas": self._servers.shape.stores}) is not None

    def replicated(self) -> bool:
        """Every region has a leader and a peer in every store, and none of them lags."""
        regions = (self._ask_pd("/pd/api/v1/regions") or {}).get("regions") or []
        return bool(regions) and all(
            region.get("leader", {}).get("store_id") and len(region.get("peers") or []) == self._servers.shape.stores
            and not region.get("pending_peers") and not any(peer.get("role_name", "Voter") != "Voter" for peer in region["peers"])
            for region in regions)
