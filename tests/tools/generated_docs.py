#!/usr/bin/env python3
"""Writes the pages of docs/ that come from code, or checks that they are current.

    generated_docs.py [--check] --jar JAR types errors pushdown configuration

types, errors, pushdown: `cargo run -p ti-engine --example pages`, from the codec's type table, the engine's ErrorKind and its table of
functions that are pushed down.
configuration: `io.tidbspark.config.ConfigurationDoc` of the packaged jar, from its list of settings; Spark's classes come from PySpark.
"""
import argparse
import difflib
import pathlib
import subprocess
import sys
import tempfile

REPO = pathlib.Path(__file__).resolve().parents[2]
DOCS = REPO / "docs"


def _native_page(page: str) -> str:
    command = ["cargo", "run", "--release", "--locked", "--quiet", "-p", "ti-engine", "--example", "pages", "--", page]
    return subprocess.run(command, cwd=REPO, check=True, stdout=subprocess.PIPE, text=True).stdout


def _configuration_page(jar: str) -> str:
    spark = next((REPO / "target" / "venv-spark-3.5" / "lib").glob("python*/site-packages/pyspark/jars"))
    with tempfile.TemporaryDirectory() as folder:
        page = pathlib.Path(folder) / "configuration.md"
        command = ["java", "-cp", f"{jar}:{spark}/*", "io.tidbspark.config.ConfigurationDoc", str(page)]
        subprocess.run(command, check=True)
        return page.read_text()


def main() -> int:
    """Exit code 1 when a page is not current."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a page differs")
    parser.add_argument("--jar", required=True, help="a packaged jar for Spark 3.5")
    parser.add_argument("pages", nargs="+")
    args = parser.parse_args()
    stale = False
    for page in args.pages:
        text = _configuration_page(args.jar) if page == "configuration" else _native_page(page)
        path = DOCS / f"{page}.md"
        if not args.check:
            path.write_text(text)
            continue
        now = path.read_text() if path.exists() else ""
        if now != text:
            stale = True
            print(f"docs/{page}.md is not current (make docs):", file=sys.stderr)
            difference = difflib.unified_diff(now.splitlines(), text.splitlines(), "docs", "code", lineterm="", n=1)
            print("\n".join(list(difference)[:40]), file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
