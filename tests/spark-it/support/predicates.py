"""Random predicates and aggregates of Spark SQL over the columns of a table, and a table with columns of every type for them."""
import random

from pyspark.sql import types as T

from .all_types import CASES, SET_CASE

ROWS = 48
LONG = ("repeat(",)
LEFT_OUT = {"varchar_gbk", "varchar_latin1"}
"""Their text is not UTF-8 in the stores; other suites look at them."""

COLLATED = ["utf8mb4_0900_ai_ci", "utf8mb4_unicode_ci", "utf8mb4_general_ci", "utf8mb4_bin"]
WORDS = ["'a'", "'A'", "'a '", "'á'", "'ß'", "'ss'", "'b%'", "'b_'", "''", "'aB'", "'\\\\'"]


def create_table(oracle, name: str) -> None:
    """Every row has a random one of the difficult values of each column, and NULLs; always the same ones."""
    rng = random.Random(20_261_121)
    cases = [case for case in [*CASES, SET_CASE] if case.name not in LEFT_OUT]
    columns = ["id INT PRIMARY KEY", *(f"`{case.name}` {case.mysql}" for case in cases), *(f"w{n} VARCHAR(10) COLLATE {c}" for n, c in enumerate(COLLATED))]
    oracle.execute(f"CREATE TABLE {name} ({', '.join(columns)})")
    for number in range(ROWS):
        values = [rng.choice([v for v in case.values if not v.startswith(LONG)]) if rng.random() < 0.85 else "NULL" for case in cases]
        values += [rng.choice(WORDS) if rng.random() < 0.85 else "NULL" for _ in COLLATED]
        oracle.execute(f"INSERT INTO {name} VALUES ({number}, {', '.join(values)})")


class Generator:
    """Expressions of one table. Seeded, so that a run can be repeated."""

    def __init__(self, rng: random.Random, schema: T.StructType):
        self.rng = rng
        self.fields: dict[str, list[T.StructField]] = {}
        for field in schema.fields:
            self.fields.setdefault(self._family(field.dataType), []).append(field)

    @staticmethod
    def _family(kind: T.DataType) -> str:
        if isinstance(kind, (T.ByteType, T.ShortType, T.IntegerType, T.LongType)):
            return "integer"
        names = {T.DecimalType: "decimal", T.DoubleType: "real", T.FloatType: "real", T.StringType: "text", T.BinaryType: "bytes", T.BooleanType: "boolean",
                 T.DateType: "date", T.TimestampType: "timestamp", T.TimestampNTZType: "datetime", T.DayTimeIntervalType: "time"}
        return names[type(kind)]

    def _column(self, family: str) -> str:
        return f"`{self.rng.choice(self.fields[family]).name}`"

    def _literal(self, family: str) -> str:
        rng = self.rng
        # (Spark 3.5 asserts that there is no boolean NULL in what it offers to a source, whichever it is.)
        if family != "boolean" and rng.random() < 0.06:
            kinds = {"integer": "INT", "decimal": "DECIMAL(10,2)", "real": "DOUBLE", "text": "STRING", "bytes": "BINARY", "boolean": "BOOLEAN", "date": "DATE",
                     "timestamp": "TIMESTAMP", "datetime": "TIMESTAMP_NTZ", "time": "INTERVAL DAY TO SECOND"}
            return f"CAST(NULL AS {kinds[family]})"
        if family == "integer":
            return rng.choice(("0", "1", "-1", "127", "-128", "32767", "2147483647", "9223372036854775807L", str(rng.randint(-200, 200))))
        if family == "decimal":
            return rng.choice(("0.0", "1.00", "-99999.99", "0.1", "1234567.89", "12345678901234567890.5", "0.00000000000000000001")) + "BD"
        if family == "real":
            return rng.choice(("0D", "-0D", "1.5D", "0.1D", "-1E300", "1.7976931348623157E308", "16777217D"))
        if family == "text":
            return rng.choice(("''", "'a'", "'A'", "'a  '", "'😀 é 漢字'", "'ss'", "'x'", "'plain'", "'B'", "'b%'"))
        if family == "bytes":
            return rng.choice(("X''", "X'00'", "X'00FF00'", "X'61'"))
        if family == "boolean":
            return rng.choice(("true", "false"))
        if family == "date":
            return f"DATE '{rng.choice(('0001-01-01', '1582-10-10', '1969-12-31', '1970-01-01', '2000-02-29', '2024-02-29', '9999-12-31'))}'"
        if family == "time":
            return rng.choice(("INTERVAL '0' SECOND", "INTERVAL '-1' SECOND", "INTERVAL '1 00:00:00' DAY TO SECOND", "INTERVAL '100:00:00.5' HOUR TO SECOND"))
        moment = rng.choice(("1970-01-01 00:00:01", "2024-03-10 07:00:00", "2038-01-19 03:14:07", "1969-12-31 23:59:59.999999", "2024-02-29 12:00:00.123456"))
        return f"{'TIMESTAMP' if family == 'timestamp' else 'TIMESTAMP_NTZ'} '{moment}'"

    def value(self, family: str, depth: int) -> str:
        """An expression of a family of types."""
        rng = self.rng
        roll = rng.random()
        if depth <= 0 or roll < 0.5:
            return self._column(family)
        if roll < 0.65:
            return self._literal(family)

        def inner(of: str = family) -> str:
            return self.value(of, depth - 1)

        general = [lambda: f"COALESCE({inner()}, {inner()})", lambda: f"CASE WHEN {self.predicate(depth - 1)} THEN {inner()} ELSE {inner()} END",
                   lambda: f"IF({self.predicate(depth - 1)}, {inner()}, {inner()})"]
        own = {
            "integer": [lambda: f"({inner()} {rng.choice('+-*')} {inner()})", lambda: f"({inner()} % {inner()})", lambda: f"abs({inner()})", lambda: f"(- {inner()})",
                        lambda: f"({inner()} {rng.choice('&|^')} {inner()})", lambda: f"(~ {inner()})", lambda: f"length({inner('text')})",
                        lambda: f"{rng.choice(('year', 'month', 'day', 'dayofweek', 'dayofyear', 'weekday', 'quarter', 'weekofyear'))}({inner('date')})",
                        lambda: f"{rng.choice(('hour', 'minute', 'second', 'year'))}({inner(rng.choice(('timestamp', 'datetime')))})",
                        lambda: f"datediff({inner('date')}, {inner('date')})", lambda: f"CAST({inner()} AS BIGINT)", lambda: f"CAST({inner('boolean')} AS INT)",
                        lambda: f"greatest({inner()}, {inner()})", lambda: f"CAST({inner('decimal')} AS INT)"],
            "decimal": [lambda: f"({inner()} {rng.choice('+-*')} {inner()})", lambda: f"({inner()} / {inner()})", lambda: f"abs({inner()})",
                        lambda: f"CAST({inner('integer')} AS DECIMAL(20, 2))", lambda: f"CAST({inner()} AS DECIMAL(30, 10))", lambda: f"round({inner()}, 1)"],
            "real": [lambda: f"({inner()} {rng.choice('+-*/')} {inner()})", lambda: f"abs({inner()})", lambda: f"CAST({inner('integer')} AS DOUBLE)",
                     lambda: f"sqrt({inner()})", lambda: f"floor({inner()})", lambda: f"CAST({inner('decimal')} AS DOUBLE)"],
            "text": [lambda: f"{rng.choice(('upper', 'lower', 'trim', 'ltrim', 'rtrim'))}({inner()})", lambda: f"concat({inner()}, {inner()})",
                     lambda: f"substring({inner()}, {rng.randint(-3, 3)}, {rng.randint(0, 4)})", lambda: f"CAST({inner('integer')} AS STRING)"],
            "date": [lambda: f"date_add({inner()}, {rng.randint(-400, 400)})", lambda: f"CAST({inner('datetime')} AS DATE)", lambda: f"trunc({inner()}, 'MONTH')"],
            "timestamp": [lambda: f"CAST({inner('date')} AS TIMESTAMP)"],
            "datetime": [lambda: f"CAST({inner('date')} AS TIMESTAMP_NTZ)"],
            "boolean": [lambda: f"({self.predicate(depth - 1)})"],
        }.get(family, [])
        return rng.choice(own * 2 + general)()

    def predicate(self, depth: int = 2) -> str:
        """A condition."""
        rng = self.rng
        roll = rng.random()
        if depth > 0 and roll < 0.3:
            return rng.choice((f"({self.predicate(depth - 1)}) AND ({self.predicate(depth - 1)})", f"({self.predicate(depth - 1)}) OR ({self.predicate(depth - 1)})",
                               f"NOT ({self.predicate(depth - 1)})"))
        family = rng.choice([name for name in self.fields if name != "boolean"] + ["integer", "decimal", "text"])

        def value() -> str:
            return self.value(family, depth)

        choices = [lambda: f"{value()} {rng.choice(('=', '<>', '<', '<=', '>', '>=', '<=>'))} {value()}"] * 3
        choices += [lambda: f"{self._column(family)} {rng.choice(('=', '<>', '<', '<=', '>', '>=', '<=>'))} {self._literal(family)}"] * 4
        choices += [lambda: f"{value()} IN ({', '.join(self._literal(family) for _ in range(rng.randint(1, 4)))})", lambda: f"{value()} BETWEEN {value()} AND {value()}",
                    lambda: f"{value()} IS {rng.choice(('', 'NOT '))}NULL", lambda: self._column("boolean")]
        if family == "text":
            pattern = rng.choice(("a%", "%a", "%a%", "", "A%", "%é%", "a", "\\\\_%", "b\\\\%%"))
            choices += [lambda: f"{value()} LIKE '{pattern}'"] * 2
        return rng.choice(choices)()

    def aggregate(self, table: str, where: str) -> str:
        """A query with some aggregates, maybe in groups. No sums of doubles: their last digits depend on the order of the rows."""
        rng = self.rng
        families = list(self.fields)
        functions = ["count(*)"]
        for _ in range(rng.randint(1, 5)):
            function = rng.choice(("count", "min", "max", "sum", "min", "max"))
            family = rng.choice(("integer", "decimal")) if function == "sum" else rng.choice(families)
            argument = self.value(family, 1 if rng.random() < 0.3 else 0)
            functions.append(f"{function}({argument})")
        groups = [self._column(rng.choice(families)) for _ in range(rng.choice((0, 0, 1, 1, 2)))]
        columns = ", ".join(f"{item} AS c{n}" for n, item in enumerate(groups + functions))
        return f"SELECT {columns} FROM {table} WHERE {where}" + (f" GROUP BY {', '.join(groups)}" if groups else "")
