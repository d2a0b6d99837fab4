"""Row keys of every kind: integer handles, clustered primary keys of several columns, prefixes, hidden row ids."""
import pytest

from support.compare import assert_same
from support.sparks import CATALOG, settings

LONG = 1 << 63

# Table -> definition, rows as SQL.
TABLES = {
    "int_handle": ("(id BIGINT PRIMARY KEY CLUSTERED, v VARCHAR(10))", f"(-{LONG}, 'min'), (-1, 'minus'), (0, 'zero'), (1, NULL), ({LONG - 1}, 'max')"),
    "unsigned_handle": ("(id BIGINT UNSIGNED PRIMARY KEY CLUSTERED, v INT)", f"(0, 1), (1, 2), ({LONG - 1}, 3), ({LONG}, 4), ({2 * LONG - 1}, 5)"),
    "small_handle": ("(v INT, id TINYINT UNSIGNED PRIMARY KEY CLUSTERED)", "(1, 0), (2, 127), (3, 128), (4, 255)"),
    "no_key": ("(a INT, b VARCHAR(10))", "(1, 'x'), (1, 'x'), (NULL, NULL)"),
    "nonclustered": ("(a VARCHAR(10) PRIMARY KEY NONCLUSTERED, b INT)", "('a', 1), ('', 2), ('ü', 3)"),
    "common_strings": ("(a VARCHAR(20), b VARCHAR(20) COLLATE utf8mb4_bin, c INT, PRIMARY KEY (a, b) CLUSTERED)",
                       "('', '', 1), ('Abc', 'x', 2), ('abd', 'X', 3), ('a  ', 'trail  ', 4), ('😀', 'é', 5)"),
    "common_ci": ("(a VARCHAR(20) COLLATE utf8mb4_general_ci, b CHAR(5) COLLATE utf8mb4_unicode_ci, c INT, PRIMARY KEY (a, b) CLUSTERED)",
                  "('ABC', 'Straß', 1), ('def', 'Ü', 2), ('Ghi  ', 'x', 3), ('', '', 4)"),
    "common_prefix": ("(a VARCHAR(50), b VARBINARY(50), c INT, PRIMARY KEY (a(3), b(2)) CLUSTERED)",
                      "('abcdef', x'0001020304', 1), ('ab', x'00', 2), ('xyz-long-value', x'ffff00', 3), ('日本語テキスト', x'', 4)"),
    "common_mixed": ("(d DECIMAL(20,5), t DATETIME(6), s ENUM('x','y'), u BIGINT UNSIGNED, f DOUBLE, v INT, PRIMARY KEY (d, t, s, u, f) CLUSTERED)",
                     "(-1.5, '2020-01-01 00:00:00.000001', 'x', 1, -1.5, 1), (99999.99999, '9999-12-31', 'y', 18446744073709551615, 1e300, 2), "
                     "(0, '1000-01-01', 'x', 0, 0, 3)"),
    "common_times": ("(a DATE, b TIMESTAMP(3) DEFAULT '2020-01-01', c TIME(2), y YEAR, bits BIT(9), v INT, PRIMARY KEY (a, b, c, y, bits) CLUSTERED)",
                     "('2020-01-01', '2024-03-10 07:00:00.123', '-10:00:00.25', 2020, b'100000001', 1), "
                     "('0001-01-01', '1970-01-01 00:00:01', '838:59:59', 1901, b'0', 2)"),
    "only_key": ("(a VARCHAR(10), b INT, PRIMARY KEY (b, a) CLUSTERED)", "('x', 1), ('y', 1), ('', -5)"),
}


@pytest.fixture(scope="module")
def made(oracle, database):
    """All tables."""
    for name, (definition, rows) in TABLES.items():
        oracle.execute(f"CREATE TABLE {name} {definition}", f"INSERT INTO {name} VALUES {rows}")


@pytest.mark.parametrize("name", TABLES)
def test_all_columns(oracle, database, made, table, name):
    assert assert_same(table(name), oracle, f"SELECT * FROM {database}.{name}") == TABLES[name][1].count("(")


@pytest.mark.parametrize("name", TABLES)
def test_every_column_alone(oracle, database, made, table, name):
    for column in table(name).columns:
        assert_same(table(name).select(column), oracle, f"SELECT {column} FROM {database}.{name}")


@pytest.mark.parametrize("name", TABLES)
def test_with_a_set_column(oracle, database, made, table, name):
    """The same keys with the row encoding: handles are columns of the answer there too."""
    oracle.execute(f"CREATE TABLE {name}_set LIKE {name}", f"ALTER TABLE {name}_set ADD COLUMN extra_set SET('p', 'q') DEFAULT 'p,q'",
                   f"INSERT INTO {name}_set SELECT {name}.*, 'q' FROM {name}")
    assert_same(table(f"{name}_set"), oracle, f"SELECT * FROM {database}.{name}_set")


def test_hidden_row_id(spark, oracle, database, made):
    with settings(spark, tispark__show_rowid="true"):
        for name in ("no_key", "nonclustered"):
            frame = spark.table(f"{CATALOG}.{database}.{name}")
            assert frame.columns[-1] == "_tidb_rowid"
            columns = ", ".join(frame.columns)
            assert_same(frame, oracle, f"SELECT {columns} FROM {database}.{name}")
            assert_same(frame.select("_tidb_rowid"), oracle, f"SELECT _tidb_rowid FROM {database}.{name}")
        assert "_tidb_rowid" not in spark.table(f"{CATALOG}.{database}.int_handle").columns
    assert "_tidb_rowid" not in spark.table(f"{CATALOG}.{database}.no_key").columns


def test_auto_random_and_shard_row_id(oracle, database, table):
    """The high bits of such keys make handles of both signs."""
    oracle.execute("CREATE TABLE random_ (id BIGINT PRIMARY KEY CLUSTERED AUTO_RANDOM(5), v INT)", "CREATE TABLE sharded (v INT) SHARD_ROW_ID_BITS = 4")
    for name in ("random_", "sharded"):
        for number in range(20):
            oracle.execute(f"INSERT INTO {name} (v) VALUES ({number})")
        assert_same(table(name), oracle, f"SELECT * FROM {database}.{name}")
