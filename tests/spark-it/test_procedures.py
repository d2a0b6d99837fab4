"""Procedures of a catalog: by CALL where Spark has it, and by spark.executeCommand everywhere."""
import re

import pyspark
import pytest

from support.raw_pairs import locks, record_key
from support.sparks import settings
from support.victim import Background, Victim
from support.writing import eventually

WAYS = ["command", pytest.param("call", marks=pytest.mark.skipif(pyspark.__version__ < "4", reason="Spark 4 has CALL"))]


@pytest.fixture(params=WAYS)
def call(request, ddl):
    """A function: name and argument of a procedure -> rows of text."""
    scala_map = ddl.spark.sparkContext._jvm.org.apache.spark.api.python.PythonUtils.toScalaMap

    def command(name: str, argument) -> list[tuple]:
        options = scala_map({"catalog": ddl.catalog, "procedure": name})
        answer = ddl.spark._jsparkSession.executeCommand("tidb", str(argument), options).collectAsList()
        return [tuple(None if value == "NULL" else value for value in row.getString(0).split("\t")) for row in answer]

    def sql(name: str, argument) -> list[tuple]:
        literal = argument if isinstance(argument, int) else "'" + argument.replace("'", "\\'") + "'"
        return [tuple(row) for row in ddl(f"CALL {{c}}.system.{name}({literal})").collect()]

    return {"command": command, "call": sql}[request.param]


def test_execute_and_analyze(call, oracle, database):
    oracle.execute("DROP TABLE IF EXISTS counted", "CREATE TABLE counted (a INT, b VARCHAR(9))", "INSERT INTO counted VALUES (1, NULL), (2, 'x')")
    assert call("execute", f"SELECT a, b FROM {database}.counted ORDER BY a") == [("1", None), ("2", "x")]
    assert call("execute", f"INSERT INTO {database}.counted VALUES (3, NULL)") == []
    assert int(oracle.one("SELECT count(*) FROM counted")) == 3
    assert call("analyze", f"{database}.counted") == []
    assert oracle.rows(f"SHOW STATS_META WHERE db_name = '{database}' AND table_name = 'counted' AND row_count = 3")


def test_named_arguments(ddl, database, oracle):
    if pyspark.__version__ < "4":
        pytest.skip("Spark 4 has CALL")
    rows = ddl("CALL {c}.system.execute(sql => 'SELECT 1 AS a, NULL AS b')").collect()
    assert [row.asDict() for row in rows] == [{"a": "1", "b": None}]
    oracle.execute("DROP TABLE IF EXISTS counted", "CREATE TABLE counted (a INT)")
    assert ddl("CALL {c}.system.regions(table => '{d}.counted')", d=database).columns == [
        "partition", "region_id", "start_key", "end_key", "host", "size_mib"]
    assert ddl("CALL {c}.system.resolve_txn(start_ts => 1)").columns == ["start_ts", "outcome", "commit_ts", "locks"]


def test_regions(call, control, oracle, database):
    """As TiDB's SHOW TABLE REGIONS has them, cut at the table's ends."""
    oracle.execute("DROP TABLE IF EXISTS spread", "CREATE TABLE spread (id BIGINT PRIMARY KEY, v INT, KEY by_v (v))")
    oracle.insert("spread", [(number, number) for number in range(100)])
    number = oracle.table_id(database, "spread")
    control.split(record_key(number, 30), record_key(number, 60))

    def as_tidb() -> None:
        rows = call("regions", f"{database}.spread")
        places = [(row[0], row[2], row[3]) for row in rows]
        assert places[-2:] == [(None, f"t_{number}_r_30", f"t_{number}_r_60"), (None, f"t_{number}_r_60", f"t_{number + 1}_")]
        assert places[0][1] == f"t_{number}_"
        ours, theirs = {row[1] for row in rows}, {row[0] for row in oracle.rows("SHOW TABLE spread REGIONS")}
        assert len(ours) == len(rows) >= 3 and ours == theirs
        assert {row[4] for row in rows} == {"127.0.0.1"}

    # The store tells PD of a split a moment later.
    eventually(as_tidb, 10)


def test_regions_of_partitions(call, oracle, database):
    oracle.execute("DROP TABLE IF EXISTS parts", "CREATE TABLE parts (id BIGINT PRIMARY KEY) PARTITION BY HASH (id) PARTITIONS 3")
    rows = call("regions", f"{database}.`parts`")
    ids = dict(oracle.rows("SELECT partition_name, tidb_partition_id FROM information_schema.partitions "
                           f"WHERE table_schema = '{database}' AND table_name = 'parts'"))
    assert {row[0]: row[2] for row in rows} == {name: f"t_{number}_" for name, number in ids.items()}


@pytest.mark.parametrize("name, argument, words", [
    ("regions", "nobody", "database.table"), ("regions", "{d}.nobody", "not.?found|does ?n.t exist"), ("analyze", "{d}.nobody", "not.?found|does ?n.t exist"),
    ("regions", "{d}.looked", "view"), ("nothing", "x", "system.execute"), ("resolve_txn", 0, "start_ts"),
    ("resolve_txn", (1 << 62), "no transaction has begun"), ("execute", "SELECT nonsense", "nonsense")])
def test_bad_questions(call, oracle, database, name, argument, words):
    oracle.execute("CREATE OR REPLACE VIEW looked AS SELECT 1 AS a")
    with pytest.raises(Exception, match=f"(?i){words}"):
        call(name, argument.format(d=database) if isinstance(argument, str) else argument)


def test_commands_need_a_catalog(ddl):
    jvm = ddl.spark.sparkContext._jvm
    with pytest.raises(Exception, match="option catalog"):
        ddl.spark._jsparkSession.executeCommand("tidb", "SELECT 1", jvm.org.apache.spark.api.python.PythonUtils.toScalaMap({}))


@pytest.mark.faults
@pytest.mark.parametrize("call", ["command"], indirect=True)
@pytest.mark.parametrize("kind, outcome", [("drop_reply", "committed"), ("unavailable", "rolled back")])
def test_a_write_whose_outcome_is_unknown(spark, call, faults, cluster, oracle, database, kind, outcome):
    """The error names start_ts; the procedure says what became of it, and leaves no lock."""
    victim = Victim(cluster, oracle, database, f"unknown_{outcome[0]}", 1000, splits=3)
    faults.set_faults(victim.rule("KvCommit", kind, count=-1), victim.rule("KvCheckTxnStatus", "unavailable", count=-1),
                      victim.rule("KvTxnHeartBeat", "unavailable", count=-1))
    with settings(spark, tispark__deadline__commit="3s"):
        text = Background(lambda: victim.write(spark)).failed(90)
    faults.clear_faults()
    start_ts = int(re.search(r"transaction (\d+)", text).group(1))
    answers = []

    def settled() -> None:
        answers.append(call("resolve_txn", start_ts)[0])
        assert answers[-1][1] != "alive"

    eventually(settled, 90)
    number, said, commit_ts, count = answers[-1]
    assert (int(number), said) == (start_ts, outcome)
    assert (commit_ts is not None) == (outcome == "committed") and int(count) > 0
    assert locks(cluster, oracle, database, victim.name) == []
    assert call("resolve_txn", start_ts) == [(str(start_ts), "no locks", None, "0")]
    if outcome == "committed":
        assert int(commit_ts) == victim.commit_ts(0)
        victim.assert_all()
    else:
        victim.assert_none()
