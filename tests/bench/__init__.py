"""`make bench`: this connector beside its peers and beside what the machine can give, measured in one run.

    run (shell) -> cli -> place      a cluster, TPC-H loaded once
                      -> contenders  who works: Spark with the connector, with JDBC, TiDB itself, raw floors
                      -> reads, writes, growth   what is done: a list of `Work`
                      -> runner      warm-up, then rounds A B C A B C ...
                      -> goals, report, chart    what came out: terminal, JSON, SVG
    page                             writes docs/performance.md from the JSON

Spark runs in a process of its own per version (spark_worker), which answers requests by lines of JSON and is idle in between.
A benchmark is no test: a goal that is missed is printed as missed. Only a contender that fails, or a connector whose answer is not
TiDB's, makes the exit code 1.
"""
import pathlib

REPO = pathlib.Path(__file__).resolve().parents[2]
"""The root of the repository."""
