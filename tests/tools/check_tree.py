#!/usr/bin/env python3
"""Checks of the tree that no compiler makes: the length of source files, that the paths which the documents name exist, that every test is compiled."""
import pathlib
import re
import subprocess
import sys

REPO = pathlib.Path(__file__).resolve().parents[2]

# Lines of a source file. What is longer has a seam that somebody should look for; or stands in ALLOWED with the reason why not.
LIMIT = 450
SOURCES = (".rs", ".scala", ".java", ".go", ".py")
ALLOWED: dict[str, str] = {}

DOCUMENTS = ("README.md", "CONTRIBUTING.md", "docs/architecture.md", "docs/types.md", "docs/reading-the-past.md", "docs/adr")
# `path` in back-quotes that begins with a folder or file of the repository's root. Made by a build: target/, dist/.
QUOTED = re.compile(r"`([A-Za-z0-9_.\-]+(?:/[A-Za-z0-9_.\-]+)*/?)`")
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)")


def tracked() -> list[str]:
    """Files that git knows or would add."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, cwd=REPO, capture_output=True, text=True, check=True).stdout
    return [name for name in listing.splitlines() if (REPO / name).exists()]


def long_files(files: list[str]) -> list[str]:
    """Source files over the limit, and exceptions that are not needed any more."""
    lengths = {name: len((REPO / name).read_bytes().splitlines()) for name in files if name.endswith(SOURCES)}
    wrong = [f"{name} has {lines} lines; split it (limit {LIMIT}), or give a reason in tests/tools/check_tree.py"
             for name, lines in sorted(lengths.items()) if lines > LIMIT and name not in ALLOWED]
    return wrong + [f"{name} is allowed to be long and is not: remove it from tests/tools/check_tree.py"
                    for name in ALLOWED if lengths.get(name, 0) <= LIMIT]


def dead_paths(files: list[str]) -> list[str]:
    """Paths in documents that lead nowhere."""
    roots = {name.split("/")[0] for name in files}
    wrong = []
    for entry in DOCUMENTS:
        path = REPO / entry
        for document in sorted(path.glob("*.md")) if path.is_dir() else [path] if path.exists() else []:
            text = document.read_text()
            named = [REPO / name for name in QUOTED.findall(text) if "/" in name and name.split("/")[0] in roots]
            named += [document.parent / name for name in LINK.findall(text)]
            wrong += [f"{document.relative_to(REPO)} names {name.resolve().relative_to(REPO)}, which is not there"
                      for name in named if not name.exists()]
    return wrong


def tests_that_do_not_run(files: list[str]) -> list[str]:
    """Files of Rust tests that are neither a module of their crate's one binary nor a binary of their own: nobody would compile them."""
    wrong = []
    for name in files:
        if not (found := re.fullmatch(r"native/(\w+)/tests/(\w+)\.rs", name)) or found[2] == "main":
            continue
        crate, stem = REPO / "native" / found[1], found[2]
        modules = (crate / "tests" / "main.rs").read_text().splitlines()
        if f"mod {stem};" not in modules and f'name = "{stem}"' not in (crate / "Cargo.toml").read_text().splitlines():
            wrong.append(f"{name} is not compiled: add `mod {stem};` to native/{found[1]}/tests/main.rs")
    return wrong


def main() -> int:
    """Exit code 1 when something is wrong."""
    files = tracked()
    wrong = long_files(files) + dead_paths(files) + tests_that_do_not_run(files)
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
