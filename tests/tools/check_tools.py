#!/usr/bin/env python3
"""Looks for the tools that building and testing need, and names what is missing with how to get it.

    check_tools.py            all of them
    check_tools.py cargo go   those only
"""
import re
import shutil
import subprocess
import sys
from typing import Callable, NamedTuple, Optional


class Tool(NamedTuple):
    """One program."""

    name: str
    """As it is called."""
    version: tuple[str, ...]
    """Command that prints its version."""
    minimum: tuple[int, ...]
    how: str
    """How to get it."""
    extra: Optional[Callable[[], Optional[str]]] = None
    """A further check: what is wrong, or None."""


def _venv() -> Optional[str]:
    try:
        import ensurepip  # noqa: F401  Debian puts it into a package of its own
        import venv  # noqa: F401
    except ImportError as error:
        return f"{error}; Debian: apt install python3-venv"
    return None


RUSTUP = "rustup (https://rustup.rs), or `rustup update stable`"
TOOLS = {
    tool.name: tool
    for tool in (
        Tool("cargo", ("cargo", "--version"), (1, 88), RUSTUP),
        Tool("rustfmt", ("rustfmt", "--version"), (1, 8), "rustup component add rustfmt"),
        Tool("cargo-clippy", ("cargo-clippy", "--version"), (0, 1, 88), "rustup component add clippy"),
        Tool("cc", ("cc", "--version"), (), "Debian: apt install build-essential; macOS: xcode-select --install"),
        Tool("go", ("go", "version"), (1, 23), "https://go.dev/dl (Debian: golang-go of backports, or any release since 1.23)"),
        Tool("java", ("java", "-version"), (17,), "Debian: apt install openjdk-17-jdk-headless"),
        Tool("javac", ("javac", "-version"), (17,), "a JDK, not a JRE; Debian: apt install openjdk-17-jdk-headless"),
        Tool("mvn", ("mvn", "--version"), (3, 8), "Debian: apt install maven"),
        Tool("python3", ("python3", "--version"), (3, 10), "Debian: apt install python3 python3-venv", _venv),
        Tool("git", ("git", "--version"), (2,), "Debian: apt install git"),
    )
}


def _found(tool: Tool) -> Optional[str]:
    """What is wrong with it, or None."""
    if shutil.which(tool.version[0]) is None:
        return "is missing"
    result = subprocess.run(tool.version, capture_output=True, text=True, check=False)
    text = re.sub("\x1b\\[[0-9;]*m", "", result.stdout + result.stderr)
    if result.returncode != 0:
        return f"does not run: {text.strip()[:300]}"
    numbers = re.search(r"(\d+(?:\.\d+)*)", text.replace("go version go", ""))
    version = tuple(int(part) for part in numbers.group(1).split(".")) if numbers else ()
    if tool.minimum and version < tool.minimum:
        wanted = ".".join(map(str, tool.minimum))
        return f"is of version {'.'.join(map(str, version))}; {wanted} or later is needed"
    return tool.extra() if tool.extra else None


def main(names: list[str]) -> int:
    """Exit code 1 when something is missing."""
    unknown = [name for name in names if name not in TOOLS]
    if unknown:
        print(f"unknown tools: {', '.join(unknown)}; known: {', '.join(TOOLS)}", file=sys.stderr)
        return 2
    wrong = [(tool, what) for tool in (TOOLS[name] for name in names or TOOLS) if (what := _found(tool))]
    for tool, what in wrong:
        print(f"{tool.name} {what}. To get it: {tool.how}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
