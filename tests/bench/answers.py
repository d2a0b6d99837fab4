"""What contenders answer, made comparable: rows as a digest, sizes of metrics as numbers."""
from __future__ import annotations

import datetime
import decimal
import hashlib
import re


_DIGITS = decimal.Context(prec=100)


def canonical(rows) -> str:
    """The digest of an answer, whoever gave it: decimals by value, because Spark and TiDB give sums other scales."""
    def text(value):
        if value is None:
            return "\\N"
        if isinstance(value, bool):
            return str(int(value))
        if isinstance(value, (int, float, decimal.Decimal)):
            return format(decimal.Decimal(str(value)).normalize(_DIGITS), "f")
        if isinstance(value, (datetime.date, datetime.datetime)):
            return value.isoformat()
        return str(value)

    return hashlib.sha256("\n".join("\t".join(text(value) for value in row) for row in rows).encode()).hexdigest()[:16]


def mebibytes(text: str) -> float:
    """A size of a metric ("12.5 MiB") in MiB; -1 for another text."""
    found = re.match(r"([\d.]+) (B|KiB|MiB|GiB|TiB)\b", text)
    return float(found[1]) * 1024.0 ** (("B", "KiB", "MiB", "GiB", "TiB").index(found[2]) - 2) if found else -1.0
