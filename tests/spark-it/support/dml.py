"""Twin tables: a statement runs on one through Spark and on the other in TiDB, and both have the same rows afterwards.

In statements `{t}` is the table that changes and `{s}` the table `source`, which both read.
"""
from .cluster import TestCluster
from .oracle import Oracle
from .raw_pairs import assert_intact
from .writing import failure, name_of

COLUMNS = "id BIGINT NOT NULL, g INT NOT NULL, u BIGINT, v VARCHAR(20) COLLATE utf8mb4_general_ci, d DECIMAL(10,2)"
NAMES = ("id", "g", "u", "v", "d")
KINDS = {
    "int": "PRIMARY KEY (id) CLUSTERED, UNIQUE KEY once (u), KEY plain (v), KEY both_ (g, d)",
    "common": "PRIMARY KEY (g, id) CLUSTERED, UNIQUE KEY once (u), KEY plain (v(3))",
    "hidden": "UNIQUE KEY once (u), KEY plain (v)",
    "nonclustered": "PRIMARY KEY (id) NONCLUSTERED, UNIQUE KEY once (u), KEY plain (v)",
    "int_parts": "PRIMARY KEY (id) CLUSTERED, UNIQUE KEY once (u, id), KEY plain (v)) PARTITION BY HASH (id) PARTITIONS 3",
    "common_parts": "PRIMARY KEY (id, g) CLUSTERED, KEY plain (v)) PARTITION BY RANGE (g) (PARTITION a VALUES LESS THAN (2), PARTITION b VALUES LESS THAN MAXVALUE)",
    "hidden_parts": "KEY plain (v), UNIQUE KEY once (u, g)) PARTITION BY KEY (g) PARTITIONS 3",
}
"""What follows the columns in CREATE TABLE; of a partitioned table with what follows the closing bracket."""


def definition(kind: str) -> str:
    """Columns and keys of a kind of tables."""
    rest = KINDS[kind]
    return f"({COLUMNS}, {rest}" + ("" if ")) PARTITION" in rest or ") PARTITION" in rest else ")")


def rows(count: int) -> list[tuple]:
    """Rows 1 .. count; u is unique, v repeats and has NULLs."""
    return [(n, n % 4, None if n % 9 == 0 else n * 10, None if n % 8 == 0 else f"v{n % 5}", f"{n}.25") for n in range(1, count + 1)]


class Twins:
    """Two tables with the same rows: `name`, which Spark changes, and `name_twin`, which TiDB changes."""

    def __init__(self, spark, cluster: TestCluster, oracle: Oracle, database: str, name: str):
        self.spark, self.cluster, self.oracle, self.database, self.name = spark, cluster, oracle, database, name
        self.twin = f"{name}_twin"

    def create(self, text: str, values: list[tuple]) -> "Twins":
        """Makes both tables and writes the rows into them."""
        for name in (self.name, self.twin):
            self.oracle.execute(f"DROP TABLE IF EXISTS {name}", f"CREATE TABLE {name} {text}")
            if values:
                self.oracle.insert(name, values)
        return self

    @property
    def table(self) -> str:
        """The table that Spark changes, in Spark's catalog."""
        return name_of(self.database, self.name)

    def in_spark(self, statement: str) -> None:
        """Runs a statement in Spark."""
        self.spark.sql(statement.format(t=self.table, s=name_of(self.database, "source")))

    def in_tidb(self, *statements: str) -> None:
        """Runs statements in TiDB, as one transaction."""
        self.oracle.execute("BEGIN", *[statement.format(t=self.twin, s="source") for statement in statements], "COMMIT")

    def run(self, statement: str, *tidb: str) -> None:
        """Runs a statement in Spark, the same or `tidb` in TiDB, and compares."""
        self.in_spark(statement)
        self.in_tidb(*(tidb or (statement,)))
        self.assert_equal(statement)

    def fails(self, statement: str) -> str:
        """A statement fails in Spark and changes nothing; its texts."""
        before = self.content(self.name)
        text = failure(lambda: self.in_spark(statement))
        assert self.content(self.name) == before, f"{statement} failed and changed rows"
        return text

    def content(self, name: str) -> list[tuple]:
        """Rows in an order of their own."""
        return sorted(self.oracle.rows(f"SELECT * FROM {self.database}.{name}"), key=lambda row: [(v is not None, v) for v in row])

    def assert_equal(self, what: str = "") -> None:
        """Both have the same rows, and the indexes of the table agree with them."""
        ours, theirs = self.content(self.name), self.content(self.twin)
        if ours != theirs:
            only_ours = [row for row in ours if row not in theirs][:5]
            only_theirs = [row for row in theirs if row not in ours][:5]
            raise AssertionError(f"{what}\nSpark left {len(ours)} rows, TiDB {len(theirs)}; only Spark's: {only_ours}; only TiDB's: {only_theirs}")
        self.oracle.execute(f"ADMIN CHECK TABLE {self.database}.{self.name}")

    def assert_intact(self) -> None:
        """The table has the bytes that TiDB writes, and no lock."""
        assert_intact(self.cluster, self.oracle, self.database, self.name)

    def drop(self) -> None:
        """Removes both."""
        self.oracle.execute(f"DROP TABLE {self.name}, {self.twin}")
