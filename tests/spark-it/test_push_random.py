"""Random predicates and aggregates over columns of every type (TLP: the rows are those where p, where NOT p and where p is NULL).

    --random-predicates N    predicates a run (default 300 on each Spark), --seed S repeats a run

A predicate costs three scans of a small table. A hundred of them are one Spark job: each WHERE is a branch of a UNION ALL that answers
ids, and what Spark itself makes of all hundred predicates is one scan without push-down that answers them as columns.
"""
import collections
import random

import pytest

from support.predicates import Generator, create_table
from support.pushed import AGGREGATES, FILTERS, described
from support.sparks import CATALOG, settings
from support.values import spark_rows
from support.compare import assert_rows

BATCH = 50
ZONES = ["UTC", "Asia/Kolkata", "America/New_York", "Australia/Lord_Howe"]


def pytest_generate_tests(metafunc):
    """One test a batch, each with a seed of its own derived from the run's."""
    if "seed" in metafunc.fixturenames:
        config = metafunc.config
        base = config.getoption("--seed")
        if base is None:
            base = config.stash.setdefault(_SEED, random.SystemRandom().randrange(1 << 31))
        print(f"random push-down: --seed {base}")
        number = config.getoption("--random-predicates") // BATCH
        metafunc.parametrize("seed", [base + n for n in range(number if "predicates" in metafunc.function.__name__ else max(number, 1))])


_SEED = pytest.StashKey[int]()


@pytest.fixture(scope="module")
def everything(oracle, database) -> str:
    """The table; its name in Spark."""
    create_table(oracle, "everything")
    return f"{CATALOG}.{database}.everything"


def _of_spark(spark, table: str, predicates: list[str]) -> tuple[list[int], list[tuple]]:
    """Ids, and rows of what the predicates are for each, evaluated by Spark. A predicate that is an error is left out by the caller."""
    with settings(spark, **FILTERS, **AGGREGATES):
        columns = ", ".join(f"({predicate}) AS p{n}" for n, predicate in enumerate(predicates))
        rows = spark.sql(f"SELECT id, {columns} FROM {table}").collect()
    return [row[0] for row in rows], [tuple(row)[1:] for row in rows]


def _without_errors(spark, table: str, predicates: list[str]) -> list[str]:
    """Those that Spark evaluates for every row; ANSI mode makes errors of some."""
    try:
        _of_spark(spark, table, predicates)
        return predicates
    except Exception:  # some of them; whichever
        if len(predicates) == 1:
            return []
        half = len(predicates) // 2
        return _without_errors(spark, table, predicates[:half]) + _without_errors(spark, table, predicates[half:])


def _offered(spark, table: str, predicates: list[str]) -> list[str]:
    """Those that Spark can offer to a source at all.

    Spark 3.5 ends with an assertion of its V2ExpressionBuilder where a constant NULL stands for a condition inside of AND, OR or NOT,
    whichever the source is; later versions leave such a condition out.
    """
    def fails(some: list[str]) -> bool:
        try:
            spark.sql(" UNION ALL ".join(_branches(table, some)))._jdf.queryExecution().optimizedPlan()
            return False
        except Exception as error:
            if "V2ExpressionBuilder" not in str(error):
                raise
            return True

    if not fails(predicates):
        return predicates
    return [predicate for predicate in predicates if not fails([predicate])]


def _branches(table: str, predicates: list[str]) -> list[str]:
    """Three queries for each predicate. (`WHERE (a)` could be an alias with a column.)"""
    return [f"SELECT {n} AS n, {kind} AS kind, id FROM {table} WHERE {where}" for n, p in enumerate(predicates)
            for kind, where in enumerate((f"(({p}))", f"NOT ({p})", f"({p}) IS NULL"))]


def test_random_predicates(spark, everything, seed):
    rng = random.Random(seed)
    ansi, zone = rng.choice(("false", "true")), rng.choice(ZONES)
    with settings(spark, sql__ansi__enabled=ansi, sql__session__timeZone=zone):
        generator = Generator(rng, spark.table(everything).schema)
        predicates = _without_errors(spark, everything, [generator.predicate() for _ in range(BATCH)])
        predicates = _offered(spark, everything, predicates)
        assert len(predicates) > BATCH // 4, "too few predicates are no errors"
        ids, values = _of_spark(spark, everything, predicates)
        expected = collections.defaultdict(list)
        for number, row in zip(ids, values):
            for n, value in enumerate(row):
                expected[(n, value)].append(number)
        actual = collections.defaultdict(list)
        for n, kind, number in spark.sql(" UNION ALL ".join(_branches(everything, predicates))).collect():
            actual[(n, (True, False, None)[kind])].append(number)
    wrong = [(predicates[n], value, sorted(actual[(n, value)]), sorted(expected[(n, value)]))
             for n in range(len(predicates)) for value in (True, False, None) if sorted(actual[(n, value)]) != sorted(expected[(n, value)])]
    assert not wrong, f"ansi={ansi} zone={zone}: {len(wrong)} differ; (predicate, value, pushed, Spark): {wrong[:5]}"


def test_random_aggregates(spark, everything, seed):
    rng = random.Random(~seed)
    ansi, zone = rng.choice(("false", "true")), rng.choice(ZONES)
    with settings(spark, sql__ansi__enabled=ansi, sql__session__timeZone=zone):
        generator = Generator(rng, spark.table(everything).schema)
        where = _without_errors(spark, everything, [generator.predicate()])
        query = generator.aggregate(everything, where[0] if where else "true")
        answers = []
        for off in ({}, {**FILTERS, **AGGREGATES}):
            with settings(spark, **off):
                frame = spark.sql(query)
                try:
                    answers.append(spark_rows(frame))
                except Exception as error:  # the kind is compared
                    answers.append(type(error).__name__)
        if isinstance(answers[0], str) or isinstance(answers[1], str):
            assert answers[0] == answers[1], (query, answers)
        else:
            try:
                assert_rows(answers[0], answers[1], frame.columns)
            except AssertionError as error:
                raise AssertionError(f"ansi={ansi} zone={zone} {query}\n{described(spark.sql(query))}\n{error}") from None
