"""DELETE, UPDATE and MERGE: every statement also runs in TiDB on a twin table, and both tables have the same rows."""
import uuid

import pytest

from support.compare import assert_same
from support.dml import COLUMNS, KINDS, Twins, definition, rows
from support.sparks import CATALOG, settings
from support.victim import Background
from support.writing import eventually, failure, name_of, named

COUNT = 60
SOURCE = [(n, "d" if n % 3 == 0 else "u", f"s{n % 7}", n * 1000) for n in range(5, 45)] + [(n, "i", f"new{n}", n * 1000) for n in range(100, 120)]

DELETES = [
    ("DELETE FROM {t} WHERE id = 3",),
    ("DELETE FROM {t} WHERE id % 7 = 1 AND v LIKE 'v%'",),
    ("DELETE FROM {t} WHERE u IS NULL OR d > 58.5",),
    ("DELETE FROM {t} WHERE id IN (SELECT k FROM {s} WHERE op = 'd')",),
    ("DELETE FROM {t} x WHERE EXISTS (SELECT 1 FROM {s} s WHERE s.k = x.id + 10 AND s.k < 30)",
     "DELETE FROM {t} WHERE id + 10 IN (SELECT k FROM {s} WHERE k < 30)"),
    # A join for TiDB: its DELETE of a partitioned table by a variable removes rows below the variable's value.
    ("DELETE FROM {t} WHERE u > (SELECT avg(u) + 150 FROM {t})", "DELETE x FROM {t} x JOIN (SELECT avg(u) + 150 AS top FROM {t}) y ON x.u > y.top"),
    ("DELETE FROM {t} WHERE id < 0",),
    ("DELETE FROM {t}",),
]
UPDATES = [
    ("UPDATE {t} SET v = concat(v, 'x'), d = d + 1 WHERE id % 2 = 0",),
    ("UPDATE {t} SET u = NULL, v = NULL WHERE id % 11 = 0",),
    ("UPDATE {t} SET u = u + 10", "UPDATE {t} SET u = u + 10 ORDER BY u DESC"),
    ("UPDATE {t} SET id = id + 1000 WHERE id % 5 = 0",),
    ("UPDATE {t} SET id = id + 1", "UPDATE {t} SET id = id + 1 ORDER BY id DESC"),
    ("UPDATE {t} SET g = g + 1",),
    ("UPDATE {t} SET g = 5 - g, id = id + 100000, u = u + 1, v = 'all' WHERE g >= 2",),
    ("UPDATE {t} SET v = (SELECT max(w) FROM {s}) WHERE id IN (SELECT k FROM {s})",),
    ("UPDATE {t} SET d = id, v = 'none' WHERE id < -5",),
    ("UPDATE {t} SET v = v",),
    ("UPDATE {t} SET v = 'V1' WHERE v = 'v1'",),
]
MERGES = [
    ("MERGE INTO {t} t USING {s} s ON t.id = s.k WHEN MATCHED AND s.op = 'd' THEN DELETE WHEN MATCHED THEN UPDATE SET v = s.w, u = s.n "
     "WHEN NOT MATCHED AND s.op = 'i' THEN INSERT (id, g, u, v) VALUES (s.k, s.k % 3, s.n, s.w)",
     "DELETE t FROM {t} t JOIN {s} s ON t.id = s.k WHERE s.op = 'd'",
     "UPDATE {t} t JOIN {s} s ON t.id = s.k SET t.v = s.w, t.u = s.n WHERE s.op <> 'd'",
     "INSERT INTO {t} (id, g, u, v) SELECT k, k % 3, n, w FROM {s} WHERE op = 'i'"),
    ("MERGE INTO {t} t USING {s} s ON t.id = s.k WHEN NOT MATCHED BY SOURCE AND t.g = 1 THEN DELETE "
     "WHEN NOT MATCHED BY SOURCE THEN UPDATE SET v = 'alone', d = 0",
     "DELETE t FROM {t} t LEFT JOIN {s} s ON t.id = s.k WHERE s.k IS NULL AND t.g = 1",
     "UPDATE {t} t LEFT JOIN {s} s ON t.id = s.k SET t.v = 'alone', t.d = 0 WHERE s.k IS NULL"),
    ("MERGE INTO {t} t USING {s} s ON t.id = s.k AND s.op = 'i' WHEN MATCHED THEN UPDATE SET id = t.id + 500, g = t.g + 1 "
     "WHEN NOT MATCHED BY SOURCE AND t.id < 20 THEN UPDATE SET id = t.id + 9000",
     "UPDATE {t} SET id = id + 9000 WHERE id < 20", "UPDATE {t} t JOIN {s} s ON t.id = s.k AND s.op = 'i' SET t.id = t.id + 500, t.g = t.g + 1"),
    ("MERGE INTO {t} t USING (SELECT k + 200 AS k, w FROM {s}) s ON t.id = s.k WHEN NOT MATCHED THEN INSERT (id, g, v) VALUES (s.k, 1, s.w)",
     "INSERT INTO {t} (id, g, v) SELECT k + 200, 1, w FROM {s}"),
    ("MERGE INTO {t} t USING (SELECT k FROM {s} WHERE k < 0) s ON t.id = s.k WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT (id, g) VALUES (s.k, 0)",
     "DELETE FROM {t} WHERE FALSE"),
]


@pytest.fixture(scope="module", autouse=True)
def source(oracle, database):
    """The table `source`."""
    oracle.execute("CREATE TABLE source (k BIGINT PRIMARY KEY, op VARCHAR(3), w VARCHAR(20), n INT)")
    oracle.insert("source", SOURCE)


@pytest.fixture
def make(spark, cluster, oracle, database):
    """Makes twins of a kind with the rows of `rows`."""
    def made(kind: str, suffix: str, count: int = COUNT) -> Twins:
        return Twins(spark, cluster, oracle, database, f"{kind}_{suffix}").create(definition(kind), rows(count))

    return made


def _all(twins: Twins, statements: list[tuple[str, ...]]) -> None:
    for statement in statements:
        twins.run(*statement)
    twins.assert_intact()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("statements", [DELETES, UPDATES, MERGES], ids=["delete", "update", "merge"])
def test_statements(make, kind, statements):
    """One after the other on one table."""
    _all(make(kind, uuid.uuid4().hex[:4]), statements)


@pytest.mark.parametrize("distribution", ["none", "range"])
@pytest.mark.parametrize("kind", ["int", "hidden", "common_parts"])
def test_distributions(spark, make, kind, distribution):
    """Settings of the session hold for statements, which have no options."""
    with settings(spark, tispark__write__distribution=distribution):
        _all(make(kind, f"by_{distribution}"), [DELETES[3], UPDATES[2], UPDATES[4], MERGES[0], MERGES[1]])


@pytest.mark.parametrize("ansi", ["true", "false"])
def test_values_are_cast_as_in_an_insert(spark, make, ansi):
    """The store assignment policy is that of INSERT, whatever ANSI mode says of expressions."""
    twins = make("int", f"casts_{ansi}", 10)
    with settings(spark, sql__ansi__enabled=ansi):
        twins.run("UPDATE {t} SET d = 7, u = 8L, v = 9 WHERE id = 1", "UPDATE {t} SET d = 7, u = 8, v = '9' WHERE id = 1")
        named(twins.fails("UPDATE {t} SET u = 'x' WHERE id = 2"), "u")
        named(twins.fails("UPDATE {t} SET g = 3000000000L WHERE id = 2"), "overflow")
        named(twins.fails("UPDATE {t} SET g = NULL WHERE id = 2"), "null")
        named(twins.fails("UPDATE {t} SET v = repeat('x', 21) WHERE id = 2"), "v")


# ---------------------------------------------------------------- uniqueness and conflicts

@pytest.mark.parametrize("kind", ["int", "hidden", "nonclustered"])
def test_rows_that_exchange_unique_values(make, kind):
    """Uniqueness is that of the result: rows may take what others give up."""
    twins = make(kind, "swaps", 20)
    twins.run("UPDATE {t} SET u = CASE id WHEN 1 THEN 20 WHEN 2 THEN 30 ELSE 10 END WHERE id IN (1, 2, 3)",
              "UPDATE {t} SET u = -id WHERE id IN (1, 2, 3)",
              "UPDATE {t} SET u = CASE id WHEN 1 THEN 20 WHEN 2 THEN 30 ELSE 10 END WHERE id IN (1, 2, 3)")
    twins.run("UPDATE {t} SET id = 11 - id WHERE id BETWEEN 1 AND 10",
              "UPDATE {t} SET id = -id WHERE id BETWEEN 1 AND 10", "UPDATE {t} SET id = 11 + id WHERE id < 0")
    twins.run("MERGE INTO {t} t USING (SELECT 4 AS k) s ON t.id = s.k WHEN MATCHED THEN DELETE WHEN NOT MATCHED BY SOURCE AND t.id = 5 THEN UPDATE SET id = 4",
              "DELETE FROM {t} WHERE id = 4", "UPDATE {t} SET id = 4 WHERE id = 5")
    twins.assert_intact()


@pytest.mark.parametrize("kind", ["int", "common", "nonclustered", "int_parts"])
def test_a_taken_key(make, kind):
    """A key that a row keeps is an error that names it, and nothing changes."""
    twins = make(kind, "taken", 20)
    change = "UPDATE {t} SET id = 8, g = 0 WHERE id = 3"
    named(twins.fails(change), "DuplicateKey", "8", "primary")
    if "parts" not in kind:
        named(twins.fails("UPDATE {t} SET u = 50 WHERE id = 3"), "DuplicateKey", "50", "once")
        named(twins.fails("UPDATE {t} SET u = 777 WHERE id IN (3, 4)"), "777", "once")
    insert = "MERGE INTO {t} t USING (SELECT 8 AS k) s ON t.id = s.k + 100 WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT (id, g) VALUES (k, 0)"
    named(twins.fails(insert), "DuplicateKey", "8")
    twins.assert_equal()
    twins.assert_intact()


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_is_deleted_by_several_of_the_source(spark, oracle, database, make, kind):
    """Spark counts no matches where DELETE without a condition is the only action on them: the row is gone. Over the borders of batches and chunks."""
    twins = make(kind, "gone", 1200)
    many = "(SELECT id % 1200 AS k FROM range(1, 6000))"
    with settings(spark, tispark__scan__batch__rows="100"):
        twins.run(f"MERGE INTO {{t}} t USING {many} s ON t.id = s.k AND t.id % 3 = 1 WHEN MATCHED THEN DELETE", "DELETE FROM {t} WHERE id % 3 = 1 AND id < 1200")
        twins.run("MERGE INTO {t} t USING (SELECT * FROM VALUES (2, 'x'), (2, 'y'), (5000, 'z') AS s(k, w)) s ON t.id = s.k WHEN MATCHED THEN DELETE "
                  "WHEN NOT MATCHED THEN INSERT (id, g, v) VALUES (s.k, 1, s.w)",
                  "DELETE FROM {t} WHERE id = 2", "INSERT INTO {t} (id, g, v) VALUES (5000, 1, 'z')")
    twins.assert_intact()


def test_one_row_matched_twice(make):
    """MERGE finds two rows of the source for one of the target: which of them is meant nobody says."""
    twins = make("int", "cardinality", 10)
    text = twins.fails("MERGE INTO {t} t USING (SELECT * FROM VALUES (1, 'a'), (1, 'b') AS s(k, w)) s ON t.id = s.k WHEN MATCHED THEN UPDATE SET v = s.w")
    named(text, "MERGE_CARDINALITY_VIOLATION")
    twins.assert_intact()


@pytest.mark.faults
@pytest.mark.parametrize("statement", [
    "UPDATE {t} SET d = d + 1",
    "DELETE FROM {t} WHERE d > 0 AND id % 1 = 0",
    "MERGE INTO {t} t USING {s} s ON t.id = s.k OR t.id = 1 AND s.k = 5 WHEN MATCHED THEN UPDATE SET d = 0",
], ids=["update", "delete", "merge"])
@pytest.mark.parametrize("kind", ["int", "hidden", "int_parts"])
def test_tidb_changes_a_row_meanwhile(cluster, oracle, database, faults, make, kind, statement):
    """Between the read and the commit: a conflict that is reported, nothing of Spark's, all of TiDB's; run again it works."""
    twins = make(kind, "conflict", 20)
    number = oracle.table_id(database, twins.name)
    # The primary's lock is the first request; rows are not locked yet when TiDB changes one.
    faults.set_faults({"method": "KvPrewrite", "kind": "hang", "count": -1, "skip": 1, "request_source": "spark",
                       **({} if kind == "int_parts" else {"table_id": number})})
    running = Background(lambda: twins.in_spark(statement))
    try:
        cluster.wait_until(lambda: faults.faults()[0]["hits"] > 0 or not running.running(), 120, 0.05)
        oracle.execute(f"UPDATE {twins.name} SET d = 4711 WHERE id = 1", f"UPDATE {twins.twin} SET d = 4711 WHERE id = 1")
    finally:
        faults.clear_faults()
    named(running.failed(), "WriteConflict")
    twins.assert_equal()
    eventually(twins.assert_intact, 20)
    twins.in_spark(statement)
    assert oracle.one(f"SELECT count(*) FROM {twins.name} WHERE d = 4711") == "0"


# ---------------------------------------------------------------- columns

def test_ids_and_defaults_of_inserted_rows(spark, cluster, oracle, database):
    """MERGE gives TiDB's defaults and its next ids to columns that it leaves out."""
    name = "defaults"
    oracle.execute(f"CREATE TABLE {name} (id BIGINT PRIMARY KEY AUTO_INCREMENT, a INT NOT NULL DEFAULT 5, b VARCHAR(9) DEFAULT 'none', c INT)",
                   f"INSERT INTO {name} (c) VALUES (1), (2)")
    target = name_of(database, name)
    spark.sql(f"MERGE INTO {target} t USING (SELECT * FROM VALUES (2, 'two'), (3, 'three'), (4, 'four') AS s(c, b)) s ON t.c = s.c "
              "WHEN MATCHED THEN UPDATE SET b = s.b WHEN NOT MATCHED THEN INSERT (c, b) VALUES (s.c, s.b)")
    assert oracle.rows(f"SELECT a, b, c FROM {name} ORDER BY c") == [("5", "none", "1"), ("5", "two", "2"), ("5", "three", "3"), ("5", "four", "4")]
    assert oracle.one(f"SELECT count(DISTINCT id) FROM {name} WHERE id > 0") == "4"
    spark.sql(f"UPDATE {target} SET a = DEFAULT, b = DEFAULT WHERE c > 2")
    assert oracle.one(f"SELECT count(*) FROM {name} WHERE a = 5 AND b = 'none'") == "3"
    named(failure(lambda: spark.sql(f"MERGE INTO {target} t USING (SELECT 9 AS c) s ON t.c = s.c WHEN MATCHED THEN DELETE "
                                    "WHEN NOT MATCHED THEN INSERT (a, c) VALUES (NULL, s.c)")), "null")
    oracle.execute(f"ADMIN CHECK TABLE {name}", f"INSERT INTO {name} (c) VALUES (10)")


def test_generated_columns(spark, oracle, database):
    """TiDB computes them: left alone by a change of other columns, refused by name where a statement assigns or reads them."""
    name = "computed"
    oracle.execute(f"CREATE TABLE {name} (id BIGINT PRIMARY KEY, a INT, b INT GENERATED ALWAYS AS (a + 1) VIRTUAL, c INT)",
                   f"INSERT INTO {name} (id, a, c) VALUES (1, 1, 1), (2, 2, 2), (3, 3, 3)")
    target = name_of(database, name)
    spark.sql(f"UPDATE {target} SET a = a * 10 WHERE id >= 2")
    spark.sql(f"MERGE INTO {target} t USING (SELECT 1 AS k UNION ALL SELECT 7) s ON t.id = s.k WHEN MATCHED THEN UPDATE SET c = 0 "
              "WHEN NOT MATCHED THEN INSERT (id, a) VALUES (s.k, 70)")
    spark.sql(f"DELETE FROM {target} WHERE id = 3")
    assert oracle.rows(f"SELECT * FROM {name} ORDER BY id") == [("1", "1", "2", "0"), ("2", "20", "21", "2"), ("7", "70", "71", None)]
    failure(lambda: spark.sql(f"UPDATE {target} SET a = 5 WHERE b IS NULL"))
    for statement in (f"UPDATE {target} SET b = 5",
                      f"MERGE INTO {target} t USING (SELECT 9 AS k) s ON t.id = s.k WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT (id, b) VALUES (s.k, 1)"):
        named(failure(lambda statement=statement: spark.sql(statement)), "column b", "generated")


@pytest.mark.parametrize("kind", ["hidden", "nonclustered", "hidden_parts"])
def test_the_hidden_row_id(spark, oracle, database, make, kind):
    """A metadata column: to be read, and to find rows by; not part of `*`, and not to be assigned."""
    twins = make(kind, "row_id", 20)
    frame = spark.table(twins.table)
    assert "_tidb_rowid" not in frame.columns
    assert_same(frame.select("_tidb_rowid", "id"), oracle, f"SELECT _tidb_rowid, id FROM {database}.{twins.name}")
    first = oracle.one(f"SELECT min(_tidb_rowid) FROM {twins.name}")
    assert oracle.one(f"SELECT min(_tidb_rowid) FROM {twins.twin}") == first
    twins.run(f"UPDATE {{t}} SET v = 'found' WHERE _tidb_rowid = {first}")
    twins.run(f"MERGE INTO {{t}} t USING (SELECT {first} AS r) s ON t._tidb_rowid = s.r WHEN MATCHED THEN UPDATE SET d = 8 "
              "WHEN NOT MATCHED THEN INSERT (id, g) VALUES (0, 0)", f"UPDATE {{t}} SET d = 8 WHERE _tidb_rowid = {first}")
    twins.run(f"DELETE FROM {{t}} WHERE _tidb_rowid <= {first}")
    named(twins.fails("UPDATE {t} SET _tidb_rowid = 5"), "_tidb_rowid")
    with settings(spark, tispark__show_rowid="true"):
        twins.run("UPDATE {t} SET v = 'shown' WHERE id = 7")
    twins.assert_intact()


# ---------------------------------------------------------------- plans and refusals

def test_small_deletes_need_no_job(spark, oracle, database, make):
    """TiDB's statistics know that the table is small, and the condition is one that the driver can check: no Spark job."""
    twins = make("int", "no_job")
    oracle.execute(f"ANALYZE TABLE {twins.name}")

    def jobs(statement: str) -> int:
        group = uuid.uuid4().hex
        spark.sparkContext.setJobGroup(group, statement)
        try:
            twins.run(statement)
        finally:
            spark.sparkContext.setJobGroup("", "")
        return len(spark.sparkContext.statusTracker().getJobIdsForGroup(group))

    eventually(lambda: _known(spark, twins), 20)
    assert jobs("DELETE FROM {t} WHERE id IN (5, 6, 7) AND g > 0") == 0
    assert jobs("DELETE FROM {t} WHERE v = 'v1'") == 0
    assert jobs("DELETE FROM {t} WHERE id % 4 = 1") > 0
    twins.assert_intact()


def _known(spark, twins: Twins) -> None:
    plan = spark.sql(f"EXPLAIN DELETE FROM {twins.table} WHERE id = 5").first()[0]
    assert "WriteDelta" not in plan, plan


def test_explain_tells_the_change(spark, make):
    twins = make("int", "explain", 3)
    plan = spark.sql(f"EXPLAIN FORMATTED UPDATE {twins.table} SET d = 1 WHERE id % 2 = 1").first()[0]
    named(plan, "WriteDelta", "TiDB", "Delta", "id")
    before = twins.content(twins.name)
    assert before == twins.content(twins.twin)


def test_what_is_refused(spark, oracle, database, make):
    """Nothing is changed that is not the present, not a table, or not meant to be written."""
    twins = make("int", "refused", 5)
    statements = ["DELETE FROM {t} WHERE id % 2 = 1", "UPDATE {t} SET d = 1",
                  "MERGE INTO {t} t USING {s} s ON t.id = s.k WHEN MATCHED THEN DELETE"]
    moment = oracle.one("SELECT CAST(unix_timestamp(now(3)) * 1000 AS SIGNED)")
    oracle.execute("SELECT sleep(0.5)")  # PD's clock may be behind
    for statement in statements:
        with settings(spark, tispark__stale_read=moment):
            named(twins.fails(statement), "only the present can be written")
        with settings(spark, tispark__write__enable="false"):
            named(twins.fails(statement), "write.enable")
        with settings(spark, tispark__write__atomicity="partition"):
            named(twins.fails(statement), "write.atomicity")
    oracle.execute(f"CREATE VIEW seen AS SELECT * FROM {twins.name}")
    view = f"{CATALOG}.{database}.seen"
    for statement in (f"DELETE FROM {view} WHERE id IS NOT NULL", f"UPDATE {view} SET d = 1",
                      f"MERGE INTO {view} t USING {twins.table} s ON t.id = s.id WHEN MATCHED THEN DELETE"):
        named(failure(lambda statement=statement: spark.sql(statement)), "seen")
    twins.assert_equal()


def test_without_the_extension(spark, base_conf, oracle, database):
    """A session without it changes rows as well; what only the extension can keep right is refused."""
    from support.sparks import own_jvm

    oracle.execute(f"CREATE TABLE plain_session ({COLUMNS}, PRIMARY KEY (id), UNIQUE KEY once (u))",
                   "CREATE TABLE plain_computed (id BIGINT PRIMARY KEY, a INT, b INT AS (a + 1) VIRTUAL)")
    oracle.insert("plain_session", rows(10))
    conf = {key: value for key, value in base_conf.items() if key != "spark.sql.extensions"}
    target, computed, source_ = (name_of(database, name) for name in ("plain_session", "plain_computed", "source"))
    ran = own_jvm(conf, [f"UPDATE {target} SET d = 5, id = id + 100 WHERE id <= 3", f"DELETE FROM {target} WHERE id % 2 = 0",
                         f"MERGE INTO {target} t USING {source_} s ON t.id = s.k WHEN MATCHED THEN UPDATE SET v = s.w "
                         "WHEN NOT MATCHED AND s.k > 118 THEN INSERT (id, g) VALUES (s.k, 1)",
                         f"UPDATE {computed} SET a = 1"])
    errors = [answer.get("error") for answer in ran.answers]
    assert errors[:3] == [None] * 3, errors
    # Spark 4 finds the extension of a jar by itself.
    assert errors[3] is None or named(errors[3], "column b", "spark.sql.extensions")
    left = oracle.rows("SELECT id, d, v FROM plain_session ORDER BY id")
    assert left == [("5", "5.25", "s5"), ("7", "7.25", "s0"), ("9", "9.25", "s2"), ("101", "5.00", "new101"), ("103", "5.00", "new103"), ("119", None, None)]
    oracle.execute("ADMIN CHECK TABLE plain_session")
