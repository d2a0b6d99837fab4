"""What a user can ask of a write, and whose keys may be taken: append, upsert, ignore, overwrite, in SQL and in data frames."""
import time

import pytest
from pyspark.sql import functions as F

from support.raw_pairs import assert_intact, assert_no_locks, assert_nothing
from support.sparks import CATALOG, settings
from support.writing import append, failure, name_of, named

MODES = ["append", "upsert", "ignore"]


def rows(oracle, table: str, columns: str = "*") -> list[tuple]:
    """The table's rows in the order of their columns."""
    return sorted(oracle.rows(f"SELECT {columns} FROM {table}"), key=lambda row: [(value is not None, value) for value in row])


def frame(spark, values: list[tuple], partitions: int = 1, schema: str = "id BIGINT, u INT, v STRING"):
    """Rows in their order, cut into partitions."""
    return spark.createDataFrame(spark.sparkContext.parallelize(values, partitions), schema)


TABLES = {
    "clustered": "(id BIGINT PRIMARY KEY CLUSTERED, u INT, v VARCHAR(20), UNIQUE KEY once (u), KEY plain (v))",
    "common": "(id BIGINT, u INT, v VARCHAR(20), PRIMARY KEY (id, v) CLUSTERED, UNIQUE KEY once (u), KEY plain (v))",
    "hidden": "(id BIGINT PRIMARY KEY NONCLUSTERED, u INT, v VARCHAR(20), UNIQUE KEY once (u), KEY plain (v))",
    "partitioned": "(id BIGINT PRIMARY KEY CLUSTERED, u INT, v VARCHAR(20), UNIQUE KEY once (id, u), KEY plain (v)) PARTITION BY HASH (id) PARTITIONS 3",
}


@pytest.fixture
def make(oracle, database):
    """Makes a table of a kind, with the rows 1, 2 and 3 written by TiDB."""
    def made(kind: str, suffix: str) -> str:
        name = f"{kind}_{suffix}"
        oracle.execute(f"CREATE TABLE {name} {TABLES[kind]}", f"INSERT INTO {name} VALUES (1, 10, 'one'), (2, 20, 'two'), (3, NULL, 'three')")
        return name

    return made


@pytest.fixture
def sound(cluster, oracle, database):
    """Checks that a table's indexes, bytes and locks are in order."""
    return lambda name: assert_intact(cluster, oracle, database, name)


# ---------------------------------------------------------------- uniqueness

BEFORE = [("1", "10", "one"), ("2", "20", "two"), ("3", None, "three")]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", TABLES)
def test_a_taken_primary_key(spark, oracle, database, make, sound, kind, mode):
    name = make(kind, f"pk_{mode}")
    if kind == "common":
        new = frame(spark, [(2, 21, "two"), (4, 40, "four")])
    else:
        new = frame(spark, [(2, 21, "zwei"), (4, 40, "four")])
    if mode == "append":
        named(failure(lambda: append(new, database, name)), "2", "primary")
        assert rows(oracle, name) == BEFORE
    else:
        append(new, database, name, write__mode=mode)
        two = ("2", "21", "two" if kind == "common" else "zwei") if mode == "upsert" else BEFORE[1]
        assert rows(oracle, name) == [BEFORE[0], two, BEFORE[2], ("4", "40", "four")]
    sound(name)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", ["clustered", "common", "hidden"])
def test_a_taken_unique_key(spark, oracle, database, make, sound, kind, mode):
    name = make(kind, f"u_{mode}")
    new = frame(spark, [(5, 10, "five"), (6, 60, "six")])
    if mode == "append":
        named(failure(lambda: append(new, database, name)), "10", "once")
        assert rows(oracle, name) == BEFORE
    elif mode == "upsert":
        # Row 1 holds the key: it goes, with all its index entries.
        append(new, database, name, write__mode=mode)
        assert rows(oracle, name) == [*BEFORE[1:], ("5", "10", "five"), ("6", "60", "six")]
    else:
        append(new, database, name, write__mode=mode)
        assert rows(oracle, name) == [*BEFORE, ("6", "60", "six")]
    sound(name)


@pytest.mark.parametrize("kind", ["clustered", "common", "hidden"])
def test_a_row_that_takes_the_keys_of_two(spark, oracle, database, make, sound, kind):
    """MySQL's REPLACE: both rows go."""
    name = make(kind, "two")
    append(frame(spark, [(2, 10, "two")]), database, name, write__mode="upsert")
    assert rows(oracle, name) == [("2", "10", "two"), BEFORE[2]]
    sound(name)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("partitions", [1, 4], ids=["one_task", "two_tasks"])
@pytest.mark.parametrize("distribution", ["hash", "range", "none"])
@pytest.mark.parametrize("equal", ["pk", "unique"])
def test_two_rows_of_one_write_with_one_key(spark, cluster, oracle, database, mode, partitions, distribution, equal):
    """Which of the two would win is not defined: an error in every mode, and nothing of it is visible."""
    name = f"twice_{mode}_{partitions}_{distribution}_{equal}"
    oracle.execute(f"CREATE TABLE {name} {TABLES['clustered']}")
    first, second = (7, 7) if equal == "pk" else (7, 8)
    values = [(first, 70, "a")] + [(100 + n, 1000 + n, "x") for n in range(40)] + [(second, 71 if equal == "pk" else 70, "b")]
    new = frame(spark, values, partitions)
    text = failure(lambda: append(new, database, name, write__mode=mode, write__distribution=distribution))
    # In different tasks it is the audit that finds it.
    named(text, "'7'" if equal == "pk" else "'70'")
    assert any(word in text.lower() for word in ("duplicate", "twice", "same key")), text
    assert_nothing(cluster, oracle, database, name)


@pytest.mark.parametrize("kind", ["clustered", "hidden"])
def test_unique_values_move_between_tasks(spark, oracle, database, make, sound, kind):
    """An upsert in which rows take what others of the same write give up; `none` leaves each row in a task of its own."""
    name = make(kind, "moves")
    new = [(1, 20, "eins"), (2, 10, "zwei"), (4, 30, "three"), (3, 40, "drei")]
    oracle.execute(f"INSERT INTO {name} VALUES (9, 30, 'nine')")
    append(frame(spark, new, len(new)), database, name, write__mode="upsert", write__distribution="none")
    assert rows(oracle, name) == [tuple(map(str, row)) for row in sorted(new)]
    sound(name)


@pytest.mark.parametrize("mode", MODES)
def test_nulls_are_not_equal(spark, oracle, database, make, sound, mode):
    """A unique key with a NULL in it takes any number of rows."""
    name = make("clustered", f"null_{mode}")
    append(frame(spark, [(n, None, "null") for n in range(10, 30)], 4), database, name, write__mode=mode)
    assert oracle.one(f"SELECT count(*) FROM {name} WHERE u IS NULL") == "21"
    sound(name)


def test_trailing_spaces_and_case_in_keys(spark, cluster, oracle, database):
    """utf8mb4_bin pads: 'a' and 'a ' are one key, 'a' and 'A' are two; VARBINARY knows no padding."""
    oracle.execute("CREATE TABLE padded (k VARCHAR(9) PRIMARY KEY CLUSTERED, v INT)", "CREATE TABLE raw_ (k VARBINARY(9) PRIMARY KEY CLUSTERED, v INT)")
    append(spark.sql("SELECT 'a' AS k, 1 AS v UNION ALL SELECT 'A', 2"), database, "padded")
    named(failure(lambda: append(spark.sql("SELECT 'a ' AS k, 3 AS v"), database, "padded")), "a", "primary")
    append(spark.sql("SELECT X'61' AS k, 1 AS v UNION ALL SELECT X'6120', 2"), database, "raw_")
    for name in ("padded", "raw_"):
        assert oracle.one(f"SELECT count(*) FROM {name}") == "2"
        assert_intact(cluster, oracle, database, name)


def test_rows_that_move_their_keys(spark, oracle, database, make, sound):
    """Upserts change indexed columns: the old entries go."""
    name = make("clustered", "moving")
    append(frame(spark, [(n, n * 10, f"v{n}") for n in range(1, 200)], 4), database, name, write__mode="upsert")
    append(frame(spark, [(n, n * 10 + 5, f"w{n % 3}") for n in range(1, 200)], 4), database, name, write__mode="upsert")
    assert oracle.one(f"SELECT count(*) FROM {name} WHERE u % 10 = 5 AND v LIKE 'w%'") == "199"
    sound(name)


# ---------------------------------------------------------------- overwrite

@pytest.fixture
def hundred(oracle):
    """A table with the rows 0 .. 99, and a unique key."""
    def made(name: str, partitions: str = "", key: str = "PRIMARY KEY (id)") -> str:
        oracle.execute(f"CREATE TABLE {name} (id BIGINT NOT NULL, u INT, v VARCHAR(20), {key}, KEY plain (v)) {partitions}")
        oracle.insert(name, [(n, n * 10, f"old{n % 7}") for n in range(100)])
        return name

    return made


@pytest.mark.parametrize("key", ["PRIMARY KEY (id), UNIQUE KEY once (u)", "UNIQUE KEY once (u)"], ids=["clustered", "row_id"])
def test_insert_overwrite(spark, oracle, database, hundred, sound, key):
    """All old rows go, the new ones come, in one transaction; keys of old rows may be used again."""
    name = hundred(f"over_{len(key)}", key=key)
    spark.sql(f"INSERT OVERWRITE {name_of(database, name)} SELECT id + 50, CAST(id * 10 + 500 AS INT), 'new' FROM range(0, 80)")
    assert oracle.rows(f"SELECT count(*), min(id), max(id), count(DISTINCT v) FROM {name}") == [("80", "50", "129", "1")]
    sound(name)


def test_overwrite_with_nothing(spark, cluster, oracle, database, hundred):
    name = hundred("emptied")
    spark.sql(f"INSERT OVERWRITE {name_of(database, name)} SELECT id, 1, 'x' FROM range(0, 0)")
    assert_nothing(cluster, oracle, database, name)


def test_truncate(spark, cluster, oracle, database, hundred):
    """All rows go away in one transaction; the table takes rows again."""
    name = hundred("truncated")
    spark.sql(f"TRUNCATE TABLE {name_of(database, name)}")
    assert_nothing(cluster, oracle, database, name)
    append(frame(spark, [(1, 10, "again")], 1), database, name)
    assert oracle.rows(f"SELECT id, v FROM {name}") == [("1", "again")]
    assert_intact(cluster, oracle, database, name)


def test_a_transaction_per_task(spark, cluster, oracle, database, hundred):
    """`write.atomicity=partition`: the same rows; when one task fails, those of the others may stay, each task's as a whole."""
    name = hundred("own_transactions")
    own = {"write__atomicity": "partition", "write__distribution": "none"}
    append(frame(spark, [(1000 + n, 10_000 + n, "x") for n in range(40)], 4), database, name, **own)
    assert oracle.one(f"SELECT count(*) FROM {name} WHERE v = 'x'") == "40"
    append(frame(spark, [(1000 + n, 20_000 + n, "y") for n in range(80)], 4), database, name, **own, write__mode="upsert")
    assert oracle.rows(f"SELECT count(*), sum(v = 'y') FROM {name}") == [("180", "80")]
    text = failure(lambda: append(frame(spark, [(2000 + n, 30_000 + n, "z") for n in range(30)] + [(1000, 30_030, "z")], 31), database, name, **own))
    named(text, "'1000'")
    assert 0 <= int(oracle.one(f"SELECT count(*) FROM {name} WHERE v = 'z'")) <= 30
    with settings(spark, tispark__write__atomicity="partition"):
        named(failure(lambda: spark.sql(f"INSERT OVERWRITE {name_of(database, name)} SELECT 1L, 1, 'one'")), "write.atomicity")
    assert_intact(cluster, oracle, database, name)


def test_metrics_of_a_small_write(spark, database, hundred):
    """Spark asks tasks before their last rows are sent, and 3.5 does not ask the driver: the UI shows all of it nevertheless."""
    name = hundred("measured")
    append(frame(spark, [(1000 + n, 10_000 + n, "x") for n in range(7)], 2), database, name)
    shown = {}
    for _ in range(100):
        shown = last_metrics(spark)
        if shown.get("rows written to TiDB") == "7":
            break
        time.sleep(0.1)
    assert shown["rows written to TiDB"] == "7"
    assert shown["keys of rows and indexes"] not in ("", "0")
    for step in ("time of encoding", "time of prewriting", "time of the commit", "time of turning locks into rows"):
        assert "total" in shown[step], shown


def last_metrics(spark) -> dict[str, str]:
    """The metrics of the last statement, as the SQL tab shows them."""
    store = spark._jsparkSession.sharedState().statusStore()
    last = store.executionsList().last()
    values = store.executionMetrics(last.executionId())
    metrics = [last.metrics().apply(number) for number in range(last.metrics().size())]
    return {metric.name(): values.get(metric.accumulatorId()).get() for metric in metrics if values.contains(metric.accumulatorId())}


def test_overwrite_by_a_condition(spark, oracle, database, hundred, sound):
    name = hundred("conditional", key="PRIMARY KEY (id), UNIQUE KEY once (u)")
    new = spark.range(20, 30).selectExpr("id", "CAST(id * 10 AS INT) AS u", "'new' AS v")
    overwrite = lambda: new.writeTo(name_of(database, name)).overwrite(F.expr("id >= 20 AND id < 40"))  # noqa: E731
    try:
        overwrite()
    except Exception:
        # Refused by name is right too; half of it is not.
        named(failure(overwrite), "overwrite")
        assert oracle.rows(f"SELECT count(*), sum(v = 'new') FROM {name}") == [("100", "0")]
        sound(name)
        return
    assert oracle.rows(f"SELECT count(*), sum(v = 'new'), max(id) FROM {name}") == [("90", "10", "99")]
    sound(name)


def test_overwrite_with_rows_that_the_rest_holds(spark, oracle, database, hundred, sound):
    """A new row meets an old one that the condition keeps: an error, and nothing has changed."""
    name = hundred("kept")
    new = spark.range(50, 51).selectExpr("id", "1 AS u", "'new' AS v")
    text = failure(lambda: new.writeTo(name_of(database, name)).overwrite(F.expr("id < 10")))
    assert "50" in text or "overwrite" in text.lower(), text
    assert oracle.rows(f"SELECT count(*), sum(v = 'new') FROM {name}") == [("100", "0")]
    sound(name)


def test_an_overwrite_that_fails(spark, oracle, database, hundred, sound):
    name = hundred("survivor")
    failure(lambda: spark.sql(f"INSERT OVERWRITE {name_of(database, name)} SELECT id, raise_error('stop'), 'x' FROM range(0, 10)"))
    assert oracle.rows(f"SELECT count(*), sum(v = 'x') FROM {name}") == [("100", "0")]
    sound(name)


RANGES = "PARTITION BY RANGE (id) (PARTITION a VALUES LESS THAN (30), PARTITION b VALUES LESS THAN (60), PARTITION c VALUES LESS THAN MAXVALUE)"


def test_overwrite_partitions(spark, oracle, database, hundred, sound):
    """Only the partitions that get rows are emptied."""
    name = hundred("dynamic_", RANGES)
    spark.range(35, 40).selectExpr("id", "1 AS u", "'new' AS v").writeTo(name_of(database, name)).overwritePartitions()
    assert oracle.rows(f"SELECT count(*), sum(v = 'new'), sum(id >= 30 AND id < 60) FROM {name}") == [("75", "5", "5")]
    sound(name)


def test_dynamic_insert_overwrite(spark, oracle, database, hundred, sound):
    name = hundred("dynamic_sql", RANGES)
    with settings(spark, sql__sources__partitionOverwriteMode="dynamic"):
        spark.sql(f"INSERT OVERWRITE {name_of(database, name)} SELECT id, 1, 'new' FROM range(95, 105)")
    found = oracle.rows(f"SELECT count(*), sum(v = 'new') FROM {name}")
    # A partition by RANGE is none of Spark's: TiDB's are emptied, or all of the table as Spark does for tables without partitions.
    assert found in ([("70", "10")], [("10", "10")]), found
    sound(name)


# ---------------------------------------------------------------- SQL and data frames

def test_insert_with_a_column_list(spark, oracle, database, sound):
    """Columns left out get TiDB's defaults, DEFAULT too; names in any order and case."""
    oracle.execute("CREATE TABLE filled (id BIGINT PRIMARY KEY, a INT DEFAULT 7, b VARCHAR(10) NOT NULL DEFAULT 'dflt', c DECIMAL(8,3) DEFAULT -1.5, "
                   "d DATETIME(3) DEFAULT '2020-02-29 01:02:03.456', e ENUM('p', 'q') DEFAULT 'q', f BIT(9) DEFAULT b'100000001', g TIMESTAMP NULL DEFAULT "
                   "'2020-01-01 00:00:00', h DOUBLE, i SET('k', 'l') DEFAULT 'k,l', j VARBINARY(4) DEFAULT x'00ff')")
    name = name_of(database, "filled")
    spark.sql(f"INSERT INTO {name} (id) VALUES (1)")
    spark.sql(f"INSERT INTO {name} (B, ID) VALUES ('given', 2)")
    append(spark.range(3, 4).selectExpr("id", "2.5D AS h"), database, "filled")
    oracle.execute("CREATE TABLE filled_twin LIKE filled", "INSERT INTO filled_twin (id) VALUES (1)",
                   "INSERT INTO filled_twin (b, id) VALUES ('given', 2)", "INSERT INTO filled_twin (id, h) VALUES (3, 2.5)")
    assert rows(oracle, "filled") == rows(oracle, "filled_twin")
    sound("filled")


def test_the_word_default(spark, oracle, database, sound):
    oracle.execute("CREATE TABLE worded (id BIGINT PRIMARY KEY, a INT DEFAULT 7, b VARCHAR(10) DEFAULT 'x', c INT)")
    spark.sql(f"INSERT INTO {name_of(database, 'worded')} VALUES (1, DEFAULT, DEFAULT, DEFAULT), (2, 3, DEFAULT, 4)")
    assert rows(oracle, "worded") == [("1", "7", "x", None), ("2", "3", "x", "4")]
    sound("worded")


def test_defaults_of_the_moment(spark, oracle, database, sound):
    """CURRENT_TIMESTAMP is one moment for the whole write."""
    oracle.execute("CREATE TABLE stamped (id BIGINT PRIMARY KEY, t TIMESTAMP(6) DEFAULT CURRENT_TIMESTAMP(6), d DATETIME DEFAULT CURRENT_TIMESTAMP)")
    append(spark.range(0, 100, 1, 4), database, "stamped")
    assert oracle.one("SELECT count(DISTINCT t) FROM stamped") == "1"
    assert abs(float(oracle.one("SELECT max(unix_timestamp(now(6)) - unix_timestamp(t)) FROM stamped"))) < 120
    sound("stamped")


def test_insert_from_a_table_of_tidb(spark, oracle, database, make, sound):
    """Read and write of one table: the read has the snapshot before the write."""
    name = make("clustered", "self")
    spark.sql(f"INSERT INTO {name_of(database, name)} SELECT id + 100, u + 1, v FROM {name_of(database, name)}")
    assert oracle.one(f"SELECT count(*) FROM {name}") == "6"
    sound(name)


def test_by_name(spark, oracle, database, make, sound):
    """writeTo matches columns by name, insertInto and SQL by position."""
    name = make("clustered", "names")
    spark.createDataFrame([("x", 9, 99)], "v STRING, id BIGINT, u INT").writeTo(name_of(database, name)).append()
    spark.createDataFrame([(8, 88, "y")], "v BIGINT, id INT, u STRING").write.insertInto(name_of(database, name))
    assert rows(oracle, name)[3:] == [("8", "88", "y"), ("9", "99", "x")]
    sound(name)


@pytest.mark.parametrize("mode", ["append", "overwrite"])
def test_the_source_tidb(spark, cluster, oracle, database, make, sound, mode):
    """TiSpark's way: df.write.format("tidb").options(...).mode(...).save()."""
    name = make("clustered", f"v1_{mode}")
    (frame(spark, [(50, 500, "fifty")]).write.format("tidb").option("pd.addresses", cluster.pd).option("database", database).option("table", name)
     .mode(mode).save())
    assert rows(oracle, name) == (sorted([*BEFORE, ("50", "500", "fifty")]) if mode == "append" else [("50", "500", "fifty")])
    sound(name)


def test_tisparks_options(spark, cluster, oracle, database, make, sound):
    """`replace` and `deduplicate` and the rest of TiSpark's names, which came with TiDB's SQL address."""
    name = make("clustered", "tispark")
    tidb = cluster.status["tidb"]
    (frame(spark, [(1, 11, "eins")]).write.format("tidb").option("tidb.addr", tidb["host"]).option("tidb.port", tidb["port"]).option("tidb.user", "root")
     .option("tidb.password", "").option("pd.addresses", cluster.pd).option("database", database).option("table", name).option("replace", "true")
     .mode("append").save())
    assert rows(oracle, name)[0] == ("1", "11", "eins")
    sound(name)


def test_the_other_save_modes(spark, cluster, oracle, database, make):
    """ErrorIfExists and Ignore speak of tables, not of rows: no way to mean them here."""
    name = make("clustered", "save")
    for mode in ("error", "ignore"):
        writer = frame(spark, [(50, 500, "x")]).write.format("tidb").option("pd.addresses", cluster.pd).option("database", database).option("table", name)
        failure(lambda: writer.mode(mode).save())
    assert rows(oracle, name) == BEFORE


def test_an_empty_write(spark, cluster, oracle, database, make):
    name = make("clustered", "empty")
    append(spark.range(0).selectExpr("id", "1 AS u", "'x' AS v"), database, name)
    assert rows(oracle, name) == BEFORE
    assert_no_locks(cluster, oracle, database, name)


@pytest.mark.parametrize("key, value", [("write.distribution", "none"), ("write.distribution", "hash"), ("write.distribution", "range"),
                                        ("write.batch.bytes", "64k"), ("write.request.bytes", "1k"), ("write.concurrency", "1"),
                                        ("write.resolve", "background")])
def test_tuning_changes_no_answer(spark, cluster, oracle, database, key, value):
    name = "tuned_" + "".join(character if character.isalnum() else "_" for character in f"{key}_{value}")
    oracle.execute(f"CREATE TABLE {name} (id BIGINT PRIMARY KEY, u BIGINT, v VARCHAR(99), UNIQUE KEY (u), KEY (v))")
    new = spark.range(0, 5000, 1, 4).selectExpr("id", "id * 7919 % 1000003 AS u", "concat('v', id % 100) AS v")
    append(new, database, name, **{key.replace(".", "__"): value})
    assert oracle.rows(f"SELECT count(*), sum(id), count(DISTINCT u), sum(v = 'v7') FROM {name}") == [("5000", "12497500", "5000", "50")]
    assert_intact(cluster, oracle, database, name, wait=20 if value == "background" else 0)


def test_odd_names(spark, oracle, database):
    oracle.execute("CREATE TABLE `odd name-ü` (`a b` BIGINT PRIMARY KEY, `c.d` INT, `select` INT)")
    spark.sql(f"INSERT INTO {CATALOG}.{database}.`odd name-ü` VALUES (1, 2, 3)")
    assert rows(oracle, "`odd name-ü`") == [("1", "2", "3")]
