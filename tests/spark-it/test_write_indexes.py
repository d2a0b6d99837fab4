"""Row keys of every kind x index entries of every kind x partitions: bytes as TiDB's, and TiDB goes on with the table."""
import pytest

from support.compare import assert_same
from support.raw_pairs import assert_intact, assert_nothing
from support.writing import append, failure, name_of, named

ROWS = 90

# All rows have these columns beside those of their key: `u` unique, `o` unique or NULL, `n` repeated or NULL.
COLUMNS = {"u": "BIGINT NOT NULL", "o": "INT", "n": "INT", "s": "VARCHAR(40)", "b": "VARBINARY(40)", "d": "DECIMAL(20,4)", "t": "DATETIME(3)", "f": "DOUBLE"}
VALUES = {
    "u": "id * 7919 % 100003", "o": "IF(id % 3 = 0, NULL, CAST(id AS INT))", "n": "IF(id % 4 = 0, NULL, CAST(id % 5 AS INT))",
    "s": "IF(id % 11 = 0, NULL, concat(repeat('é', CAST(id % 9 AS INT)), id, IF(id % 2 = 0, ' ', '')))",
    "b": "IF(id % 13 = 0, NULL, CAST(concat(repeat('\\u0000', CAST(id % 9 AS INT)), id) AS BINARY))",
    "d": "CAST(IF(id % 5 = 0, NULL, (id - 40) * 123456.7891) AS DECIMAL(20,4))",
    "t": "IF(id % 7 = 0, NULL, timestampadd(MILLISECOND, id * 86400007, TIMESTAMP_NTZ'1999-12-31 00:00:00'))",
    "f": "IF(id % 6 = 0, NULL, CAST(id - 45 AS DOUBLE) / 8)",
}
INDEXES = ["UNIQUE KEY u_one (u)", "UNIQUE KEY u_null (o)", "UNIQUE KEY u_many (o, s, u)", "KEY plain (n)", "KEY many (n, s, d, t)", "KEY text_ (s)",
           "KEY prefix_ (s(3))", "KEY bytes_ (b(4), u)", "UNIQUE KEY u_prefix (u, b(3))", "KEY hidden_ (t, f) INVISIBLE", "KEY backward (f DESC, d)"]

# Kind of key -> (columns, values in Spark, clause of the key, options).
HANDLES = {
    "int": ({"k": "BIGINT NOT NULL"}, {"k": "id - 40"}, "PRIMARY KEY (k) CLUSTERED", ""),
    "int_unsigned": ({"k": "BIGINT UNSIGNED NOT NULL"}, {"k": "CAST(18446744073709551615 - id AS DECIMAL(20,0))"}, "PRIMARY KEY (k) CLUSTERED", ""),
    "tiny_unsigned": ({"k": "TINYINT UNSIGNED NOT NULL"}, {"k": "CAST(id + 100 AS SMALLINT)"}, "PRIMARY KEY (k)", ""),
    "common_text": ({"k": "VARCHAR(30) NOT NULL"}, {"k": "concat(repeat('k', CAST(id % 10 AS INT)), id, '  ')"}, "PRIMARY KEY (k) CLUSTERED", ""),
    "common_bytes": ({"k": "VARBINARY(30) NOT NULL"}, {"k": "CAST(concat('\\u0000', id) AS BINARY)"}, "PRIMARY KEY (k) CLUSTERED", ""),
    "common_many": ({"k": "DECIMAL(20,0) NOT NULL", "j": "VARCHAR(9) NOT NULL", "i": "DATETIME(6) NOT NULL"},
                    {"k": "CAST(id % 3 - 1 AS DECIMAL(20,0))", "j": "concat('j', id % 7)",
                     "i": "timestampadd(MICROSECOND, id, TIMESTAMP_NTZ'2020-01-01 00:00:00')"}, "PRIMARY KEY (j, k, i) CLUSTERED", ""),
    "common_prefix": ({"k": "VARCHAR(30) NOT NULL", "j": "INT NOT NULL"}, {"k": "concat('same', id)", "j": "CAST(id AS INT)"},
                      "PRIMARY KEY (k(3), j) CLUSTERED", ""),
    "row_id": ({}, {}, "", ""),
    "row_id_and_key": ({"k": "VARCHAR(30) NOT NULL"}, {"k": "concat('k', id)"}, "PRIMARY KEY (k) NONCLUSTERED", ""),
    "row_id_sharded": ({}, {}, "", "SHARD_ROW_ID_BITS = 4 PRE_SPLIT_REGIONS = 2"),
    "auto_random": ({"k": "BIGINT NOT NULL AUTO_RANDOM(5)"}, {}, "PRIMARY KEY (k) CLUSTERED", ""),
    "auto_random_range": ({"k": "BIGINT UNSIGNED NOT NULL AUTO_RANDOM(3, 54)"}, {}, "PRIMARY KEY (k) CLUSTERED", ""),
    "auto_increment": ({"k": "BIGINT NOT NULL AUTO_INCREMENT"}, {}, "PRIMARY KEY (k) CLUSTERED", ""),
    "auto_increment_given": ({"k": "BIGINT NOT NULL AUTO_INCREMENT"}, {"k": "id * 3 + 1000"}, "PRIMARY KEY (k) CLUSTERED", ""),
    "auto_increment_one": ({"k": "INT UNSIGNED NOT NULL AUTO_INCREMENT"}, {}, "PRIMARY KEY (k) CLUSTERED", "AUTO_ID_CACHE 1"),
    "auto_increment_one_given": ({"k": "BIGINT NOT NULL AUTO_INCREMENT"}, {"k": "id * 3 + 1000"}, "PRIMARY KEY (k) CLUSTERED", "AUTO_ID_CACHE 1"),
    "auto_increment_not_clustered": ({"k": "BIGINT NOT NULL AUTO_INCREMENT"}, {}, "PRIMARY KEY (k) NONCLUSTERED", ""),
    "auto_increment_no_key": ({"k": "BIGINT NOT NULL AUTO_INCREMENT"}, {}, "KEY (k)", ""),
}


def source(spark, given: dict[str, str], rows: int = ROWS, start: int = 0):
    """Rows `start` .. of a key's kind."""
    columns = {**given, **VALUES}
    return spark.range(start, start + rows, 1, 3).selectExpr(*[f"{sql} AS {name}" for name, sql in columns.items()])


def create(oracle, name: str, columns: dict[str, str], parts: list[str], options: str) -> None:
    """CREATE TABLE."""
    inside = [f"{column} {kind}" for column, kind in {**columns, **COLUMNS}.items()] + [part for part in parts if part]
    oracle.execute(f"CREATE TABLE {name} ({', '.join(inside)}) {options}")


def the_rows_are_there(oracle, database: str, name: str, frame) -> None:
    """TiDB has exactly the rows of the data frame, in the columns that it has."""
    assert_same(frame, oracle, f"SELECT {', '.join(frame.columns)} FROM {database}.{name}")


@pytest.mark.parametrize("name", HANDLES)
def test_a_key_and_all_indexes(spark, cluster, oracle, database, name):
    columns, given, key, options = HANDLES[name]
    name = f"by_{name}"
    create(oracle, name, columns, [key, *INDEXES], options)
    frame = source(spark, given)
    append(frame, database, name)
    the_rows_are_there(oracle, database, name, frame)
    assert_intact(cluster, oracle, database, name)
    # TiDB writes on: its ids do not meet ours. (`u` and `o` are unique in their own.)
    left_out = columns.keys() - given.keys()
    if left_out or not columns:
        for number in range(3):
            oracle.execute(f"INSERT INTO {name} (u, o) VALUES ({200_000 + number}, {200_000 + number})")
    # And Spark once more, behind TiDB.
    if not given:
        append(source(spark, given, 30, ROWS), database, name)
    oracle.execute(f"UPDATE {name} SET n = 77, s = 'changed' WHERE u % 5 = 1", f"DELETE FROM {name} WHERE u % 5 = 2")
    oracle.execute(f"ADMIN CHECK TABLE {name}")
    assert oracle.one(f"SELECT count(*) FROM {name} WHERE n = 77") == oracle.one(f"SELECT count(*) FROM {name} USE INDEX () WHERE u % 5 = 1")


@pytest.mark.parametrize("index", INDEXES)
@pytest.mark.parametrize("handle", ["int", "common_many", "row_id"])
def test_an_index_alone(spark, cluster, oracle, database, handle, index):
    columns, given, key, options = HANDLES[handle]
    name = f"alone_{handle}_{INDEXES.index(index)}"
    create(oracle, name, columns, [key, index], options)
    append(source(spark, given), database, name)
    assert_intact(cluster, oracle, database, name)


def test_generated_ids_are_tidbs(spark, oracle, database):
    """Ids have the layout of the column: positive, in the range, shard bits above, no two alike."""
    oracle.execute("CREATE TABLE ids (k BIGINT PRIMARY KEY AUTO_RANDOM(5), v INT)", "CREATE TABLE hidden_ids (v INT) SHARD_ROW_ID_BITS = 4",
                   "CREATE TABLE counted (k BIGINT PRIMARY KEY AUTO_INCREMENT, v INT)")
    for name, key, bits in (("ids", "k", 5), ("hidden_ids", "_tidb_rowid", 4), ("counted", "k", 0)):
        # A task has one shard, drawn from its start_ts, and Spark may make a job of one task: so many jobs as show a second shard.
        for job in range(1, 20):
            append(spark.range(0, 2000, 1, 4).selectExpr("CAST(id AS INT) AS v"), database, name)
            shards = int(oracle.one(f"SELECT count(DISTINCT {key} >> {63 - bits}) FROM {name}"))
            if job >= 2 and (shards > 1 or not bits):
                break
        rows = str(2000 * job)
        assert oracle.rows(f"SELECT count(*), count(DISTINCT {key}), min({key}) > 0 FROM {name}") == [(rows, rows, "1")]
        assert (shards > 1) == (bits > 0)
        assert int(oracle.one(f"SELECT max({key} & ((1 << {63 - bits}) - 1)) FROM {name}")) < 1 << 24


def test_null_and_zero_auto_increment(spark, cluster, oracle, database):
    """A given value is kept, a NULL is generated, as TiDB does; ids do not meet."""
    oracle.execute("CREATE TABLE mixed_ids (k BIGINT PRIMARY KEY AUTO_INCREMENT, v INT)")
    append(spark.range(0, 40, 1, 2).selectExpr("id + 100000000 AS k", "CAST(id AS INT) AS v"), database, "mixed_ids")
    oracle.execute("INSERT INTO mixed_ids (v) VALUES (1000)")
    append(spark.range(0, 40, 1, 2).selectExpr("CAST(id AS INT) AS v"), database, "mixed_ids")
    assert oracle.rows("SELECT count(*), count(DISTINCT k) FROM mixed_ids") == [("81", "81")]
    assert_intact(cluster, oracle, database, "mixed_ids")


def test_null_and_default_auto_random(spark, cluster, oracle, database):
    """NULL and DEFAULT ask for a value; a given one is kept."""
    oracle.execute("CREATE TABLE random_ids (k BIGINT PRIMARY KEY AUTO_RANDOM(5), v INT)")
    spark.sql(f"INSERT INTO {name_of(database, 'random_ids')} VALUES (NULL, 1), (DEFAULT, 2)")
    spark.sql(f"INSERT INTO {name_of(database, 'random_ids')} (k, v) VALUES (7, 3)")
    assert oracle.rows("SELECT count(*), count(DISTINCT k), min(k), sum(v) FROM random_ids") == [("3", "3", "7", "6")]
    assert_intact(cluster, oracle, database, "random_ids")


# ---------------------------------------------------------------- partitions

PARTITIONED = {
    "hash_": "PARTITION BY HASH (p) PARTITIONS 5", "hash_expression": "PARTITION BY HASH (year(y)) PARTITIONS 3", "key_": "PARTITION BY KEY (p) PARTITIONS 3",
    "key_text": "PARTITION BY KEY (q) PARTITIONS 4",
    "range_": "PARTITION BY RANGE (p) (PARTITION a VALUES LESS THAN (-10), PARTITION b VALUES LESS THAN (20), PARTITION c VALUES LESS THAN MAXVALUE)",
    "range_columns": "PARTITION BY RANGE COLUMNS (p) (PARTITION a VALUES LESS THAN (-10), PARTITION b VALUES LESS THAN (20), PARTITION c VALUES LESS THAN (MAXVALUE))",
    "range_dates": "PARTITION BY RANGE COLUMNS (y) (PARTITION a VALUES LESS THAN ('2020-01-20'), PARTITION b VALUES LESS THAN (MAXVALUE))",
    "range_many": "PARTITION BY RANGE COLUMNS (p, q) (PARTITION a VALUES LESS THAN (0, 'q3'), PARTITION b VALUES LESS THAN (0, 'q5'), "
                  "PARTITION c VALUES LESS THAN (MAXVALUE, MAXVALUE))",
    "range_year": "PARTITION BY RANGE (year(y)) (PARTITION a VALUES LESS THAN (2020), PARTITION b VALUES LESS THAN MAXVALUE)",
    "range_days": "PARTITION BY RANGE (to_days(y)) (PARTITION a VALUES LESS THAN (737800), PARTITION b VALUES LESS THAN MAXVALUE)",
    "list_": "PARTITION BY LIST (p) (" + ", ".join(f"PARTITION l{n} VALUES IN ({', '.join(str(v) for v in range(-45, 45) if v % 4 == n)})" for n in range(4)) + ")",
    "list_columns": "PARTITION BY LIST COLUMNS (q) (PARTITION a VALUES IN ('q0', 'q1', 'q2'), PARTITION b VALUES IN ('q3', 'q4', 'q5', 'q6'))",
}
# Expressions that may be refused by name; all other methods must be written.
MAY_BE_REFUSED = {"hash_expression", "range_year", "range_days", "key_text"}


@pytest.mark.parametrize("key", ["PRIMARY KEY (p, q, y) CLUSTERED", "", "PRIMARY KEY (p, q, y) NONCLUSTERED"], ids=["clustered", "no_key", "not_clustered"])
@pytest.mark.parametrize("name", PARTITIONED)
def test_partitions(spark, cluster, oracle, database, name, key):
    table = f"{name}_{len(key)}"
    columns = {"p": "INT NOT NULL", "q": "VARCHAR(10) NOT NULL", "y": "DATE NOT NULL"}
    create(oracle, table, columns, [key, "UNIQUE KEY u_local (u, p, q, y)", "KEY n_local (n)", "KEY s_local (s(3))"], PARTITIONED[name])
    given = {"p": "CAST(id - 45 AS INT)", "q": "concat('q', id % 7)", "y": "date_add(DATE'2019-12-15', CAST(id AS INT))"}
    frame = source(spark, given)
    try:
        append(frame, database, table)
    except Exception as error:
        assert name in MAY_BE_REFUSED and "partition" in str(error).lower(), error
        return
    the_rows_are_there(oracle, database, table, frame)
    assert_intact(cluster, oracle, database, table)
    parts = oracle.names(f"SELECT partition_name FROM information_schema.partitions WHERE table_schema = '{database}' AND table_name = '{table}'")
    counts = [int(oracle.one(f"SELECT count(*) FROM {table} PARTITION ({part})")) for part in parts]
    assert sum(counts) == ROWS and sum(count > 0 for count in counts) > 1, counts


def test_null_in_a_partition_column(spark, cluster, oracle, database):
    """NULL lies in the first range, in partition 0 of a hash, in the list that names it."""
    for name, clause in {"null_range": PARTITIONED["range_"], "null_hash": PARTITIONED["hash_"],
                         "null_list": "PARTITION BY LIST (p) (PARTITION a VALUES IN (0, 1), PARTITION b VALUES IN (2, NULL))"}.items():
        oracle.execute(f"CREATE TABLE {name} (p INT, v INT, KEY (v)) {clause}")
        append(spark.range(0, 3).selectExpr("IF(id = 0, NULL, CAST(id AS INT)) AS p", "CAST(id AS INT) AS v"), database, name)
        assert oracle.one(f"SELECT count(*) FROM {name} WHERE p IS NULL") == "1"
        assert_intact(cluster, oracle, database, name)


def test_a_row_without_partition(spark, cluster, oracle, database):
    """TiDB's error 1526."""
    for name, clause in {"gap_range": "PARTITION BY RANGE (p) (PARTITION a VALUES LESS THAN (10))",
                         "gap_list": "PARTITION BY LIST (p) (PARTITION a VALUES IN (0, 1, 2, 3, 4, 5, 6, 7, 8, 9))"}.items():
        oracle.execute(f"CREATE TABLE {name} (p INT, v INT) {clause}")
        frame = spark.range(0, 12, 1, 2).selectExpr("CAST(IF(id = 11, 1111, id % 10) AS INT) AS p", "CAST(id AS INT) AS v")
        named(failure(lambda: append(frame, database, name)), "partition", "1111")
        assert_nothing(cluster, oracle, database, name)
