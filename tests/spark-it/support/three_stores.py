"""A cluster of three real TiKV stores and three members of PD: tables whose content is known, what disturbs the servers, where leaders are."""
import concurrent.futures
import contextlib
import functools
import json
import random
import threading
import time
import types
import urllib.request
import zlib
from collections.abc import Iterator

from .cluster import REPO  # noqa: F401  (puts the harness on the path)
from .oracle import Oracle
from .raw_pairs import locks, prefix, record_key
from .victim import DEFINITION
from .write_program import PRIME, SPACE, row
from .writing import eventually

from harness.cluster import Cluster
from harness.control import Control
from harness.paths import Failure

DATABASE = "three"
ITEMS = ("(id BIGINT PRIMARY KEY CLUSTERED, u BIGINT NOT NULL, g INT NOT NULL, s VARCHAR(250) NOT NULL, "
         "UNIQUE KEY once (u), KEY by_g (g), KEY both_ (g, u))")
ACCOUNTS = "(id BIGINT PRIMARY KEY CLUSTERED, owner VARCHAR(30) NOT NULL, balance BIGINT NOT NULL, UNIQUE KEY once (owner), KEY plain (balance))"
ACCOUNT_ROWS = 2000
ROWS_OF_A_LOAD = 25_000

# What the accounts and the appended rows are compared by; the text is TiDB's and Spark's.
ACCOUNT_SUM = "SELECT count(*), sum(crc32(concat(id, ',', owner, ',', balance)))"
FILLED_SUM = "SELECT count(*), coalesce(sum(crc32(concat(id, ',', u, ',', s))), 0)"


def crc(*values) -> int:
    """CRC-32 of values as both systems print them."""
    return zlib.crc32(",".join(map(str, values)).encode())


def item(number: int) -> tuple[int, int, int, str]:
    """A row of `items`."""
    return number, number * PRIME % SPACE, number % 1000, f"item {number} " + "x" * (150 + number % 50)


def item_answers(rows: int) -> dict[str, tuple[int, int]]:
    """SQL of the queries of `items` (`{d}` is the database) and the right answers: a scan of all, of a covering index, look-ups by an index."""
    counts, sums = [0, 0, 0], [0, 0, 0]
    for values in map(item, range(rows)):
        number, u, g, s = values
        for at, text in enumerate((values, (number, u) if g < 100 else None, (s,) if g == 7 else None)):
            if text is not None:
                counts[at] += 1
                sums[at] += crc(*text)
    queries = ("SELECT count(*), sum(crc32(concat(id, ',', u, ',', g, ',', s))) FROM {d}.items",
               "SELECT count(*), sum(crc32(concat(id, ',', u))) FROM {d}.items WHERE g < 100",
               "SELECT count(*), sum(crc32(s)) FROM {d}.items WHERE g = 7")
    return dict(zip(queries, zip(counts, sums)))


MERGE = ("MERGE INTO {t} t USING (SELECT id AS k FROM range(1000, 3000)) s ON t.id = s.k WHEN MATCHED AND s.k % 10 = 0 THEN DELETE "
         "WHEN MATCHED THEN UPDATE SET balance = t.balance + s.k "
         "WHEN NOT MATCHED THEN INSERT (id, owner, balance) VALUES (s.k, concat('new ', s.k), s.k)")


def account(number: int) -> tuple[int, str, int]:
    """A row of the accounts before the MERGE."""
    return number, f"owner {number}", number * 100


@functools.cache
def account_answers() -> list[tuple[int, int]]:
    """What ACCOUNT_SUM answers before and after the MERGE."""
    before = {number: account(number) for number in range(ACCOUNT_ROWS)}
    after = dict(before)
    for k in range(1000, 3000):
        if k not in before:
            after[k] = (k, f"new {k}", k)
        elif k % 10 == 0:
            del after[k]
        else:
            after[k] = (k, before[k][1], before[k][2] + k)
    return [(len(rows), sum(crc(*values) for values in rows.values())) for rows in (before, after)]


@functools.cache
def filled_answers(rows: int) -> list[tuple[int, int]]:
    """What FILLED_SUM answers before and after the append."""
    return [(0, 0), (rows, sum(crc(*row(number)) for number in range(rows)))]


class Trio:
    """The running cluster."""

    def __init__(self, cluster: Cluster, status: dict):
        self.cluster, self.status = cluster, status
        self.control = Control(status["store"]["control"])
        self.stores = {one["role"]: one["id"] for one in status["store"]["stores"]}
        self.oracle = Oracle(status)
        self._made = 0

    @property
    def pd(self) -> str:
        """PD's endpoints, separated by commas."""
        return ",".join(self.status["pd"]["addresses"])

    def load(self, rows: int) -> None:
        """Makes the database and `items`, which TiDB fills from its first rows."""
        self.oracle.execute(f"CREATE DATABASE {DATABASE}", f"USE {DATABASE}", f"CREATE TABLE items {ITEMS}")
        first = min(rows, 1000)
        self.oracle.insert("items", [item(number) for number in range(first)])
        filled = first
        while filled < rows:
            more = min(filled, rows - filled, ROWS_OF_A_LOAD)
            number = f"(id + {filled})"
            self.oracle.execute(f"INSERT INTO items SELECT {number}, {number} * {PRIME} % {SPACE}, {number} % 1000, "
                                f"concat('item ', {number}, ' ', repeat('x', 150 + {number} % 50)) FROM items WHERE id < {more}")
            filled += more
        self.oracle.execute("ANALYZE TABLE items")

    def fresh(self) -> tuple[str, str]:
        """Names of an empty table for an append and of the accounts before a MERGE, both new."""
        self._made += 1
        filled, accounts = f"filled_{self._made}", f"accounts_{self._made}"
        self.oracle.execute(f"CREATE TABLE {filled} {DEFINITION}", f"CREATE TABLE {accounts} {ACCOUNTS}")
        self.oracle.insert(accounts, [account(number) for number in range(ACCOUNT_ROWS)])
        return filled, accounts

    def locks(self, table: str) -> list[dict]:
        """Live locks of a table."""
        return locks(types.SimpleNamespace(control=self.control), self.oracle, DATABASE, table)

    # ---- where leaders are ------------------------------------------------------------------------

    def ask_pd(self, path: str, method: str = "GET"):
        """The JSON of the first member of PD that answers."""
        last = None
        for address in self.status["pd"]["addresses"]:
            request = urllib.request.Request(f"http://{address}{path}", method=method)
            try:
                with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=3) as answer:
                    return json.loads(answer.read() or b"null")
            except OSError as error:
                last = error
        raise AssertionError(f"no member of PD answers {path}: {last}")

    def pd_leader(self) -> str:
        """Role of the member that leads PD; empty while there is none."""
        try:
            return (self.ask_pd("/pd/api/v1/leader") or {}).get("name", "")
        except AssertionError:
            return ""

    def whole(self, seconds: float = 90) -> None:
        """Waits until every region has a leader and three replicas that keep up."""
        def check() -> None:
            for region in self.ask_pd("/pd/api/v1/regions")["regions"]:
                assert region.get("leader", {}).get("store_id"), f"no leader: {region}"
                assert len(region["peers"]) == 3 and not region.get("pending_peers") and not region.get("down_peers"), f"replicas lag: {region}"

        eventually(check, seconds)

    def spread(self, first: str = "store") -> None:
        """A third of all leaders to each store, that of the schema to `first`. PD of the harness moves none by itself."""
        begin = list(self.stores).index(first)
        order = list(self.stores.values())[begin:] + list(self.stores.values())[:begin]
        for _ in range(4):
            regions = self.control.regions()
            wrong = [(region["id"], order[at % 3]) for at, region in enumerate(regions) if region["store_id"] != order[at % 3]]
            if not wrong:
                return
            with concurrent.futures.ThreadPoolExecutor(8) as pool:
                list(pool.map(lambda move: self._move(*move), wrong))
        assert len(wrong) <= len(regions) // 10, f"{len(wrong)} of {len(regions)} leaders could not be moved"

    def _move(self, region: int, store: int) -> bool:
        try:
            self.control.transfer_leader(region, store)
            return True
        except Failure:  # split, merged or moved meanwhile
            return False

    # ---- what disturbs ----------------------------------------------------------------------------

    @contextlib.contextmanager
    def killed(self, role: str) -> Iterator[None]:
        """SIGKILL; started again at the end of the block."""
        self.cluster.kill(role)
        try:
            yield
        finally:
            self.cluster.start(role)

    @contextlib.contextmanager
    def frozen(self, role: str) -> Iterator[None]:
        """SIGSTOP; goes on at the end of the block."""
        self.cluster.pause(role)
        try:
            yield
        finally:
            self.cluster.resume(role)

    @contextlib.contextmanager
    def churn(self, table: str, keys: int) -> Iterator[dict[str, int]]:
        """Regions of a table are split, merged and moved during the block; the dictionary counts what was done."""
        number = self.oracle.table_id(DATABASE, table)
        within, done, chance = (prefix(number).hex(), prefix(number + 1).hex()), {"splits": 0, "merges": 0, "moves": 0}, random.Random(14)
        stop = threading.Event()

        def of_table() -> list[dict]:
            found = [region for region in self.control.regions() if within[0] <= region["start_key"] < within[1]]
            if len(found) < 2:
                raise Failure("not enough regions yet")
            return found

        def split() -> None:
            self.control.split(record_key(number, chance.randrange(keys)))

        def merge() -> None:
            regions = of_table()
            at = chance.randrange(len(regions) - 1)
            self.control.call("POST", "/merge", {"region_id": regions[at]["id"], "target_id": regions[at + 1]["id"]})

        def move() -> None:
            region = chance.choice(of_table())
            self.control.transfer_leader(region["id"], chance.choice([store for store in self.stores.values() if store != region["store_id"]]))

        def again(what, name: str, pause: float) -> None:
            while not stop.wait(pause):
                with contextlib.suppress(Failure):  # the regions are others by now
                    what()
                    done[name] += 1

        threads = [threading.Thread(target=again, args=work, daemon=True) for work in ((split, "splits", 0.5), (merge, "merges", 0.3), (move, "moves", 0.1))]
        for thread in threads:
            thread.start()
        try:
            yield done
        finally:
            stop.set()
            for thread in threads:
                thread.join(60)
