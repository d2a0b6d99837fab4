"""Preferred locations: only where an executor is. A stage of which some tasks prefer a host without one and others none stood still for ever in local mode."""
import concurrent.futures

import pytest

from support.sparks import own_jvm
from support.writing import name_of

STATEMENTS = ["SELECT id, ab FROM {t} UNION ALL SELECT ab, count(*) FROM {t} GROUP BY ab",
              "MERGE INTO {t} t USING (SELECT 1 AS id, 2 AS ab) s ON t.id = s.id WHEN MATCHED THEN UPDATE SET ab = s.ab WHEN NOT MATCHED THEN INSERT *"]


@pytest.fixture(scope="module")
def placed(oracle, database) -> str:
    oracle.execute("CREATE TABLE placed (id INT PRIMARY KEY, ab INT)")
    oracle.insert("placed", [(n, n % 5) for n in range(100)])
    return name_of(database, "placed")


@pytest.mark.parametrize("statement, locality", [(STATEMENTS[0], "always"), (STATEMENTS[1], "auto")], ids=["union", "merge"])
def test_no_stage_waits_for_a_host(base_conf, placed, statement, locality):
    """Spark's block manager has another name than the stores' 127.0.0.1, and a task that may wait for a place waits for longer than the test."""
    conf = {**base_conf, "spark.driver.host": "localhost", "spark.locality.wait": "300s", "spark.tispark.read.locality": locality}
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        answer = pool.submit(own_jvm, conf, [statement.format(t=placed)], timeout=120).result().answers[0]
    assert "error" not in answer, answer
    assert answer["seconds"] < 60


@pytest.mark.parametrize("setting, host, preferred", [
    ("preferred_locations=host", "127.0.0.1", ["127.0.0.1"]), ("read.locality=off", "127.0.0.1", []), ("read.locality=auto", "localhost", []),
    ("read.locality=always", "localhost", ["127.0.0.1"])])
def test_hosts_with_an_executor_are_preferred(base_conf, placed, setting, host, preferred):
    """A cluster of Spark of one executor on the host of the stores, by that name or another."""
    key, value = setting.split("=")
    conf = {**base_conf, "spark.master": "local-cluster[1,1,1024]", "spark.executor.memory": "512m", "spark.driver.host": host, f"spark.tispark.{key}": value}
    answer = own_jvm(conf, [f"SELECT count(*) FROM {placed}", f"SELECT * FROM {placed}"], timeout=120, locations=True).answers[1]
    assert len(answer["rows"]) == 100 and answer["hosts"] == preferred
