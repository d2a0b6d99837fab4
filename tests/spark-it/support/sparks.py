"""Spark sessions on the packaged jar, in this process or in a JVM of their own."""
import contextlib
import json
import os
import pathlib
import subprocess
import sys
from typing import NamedTuple

import pyspark
from pyspark.sql import SparkSession

SUITES = pathlib.Path(__file__).resolve().parent.parent
REPO = SUITES.parents[1]
CATALOG = "tidb_catalog"
TISPARK_CLASS = "org.apache.spark.sql.catalyst.catalog.TiCatalog"
OUR_CLASS = "io.tidbspark.TiCatalog"
EXTENSIONS = "io.tidbspark.TiExtensions"


def base_conf(jar: str, pd: str) -> dict[str, str]:
    """What every session of the suites starts with: one catalog, named as TiSpark's users name it."""
    scratch = REPO / "target" / f"spark-it-{pyspark.__version__}"
    return {
        "spark.jars": jar,
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.memory": "2g",
        # A thousand short queries: compiling their generated classes twice over costs more than it brings. The cache is as large as otherwise.
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.sql.shuffle.partitions": "4",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.warehouse.dir": str(scratch / "warehouse"),
        "spark.sql.ansi.enabled": "false",
        "spark.sql.extensions": EXTENSIONS,
        f"spark.sql.catalog.{CATALOG}": TISPARK_CLASS,
        f"spark.sql.catalog.{CATALOG}.pd.addresses": pd,
    }


def session(conf: dict[str, str], log_level: str = "ERROR") -> SparkSession:
    """A session, with two cores in this process unless the configuration names a master."""
    builder = SparkSession.builder.master(conf.get("spark.master", "local[2]")).appName("spark-it")
    for key, value in conf.items():
        builder = builder.config(key, value)
    made = builder.getOrCreate()
    made.sparkContext.setLogLevel(log_level)
    return made


@contextlib.contextmanager
def settings(spark: SparkSession, **values: str):
    """Session settings for the time of a block; `__` in a name stands for a dot.

    A name that begins with `tispark` gets Spark's prefix: settings(spark, tispark__types__bit="bigint").
    """
    keys = {f"spark.{name.replace('__', '.')}": value for name, value in values.items()}
    before = {key: spark.conf.get(key, None) for key in keys}
    try:
        for key, value in keys.items():
            spark.conf.set(key, value)
        yield spark
    finally:
        for key, value in before.items():
            if value is None:
                spark.conf.unset(key)
            else:
                spark.conf.set(key, value)


class OwnJvm(NamedTuple):
    """What a JVM of its own has left."""

    answers: list[dict]
    """One per statement: {"rows": canonical rows} or {"error": text, "kind": class}; and seconds, resident_kib, files (open)."""
    log: str
    """Its warnings and errors."""


def own_jvm(conf: dict[str, str], statements: list[str], java_options: str = "", timeout: float = 180, locations: bool = False) -> OwnJvm:
    """Runs SQL statements in a new JVM (support/own_jvm.py); with `locations` answers have the hosts that the tasks of the last stage prefer."""
    conf = dict(conf)
    if java_options:
        conf["spark.driver.extraJavaOptions"] = java_options
    request = json.dumps({"conf": conf, "statements": statements, "locations": locations})
    result = subprocess.run([sys.executable, "-m", "support.own_jvm"], cwd=SUITES, input=request, text=True,
                            capture_output=True, timeout=timeout, check=False, env={**os.environ, "SPARK_LOCAL_HOSTNAME": conf["spark.driver.host"]})
    if result.returncode != 0:
        raise AssertionError(f"the other JVM ended with {result.returncode}:\n{result.stderr[-4000:]}")
    return OwnJvm(json.loads(result.stdout.splitlines()[-1]), result.stderr)
