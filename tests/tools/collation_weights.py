#!/usr/bin/env python3
"""Asks a TiDB for the weights of all characters under its collations, and writes the tables of native/codec/src/collation.

    collation_weights.py HOST PORT [FOLDER]        run by a python that has PyMySQL, such as that of target/venv

The weights of a text are those of its characters, one after the other, so a table holds for every code point its weights (16 bits each, up to
eight of them). Format of a table: runs of code points from U+0000 to U+10FFFF, without the surrogates, each

    length varint | kind u8 | what the kind needs          numbers: varint = base 128, low groups first; signed ones zigzag; u16 big-endian
    0 unknown: TiDB fails on them        -
    1 the code point itself              -
    2 one weight for all                 u16
    3 no weights                         -
    4 implicit                           base u16; the weights are base + (code point >> 15) and (code point & 0x7fff | 0x8000)
    5 Hangul syllables                   the weights of their two or three Jamo
    6 one weight each, evenly apart      difference of the first one to `last`, step, both signed
    7 listed                             for each: number of weights u8, difference of the first one to `last` (signed), the others u16

`last` is the first weight of the code point before, among those of kinds 6 and 7; 0 at first.
"""
import pathlib
import sys

COLLATIONS = ("utf8mb4_general_ci", "utf8mb4_unicode_ci", "utf8mb4_0900_ai_ci")
FOLDER = pathlib.Path(__file__).resolve().parents[2] / "native" / "codec" / "src" / "collation"
END = 0x110000
SURROGATES = range(0xD800, 0xE000)
DATABASE = "collation_weights"
PAGE = 0x4000
IMPLICIT = (0xFB40, 0xFB80, 0xFBC0)
HANGUL = range(0xAC00, 0xD7A4)
# Ends every text that is asked for, so that spaces before it count.
TAIL = "a"


def load(cursor) -> None:
    """Puts all characters into a table."""
    cursor.execute(f"CREATE DATABASE {DATABASE}")
    cursor.execute(f"USE {DATABASE}")
    cursor.execute("CREATE TABLE characters (n INT PRIMARY KEY, c VARCHAR(1) CHARACTER SET utf8mb4)")
    points = [p for p in range(END) if p not in SURROGATES]
    for start in range(0, len(points), PAGE):
        rows = ", ".join(f"({p}, x'{chr(p).encode().hex()}')" for p in points[start:start + PAGE])
        cursor.execute(f"INSERT INTO characters VALUES {rows}")


def ask(cursor, collation: str, points: range) -> dict[int, tuple[int, ...] | None]:
    """The weights of code points; None where TiDB fails."""
    import pymysql  # only in the virtual environment

    try:
        cursor.execute(f"SELECT n, HEX(WEIGHT_STRING(CONCAT(c COLLATE {collation}, '{TAIL}'))) FROM characters "
                       f"WHERE n >= {points.start} AND n < {points.stop}")
    except pymysql.MySQLError:
        if len(points) == 1:
            return {points.start: None}
        middle = points.start + len(points) // 2
        return (ask(cursor, collation, range(points.start, middle))
                | ask(cursor, collation, range(middle, points.stop)))
    rows = {n: text if isinstance(text, str) else text.decode() for n, text in cursor.fetchall()}
    return {n: tuple(int(text[i:i + 4], 16) for i in range(0, len(text), 4)) for n, text in rows.items()}


def weights(cursor, collation: str) -> dict[int, tuple[int, ...] | None]:
    """The weights of all code points."""
    tail = ask(cursor, collation, range(ord(TAIL), ord(TAIL) + 1))[ord(TAIL)][1:]
    table = {}
    for start in range(0, END, PAGE):
        for point, found in ask(cursor, collation, range(start, start + PAGE)).items():
            assert found is None or found[-1:] == tail, hex(point)
            table[point] = None if found is None else found[:-1]
    assert len(table) == END - len(SURROGATES), len(table)
    return table


def rule(table: dict, point: int) -> tuple | None:
    """Kind, and what it needs, of a code point whose weights are not listed."""
    found = table[point]
    if found is None:
        return (0,)
    if found == (point,):
        return (1,)
    if found == (0xFFFD,):
        return (2, *found)
    if not found:
        return (3,)
    for base in IMPLICIT:
        if found == (base + (point >> 15), point & 0x7FFF | 0x8000):
            return (4, base)
    if point in HANGUL:
        index = point - HANGUL.start
        jamo = [0x1100 + index // 588, 0x1161 + index % 588 // 28] + ([0x11A7 + index % 28] if index % 28 else [])
        if found == tuple(weight for j in jamo for weight in table[j]):
            return (5,)
    return None


def varint(number: int) -> bytes:
    """Unsigned, base 128."""
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def signed(number: int) -> bytes:
    """Zigzag."""
    return varint(number * 2 if number >= 0 else -number * 2 - 1)


def steady(points: list[int], table: dict, start: int) -> int:
    """How many code points from `start` on have one weight each, evenly apart."""
    end = start
    while end < len(points) and len(table[points[end]]) == 1:
        if end - start >= 2:
            a, b, c = (table[points[i]][0] for i in (end - 2, end - 1, end))
            if c - b != b - a:
                break
        end += 1
    return end - start


def encode(table: dict) -> bytes:
    """The table in the format of the file."""
    out = bytearray()
    last = 0
    points = sorted(table)
    at = 0
    while at < len(points):
        kind = rule(table, points[at])
        end = at
        while end < len(points) and rule(table, points[end]) == kind:
            end += 1
        if kind is not None:
            out += varint(end - at) + bytes(kind[:1]) + b"".join(n.to_bytes(2, "big") for n in kind[1:])
            at = end
            continue
        run = points[:end]
        while at < end:
            length = steady(run, table, at)
            if length >= 3:
                first, second = (table[points[i]][0] for i in (at, at + 1))
                out += varint(length) + b"\x06" + signed(first - last) + signed(second - first)
                last = table[points[at + length - 1]][0]
                at += length
                continue
            stop = at
            while stop < end and steady(run, table, stop) < 3:
                stop += 1
            out += varint(stop - at) + b"\x07"
            for point in points[at:stop]:
                found = table[point]
                out += bytes([len(found)]) + signed(found[0] - last)
                out += b"".join(n.to_bytes(2, "big") for n in found[1:])
                last = found[0]
            at = stop
    return bytes(out)


def main() -> int:
    """Writes one file for each collation."""
    import pymysql

    host, port, *rest = sys.argv[1:]
    folder = pathlib.Path(rest[0]) if rest else FOLDER
    cursor = pymysql.connect(host=host, port=int(port), user="root", charset="utf8mb4", autocommit=True).cursor()
    load(cursor)
    for collation in COLLATIONS:
        data = encode(weights(cursor, collation))
        (folder / f"{collation}.weights").write_bytes(data)
        print(f"{collation}: {len(data)} bytes")
    cursor.execute(f"DROP DATABASE {DATABASE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
