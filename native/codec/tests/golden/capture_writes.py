#!/usr/bin/env python3
"""Writes golden/writes.txt: what a TiDB stores for the values of `write_cases.py`, or how it refuses them.

    python capture_writes.py STATUS.json > writes.txt

STATUS.json is what `tests/cluster/cluster status` prints; python needs PyMySQL (`tests/cluster/cluster venv` has it). Each value is a row of a table
of its own: `id BIGINT PRIMARY KEY, v <type>`, inserted by SQL with the default sql_mode and the session time zone UTC. The row's bytes come from TiDB's
MVCC endpoint, the column's type from its schema endpoint.
"""
import base64
import json
import re
import sys
import urllib.request

import pymysql

import write_cases

HEADER = """\
# What TiDB (github.com/pingcap/tidb at e4e814fdc0af) stores, captured by golden/capture_writes.py:
# = type as in CREATE TABLE | type code | flags | flen | decimal | charset | collation | elements in hexadecimal, comma separated
# then one value a line: Arrow type, value (text and bytes in hexadecimal, runs of a byte as `(78*300)`), and the bytes of the row whose only column has the id 2, or ! and the error"""


def hexadecimal(text: str) -> str:
    """UTF-8 of a text."""
    return text.encode().hex()


def packed(text: str) -> str:
    """Hexadecimal digits with runs of a byte as `(78*300)`."""
    parts = re.sub(r"(?:..)", lambda byte: byte[0] + " ", text).strip()
    return re.sub(r"\b(..)(?: \1){15,}\b", lambda run: f"({run[1]}*{(len(run[0]) + 1) // 3})", parts).replace(" ", "")


def shown(arrow: str, value: str) -> str:
    """A value as the file has it."""
    return packed(value) if arrow in ("utf8", "binary") else value


def literal(arrow: str, value: str) -> str:
    """The SQL literal of a value as the golden file writes it."""
    if arrow in ("utf8", "binary"):
        return f"_utf8mb4'{escaped(bytes.fromhex(value).decode())}'" if arrow == "utf8" else f"x'{value}'"
    if arrow in ("date", "ntz", "utc", "time", "vector"):
        return f"'{value}'"
    if arrow in ("f32", "f64"):
        return value if "e" in value else value + "e0"
    return value


def escaped(text: str) -> str:
    """A text inside of quotes."""
    return text.replace("\\", "\\\\").replace("'", "''").replace("\0", "\\0")


def fetch(status: dict, path: str) -> dict:
    """JSON of TiDB's status port."""
    tidb = status["tidb"]
    with urllib.request.urlopen(f"http://{tidb['host']}:{tidb['status_port']}/{path}") as answer:
        return json.load(answer)


def main() -> int:
    """Prints the file."""
    with open(sys.argv[1], encoding="utf-8") as file:
        status = json.load(file)
    tidb = status["tidb"]
    connection = pymysql.connect(host=tidb["host"], port=tidb["port"], user=tidb["user"], autocommit=True, charset="utf8mb4")
    cursor = connection.cursor()
    cursor.execute("DROP DATABASE IF EXISTS golden_writes")
    cursor.execute("CREATE DATABASE golden_writes")
    cursor.execute("SET time_zone = '+00:00'")
    print(HEADER)
    for number, (sql_type, values) in enumerate(write_cases.CASES):
        table = f"t{number}"
        cursor.execute(f"CREATE TABLE golden_writes.{table} (id BIGINT PRIMARY KEY, v {sql_type})")
        column = fetch(status, f"schema/golden_writes/{table}")["cols"][1]
        kind = column["type"]
        elements = ",".join("x" + hexadecimal(e) for e in kind["Elems"] or [])
        print("=", "|".join(str(field) for field in (
            sql_type, kind["Tp"], kind["Flag"], kind["Flen"], kind["Decimal"], kind["Charset"], kind["Collate"], elements)))
        assert column["id"] == 2, column
        for row, (arrow, value) in enumerate(values):
            try:
                cursor.execute(f"INSERT INTO golden_writes.{table} VALUES ({row}, {literal(arrow, value)})")
            except pymysql.MySQLError as error:
                message = "".join(c if c.isprintable() else "?" for c in str(error.args[1]))
                print(f"{arrow}|{shown(arrow, value)}|!{error.args[0]} {message[:120]}")
                continue
            mvcc = fetch(status, f"mvcc/key/golden_writes/{table}/{row}")["value"]["info"]
            print(f"{arrow}|{shown(arrow, value)}|{packed(base64.b64decode(mvcc['values'][0]['value']).hex())}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
