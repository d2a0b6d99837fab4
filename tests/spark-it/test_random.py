"""Random tables with random rows, read whole and in part, against TiDB. The seed is printed; `--seed N` repeats a run."""
import random

import pytest

from support.all_types import CASES, SET_CASE
from support.compare import assert_same
from support.sparks import CATALOG, settings

ZONES = ["UTC", "Asia/Kolkata", "America/New_York"]
KEYS = ["", "PRIMARY KEY (k1) CLUSTERED", "PRIMARY KEY (k1) NONCLUSTERED", "PRIMARY KEY (k1, k2) CLUSTERED", "PRIMARY KEY (k2, k1) CLUSTERED",
        "PRIMARY KEY (k2(2), k1) CLUSTERED"]
PARTITIONS = ["", "", "", "PARTITION BY HASH (k1) PARTITIONS 3", "PARTITION BY KEY (k1) PARTITIONS 4",
              "PARTITION BY RANGE (k1) (PARTITION a VALUES LESS THAN (0), PARTITION b VALUES LESS THAN MAXVALUE)"]
ALPHABET = "abcXYZ 019_%'\\\t\nßéü漢字😀"


def pytest_generate_tests(metafunc):
    """One test per table, each with a seed of its own derived from the run's."""
    if "seed" in metafunc.fixturenames:
        config = metafunc.config
        base = config.getoption("--seed")
        if base is None:
            base = config.stash.setdefault(_SEED, random.SystemRandom().randrange(1 << 31))
        print(f"random suite: --seed {base}")
        metafunc.parametrize("seed", [base + number for number in range(config.getoption("--random-tables"))])


_SEED = pytest.StashKey[int]()


def _text(rng: random.Random) -> str:
    return "".join(rng.choice(ALPHABET) for _ in range(rng.choice((0, 1, 5, 12))))


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _value(rng: random.Random, case) -> str:
    """NULL, one of the difficult values, or a random one where that is easy to make."""
    roll = rng.random()
    if roll < 0.15:
        return "NULL"
    if roll < 0.6:
        return rng.choice(case.values)
    kind = case.mysql.split("(")[0].split()[0]
    if kind in ("VARCHAR", "CHAR", "TEXT") and "CHARACTER" not in case.mysql:
        return _quoted(_text(rng))
    if kind == "DOUBLE":
        return repr(rng.uniform(-1, 1) * 10 ** rng.randint(-300, 300))
    if kind == "BIGINT" and "UNSIGNED" not in case.mysql:
        return str(rng.randint(-(1 << 63), (1 << 63) - 1))
    if kind == "DATETIME":
        return f"'{rng.randint(1, 9999):04}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02} {rng.randint(0, 23):02}:00:59.{rng.randint(0, 999999):06}'"
    if kind == "TIME":
        return f"'{rng.choice(('', '-'))}{rng.randint(0, 837)}:{rng.randint(0, 59):02}:{rng.randint(0, 59):02}.{rng.randint(0, 999999):06}'"
    return rng.choice(case.values)


def test_random_table(spark, oracle, database, seed):
    rng = random.Random(seed)
    name = f"random_{seed}"
    cases = rng.sample(CASES, rng.randint(1, 12)) + ([SET_CASE] if rng.random() < 0.3 else [])
    rng.shuffle(cases)
    key, partition = rng.choice(KEYS), rng.choice(PARTITIONS)
    collation = rng.choice(("utf8mb4_bin", "utf8mb4_general_ci", "utf8mb4_unicode_ci"))
    columns = ["k1 INT NOT NULL", f"k2 VARCHAR(20) COLLATE {collation} NOT NULL"] + [f"`{case.name}` {case.mysql}" for case in cases]
    rng.shuffle(columns)
    oracle.execute(f"CREATE TABLE {name} ({', '.join(columns + [key] if key else columns)}) {partition}")
    numbers = rng.sample(range(-(1 << 31), 1 << 31), rng.choice((0, 1, 20, 200)))
    names = ", ".join(f"`{case.name}`" for case in cases)
    for begin in range(0, len(numbers), 50):
        rows = ", ".join(f"({number}, {_quoted(_text(rng))}, {', '.join(_value(rng, case) for case in cases)})"
                         for number in numbers[begin:begin + 50])
        oracle.execute(f"INSERT INTO {name} (k1, k2, {names}) VALUES {rows}")
    oracle.execute(f"DELETE FROM {name} WHERE k1 % 10 = 3", f"UPDATE {name} SET k2 = 'updated' WHERE k1 % 10 = 4")
    some = rng.sample([case.name for case in cases], rng.randint(1, len(cases)))
    with settings(spark, sql__session__timeZone=rng.choice(ZONES), tispark__scan__columnar=rng.choice(("true", "true", "false")),
                  tispark__scan__batch__rows=rng.choice(("8192", "7"))):
        frame = spark.table(f"{CATALOG}.{database}.{name}")
        count = assert_same(frame, oracle, f"SELECT * FROM {database}.{name}")
        assert_same(frame.select(*some), oracle, f"SELECT {', '.join(f'`{column}`' for column in some)} FROM {database}.{name}")
        assert frame.count() == count
