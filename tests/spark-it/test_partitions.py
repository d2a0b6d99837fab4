"""Partitioned tables: every method, rows in every partition, keys of every kind."""
import pytest

from support.compare import assert_same

METHODS = {
    "range_": "PARTITION BY RANGE (a) (PARTITION p0 VALUES LESS THAN (0), PARTITION p1 VALUES LESS THAN (100), PARTITION pm VALUES LESS THAN MAXVALUE)",
    "range_expr": "PARTITION BY RANGE (a DIV 10) (PARTITION p0 VALUES LESS THAN (0), PARTITION pm VALUES LESS THAN MAXVALUE)",
    "range_columns": "PARTITION BY RANGE COLUMNS (a, b) (PARTITION p0 VALUES LESS THAN (10, 'm'), PARTITION pm VALUES LESS THAN (MAXVALUE, MAXVALUE))",
    "list_": "PARTITION BY LIST (a) (PARTITION p0 VALUES IN (-7, 0, NULL), PARTITION p1 VALUES IN (5, 50), PARTITION p2 VALUES IN (150, 2000))",
    "list_columns": "PARTITION BY LIST COLUMNS (b) (PARTITION p0 VALUES IN ('x', NULL), PARTITION p1 VALUES IN ('y', ''))",
    "hash_": "PARTITION BY HASH (a) PARTITIONS 5",
    "key_": "PARTITION BY KEY (a) PARTITIONS 3",
}
ROWS = "(-7, 'x', 1.5), (0, 'y', 2.5), (5, 'x', NULL), (50, '', 0), (150, 'y', -1), (2000, 'x', 9), (NULL, 'y', 1), (0, NULL, 2)"


@pytest.fixture(scope="module")
def made(oracle, database):
    """One table per method."""
    for name, clause in METHODS.items():
        oracle.execute(f"CREATE TABLE {name} (a INT, b VARCHAR(10), c DECIMAL(8,2)) {clause}", f"INSERT INTO {name} VALUES {ROWS}")


@pytest.mark.parametrize("name", METHODS)
def test_all_partitions_are_read(oracle, database, made, table, name):
    assert assert_same(table(name), oracle, f"SELECT * FROM {database}.{name}") == 8
    assert table(name).count() == 8
    assert_same(table(name).where("a > 3 and b = 'x'"), oracle, f"SELECT * FROM {database}.{name} WHERE a > 3 AND b = 'x'")


def test_clustered_keys(oracle, database, table):
    for kind, key in (("int_key", "id"), ("common_key", "id, s")):
        oracle.execute(f"CREATE TABLE {kind} (id INT, s VARCHAR(10), v INT, PRIMARY KEY ({key}) CLUSTERED) PARTITION BY HASH (id) PARTITIONS 4")
        oracle.insert(kind, [(number, f"s{number % 7}", number * 3) for number in range(-50, 50)])
        assert_same(table(kind), oracle, f"SELECT * FROM {database}.{kind}")


def test_partitions_that_come_and_go(oracle, database, table):
    oracle.execute("CREATE TABLE moving (a INT) PARTITION BY RANGE (a) (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN (20))",
                   "INSERT INTO moving VALUES (1), (11)")
    expected = f"SELECT * FROM {database}.moving"
    assert_same(table("moving"), oracle, expected)
    oracle.execute("ALTER TABLE moving ADD PARTITION (PARTITION p2 VALUES LESS THAN (30))", "INSERT INTO moving VALUES (21)")
    assert_same(table("moving"), oracle, expected)
    oracle.execute("ALTER TABLE moving TRUNCATE PARTITION p0")
    assert_same(table("moving"), oracle, expected)
    oracle.execute("ALTER TABLE moving DROP PARTITION p1")
    assert assert_same(table("moving"), oracle, expected) == 1
    oracle.execute("ALTER TABLE moving REMOVE PARTITIONING", "INSERT INTO moving VALUES (99)")
    assert assert_same(table("moving"), oracle, expected) == 2
