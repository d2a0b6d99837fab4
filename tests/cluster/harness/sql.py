"""Runs SQL through TiDB with PyMySQL. Executed by the python of the virtual environment:

    python -m harness.sql HOST PORT USER [--database DB] [--json]   < statements
"""
import argparse
import json
import sys


def connect(host: str, port: int, user: str = "root", password: str = "", database: str | None = None):
    """A PyMySQL connection with autocommit, LOAD DATA LOCAL and utf8mb4."""
    import pymysql  # only in the virtual environment

    return pymysql.connect(host=host, port=port, user=user, password=password, database=database,
                           autocommit=True, local_infile=True, charset="utf8mb4",
                           client_flag=pymysql.constants.CLIENT.MULTI_STATEMENTS)


def _text(value) -> str:
    if value is None:
        return "NULL"
    return "0x" + value.hex() if isinstance(value, bytes) else str(value)


def main() -> int:
    """Prints every result set, tab-separated with a header line, or as one JSON list per result set."""
    parser = argparse.ArgumentParser()
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("user")
    parser.add_argument("--database")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    import pymysql

    connection = connect(args.host, args.port, args.user, database=args.database)
    try:
        with connection.cursor() as cursor:
            cursor.execute(sys.stdin.read())
            while True:
                if cursor.description:
                    names = [column[0] for column in cursor.description]
                    rows = cursor.fetchall()
                    if args.json:
                        print(json.dumps([dict(zip(names, row)) for row in rows], default=_text))
                    else:
                        print("\t".join(names))
                        for row in rows:
                            print("\t".join(_text(value) for value in row))
                if not cursor.nextset():
                    return 0
    except pymysql.MySQLError as error:
        print(f"TiDB: {error}", file=sys.stderr)
        return 1
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main())
