"""Writes through Spark, and what an error of one says."""
import time
from collections.abc import Callable

import pytest
from pyspark.sql import DataFrame

from .sparks import CATALOG


def name_of(database: str, table: str) -> str:
    """The table's name in the catalog of the suites."""
    return f"{CATALOG}.{database}.`{table}`"


def append(frame: DataFrame, database: str, table: str, **options: str) -> None:
    """`writeTo(...).append()`; `__` in an option's name stands for a dot: append(f, d, t, write__mode="upsert")."""
    writer = frame.writeTo(name_of(database, table))
    for key, value in options.items():
        writer = writer.option(key.replace("__", "."), value)
    writer.append()


def messages(error: BaseException) -> str:
    """What a user sees of an error: its text and the texts of its causes, without stack traces."""
    thrown = getattr(error, "java_exception", None) or getattr(error, "_origin", None)
    out = [] if thrown is not None else [str(error)]
    while thrown is not None and len(out) < 20:
        out.append(str(thrown.toString()).split("\n\tat ")[0])
        out += [str(other.toString()).split("\n\tat ")[0] for other in thrown.getSuppressed()]
        thrown = thrown.getCause()
    return "\n".join(out)


def failure(action: Callable[[], object]) -> str:
    """The texts of the error with which the action must end; never a panic."""
    with pytest.raises(Exception) as caught:
        action()
    text = messages(caught.value)
    assert "panic" not in text.lower() and "internal error" not in text.lower() and "INTERNAL_ERROR" not in text, text
    return text


def named(text: str, *needed: str) -> str:
    """The text, which must have all of the needed parts, in any case."""
    missing = [part for part in needed if part.lower() not in text.lower()]
    assert not missing, f"{missing} not in:\n{text}"
    return text


def eventually(check: Callable[[], object], seconds: float, step: float = 0.5) -> None:
    """Repeats a check that asserts until it holds; its last failure after `seconds`."""
    end = time.monotonic() + seconds
    while True:
        try:
            check()
            return
        except AssertionError:
            if time.monotonic() > end:
                raise
        time.sleep(step)
