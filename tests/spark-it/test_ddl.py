"""DDL through TiDB: every statement read back by SHOW CREATE TABLE, and by Spark."""
import re
import socket
import time

import pytest

from support.sparks import CATALOG, OUR_CLASS, settings

SPARK_4 = pytest.mark.skipif("not __import__('pyspark').__version__.startswith('4')", reason="Spark 4 has it")


@pytest.fixture
def shown(oracle, database):
    """SHOW CREATE TABLE of TiDB in one line, without comments for other versions of MySQL."""
    def show(table: str) -> str:
        text = oracle.rows(f"SHOW CREATE TABLE {database}.`{table}`")[0][1]
        return re.sub(r"\s+", " ", text)

    return show


def columns(ddl, table: str) -> list[tuple[str, str]]:
    """Names and types as Spark sees them."""
    return [(field.name, field.dataType.simpleString()) for field in ddl.spark.table(f"{ddl.catalog}.{table}").schema]


# ---------------------------------------------------------------- namespaces

def test_namespaces(ddl, oracle, database):
    name = f"{database}_ns"
    ddl("CREATE NAMESPACE {c}.{n}", n=name)
    assert name in oracle.names("SHOW DATABASES")
    assert name in [row[0] for row in ddl("SHOW NAMESPACES IN {c}").collect()]
    with pytest.raises(Exception, match="(?i)already exists"):
        ddl("CREATE NAMESPACE {c}.{n}", n=name)
    ddl("CREATE NAMESPACE IF NOT EXISTS {c}.{n}", n=name)
    ddl("ALTER NAMESPACE {c}.{n} SET PROPERTIES ('tidb.collation' = 'utf8mb4_general_ci')", n=name)
    assert "utf8mb4_general_ci" in oracle.rows(f"SHOW CREATE DATABASE {name}")[0][1]
    with pytest.raises(Exception, match="no comment"):
        ddl("CREATE NAMESPACE {c}.{n}_2 COMMENT 'x'", n=name)
    with pytest.raises(Exception, match="'color'"):
        ddl("CREATE NAMESPACE {c}.{n}_2 WITH PROPERTIES ('color' = 'red')", n=name)
    ddl("CREATE TABLE {c}.{n}.t (a INT)", n=name)
    with pytest.raises(Exception, match="(?i)not.?empty"):
        ddl("DROP NAMESPACE {c}.{n}", n=name)
    ddl("DROP NAMESPACE {c}.{n} CASCADE", n=name)
    assert name not in oracle.names("SHOW DATABASES")
    ddl("DROP NAMESPACE IF EXISTS {c}.{n}", n=name)
    with pytest.raises(Exception, match="(?i)not.?found|cannot be found"):
        ddl("DROP NAMESPACE {c}.{n}", n=name)
    with pytest.raises(Exception, match="(?i)SCHEMA_NOT_FOUND|not found|cannot be found"):
        ddl("CREATE TABLE {c}.{n}.t (a INT)", n=name)


# ---------------------------------------------------------------- tables

def test_types(ddl, database, shown):
    ddl("CREATE TABLE {c}.{d}.types (a BOOLEAN, b TINYINT, c SMALLINT, d INT, e BIGINT, f FLOAT, g DOUBLE, h DECIMAL(20, 4), i STRING, "
        "j VARCHAR(30), k CHAR(5), l BINARY, m DATE, n TIMESTAMP, o TIMESTAMP_NTZ, p INTERVAL DAY TO SECOND, q BIGINT NOT NULL)", d=database)
    assert columns(ddl, f"{database}.types") == [
        ("a", "boolean"), ("b", "tinyint"), ("c", "smallint"), ("d", "int"), ("e", "bigint"), ("f", "float"), ("g", "double"),
        ("h", "decimal(20,4)"), ("i", "string"), ("j", "string"), ("k", "string"), ("l", "binary"), ("m", "date"), ("n", "timestamp"),
        ("o", "timestamp_ntz"), ("p", "interval day to second"), ("q", "bigint")]
    text = shown("types")
    for part in ("`a` tinyint(1) DEFAULT NULL", "`b` tinyint", "`i` longtext", "`j` varchar(30)", "`k` char(5)", "`l` longblob",
                 "`n` timestamp(6)", "`o` datetime(6)", "`p` time(6)", "`q` bigint NOT NULL"):
        assert part in text, f"{part} is not in {text}"
    ddl("INSERT INTO {c}.{d}.types VALUES (true, 1, 2, 3, 4, 1.5, 2.5, 12.3456, 's', 'v', 'c', X'00FF', DATE '2024-02-29', "
        "TIMESTAMP '2024-01-02 03:04:05.678901', TIMESTAMP_NTZ '2024-01-02 03:04:05.678901', INTERVAL '1 02:03:04.5' DAY TO SECOND, 9)",
        d=database)
    assert ddl("SELECT a, h, i, l, n FROM {c}.{d}.types", d=database).collect()[0]["a"] is True


@pytest.mark.parametrize("definition, word", [
    ("a MAP<STRING, INT>", "MAP<STRING"), ("a ARRAY<FLOAT>", "ARRAY<FLOAT>"), ("a STRUCT<x: INT>", "STRUCT<x"),
    ("a DECIMAL(38, 31)", "30 digits"), ("a INTERVAL YEAR TO MONTH", "INTERVAL YEAR TO MONTH"), ("a INTERVAL DAY", "INTERVAL DAY"),
    ("a STRING DEFAULT 'x'", "VARCHAR"), ("a DATE DEFAULT current_date()", "current_timestamp")])
def test_types_that_tidb_lacks_are_named(ddl, oracle, database, definition, word):
    with pytest.raises(Exception, match=re.escape(word)):
        ddl("CREATE TABLE {c}.{d}.refused ({x})", d=database, x=definition)
    assert "refused" not in oracle.names(f"SHOW TABLES IN {database}")


def test_create_with_everything(ddl, database, shown, oracle):
    ddl("""CREATE TABLE {c}.{d}.`full one` (id BIGINT NOT NULL COMMENT 'it\\'s the "key"', n INT DEFAULT -7, s VARCHAR(20),
           at TIMESTAMP DEFAULT current_timestamp(), b BOOLEAN DEFAULT true, x DECIMAL(9, 2) DEFAULT 1.5, day DATE DEFAULT DATE '2024-05-06',
           long_text STRING)
           PARTITIONED BY (bucket(4, id)) COMMENT 'what\\'s this'
           TBLPROPERTIES ('tidb.primary_key' = 'id', 'tidb.clustered' = 'true', 'tidb.auto_random' = 'id(4)',
             'tidb.index.by_s' = '(s, n)', 'tidb.index.once' = 'UNIQUE (id, long_text(10))', 'tidb.collation' = 'utf8mb4_general_ci')""", d=database)
    # Spark 3.5 itself refuses a text as the default of a new VARCHAR.
    ddl("ALTER TABLE {c}.{d}.`full one` ALTER COLUMN s SET DEFAULT 'it\\'s'", d=database)
    text = shown("full one")
    for part in ("AUTO_RANDOM(4)", "COMMENT 'it''s the \"key\"'", "`n` int DEFAULT '-7'", "`s` varchar(20) COLLATE utf8mb4_general_ci DEFAULT 'it''s'",
                 "`at` timestamp(6) DEFAULT CURRENT_TIMESTAMP(6)", "`b` tinyint(1) DEFAULT '1'", "`x` decimal(9,2) DEFAULT '1.50'",
                 "`day` date DEFAULT '2024-05-06'", "PRIMARY KEY (`id`) /*T![clustered_index] CLUSTERED */", "KEY `by_s` (`s`,`n`)",
                 "UNIQUE KEY `once` (`id`,`long_text`(10))", "utf8mb4_general_ci", "COMMENT='what''s this'",
                 "PARTITION BY HASH (`id`) PARTITIONS 4"):
        assert part in text, f"{part} is not in {text}"
    properties = {row[0]: row[1] for row in ddl("SHOW TBLPROPERTIES {c}.{d}.`full one`", d=database).collect()}
    assert properties["tidb.primary_key"] == "id" and properties["tidb.index.by_s"] == "(s, n)"
    # What is shown can be given back for another table: keys and indexes in one go.
    again = {key: value for key, value in properties.items() if key.startswith("tidb.index.") or key in ("tidb.collation", "tidb.primary_key")}
    listed = ", ".join(f"'{key}' = '{value}'" for key, value in again.items())
    ddl("CREATE TABLE {c}.{d}.again (id BIGINT, n INT, s VARCHAR(20), long_text STRING) TBLPROPERTIES ({p})", d=database, p=listed)
    assert {name for name in oracle.names(f"SELECT DISTINCT key_name FROM information_schema.tidb_indexes "
                                          f"WHERE table_schema = '{database}' AND table_name = 'again'")} == {"PRIMARY", "by_s", "once"}


@pytest.mark.parametrize("tail, word", [
    ("PARTITIONED BY (a)", "bucket"), ("PARTITIONED BY (days(d))", "days"), ("TBLPROPERTIES ('tidb.shards' = '3')", "tidb.shards"),
    ("TBLPROPERTIES ('color' = 'red')", "color"), ("TBLPROPERTIES ('tidb.primary_key' = 's')", r"VARCHAR\(n\)"),
    ("TBLPROPERTIES ('tidb.primary_key' = 'nobody')", "nobody"), ("LOCATION '/tmp/x'", "LOCATION"), ("USING orc", "orc"),
    ("TBLPROPERTIES ('tidb.table_id' = '7')", "cannot be set")])
def test_what_a_table_cannot_have_is_named(ddl, oracle, database, tail, word):
    with pytest.raises(Exception, match=word):
        ddl("CREATE TABLE {c}.{d}.refused (a INT, s STRING, d DATE) {x}", d=database, x=tail)
    assert "refused" not in oracle.names(f"SHOW TABLES IN {database}")


def test_exists_missing_drop_and_rename(ddl, oracle, database):
    name = f"{ddl.catalog}.{database}"
    ddl("CREATE TABLE {c}.{d}.Life (a INT)", d=database)
    with pytest.raises(Exception, match="(?i)already exists"):
        ddl("CREATE TABLE {c}.{d}.life (a INT)", d=database)
    ddl("CREATE TABLE IF NOT EXISTS {c}.{d}.life (b INT)", d=database)
    ddl("ALTER TABLE {c}.{d}.life RENAME TO {d}.moved", d=database)
    assert "moved" in oracle.names(f"SHOW TABLES IN {database}")
    ddl("ALTER TABLE {c}.{d}.moved RENAME TO {c}.{d}.moved2", d=database)
    ddl("CREATE TABLE {c}.{d}.other (a INT)", d=database)
    with pytest.raises(Exception, match="(?i)already exists"):
        ddl("ALTER TABLE {c}.{d}.other RENAME TO {d}.moved2", d=database)
    with settings(ddl.spark, sql__caseSensitive="true"), pytest.raises(Exception, match="(?i)not.?found|cannot be found"):
        ddl("DROP TABLE {c}.{d}.OTHER", d=database)
    ddl("DROP TABLE {c}.{d}.OTHER", d=database)
    ddl("DROP TABLE {c}.{d}.moved2 PURGE", d=database)
    assert not ddl.spark.catalog.tableExists(f"{name}.moved2")
    ddl("DROP TABLE IF EXISTS {c}.{d}.moved2", d=database)
    with pytest.raises(Exception, match="(?i)not.?found|cannot be found"):
        ddl("DROP TABLE {c}.{d}.moved2", d=database)
    oracle.execute(f"CREATE OR REPLACE VIEW {database}.seen AS SELECT 1 AS a")
    with pytest.raises(Exception, match="VIEW"):
        ddl("DROP TABLE {c}.{d}.seen", d=database)


def test_alter(ddl, oracle, database, shown):
    oracle.execute(f"CREATE TABLE {database}.alt (id BIGINT AUTO_INCREMENT PRIMARY KEY COMMENT 'key', a INT NOT NULL DEFAULT 5 COMMENT 'it''s a', "
                   "b VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci, KEY kb (b))",
                   f"INSERT INTO {database}.alt (a, b) VALUES (1, 'x'), (2, NULL)")
    t = "{c}.{d}.alt"
    steps = [
        (f"ALTER TABLE {t} ADD COLUMNS (c DECIMAL(10, 2) COMMENT 'new', d BIGINT DEFAULT 42)",
         ["`c` decimal(10,2) DEFAULT NULL COMMENT 'new'", "`d` bigint DEFAULT '42'"]),
        (f"ALTER TABLE {t} ADD COLUMN first_one INT FIRST", ["( `first_one` int DEFAULT NULL,"]),
        (f"ALTER TABLE {t} ADD COLUMN middle DATE AFTER a", ["COMMENT 'it''s a', `middle` date"]),
        (f"ALTER TABLE {t} ALTER COLUMN a TYPE BIGINT", ["`a` bigint NOT NULL DEFAULT '5' COMMENT 'it''s a'"]),
        (f"ALTER TABLE {t} ALTER COLUMN a COMMENT 'now \\\\ this'", ["`a` bigint NOT NULL DEFAULT '5' COMMENT 'now \\\\ this'"]),
        (f"ALTER TABLE {t} ALTER COLUMN a DROP NOT NULL", ["`a` bigint DEFAULT '5' COMMENT"]),
        (f"ALTER TABLE {t} ALTER COLUMN a SET DEFAULT 6", ["`a` bigint DEFAULT '6' COMMENT"]),
        (f"ALTER TABLE {t} ALTER COLUMN a DROP DEFAULT", ["`a` bigint DEFAULT NULL COMMENT"]),
        (f"ALTER TABLE {t} ALTER COLUMN a AFTER middle", ["`middle` date DEFAULT NULL, `a` bigint"]),
        (f"ALTER TABLE {t} ALTER COLUMN b COMMENT 'text'", ["utf8mb4_general_ci DEFAULT NULL COMMENT 'text'"]),
        (f"ALTER TABLE {t} ALTER COLUMN id COMMENT 'the key'", ["`id` bigint NOT NULL AUTO_INCREMENT COMMENT 'the key'"]),
        (f"ALTER TABLE {t} RENAME COLUMN b TO bb", ["`bb` varchar(10)", "KEY `kb` (`bb`)"]),
        (f"ALTER TABLE {t} DROP COLUMN first_one", ["( `id` bigint"]),
        (f"ALTER TABLE {t} SET TBLPROPERTIES ('comment' = 'all of it', 'tidb.index.kd' = '(d, a)')", ["COMMENT='all of it'", "KEY `kd` (`d`,`a`)"]),
        (f"ALTER TABLE {t} UNSET TBLPROPERTIES ('tidb.index.kd')", []),
        (f"COMMENT ON TABLE {t} IS 'other words'", ["COMMENT='other words'"]),
    ]
    for statement, parts in steps:
        ddl(statement, d=database)
        for part in parts:
            assert part in shown("alt"), f"{statement}: {part} is not in {shown('alt')}"
    assert "`kd`" not in shown("alt")
    assert [tuple(row) for row in ddl("SELECT id, middle, a, bb, c, d FROM {c}.{d}.alt ORDER BY id", d=database).collect()] == [
        (1, None, 1, "x", None, 42), (2, None, 2, None, None, 42)]
    for statement, word in ((f"ALTER TABLE {t} ADD COLUMN a INT", "(?i)already exists"), (f"ALTER TABLE {t} DROP COLUMN nobody", "nobody"),
                            (f"ALTER TABLE {t} SET TBLPROPERTIES ('tidb.primary_key' = 'a')", "settled"),
                            (f"ALTER TABLE {t} SET TBLPROPERTIES ('color' = 'red')", "color")):
        with pytest.raises(Exception, match=word):
            ddl(statement, d=database)
    oracle.execute(f"ADMIN CHECK TABLE {database}.alt")


def test_a_table_is_seen_at_once(ddl, oracle, database):
    for number in range(5):
        ddl("CREATE TABLE {c}.{d}.quick_{n} (a INT)", d=database, n=number)
        ddl("INSERT INTO {c}.{d}.quick_{n} VALUES ({n})", d=database, n=number)
        ddl("ALTER TABLE {c}.{d}.quick_{n} ADD COLUMN b INT DEFAULT 1", d=database, n=number)
        assert [tuple(row) for row in ddl("SELECT * FROM {c}.{d}.quick_{n}", d=database, n=number).collect()] == [(number, 1)]
        oracle.execute(f"SELECT a, b FROM {database}.quick_{number}")


# ---------------------------------------------------------------- connections

def catalog(spark, cluster, **properties: str) -> str:
    """A catalog with other properties; `__` in a name stands for a dot."""
    name = f"odd_{time.monotonic_ns()}"
    spark.conf.set(f"spark.sql.catalog.{name}", OUR_CLASS)
    spark.conf.set(f"spark.sql.catalog.{name}.pd.addresses", cluster.pd)
    for key, value in properties.items():
        spark.conf.set(f"spark.sql.catalog.{name}.{key.replace('__', '.')}", value)
    return name


def test_without_an_address(spark, database):
    for statement in (f"CREATE TABLE {CATALOG}.{database}.t (a INT)", f"CREATE NAMESPACE {CATALOG}.other",
                      f"CREATE TABLE {CATALOG}.{database}.t AS SELECT 1 AS a"):
        with pytest.raises(Exception, match=rf"spark\.sql\.catalog\.{CATALOG}\.tidb\.addresses is not set"):
            spark.sql(statement)


def test_connections_that_do_not_work(spark, cluster, database, tmp_path, oracle):
    tidb = cluster.status["tidb"]
    good = f"{tidb['host']}:{tidb['port']}"
    secret = "open sesame 42"
    (tmp_path / "password").write_text(secret + "\n")
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        quiet = f"127.0.0.1:{silent.getsockname()[1]}"
        for properties, words in (
                ({"tidb__addresses": good}, ["tidb.user is not set"]),
                ({"tidb__addresses": good, "tidb__user": "root", "tidb__password": secret}, ["AccessDenied", "tidb.user"]),
                ({"tidb__addresses": good, "tidb__user": "root", "tidb__password__file": str(tmp_path / "password")}, ["AccessDenied"]),
                ({"tidb__addresses": good, "tidb__user": "root", "tidb__password__file": "/nowhere"}, ["/nowhere cannot be read"]),
                ({"tidb__addresses": good, "tidb__user": "root", "tidb__password__env": "NOT_THERE"}, ["NOT_THERE"]),
                ({"tidb__addresses": good, "tidb__user": "root", "tidb__password": secret, "tidb__password__env": "X"}, ["give one of them"]),
                ({"tidb__addresses": "127.0.0.1:1", "tidb__user": "root"}, ["127.0.0.1:1", "cannot be reached"]),
                ({"tidb__addresses": quiet, "tidb__user": "root", "connect__timeout": "500ms"}, [quiet, "no answer within 500 ms"])):
            name = catalog(spark, cluster, **properties)
            begin = time.monotonic()
            with pytest.raises(Exception) as caught:
                spark.sql(f"CREATE TABLE {name}.{database}.never (a INT)")
            assert time.monotonic() - begin < 20
            for word in words:
                assert word in str(caught.value), f"{word} is not in {caught.value}"
            assert secret not in str(caught.value)
    assert "never" not in oracle.names(f"SHOW TABLES IN {database}")
    name = catalog(spark, cluster, tidb__addresses=f"127.0.0.1:1,{good}", tidb__user="root")
    spark.sql(f"CREATE TABLE {name}.{database}.second_address (a INT)")


def test_password_and_privileges(spark, cluster, database, oracle, tmp_path):
    tidb = cluster.status["tidb"]
    secret = "it's \\ sesame"
    oracle.execute(r"CREATE USER IF NOT EXISTS 'ddl_user' IDENTIFIED BY 'it''s \\ sesame'", f"GRANT CREATE, SELECT ON {database}.* TO 'ddl_user'")
    (tmp_path / "password").write_text(secret + "\nsecond line\n")
    try:
        for properties in ({"tidb__password": secret}, {"tidb__password__file": str(tmp_path / "password")}):
            name = catalog(spark, cluster, tidb__addresses=f"{tidb['host']}:{tidb['port']}", tidb__user="ddl_user", **properties)
            spark.sql(f"CREATE TABLE IF NOT EXISTS {name}.{database}.by_user (a INT)")
            with pytest.raises(Exception, match="AccessDenied"):
                spark.sql(f"DROP TABLE {name}.{database}.by_user")
            frame = spark.table(f"{name}.{database}.by_user")
            plan = frame._jdf.queryExecution().toString() + frame._jdf.queryExecution().analyzed().toJSON()
            assert "sesame" not in plan
            shown = [tuple(row) for row in spark.sql(f"SET spark.sql.catalog.{name}.tidb.password").collect()]
            assert "sesame" not in str(shown)
    finally:
        oracle.execute("DROP USER IF EXISTS 'ddl_user'")


def test_stale_sessions_change_nothing(ddl, database):
    with settings(ddl.spark, tispark__stale_read=str(int(time.time() * 1000) - 1000)), pytest.raises(Exception, match="only the present"):
        ddl("CREATE TABLE {c}.{d}.never (a INT)", d=database)


@SPARK_4
def test_create_table_like(ddl, oracle, database, shown):
    oracle.execute(f"CREATE TABLE {database}.pattern (id BIGINT AUTO_RANDOM(4) PRIMARY KEY CLUSTERED, s VARCHAR(9) DEFAULT 'x', KEY ks (s)) "
                   "COMMENT 'c'", f"INSERT INTO {database}.pattern (s) VALUES ('y')")
    ddl("CREATE TABLE {c}.{d}.copy LIKE {c}.{d}.pattern", d=database)
    # Numbers that are given out already are no part of the definition.
    def without_base(text: str) -> str:
        return re.sub(r" /\*T!\[auto_rand_base\] [^*]*\*/", "", text)

    assert without_base(shown("copy").replace("`copy`", "`pattern`")) == without_base(shown("pattern"))
    assert ddl.spark.table(f"{ddl.catalog}.{database}.copy").count() == 0
    with pytest.raises(Exception, match="(?i)already exists"):
        ddl("CREATE TABLE {c}.{d}.copy LIKE {c}.{d}.pattern", d=database)
