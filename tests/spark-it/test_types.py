"""Every type x NULL, zero, bounds and odd values, against TiDB, in both answer encodings.

Rows of format 1 are not here: the test store writes every row in format 2, so the codec's golden bytes stand for them.
"""
import pytest
from pyspark.sql import types as T

from support.all_types import CASES, SET_CASE, VECTOR_CASES, create
from support.compare import assert_same
from support.sparks import CATALOG, settings

EXPECTED_TYPES = {
    "bool_": T.BooleanType(), "tiny": T.ByteType(), "tiny_u": T.ShortType(), "small": T.ShortType(), "small_u": T.IntegerType(),
    "medium": T.IntegerType(), "medium_u": T.IntegerType(), "int_": T.IntegerType(), "int__u": T.LongType(), "big": T.LongType(),
    "big_u": T.DecimalType(20, 0), "bit_1": T.BooleanType(), "bit_9": T.BinaryType(), "float_": T.FloatType(),
    "double_": T.DoubleType(), "dec_38_30": T.DecimalType(38, 30), "char_50": T.StringType(), "varchar_gbk": T.StringType(),
    "longtext_": T.StringType(), "binary_8": T.BinaryType(), "longblob_": T.BinaryType(), "enum_": T.StringType(),
    "set_": T.StringType(), "json_": T.StringType(), "date_": T.DateType(), "datetime_6": T.TimestampNTZType(),
    "timestamp_6": T.TimestampType(), "time_6": T.DayTimeIntervalType(0, 3), "year_": T.ShortType(),
}


@pytest.fixture(scope="module")
def tables(oracle, database) -> dict[str, int]:
    """Table -> number of rows: one is answered in chunks, the other, for its SET column, in rows."""
    return {"chunk": create(oracle, "chunk", CASES), "by_rows": create(oracle, "by_rows", [*CASES, SET_CASE])}


@pytest.mark.parametrize("columnar", ["true", "false"])
@pytest.mark.parametrize("name", ["chunk", "by_rows"])
def test_every_type(spark, oracle, database, tables, table, name, columnar):
    with settings(spark, tispark__scan__columnar=columnar):
        count = assert_same(table(name).orderBy("id"), oracle, f"SELECT * FROM {database}.{name} ORDER BY id", ordered=True)
    assert count == tables[name]


def test_types_of_columns(tables, table):
    kinds = {field.name: field.dataType for field in table("by_rows").schema.fields}
    assert {name: kinds[name] for name in EXPECTED_TYPES} == EXPECTED_TYPES
    assert set(kinds) == {"id", *(case.name for case in CASES), SET_CASE.name}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_type_alone(oracle, database, tables, table, case):
    """One column: what the neighbours in a row hide shows here."""
    assert_same(table("chunk").select("id", case.name).orderBy("id"), oracle,
                f"SELECT id, `{case.name}` FROM {database}.chunk ORDER BY id", ordered=True)


@pytest.mark.parametrize("with_set", [False, True], ids=["chunk", "by_rows"])
def test_vectors(oracle, database, table, with_set):
    name = f"vectors_{with_set}".lower()
    create(oracle, name, [*VECTOR_CASES, *([SET_CASE] if with_set else [])])
    frame = table(name).orderBy("id")
    assert frame.schema["vector_3"].dataType == T.ArrayType(T.FloatType(), frame.schema["vector_3"].dataType.containsNull)
    assert_same(frame, oracle, f"SELECT * FROM {database}.{name} ORDER BY id", ordered=True)


def test_not_null_is_kept(oracle, database, table):
    oracle.execute("CREATE TABLE strict_ (a INT NOT NULL, b INT, c VARCHAR(5) NOT NULL)", "INSERT INTO strict_ VALUES (1, NULL, '')")
    assert [field.nullable for field in table("strict_").schema.fields] == [False, True, False]
    assert_same(table("strict_"), oracle, f"SELECT * FROM {database}.strict_")


# ---------------------------------------------------------------- policies

@pytest.fixture(scope="module")
def wide_decimals(oracle, database):
    """DECIMAL over 38 digits, some values of which fit 38."""
    oracle.execute("CREATE TABLE wide (id INT PRIMARY KEY, d65_30 DECIMAL(65,30), d39_0 DECIMAL(39,0), fits DECIMAL(60,2))",
                   "INSERT INTO wide VALUES (1, NULL, NULL, NULL), (2, 0, 0, 0), (3, -1.5, 7, -123456789.01), "
                   f"(4, {'9' * 35}.{'9' * 30}, {'9' * 39}, {'9' * 36}.99), (5, -{'9' * 35}.{'9' * 30}, -{'9' * 39}, -{'9' * 36}.99), "
                   f"(6, 0.{'0' * 29}1, 1, 0.01)")


def test_wide_decimal_is_an_error_by_default(wide_decimals, oracle, database, table):
    assert_same(table("wide").select("id"), oracle, f"SELECT id FROM {database}.wide")
    with pytest.raises(Exception, match="d65_30") as caught:
        table("wide").select("id", "d65_30").collect()
    assert "types.decimalOverflow" in str(caught.value)


def test_wide_decimal_as_string(wide_decimals, spark, oracle, database, table):
    with settings(spark, tispark__types__decimalOverflow="string"):
        frame = table("wide").orderBy("id")
        assert isinstance(frame.schema["d65_30"].dataType, T.StringType)
        assert_same(frame, oracle, f"SELECT * FROM {database}.wide ORDER BY id", ordered=True)


def test_wide_decimal_narrowed(wide_decimals, spark, oracle, database, table):
    with settings(spark, tispark__types__decimalOverflow="narrow"):
        frame = table("wide").where("id in (1, 2, 3, 6)").select("id", "fits").orderBy("id")
        assert frame.schema["fits"].dataType == T.DecimalType(38, 2)
        oracle.execute("CREATE TABLE narrow LIKE wide", "INSERT INTO narrow SELECT * FROM wide WHERE id IN (1, 2, 3, 6)")
        assert_same(table("narrow").orderBy("id"), oracle, f"SELECT * FROM {database}.narrow ORDER BY id", ordered=True)
        oracle.execute(f"INSERT INTO narrow (id, d39_0) VALUES (7, {'9' * 39})")
        with pytest.raises(Exception, match="d39_0"):
            table("narrow").collect()


def test_zero_date_as_error(spark, oracle, database, table):
    oracle.execute("CREATE TABLE zero_ (id INT PRIMARY KEY, d DATE, t DATETIME(3), s TIMESTAMP NULL)",
                   "INSERT INTO zero_ VALUES (1, '2024-01-01', '2024-01-01', '2024-01-01')")
    with settings(spark, tispark__types__zeroDate="error"):
        assert_same(table("zero_"), oracle, f"SELECT * FROM {database}.zero_")
        for column in "dts":
            oracle.execute("DELETE FROM zero_ WHERE id = 2", f"INSERT INTO zero_ (id, {column}) VALUES (2, '0000-00-00')")
            with pytest.raises(Exception, match="types.zeroDate") as caught:
                table("zero_").collect()
            assert "0000-00-00" in str(caught.value)


def test_tinyint1_as_tinyint(spark, oracle, database, tables, table):
    with settings(spark, tispark__types__tinyint1="tinyint"):
        frame = table("chunk").select("id", "bool_", "tiny").orderBy("id")
        assert frame.schema["bool_"].dataType == T.ByteType()
        assert_same(frame, oracle, f"SELECT id, bool_, tiny FROM {database}.chunk ORDER BY id", ordered=True)


@pytest.mark.parametrize("name", ["chunk", "by_rows"])
def test_bit_and_time_as_bigint(spark, oracle, database, tables, table, name):
    columns = "id, bit_1, bit_7, bit_9, time_, time_6"
    with settings(spark, tispark__types__bit="bigint", tispark__types__time="bigint"):
        frame = table(name).selectExpr(*columns.split(", ")).orderBy("id")
        assert [frame.schema[c].dataType for c in ("bit_1", "bit_9", "time_6")] == [T.BooleanType(), T.LongType(), T.LongType()]
        assert_same(frame, oracle, f"SELECT {columns} FROM {database}.{name} ORDER BY id", ordered=True)


def test_a_bit_beyond_bigint_is_an_error(spark, tables, table):
    with settings(spark, tispark__types__bit="bigint"):
        with pytest.raises(Exception, match="bit_64"):
            table("chunk").select("bit_64").collect()


def test_refused_types(spark, oracle, database, tables, table):
    with settings(spark, tispark__type__unsupported_mysql_types="json,time"):
        assert_same(table("chunk").select("id", "int_"), oracle, f"SELECT id, int_ FROM {database}.chunk")
        for column in ("json_", "time_6"):
            with pytest.raises(Exception, match=column):
                table("chunk").select(column).collect()


def test_options_of_the_source(spark, cluster, oracle, database, tables):
    """format("tidb") takes the policies as options."""
    frame = (spark.read.format("tidb").option("pd.addresses", cluster.pd).option("database", database).option("table", "chunk")
             .option("types.tinyint1", "tinyint").option("types.time", "bigint").load().select("id", "bool_", "time_6").orderBy("id"))
    assert_same(frame, oracle, f"SELECT id, bool_, time_6 FROM {database}.chunk ORDER BY id", ordered=True)


def test_columns_in_sql(spark, oracle, database, tables):
    """The text that Spark itself makes of the values is TiDB's, where both have the same form."""
    columns = ["tiny_u", "big_u", "int_zerofill", "varchar_50", "enum_", "json_", "year_"]
    for column in columns:
        sql = f"SELECT id, CAST({column} AS STRING) FROM {CATALOG}.{database}.chunk ORDER BY id"
        mysql = f"SELECT id, CAST({column}{' + 0' if column == 'int_zerofill' else ''} AS CHAR) FROM {database}.chunk ORDER BY id"
        if column == "year_":
            mysql = f"SELECT id, CAST(year_ + 0 AS CHAR) FROM {database}.chunk ORDER BY id"
        assert_same(spark.sql(sql), oracle, mysql, ordered=True)
