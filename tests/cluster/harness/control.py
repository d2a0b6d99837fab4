"""Client of the control port."""
import json
import urllib.error
import urllib.request

from .paths import Failure


class Control:
    """`base` is http://127.0.0.1:port."""

    def __init__(self, base: str, timeout: float = 40.0):
        self.base = base.rstrip("/")
        self.timeout = timeout
        # Never through a proxy: the port is on loopback.
        self._open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open

    def call(self, method: str, path: str, body=None):
        """One request; the answer's JSON. An error of the store becomes a Failure with its text."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data=data, method=method)
        try:
            with self._open(request, timeout=self.timeout) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            text = error.read().decode(errors="replace")
            try:
                text = json.loads(text)["error"]
            except (ValueError, KeyError):
                pass
            raise Failure(f"{method} {path}: {text}") from error
        except OSError as error:
            raise Failure(f"the control port {self.base} does not answer: {error}") from error

    def stats(self) -> dict:
        """Counters by RPC name, in-flight calls, number of regions."""
        return self.call("GET", "/stats")

    def regions(self) -> list[dict]:
        """All regions in key order; keys are hex of raw keys."""
        return self.call("GET", "/regions")

    def set_faults(self, *rules: dict) -> list[dict]:
        """Replaces the fault rules."""
        return self.call("POST", "/faults", list(rules))

    def faults(self) -> list[dict]:
        """The rules with `seen` and `hits`."""
        return self.call("GET", "/faults")

    def clear_faults(self) -> list[dict]:
        """Removes all rules and returns their last state."""
        return self.call("DELETE", "/faults")

    def split(self, *keys: bytes) -> int:
        """Splits at raw keys; returns the number of regions."""
        return self.call("POST", "/split", {"keys": [key.hex() for key in keys]})["regions"]

    def transfer_leader(self, region_id: int, store_id: int) -> None:
        """Moves the leader of a region to another store."""
        self.call("POST", "/transfer_leader", {"region_id": region_id, "store_id": store_id})

    def spread_leaders(self) -> None:
        """Leads the regions from all stores in turn."""
        stores = [store["id"] for store in self.stats()["stores"]]
        for number, region in enumerate(self.regions()):
            wanted = stores[number % len(stores)]
            if region["store_id"] != wanted:
                self.transfer_leader(region["id"], wanted)

    def merge(self, region_id: int, target_id: int) -> None:
        """Joins a region with its neighbour `target_id`, which keeps its id. TiKV only."""
        self.call("POST", "/merge", {"region_id": region_id, "target_id": target_id})

    def schedule(self, **operator) -> None:
        """Hands an operator to PD (`name` and its fields) and does not wait for it. TiKV only."""
        self.call("POST", "/schedule", operator)

    def lock(self, **request) -> dict:
        """Leaves locks as a dead writer would; the fields are those of POST /lock."""
        return self.call("POST", "/lock", request)

    def locks(self, limit: int = 1000) -> list[dict]:
        """Live locks of the store."""
        return self.call("GET", f"/locks?limit={limit}")

    def pairs(self, start: bytes, end: bytes) -> list[tuple[bytes, bytes]]:
        """The newest committed pairs of [start, end), raw keys, in key order; a lock there is an error."""
        found = self.call("GET", f"/kv?start={start.hex()}&end={end.hex()}")
        return [(bytes.fromhex(pair["key"]), bytes.fromhex(pair["value"])) for pair in found]
