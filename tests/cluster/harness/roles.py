"""Which servers a cluster has: names, order of start, ports."""
import dataclasses

from .paths import Failure

HOST = "127.0.0.1"
KINDS = ("test", "tikv")
LAYOUT = 2  # of state.json; a kept cluster with another one is refused


@dataclasses.dataclass(frozen=True)
class Shape:
    """What a cluster is made of; fixed at its first start."""

    kind: str = "test"
    stores: int = 1
    pds: int = 1
    tls: bool = False

    def __post_init__(self):
        if self.kind not in KINDS:
            raise Failure(f"no kind of store is called {self.kind!r}; there are {' and '.join(KINDS)}")
        if self.stores < 1 or self.pds not in (1, 3, 5):
            raise Failure("a cluster has one store or more and 1, 3 or 5 PDs")
        if self.tls and self.kind != "tikv":
            raise Failure("--tls needs --store tikv: the test store speaks plain text only")

    @staticmethod
    def of(state: dict) -> "Shape":
        """The shape in a cluster's state."""
        if state.get("layout") != LAYOUT:
            raise Failure("this cluster was made by another version of the harness; `cluster down --remove` first")
        return Shape(**state["shape"])

    def pd_roles(self) -> list[str]:
        """pd, pd-2, .."""
        return _numbered("pd", self.pds)

    def store_roles(self) -> list[str]:
        """store, store-2, ..: the processes. The test store plays all of its stores in one."""
        return _numbered("store", self.stores if self.kind == "tikv" else 1)

    def roles(self) -> list[str]:
        """All servers in the order of their start."""
        return [*self.pd_roles(), *self.store_roles(), "tidb", *(["control"] if self.kind == "tikv" else [])]

    def port_names(self) -> list[str]:
        """Names of all ports."""
        names = [name for role in self.pd_roles() for name in (role, f"{role}_peer")]
        for role in _numbered("store", self.stores):
            names += [role, *([f"{role}_status"] if self.kind == "tikv" else [])]
        return [*names, "control", "tidb", "tidb_status"]

    def pd_addresses(self, ports: dict) -> list[str]:
        """Client addresses of PD's members."""
        return [f"{HOST}:{ports[role]}" for role in self.pd_roles()]

    def store_addresses(self, ports: dict) -> list[str]:
        """Addresses of the stores in order."""
        return [f"{HOST}:{ports[name]}" for name in _numbered("store", self.stores)]


def _numbered(name: str, count: int) -> list[str]:
    return [name, *(f"{name}-{n}" for n in range(2, count + 1))]


def role_called(name: str) -> str:
    """`store-1` is `store`, `pd-1` is `pd`."""
    return name.removesuffix("-1") if name in ("store-1", "pd-1") else name
