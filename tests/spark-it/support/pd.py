"""PD of the cluster: its clock, its GC safe point, and the service safe points that hold it back."""
import json
import urllib.request

import grpc

LOGICAL_BITS = 18


def tso_of(millis: int) -> int:
    """The first TSO of a millisecond."""
    return millis << LOGICAL_BITS


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


class Pd:
    """One member. Requests are written by hand: two messages need no generated code."""

    def __init__(self, status: dict):
        self._address = status["pd"]["addresses"][0]
        self._cluster = int(self._get("/pd/api/v1/cluster")["id"])

    def _get(self, path: str):
        with urllib.request.urlopen(f"http://{self._address}{path}", timeout=10) as answer:
            return json.load(answer)

    def service_safe_points(self) -> dict[str, int]:
        """Safe points by service."""
        points = self._get("/pd/api/v1/gc/safepoint").get("service_gc_safe_points") or []
        return {point["service_id"]: int(point["safe_point"]) for point in points}

    def reads(self) -> dict[str, int]:
        """Those of reads of Spark."""
        return {name: point for name, point in self.service_safe_points().items() if name.startswith("tidb-spark-read-")}

    def collect_garbage(self, safe_point: int) -> None:
        """Moves the GC safe point, as a cluster does that forgot the readers: service safe points are not looked at."""
        # UpdateGCSafePointRequest { header = 1 { cluster_id = 1 }, safe_point = 2 }
        header = b"\x08" + _varint(self._cluster)
        request = b"\x0a" + _varint(len(header)) + header + b"\x10" + _varint(safe_point)
        with grpc.insecure_channel(self._address) as channel:
            channel.unary_unary("/pdpb.PD/UpdateGCSafePoint")(request, timeout=10)
