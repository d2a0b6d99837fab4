"""Names, schemas and several catalogs: what Spark's SHOW, DESCRIBE and USE say about TiDB."""
import time

import pytest

from support.compare import assert_same
from support.sparks import CATALOG, OUR_CLASS, TISPARK_CLASS, settings


@pytest.fixture(scope="module")
def objects(oracle, database):
    """Tables of several shapes, a view and a sequence."""
    oracle.execute(
        "CREATE TABLE Orders (Id BIGINT NOT NULL COMMENT 'the key', customer_Name VARCHAR(20) DEFAULT 'nobody', total DECIMAL(10,2), "
        "PRIMARY KEY (Id), UNIQUE KEY by_name (customer_Name), KEY by_total (total)) COMMENT 'what was ordered'",
        "INSERT INTO Orders VALUES (1, 'ann', 1.50), (2, 'bob', 2.50)",
        "CREATE TABLE `odd name` (`a column` INT, `select` INT, `ünï` INT)", "INSERT INTO `odd name` VALUES (1, 2, 3)",
        "CREATE TABLE parts (a INT, b INT) PARTITION BY RANGE (a) (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN MAXVALUE)",
        "CREATE VIEW a_view AS SELECT id FROM Orders", "CREATE SEQUENCE a_sequence")


def test_show_namespaces(spark, database, objects, oracle):
    system = {"mysql", "information_schema", "performance_schema", "metrics_schema", "sys"}
    expected = {name for name in oracle.names("SHOW DATABASES") if name.lower() not in system}
    assert {row[0] for row in spark.sql(f"SHOW NAMESPACES IN {CATALOG}").collect()} == expected
    assert [row[0] for row in spark.sql(f"SHOW NAMESPACES IN {CATALOG} LIKE '{database}'").collect()] == [database]
    with settings(spark, tispark__show_system_databases="true"):
        assert "mysql" in [row[0].lower() for row in spark.sql(f"SHOW NAMESPACES IN {CATALOG}").collect()]


def test_system_database_can_be_read(spark, oracle):
    assert_same(spark.table(f"{CATALOG}.mysql.GLOBAL_VARIABLES").where("variable_name = 'max_connections'"), oracle,
                "SELECT * FROM mysql.GLOBAL_VARIABLES WHERE variable_name = 'max_connections'")


def test_show_tables(spark, database, objects):
    names = [row["tableName"] for row in spark.sql(f"SHOW TABLES IN {CATALOG}.{database}").collect()]
    assert sorted(names) == ["Orders", "a_sequence", "a_view", "odd name", "parts"]
    assert [row["tableName"] for row in spark.sql(f"SHOW TABLES IN {CATALOG}.{database} LIKE 'ord*'").collect()] == ["Orders"]


def test_show_columns_and_describe(spark, database, objects):
    name = f"{CATALOG}.{database}.Orders"
    assert [row[0] for row in spark.sql(f"SHOW COLUMNS IN {name}").collect()] == ["Id", "customer_Name", "total"]
    described = {row["col_name"]: (row["data_type"], row["comment"]) for row in spark.sql(f"DESCRIBE {name}").collect()}
    assert described["Id"] == ("bigint", "the key")
    assert described["total"] == ("decimal(10,2)", None)


def test_describe_extended(spark, database, objects, oracle):
    def text(table):
        return "\n".join(f"{row[0]} {row[1]} {row[2]}" for row in spark.sql(f"DESCRIBE EXTENDED {CATALOG}.{database}.{table}").collect())

    orders = text("Orders")
    for part in ("what was ordered", f"tidb.table_id={oracle.table_id(database, 'Orders')}", "tidb.primary_key=Id", "tidb.handle=int",
                 "by_name", "by_total"):
        assert part in orders, f"{part} is not in\n{orders}"
    parts = text("parts")
    for part in ("RANGE", "p0", "LESS THAN (10)", "MAXVALUE"):
        assert part in parts, f"{part} is not in\n{parts}"


def test_use(spark, oracle, database, objects):
    spark.sql(f"USE {CATALOG}.{database}")
    assert_same(spark.sql("SELECT * FROM Orders"), oracle, f"SELECT * FROM {database}.Orders")
    spark.sql("USE spark_catalog.default")
    spark.sql(f"USE {CATALOG}")
    assert_same(spark.sql(f"SELECT * FROM {database}.Orders"), oracle, f"SELECT * FROM {database}.Orders")


def test_case_of_names(spark, oracle, database, objects):
    expected = f"SELECT id, customer_name FROM {database}.Orders"
    assert_same(spark.sql(f"SELECT ID, Customer_Name FROM {CATALOG}.{database.upper()}.ORDERS"), oracle, expected)
    assert spark.table(f"{CATALOG}.{database}.orders").columns == ["Id", "customer_Name", "total"]
    with settings(spark, sql__caseSensitive="true"):
        assert_same(spark.sql(f"SELECT Id, customer_Name FROM {CATALOG}.{database}.Orders"), oracle, expected)
        with pytest.raises(Exception, match="(?i)not found|cannot be found"):
            spark.table(f"{CATALOG}.{database}.orders").collect()


def test_odd_names(spark, oracle, database, objects):
    assert_same(spark.sql(f"SELECT `ünï`, `select`, `a column` FROM {CATALOG}.{database}.`odd name`"), oracle,
                f"SELECT `ünï`, `select`, `a column` FROM {database}.`odd name`")


def test_views_and_sequences_are_not_read(spark, database, objects):
    for name, word in (("a_view", "VIEW"), ("a_sequence", "SEQUENCE")):
        with pytest.raises(Exception, match=word):
            spark.table(f"{CATALOG}.{database}.{name}").collect()


def test_definitions_need_tidb(spark, database, objects):
    for statement in (f"CREATE TABLE {CATALOG}.{database}.t (a INT)", f"DROP TABLE {CATALOG}.{database}.Orders", f"CREATE NAMESPACE {CATALOG}.other"):
        with pytest.raises(Exception, match="tidb.addresses is not set"):
            spark.sql(statement)


def test_two_catalogs_and_both_class_names(spark, cluster, oracle, database, objects):
    for name, cls in (("first", TISPARK_CLASS), ("second", OUR_CLASS)):
        spark.conf.set(f"spark.sql.catalog.{name}", cls)
        spark.conf.set(f"spark.sql.catalog.{name}.pd.address" if name == "first" else f"spark.sql.catalog.{name}.pd.addresses", cluster.pd)
    spark.conf.set("spark.sql.catalog.second.types.tinyint1", "tinyint")
    oracle.execute("CREATE TABLE flags (id INT PRIMARY KEY, f TINYINT(1))", "INSERT INTO flags VALUES (1, 0), (2, 5)")
    joined = spark.sql(f"SELECT a.id, a.f, b.f FROM first.{database}.flags a JOIN second.{database}.flags b USING (id)")
    assert [field.dataType.simpleString() for field in joined.schema.fields] == ["int", "boolean", "tinyint"]
    assert_same(joined, oracle, f"SELECT id, f, f FROM {database}.flags")


def test_db_prefix(spark, oracle, cluster, database, objects):
    spark.conf.set("spark.sql.catalog.prefixed", OUR_CLASS)
    spark.conf.set("spark.sql.catalog.prefixed.pd.addresses", cluster.pd)
    spark.conf.set("spark.sql.catalog.prefixed.db_prefix", "tidb_")
    assert f"tidb_{database}" in [row[0] for row in spark.sql("SHOW NAMESPACES IN prefixed").collect()]
    assert_same(spark.table(f"prefixed.tidb_{database}.Orders"), oracle, f"SELECT * FROM {database}.Orders")


def test_format_tidb(spark, cluster, oracle, database, objects):
    expected = f"SELECT * FROM {database}.Orders"
    read = spark.read.format("tidb").option("pd.addresses", cluster.pd)
    assert_same(read.option("database", database).option("table", "Orders").load(), oracle, expected)
    assert_same(spark.read.format("tidb").option("pd.addresses", cluster.pd).option("dbtable", f"{database}.`odd name`").load(), oracle,
                f"SELECT * FROM {database}.`odd name`")


def test_a_type_that_is_not_known_keeps_the_table(spark, oracle, database, table):
    """The user's list of refused types stands for a type of a later TiDB; the stored schema test is in Rust."""
    oracle.execute("CREATE TABLE partly (id INT PRIMARY KEY, j JSON, v INT)", "INSERT INTO partly VALUES (1, '{}', 2)")
    with settings(spark, tispark__type__unsupported_mysql_types="json"):
        assert "partly" in [row["tableName"] for row in spark.sql(f"SHOW TABLES IN {CATALOG}.{database}").collect()]
        assert "j" in [row[0] for row in spark.sql(f"DESCRIBE {CATALOG}.{database}.partly").collect()]
        assert_same(table("partly").select("id", "v"), oracle, f"SELECT id, v FROM {database}.partly")
        with pytest.raises(Exception, match=r"\bj\b"):
            table("partly").collect()


def test_stale_read(spark, oracle, database, table):
    oracle.execute("CREATE TABLE history (id INT PRIMARY KEY)", "INSERT INTO history VALUES (1)")
    time.sleep(1.1)
    moment = int(time.time() * 1000)
    time.sleep(0.2)
    oracle.execute("INSERT INTO history VALUES (2)", "ALTER TABLE history ADD COLUMN late INT")
    with settings(spark, tispark__stale_read=str(moment)):
        old = table("history")
        assert (old.columns, [tuple(row) for row in old.collect()]) == (["id"], [(1,)])
    assert table("history").columns == ["id", "late"]
    assert_same(table("history"), oracle, f"SELECT * FROM {database}.history")


def test_listing_does_not_load_tables(spark, cluster, oracle, database):
    """A listing reads names: its requests do not grow with the number of tables, and it takes a fraction of a second."""
    name = f"{database}_many"
    oracle.execute(f"CREATE DATABASE {name}")
    try:
        for number in range(100):
            oracle.execute(f"CREATE TABLE {name}.t{number} (a INT)")
        listing = f"SHOW TABLES IN {CATALOG}.{name}"
        spark.sql(listing).collect()
        times, reads = [], []
        # The best of three: TiDB reads in the background, most after so many new tables.
        for _ in range(3):
            before, begin = _reads(cluster), time.monotonic()
            assert len(spark.sql(listing).collect()) == 100
            times.append(time.monotonic() - begin)
            reads.append(_reads(cluster) - before)
        assert min(times) < 1
        assert min(reads) < 50
    finally:
        oracle.execute(f"DROP DATABASE {name}")


def _reads(cluster) -> int:
    """Reads of keys that the store has served; always 0 where it has no control port."""
    return sum(cluster.calls(method) for method in ("KvGet", "KvBatchGet", "KvScan")) if cluster.control else 0
