"""Queries that the stores answer in part: this connector, TiDB itself and Spark's JDBC source, for tests/bench/run.

COUNT(*), TPC-H's Q1 and Q6, and a look-up of a few rows through an index. Spark offers arithmetic to a source only in ANSI mode
(`spark.sql.ansi.enabled=true`, the default from Spark 4.0 on), and Q1 and Q6 multiply before they sum: all is measured in that mode.
"""
import json
import statistics
import subprocess

INDEX = "CREATE INDEX bench_custkey ON tpch.orders (o_custkey)"
QUERIES = {
    "count": "SELECT count(*) FROM lineitem",
    "q1": "SELECT l_returnflag, l_linestatus, sum(l_quantity), sum(l_extendedprice), sum(l_extendedprice * (1 - l_discount)), "
          "sum(l_extendedprice * (1 - l_discount) * (1 + l_tax)), avg(l_quantity), avg(l_extendedprice), avg(l_discount), count(*) "
          "FROM lineitem WHERE l_shipdate <= DATE '1998-09-02' GROUP BY l_returnflag, l_linestatus ORDER BY l_returnflag, l_linestatus",
    "q6": "SELECT sum(l_extendedprice * l_discount) FROM lineitem WHERE l_shipdate >= DATE '1994-01-01' AND l_shipdate < DATE '1995-01-01' "
          "AND l_discount BETWEEN 0.05 AND 0.07 AND l_quantity < 24",
    "lookup": "SELECT * FROM orders WHERE o_custkey = 7",
}
CONTENDERS = ("tidb", "connector", "jdbc")


def measure(ask, rounds: int) -> dict:
    """Seconds by query and contender; `ask` sends one request to the Spark program and gives its answer."""
    ask({"prepare": [INDEX, "ANALYZE TABLE tpch.orders", "ANALYZE TABLE tpch.lineitem"]})
    results = {}
    for name, query in QUERIES.items():
        times = {who: [] for who in CONTENDERS}
        for who in CONTENDERS:
            ask({"contender": who, "query": query})
        for number in range(rounds):
            for who in CONTENDERS:
                times[who].append(ask({"contender": who, "query": query})["seconds"])
            print(f"{name}, round {number + 1}: " + ", ".join(f"{who} {t[-1]:.3f} s" for who, t in times.items()), flush=True)
        results[name] = {"seconds": times}
    return results


def report(results: dict, scale: str, spark: str, rounds: int) -> None:
    """Prints the medians."""
    print(f"\nqueries at scale {scale}, Spark {spark} in ANSI mode, median of {rounds} rounds")
    for name, result in results.items():
        medians = result["medians"] = {who: statistics.median(times) for who, times in result["seconds"].items()}
        print(f"  {name:<8}" + "".join(f" {who} {seconds:7.3f} s  " for who, seconds in medians.items()) +
              f" connector / tidb {medians['connector'] / medians['tidb']:.2f}, jdbc / connector {medians['jdbc'] / medians['connector']:.2f}")


def asker(process: subprocess.Popen, ended):
    """A function that sends a request to the program and gives its answer; `ended` is called when it has none."""
    def ask(request: dict) -> dict:
        process.stdin.write(json.dumps(request) + "\n")
        process.stdin.flush()
        return json.loads(process.stdout.readline() or ended())

    return ask
