"""Where things are, and the environment variables that move them."""
import os
import pathlib

CLUSTER_SOURCE = pathlib.Path(__file__).resolve().parent.parent
"""tests/cluster"""

REPO = CLUSTER_SOURCE.parent.parent
TARGET = REPO / "target"
REQUIREMENTS = CLUSTER_SOURCE.parent / "requirements.txt"
VENV = TARGET / "venv"


def bin_dir() -> pathlib.Path:
    """Folder of pd-server, tidb-server and store (TIDB_SPARK_CLUSTER_BIN)."""
    return pathlib.Path(os.environ.get("TIDB_SPARK_CLUSTER_BIN") or TARGET / "cluster" / "bin").resolve()


def state_dir(name: str) -> pathlib.Path:
    """Folder of one cluster: state, data and logs (TIDB_SPARK_CLUSTER_DIR)."""
    return pathlib.Path(os.environ.get("TIDB_SPARK_CLUSTER_DIR") or TARGET / "cluster" / name).resolve()


class Failure(Exception):
    """Something the user can act on; printed without a stack trace."""
