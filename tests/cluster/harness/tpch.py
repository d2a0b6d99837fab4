"""Makes TPC-H data with tpchgen-cli and loads it through TiDB. Executed by the virtual environment:

    python -m harness.tpch HOST PORT USER [--scale 0.01] [--database tpch]

The comment of `lineitem` records a finished load, so that a second call with the same scale does
nothing. Loading replaces the eight tables and leaves others of the database alone.
"""
import argparse
import concurrent.futures
import pathlib
import subprocess
import sys
import tempfile
import time

from .sql import connect

TABLES = ("lineitem", "orders", "partsupp", "part", "customer", "supplier", "nation", "region")
CONNECTIONS = 4
ROWS_PER_PART = 100_000  # of lineitem; a LOAD DATA of this size stays far below TiDB's transaction limit


def _statements() -> list[str]:
    text = (pathlib.Path(__file__).parent / "tpch.sql").read_text()
    lines = [line for line in text.splitlines() if not line.startswith("--")]
    return [statement.strip() for statement in "\n".join(lines).split(";") if statement.strip()]


def _generate(folder: pathlib.Path, scale: float) -> list[tuple[str, pathlib.Path]]:
    """Files by table, the largest tables in parts."""
    parts = max(1, round(6_000_000 * scale / ROWS_PER_PART))
    tool = str(pathlib.Path(sys.executable).parent / "tpchgen-cli")
    files = []
    for tables, count in ((("lineitem", "orders"), parts), (TABLES[2:], 1)):
        command = [tool, "tbl", "-s", str(scale), f"--tables={','.join(tables)}", f"--output-dir={folder}"]
        if count > 1:
            command.append(f"--parts={count}")
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    for table in TABLES:
        found = sorted((folder / table).glob("*.tbl")) if (folder / table).is_dir() else [folder / f"{table}.tbl"]
        files += [(table, file) for file in found]
    return files


def _load(args: argparse.Namespace, table: str, file: pathlib.Path) -> int:
    connection = connect(args.host, args.port, args.user, database=args.database)
    try:
        with connection.cursor() as cursor:
            return cursor.execute(f"LOAD DATA LOCAL INFILE '{file}' INTO TABLE {table} "
                                  "FIELDS TERMINATED BY '|' LINES TERMINATED BY '|\\n'")
    finally:
        connection.close()


def main() -> int:
    """Loads and checks the number of rows against the files."""
    parser = argparse.ArgumentParser()
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("user")
    parser.add_argument("--scale", type=float, default=0.01)
    parser.add_argument("--database", default="tpch")
    args = parser.parse_args()
    if not 0 < args.scale <= 100 or not args.database.replace("_", "").isalnum():
        parser.error("a scale between 0 and 100 and a plain database name are needed")
    mark = f"TPC-H scale {args.scale:g}"
    begin = time.monotonic()
    connection = connect(args.host, args.port, args.user)
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE IF NOT EXISTS {args.database}")
        cursor.execute("SELECT table_comment FROM information_schema.tables WHERE table_schema = %s AND "
                       "table_name = 'lineitem'", (args.database,))
        if (row := cursor.fetchone()) and row[0] == mark:
            print(f"{mark} is loaded in {args.database} already")
            return 0
        cursor.execute(f"USE {args.database}")
        cursor.execute(f"DROP TABLE IF EXISTS {', '.join(TABLES)}")
        for statement in _statements():
            cursor.execute(statement)
        with tempfile.TemporaryDirectory() as folder:
            files = _generate(pathlib.Path(folder), args.scale)
            expected = dict.fromkeys(TABLES, 0)
            for table, file in files:
                with file.open("rb") as lines:
                    expected[table] += sum(1 for _ in lines)
            with concurrent.futures.ThreadPoolExecutor(CONNECTIONS) as pool:
                list(pool.map(lambda item: _load(args, *item), files))
        for table, rows in expected.items():
            cursor.execute(f"SELECT COUNT(*) FROM {table}")
            found = cursor.fetchone()[0]
            if found != rows:
                print(f"{table} has {found} rows, {rows} were generated", file=sys.stderr)
                return 1
        cursor.execute(f"ANALYZE TABLE {', '.join(TABLES)}")
        cursor.execute(f"ALTER TABLE lineitem COMMENT = '{mark}'")
    print(f"{mark}: {sum(expected.values())} rows in {time.monotonic() - begin:.1f} s, lineitem {expected['lineitem']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
