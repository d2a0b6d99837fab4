"""Random tables x random rows: TiDB writes, Spark copies, and the copy has TiDB's bytes; then Spark changes the copy and TiDB reads it.

The seed is printed; `--seed N` repeats a run, `--random-writes N` sets the number of tables.
"""
import random

import pytest

from support.all_types import CASES, SET_CASE
from support.compare import assert_same
from support.raw_pairs import assert_equal_pairs, assert_intact, has_row_id, pairs
from support.sparks import CATALOG, settings
from support.writing import append, name_of
from test_random import _quoted, _text, _value

# What Spark cannot hold exactly is written in test_write_types.py.
LOSSY = ("json_", "bool_", "varchar_gbk")
KEYS = ["", "PRIMARY KEY (k1) CLUSTERED", "PRIMARY KEY (k1) NONCLUSTERED", "PRIMARY KEY (k1, k2) CLUSTERED", "PRIMARY KEY (k2, k1) CLUSTERED",
        "PRIMARY KEY (k2(2), k1) CLUSTERED", "UNIQUE KEY (k1)"]
PARTITIONS = ["", "", "", "PARTITION BY HASH (k1) PARTITIONS 3", "PARTITION BY KEY (k1) PARTITIONS 4",
              "PARTITION BY RANGE (k1) (PARTITION a VALUES LESS THAN (0), PARTITION b VALUES LESS THAN MAXVALUE)"]
WITH_PREFIX = ("TEXT", "BLOB")
OPTIONS = [{}, {}, {"write__distribution": "none"}, {"write__distribution": "hash"}, {"write__batch__bytes": "64k"}, {"write__request__bytes": "1k"},
           {"write__concurrency": "1"}]


def pytest_generate_tests(metafunc):
    """One test per table, each with a seed of its own derived from the run's."""
    if "write_seed" in metafunc.fixturenames:
        config = metafunc.config
        base = config.getoption("--seed")
        if base is None:
            base = config.stash.setdefault(_SEED, random.SystemRandom().randrange(1 << 31))
        print(f"random writes: --seed {base}")
        metafunc.parametrize("write_seed", [base + number for number in range(config.getoption("--random-writes"))])


_SEED = pytest.StashKey[int]()


def _indexes(rng: random.Random, cases: list) -> list[str]:
    """Some indexes of one to three columns; the unique ones end with the key column, so that random values cannot collide."""
    parts = [f"`{case.name}`(5)" if case.mysql.endswith(WITH_PREFIX) else f"`{case.name}`" for case in cases]
    found = []
    for number in range(rng.randint(0, 4)):
        chosen = rng.sample(parts, rng.randint(1, min(3, len(parts))))
        if rng.random() < 0.3:
            found.append(f"UNIQUE KEY u{number} ({', '.join([*chosen, 'k1'])})")
        else:
            found.append(f"KEY n{number} ({', '.join(rng.choice(([*chosen, 'k2(3)'], chosen)))})")
    return found


def _calendar(case) -> str:
    """SQL that keeps only dates of the calendar."""
    name = f"`{case.name}`"
    return f"{name} = IF(month({name}) = 0 OR dayofmonth({name}) = 0, NULL, {name})"


def test_random_write(spark, cluster, oracle, database, write_seed):
    rng = random.Random(write_seed)
    name = f"random_{write_seed}"
    cases = [case for case in rng.sample(CASES, rng.randint(1, 10)) if case.name not in LOSSY] + ([SET_CASE] if rng.random() < 0.3 else [])
    cases = cases or [SET_CASE]
    key, partition = rng.choice(KEYS), rng.choice(PARTITIONS)
    columns = ["k1 INT NOT NULL", "k2 VARCHAR(20) NOT NULL"] + [f"`{case.name}` {case.mysql}" for case in cases]
    rng.shuffle(columns)
    plain = [case for case in cases if "COLLATE" not in case.mysql and "gbk" not in case.mysql]
    parts = [part for part in [key, *(_indexes(rng, plain) if plain else [])] if part]
    rng.shuffle(parts)
    definition = f"({', '.join(columns + parts)}) {partition}"
    print(f"CREATE TABLE {name} {definition}")
    oracle.execute(f"CREATE TABLE {name} {definition}", f"CREATE TABLE {name}_ours LIKE {name}")

    # TiDB writes.
    numbers = rng.sample(range(-(1 << 31), 1 << 31), rng.choice((0, 1, 20, 200)))
    names = ", ".join(f"`{case.name}`" for case in cases)
    for begin in range(0, len(numbers), 50):
        rows = ", ".join(f"({number}, {_quoted(_text(rng))}, {', '.join(_value(rng, case) for case in cases)})"
                         for number in numbers[begin:begin + 50])
        oracle.execute(f"INSERT INTO {name} (k1, k2, {names}) VALUES {rows}")
    dates = [_calendar(case) for case in cases if case.mysql.startswith(("DATE", "TIMESTAMP"))]
    if dates:
        oracle.execute(f"UPDATE {name} SET {', '.join(dates)}")

    # Spark copies.
    options = rng.choice(OPTIONS)
    with settings(spark, sql__session__timeZone=rng.choice(("UTC", "Asia/Kolkata", "America/New_York")),
                  tispark__types__bit=rng.choice(("binary", "bigint")) if all(case.name != "bit_64" for case in cases) else "binary"):
        source = spark.table(f"{CATALOG}.{database}.{name}")
        append(source.repartition(rng.choice((1, 3))), database, f"{name}_ours", **options)
    assert_same(spark.table(f"{CATALOG}.{database}.{name}_ours"), oracle, f"SELECT * FROM {database}.{name}")
    assert_intact(cluster, oracle, database, f"{name}_ours")
    if not has_row_id(oracle, database, name) and cluster.control is not None:
        assert_equal_pairs(pairs(cluster, oracle, database, f"{name}_ours"), pairs(cluster, oracle, database, name))

    # TiDB changes its own rows; Spark brings the copy to the same state.
    oracle.execute(f"UPDATE {name} SET k2 = concat('u', k1 % 7) WHERE k1 % 3 = 1", f"DELETE FROM {name} WHERE k1 % 5 = 2")
    if rng.random() < 0.5:
        spark.sql(f"INSERT OVERWRITE {name_of(database, f'{name}_ours')} SELECT * FROM {name_of(database, name)}")
    else:
        # Rows whose key stays are replaced where the key says so, the others go first.
        oracle.execute(f"DELETE FROM {name}_ours WHERE k1 % 5 = 2" + ("" if "(k1)" in key else " OR k1 % 3 = 1"))
        changed = spark.table(f"{CATALOG}.{database}.{name}").where("k1 % 3 = 1")
        append(changed, database, f"{name}_ours", write__mode="upsert", **options)
    assert_same(spark.table(f"{CATALOG}.{database}.{name}_ours"), oracle, f"SELECT * FROM {database}.{name}")
    assert_intact(cluster, oracle, database, f"{name}_ours")
    oracle.execute(f"DROP TABLE {name}, {name}_ours")
