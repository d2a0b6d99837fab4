"""Random histories of DELETE, UPDATE and MERGE: every statement runs through Spark and in TiDB on a twin, and leaves the same rows.

The seed is printed; `--seed N` repeats a run, `--histories N` sets how many there are; each version of Spark has histories of its own. A statement's rows are chosen so that TiDB, which looks at
one row after the other, and Spark, for which uniqueness is that of the result, agree whether keys are taken.
"""
import random

import pyspark
import pytest

from support.dml import KINDS, Twins, definition
from support.sparks import settings

STATEMENTS = 6
WORDS = ["", "a", "A", "a ", "ü", "zebra", "10", "long enough to be cut"[:20]]
OPTIONS = [{}, {}, {"tispark__write__distribution": "none"}, {"tispark__write__distribution": "range"}, {"tispark__write__batch__bytes": "64k"},
           {"tispark__write__request__bytes": "1k"}]


def pytest_generate_tests(metafunc):
    """One test per history, each with a seed of its own derived from the run's."""
    if "history_seed" in metafunc.fixturenames:
        config = metafunc.config
        base = config.getoption("--seed")
        if base is None:
            base = config.stash.setdefault(_SEED, random.SystemRandom().randrange(1 << 31))
        print(f"random DML: --seed {base}")
        first = base + (1_000_000 if pyspark.__version__ >= "4" else 0)
        metafunc.parametrize("history_seed", [first + number for number in range(config.getoption("--histories"))])


_SEED = pytest.StashKey[int]()


class History:
    """Makes statements, each as one for Spark and those for TiDB that do the same."""

    def __init__(self, rng: random.Random, oracle, kind: str):
        self.rng, self.oracle, self.kind, self.next, self.merges = rng, oracle, kind, 100, 0

    def fresh(self) -> int:
        """A distance by which rows can be moved without meeting others: more than all distances before and ten times them."""
        self.next *= 12
        return self.next

    def word(self) -> str:
        """A value of v, as SQL."""
        return "NULL" if self.rng.random() < 0.15 else f"'{self.rng.choice(WORDS)}'"

    def rows(self, count: int) -> list[tuple]:
        """Rows of a new table."""
        numbers = self.rng.sample(range(1, 400), count)
        return [(n, self.rng.randrange(5), None if self.rng.random() < 0.2 else n * 3, None if self.rng.random() < 0.1 else self.rng.choice(WORDS),
                 None if self.rng.random() < 0.1 else f"{self.rng.randrange(-9999, 9999)}.{self.rng.randrange(100):02}") for n in numbers]

    def condition(self, alias: str = "") -> str:
        """A condition that Spark and TiDB understand alike: of numbers, NULLs and sub-queries. (Texts compare by the column's collation in TiDB.)"""
        a, b = self.rng.randrange(2, 6), self.rng.randrange(400)
        simple = [f"{alias}id % {a} = {self.rng.randrange(a)}", f"{alias}id > {b}", f"{alias}g IN ({self.rng.randrange(5)}, {self.rng.randrange(5)})",
                  f"{alias}u IS NULL", f"{alias}u < {b * 3}", f"{alias}d BETWEEN -5000 AND {b * 10}", f"{alias}v IS NOT NULL", f"{alias}id = {b}",
                  f"length({alias}v) > 2", f"{alias}id IN (SELECT k FROM {{s}} WHERE n % {a} = 0)",
                  f"NOT EXISTS (SELECT 1 FROM {{s}} s WHERE s.k = {alias or '{t}.'}id)" if alias else f"{alias}g <> {self.rng.randrange(5)}"]
        chosen = self.rng.sample(simple, self.rng.choice((1, 1, 2)))
        return self.rng.choice((" AND ", " OR ")).join(chosen) if len(chosen) > 1 else chosen[0]

    def statement(self) -> tuple[str, ...]:
        """Any of them."""
        return self.rng.choice((self.delete, self.update, self.update, self.move, self.merge, self.merge))()

    def delete(self) -> tuple[str, ...]:
        """Rows of a condition."""
        return (f"DELETE FROM {{t}} WHERE {self.condition()}",)

    def update(self) -> tuple[str, ...]:
        """Columns that are no keys, or hold no unique values."""
        changes = self.rng.sample([f"v = {self.word()}", "d = coalesce(d, 0) + 1", "d = NULL", "d = id", "u = NULL", "v = concat(coalesce(substr(v, 1, 5), ''), id)",
                                   "d = -d"], self.rng.choice((1, 2)))
        names = {change.split(" ")[0]: change for change in changes}
        return (f"UPDATE {{t}} SET {', '.join(names.values())} WHERE {self.condition()}",)

    def move(self) -> tuple[str, ...]:
        """Keys, unique values and partition columns; all to places that are free, or all by one step."""
        to = self.fresh()
        change, order = self.rng.choice([(f"id = id + {to}", ""), (f"u = u + {to * 10}", ""), ("g = (g + 1) % 5", ""), (f"id = id + {to}, g = 4 - g", ""),
                                         (f"id = id + {to}, u = u + {to * 10}, v = 'moved'", "")])
        if self.rng.random() < 0.3:
            column = self.rng.choice(("id", "u"))
            return f"UPDATE {{t}} SET {column} = {column} + 1", f"UPDATE {{t}} SET {column} = {column} + 1 ORDER BY {column} DESC"
        return (f"UPDATE {{t}} SET {change} WHERE {self.condition()}{order}",)

    def merge(self) -> tuple[str, ...]:
        """All clauses. The source's keys are spread over the table's, and over free ones."""
        self.merges += 1
        free, divisor = self.fresh(), self.rng.randrange(2, 5)
        self.oracle.execute("DELETE FROM source")
        ids = [int(value) for value in self.oracle.names("SELECT id FROM {}".format(self.target))]
        known = self.rng.sample(ids, min(len(ids), self.rng.randrange(0, 30)))
        new = list(range(free, free + self.rng.randrange(0, 20)))
        values = [(k, self.rng.choice(WORDS), self.rng.randrange(100)) for k in known + new]
        if values:
            self.oracle.insert("source", values)
        word = self.word()
        clauses, after = [], []
        if self.rng.random() < 0.6:
            clauses.append(f"WHEN MATCHED AND s.n % {divisor} = 0 THEN DELETE")
            after.append(f"DELETE t FROM {{t}} t JOIN {{s}} s ON t.id = s.k WHERE s.n % {divisor} = 0 AND s.k < {free}")
        if self.rng.random() < 0.7 or not clauses:
            to = self.rng.choice(("v = s.w, d = s.n", f"u = -(s.k * 1000 + {self.merges * 20}), d = s.n", f"id = t.id + {free * 10}, v = s.w"))
            clauses.append(f"WHEN MATCHED THEN UPDATE SET {to}")
            guard = f"s.n % {divisor} <> 0 AND " if len(clauses) > 1 else ""
            after.append(f"UPDATE {{t}} t JOIN {{s}} s ON t.id = s.k SET {', '.join('t.' + part for part in to.split(', '))} WHERE {guard}s.k < {free}")
        if self.rng.random() < 0.7:
            clauses.append("WHEN NOT MATCHED THEN INSERT (id, g, v, d) VALUES (s.k, s.n % 5, s.w, s.n)")
        tidb = []
        if self.rng.random() < 0.4:
            clauses.append(f"WHEN NOT MATCHED BY SOURCE AND t.id % {divisor} = 1 THEN UPDATE SET v = {word}")
            tidb.append(f"UPDATE {{t}} t LEFT JOIN {{s}} s ON t.id = s.k SET t.v = {word} WHERE s.k IS NULL AND t.id % {divisor} = 1")
            if self.rng.random() < 0.5:
                clauses.append("WHEN NOT MATCHED BY SOURCE AND t.g = 3 THEN DELETE")
                tidb.append(f"DELETE t FROM {{t}} t LEFT JOIN {{s}} s ON t.id = s.k WHERE s.k IS NULL AND t.g = 3 AND t.id % {divisor} <> 1")
        tidb += after
        if any("INSERT" in clause for clause in clauses):
            tidb.append(f"INSERT INTO {{t}} (id, g, v, d) SELECT k, n % 5, w, n FROM {{s}} WHERE k >= {free}")
        return f"MERGE INTO {{t}} t USING {{s}} s ON t.id = s.k {' '.join(clauses)}", *(tidb or ["DELETE FROM {t} WHERE FALSE"])

    target = ""


def test_history(spark, cluster, oracle, database, history_seed):
    rng = random.Random(history_seed)
    kind = rng.choice(sorted(KINDS))
    name = f"history_{history_seed}"
    oracle.execute("DROP TABLE IF EXISTS source", "CREATE TABLE source (k BIGINT PRIMARY KEY, w VARCHAR(20), n INT)")
    history = History(rng, oracle, kind)
    history.target = f"{name}_twin"
    twins = Twins(spark, cluster, oracle, database, name).create(definition(kind), history.rows(rng.choice((0, 5, 60, 60))))
    oracle.insert("source", [(k, rng.choice(WORDS), rng.randrange(100)) for k in rng.sample(range(1, 500), 40)])
    options = rng.choice(OPTIONS)
    print(f"{kind} {definition(kind)} {options}")
    with settings(spark, **options):
        for _ in range(STATEMENTS):
            statement = history.statement()
            print("\n  ".join(statement))
            twins.run(*statement)
    twins.assert_intact()
    twins.drop()
