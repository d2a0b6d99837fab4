"""TiDB as the oracle: statements, and rows as the bytes of the text protocol."""
import pymysql
from pymysql.converters import conversions

# Encoders stay, decoders go: every value arrives as str or bytes.
_NO_DECODING = {key: value for key, value in conversions.items() if not isinstance(key, int)}


class Oracle:
    """A connection in UTC without strict mode, so that tests can write zero dates."""

    def __init__(self, status: dict, database: str | None = None):
        tidb = status["tidb"]
        self._connection = pymysql.connect(
            host=tidb["host"], port=tidb["port"], user=tidb["user"], database=database, autocommit=True,
            charset="utf8mb4", conv=_NO_DECODING, local_infile=True)
        self.execute("SET time_zone = '+00:00', sql_mode = ''")

    def execute(self, *statements: str) -> int:
        """Runs statements; the affected rows of the last one."""
        count = 0
        with self._connection.cursor() as cursor:
            for statement in statements:
                count = cursor.execute(statement)
        return count

    def insert(self, table: str, rows: list[tuple], columns: str = "") -> None:
        """INSERT of Python values, in statements of some 500 rows."""
        with self._connection.cursor() as cursor:
            for begin in range(0, len(rows), 500):
                part = rows[begin:begin + 500]
                marks = "(" + ", ".join(["%s"] * len(part[0])) + ")"
                cursor.execute(f"INSERT INTO {table} {columns} VALUES " + ", ".join([marks] * len(part)),
                               [value for row in part for value in row])

    def rows(self, sql: str) -> list[tuple]:
        """The answer, values as str, bytes or None."""
        with self._connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())

    def names(self, sql: str) -> list[str]:
        """The first column of the answer."""
        return [row[0] for row in self.rows(sql)]

    def one(self, sql: str):
        """The first value of the answer."""
        return self.rows(sql)[0][0]

    def use(self, database: str) -> None:
        """Makes the database the current one."""
        self._connection.select_db(database)

    def table_id(self, database: str, table: str) -> int:
        """TiDB's id of a table, for fault rules."""
        return int(self.one("SELECT tidb_table_id FROM information_schema.tables "
                            f"WHERE table_schema = '{database}' AND table_name = '{table}'"))

    def close(self) -> None:
        """Ends the connection."""
        self._connection.close()
